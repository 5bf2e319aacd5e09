"""A definition as typed, frozen data: one version of an integration, exactly as its file says it.

Fields are read as :mod:`app.foundation.plain_data` says: ``key`` is the member of the file where it has another name,
``default`` what a file that leaves it out means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from semver import Version

JsonSchema = Mapping[str, Any]
Json = Any


class ReleaseStage(StrEnum):
    """What the provider allows."""

    AVAILABLE = "AVAILABLE"
    VERIFICATION_REQUIRED = "VERIFICATION_REQUIRED"
    EXPERIMENTAL = "EXPERIMENTAL"
    RETIRED = "RETIRED"


class Effect(StrEnum):
    """What a method does to the outside system."""

    READ = "READ"
    WRITE = "WRITE"
    DESTRUCTIVE = "DESTRUCTIVE"


class Sensitivity(StrEnum):
    """How much a scope gives away."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


class AuthKind(StrEnum):
    """The kind of an auth method; each has one authenticator."""

    OAUTH2 = "oauth2"
    OAUTH1 = "oauth1"
    API_KEY = "api_key"
    BASIC = "basic"
    CUSTOM = "custom"


class GrantType(StrEnum):
    """How an oauth2 auth method gets its token (RFC 6749, 8628, 7523)."""

    AUTHORIZATION_CODE = "authorization_code"
    CLIENT_CREDENTIALS = "client_credentials"
    DEVICE_CODE = "device_code"
    JWT_BEARER = "jwt_bearer"


class ClientAuth(StrEnum):
    """How the application proves itself at the token endpoint (RFC 6749 2.3.1, RFC 7523)."""

    BASIC = "basic"
    BASIC_RAW = "basic_raw"
    BASIC_SECRET = "basic_secret"  # noqa: S105 - a method's name
    POST = "post"
    NONE = "none"
    PRIVATE_KEY_JWT = "private_key_jwt"
    CLIENT_SECRET_JWT = "client_secret_jwt"  # noqa: S105 - a method's name


class RenewalBy(StrEnum):
    """How credentials are renewed."""

    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - a grant's name
    EXCHANGE = "exchange"
    LOGIN = "login"
    GRANT = "grant"
    NONE = "none"


class Rotation(StrEnum):
    """What happens to a refresh token when it is used."""

    REUSABLE = "reusable"
    SINGLE_USE = "single_use"


class Impact(StrEnum):
    """How much a version changes for its users."""

    PATCH = "PATCH"
    MINOR = "MINOR"
    MAJOR = "MAJOR"


@dataclass(frozen=True, slots=True)
class DocLink:
    """A link to documentation."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an authenticator places a value of the credentials.

    ``value`` is a template over ``credentials`` (``Bearer {credentials.token}``); for ``path`` it is a prefix
    of the request path (Telegram's ``/bot{credentials.token}``). ``name`` may be one ``{config.x}`` or
    ``{credentials.x}``.
    """

    at: Literal["header", "query", "path", "cookie"] = field(metadata={"key": "in"})
    name: str | None
    value: str


@dataclass(frozen=True, slots=True)
class Scope:
    """A permission that an oauth2 auth method can ask for.

    ``param`` is set where the scope travels in another parameter than the method's other scopes (a consent
    that asks for bot and user permissions at once).
    """

    name: str
    label: str
    description: str | None
    required: bool = field(metadata={"default": False})
    sensitivity: Sensitivity = field(metadata={"default": Sensitivity.MEDIUM})
    param: str | None = None


@dataclass(frozen=True, slots=True)
class CallbackValue:
    """An extra value that the provider adds to the return address, with the RE2 pattern it must match."""

    pattern: str
    keep: str | None
    required: bool = field(metadata={"default": True})


@dataclass(frozen=True, slots=True)
class AccountPick:
    """Where the token answer (or a following call) says which account was connected."""

    id: str | None
    label: str | None


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """How to read a token answer: member paths (JMESPath) into its body.

    ``default_expires_in_s`` is used where the provider documents a lifetime but does not send it; with
    neither, the expiry is unknown (never "never"). The ``_too`` paths lead to further lifetimes, as where one
    answer brings two tokens: the shortest counts. ``keep`` maps names that templates may use as
    ``{account.<name>}`` to paths; ``secrets`` maps names that are sealed beside the token
    (``{credentials.<name>}``) to paths. ``example`` is a sample answer in the provider's documented shape;
    the sandbox answers from it.
    """

    success: str | None
    access_token: str = field(metadata={"default": "access_token"})
    refresh_token: str | None
    expires_in: str | None
    default_expires_in_s: int | None = field(metadata={"key": "defaultExpiresIn"})
    refresh_expires_in: str | None
    granted: str | None
    granted_separator: str
    account: AccountPick = field(metadata={"default": AccountPick(None, None)})
    keep: Mapping[str, str]
    error: str = field(metadata={"default": "error"})
    error_description: str = field(metadata={"default": "error_description"})
    example: Mapping[str, Json]
    secrets: Mapping[str, str] = field(default_factory=dict)
    expires_in_too: tuple[str, ...] = ()
    refresh_expires_in_too: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TokenProblem:
    """A rule that reads a refused token answer: first match wins, the rest falls to RFC 6749 5.2."""

    when: str
    code: str


