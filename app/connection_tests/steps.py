"""Test runs and steps as data, and what each finished stage means: decisions only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from json import dumps
from typing import Any, Final

from app.calls.caller import Exchange
from app.catalog.definition import DefaultTest
from app.foundation.exchange import RecordedMessage
from app.foundation.expressions import compile_pick
from app.foundation.problems import Problem


class RunState(StrEnum):
    """How far a run is."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    CANCELLED = "CANCELLED"


class Verdict(StrEnum):
    """What a finished run says."""

    PASSED = "PASSED"
    INCONCLUSIVE = "INCONCLUSIVE"
    FAILED = "FAILED"


class RunKind(StrEnum):
    """Why a run was made."""

    DEFAULT = "DEFAULT"
    PROBE = "PROBE"


class StepKind(StrEnum):
    """The ordered steps of a run."""

    CONFIGURATION = "CONFIGURATION"
    NAME_LOOKUP = "NAME_LOOKUP"
    CONNECT = "CONNECT"
    TLS = "TLS"
    CREDENTIALS = "CREDENTIALS"
    REQUEST = "REQUEST"
    RESPONSE = "RESPONSE"
    EXPECTATIONS = "EXPECTATIONS"
    CONTROL = "CONTROL"


class RunStepState(StrEnum):
    """What a finished step says."""

    PASSED = "PASSED"
    WARNING = "WARNING"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


STEP_TITLES: Final[Mapping[StepKind, str]] = {
    StepKind.CONFIGURATION: "Check the configuration",
    StepKind.NAME_LOOKUP: "Look up the host name",
    StepKind.CONNECT: "Connect",
    StepKind.TLS: "Secure the connection (TLS)",
    StepKind.CREDENTIALS: "Open the credentials",
    StepKind.REQUEST: "Send the request",
    StepKind.RESPONSE: "Read the answer",
    StepKind.EXPECTATIONS: "Compare with what is expected",
    StepKind.CONTROL: "Try whether wrong credentials are refused",
}
ORDER: Final = tuple(StepKind)
STAGES: Final[Mapping[str, StepKind]] = {
    "resolve": StepKind.NAME_LOOKUP,
    "connect": StepKind.CONNECT,
    "tls": StepKind.TLS,
}


@dataclass(frozen=True, slots=True)
class ExchangeSnapshot:
    """A stored exchange: the redacted request and answer, timings in milliseconds, and the request as cURL."""

    request: RecordedMessage
    response: RecordedMessage | None
    timings: Mapping[str, int | None]
    as_curl: str = field(metadata={"key": "curl"})

    @property
    def redactions(self) -> tuple[str, ...]:
        """The places where something was hidden, ``request`` or ``response`` in front."""
        answer = self.response.redactions if self.response else ()
        return (
            *(f"request.{place}" for place in self.request.redactions),
            *(f"response.{place}" for place in answer),
        )


@dataclass(frozen=True, slots=True)
class FinishedStep:
    """A step that has ended."""

    kind: StepKind
    state: RunStepState
    message: str
    started_at: datetime
    duration_ms: int | None
    evidence: Mapping[str, Any]
    problem: Problem | None = None
    exchange: Exchange | None = None


@dataclass(frozen=True, slots=True)
class TestStepSnapshot:
    """A step as it is shown; ``seq`` is its place in the run's progress."""

    __test__ = False

    index: int
    seq: int
    kind: StepKind
    title: str
    state: RunStepState
    started_at: datetime
    duration_ms: int | None
    message: str
    evidence: Mapping[str, Any]
    problem: Problem | None
    exchange: ExchangeSnapshot | None


@dataclass(frozen=True, slots=True)
class TestRunSnapshot:
    """A run as it is shown, with its finished steps in order."""

    __test__ = False

    id: str
    workspace_id: str
    connection_id: str
    kind: RunKind
    state: RunState
    verdict: Verdict | None
    problem: Problem | None
    steps: tuple[TestStepSnapshot, ...]
    seq: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    duration_ms: int | None
    deadline_at: datetime

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in {RunState.FINISHED, RunState.CANCELLED}


@dataclass(frozen=True, slots=True)
class TestProgress:
    """One message of a run's progress: a finished step, or (``is_final``) the end; ``run`` is the run by then."""

    __test__ = False

    run: TestRunSnapshot
    step: TestStepSnapshot | None
    seq: int
    is_final: bool


def progress_of(run: TestRunSnapshot, after_seq: int) -> Iterator[TestProgress]:
    """Yield the messages of a run's progress behind ``after_seq``, as far as it has come."""
    in_order = sorted(run.steps, key=lambda step: step.seq)
    for number, step in enumerate(in_order, start=1):
        if step.seq > after_seq:
            so_far = tuple(sorted(in_order[:number], key=lambda other: other.index))
            yield TestProgress(replace(run, steps=so_far), step, step.seq, is_final=False)
    if run.is_final:
        yield TestProgress(run, None, run.seq, is_final=True)


def expectations_of(test: DefaultTest, config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a test's answer must meet: what the definition says, then what the person said."""
    said = test.expect_from_config
    status, header, body = (
        config.get(name) if name else None for name in (said.status, said.header, said.body)
    )
    own = []
    if status:
        own.append(f"status == `{int(status)}`")
    if header:
        name, colon, text = str(header).partition(":")
        place = f"headers.{dumps(name.strip().lower())}"
        wanted = dumps(text.strip()).replace("`", "\\`")
        own.append(f"contains({place}, `{wanted}`)" if colon else f"type({place}) == 'string'")
    if body:
        own.append(str(body))
    return (*test.expect, *own)


def unmet_expectation(
    expect: Sequence[str],
    status: int | None,
    headers: Mapping[str, str],
    body: Any,  # noqa: ANN401 - JSON edge
) -> str | None:
    """Return the first expectation that the answer does not meet, or None."""
    facts = {"status": status, "headers": dict(headers), "body": body}
    return next((text for text in expect if not compile_pick(text).holds(facts)), None)
