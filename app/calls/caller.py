"""Calls methods of connected systems: credentials placed, one renewal on expiry, bounded, recorded, redacted."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Protocol

from app.access.actor import Actor, ActorKind
from app.access.policy import Permission, require
from app.authenticators.judge import body_of, explained, read_answer, with_troubleshooting
from app.authenticators.method_request import method_request
from app.authenticators.placement import with_header
from app.calls.pace import HeldBackError, Pace
from app.catalog.definition import Control, Definition, Effect, Method
from app.credentials.credentials import Credentials
from app.credentials.opening import OpenCredentials, UnreadableCredentialsError
from app.credentials.owner import CredentialOwner
from app.foundation.clock import Clock
from app.foundation.errors import (
    CredentialsRejectedError,
    InvalidInputError,
    OutsideError,
    PatchbayError,
    invalid_field,
)
from app.foundation.exchange import RecordedMessage, as_curl, record_request, record_response
from app.foundation.ids import new_token
from app.foundation.messages import InResponse, OutRequest, Timings, TraceEvent
from app.foundation.outbound import Outbound
from app.foundation.problems import ProblemCode, problem
from app.foundation.redaction import SecretRegistry
from app.foundation.redirect import Redirect
from app.foundation.shapes import Shape
from app.foundation.telemetry import Metrics
from app.vault.vault import RevealPurpose

TIMEOUT_S: Final = 30.0
MAX_ANSWER_BYTES: Final = 10 << 20
_REDIRECTS: Final = 5
_MAX_QUEUE_S: Final = 10.0  # how long one of the hub's own calls waits for the rate limit
_KEYED: Final = frozenset({"POST", "PUT", "PATCH"})
_KEY: Final = re.compile(r"[!-~]{1,255}")
_KEY_FORM: Final = "it has not 1 to 255 printable ASCII characters without a space"
_PURPOSES: Final = {
    Effect.READ: RevealPurpose.CALL_READ,
    Effect.WRITE: RevealPurpose.CALL_WRITE,
    Effect.DESTRUCTIVE: RevealPurpose.CALL_DESTRUCTIVE,
}


@dataclass(frozen=True, slots=True)
class Exchange:
    """One recorded request and its answer, redacted; ``response`` is None where none came."""

    request: RecordedMessage
    response: RecordedMessage | None
    timings: Timings | None

    @property
    def curl(self) -> str:
        """The request as a shell command, its secrets as variables."""
        return as_curl(self.request)


@dataclass(frozen=True, slots=True)
class CallResult:
    """What became of a call; ``fault`` is None for a good answer, ``generation`` 0 where credentials never opened.

    ``sealed_at`` distinguishes credentials that a connection had and has under the same generation.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    exchange: Exchange | None = None
    fault: PatchbayError | None = None
    generation: int = 0
    renewed: bool = False
    sealed_at: datetime | None = None
    redirects: tuple[Redirect, ...] = ()


class Observer(Protocol):
    """Follows a call as it happens."""

    def opened(self, credentials: OpenCredentials) -> None:
        """Credentials are open and placed."""

    def traced(self, event: TraceEvent) -> None:
        """A stage of the request began or ended."""


