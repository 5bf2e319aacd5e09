"""The way to PostgreSQL, which a test cuts: as when the server was stopped, also in the middle of a statement."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit


class PostgresLine:
    """Passes bytes on to a PostgreSQL server while it is up."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.cuts_at: bytes | None = None

    @property
    def url(self) -> str:
        user = f"{self._parts.username}:{self._parts.password}@" if self._parts.password else ""
        user = user or (f"{self._parts.username}@" if self._parts.username else "")
        return urlunsplit(self._parts._replace(netloc=f"{user}127.0.0.1:{self._port}"))

    async def up(self) -> None:
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Refuse connections from now on, and reset those that are open."""
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self._parts.hostname, self._parts.port or 5432)
        self._writers |= {writer, back}
        with contextlib.suppress(OSError):
            await asyncio.gather(self._copy(reader, back, is_ours=True), self._copy(there, writer))
        for each in (writer, back):
            self._writers.discard(each)
            each.close()

    async def _copy(self, source, target, *, is_ours: bool = False) -> None:
        while data := await source.read(65_536):
            if is_ours and self.cuts_at is not None and self.cuts_at in data:
                self.cuts_at = None
                self.cut()
                return
            target.write(data)
            await target.drain()
        target.close()


@asynccontextmanager
async def postgres_line(url: str) -> AsyncIterator[PostgresLine]:
    line = PostgresLine(url)
    await line.up()
    try:
        yield line
    finally:
        line.cut()
