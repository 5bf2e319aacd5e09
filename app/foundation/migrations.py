"""Applies the aerich migrations, one process at a time."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

_ADVISORY_LOCK: Final = 0x70617463686261  # "patchba": one number for all Patchbay migrations
_ADDRESS: Final = ("host", "port", "user", "password", "database", "ssl")


async def upgrade(config: dict[str, Any], folder: Path, dialect: str) -> list[str]:
    """Apply what is missing, in order; return the names applied.

    ``config`` is the ORM's configuration, ``folder`` holds one file per migration whose ``upgrade`` answers by
    dialect. Run it in a task of its own: aerich activates its ORM context for the whole task.
    """
    credentials = config["connections"]["default"]["credentials"]
    if dialect == "postgres":
        credentials["command_timeout"] = None  # a large table takes as long as it takes
    async with (
        _postgres_lock(credentials) if dialect == "postgres" else _sqlite_lock(credentials["file_path"])
    ):
        if dialect == "sqlite" and await asyncio.to_thread(
            _is_newest, Path(credentials["file_path"]), folder
        ):
            return []
        return await _apply(config, folder)


async def _apply(config: dict[str, Any], folder: Path) -> list[str]:
    from aerich import Command
    from tortoise import Tortoise
    from tortoise.backends.base.executor import EXECUTOR_CACHE

    command = Command(tortoise_config=config, app="models", location=str(folder))
    EXECUTOR_CACHE.clear()  # the ORM keeps INSERT texts per connection name, whatever dialect they are in
    await Tortoise.init(config=config)
    try:
        await command.init()
        return [str(name) for name in await command.upgrade(run_in_transaction=True)]
    finally:
        await Tortoise.close_connections()
        EXECUTOR_CACHE.clear()


def _is_newest(database: Path, folder: Path) -> bool:
    """Return whether a database has every migration; asking aerich would cost a twentieth of each start."""
    if not database.is_file():
        return False
    with contextlib.closing(sqlite3.connect(database)) as session:
        if not session.execute("SELECT 1 FROM sqlite_master WHERE name='aerich'").fetchone():
            return False
        applied = {name for (name,) in session.execute("SELECT version FROM aerich WHERE app='models'")}
    return all(file.name in applied for file in (folder / "models").glob("[0-9]*.py"))


async def connect_postgres(credentials: Mapping[str, Any]) -> Any:  # noqa: ANN401 - asyncpg is not typed
    """Return a session of its own, outside any pool."""
    import asyncpg

    return await asyncpg.connect(**{name: credentials[name] for name in _ADDRESS if name in credentials})


@asynccontextmanager
async def _postgres_lock(credentials: dict[str, Any]) -> AsyncIterator[None]:
    # A session of its own: the lock goes with it, however this process ends.
    session = await connect_postgres(credentials)
    try:
        await session.execute("SELECT pg_advisory_lock($1)", _ADVISORY_LOCK)
        yield
    finally:
        await session.close()


@asynccontextmanager
async def _sqlite_lock(file_path: str) -> AsyncIterator[None]:
    if file_path == ":memory:":
        yield
        return
    path = Path(file_path + ".migrating")
    with path.open("w") as handle:  # noqa: ASYNC230 - an empty local file, before anything is served
        await asyncio.to_thread(fcntl.flock, handle, fcntl.LOCK_EX)
        yield  # the file stays: unlinking it would let a third process lock another file of the same name
