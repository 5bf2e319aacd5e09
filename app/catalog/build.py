"""Turns the plain value of a definition file, already checked against the schema, into a Definition.

Most fields are read as :mod:`app.catalog.definition` declares them; here is what depends on more than one member.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from app.catalog.definition import (
    AuthKind,
    AuthMethod,
    Definition,
    Effect,
    Example,
    GrantType,
    Json,
    Login,
    Method,
    OAuth1,
    OAuth2,
    Placement,
    RenewalBy,
    RenewalRule,
    TokenAnswer,
    Trigger,
)
from app.foundation.plain_data import Data, from_data

BEARER: Final = Placement("header", "Authorization", "Bearer {credentials.accessToken}")
_BODILESS: Final = frozenset({"GET", "HEAD", "DELETE"})


def build_definition(data: Data, digest: str = "") -> Definition:
    """Build the definition. ``data`` must fit the format's schema; equal data makes equal definitions."""
    triggers = {
        name: from_data(Trigger, trigger, name=name) for name, trigger in data.get("triggers", {}).items()
    }
    return from_data(
        Definition,
        data,
        auth=tuple(build_auth_method(method) for method in data["auth"]),
        methods=MappingProxyType({name: _method(name, method) for name, method in data["methods"].items()}),
        triggers=MappingProxyType(triggers),
        digest=digest,
    )


def place_of(name: str, field: Json, http_method: str, path: str) -> str:
    """Return where a parameter goes: what its ``in`` says, else the path naming it, else by HTTP method."""
    said = field.get("in") if isinstance(field, Mapping) else None
    if isinstance(said, str):
        return said
    if f"params.{name}}}" in path:
        return "path"
    return "query" if http_method in _BODILESS else "body"


def _method(name: str, data: Data) -> Method:
    http = data["http"]
    fields = data["params"].get("properties", {})
    places = {key: place_of(key, field, http["method"], http["path"]) for key, field in fields.items()}
    usual = {
        "body": "json" if "body" in places.values() else "none",
        "idempotent": data["effect"] == Effect.READ,
    }
    return from_data(
        Method,
        {**usual, **data, **http},
        name=name,
        places=MappingProxyType(places),
        examples=tuple(
            from_data(Example, {**example, "body": None, **example["response"]})
            for example in data["examples"]
        ),
    )


def build_auth_method(data: Data) -> AuthMethod:
    """Build one auth method. ``data`` must fit the format's schema."""
    kind = AuthKind(data["kind"])
    return from_data(
        AuthMethod,
        data,
        place=_places(kind, data.get("place")),
        oauth2=_oauth2(data) if kind is AuthKind.OAUTH2 else None,
        oauth1=from_data(OAuth1, data) if kind is AuthKind.OAUTH1 else None,
        login=_login(data["login"]) if "login" in data else None,
    )


def _places(kind: AuthKind, data: Json) -> tuple[Placement, ...]:
    if data is None:
        return (BEARER,) if kind is AuthKind.OAUTH2 else ()
    places = [data] if isinstance(data, Mapping) else data
    return tuple(from_data(Placement, place) for place in places)


def _oauth2(data: Data) -> OAuth2:
    separator = data.get("scopeSeparator", " ")
    token = _token(data["token"], separator)
    grant = GrantType(data.get("grant", GrantType.AUTHORIZATION_CODE))
    return from_data(
        OAuth2,
        data,
        pkce=data.get("pkce", "S256") == "S256",
        token=token,
        renewal=_renewal(data.get("renewal"), _default_renewal(grant, token), separator),
    )


def _default_renewal(grant: GrantType, token: TokenAnswer) -> RenewalBy:
    if grant in {GrantType.CLIENT_CREDENTIALS, GrantType.JWT_BEARER}:
        return RenewalBy.GRANT
    return RenewalBy.REFRESH_TOKEN if token.refresh_token else RenewalBy.NONE


def _renewal(data: Data | None, default: RenewalBy, separator: str = " ") -> RenewalRule:
    data = data or {"by": default}
    return from_data(RenewalRule, data, token=_token(data["token"], separator) if "token" in data else None)


def _token(data: Data, separator: str) -> TokenAnswer:
    return from_data(TokenAnswer, {"grantedSeparator": separator, **data})


def _login(data: Data) -> Login:
    return from_data(
        Login, data, token=_token(data["token"], " "), renewal=_renewal(data.get("renewal"), RenewalBy.LOGIN)
    )
