"""The tail: one task per process and workspace reads the newest events once, for all who follow them."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Iterator
from typing import Final

import structlog

from app.event_stream.channels import ACCESS_TYPES, workspace_channel
from app.event_stream.event import Event
from app.event_stream.reader import Reader
from app.foundation.wakeups import Wakeups

_log = structlog.get_logger("patchbay.events")
_READ: Final = 500


class Tail:
    """A bounded ring of a workspace's newest events: those behind ``floor`` up to ``head``.

    Followers behind ``floor`` read the table instead, so a slow one costs nothing and holds nobody up.
    ``access_position`` is that of the newest event by which somebody lost access.
    """

    def __init__(
        self, workspace_id: str, reader: Reader, wakeups: Wakeups, poll_s: float, ring_size: int
    ) -> None:
        self.floor = 0
        self.head = 0
        self.access_position = 0
        self.followers = 0
        self.closed = False
        self._workspace_id = workspace_id
        self._reader = reader
        self._wakeups = wakeups
        self._poll_s = poll_s
        self._ring_size = ring_size
        self._ring: dict[int, Event] = {}
        self._started = asyncio.Event()
        self._moved = asyncio.Event()
        # A context of its own: the tail outlives the request that happened to start it.
        self._task = asyncio.create_task(
            self._run(), name=f"tail:{workspace_id}", context=contextvars.Context()
        )

    async def close(self) -> None:
        """Stop reading and let the followers end."""
        self.closed = True
        self._started.set()
        self._moved.set()
        self._task.cancel()
        await asyncio.wait([self._task])

    async def started(self) -> None:
        """Wait until the tail knows where the stream ends."""
        await self._started.wait()

    async def wait_past(self, position: int) -> None:
        """Wait until ``head`` is past ``position`` or the tail is closed, at most as long as between two polls."""
        if self.head > position or self.closed:
            return
        try:
            async with asyncio.timeout(self._poll_s):
                while self.head <= position and not self.closed:
                    await self._moved.wait()
        except TimeoutError:
            return

    def after(self, position: int) -> Iterator[Event]:
        """Yield the events behind ``position``, which is not behind ``floor``."""
        return (self._ring[place] for place in range(position + 1, self.head + 1))

    async def _run(self) -> None:
        with self._wakeups.listen(workspace_channel(self._workspace_id)) as waiter:
            while True:
                try:
                    await self._catch_up()
                except Exception as fault:  # noqa: BLE001 - it outlives every fault of the database and retries
                    _log.warning("events not read; looking again", fault=type(fault).__name__)
                await waiter.wait(self._poll_s)

    async def _catch_up(self) -> None:
        if not self._started.is_set():
            self.floor = self.head = (await self._reader.bounds(self._workspace_id)).last
            self._started.set()
        while events := await self._reader.newer(self._workspace_id, self.head, _READ):
            self._append(events)
            if len(events) < _READ:
                return

    def _append(self, events: list[Event]) -> None:
        if events[0].position != self.head + 1:  # what lay between was pruned unread
            self._ring.clear()
            self.floor = events[0].position - 1
        for event in events:
            self._ring[event.position] = event
            if event.type in ACCESS_TYPES:
                self.access_position = event.position
        self.head = events[-1].position
        for place in range(self.floor + 1, self.head - self._ring_size + 1):
            del self._ring[place]
        self.floor = max(self.floor, self.head - self._ring_size)
        self._moved.set()
        self._moved = asyncio.Event()
