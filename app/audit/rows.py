"""Chain rows as the database holds them. Reading them never fails on what somebody put there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import orjson

from app.audit.chain import Anchor, ChainRow
from app.audit.models import AuditEntryRecord, AuditHeadRecord
from app.foundation.database import Database
from app.foundation.fields import read_moment

_UNREADABLE: Final = datetime(1, 1, 1, tzinfo=UTC)
_SELECT: Final = (
    'SELECT {columns} FROM "audit_entry" WHERE "workspace_id"=$1 AND "seq">$2 ORDER BY "seq" LIMIT $3'
)


async def rows_after(database: Database, workspace_id: str, seq: int, limit: int) -> list[ChainRow]:
    """Return at most ``limit`` rows of a chain behind number ``seq``, in order.

    They come without the ORM's conversions, which are slow and raise on what is not valid.
    """
    select = _SELECT.format(columns=",".join(f'"{name}"' for name in ChainRow._fields))
    return [chain_row(columns) for columns in await database.rows(select, workspace_id, seq, limit)]


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


def chain_row(columns: dict[str, Any]) -> ChainRow:
    """Return a row of which the database gave these columns; what is not valid there is empty."""
    columns["at"] = _instant(columns["at"])
    columns["detail"] = _json(columns["detail"])
    columns["prev_hash"] = _bytes(columns["prev_hash"])
    columns["hash"] = _bytes(columns["hash"])
    return ChainRow(**columns)


def _instant(value: object) -> datetime:
    try:
        return read_moment(value if isinstance(value, datetime) else str(value)) or _UNREADABLE
    except (ValueError, OverflowError):
        return _UNREADABLE


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
