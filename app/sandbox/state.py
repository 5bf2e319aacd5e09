"""What the sandbox must remember: what was used up, what was revoked, and how the switches stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Protocol

from app.foundation.clock import Clock

if TYPE_CHECKING:
    from redis.asyncio import Redis

MAX_KEYS: Final = 200_000
_PREFIX: Final = "patchbay:sandbox:"


class SandboxState(Protocol):
    """Small texts under keys, each forgotten after its time. Every method is atomic."""

    async def claim(self, key: str, value: str, ttl_s: int) -> str | None:
        """Write ``value`` if the key is free and return None; else return what stands there."""
        ...

    async def put(self, key: str, value: str, ttl_s: int) -> None:
        """Write ``value``."""
        ...

    async def read(self, keys: Sequence[str]) -> list[str | None]:
        """Return what stands under each key."""
        ...

    async def remove(self, key: str) -> None:
        """Forget the key."""
        ...

    async def count(self, key: str, ttl_s: int) -> int:
        """Add one to the number under the key and return it."""
        ...


class MemoryState:
    """State of one process, lost with it; it holds at most ``MAX_KEYS`` keys and then forgets the oldest."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._values: dict[str, tuple[str, float]] = {}

    async def claim(self, key: str, value: str, ttl_s: int) -> str | None:
        """Write ``value`` if the key is free and return None; else return what stands there."""
        present = self._get(key)
        if present is None:
            await self.put(key, value, ttl_s)
        return present

    async def put(self, key: str, value: str, ttl_s: int) -> None:
        """Write ``value``."""
        self._values.pop(key, None)
        if len(self._values) >= MAX_KEYS:
            self._make_room()
        self._values[key] = (value, self._clock.monotonic() + ttl_s)

    async def read(self, keys: Sequence[str]) -> list[str | None]:
        """Return what stands under each key."""
        return [self._get(key) for key in keys]

    async def remove(self, key: str) -> None:
        """Forget the key."""
        self._values.pop(key, None)

    async def count(self, key: str, ttl_s: int) -> int:
        """Add one to the number under the key and return it."""
        number = int(self._get(key) or 0) + 1
        await self.put(key, str(number), ttl_s)
        return number

    def _get(self, key: str) -> str | None:
        value, until = self._values.get(key, (None, 0.0))
        return value if self._clock.monotonic() < until else None

    def _make_room(self) -> None:
        now = self._clock.monotonic()
        self._values = {key: item for key, item in self._values.items() if now < item[1]}
        while len(self._values) >= MAX_KEYS:
            self._values.pop(next(iter(self._values)))


class RedisState:
    """State that all processes share, under ``patchbay:sandbox:``; the time to live is Redis's own."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def claim(self, key: str, value: str, ttl_s: int) -> str | None:
        """Write ``value`` if the key is free and return None; else return what stands there."""
        while not await self._redis.set(_PREFIX + key, value, ex=ttl_s, nx=True):
            present = await self._redis.get(_PREFIX + key)
            if present is not None:
                return _text(present)
        return None

    async def put(self, key: str, value: str, ttl_s: int) -> None:
        """Write ``value``."""
        await self._redis.set(_PREFIX + key, value, ex=ttl_s)

    async def read(self, keys: Sequence[str]) -> list[str | None]:
        """Return what stands under each key."""
        found = await self._redis.mget([_PREFIX + key for key in keys])
        return [None if value is None else _text(value) for value in found]

    async def remove(self, key: str) -> None:
        """Forget the key."""
        await self._redis.delete(_PREFIX + key)

    async def count(self, key: str, ttl_s: int) -> int:
        """Add one to the number under the key and return it."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.incr(_PREFIX + key)
            pipe.expire(_PREFIX + key, ttl_s)
            number, _ = await pipe.execute()
        return int(number)


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
