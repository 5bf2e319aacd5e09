"""Test runs: started by a verb, done by whoever claims them, followed live, replayed to late comers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Final

import structlog
from tortoise.expressions import F, Q
from tortoise.queryset import QuerySet

from app.access.actor import Actor, ActorKind, Channel
from app.access.idempotency import Idempotency
from app.access.policy import Permission, require
from app.connection_tests.models import TestRunRecord, TestStepRecord
from app.connection_tests.rows import exchange_json, newest_runs, run_snapshot, snapshots
from app.connection_tests.runner import RunResult, TestRunner
from app.connection_tests.steps import (
    ORDER,
    FinishedStep,
    RunKind,
    RunState,
    TestProgress,
    TestRunSnapshot,
    Verdict,
    progress_of,
)
from app.connections.connections import Connections
from app.connections.next_steps import has_usable_credentials
from app.connections.outcomes import Outcomes
from app.event_stream.channels import subject_channel
from app.event_stream.event import EventType, NewEvent
from app.event_stream.follow import Guard, News, follow_rows
from app.event_stream.outbox import Outbox
from app.foundation.canonical import findable
from app.foundation.database import Database, Transaction
from app.foundation.errors import NotAllowedNowError, NotFoundError, PatchbayError, StorageBusyError
from app.foundation.ids import MAX_ID_LENGTH, new_id, new_token, prefix_of
from app.foundation.jobs import Jobs
from app.foundation.problems import Problem, ProblemCode, problem
from app.foundation.telemetry import Metrics
from app.foundation.wakeups import Waiter, Wakeups
from app.members.rights import Rights

_log = structlog.get_logger("patchbay.connection_tests")
DEADLINE: Final = timedelta(seconds=60)
GIVE_UP_AFTER: Final = timedelta(minutes=10)
_LEASE: Final = timedelta(seconds=75)
_PICK_UP: Final = timedelta(seconds=5)
_POLL_S: Final = 2.0
_OPERATION: Final = "testConnection"
_SUBJECT: Final = "testRun"


class _LostError(Exception):
    """The run is not this worker's any more: its lease was taken over, or its connection was deleted."""


