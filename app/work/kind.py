"""Kinds of due work: who does it, how much at once, and for how long it is tried."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

from app.foundation.database import Transaction
from app.foundation.retry import backoff_s

LEAST_TRIES: Final = 3
SUSPECT_AFTER: Final = 5
_PAUSE_S: Final = 5.0
_MAX_DOUBLINGS: Final = 30


@dataclass(frozen=True, slots=True)
class WorkSubject:
    """What a piece of work is about, and whose it is.

    ``share`` is served fairly within a workspace, such as an application; it is the workspace itself unless stated.
    """

    id: str
    workspace_id: str
    share: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to do one piece of work until it ends, is lost, or is released.

    ``fence`` grows with each claim: a row that remembers it can refuse what a former claimer writes. ``attempts``
    counts the tries since it last went well, with this one. ``interruptions`` counts the processes that died with it
    one after the other: nobody knows how far the last of them came.
    """

    id: str
    kind: str
    subject: str
    workspace_id: str
    share: str
    fence: int
    attempts: int
    failing_since: datetime | None
    interruptions: int


Handler = Callable[[Claim], Awaitable[datetime | None]]
GiveUp = Callable[[Transaction, Claim], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class WorkKind:
    """One kind of background work.

    ``run`` does it and returns when it is due again, or None where it is done. What it raises is logged and tried
    again after a jittered wait that doubles from ``retry_base_s`` up to ``retry_cap_s``, or after the time that a
    :class:`PatchbayError` asks for. After ``give_up_after`` of failing it is given up: ``on_give_up`` informs the room,
    in the same transaction. ``at_once`` and ``at_once_per_share`` bound what one process does together; a try is
    cut off after ``deadline_s``. Without one it is never cut off, whatever happens to its claim: it ends by itself.
    """

    name: str
    run: Handler
    at_once: int = 20
    at_once_per_share: int | None = None
    deadline_s: float | None = 120.0
    retry_base_s: float = 30.0
    retry_cap_s: float = 3_600.0
    give_up_after: timedelta | None = None
    on_give_up: GiveUp | None = None

    def wait_s(self, attempts: int, requested_s: float | None, rng: Random) -> float:
        """Return in how many seconds to try again after ``attempts`` tries, at least what the outside asked for."""
        own_s = backoff_s(attempts, base_s=self.retry_base_s, cap_s=self.retry_cap_s, rng=rng)
        return max(own_s, self.retry_base_s, requested_s or 0.0)

    def pause_s(self, claim: Claim) -> float | None:
        """Return for how long to leave alone what may be the reason why its processes die; None where it is tried.

        It is no failure: it is short at first, so that what merely met with many restarts comes in time.
        """
        if claim.interruptions <= SUSPECT_AFTER:
            return None
        doublings = min(max(claim.attempts - SUSPECT_AFTER - 2, 0), _MAX_DOUBLINGS)
        return min(_PAUSE_S * 2.0**doublings, self.retry_cap_s)

    def ends_at(self, claim: Claim, failing_since: datetime) -> datetime | None:
        """Return from when on a failure is the last one; None while it is tried on whatever happens."""
        if self.give_up_after is None or claim.attempts < LEAST_TRIES:
            return None
        return failing_since + self.give_up_after
