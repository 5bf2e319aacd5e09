"""Revokes OAuth 2.0 grants at the provider: RFC 7009, or the provider's own call."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from app.authenticators.answer import facts_of_answer, read_object
from app.authenticators.api_key import place_all
from app.authenticators.base import Facts, Flow, Grant, RevocationReport
from app.authenticators.oauth2_client_auth import client_proof
from app.authenticators.oauth2_request import endpoint_request
from app.authenticators.oauth2_token import refusal_of
from app.authenticators.refusal import AuthStage, code_of, refusal_error
from app.authenticators.values import Param, Values, entered_fields, shown_fields, values_of
from app.catalog.classification import passing_code
from app.catalog.definition import AuthMethod, OAuth2
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


def revoke(method: AuthMethod, oauth: OAuth2, facts: Facts, grant: Grant) -> Flow[RevocationReport]:
    """Revoke the grant; a token that the provider no longer knows counts as revoked (RFC 7009 2.2).

    With RFC 7009 the refresh token goes first, then the access token, so that neither outlives a half-done
    revocation. A provider's own call ends the whole grant at once.

    Raises:
        TransientOutsideError: the provider is away; all of it can be tried again.
        ApplicationRejectedError: the provider does not know the application.
    """
    revoked = yield from _revoked(method, oauth, facts, grant)
    secrets = [name for name in grant.values if name not in shown_fields(method)]
    return RevocationReport(revoked, tuple(name for name in secrets if name not in revoked))


def _revoked(method: AuthMethod, oauth: OAuth2, facts: Facts, grant: Grant) -> Flow[tuple[str, ...]]:
    tokens = [name for name in _HINTS if name in grant.values]
    values = values_of(method, facts, grant.values, grant.account.kept)
    if not tokens or not oauth.revoke_url or not values.has_all(oauth.revoke_url):
        return ()
    if not _is_standard(oauth):
        answer = yield _own_request(method, oauth, facts, grant, values)
        all_tokens = tuple(name for name in grant.values if name not in entered_fields(method))
        return all_tokens if _is_revoked(oauth, facts, grant, answer) else ()
    revoked = []
    for name in tokens:
        answer = yield _standard_request(oauth, facts, values, grant, name)
        if _is_revoked(oauth, facts, grant, answer):
            revoked.append(name)
    return tuple(revoked)


def _is_standard(oauth: OAuth2) -> bool:
    return oauth.revoke_with == "token" and oauth.revoke_method == "POST" and oauth.revoke_body == "form"


def _standard_request(oauth: OAuth2, facts: Facts, values: Values, grant: Grant, name: str) -> OutRequest:
    hint = Param("token_type_hint", _HINTS[name])
    return _token_request(oauth, facts, values, [Param("token", grant.values[name].reveal(), True), hint])


def _own_request(method: AuthMethod, oauth: OAuth2, facts: Facts, grant: Grant, values: Values) -> OutRequest:
    if oauth.revoke_with == "token":
        token = grant.values.get("accessToken") or grant.values["refreshToken"]
        return _token_request(oauth, facts, values, [Param("token", token.reveal(), True)])
    url = values.url(oauth.revoke_url or "")
    request = endpoint_request(
        oauth,
        values,
        url,
        values.params(oauth.revoke_params),
        http_method=oauth.revoke_method,
        body=oauth.revoke_body,
    )
    return place_all(method, facts, grant, request)


def _token_request(oauth: OAuth2, facts: Facts, values: Values, params: list[Param]) -> OutRequest:
    url = values.url(oauth.revoke_url or "")
    return endpoint_request(
        oauth,
        values,
        url,
        [*params, *values.params(oauth.revoke_params)],
        proof=client_proof(_proving(oauth), facts, values, url),
        http_method=oauth.revoke_method,
        body=oauth.revoke_body,
    )


def _proving(oauth: OAuth2) -> OAuth2:
    """Revocation may ask for another proof than the token endpoint (GitHub: Basic)."""
    return replace(oauth, client_auth=oauth.revoke_client_auth) if oauth.revoke_client_auth else oauth


def _is_revoked(oauth: OAuth2, facts: Facts, grant: Grant, answer: InResponse) -> bool:
    """Return whether the token is dead now; a refusal of the token itself says that it already was."""
    seen = facts_of_answer(answer, read_object(answer))
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
