"""Queues on one database, each as a process of its own would have it, and work that notes what is done with it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta
from random import Random

import pytest

from app.foundation.telemetry import Metrics
from app.work.dispatcher import Dispatcher
from app.work.kind import WorkKind, WorkSubject
from app.work.models import DueWorkRecord
from app.work.queue import WorkQueue

WORKSPACE = "wks_1"
FIRST = Random(0)


class Work:
    """A kind's handler: notes each claim, and does what it is told to."""

    def __init__(self):
        self.claims = []
        self.outcome = None

    async def __call__(self, claim):
        self.claims.append(claim)
        outcome = self.outcome
        if callable(outcome):
            return await outcome(claim)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    @property
    def done(self):
        return [claim.subject for claim in self.claims]


class Process:
    """What one process has: its queue and its dispatcher."""

    def __init__(self, database, wakeups, work, heartbeat_s=3_600, **kind):
        self.database = database
        self.queue = WorkQueue(database, wakeups, rng=Random(0), heartbeat_s=heartbeat_s)
        self.queue.register(WorkKind("test", work, **kind))
        self.metrics = Metrics()
        self.dispatcher = Dispatcher(database, self.queue, wakeups, self.metrics, sweep_s=3_600)

    async def schedule(self, *subjects, workspace_id=WORKSPACE, share=None, after_s=0.0, **more):
        async with self.database.transaction() as tx:
            due_at = tx.now + timedelta(seconds=after_s)
            for subject in subjects:
                await self.queue.schedule(tx, "test", subject, workspace_id, due_at, share=share, **more)

    async def cancel(self, *subjects):
        async with self.database.transaction() as tx:
            return await self.queue.cancel(tx, "test", *subjects)

    async def claim(self, limit=200):
        return await self.queue.claim(await self.queue.find_due(["test"], [], limit))

    async def claim_named(self, subject, **more):
        async with self.database.transaction() as tx:
            claims = await self.queue.claim_with(tx, "test", [WorkSubject(subject, WORKSPACE, **more)])
        return claims.get(subject)

    async def found(self, limit=200, full=()):
        return [
            candidate.id.removeprefix("test:")
            for candidate in await self.queue.find_due(["test"], full, limit)
        ]

    async def ending(self, verb, claim, *more):
        async with self.database.transaction() as tx:
            return await getattr(self.queue, verb)(tx, claim, *more)

    async def read(self, subject):
        async with self.database.transaction() as tx:
            return (await self.queue.lock(tx, "test", [subject])).get(subject)

    def outcomes(self):
        """Return how often work ended in which way."""
        (family,) = self.metrics.work.collect()
        return {
            sample.labels["outcome"]: int(sample.value)
            for sample in family.samples
            if sample.name.endswith("_total")
        }


@pytest.fixture
def work():
    return Work()


@pytest.fixture
async def process_of(database, wakeups, work):
    """Return what opens a further process; a process that is left open is closed at the end."""
    opened = []

    async def process_of(work=work, **kind):
        process = Process(database, wakeups, work, **kind)
        await process.queue.open()
        opened.append(process)
        return process

    yield process_of
    for process in opened:
        await process.dispatcher.stop(0.1)
        await process.queue.close()


@pytest.fixture
async def process(process_of):
    return await process_of()


@pytest.fixture
def many(database, process):
    """Return what makes a number of pieces of work due that are like one another."""
    numbers = {
        "sqlite": "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < $1) SELECT n FROM s",
        "postgres": "SELECT n FROM generate_series(1, $1::int) AS g(n)",
    }[database.dialect]

    async def many(count, **like):
        await process.schedule("many", **like)
        columns = ", ".join(f'"{name}"' for name in DueWorkRecord._meta.db_fields if name != "id")
        await database.rows(
            f'INSERT INTO "due_work" ("id", {columns}) SELECT \'test:\' || n, {columns} FROM "due_work", ({numbers}) '
            "AS numbers RETURNING 1",
            count,
        )

    return many


@asynccontextmanager
async def statements(database, monkeypatch):
    """Yield the list of the texts of all statements that run in the block."""
    seen = []
    rows = type(database).rows

    async def noted(self, statement, *values):
        seen.append(statement)
        return await rows(self, statement, *values)

    monkeypatch.setattr(type(database), "rows", noted)
    yield seen
