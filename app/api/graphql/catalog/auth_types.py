"""The ways in which an integration can be authenticated, as the schema shows them."""

from typing import Any, Final

import strawberry

import app.api.graphql.catalog.enums  # noqa: F401 - brings the room's enums into the schema
from app.api.graphql.scalars import JsonSchema
from app.catalog.definition import AuthKind, AuthMethod, GrantType, RenewalBy, Scope, Sensitivity


@strawberry.type(name="Scope", description="A permission that an auth method can ask for.")
class ScopeType:
    name: str = strawberry.field(description="Its name at the provider.")
    label: str = strawberry.field(description="What it is called here.")
    description: str | None = strawberry.field(description="What it allows.")
    is_required: bool = strawberry.field(description="Whether it is always asked for.")
    sensitivity: Sensitivity = strawberry.field(description="How much it gives away.")


@strawberry.interface(name="AuthMethod", description="One way that an integration offers to authenticate.")
class AuthMethodType:
    key: str = strawberry.field(description="What `beginAuthorization` takes as `authMethod`.")
    kind: AuthKind = strawberry.field(description="What kind it is.")
    title: str = strawberry.field(description="What it is called.")
    description: str | None = strawberry.field(description="When to choose it.")
    prepare: str | None = strawberry.field(description="What has to be prepared at the provider first.")
    scopes: list[ScopeType] = strawberry.field(description="The scopes that can be asked for.")
    credential_schema: JsonSchema | None = strawberry.field(
        description="What a person enters; null where nothing is entered."
    )
    application_schema: JsonSchema | None = strawberry.field(
        description="What an application has besides client id and secret; null where it has nothing more."
    )


@strawberry.type(name="OAuth2AuthMethod", description="OAuth 2 (RFC 6749).")
class OAuth2AuthMethodType(AuthMethodType):
    grant: GrantType = strawberry.field(description="How the token is got.")
    uses_pkce: bool = strawberry.field(description="Whether PKCE (RFC 7636) protects the code.")
    can_renew: bool = strawberry.field(description="Whether the hub renews its credentials by itself.")


@strawberry.type(name="OAuth1AuthMethod", description="OAuth 1.0a (RFC 5849).")
class OAuth1AuthMethodType(AuthMethodType):
    """OAuth 1.0a."""


@strawberry.type(name="ApiKeyAuthMethod", description="A key or token that a person enters.")
class ApiKeyAuthMethodType(AuthMethodType):
    """A key."""


@strawberry.type(name="BasicAuthMethod", description="User name and password (RFC 7617).")
class BasicAuthMethodType(AuthMethodType):
    """Basic."""


@strawberry.type(name="CustomAuthMethod", description="What the definition describes.")
class CustomAuthMethodType(AuthMethodType):
    """Anything else."""


_MEMBERS: Final[dict[AuthKind, type[AuthMethodType]]] = {
    AuthKind.OAUTH1: OAuth1AuthMethodType,
    AuthKind.API_KEY: ApiKeyAuthMethodType,
    AuthKind.BASIC: BasicAuthMethodType,
    AuthKind.CUSTOM: CustomAuthMethodType,
}
AUTH_METHOD_MEMBERS: Final[tuple[type[AuthMethodType], ...]] = (OAuth2AuthMethodType, *_MEMBERS.values())


def auth_method_type(method: AuthMethod) -> AuthMethodType:
    """Return an auth method as the member for its kind."""
    base: dict[str, Any] = {
        "key": method.id,
        "kind": method.kind,
        "title": method.title,
        "description": method.description,
        "prepare": method.prepare,
        "scopes": [_scope(scope) for scope in method.scopes],
        "credential_schema": method.credentials,
        "application_schema": method.application,
    }
    if method.oauth2 is not None:
        return OAuth2AuthMethodType(
            **base,
            grant=method.oauth2.grant,
            uses_pkce=method.oauth2.pkce,
            can_renew=method.oauth2.renewal.by is not RenewalBy.NONE,
        )
    return _MEMBERS.get(method.kind, CustomAuthMethodType)(**base)


def _scope(scope: Scope) -> ScopeType:
    return ScopeType(
        name=scope.name,
        label=scope.label,
        description=scope.description,
        is_required=scope.required,
        sensitivity=scope.sensitivity,
    )
