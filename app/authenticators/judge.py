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

from app.catalog.address_fields import address_fields
from app.catalog.classification import Classification, classify, facts_of
from app.catalog.definition import Definition, ErrorPicks
from app.foundation.egress import EgressCause, EgressRefusedError, parse_target
from app.foundation.errors import OutsideError, RefusedOutsideError, outside_error
from app.foundation.expressions import compile_pick
from app.foundation.messages import InResponse, ResponseNotJsonError
from app.foundation.misunderstanding import misunderstanding
from app.foundation.problems import (
    FixBy,
    Problem,
    ProblemCode,
    Remediation,
    RemediationKind,
    problem,
)
from app.foundation.redaction import Redactor
from app.foundation.redirect import Redirect
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
_NOT_FOLLOWED: Final[Mapping[str, str]] = {
    EgressCause.SCHEME.value: "which is not secured, so that the hub does not follow",
    EgressCause.REDIRECT.value: "where this call is not sent",
    EgressCause.HOST.value: "which is not the host that this connection may call",
    EgressCause.ADDRESS.value: "which is not an address that the hub may call",
}
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
    elsewhere = _elsewhere(definition, outcome, response) or _other_protocol(definition, outcome, response)
    if elsewhere is not None:
        return Classification(elsewhere.code), outside_error(elsewhere)
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


def _elsewhere(definition: Definition, outcome: Classification, response: InResponse) -> Problem | None:
    """Return the problem of a bad answer that a redirect explains, or None.

    It was not followed; or it led to another origin, where credentials do not go: what is said there is said of a call
    without them.
    """
    if outcome.code is None or outcome.rule is not None or outcome.code.template.retryable:
        return None
    left = next((one for one in response.redirects if one.leaves_origin or not one.is_followed), None)
    if left is None:
        return None
    reason = "where the credentials do not go along" if left.is_followed else "where this call is not sent"
    return redirected_elsewhere(definition, left, reason, {"providerStatus": response.status})


def _other_protocol(definition: Definition, outcome: Classification, response: InResponse) -> Problem | None:
    """Return the problem of an answer in which the server itself says that it was spoken to in the wrong way."""
    if outcome.rule is not None:
        return None
    found = misunderstanding(response)
    if found is None:
        return None
    code, reason = found
    details = {"providerStatus": response.status, "reason": reason}
    return explained(definition, code, details=details, reason=reason)


def redirected_elsewhere(
    definition: Definition, left: Redirect, reason: str, details: Mapping[str, Any]
) -> Problem:
    """Return the problem of a redirect that made a call fail, with the address to configure where it shows."""
    found = {"cause": "REDIRECT", **details, "location": left.target}
    own: tuple[Remediation, ...] = ()
    fields = address_fields(definition)
    if left.new_base and fields:
        found["newAddress"] = left.new_base
        text = f"Enter {left.new_base} as “{fields[0].title}” in the configuration."
        own = (Remediation(RemediationKind.FIX_FIELD, text, FixBy.USER),)
    stated = explained(
        definition,
        ProblemCode.UPSTREAM_REDIRECTED,
        details=found,
        source=left.source,
        location=left.target,
        reason=reason,
    )
    return replace(stated, remediation=own + stated.remediation)


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
    **values: str,
) -> Problem:
    """Return the problem of ``code`` with the definition's own troubleshooting in front of the general steps."""
    missing = (details or {}).get("missingScopes") or []
    return problem(
        code,
        retry_after_s=retry_after_s,
        remediation=_steps(definition, code) + _address_steps(definition, code),
        details=details,
        provider=definition.name,
        **({} if status is None else {"status": f"HTTP {status}"}),
        scopes=", ".join(missing) if missing else "the provider does not say which",
        **values,
    )


def with_troubleshooting(definition: Definition, fault: OutsideError) -> OutsideError:
    """Return an error of the network with the provider's name and the definition's own steps."""
    seen = fault.problem
    left = next((one for one in fault.redirects if one.leaves_origin), None)
    if left is not None and seen.code is ProblemCode.EGRESS_BLOCKED:
        reason = _NOT_FOLLOWED.get(str(seen.details.get("cause")), "which this connection may not call")
        return RefusedOutsideError(redirected_elsewhere(definition, left, reason, {}))
    stated = explained(
        definition,
        seen.code,
        details=dict(seen.details),
        retry_after_s=seen.retry_after_s,
        reason=str(seen.details.get("reason", "")),
    )
    return type(fault)(replace(stated, retryable=seen.retryable))


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


def _address_steps(definition: Definition, code: ProblemCode) -> tuple[Remediation, ...]:
    """Return the hint at the fields that say the address; nothing where the definition alone says it."""
    fields = address_fields(definition)
    step = code.template.address_step
    if step is None or not fields:
        return ()
    titles = " and ".join(f"“{field.title}”" for field in fields)
    return (Remediation(RemediationKind.FIX_FIELD, step.format(fields=titles), FixBy.USER),)


def _steps(definition: Definition, code: ProblemCode) -> tuple[Remediation, ...]:
    kind = _KIND_OF.get(code, RemediationKind.CHECK_PROVIDER)
    return tuple(
        Remediation(kind, step, _WHO.get(entry.who, FixBy.USER), entry.url)
        for entry in definition.troubleshooting
        if entry.code == code.value
        for step in entry.steps
    )
