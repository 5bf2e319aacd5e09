"""Waits, for a bounded time, for the servers that a hub cannot start without, and says in one line which is away."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import structlog

_log = structlog.get_logger("patchbay.start")
MAX_WAIT_S: Final = 30.0
_TRY_S: Final = 5.0
_PAUSE_S: Final = 0.5
_FIRST_REPORT_S: Final = 1
_REPORT_EVERY_S: Final = 5
_DEFAULT_PORTS: Final = {"postgres": 5432, "postgresql": 5432, "asyncpg": 5432, "redis": 6379, "rediss": 6379}


class CannotStartError(Exception):
    """Something that the hub needs is away or refuses it; the message is one line and holds no password."""

    exit_code: Final = 1


@asynccontextmanager
async def reported_wait(what: str) -> AsyncIterator[dict[str, str]]:
    """Log what the start waits for, after a moment and then every few seconds, while the block runs.

    What the block writes into the mapping is logged with it.
    """
    facts: dict[str, str] = {}
    reporting = asyncio.create_task(_report(what, facts), name="reported-wait")
    try:
        yield facts
    finally:
        reporting.cancel()


async def _report(what: str, facts: Mapping[str, str]) -> None:
    waited_s, pause_s = 0, _FIRST_REPORT_S
    while True:
        await asyncio.sleep(pause_s)
        waited_s += pause_s
        _log.warning(f"still waiting for {what}", waited_s=waited_s, **facts)
        pause_s = _REPORT_EVERY_S


async def reach_postgres(url: str, credentials: Mapping[str, Any], max_wait_s: float = MAX_WAIT_S) -> None:
    """Return once PostgreSQL lets the hub in; ``credentials`` are those of the URL, for the driver.

    Raises:
        CannotStartError: it did not answer for ``max_wait_s``, or refuses the user, the password or the database, or
            nobody says which user is meant.
    """
    import asyncpg

    from app.foundation.migrations import connect_postgres

    where = place_of_server("PostgreSQL", url)

    async def ask() -> None:
        try:
            session = await connect_postgres(credentials)
        except KeyError:  # the driver looks for the name of the process's user
            raise CannotStartError(
                f"PATCHBAY_DATABASE_URL names no user of {where}, and user {os.getuid()} has no name on this machine."
            ) from None
        await session.close()

    await _wait(
        ask,
        where,
        "PATCHBAY_DATABASE_URL",
        {
            asyncpg.InvalidAuthorizationSpecificationError: "refuses the user or the password of",
            asyncpg.InvalidCatalogNameError: "does not have the database of",
        },
        (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError),
        max_wait_s,
    )


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

    refusal = "refuses the user, the password or the database number of"
    await _wait(
        ask,
        place_of_server("Redis", url),
        "PATCHBAY_REDIS_URL",
        {AuthenticationError: refusal, ResponseError: refusal},
        (OSError, TimeoutError, RedisError),
        max_wait_s,
    )


async def _wait(
    ask: Callable[[], Awaitable[None]],
    where: str,
    variable: str,
    refusals: Mapping[type[Exception], str],
    passing: tuple[type[Exception], ...],
    max_wait_s: float,
) -> None:
    """Ask until there is an answer; a fault among ``refusals`` ends it at once, one that is ``passing`` does not."""
    seen = "TimeoutError"
    try:
        async with reported_wait(where) as facts, asyncio.timeout(max_wait_s):
            while True:
                try:
                    async with asyncio.timeout(_TRY_S):
                        return await ask()
                except tuple(refusals) as fault:
                    words = next(text for kind, text in refusals.items() if isinstance(fault, kind))
                    raise CannotStartError(f"{where} {words} {variable}.") from None
                except passing as fault:
                    seen = facts["fault"] = type(fault).__name__
                await asyncio.sleep(_PAUSE_S)
    except TimeoutError:
        raise CannotStartError(
            f"{where} did not answer within {max_wait_s:g} seconds ({seen}). Start it, or correct {variable}."
        ) from None


def place_of_server(name: str, url: str) -> str:
    """Return a server's name with host and port of its URL, and nothing else of it."""
    return f"{name} at {_place(url)}"


def _place(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = parts.hostname or "this machine"
        return f"{f'[{host}]' if ':' in host else host}:{parts.port or _DEFAULT_PORTS.get(parts.scheme, '?')}"
    except ValueError:
        return "an address that cannot be read"
