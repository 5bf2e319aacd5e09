"""Where the watch looks: answers and frames of hubs, database files, PostgreSQL, Redis, log records."""

from __future__ import annotations

import logging
import socket
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
from websockets.asyncio.connection import Connection

from tests.canary.watch import watch

_DOORS = (
    "/graphql", "/graphiql", "/oauth", "/sign-in", "/sign-out", "/hooks", "/docs", "/healthz", "/readyz", "/metrics",
)  # fmt: skip
_OVERLAP = 200
_PAGE = 4096
# Their lines at DEBUG hold statements with values, and frames: hubs never print them (app.foundation.telemetry).
_QUIET = ("httpcore", "httpx", "tortoise", "aiosqlite", "asyncio", "websockets", "hypothesis")
# The tests' own clients, which play persons and providers: they may log what they send. No hub uses them.
_CLIENTS = ("httpx", "slack_sdk", "stripe", "urllib3", "gql", "websockets")
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'aerich'"


# -- HTTP and websockets


def tap_clients() -> None:
    """Look at every answer of a hub's doors that an HTTP or websocket client of this process receives."""
    httpx.ASGITransport.handle_async_request = _async_tapped(httpx.ASGITransport.handle_async_request)
    httpx.AsyncHTTPTransport.handle_async_request = _async_tapped(
        httpx.AsyncHTTPTransport.handle_async_request
    )
    httpx.HTTPTransport.handle_request = _sync_tapped(httpx.HTTPTransport.handle_request)
    Connection.recv = _frames_tapped(Connection.recv)


