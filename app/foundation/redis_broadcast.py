"""broadcaster over Redis publish/subscribe, through a restart of Redis.

broadcaster's own backend delivers nothing with redis-py 8, and hangs for ever after a lost connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from random import Random
from typing import Final

import structlog
from broadcaster import BroadcastBackend, Event
from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.foundation.retry import backoff_s

_log = structlog.get_logger("patchbay.wakeups")
_RECONNECT_CAP_S: Final = 2.0
_CANCEL_AGAIN_S: Final = 0.1


class RedisBackend(BroadcastBackend):
    """A backend for one channel. A Redis that is away is waited for; what is published meanwhile is lost.

    ``on_reconnect`` is called when it is back.
    """

    def __init__(self, url: str, on_reconnect: Callable[[], None]) -> None:
        self._redis: Redis = Redis.from_url(url, socket_connect_timeout=3, health_check_interval=15)
        self._on_reconnect = on_reconnect
        self._channel = ""
        self._subscribed = asyncio.Event()
        self._listener: asyncio.Task[object] | None = None
        self._messages = self._read()

    async def connect(self) -> None:
        """Do nothing: waiting for a message connects, and connects again."""

    async def disconnect(self) -> None:
        """Close the connections once the broadcast's own listener, which is cancelled already, has ended."""
        while self._listener is not None and not self._listener.done():
            self._listener.cancel()  # again: asyncio.wait_for loses one that comes as it ends, under redis-py too
            await asyncio.wait([self._listener], timeout=_CANCEL_AGAIN_S)
        await self._messages.aclose()
        await self._redis.aclose()

    async def subscribe(self, channel: str) -> None:
        """Let :meth:`next_published` wait for messages of ``channel``."""
        self._channel = channel
        self._subscribed.set()

    async def unsubscribe(self, channel: str) -> None:
        """Do nothing: the subscription goes with the connection."""

    async def publish(self, channel: str, message: str) -> None:
        """Publish; where Redis is away the message is lost."""
        try:
            try:
                await self._redis.publish(channel, message)
            except (RedisError, OSError):
                # The pool's connection may have broken long ago, with a Redis that is back since: the next one is new.
                await self._redis.publish(channel, message)
        except (RedisError, OSError) as fault:
            _log.warning("wakeup not sent", fault=type(fault).__name__)

    async def next_published(self) -> Event:
        """Wait for the next message."""
        self._listener = asyncio.current_task()
        return await anext(self._messages)

    async def _read(self) -> AsyncGenerator[Event, None]:
        attempt = 0
        rng = Random()  # noqa: S311 - spreads reconnects, guards nothing
        await self._subscribed.wait()
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
                    await pubsub.subscribe(self._channel)
                    if attempt:
                        self._on_reconnect()
                    attempt = 0
                    async for message in pubsub.listen():
                        yield Event(self._channel, message["data"].decode())
            except (RedisError, OSError) as fault:
                attempt += 1
                _log.warning("redis is away", fault=type(fault).__name__, attempt=attempt)
                await asyncio.sleep(backoff_s(attempt, base_s=0.05, cap_s=_RECONNECT_CAP_S, rng=rng))
