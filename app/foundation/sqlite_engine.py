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
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from tortoise.backends.base.client import ConnectionWrapper, TransactionalDBClient, TransactionContext
from tortoise.backends.sqlite.client import (
    SqliteClient,
    SqliteTransactionContext,
    SqliteTransactionWrapper,
    translate_exceptions,
)
from tortoise.connection import get_connections
from tortoise.exceptions import OperationalError


class OneStatementInserts(SqliteClient):
    """Inserts of single rows as one statement each."""

    @translate_exceptions
    async def execute_insert(self, query: str, values: list[Any]) -> int:
        """Insert a row and return its number, which the cursor knows."""
        async with self.acquire_connection() as connection:
            cursor = await connection.execute(query, values)
            return int(cursor.lastrowid or 0)


class ImmediateWrapper(OneStatementInserts, SqliteTransactionWrapper):
    """A transaction that holds SQLite's write lock from its first statement."""

    async def begin(self) -> None:
        """Begin with the write lock; waits ``busy_timeout`` for another process.

        Raises:
            OperationalError: the database stayed locked.
        """
        try:
            await self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as fault:
            raise OperationalError(fault) from fault

    async def execute_script(self, query: str) -> None:
        """Run the statements one by one: sqlite3's own way would commit the transaction first."""
        try:
            for statement in statements_of(query):
                await self._connection.execute(statement)
        except sqlite3.OperationalError as fault:
            raise OperationalError(fault) from fault


class ImmediateContext(SqliteTransactionContext):
    """Enters and leaves a transaction so that a cancelled task leaves neither a lock nor a transaction behind."""

    async def __aenter__(self) -> TransactionalDBClient:
        await self._trxlock.acquire()
        try:
            await self.ensure_connection()
            begun = asyncio.ensure_future(self.connection.begin())
            try:
                await asyncio.shield(begun)
            except asyncio.CancelledError:
                await _settle(begun)
                if not begun.cancelled() and begun.exception() is None:
                    await _settle(asyncio.ensure_future(self.connection.rollback()))
                raise
        except BaseException:
            self._trxlock.release()
            raise
        self.token = get_connections().set(self.connection_name, self.connection)
        return self.connection  # type: ignore[no-any-return]  # the base class leaves it untyped

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        ending = asyncio.ensure_future(self._end(failed=exc_type is not None))
        try:
            await asyncio.shield(ending)
        except asyncio.CancelledError:
            await _settle(ending)
            if not ending.cancelled():
                ending.exception()  # seen here: whoever was cancelled does not wait for it
            raise
        finally:
            get_connections().reset(self.token)
            self._trxlock.release()

    async def _end(self, *, failed: bool) -> None:
        if self.connection._finalized:  # noqa: SLF001 - the engine's own state
            return
        if failed:
            await self.connection.rollback()
            return
        try:
            await self.connection.commit()
        except sqlite3.OperationalError as fault:
            await self.connection.rollback()
            raise OperationalError(fault) from fault


class ReleasingWrapper(ConnectionWrapper[Any]):
    """The connection's lock, which is given back where there is no connection to be had."""

    async def __aenter__(self) -> Any:  # noqa: ANN401 - aiosqlite's connection
        await self._lock.acquire()
        try:
            await self.ensure_connection()
        except BaseException:
            self._lock.release()
            raise
        return self.connection


class ImmediateClient(OneStatementInserts):
    """The SQLite client whose transactions are immediate."""

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
        return ReleasingWrapper(self._lock, self)

    async def execute_many(self, query: str, values: list[list[Any]]) -> None:
        """Insert many rows in a transaction of their own."""
        async with self._in_transaction() as connection:
            await connection.execute_many(query, values)

    def _in_transaction(self) -> TransactionContext:
        return ImmediateContext(ImmediateWrapper(self), self._lock)


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


async def _settle(task: asyncio.Future[Any]) -> None:
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            continue


client_class = ImmediateClient
