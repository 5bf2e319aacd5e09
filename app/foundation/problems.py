"""Diagnosed faults as data: one stable code each, a plain message, who can fix it and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum, auto
from functools import partial
from math import ceil
from types import MappingProxyType
from typing import Any, Final, Self

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
    address_step: str | None = None
    """What to do with the ``{fields}`` of the configuration that say the address: said only where there are some."""


def _code(
    title: str, message: str, *steps: Remediation, retryable: bool = False, address_step: str | None = None
) -> tuple[auto, ProblemTemplate]:
    return auto(), ProblemTemplate(title, message, steps, retryable, address_step)


_add_scope = partial(Remediation, RemediationKind.ADD_SCOPE, actor=FixBy.USER)
_at_provider = partial(Remediation, RemediationKind.ASK_PROVIDER_ADMIN, actor=FixBy.PROVIDER_ADMIN)
_change_application = partial(Remediation, RemediationKind.CHANGE_APPLICATION, actor=FixBy.WORKSPACE_ADMIN)
_check_provider = partial(Remediation, RemediationKind.CHECK_PROVIDER, actor=FixBy.USER)
_complete = partial(Remediation, RemediationKind.COMPLETE_STEP, actor=FixBy.USER)
_fix = partial(Remediation, RemediationKind.FIX_FIELD, actor=FixBy.USER)
_reconnect = partial(Remediation, RemediationKind.RECONNECT, actor=FixBy.USER)
_operator = partial(Remediation, RemediationKind.CONTACT_OPERATOR, actor=FixBy.OPERATOR)
_reload = partial(Remediation, RemediationKind.RELOAD, actor=FixBy.USER)
_report = partial(Remediation, RemediationKind.REPORT, actor=FixBy.USER)

_FIX: Final = _fix("Correct this field and send it again.")
_RECONNECT: Final = _reconnect("Start the authorization again and complete it in the same browser.")
_TRY_AGAIN: Final = Remediation(
    RemediationKind.WAIT, "Try again {wait}: this passes by itself as a rule.", FixBy.USER
)
_HUB_TRIES: Final = Remediation(
    RemediationKind.WAIT, "Nothing needs to be done now: the hub tries again by itself.", FixBy.NOBODY
)
_SIGN_IN_AGAIN: Final = _reconnect("Sign in again: this attempt is over, and it does not go on by itself.")
_REVOKE_THERE: Final = _check_provider(
    "The hub has stopped trying. Take the access away in the settings of the account at the provider."
)
_STATUS_PAGE: Final = _check_provider("If it lasts, look at the provider's status page.")
_FIX_ADDRESS: Final = "Check {fields} in the configuration."
_REPORT: Final = _report(
    "Tell the operator of this hub what you did, and when; give the request id, if you have it."
)
_READ_LOG: Final = _operator("Look for the fault in the hub's log: by the request id, or by the time.")
_NEAR_S: Final = 10
_MINUTE_S: Final = 60
_HOUR_S: Final = 3_600
# What an address breaks (app.foundation.egress), in words.
_REASONS: Final[Mapping[str, str]] = {
    "URL": "it is not a whole address",
    "SCHEME": "it is not https",
    "HOST": "the integration does not name its host",
    "PORT": "its port may not be used",
    "ADDRESS": "it leads into a network that is not public",
    "REDIRECT": "the credentials would go along to another host",
}


class ProblemCode(StrEnum):
    """Every stable problem code with what is said for it. Codes are added, never renamed."""

    template: ProblemTemplate

    def __new__(cls, code: str, template: ProblemTemplate) -> Self:
        """Make the member whose value is its name."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.template = template
        return member

    @staticmethod
    def _generate_next_value_(name: str, *_: object) -> str:
        return name

    # -- input
    MISSING_FIELD = _code("A required field is missing", "{label} is required.", _FIX)
    INVALID_FIELD = _code("A field is not valid", "{label} is not valid: {reason}.", _FIX)
    UNKNOWN_FIELD = _code("A field is not known here", "{label} is not a field of this form.", _FIX)
    FIELD_TOO_LONG = _code("A field is too long", "{label} is too long: at most {limit}.", _FIX)
    PATTERN_MISMATCH = _code(
        "A field does not look right",
        "{label} does not have the expected form. Example: {example}.",
        _FIX,
    )
    ADDRESS_NOT_ALLOWED = _code(
        "An address is not allowed",
        "{label} must be an https address of a host that this integration allows.",
        _FIX,
        _operator("If the host is inside your own network, allow that network with PATCHBAY_EGRESS_ALLOW."),
    )
    NAME_TAKEN = _code(
        "The name is taken",
        "A connection of this owner already has this name (upper and lower case count as equal).",
        _fix("Choose another name."),
    )
    UNKNOWN_INTEGRATION = _code(
        "No such integration",
        "The catalog has no such integration or version.",
        _fix("Choose one of the integrations in the catalog."),
    )
    UNKNOWN_AUTH_METHOD = _code(
        "No such way to authenticate",
        "This integration does not offer that authentication method.",
        _fix("Choose one of those that this version of the integration offers."),
    )
    UNKNOWN_SCOPE = _code(
        "No such scope",
        "This authentication method does not offer the scope.",
        _fix("Choose from the scopes that the authentication method lists."),
    )
    UNKNOWN_METHOD = _code(
        "No such method",
        "This version of the integration has no such method.",
        _fix("Choose one of the methods that this version lists."),
    )
    DEFINITION_INVALID = _code(
        "A definition is not valid",
        "The definition breaks a rule: {reason}.",
        _fix("Correct the file at the line named.", actor=FixBy.OPERATOR),
    )
    # -- objects and rules
    NOT_FOUND = _code(
        "Not found",
        "There is no such object, or you may not see it.",
        _reload("Load the list again; it may have been deleted."),
    )
    CONFLICT = _code(
        "Changed by somebody else",
        "It was changed by somebody else in the meantime. Nothing was changed by you.",
        _reload("Load it again, look at the difference, and repeat the change."),
    )
    IDEMPOTENCY_KEY_REUSED = _code(
        "An idempotency key was used again",
        "This idempotency key was already used with another input.",
        _fix("Use a new key for a new request."),
    )
    PERMISSION_DENIED = _code(
        "Not permitted",
        "The role or token with which this is done does not allow it: it needs {permission}.",
        _operator(
            "Give the member a role, or make a token, that includes this permission.",
            actor=FixBy.WORKSPACE_ADMIN,
        ),
    )
    NOT_ALLOWED_NOW = _code(
        "Not possible in this state",
        "This is not possible while the connection is {state}.",
        _complete("Take the next step that the connection shows."),
    )
    CONFIG_INCOMPLETE = _code(
        "The configuration is not complete",
        "The configuration is not complete yet.",
        _complete("Complete the fields that are named as missing."),
    )
    NOT_AUTHENTICATED = _code(
        "The connection has no credentials yet",
        "The connection has no usable credentials yet.",
        _complete("Begin an authorization and complete it."),
    )
    TEST_NOT_PASSED = _code(
        "The default test has not passed yet",
        "The default test has not passed with these credentials and this configuration.",
        _complete("Run the default test; or activate with a reason, which is audited."),
    )
    APPLICATION_MISSING = _code(
        "No application is registered",
        "No application (client id and secret) is registered for {provider}.",
        _change_application(
            "Register an application at {provider} and save its client id and secret in the hub."
        ),
        _operator("Or provide a default application, for all workspaces."),
    )
    APPLICATION_NOT_FOR_ADDRESS = _code(
        "The application is not for this address",
        "The application {application} is not saved for {origin}, so the hub does not use it there.",
        _fix("Compare the addresses in the connection's configuration with the service's documentation."),
        _change_application(
            "If the address is right, add it to the application's origins, together with the client secret, or save "
            "another application for it."
        ),
    )
    APPLICATION_CHOICE_NEEDED = _code(
        "Several applications are possible",
        "Several applications are saved for {provider}: {names}.",
        _fix("Choose one of them."),
    )
    APPLICATION_IN_USE = _code(
        "The application is in use",
        "{connections} and {revocations} still depend on the application {application}.",
        _change_application(
            "Authorize these connections with another application, or disconnect them, and wait for the revocations."
        ),
    )
    # -- authorization
    CONSENT_DENIED = _code(
        "Access was not granted",
        "Access was not granted at {provider}.",
        _reconnect("Start again and choose to allow access."),
    )
    ADMIN_CONSENT_REQUIRED = _code(
        "An administrator must consent",
        "An administrator of the {provider} account must approve the application.",
        _at_provider("Approve the application in the {provider} account."),
        _reconnect("Start the authorization again once it is approved."),
    )
    AUTHORIZATION_EXPIRED = _code(
        "The sign-in took too long",
        "This authorization was not completed in time and has expired.",
        _RECONNECT,
    )
    AUTHORIZATION_CANCELLED = _code(
        "The sign-in was cancelled", "This authorization was cancelled.", _RECONNECT
    )
    AUTHORIZATION_REPLAYED = _code(
        "The sign-in link was already used",
        "This sign-in link was already used or has expired.",
        _RECONNECT,
    )
    BROWSER_MISMATCH = _code(
        "Finished in another browser",
        "The authorization was begun in another browser than the one that finished it.",
        _reconnect("Open the link in the browser in which you want to sign in, and finish there."),
    )
    ISSUER_MISMATCH = _code(
        "The answer came from another provider",
        "The answer came from another provider than the one that was asked.",
        _RECONNECT,
        _report("If it happens again, tell the operator of this hub: this can be an attack."),
    )
    CALLBACK_INVALID = _code(
        "The provider's answer is not valid",
        "{provider} came back with an answer that is not valid.",
        _RECONNECT,
    )
    PROVIDER_REFUSED_AUTHORIZATION = _code(
        "The provider refused",
        "{provider} refused the authorization request.",
        _check_provider(
            "Compare the application's settings at {provider} (redirect URL, scopes) with the "
            "authentication method's instructions.",
            actor=FixBy.WORKSPACE_ADMIN,
        ),
        _RECONNECT,
    )
    PARTIAL_SCOPES = _code(
        "Not all permissions were granted",
        "These permissions were not granted: {scopes}.",
        _add_scope("Authorize again and grant all permissions."),
    )
    ACCESS_ENDS = _code(
        "The access ends and cannot be renewed",
        "The access that {provider} gave ends on {when}, and the hub cannot renew it.",
        _reconnect("Authorize the connection again before it ends."),
    )
    DIFFERENT_ACCOUNT = _code(
        "Another account answered",
        "Another account than before is connected now: {account}.",
        _reconnect("If that is not intended, authorize again and sign in with the former account."),
    )
    ALREADY_CONNECTED = _code(
        "This key is already connected",
        "The same credentials are already connected as: {names}.",
        _check_provider(
            "Use the connection that exists, or a key of its own for this one, so that each can be revoked alone."
        ),
    )
    APPLICATION_REJECTED = _code(
        "The application was rejected",
        "{provider} rejected the application's own credentials (client id or secret).",
        _change_application(
            "Correct the application's client id and secret; the connections themselves are not at fault."
        ),
    )
    REDIRECT_URI_MISMATCH = _code(
        "The redirect URL is not registered",
        "{provider} does not know the redirect URL {redirectUri}.",
        _change_application("Register exactly this redirect URL at {provider}: {redirectUri}"),
    )
    TOKEN_RESPONSE_INVALID = _code(
        "The token answer is not valid",
        "{provider} answered the token request in an unexpected way.",
        _check_provider(
            "Compare the recorded answer with what {provider} documents; another address may be meant.",
            actor=FixBy.WORKSPACE_ADMIN,
        ),
        _RECONNECT,
    )
    REAUTHENTICATION_REQUIRED = _code(
        "The connection must be authorized again",
        "{provider} no longer accepts the stored grant; it must be authorized again.",
        _reconnect("Authorize the connection again; it keeps its name, configuration and history."),
    )
    REFRESH_OUTCOME_UNKNOWN = _code(
        "A renewal was interrupted",
        "A renewal was interrupted and its outcome at {provider} is not known.",
        _reconnect("Authorize the connection again; it keeps its name, configuration and history."),
    )
    # -- the outside
    CREDENTIALS_REJECTED = _code(
        "The credentials were rejected",
        "{provider} did not accept the credentials.",
        _reconnect(
            "Check that the credentials are complete and still valid at {provider}, and enter them again."
        ),
    )
    MISSING_SCOPE = _code(
        "A permission is missing",
        "The credentials lack a permission that this needs: {scopes}.",
        _add_scope("Authorize again with the missing permission."),
    )
    RATE_LIMITED = _code(
        "Too many requests", "{provider} asks to send fewer requests.", _TRY_AGAIN, retryable=True
    )
    UPSTREAM_UNAVAILABLE = _code(
        "The provider is not available",
        "{provider} is not available at the moment.",
        _TRY_AGAIN,
        _STATUS_PAGE,
        retryable=True,
    )
    UPSTREAM_TIMEOUT = _code(
        "The provider did not answer in time",
        "{provider} did not answer in time.",
        _TRY_AGAIN,
        _STATUS_PAGE,
        retryable=True,
    )
    UPSTREAM_UNREACHABLE = _code(
        "The provider cannot be reached",
        "No connection to {provider} could be made: {reason}.",
        _TRY_AGAIN,
        _STATUS_PAGE,
        retryable=True,
        address_step=_FIX_ADDRESS,
    )
    UPSTREAM_CUT_OFF = _code(
        "The connection was cut off",
        "{provider} ended the connection {reason}.",
        _TRY_AGAIN,
        _check_provider(
            "If it happens each time, look at what stands between: a proxy, a firewall, a load balancer."
        ),
        retryable=True,
    )
    UPSTREAM_PROTOCOL = _code(
        "The server speaks another protocol",
        "{provider} cannot be spoken to at this address: {reason}.",
        _check_provider("See in the provider's documentation at which address it speaks HTTP/1.1."),
        address_step="Check {fields} in the configuration: how it begins (http or https), and its port.",
    )
    UPSTREAM_TLS = _code(
        "The secure connection failed",
        "The secure (TLS) connection to {provider} failed: {reason}.",
        _check_provider("Check the server's certificate and its TLS settings.", actor=FixBy.PROVIDER_ADMIN),
        address_step="Check the host name of {fields} in the configuration.",
    )
    NAME_NOT_RESOLVED = _code(
        "The host name is not known",
        "The host name of {provider} could not be looked up: {reason}.",
        _TRY_AGAIN,
        retryable=True,
        address_step="Check the host name of {fields} in the configuration.",
    )
    UPSTREAM_REJECTED = _code(
        "The provider rejected the request",
        "{provider} rejected the request ({status}).",
        _check_provider("Read the recorded answer; it usually says which value is not accepted."),
    )
    UPSTREAM_NOT_FOUND = _code(
        "The address does not exist at the provider",
        "{provider} has nothing at this address (HTTP 404).",
        _check_provider(
            "Look in the recorded request which address was called, and compare it with the documentation."
        ),
        address_step="Check {fields} and the identifiers in the configuration.",
    )
    UPSTREAM_BAD_RESPONSE = _code(
        "An unexpected answer",
        "{provider} answered in an unexpected way.",
        _check_provider("Read the recorded answer."),
        address_step=_FIX_ADDRESS,
    )
    RESPONSE_TOO_LARGE = _code(
        "The answer is too large",
        "The answer of {provider} is larger than the hub accepts.",
        _check_provider("Ask for less at a time, for example by a smaller page."),
    )
    TOO_MANY_REDIRECTS = _code(
        "Too many redirects",
        "{provider} redirected too often.",
        _check_provider(
            "See in the steps where the redirects lead; often to a sign-in page, for credentials that are wrong."
        ),
        address_step=_FIX_ADDRESS,
    )
    EGRESS_BLOCKED = _code(
        "This address is not allowed",
        "The hub sends nothing to this address: {reason}.",
        _operator(
            "If the address is inside your own network, allow that network with PATCHBAY_EGRESS_ALLOW."
        ),
        address_step=_FIX_ADDRESS,
    )
    EXPECTATION_FAILED = _code(
        "The answer is not the expected one",
        "The answer does not meet the test's expectation: {expectation}.",
        _check_provider("Compare the recorded answer with the expectation."),
    )
    TEST_PROVES_NOTHING = _code(
        "The test proves nothing",
        "{provider} answers as well {without}: {reason}.",
        _check_provider(
            "A path that asks for credentials, such as one that says who you are, proves that they are accepted."
        ),
    )
    CONTROL_NOT_ANSWERED = _code(
        "It is not known what the test proves",
        "The answer was good, but {provider} did not answer the same call {without}: {reason}.",
        _TRY_AGAIN,
        retryable=True,
    )
    UPSTREAM_REDIRECTED = _code(
        "The address redirects elsewhere",
        "{provider} redirects from {source} to {location}, {reason}.",
        _check_provider(
            "If that is a sign-in page, the credentials are not accepted: check them. Else the service has moved."
        ),
    )
    CANCELLED = _code("Cancelled", "It was cancelled.", _reload("Start it again when needed."))
    DEADLINE_EXCEEDED = _code(
        "It took too long", "It did not finish within {limit} seconds.", _TRY_AGAIN, retryable=True
    )
    # -- the hub
    CREDENTIAL_UNREADABLE = _code(
        "The stored credentials cannot be read",
        "The stored credentials of this connection cannot be opened.",
        _reconnect("Authorize the connection again."),
        _operator("If others have it too, check that the database and the keys come from the same backup."),
    )
    KEY_UNAVAILABLE = _code(
        "An encryption key is not available",
        "The key that opens these credentials is not available.",
        _TRY_AGAIN,
        _operator(
            "Check that the key file or the key service is there, with the command: patchbay keys verify"
        ),
        retryable=True,
    )
    QUOTA_EXCEEDED = _code(
        "A limit is reached",
        "The limit of {limit} is reached.",
        Remediation(RemediationKind.WAIT, "Try again when some of what is open has ended.", FixBy.USER),
        retryable=True,
    )
    STORAGE_BUSY = _code("The hub is busy", "The hub's database is busy.", _TRY_AGAIN, retryable=True)
    STORAGE_UNAVAILABLE = _code(
        "The hub's database is not available",
        "The hub's database is not available at the moment, so nothing can be read or stored.",
        _TRY_AGAIN,
        _operator("Check that the database runs, can be reached, and has room on its disk."),
        retryable=True,
    )
    INTERNAL = _code("Something failed on our side", "Something failed on our side.", _REPORT, _READ_LOG)


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

    def that_is_retried(self) -> Problem:
        """Return the problem where a row is due for it: a passing fault needs nobody, because the hub tries again."""
        return self._ending_in(_HUB_TRIES) if self.retryable else self

    def that_ended_a_sign_in(self) -> Problem:
        """Return the problem where it ended an authorization: a passing fault needs a person to sign in again."""
        return replace(self._ending_in(_SIGN_IN_AGAIN), retryable=False) if self.retryable else self

    def that_is_given_up(self) -> Problem:
        """Return the problem of a revocation that is not tried again: somebody has to go there."""
        return replace(self, remediation=(_REVOKE_THERE,), retryable=False)

    def _ending_in(self, step: Remediation) -> Problem:
        what_next = {_with_wait(_TRY_AGAIN, self.retry_after_s), _HUB_TRIES, _SIGN_IN_AGAIN}
        at = next((at for at, each in enumerate(self.remediation) if each in what_next), None)
        others = tuple(each for each in self.remediation if each not in what_next)
        at = len(others) if at is None else at
        return replace(self, remediation=(*others[:at], step, *others[at:]))

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
    template = code.template
    reason = _REASONS.get(str((details or {}).get("cause")))
    known = {"wait": _in_words(retry_after_s), **({"reason": reason} if reason else {})}
    blanks = _Blanks({**known, **values})
    message = template.message.format_map(blanks)
    if template.message.startswith("{provider}") and "provider" not in values:
        message = f"{message[:1].upper()}{message[1:]}"
    return Problem(
        code=code,
        message=message,
        path=tuple(path),
        retryable=template.retryable,
        retry_after_s=retry_after_s,
        remediation=remediation
        + tuple(replace(step, text=step.text.format_map(blanks)) for step in template.remediation),
        details=MappingProxyType(dict(details or {})),
    )


