"""The only place that knows the time."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Wall-clock instants for what is stored, monotonic seconds for what is measured, and waiting."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never run backwards; only differences mean anything."""
        ...

    async def sleep(self, delay_s: float) -> None:
        """Wait ``delay_s`` seconds of this clock."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the machine's monotonic seconds."""
        return time.monotonic()

    async def sleep(self, delay_s: float) -> None:
        """Wait ``delay_s`` real seconds."""
        await asyncio.sleep(delay_s)


class FrozenClock:
    """A clock that moves only when it is set, for tests and simulations."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime(2026, 1, 1, tzinfo=UTC)
        self._monotonic = 0.0

    def now(self) -> datetime:
        """Return the instant the clock stands at."""
        return self._now

    def monotonic(self) -> float:
        """Return the seconds advanced so far."""
        return self._monotonic

    async def sleep(self, delay_s: float) -> None:
        """Advance the clock by ``delay_s`` and let other tasks run once."""
        self.advance(delay_s)
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        """Move the clock on by ``seconds``; the wall clock and the monotonic one together."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += max(seconds, 0.0)

    def jump(self, seconds: float) -> None:
        """Move only the wall clock, as an operator or a time server would."""
        self._now += timedelta(seconds=seconds)
