"""Reads why a provider refused, and says who has to act (RFC 6749 4.1.2.1 and 5.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from app.authenticators.base import Facts
from app.foundation.errors import CredentialsRejectedError, OutsideError, outside_error
from app.foundation.problems import FixBy, ProblemCode, Remediation, RemediationKind, problem
from app.foundation.redaction import Redactor
from app.foundation.secret import STARS, Secret

MAX_DETAIL_CHARS: Final = 300
_CODE: Final = re.compile(r"[A-Za-z0-9_.:-]{1,60}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")
_OPAQUE: Final = re.compile(r"[A-Za-z0-9_.~+/=%-]{20,}")
_AADSTS: Final = re.compile(r"AADSTS(\d{4,9})")


class AuthStage(StrEnum):
    """Which act was refused: the same word of a provider means another thing in each."""

    SIGN_IN = "SIGN_IN"  # a person consents, a code is exchanged
    ENTERED = "ENTERED"  # credentials that were entered, or the application's own, are turned into a token
    RENEWAL = "RENEWAL"  # a stored grant is used


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a provider said: its own code, text and request id as they came, and the HTTP status if there was one."""

    code: str | None
    detail: str | None
    status: int | None = None
    retry_after_s: float | None = None
    """How long to wait where the fault passes by itself."""
    stated_wait_s: float | None = None
    """What the answer asked to wait, whatever it means."""
    numbers: tuple[int, ...] = ()
    request_id: str | None = None


_DENIED: Final = ProblemCode.CONSENT_DENIED
_ADMIN: Final = ProblemCode.ADMIN_CONSENT_REQUIRED
_APPLICATION: Final = ProblemCode.APPLICATION_REJECTED
_REDIRECT: Final = ProblemCode.REDIRECT_URI_MISMATCH
_DEAD: Final = ProblemCode.REAUTHENTICATION_REQUIRED
_REFUSED: Final = ProblemCode.PROVIDER_REFUSED_AUTHORIZATION
_WORDS: Final[Mapping[ProblemCode, tuple[str, ...]]] = {
    _DENIED: ("access_denied", "user_cancelled_authorize", "user_cancelled_login", "user_denied"),
    _ADMIN: ("consent_required", "admin_consent_required"),
    _APPLICATION: (
        "invalid_client", "unauthorized_client", "invalid_client_id", "bad_client_secret",
        "incorrect_client_credentials", "consumer_key_unknown", "consumer_key_rejected", "signature_invalid",
    ),
    _REDIRECT: ("redirect_uri_mismatch", "bad_redirect_uri", "invalid_redirect_uri"),
    _DEAD: (
        "invalid_grant", "bad_refresh_token", "invalid_refresh_token", "bad_verification_code", "invalid_code",
        "code_already_used", "token_revoked", "token_expired", "interaction_required", "login_required",
    ),
    ProblemCode.UPSTREAM_UNAVAILABLE: ("server_error", "temporarily_unavailable"),
    ProblemCode.RATE_LIMITED: ("slow_down", "ratelimited", "rate_limited", "rate_limit_exceeded"),
}  # fmt: skip
_BY_CODE: Final = {word: code for code, words in _WORDS.items() for word in words}
_BY_NUMBER: Final[Mapping[int, ProblemCode]] = {
    65001: _ADMIN,
    90094: _ADMIN,
    90095: _ADMIN,
    65004: _DENIED,
    50011: _REDIRECT,
    700016: _APPLICATION,
    7000215: _APPLICATION,
    7000222: _APPLICATION,
    90033: ProblemCode.UPSTREAM_UNAVAILABLE,
}
_CAUSES: Final[Mapping[str, str]] = {"token_revoked": "REVOKED", "token_expired": "EXPIRED"}
_CAUSES_BY_NUMBER: Final[Mapping[int, str]] = {50173: "PASSWORD_CHANGED", 700082: "EXPIRED", 70043: "EXPIRED"}
_NEEDS_PERSON_LATER: Final = frozenset({_DENIED, _ADMIN})
_OTHER_SCOPES: Final = Remediation(
    RemediationKind.ADD_SCOPE,
    "Choose other permissions, or enable these in the application's settings at the provider.",
    FixBy.WORKSPACE_ADMIN,
)


