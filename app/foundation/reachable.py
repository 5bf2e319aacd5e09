"""Waits, for a bounded time, for the servers that a hub cannot start without, and says in one line which is away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

MAX_WAIT_S: Final = 30.0
_TRY_S: Final = 5.0
_PAUSE_S: Final = 0.5
_DEFAULT_PORTS: Final = {"postgres": 5432, "postgresql": 5432, "asyncpg": 5432, "redis": 6379, "rediss": 6379}


class CannotStartError(Exception):
    """Something that the hub needs is away or refuses it; the message is one line and holds no password."""

    exit_code: Final = 1


async def reach_postgres(url: str, credentials: Mapping[str, Any], max_wait_s: float = MAX_WAIT_S) -> None:
    """Return once PostgreSQL lets the hub in; ``credentials`` are those of the URL, for the driver.

    Raises:
        CannotStartError: it did not answer for ``max_wait_s``, or refuses the user, the password or the database.
    """
    import asyncpg

    from app.foundation.migrations import connect_postgres

    async def ask() -> None:
        session = await connect_postgres(credentials)
        await session.close()

    where = f"PostgreSQL at {_place(url)}"
    final = {
        asyncpg.InvalidAuthorizationSpecificationError: f"{where} refuses the user or the password of",
        asyncpg.InvalidCatalogNameError: f"{where} does not have the database of",
    }
    passing = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
    try:
        await _wait(ask, passing, tuple(final), where, "PATCHBAY_DATABASE_URL", max_wait_s)
    except tuple(final) as fault:
        words = next(text for kind, text in final.items() if isinstance(fault, kind))
        raise CannotStartError(f"{words} PATCHBAY_DATABASE_URL.") from None


async def reach_redis(url: str, max_wait_s: float = MAX_WAIT_S) -> None:
    """Return once Redis lets the hub in.

    Raises:
        CannotStartError: it did not answer for ``max_wait_s``, or refuses the user, the password or the number.
    """
    from redis.asyncio import Redis
    from redis.exceptions import AuthenticationError, RedisError, ResponseError

    async def ask() -> None:
        async with Redis.from_url(url, socket_connect_timeout=_TRY_S, socket_timeout=_TRY_S) as redis:
            await redis.ping()

    where = f"Redis at {_place(url)}"
    try:
        await _wait(
            ask,
            (OSError, TimeoutError, RedisError),
            (AuthenticationError, ResponseError),
            where,
            "PATCHBAY_REDIS_URL",
            max_wait_s,
        )
    except (AuthenticationError, ResponseError):
        raise CannotStartError(
            f"{where} refuses the user, the password or the database number of PATCHBAY_REDIS_URL."
        ) from None


async def _wait(
    ask: Callable[[], Awaitable[None]],
    passing: tuple[type[Exception], ...],
    final: tuple[type[Exception], ...],
    where: str,
    variable: str,
    max_wait_s: float,
) -> None:
    seen = "TimeoutError"
    try:
        async with asyncio.timeout(max_wait_s):
            while True:
                try:
                    async with asyncio.timeout(_TRY_S):
                        return await ask()
                except final:
                    raise
                except passing as fault:
                    seen = type(fault).__name__
                await asyncio.sleep(_PAUSE_S)
    except TimeoutError:
        raise CannotStartError(
            f"{where} did not answer within {max_wait_s:g} seconds ({seen}). Start it, or correct {variable}."
        ) from None


def _place(url: str) -> str:
    """Return host and port of a URL, and nothing else of it."""
    try:
        parts = urlsplit(url)
        return f"{parts.hostname or 'this machine'}:{parts.port or _DEFAULT_PORTS.get(parts.scheme, '?')}"
    except ValueError:
        return "an address that cannot be read"
