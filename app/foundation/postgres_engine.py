"""Tortoise's PostgreSQL engine with transactions that survive cancellation, and one round trip a statement.

The stock engine keeps the pool's connection for ever when a task is cancelled while its transaction begins: after as
many of them as the pool has connections, everything waits. And its pool asks the server to forget a session's settings,
cursors and locks after each statement, which doubles them all: the hub uses none of these.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import TransactionalDBClient, TransactionContext, TransactionContextPooled
from tortoise.connection import get_connections


class PooledContext(TransactionContextPooled):
    """Enters and leaves a transaction so that its connection always goes back to the pool."""

    async def __aenter__(self) -> TransactionalDBClient:
        await self.ensure_connection()
        pool = self.client._parent._pool  # noqa: SLF001 - the engine's own parts
        self.client._connection = await pool.acquire()  # noqa: SLF001 - likewise
        try:
            await self.client.begin()
        except BaseException:
            await self._give_back()
            raise
        self.token = get_connections().set(self.connection_name, self.client)
        return self.client

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        get_connections().reset(self.token)
        try:
            if self.client._finalized:  # noqa: SLF001 - the engine's own state
                return
            if exc_type is None:
                await self.client.commit()
            else:
                await self.client.rollback()
        finally:
            await self._give_back()

    async def _give_back(self) -> None:
        # The pool finishes this even if the task is cancelled again, and rolls back what is open on the connection.
        pool = self.client._parent._pool  # noqa: SLF001 - the engine's own parts
        if pool is not None:
            await pool.release(self.client._connection)  # noqa: SLF001 - likewise


class PooledClient(AsyncpgDBClient):
    """The PostgreSQL client whose transactions survive cancellation."""

    async def create_pool(self, **options: Any) -> asyncpg.Pool:  # noqa: ANN401 - the driver's own options
        """Open a pool that rolls back what is open on a connection that comes back, and asks for nothing else."""
        return await asyncpg.create_pool(None, reset=_leave, **options)

    def _in_transaction(self) -> TransactionContext:
        return PooledContext(TransactionWrapper(self), self._pool_init_lock)


async def _leave(connection: asyncpg.Connection) -> None:
    """Leave a session as it is: the pool has ended its transaction before."""


client_class = PooledClient
