"""The one judge of what the outside answers to calls: the error it is, with all that a person needs to act on.

Token answers have their own words (RFC 6749 5.2, :mod:`app.authenticators.refusal`); what passes by itself, how long to
wait and what is kept of an answer is decided here for them too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from app.catalog.classification import Classification, classify, facts_of
from app.catalog.definition import Definition, ErrorPicks
from app.foundation.egress import EgressRefusedError, parse_target
from app.foundation.errors import OutsideError, outside_error
from app.foundation.expressions import compile_pick
from app.foundation.messages import InResponse, ResponseNotJsonError
from app.foundation.problems import (
    FIX_ADDRESS,
    FixBy,
    Problem,
    ProblemCode,
    Remediation,
    RemediationKind,
    problem,
)
from app.foundation.redaction import Redactor
from app.foundation.retry import MAX_RETRY_AFTER_S, parse_retry_after

_DETAIL_CHARS: Final = 300
_WHO: Final = {who.value: who for who in FixBy}
_KIND_OF: Final[Mapping[ProblemCode, RemediationKind]] = {
    ProblemCode.MISSING_SCOPE: RemediationKind.ADD_SCOPE,
    ProblemCode.CREDENTIALS_REJECTED: RemediationKind.RECONNECT,
    ProblemCode.REAUTHENTICATION_REQUIRED: RemediationKind.RECONNECT,
    ProblemCode.RATE_LIMITED: RemediationKind.WAIT,
    ProblemCode.UPSTREAM_NOT_FOUND: RemediationKind.FIX_FIELD,
}
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_INSTANT: Final = re.compile(r"[1-9][0-9]{9}(?:\.[0-9]+)?")
_MESSAGES: Final = (
    "error_description",
    "message",
    "error.message",
    "error",
    "description",
    "detail",
    "Message",
    "title",  # RFC 9457
)


def body_of(response: InResponse) -> Any:  # noqa: ANN401 - JSON edge
    """Return the decoded JSON body, or None where it is something else."""
    try:
        return response.json()
    except ResponseNotJsonError:
        return None


def read_answer(
    definition: Definition, response: InResponse, now: datetime, redactor: Redactor
) -> tuple[Classification, OutsideError | None]:
    """Return what an answer means, and the error it is; None for a good one.

    ``redactor`` must know the secrets of the request: answers echo them.
    """
    headers, body = dict(response.headers), body_of(response)
    outcome = classify(definition.http, response.status, headers, body)
    if outcome.code is None:
        return outcome, None
    facts = facts_of(response.status, headers, body)
    retry_after_s = wait_s(definition, outcome.code, response, facts, now)
    details = _details(definition.http.error, outcome, facts, redactor)
    if outcome.code is ProblemCode.UPSTREAM_BAD_RESPONSE:
        details |= redirect_details(response)
    fault = explained(
        definition, outcome.code, details=details, retry_after_s=retry_after_s, status=response.status
    )
    return outcome, outside_error(fault)


def wait_s(
    definition: Definition, code: ProblemCode, response: InResponse, facts: Mapping[str, Any], now: datetime
) -> float | None:
    """Return the seconds to wait before a passing fault can be over: as the provider says, else as its limits say.

    Of a fault that does not pass by itself only what the provider states in ``Retry-After`` counts.

    What a definition picks may be seconds, an HTTP date, or seconds since 1970. ``facts`` are those of
    :func:`app.catalog.classification.facts_of`.
    """
    stated = stated_wait_s(response, now)
    if stated is not None or not code.template.retryable:
        return stated
    picked = picked_detail(definition.http.retry_after, facts)
    if picked is not None and _INSTANT.fullmatch(picked):
        return min(max(float(picked) - now.timestamp(), 0.0), MAX_RETRY_AFTER_S)
    seconds = parse_retry_after(picked, now=now)
    if seconds is None and code is ProblemCode.RATE_LIMITED:
        return min((limit.per_s for limit in definition.http.limits), default=None)
    return seconds


def stated_wait_s(response: InResponse, now: datetime) -> float | None:
    """Return what ``Retry-After`` asks to wait, whatever the answer means."""
    return parse_retry_after(response.header("retry-after"), now=now)


def redirect_details(response: InResponse) -> dict[str, str]:
    """Say that an answer is a redirect that was not followed, and to which host; nothing of another answer."""
    if response.status not in _REDIRECTS:
        return {}
    try:
        host = parse_target(response.header("location") or "").host
    except EgressRefusedError:
        host = "another address"
    return {"cause": "REDIRECT", "providerDetail": f"It redirects to {host}, where this call is not sent."}


def explained(
    definition: Definition,
    code: ProblemCode,
    *,
    details: Mapping[str, Any] | None = None,
    retry_after_s: float | None = None,
    status: int | None = None,
) -> Problem:
    """Return the problem of ``code`` with the definition's own troubleshooting in front of the general steps."""
    missing = (details or {}).get("missingScopes") or []
    made = problem(
        code,
        retry_after_s=retry_after_s,
        remediation=_steps(definition, code),
        details=details,
        provider=definition.name,
        **({} if status is None else {"status": f"HTTP {status}"}),
        scopes=", ".join(missing) if missing else "the provider does not say which",
    )
    if any("config." in text for text in (definition.http.base_url, *definition.http.hosts)):
        return made
    # Nobody can correct an address that the configuration does not have.
    return replace(made, remediation=tuple(step for step in made.remediation if step != FIX_ADDRESS))


