"""Definitions and auth methods built from dataclasses, so that a test says only what it is about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from semver import Version

from app.catalog.definition import (
    AccountPick,
    AfterToken,
    AuthKind,
    AuthMethod,
    DefaultTest,
    Definition,
    Effect,
    GrantType,
    Http,
    Login,
    Method,
    OAuth1,
    OAuth2,
    Placement,
    ReleaseStage,
    RenewalBy,
    RenewalRule,
    Rotation,
    Scope,
    Sensitivity,
    TokenAnswer,
)

BEARER = Placement("header", "Authorization", "Bearer {credentials.accessToken}")


def make_definition(*auth: AuthMethod, **changes: Any) -> Definition:
    """A definition of "Acme" with two READ methods: ``me`` and ``accounts.list``."""
    definition = Definition(
        format="patchbay/1",
        integration="acme",
        version=Version(1, 0, 0),
        name="Acme",
        summary="A made-up service.",
        description=None,
        stage=ReleaseStage.AVAILABLE,
        demands=None,
        successor=None,
        vendor=None,
        homepage=None,
        categories=("custom",),
        tags=(),
        popularity=0,
        use_cases=(),
        docs=(),
        setup_guide=None,
        config={"type": "object", "properties": {}},
        http=make_http(),
        auth=auth,
        methods={"me": make_method("me"), "accounts.list": make_method("accounts.list", path="/accounts")},
        triggers={},
        webhooks=None,
        test=DefaultTest("me", {}, "The credentials are accepted.", ()),
        troubleshooting=(),
        upgrade=(),
        changelog=(),
    )
    return replace(definition, **changes)


def make_http(**changes: Any) -> Http:
    """``https://api.acme.example``, and the authorization server beside it."""
    http = Http(
        base_url="https://api.acme.example",
        hosts=("api.acme.example", "auth.acme.example"),
        headers={},
        success=None,
        problems=(),
        expiry=None,
        limits=(),
        pagination=None,
    )
    return replace(http, **changes)


def make_method(name: str, *, path: str = "/me", **changes: Any) -> Method:
    """A READ method without parameters."""
    method = Method(
        name=name,
        title=name,
        description=None,
        effect=Effect.READ,
        http_method="GET",
        path=path,
        base_url=None,
        params={"type": "object", "properties": {}},
        places={},
        body_format="none",
        headers={},
        result=None,
        scopes=(),
        examples=(),
        idempotent=True,
        pagination=None,
    )
    return replace(method, **changes)


def make_auth(kind: AuthKind, **changes: Any) -> AuthMethod:
    """An auth method of any kind with nothing filled in."""
    method = AuthMethod(
        id=kind.value.replace("_", "-"),
        kind=kind,
        title=f"Connect by {kind.value}",
        description=None,
        prepare=None,
        credentials=None,
        place=(),
        username=None,
        password=None,
        scopes=(),
        scopes_from_config=None,
        oauth2=None,
        when=None,
    )
    return replace(method, **changes)


def make_api_key(*place: Placement, **changes: Any) -> AuthMethod:
    """A key ``token`` in the header ``Authorization``."""
    return make_auth(
        AuthKind.API_KEY,
        credentials=changes.pop("credentials", make_form(token={"secret": True})),
        place=place or (Placement("header", "Authorization", "Bearer {credentials.token}"),),
        **changes,
    )


def make_basic(**changes: Any) -> AuthMethod:
    """A user name and a password."""
    form = make_form(username={}, password={"secret": True})
    return make_auth(AuthKind.BASIC, credentials=changes.pop("credentials", form), **changes)


def make_custom(**changes: Any) -> AuthMethod:
    """A key in a header and an account number in the query."""
    return make_auth(
        AuthKind.CUSTOM,
        credentials=changes.pop("credentials", make_form(key={"secret": True}, accountNumber={})),
        place=changes.pop(
            "place",
            (
                Placement("header", "X-Key", "{credentials.key}"),
                Placement("query", "account", "{credentials.accountNumber}"),
            ),
        ),
        **changes,
    )


def make_login(**changes: Any) -> AuthMethod:
    """A user name and a password that are turned into a session token."""
    login = Login(
        http_method="POST",
        url="https://auth.acme.example/login",
        body_format="json",
        headers={},
        body={"username": "{credentials.username}", "password": "{credentials.password}"},
        token=make_token(refresh_token=None, granted=None, keep={}),
        renewal=make_renewal(RenewalBy.LOGIN),
    )
    return make_custom(
        credentials=make_form(username={}, password={"secret": True}),
        place=(Placement("header", "X-Session", "{credentials.accessToken}"),),
        login=replace(login, **changes),
    )


