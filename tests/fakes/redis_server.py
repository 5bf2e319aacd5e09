"""A Redis server of the test's own on loopback, to be stopped, started and emptied; it keeps nothing on disk."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from tests.databases import require

_READY_S = 20.0
_POLL_S = 0.02


class RedisServer:
    """The server; its address stays the same over its restarts."""

    def __init__(self, binary: str, folder: Path) -> None:
        self._binary = binary
        self._folder = folder
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Start it and return once it answers."""
        command = [self._binary, "--port", str(self._port), "--bind", "127.0.0.1", "--save", ""]
        self._process = subprocess.Popen(
            [*command, "--appendonly", "no", "--dir", str(self._folder)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + _READY_S
        with Redis.from_url(self.url) as redis:
            while time.monotonic() < deadline:
                with suppress(RedisError):
                    redis.ping()
                    return
                time.sleep(_POLL_S)
        raise AssertionError(f"Redis did not become ready (exit code {self._process.poll()})")

    def stop(self) -> None:
        """Kill it: connections break, and what it held is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def flush(self) -> None:
        """Empty it while everybody stays connected."""
        with Redis.from_url(self.url) as redis:
            redis.flushall()


@contextmanager
def running_redis(folder: Path) -> Iterator[RedisServer]:
    """Run a Redis server until the context ends; skip the test where it is not installed."""
    binary = shutil.which("redis-server")
    require(binary is not None, "redis-server is not installed")
    server = RedisServer(str(binary), folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
