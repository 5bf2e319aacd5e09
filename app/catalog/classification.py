"""Decides what an answer of the outside means: good, or one stable problem code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.catalog.definition import Http, Json, ProblemRule
from app.foundation.expressions import compile_pick
from app.foundation.problems import ProblemCode

_GENERAL: Final[Mapping[int, ProblemCode]] = {
    401: ProblemCode.CREDENTIALS_REJECTED,
    403: ProblemCode.MISSING_SCOPE,
    404: ProblemCode.UPSTREAM_NOT_FOUND,
    408: ProblemCode.UPSTREAM_TIMEOUT,
    410: ProblemCode.UPSTREAM_NOT_FOUND,
    425: ProblemCode.UPSTREAM_UNAVAILABLE,
    429: ProblemCode.RATE_LIMITED,
    504: ProblemCode.UPSTREAM_TIMEOUT,
}
_SUCCESS: Final = range(200, 300)
_CLIENT_ERROR: Final = range(400, 500)
_SERVER_ERROR: Final = range(500, 600)


@dataclass(frozen=True, slots=True)
class Classification:
    """What an answer means: ``code`` is None for a good one.

    ``rule`` is the row of the error table that decided, if one did. ``expired`` says that the credentials
    have run out: renew once and repeat (a 401, or the definition's own sign).
    """

    code: ProblemCode | None
    rule: ProblemRule | None = None
    expired: bool = False


def facts_of(status: int, headers: Mapping[str, str], body: Json) -> dict[str, Json]:
    """Return what predicates see: ``status``, ``headers`` under lower-case names, and ``body``."""
    lowered = {name.lower(): value for name, value in headers.items()}
    return {"status": status, "headers": lowered, "body": body}


def classify(http: Http, status: int, headers: Mapping[str, str], body: Json) -> Classification:
    """Say what an answer means under the definition's ``http`` part.

    Good is a 2xx answer that meets ``http.success``. Otherwise the first matching row of the error table
    decides, and after it the general table by status. ``body`` is the decoded JSON, or None.
    """
    facts = facts_of(status, headers, body)
    if status in _SUCCESS and _holds(http.success, facts, default=True):
        return Classification(None)
    expired = status == 401 or _holds(http.expiry, facts, default=False)  # noqa: PLR2004 - RFC 9110 15.5.2
    for rule in http.problems:
        if compile_pick(rule.when).holds(facts):
            code = ProblemCode[rule.code]
            return Classification(code, rule, expired and code is ProblemCode.CREDENTIALS_REJECTED)
    code = ProblemCode.CREDENTIALS_REJECTED if expired else general_code(status)
    return Classification(code, None, expired)


def general_code(status: int) -> ProblemCode:
    """Return the problem code of a failed answer that no row of the error table explains."""
    if status in _GENERAL:
        return _GENERAL[status]
    if status in _SERVER_ERROR:
        return ProblemCode.UPSTREAM_UNAVAILABLE
    if status in _CLIENT_ERROR or status in _SUCCESS:
        return ProblemCode.UPSTREAM_REJECTED
    return ProblemCode.UPSTREAM_BAD_RESPONSE


def passing_code(status: int) -> ProblemCode | None:
    """Return the problem code of a status that says "try later" (408, 425, 429, 5xx), or None."""
    code = general_code(status)
    return code if code.template.retryable else None


def _holds(predicate: str | None, facts: Mapping[str, Json], *, default: bool) -> bool:
    return default if predicate is None else compile_pick(predicate).holds(facts)
