from __future__ import annotations

import pytest
from tortoise.connection import get_connection

from app.audit.log import AuditLog, AuditTarget

KEY = bytes(range(32))
OTHER_KEY = bytes(range(1, 33))
CONNECTION = AuditTarget("connection", "conn_1", "Finance Department Xero")


async def key_of():
    return KEY


@pytest.fixture
def log(database, clock):
    return AuditLog(database, key_of)


@pytest.fixture
def write(database, log, actor):
    """Return what writes so many entries, one transaction for all."""

    async def write(count=1, by=actor, **detail):
        async with database.transaction() as tx:
            for n in range(count):
                log.record(tx, by, "connection.updated", CONNECTION, detail={"n": n, **detail})

    return write


@pytest.fixture
async def attack(database):
    """Return what runs SQL as somebody who owns the database, and for whom no trigger fires."""
    connection = get_connection("default")
    if database.dialect == "sqlite":
        for name in ("update", "delete", "replace"):
            await connection.execute_script(f"DROP TRIGGER audit_entry_no_{name}")
        return connection.execute_script
    return lambda sql: connection.execute_script(f"SET session_replication_role = replica; {sql}")
