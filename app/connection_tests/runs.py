"""Test runs: started by a verb, executed by the process that claims them, followed live, replayed to late comers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

from app.access.actor import Actor
from app.access.idempotency import Idempotency
from app.access.policy import Permission, require
from app.connection_tests.execution import DEADLINE, SUBJECT, RunExecution
from app.connection_tests.models import TestRunRecord, TestStepRecord
from app.connection_tests.rows import newest_runs, run_snapshot, snapshots
from app.connection_tests.run_cache import CachedRun
from app.connection_tests.steps import RunKind, RunState, TestProgress, TestRunSnapshot, progress_of
from app.connections.connections import Connections
from app.connections.snapshot import ConnectionSnapshot
from app.credentials.snapshot import are_usable
from app.event_stream.channels import subject_channel
from app.event_stream.event import EventType
from app.event_stream.follow import Guard, ListeningWaiter, NewItems, RowSource, follow, listening
from app.foundation.canonical import findable
from app.foundation.database import Database, Transaction
from app.foundation.errors import NotAllowedNowError, NotFoundError
from app.foundation.ids import MAX_ID_LENGTH, new_id, prefix_of
from app.foundation.problems import ProblemCode, problem
from app.foundation.wakeups import Wakeups

_POLL_S: Final = 2.0
_OPERATION: Final = "testConnection"


@dataclass(eq=False, repr=False)
class TestRuns:
    """The verbs of test runs; all raise NotFoundError where the actor's workspace has no such connection or run."""

    __test__ = False

    _database: Database
    _wakeups: Wakeups
    _idempotency: Idempotency
    _connections: Connections
    _execution: RunExecution

    def __post_init__(self) -> None:
        self._connections.when_deleted(self._execution.forget)

    # -- verbs

    async def start(
        self, actor: Actor, connection_id: str, *, idempotency_key: str | None = None, wait_ms: int = 0
    ) -> TestRunSnapshot:
        """Start the default test of a connection; it runs on its own and is followed by its id.

        It is returned as it was queued, or with ``wait_ms`` once it has ended, or as it is then.

        Raises:
            NotAllowedNowError: the connection has no credentials yet.
        """
        require(actor, Permission.CONNECTIONS_TEST)
        run_id = new_id("run")
        live = self._execution.live.of(run_id)
        # Before anything can happen; its own start wakes it once.
        with self._listening(actor, run_id) as place:
            run = await self._start(actor, connection_id, RunKind.DEFAULT, run_id, live, idempotency_key)
            if run.id == run_id and wait_ms:
                progress = RowSource(place, self._reader(actor, run_id, 0, live), known=1, poll_s=_POLL_S)
                return await self._end_of(
                    actor, run_id, wait_ms, follow(progress, None, self._database.clock)
                )
        return await self.wait(actor, run.id, wait_ms) if wait_ms else run

    async def probe(self, actor: Actor, connection_id: str) -> None:
        """Start the daily probe of credentials that state no expiry; nothing to probe is no fault."""
        run_id = new_id("run")
        with contextlib.suppress(NotAllowedNowError, NotFoundError):
            await self._start(actor, connection_id, RunKind.PROBE, run_id, CachedRun(), None)

    async def _start(
        self,
        actor: Actor,
        connection_id: str,
        kind: RunKind,
        run_id: str,
        live: CachedRun,
        idempotency_key: str | None,
    ) -> TestRunSnapshot:
        arguments = {"connectionId": connection_id, "kind": kind.value}
        connection = await self._connections.get(actor, connection_id)
        if not are_usable(connection.auth):
            raise NotAllowedNowError(problem(ProblemCode.NOT_AUTHENTICATED))

        async def act(tx: Transaction) -> Mapping[str, Any]:
            row = _new_run(tx, actor, run_id, connection, kind)
            await row.save(force_create=True)
            self._execution.announce(tx, actor, row, EventType.TEST_RUN_STARTED, {"kind": kind.value})
            await self._execution.schedule(tx, row)
            live.run = run_snapshot(row, ())
            return {"runId": row.id}

        result = await self._idempotency.run(actor, _OPERATION, idempotency_key, arguments, act)
        run = live.run if result["runId"] == run_id else None
        return run or await self.get(actor, str(result["runId"]))

    async def get(self, actor: Actor, run_id: str) -> TestRunSnapshot:
        """Return a run with its finished steps."""
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
        """Stop a run, or ask the worker that does it to stop; one that has ended stays as it is."""
        require(actor, Permission.CONNECTIONS_TEST, Permission.CONNECTIONS_READ)
        row = await self._load(actor, run_id)
        async with self._database.transaction() as tx:
            await self._execution.cancel(tx, actor, row)
        return await self.get(actor, run_id)

    async def wait(self, actor: Actor, run_id: str, wait_ms: int) -> TestRunSnapshot:
        """Return the run once it has ended, or as it is now after ``wait_ms``."""
        return await self._end_of(actor, run_id, wait_ms, self.progress(actor, run_id))

    async def _end_of(
        self, actor: Actor, run_id: str, wait_ms: int, messages: AsyncGenerator[TestProgress]
    ) -> TestRunSnapshot:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_ms / 1_000), contextlib.aclosing(messages):
                async for message in messages:
                    if message.is_final:
                        return message.run
        return await self.get(actor, run_id)

    async def progress(
        self, actor: Actor, run_id: str, after_seq: int = 0, *, guard: Guard | None = None
    ) -> AsyncGenerator[TestProgress]:
        """Yield every finished step after ``after_seq``, then the live ones, then the end; then stop.

        Raises:
            AccessLostError: ``guard`` said no; see :func:`app.event_stream.follow.follow`.
        """
        require(actor, Permission.CONNECTIONS_READ)
        live = self._execution.live.of(run_id)
        with self._listening(actor, run_id) as place:
            progress = RowSource(place, self._reader(actor, run_id, after_seq, live), poll_s=_POLL_S)
            async for message in follow(progress, guard, self._database.clock):
                yield message

    def _listening(self, actor: Actor, run_id: str) -> AbstractContextManager[ListeningWaiter]:
        return listening(self._wakeups, actor.workspace_id, subject_channel(SUBJECT, run_id))

    def _reader(
        self, actor: Actor, run_id: str, after_seq: int, live: CachedRun
    ) -> Callable[[], Awaitable[NewItems[TestProgress]]]:
        """Return what reads the progress of a run: from memory where this process does it, else from the table."""
        seen = after_seq

        async def read() -> NewItems[TestProgress]:
            nonlocal seen
            run = live.run
            progress = list(progress_of(run, seen)) if run and run.workspace_id == actor.workspace_id else []
            if run is None or not progress:
                run = await self._snapshot(actor, run_id)
                progress = list(progress_of(run, seen))
            seen = max([seen, *(message.seq for message in progress)])
            return NewItems(progress, is_over=run.is_final)

        return read

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


def _new_run(
    tx: Transaction, actor: Actor, run_id: str, connection: ConnectionSnapshot, kind: RunKind
) -> TestRunRecord:
    return TestRunRecord(
        id=run_id,
        workspace_id=actor.workspace_id,
        connection_id=connection.id,
        kind=kind.value,
        state=RunState.QUEUED.value,
        config_revision=connection.config_revision,
        actor={
            "kind": actor.kind.value,
            "id": actor.id,
            "label": actor.label,
            "requestId": actor.request_id,
        },
        created_at=tx.now,
        deadline_at=tx.now + DEADLINE,
    )
