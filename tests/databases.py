"""Databases for tests, with all tables and not a row, made once per session and worker.

On SQLite each test has a copy of a file; on PostgreSQL the tests use one database in turn, wiped after each.
``PATCHBAY_TEST_POSTGRES`` names the server (default ``postgres://postgres@127.0.0.1:5432``),
``PATCHBAY_TEST_REDIS`` that of Redis (default ``redis://127.0.0.1:6379/0``).
``PATCHBAY_TEST_REQUIRE=all`` turns a server that cannot be reached from a visible skip into a failure.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import shutil
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import asyncpg
import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.foundation.database import migrate
from tests.canary.taps import look_into_postgres

T = TypeVar("T")
POSTGRES = os.environ.get("PATCHBAY_TEST_POSTGRES", "postgres://postgres@127.0.0.1:5432")
REDIS = os.environ.get("PATCHBAY_TEST_REDIS", "redis://127.0.0.1:6379/0")
REQUIRE_ALL = os.environ.get("PATCHBAY_TEST_REQUIRE") == "all"
_PREFIX = f"patchbay_test_{os.getpid()}_"
_OURS = re.compile(r"^patchbay_test_(\d+)_")
_numbers = itertools.count(1)
# What was migrated stays written down.
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'aerich'"
_END_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def run_apart(act: Callable[[], Awaitable[T]]) -> T:
    """Run a coroutine function in a thread with a loop of its own, so that no test's loop is touched."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(_awaited(act))).result()


def require(available: bool, reason: str) -> None:
    """Skip the test with ``reason`` if what it needs is not there; fail it where everything is required."""
    if available:
        return
    if REQUIRE_ALL:
        pytest.fail(f"{reason}, and PATCHBAY_TEST_REQUIRE=all forbids to skip")
    pytest.skip(reason)


def postgres_is_there() -> bool:
    """Return whether the PostgreSQL server answers."""
    try:
        run_apart(lambda: _execute("SELECT 1"))
    except (OSError, asyncpg.PostgresError, TimeoutError):
        return False
    return True


def redis_is_there() -> bool:
    """Return whether the Redis server answers."""

    async def ping() -> None:
        async with Redis.from_url(REDIS, socket_connect_timeout=3) as redis:
            await redis.ping()

    try:
        run_apart(ping)
    except (OSError, RedisError):
        return False
    return True


async def build_schema(url: str) -> None:
    """Bring an empty database to the newest schema, by the migrations that a hub runs."""
    await migrate(url)


def sqlite_template(folder: Path) -> Path:
    """Make the SQLite file that tests copy."""
    file = folder / "template.db"
    run_apart(lambda: build_schema(f"sqlite://{file}"))
    return file


def sqlite_clone(template: Path, folder: Path) -> str:
    """Return the URL of a fresh copy of ``template`` in ``folder``."""
    file = folder / f"hub-{next(_numbers)}.db"
    shutil.copyfile(template, file)
    return f"sqlite://{file}"


@contextmanager
def postgres_of_session() -> Iterator[str]:
    """Make the PostgreSQL database with all tables that this session's tests use in turn; yield its URL."""
    run_apart(_drop_leftovers)
    with postgres_clone(None) as url:
        run_apart(lambda: build_schema(url))
        yield url


@contextmanager
def postgres_clone(template: str | None) -> Iterator[str]:
    """Yield the URL of a database of its own: a clone of ``template``, or an empty one. It takes up to a second."""
    name = f"{_PREFIX}{next(_numbers)}"
    clause = f' TEMPLATE "{template}"' if template else ""
    run_apart(lambda: _execute(f'CREATE DATABASE "{name}"{clause}'))
    try:
        yield f"{POSTGRES}/{name}"
    finally:
        run_apart(lambda: _look(f"{POSTGRES}/{name}"))
        run_apart(lambda: _execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


def wipe_postgres(url: str) -> None:
    """Delete every row, whatever triggers and foreign keys say, and end what a test left connected."""
    run_apart(lambda: _wipe(url))


async def _awaited(act: Callable[[], Awaitable[T]]) -> T:
    return await act()


async def _execute(*statements: str) -> None:
    connection = await asyncpg.connect(f"{POSTGRES}/postgres", timeout=5)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def _wipe(url: str) -> None:
    connection = await asyncpg.connect(url, timeout=5)
    try:
        await connection.execute(_END_OTHERS)
        await look_into_postgres(connection)
        tables = [row["tablename"] for row in await connection.fetch(_TABLES)]
        await connection.execute(
            "SET session_replication_role = replica; "
            + "; ".join(f'DELETE FROM "{table}"' for table in tables)
        )
    finally:
        await connection.close()


async def _look(url: str) -> None:
    with suppress(asyncpg.InvalidCatalogNameError):  # the test dropped it
        connection = await asyncpg.connect(url, timeout=5)
        try:
            await look_into_postgres(connection)
        finally:
            await connection.close()


async def _names() -> list[str]:
    connection = await asyncpg.connect(f"{POSTGRES}/postgres", timeout=5)
    try:
        return [row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")]
    finally:
        await connection.close()


async def _drop_leftovers() -> None:
    """Drop what sessions that were killed left behind; those that still run keep theirs."""
    for name in await _names():
        match = _OURS.match(name)
        if match and not Path(f"/proc/{match.group(1)}").exists():
            await _execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