class TestRuns:
    """The verbs of test runs."""

    __test__ = False

    def __init__(
        self,
        database: Database,
        wakeups: Wakeups,
        idempotency: Idempotency,
        outbox: Outbox,
        jobs: Jobs,
        connections: Connections,
        runner: TestRunner,
        outcomes: Outcomes,
        metrics: Metrics,
        *,
        rights: Rights,
    ) -> None:
        self._database = database
        self._wakeups = wakeups
        self._idempotency = idempotency
        self._outbox = outbox
        self._jobs = jobs
        self._connections = connections
        self._runner = runner
        self._outcomes = outcomes
        self._metrics = metrics
        self._rights = rights
        connections.when_deleted(_forget)

    # -- verbs

    async def start(
        self, actor: Actor, connection_id: str, *, idempotency_key: str | None = None
    ) -> TestRunSnapshot:
        """Start the default test of a connection; it runs on its own and is followed by its id.

        Raises:
            NotFoundError: no such connection.
            NotAllowedNowError: the connection has no credentials yet.
        """
        require(actor, Permission.CONNECTIONS_TEST)
        return await self._start(actor, connection_id, RunKind.DEFAULT, idempotency_key)

    async def probe(self, actor: Actor, connection_id: str) -> None:
        """Start the daily probe of credentials that tell no expiry; nothing to probe is no fault."""
        with contextlib.suppress(NotAllowedNowError, NotFoundError):
            await self._start(actor, connection_id, RunKind.PROBE, None)

    async def _start(
        self, actor: Actor, connection_id: str, kind: RunKind, idempotency_key: str | None
    ) -> TestRunSnapshot:
        asked = {"connectionId": connection_id, "kind": kind.value}

        connection = await self._connections.get(actor, connection_id)
        if not has_usable_credentials(connection):
            raise NotAllowedNowError(problem(ProblemCode.NOT_AUTHENTICATED))

        async def act(tx: Transaction) -> Mapping[str, Any]:
            row = _new_run(tx, actor, connection_id, kind, connection.config_revision)
            await row.save(force_create=True)
            data = {"runId": row.id, "kind": kind.value}
            self._announce(tx, actor, row, EventType.TEST_RUN_STARTED, data)
            tx.after_commit(partial(self._jobs.enqueue, "test_run", row.id))
            return {"runId": row.id}

        result = await self._idempotency.run(actor, _OPERATION, idempotency_key, asked, act)
        return await self.get(actor, str(result["runId"]))

    async def get(self, actor: Actor, run_id: str) -> TestRunSnapshot:
        """Return a run with its finished steps.

        Raises:
            NotFoundError: no such run.
        """
        require(actor, Permission.CONNECTIONS_READ)
        return await self._snapshot(actor, run_id)

    async def many(self, actor: Actor, run_ids: Sequence[str]) -> dict[str, TestRunSnapshot]:
        """Return the runs with these ids; those that are not there are left out."""
        require(actor, Permission.CONNECTIONS_READ)
        wanted = findable(run_ids, MAX_ID_LENGTH)
        rows = await TestRunRecord.filter(workspace_id=actor.workspace_id, id__in=wanted)
        return {run.id: run for run in await snapshots(rows)}

    async def latest(self, actor: Actor, connection_ids: Sequence[str]) -> dict[str, TestRunSnapshot]:
        """Return the newest run of each connection that has one."""
        require(actor, Permission.CONNECTIONS_READ)
        rows = await newest_runs(self._database, actor.workspace_id, connection_ids)
        return {run.connection_id: run for run in await snapshots(rows)}

    async def cancel(self, actor: Actor, run_id: str) -> TestRunSnapshot:
        """Stop a run, or ask the worker that does it to stop; one that has ended stays as it is.

        Raises:
            NotFoundError: no such run.
        """
        require(actor, Permission.CONNECTIONS_TEST, Permission.CONNECTIONS_READ)
        row = await self._load(actor, run_id)
        await TestRunRecord.filter(id=row.id, finished_at=None).update(cancel_requested=True)
        if await self._take_lease(row.id):
            await self._cancelled(actor, await TestRunRecord.get(id=row.id))
        await self._wakeups.notify(subject_channel(_SUBJECT, row.id))
        return await self.wait(actor, row.id, 1_000)

    async def wait(self, actor: Actor, run_id: str, wait_ms: int) -> TestRunSnapshot:
        """Return the run once it has ended, or as it stands after ``wait_ms``."""
        with contextlib.suppress(TimeoutError):
            async with (
                asyncio.timeout(wait_ms / 1_000),
                contextlib.aclosing(self.progress(actor, run_id)) as messages,
            ):
                async for message in messages:
                    if message.is_final:
                        return message.run
        return await self.get(actor, run_id)

    async def progress(
        self, actor: Actor, run_id: str, after_seq: int = 0, *, guard: Guard | None = None
    ) -> AsyncGenerator[TestProgress]:
        """Yield every finished step after ``after_seq``, then the live ones, then the end; then stop.

        Raises:
            NotFoundError: no such run, or it was deleted meanwhile.
            AccessLostError: ``guard`` said no; see :func:`app.event_stream.follow.follow`.
        """
        require(actor, Permission.CONNECTIONS_READ)
        seen = after_seq

        async def read() -> News[TestProgress]:
            nonlocal seen
            run = await self._snapshot(actor, run_id)
            news = list(progress_of(run, seen))
            seen = max([seen, *(message.seq for message in news)])
            return News(news, is_over=run.is_final)

        messages = follow_rows(
            self._wakeups,
            self._database.clock,
            actor.workspace_id,
            subject_channel(_SUBJECT, run_id),
            read,
            guard=guard,
            poll_s=_POLL_S,
        )
        async for message in messages:
            yield message

    async def _snapshot(self, actor: Actor, run_id: str) -> TestRunSnapshot:
        # The run before its steps: a run that has ended by then has all its steps.
        row = await self._load(actor, run_id)
        return run_snapshot(row, await TestStepRecord.filter(run_id=row.id).order_by("index"))

    async def _load(self, actor: Actor, run_id: str) -> TestRunRecord:
        if prefix_of(run_id) == "run":
            row = await TestRunRecord.filter(id=run_id, workspace_id=actor.workspace_id).first()
            if row is not None:
                return row
        raise NotFoundError

    # -- work

    async def due(self, limit: int = 100) -> list[str]:
        """Return the ids of runs that nobody works on although they should, earliest first."""
        now = self._database.clock.now()
        unclaimed = Q(lease_until=None) | Q(lease_until__lte=now)
        rows = TestRunRecord.filter(unclaimed, finished_at=None, due_at__lte=now)
        found = await rows.order_by("due_at").limit(limit).values_list("id", flat=True)
        return [str(run_id) for run_id in found]

    async def work(self, run_id: str) -> None:
        """Claim a run and do it; a run that somebody else has, or that is over, is left alone."""
        row = await self._claim(run_id)
        if row is None:
            return
        actor = await self._rights.current(_actor_of(row))
        if row.cancel_requested:
            await self._cancelled(actor, row)
        elif row.created_at + GIVE_UP_AFTER <= self._database.clock.now():
            # Nobody waits for it any more, or whoever tries it ends with it.
            await self._too_late(actor, row)
        else:
            await self._work_on(actor, row)

    async def _work_on(self, actor: Actor, row: TestRunRecord) -> None:
        watcher = asyncio.current_task()
        with self._wakeups.listen(subject_channel(_SUBJECT, row.id)) as waiter:
            task = asyncio.create_task(self._run(actor, row))
            stop = asyncio.create_task(self._watch_cancel(row.id, waiter, task))
            try:
                async with asyncio.timeout(DEADLINE.total_seconds()):
                    await asyncio.shield(task)
            except TimeoutError:
                await _end(task)
                await self._too_late(actor, row)
            except asyncio.CancelledError:
                await _end(task)
                if watcher is not None and watcher.cancelling():
                    await self._give_back(row)
                    raise
                await self._cancelled(actor, row)
            finally:
                await _end(stop)

    async def _too_late(self, actor: Actor, row: TestRunRecord) -> None:
        limit = str(int(DEADLINE.total_seconds()))
        await self._finish(actor, row, Verdict.FAILED, problem(ProblemCode.DEADLINE_EXCEEDED, limit=limit))

    async def _cancelled(self, actor: Actor, row: TestRunRecord) -> None:
        await self._finish(actor, row, None, problem(ProblemCode.CANCELLED), RunState.CANCELLED)

    async def _give_back(self, row: TestRunRecord) -> None:
        """Let another worker begin at once: this process ends."""
        with contextlib.suppress(Exception):  # else it is due again when the lease has run out
            await _held(row).update(lease_until=None, due_at=self._database.clock.now())

    async def _watch_cancel(self, run_id: str, waiter: Waiter, task: asyncio.Task[None]) -> None:
        while not task.done():
            if await TestRunRecord.filter(id=run_id, cancel_requested=True).exists():
                task.cancel()
                return
            await waiter.wait(_POLL_S)

    async def _claim(self, run_id: str) -> TestRunRecord | None:
        now = self._database.clock.now()
        if not await self._take_lease(run_id, state=RunState.RUNNING.value, started_at=now):
            return None
        # A takeover begins again: what an interrupted worker saw may not hold any more.
        await TestStepRecord.filter(run_id=run_id).delete()
        return await TestRunRecord.get(id=run_id)

    async def _take_lease(self, run_id: str, **more: Any) -> bool:  # noqa: ANN401 - columns set with it
        now = self._database.clock.now()
        free = Q(lease_until=None) | Q(lease_until__lte=now)
        claimed = await TestRunRecord.filter(free, id=run_id, finished_at=None).update(
            lease_owner=new_token(128), lease_until=now + _LEASE, due_at=now + _LEASE, **more
        )
        return claimed > 0

    async def _run(self, actor: Actor, row: TestRunRecord) -> None:
        async def emit(step: FinishedStep) -> None:
            await self._write_step(row, step)

        try:
            connection = await self._connections.get(actor, row.connection_id)
            result = await self._runner.run(actor, connection, emit)
            await self._report(actor, row, result)
        except _LostError:
            return
        except StorageBusyError:
            raise  # the run is not at fault: it is due again
        except PatchbayError as fault:
            await self._finish(actor, row, Verdict.FAILED, fault.problem)
        except Exception:  # noqa: BLE001 - a run that cannot be done must end, or it is due for ever
            _log.exception("test run failed", run_id=row.id)
            await self._finish(actor, row, Verdict.FAILED, problem(ProblemCode.INTERNAL))
        else:
            await self._finish(actor, row, result.verdict, result.problem)

    async def _report(self, actor: Actor, row: TestRunRecord, result: RunResult) -> None:
        if not await _held(row).exists():
            raise _LostError
        if result.generation == 0:
            return
        passed = result.verdict is Verdict.PASSED
        if passed or result.fault is not None:
            with contextlib.suppress(NotFoundError):
                await self._outcomes.report(
                    actor,
                    row.connection_id,
                    result.generation,
                    result.fault,
                    sealed_at=result.sealed_at,
                    tested_config_revision=row.config_revision if passed else None,
                )

    async def _write_step(self, row: TestRunRecord, step: FinishedStep) -> None:
        async with self._database.transaction():
            if not await _held(row).update(seq=F("seq") + 1):
                raise _LostError
            seq = await TestRunRecord.get(id=row.id).values_list("seq", flat=True)
            await TestStepRecord.create(
                id=new_id("step"),
                run_id=row.id,
                workspace_id=row.workspace_id,
                index=ORDER.index(step.kind),
                seq=seq,
                kind=step.kind.value,
                state=step.state.value,
                started_at=step.started_at,
                duration_ms=step.duration_ms,
                message=step.message,
                evidence=dict(step.evidence),
                problem=step.problem.to_json() if step.problem else None,
                exchange=exchange_json(step.exchange) if step.exchange else None,
            )
        await self._wakeups.notify(subject_channel(_SUBJECT, row.id))

    async def _finish(
        self,
        actor: Actor,
        row: TestRunRecord,
        verdict: Verdict | None,
        fault: Problem | None,
        state: RunState = RunState.FINISHED,
    ) -> None:
        async with self._database.transaction() as tx:
            ended = await _held(row).update(
                state=state.value,
                verdict=verdict.value if verdict else None,
                problem=fault.to_json() if fault else None,
                finished_at=tx.now,
                due_at=None,
                lease_until=None,
                seq=F("seq") + 1,
            )
            if not ended:
                return
            data = {
                "runId": row.id,
                "state": state.value,
                "verdict": verdict.value if verdict else None,
                "problem": fault.code.value if fault else None,
            }
            self._announce(tx, actor, row, EventType.TEST_RUN_FINISHED, data)
        self._metrics.test_runs.labels(verdict.value if verdict else state.value).inc()
        await self._wakeups.notify(subject_channel(_SUBJECT, row.id))

    def _announce(
        self, tx: Transaction, actor: Actor, row: TestRunRecord, type_: EventType, data: Mapping[str, Any]
    ) -> None:
        subject = (_SUBJECT, row.id)
        event = NewEvent.by(actor, type_, subject, connection_id=row.connection_id, data=data)
        self._outbox.announce(tx, event)


