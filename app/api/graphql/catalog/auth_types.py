"""The ways in which an integration can be authenticated, as the schema shows them."""

from typing import Any, Final

import app.api.graphql.catalog.enums  # noqa: F401 - brings the room's enums into the schema
from app.api.graphql.fields import described, interface_type, object_type, shown
from app.api.graphql.scalars import JsonSchema
from app.authenticators.endpoints import is_open, needs_application
from app.catalog.definition import AuthKind, AuthMethod, Definition, GrantType, RenewalBy, Sensitivity


@object_type("A permission that an auth method can ask for.")
class ScopeType:
    name: str = described("Its name at the provider.")
    label: str = described("What it is called here.")
    description: str | None = described("What it allows.")
    is_required: bool = described("Whether it is always asked for.")
    sensitivity: Sensitivity = described("How much it gives away.")


@interface_type("One way that an integration offers to authenticate.")
class AuthMethodType:
    key: str = described("What `beginAuthorization` takes as `authMethod`.")
    kind: AuthKind = described("What kind it is.")
    title: str = described("What it is called.")
    description: str | None = described("When to choose it.")
    prepare: str | None = described("What has to be prepared at the provider first.")
    scopes: list[ScopeType] = described("The scopes that can be asked for.")
    credential_schema: JsonSchema | None = described("What a person enters; null where nothing is entered.")
    application_schema: JsonSchema | None = described(
        "What an application has besides client id and secret; null where it has nothing more."
    )
    is_application_bound: bool = described(
        "Whether an application must say to which `origins` its secret may be sent, because the configuration names "
        "the addresses."
    )


@object_type("OAuth 2 (RFC 6749).")
class OAuth2AuthMethodType(AuthMethodType):
    grant: GrantType = described("How the token is got.")
    uses_pkce: bool = described("Whether PKCE (RFC 7636) protects the code.")
    can_renew: bool = described("Whether the hub renews its credentials by itself.")


@object_type("OAuth 1.0a (RFC 5849).")
class OAuth1AuthMethodType(AuthMethodType):
    """OAuth 1.0a."""


@object_type("A key or token that a person enters.")
class ApiKeyAuthMethodType(AuthMethodType):
    """A key."""


@object_type("User name and password (RFC 7617).")
class BasicAuthMethodType(AuthMethodType):
    """Basic."""


@object_type("What the definition describes.")
class CustomAuthMethodType(AuthMethodType):
    """Anything else."""


_MEMBERS: Final[dict[AuthKind, type[AuthMethodType]]] = {
    AuthKind.OAUTH1: OAuth1AuthMethodType,
    AuthKind.API_KEY: ApiKeyAuthMethodType,
    AuthKind.BASIC: BasicAuthMethodType,
    AuthKind.CUSTOM: CustomAuthMethodType,
}
AUTH_METHOD_MEMBERS: Final[tuple[type[AuthMethodType], ...]] = (OAuth2AuthMethodType, *_MEMBERS.values())


def auth_method_type(definition: Definition, method: AuthMethod) -> AuthMethodType:
    member, more = _MEMBERS.get(method.kind, CustomAuthMethodType), dict[str, Any]()
    if method.oauth2 is not None:
        member = OAuth2AuthMethodType
        more = {
            "grant": method.oauth2.grant,
            "uses_pkce": method.oauth2.pkce,
            "can_renew": method.oauth2.renewal.by is not RenewalBy.NONE,
        }
    return shown(
        member,
        method,
        key=method.id,
        scopes=[shown(ScopeType, scope, is_required=scope.required) for scope in method.scopes],
        credential_schema=method.credentials,
        application_schema=method.application,
        is_application_bound=needs_application(method) and is_open(definition, method),
        **more,
    )
