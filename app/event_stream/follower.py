"""One follower's place in a stream: what it is told next, and when."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from app.event_stream.event import (
    EventBatch,
    EventFilter,
    EventSlice,
    ResetReason,
    StreamCheckpoint,
    StreamMessage,
    StreamReset,
)
from app.event_stream.reader import Reader
from app.event_stream.tail import Tail
from app.foundation.clock import Clock

BATCH: Final = 200
CHECKPOINT_AFTER_S: Final = 15.0
CHECKPOINT_AFTER_SKIPPED: Final = 500
GUARD_S: Final = 15.0
Guard = Callable[[], Awaitable[bool]]


class Follower:
    """Reads the ring while it keeps up and the table while it does not; it holds no queue.

    ``after`` None begins at the present end, with a checkpoint as the first message.
    """

    def __init__(
        self,
        workspace_id: str,
        after: int | None,
        filter: EventFilter,  # noqa: A002 - the API's own word
        guard: Guard | None,
        *,
        tail: Tail,
        reader: Reader,
        clock: Clock,
    ) -> None:
        self._workspace_id = workspace_id
        self._filter = filter
        self._guard = guard
        self._tail = tail
        self._reader = reader
        self._clock = clock
        self._at = tail.head if after is None else after
        self._told = -1 if after is None else after
        self._told_at = clock.monotonic()
        self._is_proven = after is None  # a place that a client brought is held against the table first
        self._guarded_at: float | None = None
        self._guarded_position = 0

    async def next(self, poll_s: float) -> StreamMessage | None:
        """Return the next message; wait for it as long as it takes. None: the tail was closed."""
        while not self._tail.closed:
            if not await self._may_go_on():
                return await self._reader.reset(self._workspace_id, ResetReason.FILTER_NARROWED)
            message = self._message(await self._look())
            if message is not None:
                return message
            await self._tail.wait_past(self._at, poll_s)
        return None

    async def _may_go_on(self) -> bool:
        # Again after an answer: somebody may have lost access while the guard was being asked.
        while self._guard is not None and self._guard_is_due():
            self._guarded_at, self._guarded_position = self._clock.monotonic(), self._tail.head
            if not await self._guard():
                return False
        return True

    def _guard_is_due(self) -> bool:
        is_old = self._guarded_at is None or self._clock.monotonic() - self._guarded_at >= GUARD_S
        return is_old or self._tail.access_position > self._guarded_position

    async def _look(self) -> EventSlice:
        if not self._is_proven or self._at < self._tail.floor:
            self._is_proven = True
            return await self._reader.page(self._workspace_id, self._at, BATCH, self._filter)
        matching = []
        position = self._at
        for event in self._tail.after(self._at):
            position = event.position
            if self._filter.matches(event):
                matching.append(event)
            if len(matching) == BATCH:
                break
        return EventSlice(self._workspace_id, tuple(matching), position, has_more=position < self._tail.head)

    def _message(self, found: EventSlice) -> StreamMessage | None:
        if found.reset is not None:
            return found.reset
        self._at = found.position
        if not found.events and not self._checkpoint_is_due():
            return None
        self._told, self._told_at = self._at, self._clock.monotonic()
        if found.events:
            return EventBatch(self._workspace_id, found.events, self._at, found.has_more)
        return StreamCheckpoint(self._workspace_id, self._at, self._clock.now())

    def _checkpoint_is_due(self) -> bool:
        skipped = self._at - self._told
        is_late = self._clock.monotonic() - self._told_at >= CHECKPOINT_AFTER_S
        return self._told < 0 or skipped >= CHECKPOINT_AFTER_SKIPPED or (skipped > 0 and is_late)


def is_last(message: StreamMessage) -> bool:
    """Return whether the stream ends with the message: a follower loads the state again and comes back."""
    return isinstance(message, StreamReset)
