"""Reading the event table: where a workspace's stream begins and ends, and what lies between."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from tortoise.queryset import QuerySet

from app.access.actor import ActorKind
from app.event_stream.event import (
    EVERYTHING,
    Event,
    EventActor,
    EventFilter,
    EventSlice,
    EventSubject,
    EventType,
    ResetReason,
    StreamReset,
)
from app.event_stream.models import EventCounterRecord, EventRecord
from app.foundation.canonical import findable
from app.foundation.database import Database
from app.foundation.ids import MAX_ID_LENGTH

BATCH: Final = 200


class Bounds(NamedTuple):
    """What a workspace's stream holds: the events behind ``pruned_to`` up to and with ``last``."""

    pruned_to: int
    last: int


class Reader:
    """Reads the stream of any workspace; the caller has judged that the workspace is the actor's own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def bounds(self, workspace_id: str) -> Bounds:
        """Return what the stream holds now; a workspace in which nothing happened yet holds nothing."""
        with self._database.bind():
            counter = await EventCounterRecord.get_or_none(workspace_id=workspace_id)
        return Bounds(counter.pruned_to, counter.position) if counter else Bounds(0, 0)

    async def newer(
        self,
        workspace_id: str,
        after: int,
        limit: int,
        *,
        up_to: int | None = None,
        filter: EventFilter = EVERYTHING,  # noqa: A002 - the API's own word
    ) -> list[Event]:
        """Return at most ``limit`` matching events behind position ``after``, in order."""
        with self._database.bind():
            query = _matching(EventRecord.filter(workspace_id=workspace_id, position__gt=after), filter)
            if up_to is not None:
                query = query.filter(position__lte=up_to)
            return [_event(row) for row in await query.order_by("position").limit(limit)]

    async def page(
        self,
        workspace_id: str,
        after: int | None,
        limit: int = BATCH,
        filter: EventFilter = EVERYTHING,  # noqa: A002 - the API's own word
        *,
        up_to: int | None = None,
    ) -> EventSlice:
        """Return at most ``limit`` matching events behind ``after``, up to ``up_to``; None reads from the oldest.

        A page with ``reset`` says that events behind ``after`` are gone, or that there never were any.
        """
        bounds = await self.bounds(workspace_id)
        start = bounds.pruned_to if after is None else after
        last = bounds.last if up_to is None else min(up_to, bounds.last)
        found = await self.newer(workspace_id, start, limit + 1, up_to=last, filter=filter)
        held = await self.bounds(workspace_id)  # again: what was pruned while reading is not in what was read
        if after is not None and not held.pruned_to <= after <= held.last:
            reset = StreamReset(workspace_id, ResetReason.CURSOR_EXPIRED, held.pruned_to, held.last)
            return EventSlice(workspace_id, (), after, has_more=False, reset=reset)
        has_more = len(found) > limit
        events = tuple(found[:limit])
        position = events[-1].position if has_more else max(start, last)
        return EventSlice(workspace_id, events, position, has_more)

    async def many(self, workspace_id: str, ids: Iterable[str]) -> dict[str, Event]:
        """Return the workspace's events with these ids; those that are not kept are left out."""
        with self._database.bind():
            wanted = findable(ids, MAX_ID_LENGTH)
            rows = await EventRecord.filter(workspace_id=workspace_id, id__in=wanted)
        return {row.id: _event(row) for row in rows}

    async def reset(self, workspace_id: str, reason: ResetReason) -> StreamReset:
        """Return the message that ends a follower's stream."""
        bounds = await self.bounds(workspace_id)
        return StreamReset(workspace_id, reason, bounds.pruned_to, bounds.last)


def _matching(query: QuerySet[EventRecord], filter: EventFilter) -> QuerySet[EventRecord]:  # noqa: A002 - as above
    for column, max_chars, wanted in (
        ("type__in", 64, filter.types),
        ("connection_id__in", 40, filter.connection_ids),
        ("subject_id__in", 64, filter.subject_ids),
    ):
        if wanted is not None:
            query = query.filter(**{column: findable(wanted, max_chars)})
    return query


def _event(row: EventRecord) -> Event:
    return Event(
        id=row.id,
        workspace_id=row.workspace_id,
        position=row.position,
        type=EventType(row.type),
        occurred_at=row.occurred_at,
        subject=EventSubject(row.subject_type, row.subject_id),
        actor=EventActor(ActorKind(row.actor_kind), row.actor_id, row.actor_label),
        correlation_id=row.correlation_id,
        connection_id=row.connection_id,
        data=row.data,
    )
