"""Revokes OAuth 2.0 grants at the provider: RFC 7009, or the provider's own call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.authenticators.answer import read_object
from app.authenticators.api_key import place_all
from app.authenticators.base import Facts, Flow, Grant, RevocationReport, entered_fields, secret_values
from app.authenticators.oauth2_client_auth import NO_PROOF, client_proof
from app.authenticators.oauth2_request import endpoint_request
from app.authenticators.oauth2_token import refusal_of
from app.authenticators.refusal import AuthStage, code_of, refusal_error
from app.authenticators.values import Values, values_of
from app.catalog.classification import facts_of, passing_code
from app.catalog.definition import OAuth2
from app.foundation.messages import InResponse, OutRequest
from app.foundation.problems import ProblemCode

_HINTS: Final = {"refreshToken": "refresh_token", "accessToken": "access_token"}
_SUCCESS: Final = range(200, 300)
_GONE: Final = frozenset({404, 410, 422})
_UNAUTHORIZED: Final = 401
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
    revoked = yield from _revoked(oauth, facts, grant)
    secrets = secret_values(facts.method, grant.values)
    return RevocationReport(revoked, tuple(name for name in secrets if name not in revoked))


def _revoked(oauth: OAuth2, facts: Facts, grant: Grant) -> Flow[tuple[str, ...]]:
    tokens = [name for name in _HINTS if name in grant.values]
    values = values_of(facts, grant)
    if not tokens or not oauth.revoke_url or not values.has_all(oauth.revoke_url):
        return ()
    if not _is_standard(oauth):
        answer = yield _own_request(oauth, facts, grant, values)
        all_tokens = tuple(name for name in grant.values if name not in entered_fields(facts.method))
        return all_tokens if _is_revoked(oauth, facts, grant, answer) else ()
    revoked = []
    for name in tokens:
        token = {"token": grant.values[name].reveal(), "token_type_hint": _HINTS[name]}
        answer = yield _request(oauth, facts, values, token)
        if _is_revoked(oauth, facts, grant, answer):
            revoked.append(name)
    return tuple(revoked)


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


def _is_revoked(oauth: OAuth2, facts: Facts, grant: Grant, answer: InResponse) -> bool:
    """Return whether the token is dead now; a refusal of the token itself says that it already was."""
    seen = facts_of(answer.status, dict(answer.headers), read_object(answer))
    refusal = refusal_of(oauth.token, answer, seen, facts)
    code = passing_code(answer.status)
    if code is None and code_of(refusal, AuthStage.RENEWAL) is ProblemCode.APPLICATION_REJECTED:
        code = ProblemCode.APPLICATION_REJECTED
    if code is not None:
        raise refusal_error(refusal, facts, AuthStage.RENEWAL, secrets=grant.values.values(), code=code)
    if refusal.code is not None:
        return refusal.code.lower() in _ALREADY
    if answer.status == _UNAUTHORIZED:
        return oauth.revoke_with == "bearer"
    return answer.status in _SUCCESS or (answer.status in _GONE and oauth.revoke_method == "DELETE")
