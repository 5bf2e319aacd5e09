"""The token requests of OAuth 2.0: exchange of a code, refresh, the client's own grant, long-lived tokens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from app.authenticators.answer import read_object, seconds
from app.authenticators.base import AccountFound, Attempt, Facts, Flow, Grant
from app.authenticators.oauth2_authorize import VERIFIER, redirect_uri_of, scope_params
from app.authenticators.oauth2_callback import AuthorizationCode
from app.authenticators.oauth2_client_auth import client_proof
from app.authenticators.oauth2_request import endpoint_request, token_request
from app.authenticators.oauth2_token import MAX_LIFETIME_S, TokenFound, read_token_answer
from app.authenticators.refusal import AuthStage
from app.authenticators.values import Param, Values, values_of
from app.catalog.definition import AuthMethod, OAuth2
from app.foundation.errors import CredentialsRejectedError, OutsideError, RefusedOutsideError
from app.foundation.messages import OutRequest
from app.foundation.problems import ProblemCode, problem
from app.foundation.secret import Secret

_OK: Final = 200


def exchange_code(
    method: AuthMethod, oauth: OAuth2, facts: Facts, attempt: Attempt, returned: AuthorizationCode
) -> Flow[Grant]:
    """Exchange an authorization code (RFC 6749 4.1.3, RFC 7636 4.5).

    Raises:
        OutsideError: the provider refused or failed, or the code verifier is lost.
    """
    values = values_of(method, facts, account=returned.kept)
    params = [
        Param("grant_type", "authorization_code"),
        Param("code", returned.code.reveal(), True),
        Param("redirect_uri", redirect_uri_of(facts)),
    ]
    if oauth.pkce:
        params.append(Param("code_verifier", _verifier(facts, attempt).reveal(), True))
    request = token_request(oauth, facts, values, params)
    found = yield from _answered(oauth, facts, request, AuthStage.SIGN_IN)
    account = _joined(AccountFound(kept=returned.kept), found.account)
    return _grant(found, attempt.scopes, account)


def refresh(method: AuthMethod, oauth: OAuth2, facts: Facts, grant: Grant) -> Flow[Grant]:
    """Use the refresh token (RFC 6749 6).

    Scopes are not sent, so they cannot widen. A new refresh token replaces the old one, else the old stays.

    Raises:
        CredentialsRejectedError: there is no refresh token, or the provider no longer accepts it.
        OutsideError: the provider refused or failed otherwise.
    """
    token = grant.values.get("refreshToken")
    if not token:
        raise reauthentication(facts, "NO_REFRESH_TOKEN")
    values = values_of(method, facts, grant.values, grant.account.kept)
    params = [Param("grant_type", "refresh_token"), Param("refresh_token", token.reveal(), True)]
    extra = values.params(oauth.renewal.params)
    request = token_request(oauth, facts, values, [*params, *extra], url=oauth.renewal.url)
    found = yield from _answered(oauth, facts, request, AuthStage.RENEWAL)
    return renewed(grant, found)


def exchange_token(
    method: AuthMethod, oauth: OAuth2, facts: Facts, grant: Grant, stage: AuthStage = AuthStage.RENEWAL
) -> Flow[Grant]:
    """Exchange the token for a longer-lived one; the definition's parameters are the whole request."""
    values = values_of(method, facts, grant.values, grant.account.kept)
    url = values.url(oauth.renewal.url or oauth.token_url)
    request = endpoint_request(oauth, values, url, values.params(oauth.renewal.params))
    found = yield from _answered(oauth, facts, request, stage)
    return renewed(grant, found)


def client_credentials(
    method: AuthMethod, oauth: OAuth2, facts: Facts, scopes: tuple[str, ...], grant: Grant, stage: AuthStage
) -> Flow[Grant]:
    """Ask for a token as the application itself (RFC 6749 4.4); ``grant`` holds what a person entered."""
    values = values_of(method, facts, grant.values, grant.account.kept)
    params = [Param("grant_type", "client_credentials"), *_scopes_and_audience(method, oauth, values, scopes)]
    request = token_request(oauth, facts, values, params)
    found = yield from _answered(oauth, facts, request, stage)
    return renewed(replace(grant, requested_scopes=scopes), found)


def with_introspected_lifetime(method: AuthMethod, oauth: OAuth2, facts: Facts, grant: Grant) -> Flow[Grant]:
    """Ask how long the token lives (RFC 7662), where the answer did not say and the definition knows where.

    A failure changes nothing: the lifetime stays unknown.
    """
    values = values_of(method, facts, grant.values, grant.account.kept)
    if grant.expires_in_s is not None or not oauth.introspect_url or not values.has_all(oauth.introspect_url):
        return grant
    url = values.url(oauth.introspect_url)
    params = [
        Param("token", grant.values["accessToken"].reveal(), True),
        Param("token_type_hint", "access_token"),
    ]
    try:
        answer = yield endpoint_request(
            oauth, values, url, params, proof=client_proof(oauth, facts, values, url)
        )
    except OutsideError:
        return grant
    body = read_object(answer) if answer.status == _OK else None
    until = seconds((body or {}).get("exp"), 1 << 53)
    lifetime_s = seconds(until - facts.now.timestamp(), MAX_LIFETIME_S) if until else None
    return replace(grant, expires_in_s=lifetime_s)


def renewed(grant: Grant, found: TokenFound) -> Grant:
    """Return ``grant`` with what a new answer brought; what it does not mention stays.

    ``refresh_expires_in_s`` stays None where the answer does not state it: the former end of life holds then.
    """
    return Grant(
        values=MappingProxyType({**grant.values, **found.values}),
        expires_in_s=found.expires_in_s,
        refresh_expires_in_s=found.refresh_expires_in_s,
        granted_scopes=found.granted if found.granted is not None else grant.granted_scopes,
        requested_scopes=grant.requested_scopes,
        account=_joined(grant.account, found.account),
    )


def reauthentication(facts: Facts, cause: str) -> CredentialsRejectedError:
    """Make the error of a grant that only a person can replace."""
    return CredentialsRejectedError(
        problem(ProblemCode.REAUTHENTICATION_REQUIRED, provider=facts.provider, details={"cause": cause})
    )


def _answered(oauth: OAuth2, facts: Facts, request: OutRequest, stage: AuthStage) -> Flow[TokenFound]:
    answer = yield request
    spec = (oauth.renewal.token if stage is AuthStage.RENEWAL else None) or oauth.token
    return read_token_answer(spec, oauth.problems, answer, facts, stage, request.secrets)


def _grant(found: TokenFound, scopes: tuple[str, ...], account: AccountFound) -> Grant:
    return renewed(Grant(values={}, requested_scopes=scopes, account=account), found)


def _verifier(facts: Facts, attempt: Attempt) -> Secret:
    verifier = attempt.kept.get(VERIFIER)
    if not isinstance(verifier, Secret) or not verifier:
        raise RefusedOutsideError(problem(ProblemCode.CALLBACK_INVALID, provider=facts.provider))
    return verifier


def _scopes_and_audience(
    method: AuthMethod, oauth: OAuth2, values: Values, scopes: Iterable[str]
) -> list[Param]:
    params = [Param(name, value) for name, value in scope_params(method, oauth, scopes).items()]
    if oauth.audience and values.has_all(oauth.audience):
        params.append(Param("audience", values.text(oauth.audience)))
    return params


def _joined(old: AccountFound, new: AccountFound) -> AccountFound:
    kept = MappingProxyType({**old.kept, **new.kept})
    return AccountFound(new.id or old.id, new.label or old.label, kept)
