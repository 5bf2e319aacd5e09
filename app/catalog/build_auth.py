"""Turns the auth methods of a definition file, already checked against the schema, into their dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from app.catalog.definition import (
    AccountPick,
    AfterToken,
    Assertion,
    AuthKind,
    AuthMethod,
    CallbackValue,
    ClientAuth,
    Grant,
    Json,
    Login,
    OAuth1,
    OAuth2,
    Placement,
    Renewal,
    RenewalBy,
    Rotation,
    Scope,
    Sensitivity,
    TokenAnswer,
    TokenProblem,
)

Data = Mapping[str, Json]
BEARER: Final = Placement("header", "Authorization", "Bearer {credentials.accessToken}")


def build_auth_method(data: Data) -> AuthMethod:
    """Build one auth method. ``data`` must fit the format's schema."""
    kind = AuthKind(data["kind"])
    return AuthMethod(
        id=data["id"],
        kind=kind,
        title=data["title"],
        description=data.get("description"),
        prepare=data.get("prepare"),
        credentials=data.get("credentials"),
        place=_places(kind, data.get("place")),
        username=data.get("username"),
        password=data.get("password"),
        scopes=tuple(_scope(scope) for scope in data.get("scopes", ())),
        scopes_from_config=data.get("scopesFromConfig"),
        oauth2=_oauth2(data) if kind is AuthKind.OAUTH2 else None,
        when=data.get("when"),
        application=data.get("application"),
        oauth1=_oauth1(data) if kind is AuthKind.OAUTH1 else None,
        login=_login(data["login"]) if "login" in data else None,
        sign=MappingProxyType(data.get("sign", {})),
    )


def _places(kind: AuthKind, data: Json) -> tuple[Placement, ...]:
    if data is None:
        return (BEARER,) if kind is AuthKind.OAUTH2 else ()
    places = [data] if isinstance(data, Mapping) else data
    return tuple(Placement(place["in"], place.get("name"), place["value"]) for place in places)


def _scope(data: Data) -> Scope:
    return Scope(
        name=data["name"],
        label=data["label"],
        description=data.get("description"),
        required=data.get("required", False),
        sensitivity=Sensitivity(data.get("sensitivity", "MEDIUM")),
        param=data.get("param"),
    )


def _oauth2(data: Data) -> OAuth2:
    separator = data.get("scopeSeparator", " ")
    grant = Grant(data.get("grant", Grant.AUTHORIZATION_CODE))
    token = _token(data["token"], separator)
    return OAuth2(
        grant=grant,
        authorize_url=data.get("authorizeUrl"),
        token_url=data["tokenUrl"],
        revoke_url=data.get("revokeUrl"),
        introspect_url=data.get("introspectUrl"),
        device_url=data.get("deviceUrl"),
        issuer=data.get("issuer"),
        pkce=data.get("pkce", "S256") == "S256",
        pkce_reason=data.get("pkceReason"),
        client_auth=data.get("clientAuth", ClientAuth.BASIC.value),
        body=data.get("body", "form"),
        names=_texts(data, "names"),
        scope_separator=separator,
        scope_param=data.get("scopeParam", "scope"),
        authorize_params=_texts(data, "authorizeParams"),
        token_params=_texts(data, "tokenParams"),
        token_headers=_texts(data, "tokenHeaders"),
        audience=data.get("audience"),
        callback=MappingProxyType(
            {
                name: CallbackValue(value["pattern"], value.get("keep"), value.get("required", True))
                for name, value in data.get("callback", {}).items()
            }
        ),
        callback_hmac=data.get("callbackHmac"),
        token=token,
        problems=tuple(TokenProblem(rule["when"], rule["code"]) for rule in data.get("problems", ())),
        after_token=tuple(_after_token(step) for step in data.get("afterToken", ())),
        renewal=_renewal(data.get("renewal"), _default_renewal(grant, token), separator),
        revoke_params=_texts(data, "revokeParams"),
        revoke_with=data.get("revokeWith", "token"),
        revoke_method=data.get("revokeMethod", "POST"),
        revoke_body=data.get("revokeBody", "form"),
        revoke_client_auth=data.get("revokeClientAuth"),
        assertion=_assertion(data.get("assertion")),
    )


def _default_renewal(grant: Grant, token: TokenAnswer) -> RenewalBy:
    if grant in {Grant.CLIENT_CREDENTIALS, Grant.JWT_BEARER}:
        return RenewalBy.GRANT
    return RenewalBy.REFRESH_TOKEN if token.refresh_token else RenewalBy.NONE


def _renewal(data: Data | None, default: RenewalBy, separator: str = " ") -> Renewal:
    data = data or {"by": default}
    return Renewal(
        by=RenewalBy(data["by"]),
        rotation=Rotation(data.get("rotation", "reusable")),
        grace_s=data.get("graceSeconds", 0),
        url=data.get("url"),
        params=_texts(data, "params"),
        at_once=data.get("atOnce", False),
        token=_token(data["token"], separator) if "token" in data else None,
    )


def _token(data: Data, separator: str) -> TokenAnswer:
    account = data.get("account", {})
    return TokenAnswer(
        success=data.get("success"),
        access_token=data.get("accessToken", "access_token"),
        refresh_token=data.get("refreshToken"),
        expires_in=data.get("expiresIn"),
        default_expires_in_s=data.get("defaultExpiresIn"),
        refresh_expires_in=data.get("refreshExpiresIn"),
        granted=data.get("granted"),
        granted_separator=data.get("grantedSeparator", separator),
        account=AccountPick(account.get("id"), account.get("label")),
        keep=_texts(data, "keep"),
        error=data.get("error", "error"),
        error_description=data.get("errorDescription", "error_description"),
        example=data["example"],
        secrets=_texts(data, "secrets"),
        expires_in_too=tuple(data.get("expiresInToo", ())),
        refresh_expires_in_too=tuple(data.get("refreshExpiresInToo", ())),
    )


def _after_token(data: Data) -> AfterToken:
    return AfterToken(
        method=data["method"],
        items=data.get("items", "[@]"),
        id=data["id"],
        label=data["label"],
        keep=_texts(data, "keep"),
        choose=data.get("choose", False),
    )


def _assertion(data: Data | None) -> Assertion | None:
    if data is None:
        return None
    return Assertion(
        algorithm=data["algorithm"],
        key=data["key"],
        key_id=data.get("keyId"),
        claims=_texts(data, "claims"),
        lifetime_s=data.get("lifetimeSeconds", 300),
    )


def _oauth1(data: Data) -> OAuth1:
    account = data.get("account", {})
    return OAuth1(
        request_url=data["requestUrl"],
        authorize_url=data["authorizeUrl"],
        access_url=data["accessUrl"],
        signature=data.get("signature", "HMAC-SHA1"),
        realm=data.get("realm"),
        authorize_params=_texts(data, "authorizeParams"),
        account=AccountPick(account.get("id"), account.get("label")),
        keep=_texts(data, "keep"),
        example=data["example"],
    )


def _login(data: Data) -> Login:
    return Login(
        http_method=data.get("method", "POST"),
        url=data["url"],
        body_format=data.get("bodyFormat", "json"),
        headers=_texts(data, "headers"),
        body=_texts(data, "body"),
        token=_token(data["token"], " "),
        renewal=_renewal(data.get("renewal"), RenewalBy.LOGIN),
    )


def _texts(data: Data, key: str) -> Mapping[str, str]:
    return MappingProxyType(data.get(key, {}))
