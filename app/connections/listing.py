"""Lists connections by keyset: pages that stay valid while rows come and go."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

import orjson

from app.connections.rows import CONNECTIONS, read_connections
from app.connections.snapshot import PARTS, ConnectionQuery, ConnectionSnapshot
from app.foundation.errors import InvalidInputError
from app.foundation.pages import Page, PageRequest
from app.foundation.places import list_places
from app.foundation.problems import ProblemCode, problem

MAX_PAGE: Final = 100
_COLUMNS: Final = {
    "NAME": "name_key",
    "CREATED_AT": "created_at",
    "UPDATED_AT": "updated_at",
    "STATE": "state",
}
_SEARCHED: Final = ("name", "description", "integration")
_MAX_SEARCH_CHARS: Final = 200
_MAX_CURSOR_CHARS: Final = 800


async def list_connections(
    workspace_id: str,
    query: ConnectionQuery,
    page: PageRequest,
    parts: Collection[str] = PARTS,
) -> Page[ConnectionSnapshot]:
    """Return one page of a workspace's connections, each with these parts, its id and what it is ordered by.

    Raises:
        InvalidInputError: a page size out of 1..100, both directions at once, or a cursor that is none.
    """
    size, backwards = _size(page)
    column = _COLUMNS.get(query.order_by, "name_key")
    side, way = ("<", "DESC") if query.descending is not backwards else (">", "ASC")
    scope, values = _filter(workspace_id, query)
    condition, start = scope, page.before if backwards else page.after
    beyond: tuple[Any, ...] = ()
    if start is not None:
        beyond = _decode(start, column)
        value, row_id = f"${len(values) + 1}", f"${len(values) + 2}"
        condition += f' AND ("{column}"{side}{value} OR ("{column}"={value} AND "id"{side}{row_id}))'
    condition += f' ORDER BY "{column}" {way},"id" {way} LIMIT {size + 1}'
    found = await read_connections(condition, *values, *beyond, parts={*parts, column})
    has_more = len(found) > size
    found = found[:size]
    if backwards:
        found.reverse()
    return Page(
        items=tuple(found),
        cursors=tuple(_encode(connection, column) for connection in found) if page.with_cursors else (),
        has_next=start is not None if backwards else has_more,
        has_previous=has_more if backwards else start is not None,
        total=await CONNECTIONS.count(scope, *values) if page.with_total else None,
    )


def _size(page: PageRequest) -> tuple[int, bool]:
    backwards = page.last is not None
    if backwards and (page.after is not None or (page.before is None and page.first not in {None, 20})):
        raise _bad("last", "it does not go together with first or after")
    size = page.last if page.last is not None else page.first if page.first is not None else 20
    if not 1 <= size <= MAX_PAGE:
        raise _bad("last" if backwards else "first", f"it must be from 1 to {MAX_PAGE}")
    return size, backwards


def _filter(workspace_id: str, query: ConnectionQuery) -> tuple[str, list[object]]:
    values: list[object] = [workspace_id]
    conditions = ['"workspace_id"=$1']
    for column, wanted in (
        ("state", query.states),
        ("integration", query.integrations),
        ("mode", query.modes),
    ):
        if wanted:
            conditions.append(f'"{column}" IN {list_places(wanted, len(values))}')
            values += map(str, wanted)
    if query.search:
        text = query.search.strip()[:_MAX_SEARCH_CHARS]
        values.append("%" + re.sub(r"([\\%_])", r"\\\1", text) + "%")
        matches = (f"UPPER(\"{column}\") LIKE UPPER(${len(values)}) ESCAPE '\\'" for column in _SEARCHED)
        conditions.append(f"({' OR '.join(matches)})")
    return " AND ".join(conditions), values


def _encode(connection: ConnectionSnapshot, column: str) -> str:
    value = getattr(connection, column)
    text = value.isoformat() if isinstance(value, datetime) else value
    return base64.urlsafe_b64encode(orjson.dumps([column[0], text, connection.id])).decode().rstrip("=")


def _decode(cursor: str, column: str) -> tuple[Any, str]:
    refusal = _bad("after", "it is not a cursor of this list")
    if len(cursor) > _MAX_CURSOR_CHARS:
        raise refusal
    try:
        kind, value, row_id = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        is_ours = kind == column[0] and isinstance(value, str) and isinstance(row_id, str)
        start = datetime.fromisoformat(value) if is_ours and column.endswith("_at") else value
    except (ValueError, TypeError, binascii.Error):
        raise refusal from None
    if not is_ours:
        raise refusal
    return start, row_id


def _bad(path: str, reason: str) -> InvalidInputError:
    return InvalidInputError(problem(ProblemCode.INVALID_FIELD, path, label=path, reason=reason))
