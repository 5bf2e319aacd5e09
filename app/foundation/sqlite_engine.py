"""Tortoise's SQLite engine with transactions that take the write lock at once and survive cancellation.

The stock engine begins a deferred transaction, which fails at its first write when another process wrote in between,
leaks its lock when a task is cancelled while it begins, leaves a transaction open when a task is cancelled in a bulk
insert of its own, commits the transaction that a script is to run in, and asks with one more statement for the number
of each row that it inserts.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from tortoise.backends.base.client import ConnectionWrapper, TransactionalDBClient, TransactionContext
from tortoise.backends.sqlite.client import (
    SqliteClient,
    SqliteTransactionContext,
    SqliteTransactionWrapper,
    translate_exceptions,
)
from tortoise.exceptions import OperationalError, TransactionManagementError

from app.foundation.storage_faults import storage_fault

P = ParamSpec("P")
T = TypeVar("T")


class OneStatementInserts(SqliteClient):
    """Inserts of single rows as one statement each."""

    @translate_exceptions
    async def execute_insert(self, query: str, values: list[Any]) -> int:
        """Insert a row and return its number, which the cursor knows."""
        async with self.acquire_connection() as connection:
            cursor = await connection.execute(query, values)
            return int(cursor.lastrowid or 0)


class ImmediateWrapper(OneStatementInserts, SqliteTransactionWrapper):
    """A transaction that holds SQLite's write lock from its first statement.

    A cancelled task waits for the beginning or end that it is in: the file's lock never outlives it.
    """

    async def begin(self) -> None:
        """Begin with the write lock; waits ``busy_timeout`` for another process.

        Raises:
            OperationalError: the database stayed locked.
        """
        await _to_its_end(self._execute("BEGIN IMMEDIATE"), undo=self.rollback)

    async def commit(self) -> None:
        """Commit, or roll back where that fails.

        Raises:
            OperationalError: the commit failed.
        """
        await _to_its_end(self._commit())

    async def rollback(self) -> None:
        """Roll back."""
        await _to_its_end(super().rollback())

    async def execute_script(self, query: str) -> None:
        """Run the statements one by one: sqlite3's own way would commit the transaction first."""
        for statement in statements_of(query):
            await self._execute(statement)

    @translate_exceptions
    async def _execute(self, statement: str) -> None:
        async with self.acquire_connection() as connection:
            await connection.execute(statement)

    async def _commit(self) -> None:
        try:
            await super().commit()
        except sqlite3.OperationalError as fault:
            await super().rollback()
            raise OperationalError(fault) from fault


class ImmediateContext(SqliteTransactionContext):
    """Enters and leaves a transaction so that a failed or cancelled beginning leaves no lock behind."""

    def __init__(self, connection: ImmediateWrapper, lock: asyncio.Lock) -> None:
        super().__init__(connection, lock)
        self._release = lock.release

    async def ensure_connection(self) -> None:
        """Connect where that is yet to be done; the lock is held."""
        try:
            await super().ensure_connection()
        except BaseException:
            self._release()
            raise

    async def __aenter__(self) -> TransactionalDBClient:
        try:
            return await super().__aenter__()
        except BaseException as fault:
            # The task has the transaction's connection, and nothing is begun on it.
            if hasattr(self, "token"):
                await self.__aexit__(TransactionManagementError, fault, None)
            raise


class ReleasingWrapper(ConnectionWrapper[Any]):
    """The connection's lock, which is released where there is no connection to be had."""

    async def ensure_connection(self) -> None:
        """Connect where that is yet to be done; the lock is held."""
        try:
            await super().ensure_connection()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise


def _fault_translated(execute: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Say of a statement's fault whether the database is busy or away; transactions say it as a whole."""

    @wraps(execute)
    async def executed(*args: P.args, **options: P.kwargs) -> T:
        try:
            return await execute(*args, **options)
        except OperationalError as fault:
            meant = storage_fault(fault)
            if meant is None:
                raise
            raise meant from fault

    return executed


class ImmediateClient(OneStatementInserts):
    """The SQLite client whose transactions are immediate."""

    execute_insert = _fault_translated(OneStatementInserts.execute_insert)
    execute_query = _fault_translated(OneStatementInserts.execute_query)
    execute_query_dict = _fault_translated(OneStatementInserts.execute_query_dict)

    def __init__(self, file_path: str, **options: Any) -> None:  # noqa: ANN401 - the engine's own options
        super().__init__(file_path, **options)
        self._one_at_a_time = asyncio.Lock()

    async def create_connection(self, with_db: bool) -> None:
        """Connect with every pragma set, or not at all."""
        opening = asyncio.ensure_future(super().create_connection(with_db))
        try:
            await asyncio.shield(opening)
        except BaseException:
            await _settle(opening)
            if not opening.cancelled() and opening.exception() is not None:
                await _settle(asyncio.ensure_future(self.close()))
            raise

    def acquire_connection(self) -> ConnectionWrapper[Any]:
        """Return the one connection, for one statement."""
        return ReleasingWrapper(self._one_at_a_time, self)

    @_fault_translated
    async def execute_many(self, query: str, values: list[list[Any]]) -> None:
        """Insert many rows in a transaction of their own."""
        async with self._in_transaction() as connection:
            await connection.execute_many(query, values)

    def _in_transaction(self) -> TransactionContext:
        return ImmediateContext(ImmediateWrapper(self), self._one_at_a_time)


def statements_of(script: str) -> Iterator[str]:
    """Yield the statements of a script; a trigger's body is part of its statement."""
    statement = ""
    for piece in re.split(r"(?<=;)", script):
        statement += piece
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement


async def _to_its_end(
    act: Coroutine[Any, Any, None], undo: Callable[[], Coroutine[Any, Any, None]] | None = None
) -> None:
    """Do ``act`` to its end, also where the task is cancelled meanwhile: then ``undo`` it, if it was done."""
    acting = asyncio.ensure_future(act)
    try:
        await asyncio.shield(acting)
    except asyncio.CancelledError:
        await _settle(acting)
        # The exception is asked for in any case: the cancelled task does not wait for it.
        if not acting.cancelled() and acting.exception() is None and undo is not None:
            await _settle(asyncio.ensure_future(undo()))
        raise


async def _settle(task: asyncio.Future[Any]) -> None:
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            continue


client_class = ImmediateClient
