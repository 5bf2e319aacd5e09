"""Asks again where something was spent to ask at all: giving up at an outage would cost a person a new sign-in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeVar

from app.authenticators.base import Flow
from app.foundation.errors import OutsideError, TransientOutsideError
from app.foundation.messages import OutRequest
from app.foundation.problems import ProblemCode

T = TypeVar("T")
# A code lives for ten minutes at most (RFC 6749 4.1.2), at many providers for one; a browser waits meanwhile.
_WAITS_S: Final = (1.0, 2.0, 4.0, 8.0)
_MAX_WAIT_S: Final = 30.0


def with_retries(ask: Callable[[float], Flow[T]]) -> Flow[T]:
    """Ask, and again after an outage, while what was spent can still be alive.

    ``ask`` makes its request anew each time, to be sent after the seconds that it is given. Where the answer to an
    earlier try was lost, a later refusal of the grant only says that it was used: the outage is the fault then.

    Raises:
        OutsideError: the last fault, or the outage that a used-up grant came from.
    """
    away, waited_s, wait_s = None, 0.0, 0.0
    for backoff_s in (*_WAITS_S, None):
        try:
            return (yield from ask(wait_s))
        except TransientOutsideError as fault:
            away = fault
            wait_s = max(backoff_s or 0.0, fault.problem.retry_after_s or 0.0)
            waited_s += wait_s
            if backoff_s is None or waited_s > _MAX_WAIT_S:
                raise
        except OutsideError as refused:
            if away is None or refused.problem.code is not ProblemCode.PROVIDER_REFUSED_AUTHORIZATION:
                raise
            raise away from None
    raise AssertionError("the last try returns or raises")


def later(request: OutRequest, wait_s: float) -> OutRequest:
    """Return the request, to be sent after ``wait_s`` seconds."""
    return replace(request, wait_s=wait_s) if wait_s else request
