"""What an application asks for (RFC 6749 4.1.1, RFC 7636), checked as a provider would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult

from app.catalog.definition import AuthMethod, Definition, OAuth2
from app.foundation.patterns import matches
from app.sandbox.inbound import Pairs, first_values, repeated
from app.sandbox.wording import OAuth2RefusedError

MAX_SCOPES: Final = 200
_CHALLENGE: Final = r"^[A-Za-z0-9_-]{43}$"


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A request of the known application, whose redirect URI is ``address``; ``params`` have the RFCs' names."""

    definition: Definition
    method: AuthMethod
    oauth: OAuth2
    host: str
    address: SplitResult
    params: Mapping[str, str]


def oauth_of(method: AuthMethod) -> OAuth2:
    """Return the oauth2 part of an auth method that was found by one of its addresses."""
    if method.oauth2 is None:
        raise TypeError("only an oauth2 auth method has such an address")
    return method.oauth2


def rfc_names(oauth: OAuth2, pairs: Pairs) -> dict[str, str]:
    """Return parameters also under the RFCs' names where the definition calls them otherwise."""
    given = first_values(pairs)
    return {**given, **{name: given[own] for name, own in oauth.names.items() if own in given}}


def refuse_repeated(pairs: Pairs) -> None:
    """Refuse a request in which a parameter stands more than once (RFC 6749 3.2) with ``invalid_request``."""
    if repeated(pairs):
        raise OAuth2RefusedError("invalid_request", "A parameter stands there more than once.")


def requested_method(methods: Sequence[AuthMethod], params: Mapping[str, str]) -> AuthMethod:
    """Return the auth method that is meant: of several at the address, the one whose scopes are asked for."""
    fitting = (method for method in methods if method.oauth2 and params.get(method.oauth2.scope_param))
    return next(fitting, methods[0])


def requested_scopes(method: AuthMethod, oauth: OAuth2, params: Mapping[str, str]) -> tuple[str, ...]:
    """Return the scopes of a request in their order, those in parameters of their own included."""
    names = dict.fromkeys([oauth.scope_param, *(scope.param for scope in method.scopes if scope.param)])
    texts = [params.get(oauth.names.get(name, name), "") for name in names]
    separator = oauth.scope_separator.strip() or None
    found = (part.strip() for value in texts for part in value.split(separator))
    return tuple(dict.fromkeys(part for part in found if part))


def permitted_scopes(method: AuthMethod, oauth: OAuth2, params: Mapping[str, str]) -> tuple[str, ...]:
    """Return the scopes of a request that the auth method can grant.

    Raises:
        OAuth2RefusedError: ``invalid_scope``, it has not all of them, or there are too many.
    """
    scopes = requested_scopes(method, oauth, params)
    known = {scope.name for scope in method.scopes}
    is_closed = bool(known) and method.scopes_from_config is None
    if len(scopes) > MAX_SCOPES or (is_closed and not known.issuperset(scopes)):
        raise OAuth2RefusedError("invalid_scope", "A scope is not one that this integration knows.")
    return scopes


def checked_scopes(request: AuthorizationRequest) -> tuple[str, ...]:
    """Check what is left to check once the application and its address are known; return the requested scopes.

    Raises:
        OAuth2RefusedError: RFC 6749 4.1.2.1 or RFC 7636 4.4.1 says why.
    """
    params = request.params
    if params.get("response_type") != "code":
        raise OAuth2RefusedError("unsupported_response_type", "Only response_type=code is offered.")
    challenge = params.get("code_challenge", "")
    if request.oauth.pkce and not challenge:
        raise OAuth2RefusedError("invalid_request", "A code_challenge is required (RFC 7636).")
    if challenge and params.get("code_challenge_method") != "S256":
        raise OAuth2RefusedError("invalid_request", "The code_challenge_method must be S256.")
    if challenge and not matches(_CHALLENGE, challenge):
        raise OAuth2RefusedError("invalid_request", "The code_challenge has not 43 base64url characters.")
    return permitted_scopes(request.method, request.oauth, params)
