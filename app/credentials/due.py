"""When credentials are due for renewal or for a probe: figures only."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Final

MAX_MARGIN: Final = timedelta(minutes=15)
MAX_JITTER: Final = timedelta(minutes=5)
PROBE_AFTER: Final = timedelta(hours=22)
_PROBE_JITTER: Final = timedelta(hours=2)
CLOCK_SKEW: Final = timedelta(seconds=60)
RETRY_MIN_S: Final = 30.0
RETRY_MAX_S: Final = 1_800.0
_MAX_REQUESTED_S: Final = 3_600.0
_SHARE_OF_OUTAGE: Final = 6
_SHARE_OF_LIFE: Final = 10
_LEAST_WAIT_S: Final = 1.0
_USE_MARGIN: Final = timedelta(seconds=60)
_MAX_LIFETIME_S: Final = 400 * 24 * 3600


def due_at(connection_id: str, generation: int, sealed_at: datetime, lifetime_s: int | None) -> datetime:
    """Return when to renew: expiry minus the smaller of 15 minutes and half the lifetime, minus jitter.

    Without a known lifetime it is when to probe: within a day. The jitter depends on connection and generation
    alone, so a restart does not move it.
    """
    share = share_of(connection_id, generation)
    if lifetime_s is None:
        return sealed_at + PROBE_AFTER + _PROBE_JITTER * share
    lifetime = timedelta(seconds=min(max(lifetime_s, 0), _MAX_LIFETIME_S))
    margin = min(MAX_MARGIN, lifetime / 2)
    jitter = min(MAX_JITTER, lifetime / 10) * share
    return sealed_at + lifetime - margin - jitter


def is_fresh(
    now: datetime, expires_at: datetime | None, lifetime_s: int | None, sealed_at: datetime | None = None
) -> bool:
    """Return whether a token may still be used: not within 60 s of expiry, or a quarter of its life where shorter.

    What was sealed later than now was sealed before the clock was put back: nobody knows how long it still lives.
    """
    if expires_at is None:
        return True
    if sealed_at is not None and sealed_at > now + CLOCK_SKEW:
        return False
    margin = _USE_MARGIN
    if lifetime_s is not None:
        margin = min(margin, timedelta(seconds=lifetime_s / 4))
    return now < expires_at - margin


def least_wait_s(lifetime_s: int | None) -> float:
    """Return how many seconds to wait at least after a failed renewal: half a minute, or a tenth of a shorter life.

    A token that lives for less than five minutes would run out over one failure otherwise.
    """
    if lifetime_s is None:
        return RETRY_MIN_S
    return min(max(lifetime_s / _SHARE_OF_LIFE, _LEAST_WAIT_S), RETRY_MIN_S)


def next_try_s(
    failing_s: float, requested_s: float | None, share: float, least_s: float = RETRY_MIN_S
) -> float:
    """Return in how many seconds to try again after a failure; ``share`` (0 to 1) spreads those that failed together.

    The wait is at most a sixth of the time it has been failing, so that an outage is noticed to be over soon after it
    is: within two minutes after one of ten. What the provider asks for (``Retry-After``) is honoured up to an hour.
    """
    longest = min(max(failing_s / _SHARE_OF_OUTAGE, 2 * least_s), RETRY_MAX_S)
    own_s = least_s + (longest - least_s) * share
    return max(own_s, min(requested_s or 0.0, _MAX_REQUESTED_S))


def next_probe(connection_id: str, generation: int, now: datetime, expires_at: datetime | None) -> datetime:
    """Return when to probe credentials that are not renewed: within a day, and when they should have run out."""
    daily = due_at(connection_id, generation, now, None)
    return expires_at if expires_at is not None and now < expires_at < daily else daily


def share_of(connection_id: str, number: int) -> float:
    """Return a share (0 to 1) that spreads what would happen together: the same for the same two, in every process."""
    digest = hashlib.sha256(f"{connection_id}:{number}".encode()).digest()
    return int.from_bytes(digest[:4]) / 2**32
