"""The catalog's enums in the schema."""

from __future__ import annotations

from enum import StrEnum

from app.api.graphql.describe import describe_enum
from app.catalog.definition import AuthKind, Effect, GrantType, Impact, ReleaseStage, Sensitivity
from app.catalog.search import Capability, Field, Order

describe_enum(
    ReleaseStage,
    "What the provider allows.",
    {
        "AVAILABLE": "Everybody can connect.",
        "VERIFICATION_REQUIRED": "The provider verifies applications first.",
        "EXPERIMENTAL": "It works, and can still change.",
        "RETIRED": "The provider has ended it.",
    },
)
describe_enum(
    Effect,
    "What a method does to the outside system.",
    {"READ": "It only reads.", "WRITE": "It changes something.", "DESTRUCTIVE": "It destroys something."},
)
describe_enum(
    Sensitivity,
    "How much a scope gives away.",
    {"LOW": "Little.", "MEDIUM": "Some.", "HIGH": "Much: think twice."},
)
describe_enum(
    AuthKind,
    "The kinds of auth methods.",
    {
        "OAUTH2": "OAuth 2 (RFC 6749).",
        "OAUTH1": "OAuth 1.0a (RFC 5849).",
        "API_KEY": "A key or token that the person enters.",
        "BASIC": "User name and password (RFC 7617).",
        "CUSTOM": "What the definition describes.",
    },
    name="AuthMethodKind",
)
describe_enum(
    GrantType,
    "How an OAuth 2 auth method gets its token.",
    {
        "AUTHORIZATION_CODE": "A person signs in in the browser.",
        "CLIENT_CREDENTIALS": "The application proves itself alone.",
        "DEVICE_CODE": "A person enters a code on any device (RFC 8628).",
        "JWT_BEARER": "A signed assertion stands for the person (RFC 7523).",
    },
    name="OAuth2Grant",
)
describe_enum(
    Impact,
    "How much a version changes for its users.",
    {"PATCH": "Nothing but corrections.", "MINOR": "Something new.", "MAJOR": "Something that breaks."},
    name="ChangeImpact",
)
describe_enum(
    Order,
    "What integrations are sorted by.",
    {
        "RELEVANCE": "How well they fit the search.",
        "POPULARITY": "How often they are wanted, the most popular first.",
        "NAME": "The name.",
        "RECENTLY_UPDATED": "When the latest version was released, the newest first.",
    },
    name="IntegrationSort",
)
describe_enum(
    Field,
    "What integrations can be filtered and counted by.",
    {
        "CATEGORY": "The category.",
        "AUTH_KIND": "The kind of auth method.",
        "CAPABILITY": "What they can do.",
        "TAG": "The tag.",
        "STAGE": "What the provider allows.",
    },
    name="FacetField",
)
describe_enum(
    Capability,
    "What an integration can do.",
    {
        "READ": "It can be read from.",
        "WRITE": "It can be written to.",
        "DESTRUCTIVE": "It can be asked to destroy something.",
        "TRIGGER": "It can announce something.",
    },
)


class LimitScope(StrEnum):
    """By method or for all calls."""

    METHOD = "method"
    CONNECTION = "connection"


describe_enum(
    LimitScope,
    "What a provider's rate limit counts.",
    {
        "METHOD": "Each method has its own.",
        "CONNECTION": "All calls of a connection together.",
    },
    name="ProviderLimitScope",
)
