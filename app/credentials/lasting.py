"""What stays true of credentials however well they work: permissions that were not granted, access that will end."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from app.authenticators.oauth2_grants import MEANS_REFRESH_TOKEN
from app.authenticators.scopes import missing_scopes
from app.catalog.definition import AuthMethod, Definition, OAuth2, RenewalBy
from app.credentials.due import CLOCK_SKEW
from app.credentials.snapshot import CredentialSnapshot
from app.foundation.problems import FixBy, Problem, ProblemCode, Remediation, RemediationKind, problem

# OpenID Connect Core 1.0, 11: without it a server has to ignore that offline_access is asked for.
_CONSENT: Final = "prompt=consent"
_WHOLE_ADDRESS: Final = "{+config."


def lasting_problem(
    definition: Definition | None, credential: CredentialSnapshot, now: datetime
) -> Problem | None:
    """Return the problem that a good answer does not clear, the gravest first; None where there is none."""
    method = definition.auth_method(credential.auth_method) if definition else None
    if definition is None or method is None:
        return None
    missing = not_granted(credential, credential.requested_scopes)
    if missing:
        return problem(
            ProblemCode.PARTIAL_SCOPES,
            details={"missingScopes": list(missing)},
            remediation=_consent_step(method.oauth2) if MEANS_REFRESH_TOKEN.intersection(missing) else (),
            scopes=", ".join(missing),
        )
    return ending_access(definition, method, credential.expires_at) if _will_end(credential, now) else None


def not_granted(credential: CredentialSnapshot, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Return which of ``wanted`` were not granted; nothing where the provider does not say what was."""
    return () if credential.granted_scopes is None else missing_scopes(wanted, credential.granted_scopes)


def ending_access(definition: Definition, method: AuthMethod, expires_at: datetime | None) -> Problem:
    """Return the problem of access that ends and that nobody can renew without a person."""
    return problem(
        ProblemCode.ACCESS_ENDS,
        remediation=_refresh_token_steps(method.oauth2),
        details={"endsAt": expires_at.isoformat()} if expires_at else None,
        provider=definition.name,
        when=_words(expires_at),
    )


def ended_access(definition: Definition, method: AuthMethod, expires_at: datetime | None) -> Problem:
    """Return the problem of access that has ended so."""
    fault = problem(
        ProblemCode.REAUTHENTICATION_REQUIRED, details={"cause": "EXPIRED"}, provider=definition.name
    )
    return replace(
        fault,
        message=f"The access that {definition.name} gave ended on {_words(expires_at)}, and it could not be renewed.",
        remediation=(*fault.remediation, *_refresh_token_steps(method.oauth2)),
    )


def has_ended(expires_at: datetime | None, now: datetime, *, can_renew: bool) -> bool:
    """Return whether access has run out for good, as far as two clocks can agree."""
    return expires_at is not None and not can_renew and expires_at <= now + CLOCK_SKEW


def _will_end(credential: CredentialSnapshot, now: datetime) -> bool:
    return credential.expires_at is not None and credential.expires_at > now and not credential.can_renew


def _refresh_token_steps(oauth: OAuth2 | None) -> tuple[Remediation, ...]:
    """Say how to get a refresh token, where one would renew the access."""
    if oauth is None or oauth.renewal.by is not RenewalBy.REFRESH_TOKEN:
        return ()
    text = (
        "To make it last, ask for a refresh token too: add the permission with which the provider gives one, often "
        "offline_access, and authorize again."
    )
    return (Remediation(RemediationKind.ADD_SCOPE, text, FixBy.USER), *_consent_step(oauth))


def _consent_step(oauth: OAuth2 | None) -> tuple[Remediation, ...]:
    """Say which parameter is missing, where somebody can add it: the configuration has the whole address."""
    if oauth is None or not (oauth.authorize_url or "").startswith(_WHOLE_ADDRESS):
        return ()
    text = (
        f"Servers of OpenID Connect give a refresh token only where the sign-in bears {_CONSENT}: add ?{_CONSENT} to "
        "the authorization address, and authorize again."
    )
    return (Remediation(RemediationKind.FIX_FIELD, text, FixBy.USER),)


def _words(instant: datetime | None) -> str:
    return f"{instant.day} {instant:%B %Y, %H:%M} UTC" if instant else "a day that is not known"
