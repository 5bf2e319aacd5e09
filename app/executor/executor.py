"""Calls methods of connected systems: credentials placed, one renewal on expiry, bounded, recorded, redacted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from app.access.actor import Actor
from app.access.policy import Permission, require
from app.authenticators.method_request import method_request
from app.catalog.definition import Definition, Effect, Method
from app.connections.credentials import Credentials, Live, UnreadableCredentialsError
from app.executor.outcome import body_of, read_answer, with_troubleshooting
from app.foundation.clock import Clock
from app.foundation.errors import InvalidInputError, OutsideError, PatchbayError
from app.foundation.exchange import RecordedMessage, as_curl, record_request, record_response
from app.foundation.outbound import InResponse, Outbound, OutRequest, Timings, TraceEvent
from app.foundation.problems import ProblemCode, problem
from app.foundation.redaction import Redactor, SecretRegistry
from app.foundation.shapes import Shape
from app.foundation.telemetry import Metrics
from app.vault.vault import RevealPurpose

TIMEOUT_S: Final = 30.0
MAX_ANSWER_BYTES: Final = 10 << 20
_REDIRECTS: Final = 5
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

    ``sealed_at`` tells credentials apart that a disconnected connection had and has under the same generation.
    """

    status: int | None
    headers: Mapping[str, str]
    body: Any
    exchange: Exchange | None
    fault: PatchbayError | None
    generation: int
    renewed: bool
    sealed_at: datetime | None = None


class Observer(Protocol):
    """Follows a call as it happens."""

    def opened(self, live: Live, *, renewed: bool) -> None:
        """Credentials are open and placed."""
        ...

    def traced(self, event: TraceEvent) -> None:
        """A stage of the request began or ended."""
        ...


class Executor:
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

    async def call(
        self,
        actor: Actor,
        connection_id: str,
        method_name: str,
        params: Mapping[str, Any],
        *,
        purpose: RevealPurpose | None = None,
        observer: Observer | None = None,
        fresh: bool = False,
        timeout_s: float = TIMEOUT_S,
    ) -> CallResult:
        """Call a method once; credentials that turn out to have expired are renewed once and the call repeated.

        ``fresh`` opens a connection for this call alone, so that every stage really happens. Failures of the
        outside are in the result, not raised.

        Without ``purpose`` the method's effect says what the credentials are opened for. They are opened only for
        a call that can be made: method and parameters are checked first.

        Raises:
            PermissionDeniedError: the actor may not use (or, for a test, not test) connections.
            NotFoundError: no such connection.
            InvalidInputError: no such method, or parameters that do not fit.
            NotAllowedNowError: no credentials are sealed.
        """
        require(actor, Permission.CONNECTIONS_USE if purpose is None else Permission.CONNECTIONS_TEST)
        definition = await self._credentials.definition_of(actor, connection_id)
        method = checked_method(definition, method_name, params)
        chosen = purpose or _PURPOSES[method.effect]
        try:
            live = await self._credentials.usable(actor, connection_id, chosen)
        except UnreadableCredentialsError as fault:
            return CallResult(None, {}, None, None, fault, fault.generation, renewed=False)
        except OutsideError as fault:
            return CallResult(None, {}, None, None, fault, 0, renewed=False)
        return await self._call_live(
            actor, live, method, params, chosen, observer, fresh=fresh, timeout_s=timeout_s
        )

    async def _call_live(
        self,
        actor: Actor,
        live: Live,
        method: Method,
        params: Mapping[str, Any],
        purpose: RevealPurpose,
        observer: Observer | None,
        *,
        fresh: bool,
        timeout_s: float,
    ) -> CallResult:
        result, expired = await self._once(live, method, params, observer, fresh=fresh, timeout_s=timeout_s)
        if expired:
            try:
                newer = await self._credentials.renewed(actor, live, purpose)
            except PatchbayError as fault:
                return CallResult(
                    result.status,
                    result.headers,
                    result.body,
                    result.exchange,
                    fault,
                    live.generation,
                    renewed=False,
                    sealed_at=live.sealed_at,
                )
            if newer is not None:
                again, _ = await self._once(
                    newer, method, params, observer, fresh=fresh, timeout_s=timeout_s, renewed=True
                )
                result = again
        outcome = result.fault.problem.code.value if result.fault else "OK"
        self._metrics.calls.labels(live.definition.integration, outcome).inc()
        return result

    async def _once(
        self,
        live: Live,
        method: Method,
        params: Mapping[str, Any],
        observer: Observer | None,
        *,
        fresh: bool,
        timeout_s: float,
        renewed: bool = False,
    ) -> tuple[CallResult, bool]:
        """Send the call once; return the result and whether the credentials had expired."""
        try:
            request = live.apply(
                method_request(live.method, live.facts, live.facts.account, method.name, params)
            )
        except PatchbayError as fault:
            return _unsent(live, fault, None, renewed=renewed), False
        self._secrets.remember(*request.secrets)
        redactor = request.redactor()
        if observer is not None:
            observer.opened(live, renewed=renewed)
        try:
            response = await self._send(request, live, observer, fresh=fresh, timeout_s=timeout_s)
        except (OutsideError, InvalidInputError) as fault:
            told = with_troubleshooting(live.definition, fault) if isinstance(fault, OutsideError) else fault
            exchange = Exchange(record_request(request, redactor), None, None)
            return _unsent(live, told, exchange, renewed=renewed), False
        outcome, refusal = read_answer(live.definition, response, self._clock.now(), redactor)
        result = _result(request, response, redactor, refusal, live, renewed=renewed)
        return result, outcome.expired

    async def _send(
        self, request: OutRequest, live: Live, observer: Observer | None, *, fresh: bool, timeout_s: float
    ) -> InResponse:
        trace: Callable[[TraceEvent], None] | None = observer.traced if observer is not None else None
        return await self._outbound.send(
            request,
            live.destination,
            timeout_s=timeout_s,
            max_bytes=MAX_ANSWER_BYTES,
            redirects=_REDIRECTS if request.method in {"GET", "HEAD"} else 0,
            fresh=fresh,
            trace=trace,
        )


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


def _result(
    request: OutRequest,
    response: InResponse,
    redactor: Redactor,
    fault: OutsideError | None,
    live: Live,
    *,
    renewed: bool,
) -> CallResult:
    exchange = Exchange(
        record_request(request, redactor), record_response(response, redactor), response.timings
    )
    return CallResult(
        status=response.status,
        headers={name.lower(): value for name, value in response.headers},
        body=body_of(response),
        exchange=exchange,
        fault=fault,
        generation=live.generation,
        renewed=renewed,
        sealed_at=live.sealed_at,
    )


def _unsent(live: Live, fault: PatchbayError, exchange: Exchange | None, *, renewed: bool) -> CallResult:
    return CallResult(
        None, {}, None, exchange, fault, live.generation, renewed=renewed, sealed_at=live.sealed_at
    )
