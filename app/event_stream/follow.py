"""Following live: what is there, then what is new as soon as it is, until nothing more can come or access is lost."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from app.event_stream.channels import access_channel
from app.foundation.clock import Clock
from app.foundation.errors import UnauthenticatedError
from app.foundation.wakeups import Waiter, Wakeups

POLL_S: Final = 5.0
GUARD_S: Final = 15.0
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Guard = Callable[[], Awaitable[bool]]
"""Says whether who follows still may; what it raises ends the following too."""


class AccessLostError(UnauthenticatedError):
    """Who follows may not go on: the session or token is over."""


class Source(Protocol[T_co]):
    """What is followed, from its follower's position."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        ...

    @property
    def access_losses(self) -> int:
        """A number that grows when somebody in the workspace loses access, before anything behind that is read."""
        ...

    async def read(self) -> Sequence[T_co]:
        """Return what is new since the last time, in order; it may be nothing."""
        ...

    async def wait(self) -> None:
        """Wait until there may be more, at most as long as a wake-up that was lost may cost."""
        ...


async def follow(source: Source[T], guard: Guard | None, clock: Clock) -> AsyncGenerator[T]:
    """Yield what ``source`` reads until it is over.

    ``guard`` is asked at the start, every 15 to 20 seconds, and as soon as anybody in the workspace lost access:
    before anything more is sent.

    Raises:
        AccessLostError: the guard said no.
    """
    access = _Access(guard, clock)
    while not source.is_over:
        await access.check(source)
        batch = await source.read()
        for item in batch:
            await access.check(source)
            yield item
        if not batch and not source.is_over:
            await source.wait()


class _Access:
    """Asks the guard when that is due."""

    def __init__(self, guard: Guard | None, clock: Clock) -> None:
        self._guard = guard
        self._clock = clock
        self._checked_at: float | None = None
        self._losses = 0

    async def check(self, source: Source[object]) -> None:
        # Again after an answer: somebody may have lost access while the guard was being asked.
        while self._guard is not None and self._is_due(source):
            self._checked_at, self._losses = self._clock.monotonic(), source.access_losses
            if not await self._guard():
                raise AccessLostError

    def _is_due(self, source: Source[object]) -> bool:
        is_old = self._checked_at is None or self._clock.monotonic() - self._checked_at >= GUARD_S
        return is_old or source.access_losses > self._losses


@dataclass(frozen=True, slots=True)
class NewItems(Generic[T]):
    """What was read; ``is_over``: nothing more will come after it."""

    items: Sequence[T]
    is_over: bool = False


class RowSource(Generic[T]):
    """Rows of a table that are read when their own channel is woken, or the timer: nobody else's events read them.

    ``read`` returns what is new since its last call. With ``known`` the follower listened before anything could be
    there: it does not look before it was woken more often than that.
    """

    def __init__(
        self,
        listening: ListeningWaiter,
        read: Callable[[], Awaitable[NewItems[T]]],
        *,
        known: int | None = None,
        poll_s: float = POLL_S,
    ) -> None:
        self.is_over = False
        self._listening = listening
        self._read = read
        self._is_due = known is None
        self._poll_s = poll_s
        self._seen = known or 0

    @property
    def access_losses(self) -> int:
        """How often somebody in the workspace lost access since the follower listens."""
        return self._listening.waiter.wake_counts[self._listening.access]

    async def read(self) -> Sequence[T]:
        """Read what is new, unless nothing can be."""
        if not self._is_due:
            return ()
        self._seen = self._listening.waiter.wake_counts[self._listening.channel]
        self._is_due = False
        batch = await self._read()
        self.is_over = batch.is_over
        return batch.items

    async def wait(self) -> None:
        """Wait for the channel, for somebody's loss of access, or for the timer."""
        was_woken = await self._listening.waiter.wait(self._poll_s)
        count = self._listening.waiter.wake_counts[self._listening.channel]
        self._is_due = not was_woken or count > self._seen


@dataclass(frozen=True, slots=True)
class ListeningWaiter:
    """A place at a channel, and at that of who lost access in the workspace."""

    waiter: Waiter
    channel: str
    access: str


@contextmanager
def listening(wakeups: Wakeups, workspace_id: str, channel: str) -> Iterator[ListeningWaiter]:
    """Listen to a channel of a workspace while the block runs; :class:`RowSource` reads what it announces."""
    access = access_channel(workspace_id)
    with wakeups.listen(channel, access) as waiter:
        yield ListeningWaiter(waiter, channel, access)


async def follow_rows(
    wakeups: Wakeups,
    clock: Clock,
    workspace_id: str,
    channel: str,
    read: Callable[[], Awaitable[NewItems[T]]],
    *,
    guard: Guard | None = None,
    poll_s: float = POLL_S,
) -> AsyncGenerator[T]:
    """Yield what ``read`` finds, at once and whenever ``channel`` is woken, until it says that it is over.

    Raises:
        AccessLostError: the guard said no; see :func:`follow`.
    """
    with listening(wakeups, workspace_id, channel) as place:
        async for item in follow(RowSource(place, read, poll_s=poll_s), guard, clock):
            yield item
