"""A PostgreSQL server of a test's own, which is really stopped: clients are told that it shuts down, then refused."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


class OwnPostgres:
    """A server below ``folder``, started and stopped by ``pg_ctl``; it refuses to run as root."""

    def __init__(self, folder: Path) -> None:
        self._data = folder / "data"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._user = "postgres" if os.geteuid() == 0 else None

    @property
    def url(self) -> str:
        return f"postgres://postgres@127.0.0.1:{self._port}/postgres"

    def make(self) -> None:
        self._run("initdb", "-D", str(self._data), "-U", "postgres", "-A", "trust", "--no-sync")

    async def up(self) -> None:
        options = f"-p {self._port} -h 127.0.0.1 -k '' -F"
        await asyncio.to_thread(
            self._run,
            "pg_ctl",
            "-D",
            str(self._data),
            "-w",
            "-l",
            f"{self._data}.log",
            "-o",
            options,
            "start",
        )

    def cut(self) -> None:
        """Stop the server if it runs."""
        if (self._data / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", str(self._data), "-w", "-m", "fast", "stop")

    def _run(self, *command: str) -> None:
        subprocess.run(command, user=self._user, check=True, stdout=subprocess.DEVNULL, cwd="/", timeout=60)


@asynccontextmanager
async def own_postgres(folder: Path) -> AsyncIterator[OwnPostgres]:
    """Run a server below a new folder ``folder``."""
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    server = OwnPostgres(folder)
    await asyncio.to_thread(server.make)
    await server.up()
    try:
        yield server
    finally:
        server.cut()