@dataclass(frozen=True, slots=True)
class AfterToken:
    """A call made once the token is there: to learn the account, or to let the person choose one.

    ``items`` picks the list, ``id``/``label`` pick from an item, ``keep`` maps names to picks from the chosen
    item. With ``choose`` false the first item is taken, and the answer itself may be the item (``items`` is
    ``[@]``).
    """

    method: str
    items: str = field(metadata={"default": "[@]"})
    id: str
    label: str
    keep: Mapping[str, str]
    choose: bool = field(metadata={"default": False})


@dataclass(frozen=True, slots=True)
class RenewalRule:
    """How credentials of this auth method stay alive.

    ``params`` are added to the request; with ``exchange`` they are templates over ``credentials`` and
    ``application`` and make up the whole request (Facebook's ``fb_exchange_token``). ``at_once`` exchanges
    the first token as soon as it is there, because it lives for minutes only. ``token`` reads the answer
    where it differs from the first one (Slack's user tokens).
    """

    by: RenewalBy
    rotation: Rotation = field(metadata={"default": Rotation.REUSABLE})
    grace_s: int = field(metadata={"key": "graceSeconds", "default": 0})
    url: str | None
    params: Mapping[str, str]
    at_once: bool = False
    token: TokenAnswer | None = None


@dataclass(frozen=True, slots=True)
class Assertion:
    """A signed JWT that stands for the application or a user (RFC 7523).

    ``key`` is a template that names the private key (``{credentials.privateKey}``), ``claims`` are templates
    over ``config``, ``credentials`` and ``application``; ``iat``, ``exp`` and ``jti`` are added by the
    authenticator.
    """

    algorithm: str
    key: str
    key_id: str | None
    claims: Mapping[str, str]
    lifetime_s: int = field(metadata={"key": "lifetimeSeconds", "default": 300})


@dataclass(frozen=True, slots=True)
class OAuth2:
    """All knobs of an oauth2 auth method.

    Templates see ``config`` and ``application``; a template that is exactly one ``{+config.x}`` may be a
    whole address, and ``token_url`` may also use what ``callback`` kept.

    ``names`` renames request parameters (TikTok's ``client_key``), ``scope_param`` is the parameter that
    carries the scopes (Slack asks for user tokens with ``user_scope``). ``pkce_reason`` is set exactly
    where ``pkce`` is off. ``client_auth`` is a ClientAuth or a template that yields one. ``callback_hmac``
    names the return parameter that holds the hex HMAC-SHA256, under the client secret, of the other
    parameters sorted by name (Shopify).
    """

    grant: GrantType = field(metadata={"default": GrantType.AUTHORIZATION_CODE})
    authorize_url: str | None
    token_url: str
    revoke_url: str | None
    introspect_url: str | None
    device_url: str | None
    issuer: str | None
    pkce: bool
    pkce_reason: str | None
    client_auth: str = field(metadata={"default": ClientAuth.BASIC.value})
    body: Literal["form", "json"] = field(metadata={"default": "form"})
    names: Mapping[str, str]
    scope_separator: str = field(metadata={"default": " "})
    scope_param: str = field(metadata={"default": "scope"})
    authorize_params: Mapping[str, str]
    token_params: Mapping[str, str]
    token_headers: Mapping[str, str]
    audience: str | None
    callback: Mapping[str, CallbackValue]
    callback_hmac: str | None
    token: TokenAnswer
    problems: tuple[TokenProblem, ...]
    after_token: tuple[AfterToken, ...]
    renewal: RenewalRule
    revoke_params: Mapping[str, str]
    revoke_with: Literal["token", "bearer"] = field(metadata={"default": "token"})
    revoke_method: Literal["POST", "GET", "DELETE"] = "POST"
    revoke_body: Literal["form", "json"] = "form"
    revoke_client_auth: str | None = None
    assertion: Assertion | None = None


