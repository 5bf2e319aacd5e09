"""Wake-ups: signals between tasks and processes that say "read again". They carry no data and may be lost.

Everybody who waits also waits on a timer and then reads the database, which is the truth. broadcaster carries them
between processes. It does not in a process: its subscribers have queues without a bound, and a waiter has only to know
that there was one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from broadcaster import Broadcast

from app.foundation.ids import new_token

_SEPARATOR: Final = "\n"


class Listener(Protocol):
    """What is woken by a channel's wake-ups."""

    def wake(self, channel: str) -> None:
        """Note that there may be something new; it does not wait."""
        ...


class Waiter:
    """One listener; several wake-ups before it reads count as one.

    ``wake_counts`` counts the wake-ups of each channel: who listens to several knows which one it was.
    """

    def __init__(self) -> None:
        self.wake_counts: Counter[str] = Counter()
        self._event = asyncio.Event()

    def wake(self, channel: str) -> None:
        """Wake the listener."""
        self.wake_counts[channel] += 1
        self._event.set()

    async def wait(self, timeout_s: float) -> bool:
        """Wait for a wake-up for at most ``timeout_s``; return whether one came. Either way: read again."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._event.wait()
        except TimeoutError:
            return False
        finally:
            self._event.clear()
        return True


class Wakeups:
    """Notifies the waiters of a channel in this process and, through Redis, in all others.

    One broadcaster topic carries all channel names, so the process holds one subscription whatever its number of
    listeners, and its queue is drained at once.
    """

    def __init__(self, redis_url: str | None, namespace: str) -> None:
        self._broadcast: Broadcast | None = None
        if redis_url:
            from app.foundation.redis_broadcast import RedisBackend  # in one process there is no Redis

            self._broadcast = Broadcast(backend=RedisBackend(redis_url, self._wake_everybody))
        self._topic = f"patchbay:{namespace}:wakeups"
        self._own = new_token(64)  # what this process publishes comes back to it, and was heard already
        self._waiters: dict[str, set[Listener]] = {}
        self._pump: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Start listening to other processes; a Redis that is away is waited for in the background."""
        if self._broadcast is not None:
            await self._broadcast.connect()
            self._pump = asyncio.create_task(self._listen(self._broadcast), name="wakeups")

    async def close(self) -> None:
        """Stop listening and disconnect."""
        if self._broadcast is None or self._pump is None:
            return
        self._pump.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._pump
        await self._broadcast.disconnect()

    async def notify(self, *channels: str) -> None:
        """Wake the waiters of ``channels`` everywhere; a broker that is away costs the others only their timer."""
        self._wake(channels)
        if self._broadcast is not None:
            await self._broadcast.publish(self._topic, _SEPARATOR.join((self._own, *channels)))

    @contextlib.contextmanager
    def listen(self, *channels: str) -> Iterator[Waiter]:
        """Wait on ``channels`` while the block runs."""
        waiter = Waiter()
        for channel in channels:
            self.add(channel, waiter)
        try:
            yield waiter
        finally:
            for channel in channels:
                listeners = self._waiters[channel]
                listeners.discard(waiter)
                if not listeners:
                    del self._waiters[channel]

    def add(self, channel: str, listener: Listener) -> None:
        """Let ``listener`` hear every wake-up of ``channel`` from now on."""
        self._waiters.setdefault(channel, set()).add(listener)

    async def _listen(self, broadcast: Broadcast) -> None:
        async with broadcast.subscribe(self._topic) as subscriber:
            while True:
                event = await subscriber.get()
                sender, *channels = event.message.split(_SEPARATOR)
                if sender != self._own:
                    self._wake(channels)

    def _wake(self, channels: Iterable[str]) -> None:
        for channel in channels:
            for listener in list(self._waiters.get(channel, ())):
                listener.wake(channel)

    def _wake_everybody(self) -> None:  # what others sent while Redis was away is lost
        self._wake(list(self._waiters))
