"""How long to wait before trying again: what the other side asks for, and our own jittered back-off."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import Random
from typing import Final

MAX_RETRY_AFTER_S: Final = 86_400.0
_MAX_LENGTH: Final = 64
_SECONDS: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_MAX_DOUBLINGS: Final = 32


def parse_retry_after(value: str | None, *, now: datetime, cap_s: float = MAX_RETRY_AFTER_S) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks for (RFC 9110 10.2.3), at most ``cap_s``.

    Both forms are read: delay seconds (a fraction too, as some providers send) and the HTTP date. A date that has
    passed is 0. What is absent, negative, overlong or not readable is None: the caller's own back-off holds then.
    """
    text = (value or "").strip()
    if not text or len(text) > _MAX_LENGTH:
        return None
    if _SECONDS.fullmatch(text):
        return min(float(text), cap_s)
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return min(max((moment - now).total_seconds(), 0.0), cap_s)
    except (ValueError, OverflowError):
        return None


def backoff_s(attempt: int, *, base_s: float, cap_s: float, rng: Random) -> float:
    """Return a wait drawn evenly from zero to ``base_s`` doubled ``attempt`` times, at most ``cap_s``.

    Full jitter: callers that failed together do not come back together. ``attempt`` counts from 0.
    """
    ceiling = base_s * 2.0 ** min(max(attempt, 0), _MAX_DOUBLINGS)
    return rng.uniform(0.0, min(ceiling, cap_s))
