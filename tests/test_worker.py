"""The background work's pace: a backlog is worked off without waiting for the next second."""

from __future__ import annotations

import asyncio

from app.credentials.models import CredentialRecord
from app.worker import BackgroundWork
from tests.connections.conftest import GENERIC, redis_for, world

__all__ = ["redis_for", "world"]

DAY_S = 24 * 3_600
COUNT = 5


async def due_connections(world):
    for _ in range(COUNT):
        await world.connected("generic-oauth2", GENERIC)
    world.clock.advance(DAY_S)


async def test_more_than_one_sweep_takes_is_renewed_without_waiting_for_the_next_one(world):
    await due_connections(world)
    work = BackgroundWork(world.hub, sweep_s=3_600, look_at=2)

    async def carried_at_once(kind, job):
        if kind == "renewal":
            await work.renew(job)

    world.hub.jobs.enqueue = carried_at_once
    work.start()
    async with asyncio.timeout(20):
        while await CredentialRecord.filter(generation=2).count() < COUNT:
            await asyncio.sleep(0.01)
    await work.stop()


async def test_an_early_sweep_does_not_enqueue_again_what_another_process_may_have_in_hand(world):
    await due_connections(world)
    work = BackgroundWork(world.hub, look_at=2)
    enqueued = []

    async def taken_by_another(kind, job):
        if kind == "renewal":
            enqueued.append(job)

    world.hub.jobs.enqueue = taken_by_another
    await work.sweep()
    work._is_early = True
    await work.sweep()
    assert len(enqueued) == 2
    await work.sweep()
    assert sorted(enqueued[2:]) == sorted(enqueued[:2])
