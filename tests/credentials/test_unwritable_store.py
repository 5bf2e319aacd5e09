"""A store that takes no writes spends no token: a renewal writes its intent first, and asks nobody where it cannot."""

from __future__ import annotations

import resource
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.foundation.database import sqlite_path
from app.foundation.errors import StorageBusyError
from tests.connections.conftest import GENERIC
from tests.credentials.renewing import renew


@asynccontextmanager
async def read_only(database):
    if database.dialect == "sqlite":
        off, on = "PRAGMA query_only = 1", "PRAGMA query_only = 0"
    else:
        on = "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE"
        off = on.replace("WRITE", "ONLY")
    await database.rows(off)
    try:
        yield
    finally:
        await database.rows(on)


@asynccontextmanager
async def full(database):
    """Let the operating system take not one byte more of SQLite's log; PostgreSQL's disk is that of all databases."""
    if database.dialect == "postgres":
        async with read_only(database):
            yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    log = Path(sqlite_path(database.url) + "-wal")
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("unwritable", [read_only, full])
async def test_no_token_is_spent_where_nothing_can_be_written(world, unwritable):
    connection = await world.connected("generic-oauth2", GENERIC)
    asked = len(world.token_calls())
    async with unwritable(world.hub.database):
        with pytest.raises(StorageBusyError):
            await renew(world, connection)
    assert len(world.token_calls()) == asked
    assert await world.reload(connection) == connection
    await renew(world, connection)
    assert (await world.reload(connection)).auth.generation == 2


@pytest.mark.parametrize("unwritable", [read_only, full])
async def test_a_due_renewal_waits_for_a_store_that_takes_writes(world, unwritable):
    connection = await world.connected("generic-oauth2", GENERIC)
    world.clock.advance(24 * 3_600)
    (found,) = await world.hub.work.find_due(["renewal"], [], 10)
    (claim,) = await world.hub.work.claim([found])
    asked = len(world.token_calls())
    async with unwritable(world.hub.database):
        with pytest.raises(StorageBusyError):
            await world.hub.renewal.renew_due(world.actor, claim)
    assert len(world.token_calls()) == asked
    await world.hub.work.release(claim)
    await world.work()
    assert (await world.reload(connection)).auth.generation == 2
