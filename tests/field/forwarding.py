"""A server that passes connections on to another one, and can stop doing so without a word."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Gate:
    """Whether a forwarding server passes on what it gets; ``held`` counts what came while it did not."""

    def __init__(self, *, is_open: bool) -> None:
        self.held = 0
        self._is_open = asyncio.Event()
        if is_open:
            self._is_open.set()

    def open(self) -> None:
        self._is_open.set()

    def shut(self) -> None:
        self._is_open.clear()

    async def passed(self) -> None:
        """Return once it is open."""
        if not self._is_open.is_set():
            self.held += 1
            await self._is_open.wait()


@asynccontextmanager
async def forwarding(port: int, to: int, gate: Gate) -> AsyncIterator[None]:
    """Pass connections at ``port`` on to another one while the gate is open; else they are taken, and nothing comes."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(65_536):
                await gate.passed()
                writer.write(chunk)
                await writer.drain()
        await gate.passed()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gate.passed()
        try:
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", to)
        except OSError:
            writer.close()
            return
        await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()
