"""Chain rows as the database holds them. Reading them never fails on what somebody put there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import orjson
from tortoise.connection import get_connection

from app.audit.chain import Anchor, ChainRow
from app.audit.models import AuditEntryRecord, AuditHeadRecord
from app.foundation.database import Database

_UNREADABLE: Final = datetime(1, 1, 1, tzinfo=UTC)
_COLUMNS: Final = ChainRow._fields
_SELECT: Final = (
    'SELECT {columns} FROM "audit_entry" WHERE "workspace_id"={0} AND "seq">{1} ORDER BY "seq" LIMIT {2}'
)


async def rows_after(database: Database, workspace_id: str, seq: int, limit: int) -> list[ChainRow]:
    """Return at most ``limit`` rows of a chain behind number ``seq``, in order.

    They come without the ORM's conversions, which are slow and raise on what is not valid.
    """
    marks = ("?", "?", "?") if database.dialect == "sqlite" else ("$1", "$2", "$3")
    sql = _SELECT.format(*marks, columns=",".join(f'"{name}"' for name in _COLUMNS))
    with database.bind():
        found = await get_connection("default").execute_query_dict(sql, [workspace_id, seq, limit])
    return [_row(columns) for columns in found]


async def head_of(database: Database, workspace_id: str) -> Anchor | None:
    """Return what the database says of a chain's end; None if it says nothing."""
    with database.bind():
        head = await AuditHeadRecord.get_or_none(workspace_id=workspace_id)
    return Anchor(head.seq, _bytes(head.hash)) if head else None


async def chains(database: Database) -> list[str]:
    """Return the workspaces that have a chain, or rows of one."""
    with database.bind():
        heads = await AuditHeadRecord.all().values_list("workspace_id", flat=True)
        rows = await AuditEntryRecord.all().distinct().values_list("workspace_id", flat=True)
    return sorted({str(workspace_id) for workspace_id in [*heads, *rows]})


def _row(columns: dict[str, Any]) -> ChainRow:
    columns["at"] = _instant(columns["at"])
    columns["detail"] = _json(columns["detail"])
    columns["prev_hash"] = _bytes(columns["prev_hash"])
    columns["hash"] = _bytes(columns["hash"])
    return ChainRow(**columns)


def _instant(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    try:
        instant = datetime.fromisoformat(str(value))
    except ValueError:
        return _UNREADABLE
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _json(value: object) -> Any:  # noqa: ANN401 - JSON edge
    try:
        return orjson.loads(value) if isinstance(value, str | bytes) else value
    except orjson.JSONDecodeError:
        return None


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except (TypeError, ValueError):
        return b""
