"""Counts every statement that hubs of this process send to their database, BEGIN, COMMIT and ROLLBACK included.

On SQLite the database itself tells what it runs; on PostgreSQL the driver tells what it sends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg

from app.foundation.postgres_engine import PooledClient
from app.foundation.sqlite_engine import ImmediateClient

_QUIET_TURNS = 30
_TURN_S = 0.005


class Statements:
    """The statements since the last :meth:`clear`, in order, their values left out where the driver tells none."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def note(self, text: str) -> None:
        told = " ".join(text.split())
        # SQLite tells an INSERT once more for each of its rows that sets off a trigger; no two have the same ids.
        if not (told.startswith("INSERT") and self.texts[-1:] == [told]):
            self.texts.append(told)

    def clear(self) -> None:
        self.texts.clear()

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def commits(self) -> int:
        return sum(text.upper().startswith("COMMIT") for text in self.texts)

    async def settled(self) -> None:
        """Wait until what an operation has caused in the background is over: nothing more is said."""
        quiet, said = 0, len(self)
        while quiet < _QUIET_TURNS:
            await asyncio.sleep(_TURN_S)
            quiet, said = (quiet + 1, said) if len(self) == said else (0, len(self))


@contextmanager
def counted() -> Iterator[Statements]:
    """Count the statements of every database that is opened in the block."""
    statements = Statements()
    create, connection_class = ImmediateClient.create_connection, PooledClient.connection_class

    async def create_and_listen(client: ImmediateClient, with_db: bool) -> None:
        await create(client, with_db)
        await client._connection.set_trace_callback(statements.note)

    class Listened(asyncpg.Connection):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.add_query_logger(lambda query: statements.note(query.query))

    ImmediateClient.create_connection, PooledClient.connection_class = create_and_listen, Listened
    try:
        yield statements
    finally:
        ImmediateClient.create_connection, PooledClient.connection_class = create, connection_class
