"""Builds the address at which a person consents (RFC 6749 4.1.1, RFC 7636 4.3)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from app.authenticators.base import Attempt, Facts, Waiting
from app.authenticators.oauth2_client_auth import application_of
from app.authenticators.pkce import challenge_of
from app.authenticators.steps import RedirectStep
from app.authenticators.values import Values, values_of
from app.catalog.definition import OAuth2
from app.foundation.problems import ProblemCode
from app.foundation.secret import Secret

VERIFIER: Final = "codeVerifier"
_OURS: Final = frozenset({"client_id", "redirect_uri", "state", "code_challenge", "code_challenge_method"})


def redirect_step(oauth: OAuth2, facts: Facts, attempt: Attempt) -> Waiting:
    """Return the step that sends the person to the provider; the code verifier is kept for the exchange.

    Raises:
        NotAllowedNowError: the application or a configuration value is missing.
        InvalidInputError: the configured address is none.
    """
    values = values_of(facts)
    verifier = Secret(facts.random()) if oauth.pkce else None
    redirect_uri = redirect_uri_of(facts)
    params = {
        "response_type": "code",
        "client_id": application_of(facts, values).client_id,
        "redirect_uri": redirect_uri,
        **scope_params(facts, oauth, attempt.scopes),
        "state": attempt.state.reveal(),
    }
    if verifier:
        params |= {"code_challenge": challenge_of(verifier), "code_challenge_method": "S256"}
    own = {p.name: p.value for p in values.params(oauth.authorize_params) if p.name not in _OURS}
    if oauth.audience and values.has_all(oauth.audience):
        own.setdefault("audience", values.text(oauth.audience))
    url = _address(oauth, values, {**params, **own})
    step = RedirectStep(facts.method.title, url, redirect_uri, attempt.scopes)
    return Waiting(step, {VERIFIER: verifier} if verifier else {})


def scope_params(facts: Facts, oauth: OAuth2, scopes: Iterable[str]) -> dict[str, str]:
    """Return the parameters that ask for ``scopes``, each in the parameter that the definition gives it."""
    carriers = {scope.name: scope.param for scope in facts.method.scopes if scope.param}
    grouped: dict[str, list[str]] = {}
    for scope in dict.fromkeys(scopes):
        name = carriers.get(scope) or oauth.scope_param
        grouped.setdefault(name, []).append(scope)
    return {name: oauth.scope_separator.join(names) for name, names in grouped.items()}


def redirect_uri_of(facts: Facts) -> str:
    """Return the redirect URI, which is the same at the consent and at the exchange (RFC 6749 4.1.3).

    Raises:
        NotAllowedNowError: there is none.
    """
    if not facts.redirect_uri:
        raise facts.not_ready(ProblemCode.APPLICATION_MISSING)
    return facts.redirect_uri


def _address(oauth: OAuth2, values: Values, params: dict[str, str]) -> str:
    url = values.url(oauth.authorize_url or "").partition("#")[0]
    query = urlencode([(oauth.names.get(name, name), text) for name, text in params.items()], quote_via=quote)
    return f"{url}{'&' if urlsplit(url).query else '?' if '?' not in url else ''}{query}"
