"""The event stream: announce, page through and follow a workspace's facts, never silently short."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from app.access.actor import Actor
from app.access.policy import Permission, require
from app.event_stream.event import EVERYTHING, Event, EventFilter, EventSlice, ResetReason, StreamMessage
from app.event_stream.follow import POLL_S, AccessLostError, Guard, follow
from app.event_stream.follower import Follower
from app.event_stream.outbox import Outbox, last_position
from app.event_stream.reader import BATCH, Reader
from app.event_stream.retention import prune
from app.event_stream.tail import Tail
from app.foundation.database import Database, Transaction
from app.foundation.wakeups import Wakeups

RING_SIZE: Final = 1_024
RETENTION: Final = timedelta(days=7)


class EventStream:
    """The ordered, replayable streams of all workspaces: at least once and in order per workspace.

    Positions are plain integers in here and opaque cursors outside. ``page`` and ``subscribe`` are for actors and ask
    for ``events:read``; ``follow`` and ``reader`` do not ask who reads: rooms whose own verb has asked name the actor's
    own workspace, never one that a request names.
    """

    def __init__(
        self, database: Database, wakeups: Wakeups, *, poll_s: float = POLL_S, ring_size: int = RING_SIZE
    ) -> None:
        self.outbox = Outbox(wakeups)
        self._database = database
        self._wakeups = wakeups
        self.reader = Reader(database)
        self._poll_s = poll_s
        self._ring_size = ring_size
        self._tails: dict[str, Tail] = {}

    async def position(self, workspace_id: str, tx: Transaction | None = None) -> int:
        """Return the position of the stream, or stood when ``tx`` had committed, for what is shown as ``tx`` left it.

        Ask before reading other data whose ``asOf`` it is: then no event falls between.
        """
        stood = last_position(tx, workspace_id) if tx is not None else None
        return (await self.reader.bounds(workspace_id)).last if stood is None else stood

    async def page(
        self,
        actor: Actor,
        after: int | None,
        limit: int = BATCH,
        filter: EventFilter = EVERYTHING,  # noqa: A002 - the API's own word
    ) -> EventSlice:
        """Return at most ``limit`` matching events of the actor's workspace; see :meth:`Reader.page`."""
        require(actor, Permission.EVENTS_READ)
        return await self.reader.page(actor.workspace_id, after, limit, filter)

    async def many(self, actor: Actor, ids: Iterable[str]) -> dict[str, Event]:
        """Return the events of the actor's workspace with these ids; see :meth:`Reader.many`."""
        require(actor, Permission.EVENTS_READ)
        return await self.reader.many(actor.workspace_id, ids)

    def subscribe(
        self,
        actor: Actor,
        after: int | None,
        filter: EventFilter = EVERYTHING,  # noqa: A002 - the API's own word
        *,
        guard: Guard | None = None,
    ) -> AsyncIterator[StreamMessage]:
        """Yield what matches in the actor's workspace behind ``after``, then live; see :meth:`follow`."""
        require(actor, Permission.EVENTS_READ)
        return self.follow(actor.workspace_id, after, filter, guard=guard)

    async def follow(
        self,
        workspace_id: str,
        after: int | None,
        filter: EventFilter = EVERYTHING,  # noqa: A002 - the API's own word
        *,
        guard: Guard | None = None,
    ) -> AsyncIterator[StreamMessage]:
        """Yield what matches behind ``after``, first from the table, then live, until a reset or close.

        With ``after`` None it begins with a checkpoint at the present end. Where ``guard`` says no (see
        :func:`app.event_stream.follow.follow`) the stream ends with FILTER_NARROWED.
        """
        clock = self._database.clock
        async with self._tail_of(workspace_id) as tail:
            follower = Follower(workspace_id, after, filter, tail, self.reader, clock)
            try:
                async for message in follow(follower, guard, clock):
                    yield message
            except AccessLostError:
                yield await self.reader.reset(workspace_id, ResetReason.FILTER_NARROWED)

    async def prune(self, older_than: timedelta = RETENTION) -> int:
        """Delete events older than ``older_than`` from the oldest on; return how many."""
        return await prune(self._database, self._database.clock.now() - older_than)

    async def close(self) -> None:
        """Stop all tails; their followers end."""
        for tail in [*self._tails.values()]:
            await tail.close()
        self._tails.clear()

    @asynccontextmanager
    async def _tail_of(self, workspace_id: str) -> AsyncIterator[Tail]:
        tail = self._tails.get(workspace_id)
        if tail is None:
            tail = Tail(workspace_id, self.reader, self._wakeups, self._poll_s, self._ring_size)
            self._tails[workspace_id] = tail
        tail.followers += 1
        try:
            await tail.started()
            yield tail
        finally:
            tail.followers -= 1
            if not tail.followers:
                if self._tails.get(workspace_id) is tail:
                    del self._tails[workspace_id]
                await tail.close()