@dataclass(frozen=True, slots=True)
class OAuth1:
    """The addresses and habits of an oauth1 auth method (RFC 5849)."""

    request_url: str
    authorize_url: str
    access_url: str
    signature: Literal["HMAC-SHA1", "HMAC-SHA256", "RSA-SHA1", "PLAINTEXT"] = field(
        metadata={"default": "HMAC-SHA1"}
    )
    realm: str | None
    authorize_params: Mapping[str, str]
    account: AccountPick = field(metadata={"default": AccountPick(None, None)})
    keep: Mapping[str, str]
    example: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Login:
    """The first of two steps: a call that turns what a person entered into a session token.

    ``headers`` and ``body`` hold templates over ``config`` and ``credentials``, the body in its names too; the
    answer is read like a token answer. ``body_format`` and the token's path may be one ``{credentials.x}``.
    """

    http_method: str = field(metadata={"key": "method", "default": "POST"})
    url: str
    body_format: str = field(metadata={"default": "json"})
    headers: Mapping[str, str]
    body: Mapping[str, str]
    token: TokenAnswer
    renewal: RenewalRule


@dataclass(frozen=True, slots=True)
class AuthMethod:
    """One way the definition offers to authenticate.

    ``credentials`` is the JSON Schema of what a person enters (for oauth2: nothing, so None). ``application``
    is the schema of extra application fields. ``place`` says how requests carry the credentials; for oauth2
    the token is ``{credentials.accessToken}``; for basic the placement is fixed by RFC 7617 and
    ``username``/``password`` name templates over the credentials. ``when`` is a predicate over ``config``:
    the method is offered where it holds. ``sign`` describes a signature over each request (AWS Signature
    Version 4) by templates over the credentials.
    """

    id: str
    kind: AuthKind
    title: str
    description: str | None
    prepare: str | None
    credentials: JsonSchema | None
    place: tuple[Placement, ...]
    username: str | None
    password: str | None
    scopes: tuple[Scope, ...]
    scopes_from_config: str | None
    oauth2: OAuth2 | None
    when: str | None
    application: JsonSchema | None = None
    oauth1: OAuth1 | None = None
    login: Login | None = None
    sign: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_signed(self) -> bool:
        """Whether each request bears a signature over itself, so that it holds for no other address."""
        return self.kind is AuthKind.OAUTH1 or bool(self.sign)


@dataclass(frozen=True, slots=True)
class ProblemRule:
    """A row of the error table: ``when`` is a JMESPath predicate over ``status``, ``headers``, ``body``."""

    when: str
    code: str
    details: Mapping[str, str]
    fix: str | None


@dataclass(frozen=True, slots=True)
class Limit:
    """A documented rate limit: ``calls`` per ``per_s`` seconds, by method or for the whole connection."""

    calls: int
    per_s: float = field(metadata={"key": "perSeconds"})
    by: Literal["method", "connection"] = field(metadata={"default": "connection"})


@dataclass(frozen=True, slots=True)
class Pagination:
    """How a listing method is continued; data for the calls room.

    ``next`` picks the cursor (nothing or false: the end) or the next address; for ``link`` without it, the
    address is in the header ``Link`` (RFC 8288).
    """

    style: Literal["cursor", "page", "link"]
    send: str | None
    next: str | None
    items: str | None


@dataclass(frozen=True, slots=True)
class ErrorPicks:
    """What a failed answer says: picks over ``status``, ``headers`` (lower-case names) and ``body``."""

    code: str | None = None
    message: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Http:
    """How the integration is reached.

    ``hosts`` is all that may ever be called: exact names, or patterns with ``*`` for one or more labels
    (``*.my.salesforce.com``), or ``{config.baseUrl}`` for the host that the configuration names. ``success``
    is a predicate that must hold beyond 2xx; ``expiry`` is what means "renew once and repeat" besides 401.
    ``retry_after`` picks the seconds to wait, or the instant in seconds since 1970, where the header
    ``Retry-After`` is not the (only) place;
    ``idempotency_header`` is the header in which the provider takes an idempotency key.
    ``headers_from_config`` and ``query_from_config`` name text fields of the configuration with further headers and
    parameters, a line each. ``tls_from_config`` names the configuration fields that hold the company's
    ``authorities``, and a client ``certificate`` with its ``privateKey``.
    """

    base_url: str
    hosts: tuple[str, ...]
    headers: Mapping[str, str]
    success: str | None
    problems: tuple[ProblemRule, ...]
    expiry: str | None
    limits: tuple[Limit, ...]
    pagination: Pagination | None
    error: ErrorPicks = field(default=ErrorPicks())
    retry_after: str | None = None
    idempotency_header: str | None = None
    headers_from_config: str | None = None
    query_from_config: str | None = None
    tls_from_config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Example:
    """A sample call of a method: parameters, the answer, and the problem code where the answer is a failure.

    ``echo`` maps member paths of the answer's body (``message.text``) to the names of the parameters whose
    values stand there, so that a simulated answer speaks of what was sent.
    """

    title: str
    params: Mapping[str, Json]
    status: int = field(metadata={"default": 200})
    headers: Mapping[str, str]
    body: Json
    outcome: str | None
    echo: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Method:
    """Something the integration can be asked to do.

    ``params`` is a JSON Schema of an object; ``places`` says for each property where it goes (path, query,
    header, body); ``body_format`` is json, form or none. ``body_param`` names the one parameter that is the
    whole JSON body instead of a member of it. ``http_method`` may be one ``{config.x}``; ``headers_from_config`` and
    ``body_from_config`` name text fields of the configuration that are sent along.
    """

    name: str
    title: str
    description: str | None
    effect: Effect
    http_method: str = field(metadata={"key": "method"})
    path: str
    base_url: str | None
    params: JsonSchema
    places: Mapping[str, Literal["path", "query", "header", "body"]]
    body_format: Literal["json", "form", "none"] = field(metadata={"key": "body"})
    headers: Mapping[str, str]
    result: JsonSchema | None
    scopes: tuple[str, ...]
    examples: tuple[Example, ...]
    idempotent: bool
    pagination: Pagination | None
    body_param: str | None = None
    headers_from_config: str | None = None
    body_from_config: str | None = None


