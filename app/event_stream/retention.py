"""Retention: events are pruned from the oldest on, and how far is remembered."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from app.event_stream.models import EventCounterRecord, EventRecord
from app.foundation.database import Database

_CHUNK: Final = 2_000


async def prune(database: Database, older_than: datetime) -> int:
    """Delete what is older than ``older_than`` at the beginning of every stream; return how many events.

    Each transaction is short. How far a stream is pruned is committed with the deletion, so that a cursor
    from before it is always noticed.
    """
    with database.bind():
        counters = await EventCounterRecord.all().order_by("workspace_id")
        pruned = 0
        for counter in counters:
            end = await _first_kept(counter, older_than) - 1
            for upper in range(counter.pruned_to + _CHUNK, end + _CHUNK, _CHUNK):
                pruned += await _prune_to(database, counter.workspace_id, min(upper, end))
    return pruned


async def _first_kept(counter: EventCounterRecord, older_than: datetime) -> int:
    # An instant is that of its transaction's beginning, not quite in order: the first young one ends it.
    young = EventRecord.filter(workspace_id=counter.workspace_id, occurred_at__gte=older_than)
    first = await young.order_by("position").first()
    return int(first.position if first else counter.position + 1)


async def _prune_to(database: Database, workspace_id: str, position: int) -> int:
    async with database.transaction():
        counter = EventCounterRecord.filter(workspace_id=workspace_id, pruned_to__lt=position)
        await counter.update(pruned_to=position)
        return await EventRecord.filter(workspace_id=workspace_id, position__lte=position).delete()
