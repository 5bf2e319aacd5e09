"""The token requests of OAuth 2.0: exchange of a code, refresh, the client's own grant, long-lived tokens."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Final

from app.authenticators.answer import read_object, seconds
from app.authenticators.base import AccountFound, Attempt, Facts, Flow, Grant
from app.authenticators.oauth2_authorize import VERIFIER, redirect_uri_of, scope_params
from app.authenticators.oauth2_callback import AuthorizationCode
from app.authenticators.oauth2_client_auth import client_proof
from app.authenticators.oauth2_request import endpoint_request, token_request
from app.authenticators.oauth2_token import MAX_LIFETIME_S, read_token_answer
from app.authenticators.refusal import AuthStage
from app.authenticators.retries import later, with_retries
from app.authenticators.values import values_of
from app.catalog.definition import OAuth2
from app.foundation.errors import OutsideError
from app.foundation.messages import OutRequest
from app.foundation.problems import ProblemCode
from app.foundation.secret import Secret

_OK: Final = 200
MEANS_REFRESH_TOKEN: Final = frozenset({"offline_access", "refresh_token", "offline"})
"""Scopes that ask for a refresh token and nothing else (OpenID Connect Core 1.0, 11; Salesforce; Ory Hydra)."""


def exchange_code(oauth: OAuth2, facts: Facts, attempt: Attempt, returned: AuthorizationCode) -> Flow[Grant]:
    """Exchange an authorization code (RFC 6749 4.1.3, RFC 7636 4.5).

    Raises:
        OutsideError: the provider refused or failed, or the code verifier is lost.
    """
    begun = Grant({}, requested_scopes=attempt.scopes, account=AccountFound(kept=returned.kept))
    values = values_of(facts, begun)
    params = {
        "grant_type": "authorization_code",
        "code": returned.code.reveal(),
        "redirect_uri": redirect_uri_of(facts),
    }
    if oauth.pkce:
        params["code_verifier"] = _verifier(facts, attempt).reveal()

    def ask(wait_s: float) -> Flow[Grant]:
        request = later(token_request(oauth, facts, values, params), wait_s)
        return answered(oauth, facts, request, AuthStage.SIGN_IN)

    return renewed(begun, (yield from with_retries(ask)))


def refresh(oauth: OAuth2, facts: Facts, grant: Grant) -> Flow[Grant]:
    """Use the refresh token (RFC 6749 6).

    Scopes are not sent, so they cannot widen. A new refresh token replaces the old one, else the old stays.

    Raises:
        CredentialsRejectedError: there is no refresh token, or the provider no longer accepts it.
        OutsideError: the provider refused or failed otherwise.
    """
    token = grant.values.get("refreshToken")
    if not token:
        raise facts.error(ProblemCode.REAUTHENTICATION_REQUIRED, cause="NO_REFRESH_TOKEN")
    values = values_of(facts, grant)
    params = {"grant_type": "refresh_token", "refresh_token": token.reveal()}
    own = values.params(oauth.renewal.params)
    request = token_request(oauth, facts, values, params, own, url=oauth.renewal.url)
    return renewed(grant, (yield from answered(oauth, facts, request, AuthStage.RENEWAL)))


def exchange_token(
    oauth: OAuth2, facts: Facts, grant: Grant, stage: AuthStage = AuthStage.RENEWAL
) -> Flow[Grant]:
    """Exchange the token for a longer-lived one; the definition's parameters are the whole request."""
    values = values_of(facts, grant)
    url = values.url(oauth.renewal.url or oauth.token_url)

    def ask(wait_s: float = 0.0) -> Flow[Grant]:
        request = endpoint_request(oauth, values, url, {}, values.params(oauth.renewal.params))
        return answered(oauth, facts, later(request, wait_s), stage)

    return renewed(grant, (yield from with_retries(ask) if stage is AuthStage.SIGN_IN else ask()))


def client_credentials(
    oauth: OAuth2, facts: Facts, scopes: tuple[str, ...], grant: Grant, stage: AuthStage
) -> Flow[Grant]:
    """Ask for a token as the application itself (RFC 6749 4.4); ``grant`` holds what a person entered."""
    values = values_of(facts, grant)
    params = {"grant_type": "client_credentials", **scope_params(facts, oauth, scopes)}
    if oauth.audience and values.has_all(oauth.audience):
        params["audience"] = values.text(oauth.audience)
    request = token_request(oauth, facts, values, params)
    found = yield from answered(oauth, facts, request, stage)
    return renewed(replace(grant, requested_scopes=scopes), found)


def with_introspected_lifetime(oauth: OAuth2, facts: Facts, grant: Grant) -> Flow[Grant]:
    """Ask how long the token lives (RFC 7662), where the answer did not say and the definition knows where.

    A failure changes nothing: the lifetime stays unknown.
    """
    values = values_of(facts, grant)
    if grant.expires_in_s is not None or not oauth.introspect_url or not values.has_all(oauth.introspect_url):
        return grant
    url = values.url(oauth.introspect_url)
    params = {"token": grant.values["accessToken"].reveal(), "token_type_hint": "access_token"}
    try:
        proof = client_proof(oauth, facts, values, url)
        answer = yield endpoint_request(oauth, values, url, params, proof=proof)
    except OutsideError:
        return grant
    body = read_object(answer) if answer.status == _OK else None
    until = seconds((body or {}).get("exp"), 1 << 53)
    lifetime_s = seconds(until - facts.now.timestamp(), MAX_LIFETIME_S) if until else None
    return replace(grant, expires_in_s=lifetime_s)


def renewed(grant: Grant, found: Grant) -> Grant:
    """Return ``grant`` with what a new answer brought; what it does not mention stays.

    A scope that asks for a refresh token was granted where one came, whatever is listed.

    ``refresh_expires_in_s`` stays None where the answer does not state it: the former end of life holds then.
    """
    old, new = grant.account, found.account
    values = MappingProxyType({**grant.values, **found.values})
    granted = found.granted_scopes if found.granted_scopes is not None else grant.granted_scopes
    if granted is not None and values.get("refreshToken"):
        implied = MEANS_REFRESH_TOKEN.intersection(grant.requested_scopes).difference(granted)
        granted = (*granted, *sorted(implied))
    kept = MappingProxyType({**old.kept, **new.kept})
    return replace(
        found,
        values=values,
        granted_scopes=granted,
        requested_scopes=grant.requested_scopes,
        account=AccountFound(new.id or old.id, new.label or old.label, kept),
    )


def answered(oauth: OAuth2, facts: Facts, request: OutRequest, stage: AuthStage) -> Flow[Grant]:
    """Send a token request and read its answer, as the definition reads it in this stage."""
    answer = yield request
    spec = (oauth.renewal.token if stage is AuthStage.RENEWAL else None) or oauth.token
    return read_token_answer(spec, oauth.problems, answer, facts, stage, request.secrets)


def _verifier(facts: Facts, attempt: Attempt) -> Secret:
    verifier = attempt.kept.get(VERIFIER)
    if not isinstance(verifier, Secret) or not verifier:
        raise facts.error(ProblemCode.CALLBACK_INVALID)
    return verifier
