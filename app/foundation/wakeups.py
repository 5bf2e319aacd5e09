"""Wake-ups: "look again" signals between tasks and processes. They carry no data and may be lost.

Everybody who waits also waits on a timer and then reads the database, which is the truth.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator
from random import Random
from typing import Any, Final, Protocol

import structlog
from broadcaster import Broadcast
from broadcaster._backends.base import BroadcastBackend
from broadcaster._base import Event as BroadcastEvent
from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.foundation.ids import new_token
from app.foundation.retry import backoff_s

_log = structlog.get_logger("patchbay.wakeups")
_RECONNECT_CAP_S: Final = 2.0
_TOPIC: Final = "wakeups"
_SEPARATOR: Final = "\n"


class Listener(Protocol):
    """Whoever is to look again."""

    def wake(self, channel: str) -> None:
        """Hear that there may be something new; it does not wait."""
        ...


class Waiter:
    """One listener's place; several wake-ups before it looks count as one.

    ``heard`` counts the wake-ups of each channel: who listens to several knows which one it was.
    """

    def __init__(self) -> None:
        self.heard: Counter[str] = Counter()
        self._event = asyncio.Event()

    def wake(self, channel: str) -> None:
        """Let the listener look again."""
        self.heard[channel] += 1
        self._event.set()

    async def wait(self, timeout_s: float) -> bool:
        """Wait for a wake-up for at most ``timeout_s``; return whether one came. Either way: look again."""
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
        self._backend = RedisBackend(redis_url) if redis_url else None
        self._broadcast = Broadcast(backend=self._backend) if self._backend else Broadcast("memory://")
        self._topic = f"patchbay:{namespace}:{_TOPIC}"
        self._own = new_token(64)  # what this process publishes comes back to it, and was heard already
        self._waiters: dict[str, set[Listener]] = {}
        self._pump: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect and start listening; a Redis that is away is waited for in the background."""
        if self._backend is not None:
            self._backend.on_reconnect = self._wake_everybody
        await self._broadcast.connect()
        started = asyncio.Event()
        self._pump = asyncio.create_task(self._listen(started), name="wakeups")
        await started.wait()

    async def close(self) -> None:
        """Stop listening and disconnect."""
        if self._pump is not None:
            self._pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._pump
        with contextlib.suppress(asyncio.CancelledError, RedisError, OSError):
            await self._broadcast.disconnect()

    async def notify(self, *channels: str) -> None:
        """Wake the waiters of ``channels`` everywhere; a broker that is away costs the others only their timer."""
        self._wake(channels)
        if self._backend is None:
            return
        try:
            await self._broadcast.publish(self._topic, _SEPARATOR.join((self._own, *channels)))
        except (RedisError, OSError, TimeoutError) as fault:
            _log.warning("wakeup not sent", fault=type(fault).__name__)

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

    async def _listen(self, started: asyncio.Event) -> None:
        async with self._broadcast.subscribe(self._topic) as subscriber:
            started.set()
            while True:
                event = await subscriber.get()
                sender, *channels = event.message.split(_SEPARATOR)
                if sender != self._own:
                    self._wake(channels)

    def _wake(self, channels: Iterable[str]) -> None:
        for channel in channels:
            for listener in list(self._waiters.get(channel, ())):
                listener.wake(channel)

    def _wake_everybody(self) -> None:
        self._wake(list(self._waiters))


class RedisBackend(BroadcastBackend):
    """A broadcaster backend for Redis publish/subscribe that survives a restart of Redis.

    broadcaster's own one delivers nothing with redis-py 8 and hangs for ever after a lost connection.
    """

    def __init__(self, url: str) -> None:
        self._redis: Redis = Redis.from_url(url, socket_connect_timeout=3, health_check_interval=15)
        self._topics: set[str] = set()
        self._events: asyncio.Queue[BroadcastEvent] = asyncio.Queue(maxsize=1_000)
        self._reader: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self.on_reconnect: Any = None

    async def connect(self) -> None:
        """Start the reader; it connects, and connects again, by itself."""
        self._reader = asyncio.create_task(self._read(), name="wakeups-redis")

    async def disconnect(self) -> None:
        """Stop the reader and close the connections."""
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader
        await self._redis.aclose()

    async def subscribe(self, channel: str) -> None:
        """Add ``channel``; the reader subscribes to it at its next turn."""
        self._topics.add(channel)
        self._changed.set()

    async def unsubscribe(self, channel: str) -> None:
        """Drop ``channel``."""
        self._topics.discard(channel)

    async def publish(self, channel: str, message: str) -> None:
        """Publish; raises RedisError or OSError when Redis is away."""
        try:
            await self._redis.publish(channel, message)
        except (RedisError, OSError):
            # The pool's connection may have broken long ago, with a Redis that is back since: the next one is new.
            await self._redis.publish(channel, message)

    async def next_published(self) -> BroadcastEvent:
        """Wait for the next message."""
        return await self._events.get()

    async def _read(self) -> None:
        attempt = 0
        rng = Random()  # noqa: S311 - spreads reconnects, guards nothing
        while True:
            try:
                await self._changed.wait()
                async with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
                    await pubsub.subscribe(*self._topics)
                    if attempt and self.on_reconnect is not None:
                        self.on_reconnect()  # messages sent meanwhile are lost: everybody looks again
                    attempt = 0
                    async for message in pubsub.listen():
                        await self._events.put(
                            BroadcastEvent(message["channel"].decode(), message["data"].decode())
                        )
            except (RedisError, OSError) as fault:
                attempt += 1
                _log.warning("redis is away", fault=type(fault).__name__, attempt=attempt)
                await asyncio.sleep(backoff_s(attempt, base_s=0.05, cap_s=_RECONNECT_CAP_S, rng=rng))
