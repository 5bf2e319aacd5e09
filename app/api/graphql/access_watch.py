"""Checks an actor's access repeatedly while a stream is open."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Final

import structlog

_log = structlog.get_logger("patchbay.graphql")
_MAX_FAILURES: Final = 2


class Ending(Enum):
    """Why nobody may go on."""

    REVOKED = "REVOKED"
    UNKNOWN = "UNKNOWN"


async def access_ends(may_continue: Callable[[], Awaitable[bool]], every_s: float) -> Ending:
    """Return once access is gone, or could not be checked twice in a row: what is not known is not granted."""
    failures = 0
    while failures < _MAX_FAILURES:
        await asyncio.sleep(every_s)
        try:
            if not await may_continue():
                return Ending.REVOKED
            failures = 0
        except Exception as fault:  # noqa: BLE001 - whatever keeps us from looking, it is counted
            failures += 1
            _log.warning("access not checked", fault=type(fault).__name__)
    return Ending.UNKNOWN
