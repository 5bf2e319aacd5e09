"""Runs the default test of a connection: one real call, reported step by step as it happens."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from app.access.actor import Actor
from app.authenticators.account import account_at
from app.authenticators.base import AccountFound
from app.authenticators.judge import explained, redirected_elsewhere
from app.calls.caller import CallResult, Exchange, MethodCaller
from app.calls.pace import HeldBackError
from app.catalog.catalog import Catalog
from app.catalog.definition import Definition
from app.connection_tests.control import (
    WITHOUT,
    controls_of,
    problem_of_control,
    was_answered,
    why_no_control,
)
from app.connection_tests.steps import (
    STAGES,
    FinishedStep,
    RunStepState,
    StepKind,
    Verdict,
    expectations_of,
    unmet_expectation,
)
from app.connections.connections import Connections
from app.credentials.opening import OpenCredentials
from app.credentials.owner import CredentialOwner
from app.foundation.clock import Clock
from app.foundation.errors import InvalidInputError, NotFoundError, PatchbayError, RefusedOutsideError
from app.foundation.messages import TraceEvent
from app.foundation.problems import Problem, ProblemCode, problem
from app.foundation.redirect import Redirect
from app.vault.vault import RevealPurpose

CALL_TIMEOUT_S: Final = 30.0
CONTROL_TIMEOUT_S: Final = 10.0  # twice at most: the run's deadline still leaves time for the call itself
Emit = Callable[[Sequence[FinishedStep]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run found: the fault that the connection's state depends on, and for which credentials."""

    verdict: Verdict
    problem: Problem | None
    fault: PatchbayError | None
    generation: int
    sealed_at: datetime | None = None
    account: AccountFound | None = None


