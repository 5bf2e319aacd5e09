"""Doing test runs: one claimed run at a time, written down step by step under its claim's fence."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final

import structlog

from app.access.actor import Actor, ActorKind, Channel
from app.connection_tests.models import TestRunRecord, TestStepRecord
from app.connection_tests.rows import begin, last_seq, run_snapshot, step_record, write_steps
from app.connection_tests.run_cache import CachedRun, RunCache
from app.connection_tests.runner import RunResult, TestRunner
from app.connection_tests.steps import FinishedStep, RunState, Verdict
from app.connections.outcome_recorder import OutcomeRecorder
from app.credentials.credentials import Credentials
from app.event_stream.channels import subject_channel
from app.event_stream.event import EventType, NewEvent
from app.event_stream.outbox import Outbox
from app.foundation.database import Database, Transaction
from app.foundation.errors import NotFoundError, PatchbayError, StorageBusyError
from app.foundation.problems import Problem, ProblemCode, problem
from app.foundation.telemetry import Metrics
from app.foundation.wakeups import Wakeups
from app.members.rights import Rights
from app.work.errors import LeaseLostError
from app.work.kind import Claim
from app.work.queue import WorkQueue

_log = structlog.get_logger("patchbay.connection_tests")
DEADLINE: Final = timedelta(seconds=60)
GIVE_UP_AFTER: Final = timedelta(minutes=10)
TEST_RUN: Final = "test_run"
SUBJECT: Final = "testRun"
RETRY_S: Final = 5.0
CUT_OFF_S: Final = 90.0


@dataclass(slots=True)
class _Run:
    """A run under way: its row, the claim by which it is done, and what it has announced."""

    row: TestRunRecord
    claim: Claim
    live: CachedRun
    actor: Actor
    seq: int
    steps: list[TestStepRecord] = field(default_factory=list)

    def show(self) -> None:
        """Let followers in this process see it as it is now, once that is committed."""
        self.live.run = run_snapshot(self.row, self.steps)


@dataclass(eq=False, repr=False)
class RunExecution:
    """Does test runs as a kind of due work. A run that is taken over from a dead process begins anew."""

    _database: Database
    _wakeups: Wakeups
    _outbox: Outbox
    _work: WorkQueue
    _credentials: Credentials
    _runner: TestRunner
    _outcome_recorder: OutcomeRecorder
    _rights: Rights
    _metrics: Metrics
    live: RunCache = field(default_factory=RunCache, init=False)

    async def work(self, claim: Claim) -> None:
        """Do a claimed run; one that has ended or is gone is left alone.

        Raises:
            LeaseLostError: another process has it, or it was cancelled.
            StorageBusyError: the run is not at fault, and is tried again.
        """
        row = await begin(self._database, claim.subject) or await self._begin_anew(claim)
        if row is None:
            return
        run = _Run(row, claim, self.live.of(row.id), _actor_of(row), row.seq)
        run.show()
        try:
            await self._do(run)
        finally:
            if run.live.run is None or not run.live.run.is_final:
                self.live.forget(row.id)

    async def _begin_anew(self, claim: Claim) -> TestRunRecord | None:
        """Take a run over from its beginning: what an interrupted process saw may not hold any more."""
        async with self._database.transaction() as tx:
            await self._work.hold(tx, claim)
            row = await TestRunRecord.filter(id=claim.subject, finished_at=None).first()
            if row is not None:
                row.seq, row.started_at = await last_seq(row), tx.now
                await row.save(update_fields=["seq", "started_at"])
                await TestStepRecord.filter(run_id=row.id).delete()
        return row

    async def _do(self, run: _Run) -> None:
        if run.row.created_at + GIVE_UP_AFTER <= self._database.clock.now():
            # Nobody waits for it any more, or it ends the processes that try it.
            await self._finish(run, Verdict.FAILED, _too_late())
            return
        try:
            async with asyncio.timeout(DEADLINE.total_seconds()) as deadline:
                result = await self._result(run)
        except (LeaseLostError, StorageBusyError):
            raise
        except PatchbayError as fault:
            await self._finish(run, Verdict.FAILED, fault.problem)
        except Exception as fault:  # noqa: BLE001 - a run that cannot be done must end, or it is due for ever
            if isinstance(fault, TimeoutError) and deadline.expired():
                await self._finish(run, Verdict.FAILED, _too_late())
                return
            _log.exception("test run failed", run_id=run.row.id)
            await self._finish(run, Verdict.FAILED, problem(ProblemCode.INTERNAL))
        else:
            await self._finish(run, result.verdict, result.problem, result)

    async def _result(self, run: _Run) -> RunResult:
        async def emit(steps: Sequence[FinishedStep]) -> None:
            await self._write(run, steps)

        actor = await self._rights.current(run.actor)
        connection = await self._credentials.find(actor.workspace_id, run.row.connection_id)
        return await self._runner.run(actor, connection, emit)

    async def _write(self, run: _Run, steps: Sequence[FinishedStep]) -> None:
        rows = [step_record(run.row, step, run.seq + number) for number, step in enumerate(steps, start=1)]
        holding, held = self._work.holding(run.claim)
        if not await write_steps(self._database, holding, rows, *held):
            raise LeaseLostError(run.claim.id)
        run.seq += len(rows)
        run.steps += rows
        run.show()
        await self._wakeups.notify(subject_channel(SUBJECT, run.row.id))

    async def _finish(
        self, run: _Run, verdict: Verdict, fault: Problem | None, result: RunResult | None = None
    ) -> None:
        """End a run, with what it means for its connection, in one transaction."""
        async with self._database.transaction() as tx:
            if result is not None:
                await self._report(tx, run, result)
            await self._work.finish(tx, run.claim)
            run.row.seq = run.seq + 1
            tx.after_commit(run.show)
            await self._end(tx, run.actor, run.row, verdict, fault)

    async def _report(self, tx: Transaction, run: _Run, result: RunResult) -> None:
        passed = result.verdict is Verdict.PASSED
        if result.generation == 0 or (result.verdict is Verdict.FAILED and result.fault is None):
            return
        with contextlib.suppress(NotFoundError):
            await self._outcome_recorder.record(
                tx,
                run.actor,
                run.row.connection_id,
                result.generation,
                result.fault,
                sealed_at=result.sealed_at,
                tested_config_revision=run.row.config_revision if passed else None,
                proves_credentials=passed,
                account=result.account,
            )

    async def give_up(self, tx: Transaction, claim: Claim) -> None:
        """End a run with ``tx`` that nobody could do."""
        row = await TestRunRecord.filter(id=claim.subject, finished_at=None).first()
        if row is not None:
            row.seq = await last_seq(row) + 1
            await self._end(tx, _actor_of(row), row, Verdict.FAILED, _too_late())

    # -- what verbs do with it

    def schedule(self, tx: Transaction, row: TestRunRecord) -> Awaitable[None]:
        """Have a run done with ``tx``: it begins right after the commit."""
        return self._work.schedule(tx, TEST_RUN, row.id, row.workspace_id, tx.now)

    async def cancel(self, tx: Transaction, actor: Actor, row: TestRunRecord) -> None:
        """End a run with ``tx`` that has not ended by itself, and stop the worker that executes it."""
        await self._work.cancel(tx, TEST_RUN, row.id)
        await row.refresh_from_db()
        if row.finished_at is None:
            tx.after_commit(partial(self.live.forget, row.id))
            row.seq = await last_seq(row) + 1
            await self._end(tx, actor, row, None, problem(ProblemCode.CANCELLED), RunState.CANCELLED)

    async def forget(self, tx: Transaction, connection_id: str) -> None:
        """Delete with ``tx`` the runs of a connection, and stop the workers that execute them."""
        found = TestRunRecord.filter(connection_id=connection_id).values_list("id", flat=True)
        runs = [str(run_id) for run_id in await found]
        await self._work.cancel(tx, TEST_RUN, *runs)
        await TestStepRecord.filter(run_id__in=runs).delete()
        await TestRunRecord.filter(connection_id=connection_id).delete()
        tx.after_commit(partial(self.live.forget, *runs))

    def announce(
        self, tx: Transaction, actor: Actor, row: TestRunRecord, type_: EventType, data: Mapping[str, object]
    ) -> None:
        """Put an event about a run into the transaction."""
        subject, content = (SUBJECT, row.id), {"runId": row.id, **data}
        event = NewEvent.by(actor, type_, subject, connection_id=row.connection_id, data=content)
        self._outbox.announce(tx, event)

    async def _end(
        self,
        tx: Transaction,
        actor: Actor,
        row: TestRunRecord,
        verdict: Verdict | None,
        fault: Problem | None,
        state: RunState = RunState.FINISHED,
    ) -> None:
        """Write a run's end and announce it; its work ends with ``tx`` too, so that nobody else writes it."""
        row.state, row.finished_at = state.value, tx.now
        row.verdict = verdict.value if verdict else None
        row.problem = fault.to_json() if fault else None
        await row.save(update_fields=["state", "verdict", "problem", "finished_at", "seq"])
        data = {"state": row.state, "verdict": row.verdict, "problem": fault.code.value if fault else None}
        self.announce(tx, actor, row, EventType.TEST_RUN_FINISHED, data)
        counter = self._metrics.test_runs.labels(row.verdict or row.state)
        tx.after_commit(counter.inc)


def _actor_of(row: TestRunRecord) -> Actor:
    """Return who started the run: it is done in that actor's name, with the permissions that it has by then."""
    stored = row.actor
    return Actor.remembered(
        row.workspace_id,
        ActorKind(stored["kind"]),
        stored["id"],
        stored["label"],
        via=Channel.BACKGROUND,
        request_id=stored["requestId"],
    )


def _too_late() -> Problem:
    return problem(ProblemCode.DEADLINE_EXCEEDED, limit=str(int(DEADLINE.total_seconds())))
