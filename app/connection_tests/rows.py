"""Rows of test runs to snapshots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from tortoise.connection import get_connection

from app.connection_tests.models import TestRunRecord, TestStepRecord
from app.connection_tests.steps import (
    STEP_TITLES,
    ExchangeSnapshot,
    RunKind,
    RunState,
    StepKind,
    StepState,
    TestRunSnapshot,
    TestStepSnapshot,
    Verdict,
)
from app.executor.executor import Exchange
from app.foundation.canonical import findable
from app.foundation.database import Database
from app.foundation.exchange import recorded_from_json
from app.foundation.ids import MAX_ID_LENGTH
from app.foundation.problems import problem_from_json

_NEWEST: Final = (
    "WITH asked (connection_id) AS (VALUES {asked}) "
    'SELECT run.* FROM asked JOIN "test_run" run ON run."id" = ('
    'SELECT "id" FROM "test_run" WHERE "connection_id" = asked.connection_id AND "workspace_id" = {workspace} '
    'ORDER BY "created_at" DESC, "id" DESC LIMIT 1)'
)


def exchange_json(exchange: Exchange) -> dict[str, Any]:
    """Return the stored form of an exchange."""
    return {
        "request": exchange.request.to_json(),
        "response": exchange.response.to_json() if exchange.response else None,
        "timings": asdict(exchange.timings) if exchange.timings else {},
        "curl": exchange.curl,
    }


def run_snapshot(row: TestRunRecord, steps: Sequence[TestStepRecord]) -> TestRunSnapshot:
    """Return the picture of a run with these steps."""
    duration_ms = None
    if row.started_at is not None and row.finished_at is not None:
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
        seq=row.seq,
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
    marks = ["?" if database.dialect == "sqlite" else f"${n}" for n in range(1, len(wanted) + 2)]
    sql = _NEWEST.format(asked=", ".join(f"({mark})" for mark in marks[:-1]), workspace=marks[-1])
    found = await get_connection("default").execute_query_dict(sql, [*wanted, workspace_id])
    return [TestRunRecord(**columns) for columns in found]


def step_snapshot(row: TestStepRecord) -> TestStepSnapshot:
    """Return the picture of a step."""
    return TestStepSnapshot(
        index=row.index,
        seq=row.seq,
        kind=StepKind(row.kind),
        title=STEP_TITLES[StepKind(row.kind)],
        state=StepState(row.state),
        started_at=row.started_at,
        duration_ms=row.duration_ms,
        message=row.message,
        evidence=row.evidence,
        problem=problem_from_json(row.problem),
        exchange=_exchange(row.exchange) if row.exchange else None,
    )


def _exchange(stored: Mapping[str, Any]) -> ExchangeSnapshot:
    return ExchangeSnapshot(
        request=recorded_from_json(stored["request"]),
        response=recorded_from_json(stored["response"]) if stored["response"] else None,
        timings=stored["timings"],
        as_curl=stored["curl"],
    )