def with_troubleshooting(definition: Definition, fault: OutsideError) -> OutsideError:
    """Return an error of the network with the provider's name and the definition's own steps."""
    seen = fault.problem
    stated = explained(definition, seen.code, details=dict(seen.details), retry_after_s=seen.retry_after_s)
    if "reason" in seen.details or seen.code is ProblemCode.UPSTREAM_TLS:
        stated = replace(seen, remediation=stated.remediation)
    return type(fault)(stated)


def _details(
    says: ErrorPicks, outcome: Classification, facts: Mapping[str, Any], redactor: Redactor
) -> dict[str, Any]:
    details: dict[str, Any] = {"providerStatus": facts["status"]}
    for name, expression in (("providerCode", says.code), ("providerRequestId", says.request_id)):
        stated = picked_detail(expression, facts)
        if stated:
            details[name] = _plain(redactor.text(stated))[:_DETAIL_CHARS]
    for name, expression in (outcome.rule.details if outcome.rule else {}).items():
        picked = compile_pick(expression)(facts)
        if name == "missing":
            details["missingScopes"] = _scope_list(picked)
        elif isinstance(picked, str | int):
            details[name] = redactor.text(str(picked))[:_DETAIL_CHARS]
    said = picked_detail(says.message, facts) or words_in(facts["body"])
    if said:
        details["providerDetail"] = _plain(redactor.text(said))[:_DETAIL_CHARS]
    return details


def words_in(body: Any) -> str | None:  # noqa: ANN401 - JSON edge
    """Return what an error body says in words, under one of the usual names; None where it says nothing."""
    texts = (compile_pick(path)(body) for path in _MESSAGES)
    return next((text for text in texts if isinstance(text, str)), None)


def picked_detail(expression: str | None, facts: Mapping[str, Any]) -> str | None:
    """Return what the definition picks from an answer, as a text; None where it picks nothing of the kind."""
    picked = compile_pick(expression)(facts) if expression else None
    return str(picked) if isinstance(picked, str | int | float) and not isinstance(picked, bool) else None


def _scope_list(picked: Any) -> list[str]:  # noqa: ANN401 - JSON edge
    items = picked.replace(",", " ").split() if isinstance(picked, str) else picked
    return [str(item)[:100] for item in items[:20]] if isinstance(items, list) else []


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


def _steps(definition: Definition, code: ProblemCode) -> tuple[Remediation, ...]:
    kind = _KIND_OF.get(code, RemediationKind.CHECK_PROVIDER)
    return tuple(
        Remediation(kind, step, _WHO.get(entry.who, FixBy.USER), entry.url)
        for entry in definition.troubleshooting
        if entry.code == code.value
        for step in entry.steps
    )
