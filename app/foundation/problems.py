"""Diagnosed faults as data: one stable code each, a plain message, who can fix it and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from app.foundation.plain_data import from_data, to_data


class FixBy(StrEnum):
    """Who can fix a problem."""

    USER = "USER"
    WORKSPACE_ADMIN = "WORKSPACE_ADMIN"
    PROVIDER_ADMIN = "PROVIDER_ADMIN"
    OPERATOR = "OPERATOR"
    NOBODY = "NOBODY"


class RemediationKind(StrEnum):
    """What kind of act fixes a problem."""

    FIX_FIELD = "FIX_FIELD"
    RECONNECT = "RECONNECT"
    ADD_SCOPE = "ADD_SCOPE"
    CHANGE_APPLICATION = "CHANGE_APPLICATION"
    ASK_PROVIDER_ADMIN = "ASK_PROVIDER_ADMIN"
    CHECK_PROVIDER = "CHECK_PROVIDER"
    WAIT = "WAIT"
    RELOAD = "RELOAD"
    COMPLETE_STEP = "COMPLETE_STEP"
    CONTACT_OPERATOR = "CONTACT_OPERATOR"
    REPORT = "REPORT"


class ProblemCode(StrEnum):
    """Every stable problem code. Codes are added, never renamed; docs and templates are in bijection with them."""

    # -- input
    MISSING_FIELD = "MISSING_FIELD"
    INVALID_FIELD = "INVALID_FIELD"
    UNKNOWN_FIELD = "UNKNOWN_FIELD"
    FIELD_TOO_LONG = "FIELD_TOO_LONG"
    PATTERN_MISMATCH = "PATTERN_MISMATCH"
    ADDRESS_NOT_ALLOWED = "ADDRESS_NOT_ALLOWED"
    NAME_TAKEN = "NAME_TAKEN"
    UNKNOWN_INTEGRATION = "UNKNOWN_INTEGRATION"
    UNKNOWN_AUTH_METHOD = "UNKNOWN_AUTH_METHOD"
    UNKNOWN_SCOPE = "UNKNOWN_SCOPE"
    UNKNOWN_METHOD = "UNKNOWN_METHOD"
    DEFINITION_INVALID = "DEFINITION_INVALID"
    # -- objects and rules
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    NOT_ALLOWED_NOW = "NOT_ALLOWED_NOW"
    CONFIG_INCOMPLETE = "CONFIG_INCOMPLETE"
    NOT_AUTHENTICATED = "NOT_AUTHENTICATED"
    TEST_NOT_PASSED = "TEST_NOT_PASSED"
    APPLICATION_MISSING = "APPLICATION_MISSING"
    # -- authorization
    CONSENT_DENIED = "CONSENT_DENIED"
    ADMIN_CONSENT_REQUIRED = "ADMIN_CONSENT_REQUIRED"
    AUTHORIZATION_EXPIRED = "AUTHORIZATION_EXPIRED"
    AUTHORIZATION_CANCELLED = "AUTHORIZATION_CANCELLED"
    AUTHORIZATION_REPLAYED = "AUTHORIZATION_REPLAYED"
    BROWSER_MISMATCH = "BROWSER_MISMATCH"
    ISSUER_MISMATCH = "ISSUER_MISMATCH"
    CALLBACK_INVALID = "CALLBACK_INVALID"
    PROVIDER_REFUSED_AUTHORIZATION = "PROVIDER_REFUSED_AUTHORIZATION"
    PARTIAL_SCOPES = "PARTIAL_SCOPES"
    DIFFERENT_ACCOUNT = "DIFFERENT_ACCOUNT"
    ALREADY_CONNECTED = "ALREADY_CONNECTED"
    APPLICATION_REJECTED = "APPLICATION_REJECTED"
    REDIRECT_URI_MISMATCH = "REDIRECT_URI_MISMATCH"
    TOKEN_RESPONSE_INVALID = "TOKEN_RESPONSE_INVALID"  # noqa: S105 - a code, not a secret
    REAUTHENTICATION_REQUIRED = "REAUTHENTICATION_REQUIRED"
    REFRESH_OUTCOME_UNKNOWN = "REFRESH_OUTCOME_UNKNOWN"
    # -- the outside
    CREDENTIALS_REJECTED = "CREDENTIALS_REJECTED"
    MISSING_SCOPE = "MISSING_SCOPE"
    RATE_LIMITED = "RATE_LIMITED"
    UPSTREAM_UNAVAILABLE = "UPSTREAM_UNAVAILABLE"
    UPSTREAM_TIMEOUT = "UPSTREAM_TIMEOUT"
    UPSTREAM_UNREACHABLE = "UPSTREAM_UNREACHABLE"
    UPSTREAM_TLS = "UPSTREAM_TLS"
    NAME_NOT_RESOLVED = "NAME_NOT_RESOLVED"
    UPSTREAM_REJECTED = "UPSTREAM_REJECTED"
    UPSTREAM_NOT_FOUND = "UPSTREAM_NOT_FOUND"
    UPSTREAM_BAD_RESPONSE = "UPSTREAM_BAD_RESPONSE"
    RESPONSE_TOO_LARGE = "RESPONSE_TOO_LARGE"
    TOO_MANY_REDIRECTS = "TOO_MANY_REDIRECTS"
    EGRESS_BLOCKED = "EGRESS_BLOCKED"
    EXPECTATION_FAILED = "EXPECTATION_FAILED"
    CANCELLED = "CANCELLED"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    # -- the hub
    CREDENTIAL_UNREADABLE = "CREDENTIAL_UNREADABLE"
    KEY_UNAVAILABLE = "KEY_UNAVAILABLE"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    STORAGE_BUSY = "STORAGE_BUSY"
    INTERNAL = "INTERNAL"


@dataclass(frozen=True, slots=True)
class Remediation:
    """One thing somebody can do about a problem."""

    kind: RemediationKind
    text: str
    actor: FixBy
    url: str | None = None


@dataclass(frozen=True, slots=True)
class ProblemTemplate:
    """The constant part of a problem: what is said for a code. ``{names}`` are filled from safe values only."""

    title: str
    message: str
    remediation: tuple[Remediation, ...]
    retryable: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """A diagnosed fault, the same shape in a payload, a failed test step, a connection's state and an incident.

    ``path`` is relative to the mutation's ``input``. ``details`` carries what members of the GraphQL interface add
    (``currentRevision``, ``missingScopes``, ``unmetSteps``, ``providerStatus``, ``providerCode``,
    ``providerDetail``, ``expected``, ``cause``); it never holds a value that a caller sent in a secret's place.
    """

    code: ProblemCode
    message: str
    path: tuple[str, ...] = ()
    retryable: bool = False
    retry_after_s: float | None = field(default=None, metadata={"key": "retryAfterSeconds"})
    remediation: tuple[Remediation, ...] = ()
    details: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def at(self, *path: str) -> Problem:
        """Return the same problem at another path."""
        return replace(self, path=tuple(path))

    def to_json(self) -> dict[str, Any]:
        """Return the stored form; :func:`problem_from_json` reads it back."""
        data: dict[str, Any] = to_data(self)
        return data


def problem_from_json(data: Mapping[str, Any] | None) -> Problem | None:
    """Read what :meth:`Problem.to_json` wrote; None stays None."""
    return None if data is None else from_data(Problem, data)


def problem(
    code: ProblemCode,
    *path: str,
    retry_after_s: float | None = None,
    remediation: tuple[Remediation, ...] = (),
    details: Mapping[str, Any] | None = None,
    **values: str,
) -> Problem:
    """Make the problem of ``code`` from its template.

    ``values`` fill the ``{names}`` of the message and of the remediation texts. They must be safe to show: labels,
    names, scopes, numbers; never a value sent in a secret's place and never a provider's text.
    ``remediation`` stands before the template's own steps (a definition's troubleshooting goes there).
    """
    template = TEMPLATES[code]
    blanks = _Blanks(values)
    return Problem(
        code=code,
        message=template.message.format_map(blanks),
        path=tuple(path),
        retryable=template.retryable,
        retry_after_s=retry_after_s,
        remediation=remediation
        + tuple(replace(step, text=step.text.format_map(blanks)) for step in template.remediation),
        details=MappingProxyType(dict(details or {})),
    )


class _Blanks(dict[str, str]):
    """Fills a name that was not given with plain words, so that a message is never broken."""

    _WORDS: Final = {"label": "This field", "provider": "the provider", "scopes": "some permissions"}

    def __missing__(self, key: str) -> str:
        return self._WORDS.get(key, "?")


def _t(title: str, message: str, *steps: Remediation, retryable: bool = False) -> ProblemTemplate:
    return ProblemTemplate(title, message, steps, retryable)


def _do(kind: RemediationKind, text: str, actor: FixBy = FixBy.USER) -> Remediation:
    return Remediation(kind, text, actor)


_C = ProblemCode
_K = RemediationKind
_FIX = _do(_K.FIX_FIELD, "Correct this field and send it again.")
_RECONNECT = _do(_K.RECONNECT, "Start the authorization again and complete it in the same browser.")
_WAIT = _do(_K.WAIT, "Nothing needs to be done now: the hub tries again by itself.", FixBy.NOBODY)
_OPERATOR = _do(_K.CONTACT_OPERATOR, "Give the operator of this hub the request id.", FixBy.OPERATOR)

TEMPLATES: Final[Mapping[ProblemCode, ProblemTemplate]] = MappingProxyType(
    {
        _C.MISSING_FIELD: _t("A required field is missing", "{label} is required.", _FIX),
        _C.INVALID_FIELD: _t("A field is not valid", "{label} is not valid: {reason}.", _FIX),
        _C.UNKNOWN_FIELD: _t("A field is not known here", "{label} is not a field of this form.", _FIX),
        _C.FIELD_TOO_LONG: _t("A field is too long", "{label} is too long: at most {limit}.", _FIX),
        _C.PATTERN_MISMATCH: _t(
            "A field does not look right",
            "{label} does not have the expected form. Example: {example}.",
            _FIX,
        ),
        _C.ADDRESS_NOT_ALLOWED: _t(
            "An address is not allowed",
            "{label} must be an https address of a host that this integration allows.",
            _FIX,
            _do(
                _K.CONTACT_OPERATOR,
                "For a host inside your own network, the operator can allow that network with "
                "PATCHBAY_EGRESS_ALLOW.",
                FixBy.OPERATOR,
            ),
        ),
        _C.NAME_TAKEN: _t(
            "The name is taken",
            "A connection of this owner already has this name (upper and lower case count as equal).",
            _do(_K.FIX_FIELD, "Choose another name."),
        ),
        _C.UNKNOWN_INTEGRATION: _t(
            "No such integration",
            "The catalog has no such integration or version.",
            _do(_K.FIX_FIELD, "Choose one of the integrations in the catalog."),
        ),
        _C.UNKNOWN_AUTH_METHOD: _t(
            "No such way to authenticate",
            "This integration does not offer that authentication method.",
            _do(_K.FIX_FIELD, "Choose one of the version's authMethods."),
        ),
        _C.UNKNOWN_SCOPE: _t(
            "No such scope",
            "This authentication method does not offer the scope.",
            _do(_K.FIX_FIELD, "Choose from the scopes that the authentication method lists."),
        ),
        _C.UNKNOWN_METHOD: _t(
            "No such method",
            "This version of the integration has no such method.",
            _do(_K.FIX_FIELD, "Choose one of the version's methods."),
        ),
        _C.DEFINITION_INVALID: _t(
            "A definition is not valid",
            "The definition breaks a rule: {reason}.",
            _do(_K.FIX_FIELD, "Correct the file at the line named.", FixBy.OPERATOR),
        ),
        _C.NOT_FOUND: _t(
            "Not found",
            "There is no such object, or you may not see it.",
            _do(_K.RELOAD, "Load the list again; it may have been deleted."),
        ),
        _C.CONFLICT: _t(
            "Changed by somebody else",
            "It was changed by somebody else in the meantime. Nothing was changed by you.",
            _do(_K.RELOAD, "Load it again, look at the difference, and repeat the change."),
        ),
        _C.IDEMPOTENCY_KEY_REUSED: _t(
            "An idempotency key was used again",
            "This idempotency key was already used with another input.",
            _do(_K.FIX_FIELD, "Use a new key for a new request."),
        ),
        _C.PERMISSION_DENIED: _t(
            "Not permitted",
            "The role or token with which this is done does not allow it: it needs {permission}.",
            _do(
                _K.CONTACT_OPERATOR,
                "Ask an administrator of the workspace for the permission.",
                FixBy.WORKSPACE_ADMIN,
            ),
        ),
        _C.NOT_ALLOWED_NOW: _t(
            "Not possible in this state",
            "This is not possible while the connection is {state}.",
            _do(_K.COMPLETE_STEP, "Follow the connection's nextSteps."),
        ),
        _C.CONFIG_INCOMPLETE: _t(
            "The configuration is not complete",
            "The configuration is not complete yet.",
            _do(_K.COMPLETE_STEP, "Complete the fields that nextSteps names."),
        ),
        _C.NOT_AUTHENTICATED: _t(
            "The connection has no credentials yet",
            "The connection has no usable credentials yet.",
            _do(_K.COMPLETE_STEP, "Begin an authorization and complete it."),
        ),
        _C.TEST_NOT_PASSED: _t(
            "The default test has not passed yet",
            "The default test has not passed with these credentials and this configuration.",
            _do(_K.COMPLETE_STEP, "Run the default test; or activate with a reason, which is audited."),
        ),
        _C.APPLICATION_MISSING: _t(
            "No application is registered",
            "No application (client id and secret) is registered for {provider}.",
            _do(
                _K.CHANGE_APPLICATION,
                "Register an application at {provider} and save its client id and secret with "
                "saveApplication.",
                FixBy.WORKSPACE_ADMIN,
            ),
            _do(_K.CONTACT_OPERATOR, "Or ask the operator for a default application.", FixBy.OPERATOR),
        ),
        _C.CONSENT_DENIED: _t(
            "Access was not granted",
            "Access was not granted at {provider}.",
            _do(_K.RECONNECT, "Start again and choose to allow access."),
        ),
        _C.ADMIN_CONSENT_REQUIRED: _t(
            "An administrator must consent",
            "An administrator of the {provider} account must approve the application.",
            _do(
                _K.ASK_PROVIDER_ADMIN,
                "Ask an administrator at {provider} to approve the application, then start again.",
                FixBy.PROVIDER_ADMIN,
            ),
        ),
        _C.AUTHORIZATION_EXPIRED: _t(
            "The sign-in took too long",
            "This authorization was not completed in time and has expired.",
            _RECONNECT,
        ),
        _C.AUTHORIZATION_CANCELLED: _t(
            "The sign-in was cancelled", "This authorization was cancelled.", _RECONNECT
        ),
        _C.AUTHORIZATION_REPLAYED: _t(
            "The sign-in link was already used",
            "This sign-in link was already used or has expired.",
            _RECONNECT,
        ),
        _C.BROWSER_MISMATCH: _t(
            "Finished in another browser",
            "The authorization was begun in another browser than the one that finished it.",
            _do(_K.RECONNECT, "Open the link in the browser in which you want to sign in, and finish there."),
        ),
        _C.ISSUER_MISMATCH: _t(
            "The answer came from another provider",
            "The answer came from another provider than the one that was asked.",
            _RECONNECT,
            _do(
                _K.CONTACT_OPERATOR,
                "If it happens again, tell the operator: this can be an attack.",
                FixBy.OPERATOR,
            ),
        ),
        _C.CALLBACK_INVALID: _t(
            "The provider's answer is not valid",
            "{provider} came back with an answer that is not valid.",
            _RECONNECT,
        ),
        _C.PROVIDER_REFUSED_AUTHORIZATION: _t(
            "The provider refused",
            "{provider} refused the authorization request.",
            _do(
                _K.CHECK_PROVIDER,
                "Compare the application's settings at {provider} (redirect URL, scopes) with the "
                "authentication method's instructions.",
                FixBy.WORKSPACE_ADMIN,
            ),
            _RECONNECT,
        ),
        _C.PARTIAL_SCOPES: _t(
            "Not all permissions were granted",
            "These permissions were not granted: {scopes}.",
            _do(_K.ADD_SCOPE, "Authorize again and grant all permissions."),
        ),
        _C.DIFFERENT_ACCOUNT: _t(
            "Another account answered",
            "Another account than before is connected now: {account}.",
            _do(
                _K.RECONNECT, "If that is not intended, authorize again and sign in with the former account."
            ),
        ),
        _C.ALREADY_CONNECTED: _t(
            "This key is already connected",
            "The same credentials are already connected as: {names}.",
            _do(
                _K.CHECK_PROVIDER,
                "Use the connection that exists, or a key of its own for this one, so that each can be revoked alone.",
            ),
        ),
        _C.APPLICATION_REJECTED: _t(
            "The application was rejected",
            "{provider} rejected the application's own credentials (client id or secret).",
            _do(
                _K.CHANGE_APPLICATION,
                "Correct the application's client id and secret; the connections themselves are "
                "not at fault.",
                FixBy.WORKSPACE_ADMIN,
            ),
        ),
        _C.REDIRECT_URI_MISMATCH: _t(
            "The redirect URL is not registered",
            "{provider} does not know the redirect URL {redirectUri}.",
            _do(
                _K.CHANGE_APPLICATION,
                "Register exactly this redirect URL at {provider}: {redirectUri}",
                FixBy.WORKSPACE_ADMIN,
            ),
        ),
        _C.TOKEN_RESPONSE_INVALID: _t(
            "The token answer is not valid",
            "{provider} answered the token request in an unexpected way.",
            _do(
                _K.CHECK_PROVIDER,
                "Check the token address in the configuration and the provider's status page.",
                FixBy.WORKSPACE_ADMIN,
            ),
            _RECONNECT,
        ),
        _C.REAUTHENTICATION_REQUIRED: _t(
            "The connection must be authorized again",
            "{provider} no longer accepts the stored grant; it must be authorized again.",
            _do(
                _K.RECONNECT, "Authorize the connection again; it keeps its name, configuration and history."
            ),
        ),
        _C.REFRESH_OUTCOME_UNKNOWN: _t(
            "A renewal was interrupted",
            "A renewal was interrupted and its outcome at {provider} is not known.",
            _do(_K.RECONNECT, "If the hub cannot resolve it by itself, authorize the connection again."),
        ),
        _C.CREDENTIALS_REJECTED: _t(
            "The credentials were rejected",
            "{provider} did not accept the credentials.",
            _do(
                _K.RECONNECT,
                "Check that the credentials are complete and still valid at {provider}, and enter them "
                "again.",
            ),
        ),
        _C.MISSING_SCOPE: _t(
            "A permission is missing",
            "The credentials lack a permission that this needs: {scopes}.",
            _do(_K.ADD_SCOPE, "Authorize again with the missing permission."),
        ),
        _C.RATE_LIMITED: _t(
            "Too many requests", "{provider} asks to send fewer requests.", _WAIT, retryable=True
        ),
        _C.UPSTREAM_UNAVAILABLE: _t(
            "The provider is not available",
            "{provider} is not available at the moment.",
            _WAIT,
            _do(_K.CHECK_PROVIDER, "If it lasts, look at the provider's status page."),
            retryable=True,
        ),
        _C.UPSTREAM_TIMEOUT: _t(
            "The provider did not answer in time",
            "{provider} did not answer in time.",
            _WAIT,
            _do(_K.CHECK_PROVIDER, "If it lasts, look at the provider's status page."),
            retryable=True,
        ),
        _C.UPSTREAM_UNREACHABLE: _t(
            "The provider cannot be reached",
            "No connection to {provider} could be made.",
            _do(_K.FIX_FIELD, "Check the address in the configuration."),
            _WAIT,
            retryable=True,
        ),
        _C.UPSTREAM_TLS: _t(
            "The secure connection failed",
            "The secure (TLS) connection to {provider} failed: {reason}.",
            _do(
                _K.CHECK_PROVIDER,
                "Check the host name in the configuration and the server's certificate.",
                FixBy.PROVIDER_ADMIN,
            ),
        ),
        _C.NAME_NOT_RESOLVED: _t(
            "The host name is not known",
            "The host name of {provider} could not be found.",
            _do(_K.FIX_FIELD, "Check the host name in the configuration."),
            retryable=True,
        ),
        _C.UPSTREAM_REJECTED: _t(
            "The provider rejected the request",
            "{provider} rejected the request (HTTP {status}).",
            _do(_K.CHECK_PROVIDER, "Read the recorded answer; it usually says which value is not accepted."),
        ),
        _C.UPSTREAM_NOT_FOUND: _t(
            "The address does not exist at the provider",
            "{provider} has nothing at this address (HTTP 404).",
            _do(_K.FIX_FIELD, "Check the base address and identifiers in the configuration."),
        ),
        _C.UPSTREAM_BAD_RESPONSE: _t(
            "An unexpected answer",
            "{provider} answered in an unexpected way.",
            _do(_K.CHECK_PROVIDER, "Read the recorded answer and check the address in the configuration."),
        ),
        _C.RESPONSE_TOO_LARGE: _t(
            "The answer is too large",
            "The answer of {provider} is larger than the hub accepts.",
            _do(_K.CHECK_PROVIDER, "Ask for less at a time, for example by a smaller page."),
        ),
        _C.TOO_MANY_REDIRECTS: _t(
            "Too many redirects",
            "{provider} redirected too often.",
            _do(_K.FIX_FIELD, "Check the address in the configuration."),
        ),
        _C.EGRESS_BLOCKED: _t(
            "This address is not allowed",
            "This address is not allowed.",
            _do(
                _K.CONTACT_OPERATOR,
                "If the hub should reach it, the operator can allow its network with PATCHBAY_EGRESS_ALLOW.",
                FixBy.OPERATOR,
            ),
        ),
        _C.EXPECTATION_FAILED: _t(
            "The answer is not the expected one",
            "The answer does not meet the test's expectation: {expectation}.",
            _do(_K.CHECK_PROVIDER, "Compare the recorded answer with the expectation."),
        ),
        _C.CANCELLED: _t("Cancelled", "It was cancelled.", _do(_K.RELOAD, "Start it again when needed.")),
        _C.DEADLINE_EXCEEDED: _t(
            "It took too long", "It did not finish within {limit} seconds.", _WAIT, retryable=True
        ),
        _C.CREDENTIAL_UNREADABLE: _t(
            "The stored credentials cannot be read",
            "The stored credentials of this connection cannot be opened.",
            _do(_K.RECONNECT, "Authorize the connection again."),
            _OPERATOR,
        ),
        _C.KEY_UNAVAILABLE: _t(
            "An encryption key is not available",
            "The key that opens these credentials is not available.",
            _OPERATOR,
            retryable=True,
        ),
        _C.QUOTA_EXCEEDED: _t(
            "A limit is reached",
            "The limit of {limit} is reached.",
            _do(_K.WAIT, "Finish or close some and try again."),
            retryable=True,
        ),
        _C.STORAGE_BUSY: _t("The hub is busy", "The hub's database is busy.", _WAIT, retryable=True),
        _C.INTERNAL: _t("Something failed on our side", "Something failed on our side.", _OPERATOR),
    }
)
