"""Where a process can die: every commit and every outbound call, by instrumentation; and children that die there."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

from tortoise.backends.asyncpg.client import AsyncpgDBClient
from tortoise.backends.asyncpg.client import TransactionWrapper as PostgresTransaction
from tortoise.backends.base.client import TransactionalDBClient

from app.foundation.outbound import Outbound
from app.foundation.outbound_stream import OutboundStream
from app.foundation.sqlite_engine import ImmediateClient, ImmediateWrapper

_WRITE = re.compile(r'\s*(INSERT INTO|UPDATE|DELETE FROM)\s+"?(\w+)', re.IGNORECASE)


class Seams:
    """Counts the seams that are passed once it is armed; at the wanted one the process kills itself."""

    def __init__(self) -> None:
        self.passed: list[str] = []
        self._armed = False
        self._by_byte = False
        self._wanted: int | None = None

    def arm(self, wanted: int | None = None, *, by_byte: bool = False) -> None:
        """Count from now on; die at the seam with this number. ``by_byte``: the bytes on the wire, and nothing else."""
        self.passed, self._armed, self._by_byte, self._wanted = [], True, by_byte, wanted

    def disarm(self) -> None:
        """Count no more."""
        self._armed = False

    def install(self) -> None:
        """Put a seam before and after every commit, every write outside a transaction and every outbound call."""
        for transaction in (ImmediateWrapper, PostgresTransaction):
            self._wrap(transaction, "commit", lambda *_: "commit")
        for client in (ImmediateClient, AsyncpgDBClient):
            for name in ("execute_query", "execute_insert"):
                self._wrap(client, name, _write_alone)
        self._wrap(AsyncpgDBClient, "execute_many", _write_alone)  # SQLite's own one is a transaction
        self._wrap(Outbound, "send", lambda _, request, *__: f"{request.method} {request.url}")
        self._wrap_bytes()

    def _wrap(self, owner: type, name: str, label_of: Callable[..., str | None]) -> None:
        inner = getattr(owner, name)

        async def wrapped(this: Any, *args: Any, **more: Any) -> Any:
            label = label_of(this, *args) if self._armed and not self._by_byte else None
            if label is None:
                return await inner(this, *args, **more)
            self._pass(f"before {label}")
            result = await inner(this, *args, **more)
            self._pass(f"after {label}")
            return result

        setattr(owner, name, wrapped)

    def _wrap_bytes(self) -> None:
        """Send and receive one byte at a time where bytes are counted, with a seam behind each."""
        write, read = OutboundStream.write, OutboundStream.read

        async def written(this: Any, buffer: bytes, timeout: float | None = None) -> None:
            if not (self._armed and self._by_byte):
                await write(this, buffer, timeout)
                return
            for place in range(len(buffer)):
                await write(this, buffer[place : place + 1], timeout)
                self._pass("sent")

        async def received(this: Any, max_bytes: int, timeout: float | None = None) -> bytes:
            if not (self._armed and self._by_byte):
                return await read(this, max_bytes, timeout)
            data = await read(this, 1, timeout)
            if data:
                self._pass("received")
            return data

        OutboundStream.write, OutboundStream.read = written, received  # type: ignore[method-assign]

    def _pass(self, label: str) -> None:
        if not self._armed:
            return
        self.passed.append(label)
        if self._wanted is not None and len(self.passed) > self._wanted:
            os.kill(os.getpid(), signal.SIGKILL)


def _write_alone(client: Any, sql: str, *_: Any) -> str | None:
    if isinstance(client, TransactionalDBClient):
        return None
    found = _WRITE.match(sql)
    return f"{found[1].upper()} {found[2]}" if found else None


def in_child(act: Callable[[], Awaitable[Any]]) -> Any:
    """Run a coroutine function in a forked child and return its JSON result; None where the child was killed.

    Raises:
        RuntimeError: it failed; its traceback is on standard error.
    """
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if not pid:
        os.close(reading)
        _run(act, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return None
    if status:
        raise RuntimeError(f"a child ended with {status}")
    return json.loads(told)


def _run(act: Callable[[], Awaitable[Any]], writing: int) -> None:
    code = 1
    try:
        result = asyncio.run(_awaited(act))
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(json.dumps(result).encode())
        code = 0
    except BaseException:  # noqa: BLE001 - a forked child must never return into its parent's code
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


async def _awaited(act: Callable[[], Awaitable[Any]]) -> Any:
    return await act()