def refusal_error(
    refusal: Refusal,
    facts: Facts,
    stage: AuthStage,
    *,
    secrets: Iterable[Secret] = (),
    code: ProblemCode | None = None,
) -> OutsideError:
    """Return the error of a refusal: its type says who has to act.

    ``code`` is the definition's own reading and comes first. ``secrets`` are kept out of the provider's text.
    """
    own = code or code_of(refusal, stage)
    names_scopes = _is_scope(refusal) and own is _REFUSED
    fault = problem(
        own,
        *(("scopes",) if names_scopes else ()),
        retry_after_s=refusal.retry_after_s if own.template.retryable else refusal.stated_wait_s,
        remediation=(_OTHER_SCOPES,) if names_scopes else (),
        details=_details(refusal, _Clean(secrets), own),
        provider=facts.provider,
        **({"redirectUri": facts.redirect_uri} if facts.redirect_uri else {}),
        **({"status": f"HTTP {refusal.status}"} if refusal.status else {}),
    )
    if stage is AuthStage.RENEWAL and fault.code in _NEEDS_PERSON_LATER:
        return CredentialsRejectedError(fault)
    return outside_error(fault)


def numbers_in(body: Any, detail: str | None) -> tuple[int, ...]:  # noqa: ANN401 - JSON edge
    """Return Microsoft's error numbers: those listed in ``error_codes``, and AADSTS numbers in the text."""
    listed = body.get("error_codes") if isinstance(body, Mapping) else None
    numbers = [number for number in listed if isinstance(number, int)] if isinstance(listed, list) else []
    return (*numbers, *(int(number) for number in _AADSTS.findall(detail or "")))


def code_of(refusal: Refusal, stage: AuthStage) -> ProblemCode:
    """Return the problem code of what a provider said, as the act that was refused makes it mean."""
    for number in refusal.numbers:
        if number in _BY_NUMBER:
            return _BY_NUMBER[number]
    code = _BY_CODE.get((refusal.code or "").lower())
    if code is None:
        is_requested = stage is AuthStage.SIGN_IN or (_is_scope(refusal) and stage is AuthStage.ENTERED)
        return _REFUSED if is_requested else ProblemCode.UPSTREAM_REJECTED
    if code is _DEAD and stage is not AuthStage.RENEWAL:
        return _REFUSED if stage is AuthStage.SIGN_IN else ProblemCode.CREDENTIALS_REJECTED
    return _DEAD if code is _DENIED and stage is AuthStage.RENEWAL else code


def _is_scope(refusal: Refusal) -> bool:
    return (refusal.code or "").lower() == "invalid_scope"


def _details(refusal: Refusal, clean: _Clean, code: ProblemCode) -> dict[str, Any]:
    details = {
        "providerStatus": refusal.status,
        "providerCode": clean.code(refusal.code),
        "providerDetail": clean.text(refusal.detail),
        "providerRequestId": clean.id(refusal.request_id),
        "cause": _cause(refusal) if code is _DEAD else None,
    }
    return {name: value for name, value in details.items() if value is not None}


def _cause(refusal: Refusal) -> str:
    known = [_CAUSES_BY_NUMBER[number] for number in refusal.numbers if number in _CAUSES_BY_NUMBER]
    return known[0] if known else _CAUSES.get((refusal.code or "").lower(), "UNKNOWN")


class _Clean:
    """Makes a provider's words safe to show: bounded, without controls, secrets and long opaque words."""

    def __init__(self, secrets: Iterable[Secret]) -> None:
        self._secrets = tuple(secrets)
        self._redactor = Redactor(self._secrets)

    def code(self, code: str | None) -> str | None:
        known = self.id(code)
        return known if known is not None and not _is_opaque(known) else None

    def id(self, text: str | None) -> str | None:
        """Return a request id: opaque by nature, so that only the request's own secrets are kept out of it."""
        is_clean = text is not None and _CODE.fullmatch(text) and self._redactor.text(text) == text
        return text if is_clean else None

    def text(self, text: str | None) -> str | None:
        if not text:
            return None
        bare = _CONTROL.sub(" ", text[: 10 * MAX_DETAIL_CHARS]).strip()
        bare = self._redactor.loose_text(bare, sent=True)
        bare = _OPAQUE.sub(lambda word: STARS if _is_opaque(word[0]) else word[0], bare)
        return bare[:MAX_DETAIL_CHARS] or None


def _is_opaque(word: str) -> bool:
    """Return whether a word may be a token: long, and of mixed case or with digits."""
    mixed = word.lower() != word != word.upper()
    return bool(_OPAQUE.search(word)) and (mixed or any(letter.isdigit() for letter in word))
