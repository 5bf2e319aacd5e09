"""Lists connections by keyset: pages that stay valid while rows come and go."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from tortoise.expressions import Q

from app.catalog.catalog import Catalog
from app.connections.models import ConnectionRecord
from app.connections.rows import connection_snapshot
from app.connections.snapshot import ConnectionQuery, ConnectionSnapshot
from app.credentials.rows import find_credentials
from app.foundation.errors import InvalidInputError
from app.foundation.pages import Page, PageRequest
from app.foundation.problems import ProblemCode, problem

MAX_PAGE: Final = 100
_COLUMNS: Final = {
    "NAME": "name_key",
    "CREATED_AT": "created_at",
    "UPDATED_AT": "updated_at",
    "STATE": "state",
}
_MAX_SEARCH_CHARS: Final = 200
_MAX_CURSOR_CHARS: Final = 800


@dataclass(frozen=True, slots=True)
class _Order:
    column: str
    descending: bool

    @property
    def sorting(self) -> tuple[str, str]:
        sign = "-" if self.descending else ""
        return f"{sign}{self.column}", f"{sign}id"

    @property
    def reversed(self) -> _Order:
        return _Order(self.column, not self.descending)


async def list_connections(
    workspace_id: str, query: ConnectionQuery, page: PageRequest, catalog: Catalog
) -> Page[ConnectionSnapshot]:
    """Return one page of a workspace's connections.

    Raises:
        InvalidInputError: a page size out of 1..100, both directions at once, or a cursor that is none.
    """
    size, backwards = _size(page)
    column = _COLUMNS.get(query.order_by, "name_key")
    order = _Order(column, query.descending)
    scope = _filter(workspace_id, query)
    walk = order.reversed if backwards else order
    rows = ConnectionRecord.filter(scope)
    start = page.before if backwards else page.after
    if start is not None:
        rows = rows.filter(_beyond(walk, _decode(start, column)))
    found = await rows.order_by(*walk.sorting).limit(size + 1)
    has_more = len(found) > size
    found = found[:size]
    if backwards:
        found.reverse()
    credentials = await find_credentials([row.id for row in found])
    return Page(
        items=tuple(connection_snapshot(row, credentials.get(row.id), catalog) for row in found),
        cursors=tuple(_encode(row, column) for row in found),
        has_next=start is not None if backwards else has_more,
        has_previous=has_more if backwards else start is not None,
        total=await ConnectionRecord.filter(scope).count(),
    )


def _size(page: PageRequest) -> tuple[int, bool]:
    backwards = page.last is not None
    if backwards and (page.after is not None or (page.before is None and page.first not in {None, 20})):
        raise _bad("last", "it does not go together with first or after")
    size = page.last if page.last is not None else page.first if page.first is not None else 20
    if not 1 <= size <= MAX_PAGE:
        raise _bad("last" if backwards else "first", f"it must be from 1 to {MAX_PAGE}")
    return size, backwards


def _filter(workspace_id: str, query: ConnectionQuery) -> Q:
    scope = Q(workspace_id=workspace_id)
    if query.states:
        scope &= Q(state__in=[state.value for state in query.states])
    if query.integrations:
        scope &= Q(integration__in=list(query.integrations))
    if query.modes:
        scope &= Q(mode__in=[mode.value for mode in query.modes])
    if query.search:
        text = query.search.strip()[:_MAX_SEARCH_CHARS]
        scope &= Q(name__icontains=text) | Q(description__icontains=text) | Q(integration__icontains=text)
    return scope


def _beyond(order: _Order, start: tuple[Any, str]) -> Q:
    value, row_id = start
    side = "lt" if order.descending else "gt"
    return Q(**{f"{order.column}__{side}": value}) | Q(**{order.column: value, f"id__{side}": row_id})


def _encode(row: ConnectionRecord, column: str) -> str:
    value = getattr(row, column)
    text = value.isoformat() if isinstance(value, datetime) else value
    return base64.urlsafe_b64encode(orjson.dumps([column[0], text, row.id])).decode().rstrip("=")


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