def _with_wait(step: Remediation, retry_after_s: float | None) -> Remediation:
    return replace(step, text=step.text.format(wait=_in_words(retry_after_s)))


def _in_words(seconds: float | None) -> str:
    """Return when to come again, rounded up to what a person waits by."""
    if seconds is None or seconds <= _NEAR_S:
        return "in a moment"
    if seconds <= 2 * _MINUTE_S:
        return f"in {ceil(seconds)} seconds"
    if seconds <= 2 * _HOUR_S:
        return f"in {ceil(seconds / _MINUTE_S)} minutes"
    return f"in {ceil(seconds / _HOUR_S)} hours"


class _Blanks(dict[str, str]):
    """Fills a name that was not given with plain words, so that a message is never broken."""

    _WORDS: Final = {
        "account": "an account without a name",
        "application": "of this connection",
        "connections": "Connections",
        "example": "see the help of the field",
        "expectation": "see the recorded answer",
        "label": "This field",
        "limit": "what the hub allows",
        "location": "another address",
        "names": "another connection",
        "origin": "this address",
        "permission": "a permission that it lacks",
        "provider": "the provider",
        "reason": "it is not what is expected there",
        "redirectUri": "of this hub",
        "revocations": "revocations",
        "scopes": "some permissions",
        "source": "this address",
        "state": "in this state",
        "status": "it did not say why",
        "when": "a day that is not known",
        "without": "without the credentials",
    }

    def __missing__(self, key: str) -> str:
        return self._WORDS[key]