class MethodCaller:
    """Calls methods. It decides nothing about the connection's state: callers report what they learn."""

    def __init__(
        self,
        outbound: Outbound,
        credentials: Credentials,
        clock: Clock,
        metrics: Metrics,
        secrets: SecretRegistry,
    ) -> None:
        self._outbound = outbound
        self._credentials = credentials
        self._clock = clock
        self._metrics = metrics
        self._secrets = secrets
        self._pace = Pace()

    async def call(
        self,
        actor: Actor,
        connection: CredentialOwner,
        method_name: str,
        params: Mapping[str, Any],
        *,
        purpose: RevealPurpose | None = None,
        observer: Observer | None = None,
        fresh: bool = False,
        timeout_s: float = TIMEOUT_S,
        idempotency_key: str | None = None,
    ) -> CallResult:
        """Call a method once; credentials that turn out to have expired are renewed once and the call repeated.

        ``fresh`` opens a network connection for this call alone, so that every stage really happens. Failures of the
        outside are in the result, not raised. A WRITE or DESTRUCTIVE method bears an idempotency key where the
        provider takes one: ``idempotency_key``, or a new one, the same one on the repeat; a parameter in the same
        header goes before both. The hub's own calls keep to the definition's limits: a wait that is too long ends
        as RATE_LIMITED, and nothing was sent. Without ``purpose`` the method's effect says what the credentials are
        opened for; method and parameters are checked before.

        Raises:
            PermissionDeniedError: the actor may not use (or, for a test, not test) connections.
            NotFoundError: the connection was deleted.
            InvalidInputError: no such method, parameters that do not fit, or an idempotency key that cannot be one.
            NotAllowedNowError: no credentials are sealed.
        """
        require(actor, Permission.CONNECTIONS_USE if purpose is None else Permission.CONNECTIONS_TEST)
        definition = self._credentials.definition_of(connection)
        method = checked_method(definition, method_name, params)
        key = _idempotency_key(definition, method, idempotency_key)
        call = _Call(method, params, purpose or _PURPOSES[method.effect], observer, fresh, timeout_s, key)
        wait_s = self._wait_for_slot_s(actor, connection, definition, call)
        if wait_s > min(_MAX_QUEUE_S, call.timeout_s / 2):
            return CallResult(fault=_held_back(definition, wait_s))
        if wait_s > 0:
            await self._clock.sleep(wait_s)
            connection = await self._credentials.find(actor.workspace_id, connection.id)
        try:
            credentials = await self._credentials.open(actor, connection, call.purpose)
        except UnreadableCredentialsError as fault:
            return CallResult(fault=fault, generation=fault.generation)
        except OutsideError as fault:
            return CallResult(fault=fault)
        return await self._call_opened(actor, credentials, call)

    async def control(
        self,
        actor: Actor,
        opened: OpenCredentials,
        method_name: str,
        params: Mapping[str, Any],
        control: Control,
        *,
        follow: bool,
        timeout_s: float,
    ) -> CallResult:
        """Make the control call beside a call with the credentials that it opened: the same, without them.

        Redirects are followed only with ``follow``. It bears no true credential, renews nothing and reads nothing.

        Raises:
            PermissionDeniedError: the actor may not test connections.
            ValueError: the method does not only read: it is never a control call.
        """
        require(actor, Permission.CONNECTIONS_TEST)
        method = checked_method(opened.definition, method_name, params)
        if method.effect is not Effect.READ:
            raise ValueError("a method that writes is no control call")
        call = _Call(method, params, RevealPurpose.TEST, None, True, timeout_s, None, may_follow=follow)
        result, _ = await self._once(opened.for_control(control), call)
        return result

    def _wait_for_slot_s(
        self, actor: Actor, connection: CredentialOwner, definition: Definition, call: _Call
    ) -> float:
        """Return how many seconds one of the hub's own calls must wait for the rate limit."""
        if actor.kind is not ActorKind.SYSTEM:
            return 0.0
        now_s = self._clock.monotonic()
        return self._pace.wait_s(connection.id, call.method.name, definition.http.limits, now_s)

    async def _call_opened(self, actor: Actor, credentials: OpenCredentials, call: _Call) -> CallResult:
        result, expired = await self._once(credentials, call)
        if expired:
            try:
                newer = await self._credentials.newer(actor, credentials, call.purpose)
            except PatchbayError as fault:
                return replace(result, fault=fault)
            if newer is not None:
                result, _ = await self._once(newer, call, renewed=True)
        outcome = result.fault.problem.code.value if result.fault else "OK"
        self._metrics.calls.labels(credentials.definition.integration, outcome).inc()
        return result

    async def _once(
        self, credentials: OpenCredentials, call: _Call, *, renewed: bool = False
    ) -> tuple[CallResult, bool]:
        """Send the call once; return the result and whether the credentials had expired."""
        definition = credentials.definition
        result = CallResult(
            generation=credentials.generation, renewed=renewed, sealed_at=credentials.sealed_at
        )
        try:
            request = method_request(credentials.facts, call.method.name, call.params)
            request = credentials.apply(_with_key(request, definition, call.idempotency_key))
        except PatchbayError as fault:
            return replace(result, fault=fault), False
        self._secrets.remember(*request.secrets)
        redactor, sandbox = request.redactor(), credentials.destination.sandbox
        if call.observer is not None:
            call.observer.opened(credentials)
        try:
            response = await self._send(request, credentials, call)
        except (OutsideError, InvalidInputError) as fault:
            stated = with_troubleshooting(definition, fault) if isinstance(fault, OutsideError) else fault
            sent = Exchange(record_request(request, redactor, sandbox), None, None)
            return replace(result, fault=stated, exchange=sent), False
        outcome, refusal = read_answer(definition, response, self._clock.now(), redactor)
        if isinstance(refusal, CredentialsRejectedError):
            ended = credentials.ended(self._clock.now())
            refusal = CredentialsRejectedError(ended) if ended is not None else refusal
        if refusal is not None and outcome.code is ProblemCode.RATE_LIMITED:
            wait_s = refusal.problem.retry_after_s or 0.0
            self._pace.hold(credentials.owner.id, self._clock.monotonic() + wait_s)
        result = replace(
            result,
            status=response.status,
            headers={name.lower(): value for name, value in response.headers},
            body=body_of(response),
            exchange=Exchange(
                record_request(request, redactor, sandbox),
                record_response(response, redactor, sandbox),
                response.timings,
            ),
            fault=refusal,
            redirects=response.redirects,
        )
        return result, outcome.expired

    async def _send(self, request: OutRequest, credentials: OpenCredentials, call: _Call) -> InResponse:
        """Send the request. A signature is made for one address: what bears one follows no redirect."""
        observer = call.observer
        trace: Callable[[TraceEvent], None] | None = observer.traced if observer is not None else None
        may_follow = (
            call.may_follow and request.method in {"GET", "HEAD"} and not credentials.method.is_signed
        )
        limits = credentials.definition.http.limits
        self._pace.count(credentials.owner.id, call.method.name, limits, self._clock.monotonic())
        return await self._outbound.send(
            request,
            credentials.destination,
            timeout_s=call.timeout_s,
            max_bytes=MAX_ANSWER_BYTES,
            redirects=_REDIRECTS if may_follow else 0,
            fresh=call.fresh,
            trace=trace,
        )