def make_oauth1(**changes: Any) -> AuthMethod:
    """Three-legged OAuth 1.0a with HMAC-SHA1."""
    part = OAuth1(
        request_url="https://auth.acme.example/request_token",
        authorize_url="https://auth.acme.example/authorize",
        access_url="https://auth.acme.example/access_token",
        signature="HMAC-SHA1",
        realm=None,
        authorize_params={"perms": "read"},
        account=AccountPick("user_id", "screen_name"),
        keep={"user": "user_id"},
        example={"oauth_token": "x", "oauth_token_secret": "y"},
    )
    return make_auth(AuthKind.OAUTH1, oauth1=replace(part, **changes))


def make_aws(**changes: Any) -> AuthMethod:
    """An access key that signs requests to S3."""
    form = make_form(accessKeyId={}, secretAccessKey={"secret": True})
    sign = {
        "scheme": "aws4",
        "service": "s3",
        "region": "eu-central-1",
        "accessKeyId": "{credentials.accessKeyId}",
        "secretAccessKey": "{credentials.secretAccessKey}",
    }
    return make_custom(credentials=form, place=(), sign={**sign, **changes})


def make_form(**fields: dict[str, Any]) -> dict[str, Any]:
    """A closed form in which every field is a required text."""
    properties = {
        name: {"type": "string", "minLength": 1, "title": name, "examples": [f"sandbox-{name}"], **field}
        for name, field in fields.items()
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(fields),
        "properties": properties,
    }


def make_oauth2(*scopes: Scope, **changes: Any) -> AuthMethod:
    """An authorization code with PKCE; changes go to the oauth2 part, ``method`` to the auth method."""
    of_method = changes.pop("method", {})
    return make_auth(
        AuthKind.OAUTH2,
        **{
            "place": (BEARER,),
            "scopes": scopes or (make_scope("read"), make_scope("write")),
            "oauth2": make_oauth2_part(**changes),
            **of_method,
        },
    )


def make_oauth2_part(**changes: Any) -> OAuth2:
    """The oauth2 part of :func:`make_oauth2`."""
    part = OAuth2(
        grant=GrantType.AUTHORIZATION_CODE,
        authorize_url="https://auth.acme.example/authorize",
        token_url="https://auth.acme.example/token",
        revoke_url="https://auth.acme.example/revoke",
        introspect_url=None,
        device_url=None,
        issuer=None,
        pkce=True,
        pkce_reason=None,
        client_auth="basic",
        body="form",
        names={},
        scope_separator=" ",
        scope_param="scope",
        authorize_params={},
        token_params={},
        token_headers={},
        audience=None,
        callback={},
        callback_hmac=None,
        token=make_token(),
        problems=(),
        after_token=(),
        renewal=make_renewal(),
        revoke_params={},
        revoke_with="token",
    )
    return replace(part, **changes)


def make_token(**changes: Any) -> TokenAnswer:
    """A token answer as RFC 6749 5.1 writes it."""
    token = TokenAnswer(
        success=None,
        access_token="access_token",
        refresh_token="refresh_token",
        expires_in="expires_in",
        default_expires_in_s=None,
        refresh_expires_in=None,
        granted="scope",
        granted_separator=" ",
        account=AccountPick("account.id", "account.name"),
        keep={"team": "team_id"},
        error="error",
        error_description="error_description",
        example={"access_token": "sandbox-access", "token_type": "Bearer"},
    )
    return replace(token, **changes)


def make_renewal(by: RenewalBy = RenewalBy.REFRESH_TOKEN, **changes: Any) -> RenewalRule:
    """Renewal by refresh token at the token endpoint."""
    return replace(RenewalRule(by, Rotation.SINGLE_USE, 0, None, {}), **changes)


def make_scope(name: str, **changes: Any) -> Scope:
    """A scope."""
    return replace(Scope(name, f"May {name}", None, False, Sensitivity.LOW), **changes)


def make_after_token(**changes: Any) -> AfterToken:
    """Choose one of the accounts that ``accounts.list`` answers with."""
    step = AfterToken("accounts.list", "accounts", "id", "name", {"accountId": "id"}, choose=True)
    return replace(step, **changes)
