"""Reading the audit log: newest first, by keyset over the chain's numbers."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tortoise.queryset import QuerySet

from app.audit.chain import ChainRow
from app.audit.entry import EntryOutcome
from app.audit.models import AuditEntryRecord, AuditHeadRecord
from app.audit.rows import chain_row
from app.foundation.canonical import findable
from app.foundation.errors import InvalidInputError
from app.foundation.pages import Page, PageRequest
from app.foundation.problems import ProblemCode, problem

DEFAULT_SIZE: Final = 50
_CURSOR_BYTES: Final = 8
_MAX_SEQ: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries are wanted: values of one field mean OR, fields mean AND, None means any.

    ``since`` is included, ``until`` is not.
    """

    ids: frozenset[str] | None = None
    actions: frozenset[str] | None = None
    actor_ids: frozenset[str] | None = None
    target_ids: frozenset[str] | None = None
    outcomes: frozenset[EntryOutcome] | None = None
    since: datetime | None = None
    until: datetime | None = None


EVERY_ENTRY: Final = AuditFilter()


async def entries_page(workspace_id: str, wanted: AuditFilter, request: PageRequest) -> Page[ChainRow]:
    """Return one page of a workspace's entries; runs with the ORM already active.

    Raises:
        InvalidInputError: a cursor is not one that this list gave out.
    """
    matching = _matching(AuditEntryRecord.filter(workspace_id=workspace_id), wanted)
    after, before = _seq(request.after, "after"), _seq(request.before, "before")
    between = matching
    if after is not None:
        between = between.filter(seq__lt=after)
    if before is not None:
        between = between.filter(seq__gt=before)
    is_backward = request.first is None and request.last is not None
    size = (request.last if is_backward else request.first) or DEFAULT_SIZE
    found = between.order_by("seq" if is_backward else "-seq").limit(size + 1)
    rows = [chain_row(columns) for columns in await found.values(*ChainRow._fields)]
    has_more, rows = len(rows) > size, rows[:size]
    if is_backward:
        rows.reverse()
    return Page(
        items=tuple(rows),
        cursors=tuple(_cursor(row.seq) for row in rows),
        has_next=has_more if not is_backward else before is not None,
        has_previous=has_more if is_backward else after is not None,
        total=await _total(workspace_id) if request.with_total and wanted == EVERY_ENTRY else None,
    )


async def _total(workspace_id: str) -> int:
    head = await AuditHeadRecord.get_or_none(workspace_id=workspace_id)
    return head.seq if head else 0


def _matching(query: QuerySet[AuditEntryRecord], wanted: AuditFilter) -> QuerySet[AuditEntryRecord]:
    for column, max_chars, values in (
        ("id__in", 40, wanted.ids),
        ("action__in", 64, wanted.actions),
        ("actor_id__in", 64, wanted.actor_ids),
        ("target_id__in", 64, wanted.target_ids),
        ("outcome__in", 16, wanted.outcomes),
    ):
        if values is not None:
            query = query.filter(**{column: findable(values, max_chars)})
    if wanted.since is not None:
        query = query.filter(at__gte=wanted.since)
    if wanted.until is not None:
        query = query.filter(at__lt=wanted.until)
    return query


def _cursor(seq: int) -> str:
    return base64.urlsafe_b64encode(seq.to_bytes(_CURSOR_BYTES, "big")).decode().rstrip("=")


def _seq(cursor: str | None, name: str) -> int | None:
    if cursor is None:
        return None
    try:
        content = base64.urlsafe_b64decode(f"{cursor}=")
    except (binascii.Error, ValueError):
        content = b""
    seq = int.from_bytes(content, "big")
    if len(content) != _CURSOR_BYTES or seq > _MAX_SEQ or _cursor(seq) != cursor:
        reason = "it is not a cursor of this list"
        raise InvalidInputError(problem(ProblemCode.INVALID_FIELD, name, label="The cursor", reason=reason))
    return seq
