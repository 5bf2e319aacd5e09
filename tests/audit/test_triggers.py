from __future__ import annotations

import pytest
from tortoise.connection import get_connection
from tortoise.exceptions import IntegrityError, OperationalError

from app.audit.models import AuditEntryRecord
from app.audit.triggers import AUDIT_TRIGGERS

REFUSED = (IntegrityError, OperationalError)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit_entry SET action='x'",
        "UPDATE audit_entry SET seq=99 WHERE seq=2",
        "DELETE FROM audit_entry",
        "DELETE FROM audit_entry WHERE seq=3",
    ],
)
async def test_rows_cannot_be_changed_or_deleted(log, write, sql):
    await write(3)
    with pytest.raises(REFUSED, match="audit_entry is append-only"):
        await get_connection("default").execute_query(sql)
    (report,) = await log.verify()
    assert (report.is_ok, report.good) == (True, 3)


async def test_a_row_cannot_be_put_in_the_place_of_another(database, log, write):
    await write(3)
    columns = ",".join(f'"{name}"' for name in AuditEntryRecord._meta.fields_db_projection.values())
    source = columns.replace('"action"', "'x'")
    statement = f"INTO audit_entry ({columns}) SELECT {source} FROM audit_entry WHERE seq=2"
    if database.dialect == "sqlite":
        # A new id under the same number, and the same id under a new number, each deletes what is in its way.
        for changed in (source, source.replace('"id"', "'aud_x'"), source.replace('"seq"', "9")):
            sql = statement.replace(source, changed)
            with pytest.raises(REFUSED, match="audit_entry is append-only"):
                await get_connection("default").execute_script(f"INSERT OR REPLACE {sql}")
    else:
        sql = f"INSERT {statement} ON CONFLICT (id) DO UPDATE SET action='x'"
        with pytest.raises(REFUSED, match="audit_entry is append-only"):
            await get_connection("default").execute_script(sql)
    (report,) = await log.verify()
    assert (report.is_ok, report.good) == (True, 3)


async def test_the_table_cannot_be_emptied_at_one_blow(database, log, write):
    await write(3)
    sql = "DELETE FROM audit_entry" if database.dialect == "sqlite" else "TRUNCATE audit_entry CASCADE"
    with pytest.raises(REFUSED, match="audit_entry is append-only"):
        await get_connection("default").execute_script(sql)
    assert await AuditEntryRecord.all().count() == 3


def test_both_databases_have_their_triggers():
    assert set(AUDIT_TRIGGERS) == {"sqlite", "postgres"}
    assert all(
        statement.count("CREATE") == 1 for statements in AUDIT_TRIGGERS.values() for statement in statements
    )
