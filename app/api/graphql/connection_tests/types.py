"""Test runs, their steps and recorded exchanges, as the schema shows them."""

from datetime import datetime

import strawberry

import app.api.graphql.connection_tests.enums  # noqa: F401 - brings the room's enums into the schema
from app.api.graphql.connection_tests.exchange_types import ExchangeType, exchange_type
from app.api.graphql.connections.authorization_types import loaded_connection
from app.api.graphql.connections.types import ConnectionType
from app.api.graphql.context import PatchbayInfo
from app.api.graphql.fields import described, object_type, resolver, shown
from app.api.graphql.node import NodeType
from app.api.graphql.problems import ProblemType, maybe_problem
from app.api.graphql.scalars import EventCursor, Json
from app.connection_tests.steps import (
    RunState,
    RunStepState,
    StepKind,
    TestProgress,
    TestRunSnapshot,
    TestStepSnapshot,
    Verdict,
)


@object_type("One step of a test run: what was done, what was seen, the verdict.")
class TestStepType:
    snapshot: strawberry.Private[TestStepSnapshot]
    index: int = described("Its place in the run, from 0.")
    kind: StepKind = described("What it looks at.")
    title: str = described("What it is called.")
    state: RunStepState = described("How it ended, or that it is running.")
    started_at: datetime | None = described("When it started.")
    duration_ms: int | None = described("How long it took.")
    message: str = described("What was found, in plain words.")
    evidence: Json = described("What was seen, without secrets.")

    @resolver("What went wrong.")
    def problem(self) -> ProblemType | None:
        return maybe_problem(self.snapshot.problem)

    @resolver("The recorded request and answer, without secrets.")
    def exchange(self) -> ExchangeType | None:
        return None if self.snapshot.exchange is None else exchange_type(self.snapshot.exchange)


@object_type("One execution of a connection test: ordered steps and a verdict.")
class TestRunType(NodeType):
    snapshot: strawberry.Private[TestRunSnapshot]
    connection_id: strawberry.ID = described("The id of the connection.")
    state: RunState = described("Its state.")
    verdict: Verdict | None = described("Its verdict; null until it has finished.")
    seq: int = described("Counts its progress; `testProgress` goes on after it.")
    created_at: datetime = described("When it was asked for.")
    started_at: datetime | None = described("When it started.")
    finished_at: datetime | None = described("When it finished.")
    duration_ms: int | None = described("How long it took.")
    deadline_at: datetime = described("When it is ended if it has not finished.")

    @resolver("Its steps so far, in order.")
    def steps(self) -> list[TestStepType]:
        return [run_step_type(step) for step in self.snapshot.steps]

    @resolver("What went wrong.")
    def problem(self) -> ProblemType | None:
        return maybe_problem(self.snapshot.problem)

    @resolver("The connection; null where it was deleted.")
    async def connection(self, info: PatchbayInfo) -> ConnectionType | None:
        return await loaded_connection(info, self.connection_id)

    @resolver("Follow `events` after this cursor: nothing since then is missed.")
    async def as_of(self, info: PatchbayInfo) -> EventCursor:
        return EventCursor(await info.context.as_of())


@object_type("Progress of a test run: a step that started or finished, or the end.")
class TestProgressType:
    seq: int = described("Its place in the run's progress; keep it for `afterSeq`.")
    is_final: bool = described("Whether the run is over; the stream ends with this message.")
    test_run: TestRunType = described("The run as it is now.")
    step: TestStepType | None = described("The step that this is about.")


def run_step_type(snapshot: TestStepSnapshot) -> TestStepType:
    return shown(TestStepType, snapshot, snapshot=snapshot)


def run_type(snapshot: TestRunSnapshot) -> TestRunType:
    return shown(TestRunType, snapshot, snapshot=snapshot)


def progress_type(progress: TestProgress) -> TestProgressType:
    step = None if progress.step is None else run_step_type(progress.step)
    return shown(TestProgressType, progress, test_run=run_type(progress.run), step=step)
