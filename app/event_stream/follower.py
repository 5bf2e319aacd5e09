"""One follower's position in a stream: what it is sent next, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.event_stream.event import EventFilter, EventSlice, StreamCheckpoint, StreamMessage, StreamReset
from app.event_stream.reader import BATCH, Reader
from app.event_stream.tail import Tail
from app.foundation.clock import Clock

CHECKPOINT_AFTER_S: Final = 15.0
CHECKPOINT_AFTER_SKIPPED: Final = 500


@dataclass(eq=False, repr=False)
class Follower:
    """Reads the ring while it keeps up and the table while it does not; it holds no queue.

    Without a position it begins at the present end, with a checkpoint as the first message. A reset is the last one.
    """

    _workspace_id: str
    _after: int | None
    _filter: EventFilter
    _tail: Tail
    _reader: Reader
    _clock: Clock

    def __post_init__(self) -> None:
        self._at = self._tail.head if self._after is None else self._after
        self._sent = -1 if self._after is None else self._after
        self._sent_at = self._clock.monotonic()
        self._is_proven = self._after is None  # a place that a client brought is held against the table first
        self._is_reset = False

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come: the follower loads the state again and comes back, or the hub closes."""
        return self._is_reset or self._tail.closed

    @property
    def access_losses(self) -> int:
        """The position of the newest event by which somebody lost access; nothing behind the tail's head is read."""
        return self._tail.access_position

    async def read(self) -> Sequence[StreamMessage]:
        """Return the next message, if there is one to send."""
        message = self._message(await self._read_new())
        self._is_reset = isinstance(message, StreamReset)
        return () if message is None else (message,)

    async def wait(self) -> None:
        """Wait until the stream has moved on."""
        await self._tail.wait_past(self._at)

    async def _read_new(self) -> EventSlice:
        if not self._is_proven or self._at < self._tail.floor:
            self._is_proven = True
            return await self._reader.page(
                self._workspace_id, self._at, BATCH, self._filter, up_to=self._tail.head
            )
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
        self._sent, self._sent_at = self._at, self._clock.monotonic()
        return found if found.events else StreamCheckpoint(self._workspace_id, self._at, self._clock.now())

    def _checkpoint_is_due(self) -> bool:
        skipped = self._at - self._sent
        is_late = self._clock.monotonic() - self._sent_at >= CHECKPOINT_AFTER_S
        return self._sent < 0 or skipped >= CHECKPOINT_AFTER_SKIPPED or (skipped > 0 and is_late)
