"""Plays the time for hubs that run as processes: moves what their rows say, as if it had passed."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import asyncpg

from tests.journeys.hub_process import HubProcess

_LONG_AGO = "'2020-01-01 00:00:00+00:00'"


async def let_expire(hub: HubProcess, authorization_id: str) -> None:
    """Let the ten minutes of an open authorization be over."""
    changed = await _change(hub, "authorization_attempt", f"expires_at = {_LONG_AGO}", authorization_id)
    assert changed == 1


async def let_lease_end(hub: HubProcess, run_id: str) -> None:
    """Let the time be over in which a test run belongs to the process that began it; nothing if it has ended."""
    await _change(hub, "due_work", f"lease_until = {_LONG_AGO}, due_at = {_LONG_AGO}", f"test_run:{run_id}")


async def _change(hub: HubProcess, table: str, change: str, id_: str) -> int:
    database = hub.settings.get("PATCHBAY_DATABASE_URL")
    statement = f"UPDATE {table} SET {change} WHERE id = "
    if database is None:
        file = Path(hub.settings["PATCHBAY_DATA_DIR"]) / "patchbay.sqlite3"
        return await asyncio.to_thread(_sqlite, file, f"{statement}?", id_)
    connection = await asyncpg.connect(database)
    try:
        tag: str = await connection.execute(f"{statement}$1", id_)
    finally:
        await connection.close()
    return int(tag.rpartition(" ")[2])


def _sqlite(file: Path, statement: str, id_: str) -> int:
    connection = sqlite3.connect(file, timeout=10)
    try:
        with connection:
            return connection.execute(statement, (id_,)).rowcount
    finally:
        connection.close()