def tapped(app: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Return ``app`` with the watch in front of its doors, for clients that are other processes."""

    async def front(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if not _is_door(scope.get("path", "")):
            await app(scope, receive, send)
            return
        pieces = _Pieces(f"answer of {scope.get('method', 'websocket')} {scope['path']}")

        async def tell(message: MutableMapping[str, Any]) -> None:
            for value in _texts(message):
                pieces.look(value)
            await send(message)

        await app(scope, receive, tell)

    return front


def _async_tapped(
    inner: Callable[..., Awaitable[httpx.Response]],
) -> Callable[..., Awaitable[httpx.Response]]:
    async def handle(transport: Any, request: httpx.Request) -> httpx.Response:
        response = await inner(transport, request)
        if _is_door(request.url.path):
            response.stream = _AsyncTap(response.stream, _looked_at_head(request, response))
        return response

    return handle


def _sync_tapped(inner: Callable[..., httpx.Response]) -> Callable[..., httpx.Response]:
    def handle(transport: Any, request: httpx.Request) -> httpx.Response:
        response = inner(transport, request)
        if _is_door(request.url.path):
            response.stream = _SyncTap(response.stream, _looked_at_head(request, response))
        return response

    return handle


def _frames_tapped(inner: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def recv(connection: Any, *args: Any, **options: Any) -> Any:
        data = await inner(connection, *args, **options)
        path = getattr(getattr(connection, "request", None), "path", "") or ""
        if _is_door(path):
            watch.look(data, f"websocket frame of {urlsplit(path).path}")
        return data

    return recv


def _looked_at_head(request: httpx.Request, response: httpx.Response) -> _Pieces:
    pieces = _Pieces(f"answer of {request.method} {request.url.path}")
    for name, value in response.headers.raw:
        # Cookies carry the session and the browser's binding: that is what they are for.
        if name.lower() != b"set-cookie":
            pieces.look(value)
    return pieces


class _Pieces:
    """Looks at a stream piece by piece, so that no cut hides a secret."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._tail = b""

    def look(self, piece: bytes) -> None:
        data = self._tail + piece
        watch.look(data, self._where)
        self._tail = data[-_OVERLAP:]


class _AsyncTap(httpx.AsyncByteStream):
    def __init__(self, inner: Any, pieces: _Pieces) -> None:
        self._inner = inner
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._inner:
            self._pieces.look(piece)
            yield piece

    async def aclose(self) -> None:
        await self._inner.aclose()


class _SyncTap(httpx.SyncByteStream):
    def __init__(self, inner: Any, pieces: _Pieces) -> None:
        self._inner = inner
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._inner:
            self._pieces.look(piece)
            yield piece

    def close(self) -> None:
        self._inner.close()


def _is_door(path: str) -> bool:
    return any(path == door or path.startswith((f"{door}/", f"{door}?")) for door in _DOORS)


def _texts(message: MutableMapping[str, Any]) -> Iterator[bytes]:
    yield from (value for name, value in message.get("headers") or () if name.lower() != b"set-cookie")
    for key in ("body", "text", "bytes", "reason"):
        value = message.get(key)
        if value:
            yield value.encode("utf-8", "surrogatepass") if isinstance(value, str) else bytes(value)


# -- what is stored


def look_into_sqlite(file: Path, template: bytes = b"") -> None:
    """Look at every cell of an SQLite file, and at the pages and the log that deleted rows leave behind."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        connection.text_factory = bytes
        with suppress(
            sqlite3.DatabaseError
        ):  # not a database, or not whole: its bytes are looked at all the same
            names = [
                row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            ]
            for table in (name.decode() for name in names):
                _look_at_rows(connection.execute(f'SELECT * FROM "{table}"'), f"table {table} of {file.name}")
    for part in (file, file.with_name(f"{file.name}-wal")):
        if part.exists():
            watch.look(
                _changed_pages(part.read_bytes(), template), f"the bytes of {part.name}", hub_tokens=True
            )


async def look_into_postgres(connection: asyncpg.Connection) -> None:
    """Look at every row of a PostgreSQL database."""
    tables = [row["tablename"] for row in await connection.fetch(_TABLES)]
    if not tables:
        return
    rows = " UNION ALL ".join(
        f"SELECT '{table}' AS place, t::text AS row FROM \"{table}\" t" for table in tables
    )
    by_table: dict[str, list[str]] = {}
    for record in await connection.fetch(rows):
        by_table.setdefault(record["place"], []).append(record["row"])
    for table, found in by_table.items():
        watch.look("\n".join(found), f"table {table} of PostgreSQL", hub_tokens=True)


def _look_at_rows(cursor: sqlite3.Cursor, where: str) -> None:
    names = [column[0] for column in cursor.description]
    for name, cells in zip(names, zip(*cursor.fetchall(), strict=True), strict=False):
        text = b"\n".join(cell for cell in cells if isinstance(cell, bytes))
        if text:
            watch.look(text, f"{where}, column {name}", hub_tokens=True)


def _changed_pages(data: bytes, template: bytes) -> bytes:
    if not template:
        return data
    starts = range(0, len(data), _PAGE)
    return b"".join(
        data[at : at + _PAGE] for at in starts if data[at : at + _PAGE] != template[at : at + _PAGE]
    )


# -- what passes by


class RedisTap(threading.Thread):
    """Looks at every command that Redis takes (``MONITOR``), until it is stopped."""

    def __init__(self, url: str) -> None:
        super().__init__(name="canary-redis", daemon=True)
        parts = urlsplit(url)
        self._address = (parts.hostname or "127.0.0.1", parts.port or 6379)
        self._ended = threading.Event()
        self.begun = threading.Event()

    def run(self) -> None:
        """Read until stopped; a server that goes away is asked again."""
        while not self._ended.is_set():
            with suppress(OSError):
                self._listen()
            self._ended.wait(0.2)

    def stop(self) -> None:
        """End, once everything that has been sent so far was looked at."""
        with suppress(OSError), socket.create_connection(self._address, timeout=2) as last:
            last.sendall(f"ECHO {self.name}-{id(self)}-end\r\n".encode())
            last.recv(256)
            self.join(5)
        self._ended.set()

    def _listen(self) -> None:
        with socket.create_connection(self._address, timeout=2) as monitor:
            monitor.sendall(b"MONITOR\r\n")
            monitor.settimeout(0.5)
            rest = b""
            while not self._ended.is_set():
                try:
                    data = monitor.recv(1 << 20)
                except TimeoutError:
                    continue
                if not data:
                    return
                self.begun.set()
                *lines, rest = (rest + data).split(b"\r\n")
                self._look([line for line in lines if b'"patchbay:sandbox:' not in line])

    def _look(self, lines: list[bytes]) -> None:
        watch.look(b"\n".join(lines), "what Redis was told", hub_tokens=True)
        if any(f"{self.name}-{id(self)}-end".encode() in line for line in lines):
            self._ended.set()


class LogTap(logging.Handler):
    """Looks at every log record of this process from DEBUG on, with its traceback."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Look at one record."""
        if record.name.split(".", 1)[0] in _CLIENTS:
            return
        if record.name.startswith("uvicorn") and record.levelno < logging.INFO:
            return  # frames as they pass: hubs scrub them, and tests of hubs as processes read what was printed
        with suppress(Exception):  # a record that cannot be formatted says so by itself
            watch.look(self.format(record), f"a log record of {record.name}")


def quiet_third_parties() -> None:
    """Keep other libraries' DEBUG lines out, as a hub does."""
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.INFO)
