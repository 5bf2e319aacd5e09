"""Revokes OAuth 2.0 grants at the provider: RFC 7009, or the provider's own call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from app.authenticators.answer import read_object
from app.authenticators.api_key import place_all
from app.authenticators.base import Facts, Flow, Grant, RevocationReport, entered_fields, secret_values
from app.authenticators.judge import redirect_details
from app.authenticators.oauth2_client_auth import NO_PROOF, client_proof
from app.authenticators.oauth2_request import endpoint_request
from app.authenticators.oauth2_token import refusal_of
from app.authenticators.refusal import AuthStage, Refusal, code_of, refusal_error
from app.authenticators.values import Values, values_of
from app.catalog.classification import facts_of, general_code, passing_code
from app.catalog.definition import OAuth2
from app.foundation.messages import InResponse, OutRequest
from app.foundation.problems import FixBy, Problem, ProblemCode, Remediation, RemediationKind

_HINTS: Final = {"refreshToken": "refresh_token", "accessToken": "access_token"}
_SUCCESS: Final = range(200, 300)
_GONE: Final = frozenset({404, 410, 422})
_UNAUTHORIZED: Final = 401
_OF_THE_ADDRESS: Final = frozenset({ProblemCode.UPSTREAM_NOT_FOUND, ProblemCode.UPSTREAM_BAD_RESPONSE})
_REVOKE_THERE: Final = Remediation(
    RemediationKind.CHECK_PROVIDER,
    "Revoke the access at the provider itself, in the settings of the account; then correct the revocation address.",
    FixBy.USER,
)
_ALREADY: Final = frozenset({
    "invalid_token", "token_revoked", "token_expired", "invalid_auth", "not_authed", "account_inactive",
    "invalid_grant",
})  # fmt: skip


def revoke(oauth: OAuth2, facts: Facts, grant: Grant) -> Flow[RevocationReport]:
    """Revoke the grant; a token that the provider no longer knows counts as revoked (RFC 7009 2.2).

    With RFC 7009 the refresh token goes first, then the access token, so that neither outlives a half-done
    revocation. A provider's own call ends the whole grant at once.

    Raises:
        TransientOutsideError: the provider is away; all of it can be tried again.
        ApplicationRejectedError: the provider does not know the application.
    """
    revoked, fault = yield from _revoked(oauth, facts, grant)
    secrets = secret_values(facts.method, grant.values)
    return RevocationReport(revoked, tuple(name for name in secrets if name not in revoked), fault)


def _revoked(oauth: OAuth2, facts: Facts, grant: Grant) -> Flow[tuple[tuple[str, ...], Problem | None]]:
    tokens = [name for name in _HINTS if name in grant.values]
    values = values_of(facts, grant)
    if not tokens or not oauth.revoke_url or not values.has_all(oauth.revoke_url):
        return (), None
    if not _is_standard(oauth):
        answer = yield _own_request(oauth, facts, grant, values)
        all_tokens = tuple(name for name in grant.values if name not in entered_fields(facts.method))
        refusal = _refusal(oauth, facts, grant, answer)
        return ((), refusal) if refusal is not None else (all_tokens, None)
    revoked, refused = [], None
    for name in tokens:
        token = {"token": grant.values[name].reveal(), "token_type_hint": _HINTS[name]}
        answer = yield _request(oauth, facts, values, token)
        refusal = _refusal(oauth, facts, grant, answer)
        if refusal is None:
            revoked.append(name)
        refused = refused or refusal
    return tuple(revoked), refused


def _is_standard(oauth: OAuth2) -> bool:
    return oauth.revoke_with == "token" and oauth.revoke_method == "POST" and oauth.revoke_body == "form"


def _own_request(oauth: OAuth2, facts: Facts, grant: Grant, values: Values) -> OutRequest:
    if oauth.revoke_with == "token":
        token = grant.values.get("accessToken") or grant.values["refreshToken"]
        return _request(oauth, facts, values, {"token": token.reveal()})
    return place_all(facts, grant, _request(oauth, facts, values, {}))


def _request(oauth: OAuth2, facts: Facts, values: Values, token: Mapping[str, str]) -> OutRequest:
    """Return the request; one that names a ``token`` bears the client's proof, which GitHub wants as Basic here."""
    url = values.url(oauth.revoke_url or "")
    return endpoint_request(
        oauth,
        values,
        url,
        token,
        values.params(oauth.revoke_params),
        proof=client_proof(oauth, facts, values, url, oauth.revoke_client_auth) if token else NO_PROOF,
        http_method=oauth.revoke_method,
        body=oauth.revoke_body,
    )


def _refusal(oauth: OAuth2, facts: Facts, grant: Grant, answer: InResponse) -> Problem | None:
    """Return why the token may still live, or None where it is dead; a refusal of itself says that it already was."""
    seen = facts_of(answer.status, dict(answer.headers), read_object(answer))
    refusal = refusal_of(oauth.token, answer, seen, facts)
    code = passing_code(answer.status)
    if code is None and code_of(refusal, AuthStage.RENEWAL) is ProblemCode.APPLICATION_REJECTED:
        code = ProblemCode.APPLICATION_REJECTED
    if code is not None:
        raise refusal_error(refusal, facts, AuthStage.RENEWAL, secrets=grant.values.values(), code=code)
    if refusal.code is not None:
        is_dead = refusal.code.lower() in _ALREADY
    elif answer.status == _UNAUTHORIZED:
        is_dead = oauth.revoke_with == "bearer"
    else:
        is_gone = answer.status in _GONE and oauth.revoke_method == "DELETE"
        is_dead = answer.status in _SUCCESS or is_gone
    return None if is_dead else _said(refusal, facts, grant, answer)


def _said(refusal: Refusal, facts: Facts, grant: Grant, answer: InResponse) -> Problem:
    """Return what the answer to a revocation was: the address is wrong, it leads elsewhere, or it is refused."""
    code = general_code(answer.status)
    code = code if code in _OF_THE_ADDRESS else ProblemCode.UPSTREAM_REJECTED
    fault = refusal_error(refusal, facts, AuthStage.RENEWAL, secrets=grant.values.values(), code=code)
    details = {**fault.problem.details, **redirect_details(answer)}
    return replace(fault.problem, details=details, remediation=(_REVOKE_THERE,))
