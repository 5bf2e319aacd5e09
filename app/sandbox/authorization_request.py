"""An authorization request (RFC 6749 4.1.1, RFC 7636), checked as a provider would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult

from app.catalog.definition import AuthMethod, Definition, OAuth2
from app.foundation.patterns import matches
from app.sandbox.inbound import Inbound, first_values

MAX_SCOPES: Final = 200
_CHALLENGE: Final = r"^[A-Za-z0-9_-]{43}$"


class AuthorizationRefusedError(Exception):
    """An authorization request that is answered with an error (RFC 6749 4.1.2.1)."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(code)
        self.code = code
        self.description = description


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A checked authorization request."""

    definition: Definition
    method: AuthMethod
    oauth: OAuth2
    host: str
    redirect_uri: str
    address: SplitResult
    state: str | None
    scopes: tuple[str, ...]
    challenge: str


def requested_scopes(method: AuthMethod, oauth: OAuth2, params: Mapping[str, str]) -> tuple[str, ...]:
    """Return the scopes of a request in their order, those in parameters of their own included."""
    names = dict.fromkeys([oauth.scope_param, *(scope.param for scope in method.scopes if scope.param)])
    texts = [params.get(oauth.names.get(name, name), "") for name in names]
    separator = oauth.scope_separator.strip() or None
    found = (part.strip() for value in texts for part in value.split(separator))
    return tuple(dict.fromkeys(part for part in found if part))


def is_requestable(method: AuthMethod, scopes: Sequence[str]) -> bool:
    """Return whether the auth method has all of these scopes, and there are not too many."""
    known = {scope.name for scope in method.scopes}
    is_closed = bool(known) and method.scopes_from_config is None
    return len(scopes) <= MAX_SCOPES and (not is_closed or known.issuperset(scopes))


def oauth_of(method: AuthMethod) -> OAuth2:
    """Return the oauth2 part of an auth method that was found by one of its addresses."""
    if method.oauth2 is None:
        raise TypeError("only an oauth2 auth method has such an address")
    return method.oauth2


def rfc_names(oauth: OAuth2, given: Mapping[str, str]) -> dict[str, str]:
    """Return parameters also under the RFCs' names where the definition calls them otherwise."""
    return {**given, **{name: given[own] for name, own in oauth.names.items() if own in given}}


def requested_method(methods: Sequence[AuthMethod], params: Mapping[str, str]) -> AuthMethod:
    """Return the auth method that is meant: of several at the address, the one whose scopes are asked for."""
    fitting = (method for method in methods if method.oauth2 and params.get(method.oauth2.scope_param))
    return next(fitting, methods[0])


def checked_request(
    definition: Definition, method: AuthMethod, oauth: OAuth2, inbound: Inbound, address: SplitResult
) -> AuthorizationRequest:
    """Check what is left to check once the application and its address are known.

    Raises:
        AuthorizationRefusedError: RFC 6749 4.1.2.1 or RFC 7636 4.4.1 says why.
    """
    params = rfc_names(oauth, first_values(inbound.query))
    if params.get("response_type") != "code":
        raise AuthorizationRefusedError("unsupported_response_type", "Only response_type=code is offered.")
    challenge = params.get("code_challenge", "")
    if oauth.pkce and not challenge:
        raise AuthorizationRefusedError("invalid_request", "A code_challenge is required (RFC 7636).")
    if challenge and params.get("code_challenge_method") != "S256":
        raise AuthorizationRefusedError("invalid_request", "The code_challenge_method must be S256.")
    if challenge and not matches(_CHALLENGE, challenge):
        raise AuthorizationRefusedError(
            "invalid_request", "The code_challenge has not 43 base64url characters."
        )
    scopes = requested_scopes(method, oauth, params)
    if not is_requestable(method, scopes):
        raise AuthorizationRefusedError("invalid_scope", "A scope is not one that this integration knows.")
    return AuthorizationRequest(
        definition=definition,
        method=method,
        oauth=oauth,
        host=inbound.address.host,
        redirect_uri=params["redirect_uri"],
        address=address,
        state=params.get("state"),
        scopes=scopes,
        challenge=challenge,
    )