def _held(row: TestRunRecord) -> QuerySet[TestRunRecord]:
    """Return the query for a claimed run as long as it is this worker's."""
    return TestRunRecord.filter(id=row.id, lease_owner=row.lease_owner, finished_at=None)


async def _forget(tx: Transaction, connection_id: str) -> None:  # noqa: ARG001 - joined by the models
    """Delete the runs of a deleted connection; a run under way finds out and stops."""
    runs = await TestRunRecord.filter(connection_id=connection_id).values_list("id", flat=True)
    await TestStepRecord.filter(run_id__in=list(runs)).delete()
    await TestRunRecord.filter(connection_id=connection_id).delete()


def _new_run(
    tx: Transaction, actor: Actor, connection_id: str, kind: RunKind, config_revision: int
) -> TestRunRecord:
    return TestRunRecord(
        id=new_id("run"),
        workspace_id=actor.workspace_id,
        connection_id=connection_id,
        kind=kind.value,
        state=RunState.QUEUED.value,
        config_revision=config_revision,
        actor={
            "kind": actor.kind.value,
            "id": actor.id,
            "label": actor.label,
            "requestId": actor.request_id,
        },
        created_at=tx.now,
        deadline_at=tx.now + DEADLINE,
        due_at=tx.now + _PICK_UP,
    )


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


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        await task
