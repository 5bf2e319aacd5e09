"""Rows of test runs to snapshots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from app.calls.caller import Exchange
from app.connection_tests.models import TestRunRecord, TestStepRecord
from app.connection_tests.steps import (
    ORDER,
    STEP_TITLES,
    ExchangeSnapshot,
    FinishedStep,
    RunKind,
    RunState,
    RunStepState,
    StepKind,
    TestRunSnapshot,
    TestStepSnapshot,
    Verdict,
)
from app.foundation.canonical import findable
from app.foundation.database import Database
from app.foundation.ids import MAX_ID_LENGTH, new_id
from app.foundation.places import row_places
from app.foundation.plain_data import from_data, to_data
from app.foundation.problems import problem_from_json

_BEGIN: Final = """
UPDATE "test_run" SET "state" = $3, "started_at" = $4 WHERE "id" = $1 AND "state" = $2 RETURNING *
"""
_STEP_TABLE: Final = TestStepRecord.describe(serializable=False)
_STEP_COLUMNS: Final = [field["name"] for field in (_STEP_TABLE["pk_field"], *_STEP_TABLE["data_fields"])]
# The first part, which finds nothing, gives the values their types on PostgreSQL.
_STEPS: Final = """
INSERT INTO "test_step" ({names}) SELECT "new".* FROM (
  SELECT {names} FROM "test_step" WHERE 1 = 0 UNION ALL {rows}
) AS "new", ({holding}) AS "held" RETURNING "id"
"""
_NEWEST: Final = (
    "WITH asked (connection_id) AS (VALUES {asked}) "
    'SELECT run.* FROM asked JOIN "test_run" run ON run."id" = ('
    'SELECT "id" FROM "test_run" WHERE "connection_id" = asked.connection_id AND "workspace_id" = $1 '
    'ORDER BY "created_at" DESC, "id" DESC LIMIT 1)'
)


def exchange_json(exchange: Exchange) -> dict[str, Any]:
    """Return the stored form of an exchange."""
    return {
        "request": to_data(exchange.request),
        "response": to_data(exchange.response) if exchange.response else None,
        "timings": asdict(exchange.timings) if exchange.timings else {},
        "curl": exchange.curl,
    }


async def begin(database: Database, run_id: str) -> TestRunRecord | None:
    """Let a queued run be under way and return it; None where it was begun before, has ended, or is gone."""
    queued, running = RunState.QUEUED.value, RunState.RUNNING.value
    for columns in await database.rows(_BEGIN, run_id, queued, running, database.clock.now()):
        return TestRunRecord(**columns)
    return None


async def write_steps(
    database: Database, holding: str, rows: Sequence[TestStepRecord], *held: object
) -> bool:
    """Write steps by one statement, if the subquery ``holding`` finds a row; return whether it did.

    ``held`` are its values, at the first places.
    """
    columns = [[getattr(row, name) for name in _STEP_COLUMNS] for row in rows]
    places, values = row_places(columns, len(held), "SELECT {}", " UNION ALL ")
    names = ", ".join(f'"{name}"' for name in _STEP_COLUMNS)
    statement = _STEPS.format(names=names, rows=places, holding=holding)
    return bool(await database.rows(statement, *held, *values))


def run_snapshot(row: TestRunRecord, steps: Sequence[TestStepRecord]) -> TestRunSnapshot:
    """Return the picture of a run with these steps."""
    duration_ms = None
    if row.started_at and row.finished_at:
        duration_ms = int((row.finished_at - row.started_at).total_seconds() * 1_000)
    return TestRunSnapshot(
        id=row.id,
        workspace_id=row.workspace_id,
        connection_id=row.connection_id,
        kind=RunKind(row.kind),
        state=RunState(row.state),
        verdict=Verdict(row.verdict) if row.verdict else None,
        problem=problem_from_json(row.problem),
        steps=tuple(step_snapshot(step) for step in sorted(steps, key=lambda step: step.index)),
        seq=max([row.seq, *(step.seq for step in steps)]),
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        duration_ms=duration_ms,
        deadline_at=row.deadline_at,
    )


async def snapshots(rows: Sequence[TestRunRecord]) -> list[TestRunSnapshot]:
    """Return the pictures of runs, all their steps by one statement."""
    steps: dict[str, list[TestStepRecord]] = {row.id: [] for row in rows}
    for step in await TestStepRecord.filter(run_id__in=list(steps)) if steps else ():
        steps[step.run_id].append(step)
    return [run_snapshot(row, steps[row.id]) for row in rows]


async def newest_runs(
    database: Database, workspace_id: str, connection_ids: Sequence[str]
) -> list[TestRunRecord]:
    """Return the newest run of each connection, however many it has had: each is found at its index's end."""
    wanted = findable(connection_ids, MAX_ID_LENGTH)
    if not wanted:
        return []
    places, values = row_places([[connection_id] for connection_id in wanted], 1)
    found = await database.rows(_NEWEST.format(asked=places), workspace_id, *values)
    return [TestRunRecord(**columns) for columns in found]


def step_record(run: TestRunRecord, step: FinishedStep, seq: int) -> TestStepRecord:
    """Return the row of a step that has ended."""
    return TestStepRecord(
        id=new_id("step"),
        run_id=run.id,
        workspace_id=run.workspace_id,
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


async def last_seq(run: TestRunRecord) -> int:
    """Return the number of the last message of a run."""
    newest = await TestStepRecord.filter(run_id=run.id).order_by("-seq").first()
    return run.seq if newest is None else max(run.seq, newest.seq)


def step_snapshot(row: TestStepRecord) -> TestStepSnapshot:
    """Return the picture of a step."""
    return TestStepSnapshot(
        index=row.index,
        seq=row.seq,
        kind=StepKind(row.kind),
        title=STEP_TITLES[StepKind(row.kind)],
        state=RunStepState(row.state),
        started_at=row.started_at,
        duration_ms=row.duration_ms,
        message=row.message,
        evidence=row.evidence,
        problem=problem_from_json(row.problem),
        exchange=from_data(ExchangeSnapshot, row.exchange) if row.exchange else None,
    )
