"""Remembers for a second whom a token or a session stands for: a client's next request asks no database."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from typing import Final

from app.event_stream.channels import ACCESS_CHANNEL
from app.foundation.clock import Clock
from app.foundation.wakeups import Wakeups
from app.members.snapshot import Identity

LIFETIME_S: Final = 1.0
MAX_ENTRIES: Final = 5_000
_LookUp = Callable[[], Awaitable[Identity | None]]


class IdentityCache:
    """Keeps what a look-up found for a second from when it began, and never beyond the expiry.

    Keys are hashes of tokens, never tokens. Requests that ask at the same time share one look-up; what is not
    recognised is not kept. Where somebody lost access, the event empties the caches of every process: at once, and
    where its wake-up is lost, by the second.
    """

    def __init__(self, clock: Clock, wakeups: Wakeups) -> None:
        self._clock = clock
        self._entries: dict[str, tuple[Identity, float]] = {}
        self._look_ups: dict[str, asyncio.Task[Identity | None]] = {}
        wakeups.add(ACCESS_CHANNEL, self)

    async def get(self, key: str, look_up: _LookUp) -> Identity | None:
        """Return whom ``key`` stands for, by ``look_up`` where that is not known; None if for nobody.

        Raises:
            Exception: what ``look_up`` raised.
        """
        entry = self._entries.get(key)
        if entry is not None and self._is_fresh(*entry):
            return entry[0]
        task = self._look_ups.get(key)
        if task is None:
            task = asyncio.create_task(self._fill(key, look_up), context=contextvars.Context())
            self._look_ups[key] = task
        return await asyncio.shield(task)

    def wake(self, channel: str) -> None:  # noqa: ARG002 - it hears one channel alone
        """Forget everybody in this process; a look-up under way may have read too early, so it is not kept."""
        self._entries.clear()
        self._look_ups.clear()

    def _is_fresh(self, found: Identity, until: float) -> bool:
        is_over = found.expires_at is not None and found.expires_at <= self._clock.now()
        return self._clock.monotonic() < until and not is_over

    async def _fill(self, key: str, look_up: _LookUp) -> Identity | None:
        until = self._clock.monotonic() + LIFETIME_S
        task = asyncio.current_task()
        try:
            found = await look_up()
        finally:
            is_current = self._look_ups.get(key) is task
            if is_current:
                del self._look_ups[key]
        if found is not None and is_current:
            self._entries.pop(key, None)  # the order of entries is that of their age
            if len(self._entries) >= MAX_ENTRIES:
                del self._entries[next(iter(self._entries))]
            self._entries[key] = (found, until)
        return found
