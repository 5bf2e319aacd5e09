"""Tortoise's PostgreSQL engine with transactions that survive cancellation, and one round trip a statement.

The stock engine keeps the pool's connection for ever when a task is cancelled while its transaction begins: after as
many of them as the pool has connections, everything waits. And its pool asks the server to forget a session's settings,
cursors and locks after each statement, which doubles them all: the hub uses none of these.
"""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType
from typing import Any, cast

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient
from tortoise.backends.base.client import TransactionalDBClient, TransactionContext, TransactionContextPooled
from tortoise.connection import get_connections
from tortoise.exceptions import TransactionManagementError

from app.foundation.storage_faults import connection_fault


class PooledContext(TransactionContext):
    """Enters and leaves the stock transaction so that its connection always goes back to the pool."""

    def __init__(self, stock: TransactionContextPooled) -> None:
        self._stock = stock

    async def __aenter__(self) -> TransactionalDBClient:
        try:
            return await self._stock.__aenter__()
        except BaseException as fault:
            if hasattr(self._stock, "token"):  # it has a connection; the pool rolls back what is open on it
                await self.__aexit__(TransactionManagementError, fault, None)
            meant = connection_fault(fault)
            if meant is None:
                raise
            raise meant from fault

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        # The pool takes a connection back even if the task is cancelled again; the task's mark would then stay.
        connections, token = get_connections(), self._stock.token
        try:
            await self._stock.__aexit__(exc_type, exc_val, exc_tb)
        except asyncio.CancelledError:
            with contextlib.suppress(ValueError):  # the mark is gone already
                connections.reset(token)
            raise
        except Exception as fault:
            meant = connection_fault(fault)
            if meant is None:
                raise
            raise meant from fault


class PooledClient(AsyncpgDBClient):
    """The PostgreSQL client whose transactions survive cancellation."""

    async def create_pool(self, **options: Any) -> asyncpg.Pool:  # noqa: ANN401 - the driver's own options
        """Open a pool that rolls back what is open on a connection that comes back, and asks for nothing else."""
        return await asyncpg.create_pool(None, reset=_leave, **options)

    def _in_transaction(self) -> TransactionContext:
        return PooledContext(cast("TransactionContextPooled", super()._in_transaction()))

    async def _translate_exceptions(self, func: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the ORM's own
        """Say of a statement's fault whether the database is busy or away; a transaction says it as a whole."""
        try:
            return await super()._translate_exceptions(func, *args, **kwargs)
        except Exception as fault:
            meant = connection_fault(fault)
            if meant is None:
                raise
            raise meant from fault


async def _leave(connection: asyncpg.Connection) -> None:
    """Leave a session as it is: the pool has ended its transaction before."""


client_class = PooledClient