@dataclass(frozen=True, slots=True)
class Trigger:
    """Something the integration can announce by webhook."""

    name: str
    title: str
    description: str | None
    payload: JsonSchema
    example: Json
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Webhooks:
    """How webhooks are signed, registered and challenged; ``signature`` is a scheme or describes an HMAC."""

    signature: Mapping[str, Json]
    register: str | None
    challenge: Mapping[str, str] | None
    event_id: str | None
    event_type: str | None


class Control(StrEnum):
    """How the control call of a test is made: the call that must fail if the test proves anything."""

    SPOILT = "spoilt"
    """With made-up credentials of the same form."""
    NONE = "none"
    """Without credentials: where the provider counts wrong ones, or locks the account that they name."""
    NEVER = "never"
    """Not at all, for the reason that is stated."""


@dataclass(frozen=True, slots=True)
class ExpectFromConfig:
    """The configuration fields with which a person says what the test's answer must be like.

    ``status`` names a field that holds a number as text, ``header`` one that holds ``Name`` or ``Name: text in its
    value``, ``body`` one that holds a predicate over ``status``, ``headers`` and ``body``.
    """

    status: str | None = None
    header: str | None = None
    body: str | None = None


@dataclass(frozen=True, slots=True)
class DefaultTest:
    """The harmless call that proves that a connection works, and what it proves in plain words.

    A provider that counts wrong credentials, or bans who sends them, is asked without any instead.
    ``account`` picks from the body of a good answer which account it is, where no answer before has said so.
    """

    method: str
    params: Mapping[str, Json]
    verifies: str
    expect: tuple[str, ...]
    control: Control = Control.SPOILT
    control_reason: str | None = None
    expect_from_config: ExpectFromConfig = ExpectFromConfig()
    account: AccountPick = field(default=AccountPick(None, None), kw_only=True)
    http_method: str | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Troubleshooting:
    """What a problem looks like in this integration and what to do about it."""

    code: str
    looks_like: str
    steps: tuple[str, ...] = field(metadata={"key": "do"})
    who: str
    url: str | None


@dataclass(frozen=True, slots=True)
class ChangelogEntry:
    """What a version changed."""

    version: str
    date: str
    impact: Impact
    summary: str
    body: str | None
    requires_action: bool = field(metadata={"default": False})


@dataclass(frozen=True, slots=True)
class UpgradeRule:
    """How a connection of an older version becomes one of this version."""

    from_range: str = field(metadata={"key": "from"})
    config: tuple[Mapping[str, Json], ...]
    scopes_added: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Definition:
    """One version of an integration: equal files make equal definitions; nothing changes after loading."""

    format: str
    integration: str
    version: Version
    name: str
    summary: str
    description: str | None
    stage: ReleaseStage
    demands: str | None
    successor: str | None
    vendor: str | None
    homepage: str | None
    categories: tuple[str, ...]
    tags: tuple[str, ...]
    popularity: int = field(metadata={"default": 0})
    use_cases: tuple[str, ...]
    docs: tuple[DocLink, ...]
    setup_guide: str | None
    config: JsonSchema
    http: Http
    auth: tuple[AuthMethod, ...]
    methods: Mapping[str, Method]
    triggers: Mapping[str, Trigger]
    webhooks: Webhooks | None
    test: DefaultTest
    troubleshooting: tuple[Troubleshooting, ...]
    upgrade: tuple[UpgradeRule, ...]
    changelog: tuple[ChangelogEntry, ...]
    synonyms: tuple[str, ...] = ()
    digest: str = field(default="")

    def auth_method(self, id_: str) -> AuthMethod | None:
        """Return the auth method with this id, or None."""
        return next((method for method in self.auth if method.id == id_), None)