class _CallEvents:
    """Collects the events of a call, for the runner to record while the call goes on."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[TraceEvent | OpenCredentials | None] = asyncio.Queue()

    def opened(self, credentials: OpenCredentials) -> None:
        self.events.put_nowait(credentials)

    def traced(self, event: TraceEvent) -> None:
        self.events.put_nowait(event)


class TestRunner:
    """Runs tests. It writes no rows: it emits finished steps in order, live."""

    __test__ = False

    def __init__(self, calls: MethodCaller, connections: Connections, catalog: Catalog, clock: Clock) -> None:
        self._calls = calls
        self._connections = connections
        self._catalog = catalog
        self._clock = clock

    async def run(self, actor: Actor, connection: CredentialOwner, emit: Emit) -> RunResult:
        """Run the default test and return its result; every step is emitted once, in order, also skipped ones.

        Raises:
            NotFoundError: the connection was deleted meanwhile.
        """
        recorder = _StepRecorder(emit, self._clock)
        definition = self._catalog.definition(connection.integration, connection.version)
        result = await self._run(actor, connection, definition, recorder)
        await recorder.flush()
        return result

    async def _run(
        self,
        actor: Actor,
        connection: CredentialOwner,
        definition: Definition | None,
        recorder: _StepRecorder,
    ) -> RunResult:
        faults = (
            self._connections.config_problems(actor, connection)
            if definition is not None
            else (problem(ProblemCode.UNKNOWN_INTEGRATION),)
        )
        if faults or definition is None:
            fields = {"fields": [".".join(fault.path) for fault in faults]}
            recorder.fail(StepKind.CONFIGURATION, faults[0], "The configuration is not complete.", fields)
            return RunResult(Verdict.FAILED, faults[0], None, 0)
        recorder.passed(StepKind.CONFIGURATION, "The configuration fits.", {"version": connection.version})
        await recorder.flush()
        try:
            result = await self._call(actor, connection, definition, recorder)
        except NotFoundError:
            raise
        except PatchbayError as fault:
            result = CallResult(fault=fault)
        expected = expectations_of(definition.test, connection.config)
        concluded = _conclude(definition, result, expected, recorder)
        if concluded.verdict is not Verdict.PASSED or recorder.opened is None:
            return concluded
        await recorder.flush()
        unsure = await self._run_control(actor, recorder.opened, result, expected, recorder)
        if unsure is None:
            return concluded
        return replace(concluded, verdict=Verdict.INCONCLUSIVE, problem=unsure, account=None)

    async def _run_control(
        self,
        actor: Actor,
        opened: OpenCredentials,
        result: CallResult,
        expected: Sequence[str],
        recorder: _StepRecorder,
    ) -> Problem | None:
        """Make the control call of a test that passed; return why the test proves nothing, if so."""
        definition, test = opened.definition, opened.definition.test
        ways = controls_of(definition, opened.method)
        if not ways:
            recorder.skip(StepKind.CONTROL, why_no_control(definition))
            return None
        for how in ways:
            control = await self._calls.control(
                actor,
                opened,
                test.method,
                test.params,
                how,
                follow=bool(result.redirects),
                timeout_s=CONTROL_TIMEOUT_S,
            )
            if was_answered(control):
                break
        unsure = problem_of_control(definition, how, result, control, expected)
        timings = control.exchange.timings if control.exchange else None
        seen = {"control": how.value, "status": control.status, "redirects": _shown(control.redirects)}
        took_ms = timings.total_ms if timings else None
        if unsure is not None:
            recorder.warn(StepKind.CONTROL, unsure, seen, took_ms, control.exchange)
        else:
            words = f"The same call {WITHOUT[how]} was refused. {test.verifies}"
            recorder.passed(StepKind.CONTROL, words, seen, took_ms, control.exchange)
        return unsure

    async def _call(
        self, actor: Actor, connection: CredentialOwner, definition: Definition, recorder: _StepRecorder
    ) -> CallResult:
        observer = _CallEvents()
        test = definition.test
        call = asyncio.create_task(
            self._calls.call(
                actor,
                connection,
                test.method,
                test.params,
                purpose=RevealPurpose.TEST,
                observer=observer,
                fresh=True,
                timeout_s=CALL_TIMEOUT_S,
            )
        )
        call.add_done_callback(lambda _: observer.events.put_nowait(None))
        try:
            while (event := await observer.events.get()) is not None:
                recorder.on_event(event)
                await recorder.flush()
            return await call
        finally:
            await _end(call)


class _StepRecorder:
    """Makes finished steps of a call, each once and in order; those that end together are emitted as one."""

    def __init__(self, emit: Emit, clock: Clock) -> None:
        self._emit = emit
        self._clock = clock
        self._done: set[StepKind] = set()
        self._finished: list[FinishedStep] = []
        self.opened: OpenCredentials | None = None
        """The credentials that the call went out with."""
        self.redirects: list[Mapping[str, Any]] = []
        self._began_ms: dict[str, int] = {}
        self.broken: StepKind | None = None
        """The stage that broke, where the network said so."""

    def on_event(self, event: TraceEvent | OpenCredentials) -> None:
        """Record one event of the call."""
        if isinstance(event, OpenCredentials):
            self.opened = event
            return
        if event.stage == "redirect":
            self.redirects.append(event.evidence)
        kind = STAGES.get(event.stage)
        if event.state == "started":
            self._began_ms[event.stage] = event.at_ms
        if kind is not None and event.state == "done":
            duration_ms = event.at_ms - self._began_ms.get(event.stage, event.at_ms)
            self.passed(kind, _stage_words(kind, event.evidence), event.evidence, duration_ms)
        elif kind is not None and event.state == "failed":
            self.broken = kind
        elif event.stage == "request" and event.state == "started":
            self.credentials_placed()

    async def flush(self) -> None:
        """Emit the steps that have finished since the last time, all together."""
        finished, self._finished = self._finished, []
        if finished:
            await self._emit(finished)

    def skip(self, kind: StepKind, words: str) -> None:
        """Finish a step that is not taken."""
        self._finish(kind, RunStepState.SKIPPED, words)

    def credentials_placed(self) -> None:
        """Finish what stands before the request: stages that did not happen, then the credentials."""
        self._skip_before(StepKind.CREDENTIALS)
        if (credentials := self.opened) is not None:
            evidence = {
                "authMethod": credentials.method.id,
                "generation": credentials.generation,
                "account": credentials.facts.account.get("label") or credentials.account_label,
            }
            self.passed(StepKind.CREDENTIALS, "The credentials are open and in place.", evidence)

    def passed(
        self,
        kind: StepKind,
        message: str,
        evidence: Mapping[str, Any] | None = None,
        duration_ms: int | None = None,
        exchange: Exchange | None = None,
    ) -> None:
        """Finish a passed step, and skip what should have come before it."""
        self._skip_before(kind)
        self._finish(kind, RunStepState.PASSED, message, evidence, duration_ms, exchange=exchange)

    def fail(
        self,
        kind: StepKind,
        fault: Problem,
        message: str | None = None,
        evidence: Mapping[str, Any] | None = None,
        exchange: Exchange | None = None,
    ) -> None:
        """Finish a failed step and skip the rest."""
        self._skip_before(kind)
        self._finish(kind, RunStepState.FAILED, message or fault.message, evidence, None, fault, exchange)
        for later in StepKind:
            self.skip(later, "Not reached.")

    def warn(
        self,
        kind: StepKind,
        unsure: Problem,
        evidence: Mapping[str, Any],
        duration_ms: int | None,
        exchange: Exchange | None,
    ) -> None:
        """Finish a step that found nothing wrong and proves nothing."""
        self._finish(kind, RunStepState.WARNING, unsure.message, evidence, duration_ms, unsure, exchange)

    def _skip_before(self, kind: StepKind) -> None:
        for earlier in StepKind:
            if earlier is kind:
                return
            self.skip(earlier, "Not needed for this connection.")

    def _finish(
        self,
        kind: StepKind,
        state: RunStepState,
        message: str,
        evidence: Mapping[str, Any] | None = None,
        duration_ms: int | None = None,
        fault: Problem | None = None,
        exchange: Exchange | None = None,
    ) -> None:
        if kind not in self._done:
            self._done.add(kind)
            now, seen = self._clock.now(), dict(evidence or {})
            self._finished.append(FinishedStep(kind, state, message, now, duration_ms, seen, fault, exchange))

    def first_open(self) -> StepKind:
        """Return the first step that has not ended: where a failure belongs."""
        return next((kind for kind in StepKind if kind not in self._done), StepKind.REQUEST)


def _conclude(
    definition: Definition, result: CallResult, expected: Sequence[str], recorder: _StepRecorder
) -> RunResult:
    """Finish the steps of the call; what is good so far is PASSED, and the control call is still to come."""
    fault, credentials = result.fault, (result.generation, result.sealed_at)
    if result.status is None and fault is not None:
        evidence = {"redirects": recorder.redirects} if recorder.redirects else None
        recorder.fail(_where(result, fault, recorder), fault.problem, None, evidence, result.exchange)
        return RunResult(Verdict.FAILED, fault.problem, fault, *credentials)
    recorder.credentials_placed()
    timings = result.exchange.timings if result.exchange else None
    first_byte_ms = timings.first_byte_ms if timings else None
    recorder.passed(StepKind.REQUEST, _sent_words(result), _sent(result), first_byte_ms)
    answer = {"status": result.status, "renewedCredentials": result.renewed}
    if fault is not None:
        recorder.fail(StepKind.RESPONSE, fault.problem, evidence=answer, exchange=result.exchange)
        return RunResult(Verdict.FAILED, fault.problem, fault, *credentials)
    left = next((one for one in result.redirects if one.leaves_origin), None)
    if left is not None:
        moved = redirected_elsewhere(definition, left, "where the credentials do not go along", answer)
        recorder.fail(StepKind.RESPONSE, moved, evidence=answer, exchange=result.exchange)
        return RunResult(Verdict.FAILED, moved, RefusedOutsideError(moved), *credentials)
    words = f"{definition.name} answered with HTTP {result.status}."
    recorder.passed(StepKind.RESPONSE, words, answer, timings.total_ms if timings else None, result.exchange)
    unmet = unmet_expectation(expected, result.status, result.headers, result.body)
    if unmet is not None:
        refused = explained(
            definition, ProblemCode.EXPECTATION_FAILED, details={"expectation": unmet}, expectation=unmet
        )
        recorder.fail(StepKind.EXPECTATIONS, refused, evidence={"expected": unmet})
        return RunResult(Verdict.FAILED, refused, RefusedOutsideError(refused), *credentials)
    recorder.passed(StepKind.EXPECTATIONS, "The answer is as expected.", {"expected": list(expected)})
    account = account_at(definition.test.account, result.body)
    return RunResult(Verdict.PASSED, None, None, *credentials, account)


def _sent(result: CallResult) -> dict[str, Any]:
    """Return what was sent, and over which redirects it went."""
    if result.exchange is None:
        return {}
    request = result.exchange.request
    over = {"redirects": _shown(result.redirects)} if result.redirects else {}
    return {"method": request.method, "url": request.url, **over}


def _sent_words(result: CallResult) -> str:
    followed = [one.target for one in result.redirects if one.is_followed]
    if not followed:
        return "The request was sent and answered."
    left = any(one.leaves_origin for one in result.redirects)
    credentials = " The credentials did not go along." if left else ""
    return f"The request was sent, redirected to {', then to '.join(followed)}, and answered.{credentials}"


def _shown(redirects: Sequence[Redirect]) -> list[dict[str, Any]]:
    return [{"status": one.status, "to": one.target} for one in redirects]


def _where(result: CallResult, fault: PatchbayError, recorder: _StepRecorder) -> StepKind:
    """Return the step that a failure without an answer belongs to."""
    if result.exchange is None:
        is_unsent = isinstance(fault, InvalidInputError | HeldBackError)
        return StepKind.REQUEST if is_unsent else StepKind.CREDENTIALS
    by_code = {
        ProblemCode.NAME_NOT_RESOLVED: StepKind.NAME_LOOKUP,
        ProblemCode.EGRESS_BLOCKED: StepKind.NAME_LOOKUP,
        ProblemCode.UPSTREAM_UNREACHABLE: StepKind.CONNECT,
        ProblemCode.UPSTREAM_TLS: StepKind.TLS,
    }
    kind = recorder.broken or by_code.get(fault.problem.code, StepKind.REQUEST)
    first = recorder.first_open()
    # A step that has passed cannot fail any more: then it broke in the request itself.
    return kind if list(StepKind).index(kind) >= list(StepKind).index(first) else StepKind.REQUEST


async def _end(call: asyncio.Task[CallResult]) -> None:
    """Leave no call behind, however the run ended."""
    if not call.done():
        call.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await call


def _stage_words(kind: StepKind, evidence: dict[str, Any]) -> str:
    if kind is StepKind.NAME_LOOKUP:
        return f"{evidence.get('host', 'The host')} has {evidence.get('addresses', 'an')} address(es)."
    if kind is StepKind.TLS:
        return f"Secured with {evidence.get('version', 'TLS')}; the certificate is valid for this name."
    return "A connection was made."