@dataclass(frozen=True, slots=True)
class _Call:
    """What stays the same over the attempts of one call."""

    method: Method
    params: Mapping[str, Any]
    purpose: RevealPurpose
    observer: Observer | None
    fresh: bool
    timeout_s: float
    idempotency_key: str | None
    may_follow: bool = True


def checked_method(definition: Definition, name: str, params: Mapping[str, Any]) -> Method:
    """Return the method after checking its name and parameters.

    Raises:
        InvalidInputError: no such method, or parameters that do not fit, at ``params``.
    """
    method = definition.methods.get(name)
    if method is None:
        raise InvalidInputError(problem(ProblemCode.UNKNOWN_METHOD, "method"))
    faults = Shape(method.params).problems(dict(params), "params")
    if faults:
        raise InvalidInputError(faults)
    return method


def _idempotency_key(definition: Definition, method: Method, given: str | None) -> str | None:
    """Return the key that a call bears: none where the provider takes none, or the call changes nothing.

    DELETE is idempotent by itself (RFC 9110 9.2.2).
    """
    if given is not None and not _KEY.fullmatch(given):
        raise invalid_field("idempotencyKey", label="The key", reason=_KEY_FORM)
    takes_key = definition.http.idempotency_header is not None and method.effect is not Effect.READ
    if not takes_key or method.http_method not in _KEYED:
        return None
    return given or new_token(128)


def _held_back(definition: Definition, wait_s: float) -> HeldBackError:
    details = {"cause": "HELD_BACK"}
    return HeldBackError(
        explained(definition, ProblemCode.RATE_LIMITED, details=details, retry_after_s=wait_s)
    )


def _with_key(request: OutRequest, definition: Definition, key: str | None) -> OutRequest:
    header = definition.http.idempotency_header
    if key is None or header is None or any(name.lower() == header.lower() for name, _ in request.headers):
        return request
    return with_header(request, header, key)
