"""Turns: fair over providers, bounded at once, and right after the clock was put back."""

from __future__ import annotations

import asyncio

import httpx

from app.credentials.models import CredentialRecord
from app.credentials.turns import AT_ONCE, OF_ONE_APPLICATION
from app.worker import BackgroundWork
from tests.connections.conftest import GENERIC
from tests.credentials.renewing import credential_of, outside, system

DAY_S = 24 * 3_600


async def test_due_credentials_come_by_turns_of_their_applications(world):
    slow = [await world.connected("generic-oauth2", GENERIC) for _ in range(3)]
    fast = await world.connected("slack")
    world.clock.advance(DAY_S)
    due = [connection_id for _, connection_id in await world.hub.renewal.due(2)]
    assert fast.id in due
    assert len({*due} & {connection.id for connection in slow}) == 1


async def test_a_provider_that_does_not_answer_takes_only_its_own_places(world):
    places = world.hub.renewal._turns
    slow = CredentialRecord(connection_id="conn_1", workspace_id="wks_1", application_id="app_slow")
    fast = CredentialRecord(connection_id="conn_2", workspace_id="wks_1", application_id="app_fast")
    gate, inside, done = asyncio.Event(), [], []

    async def hang():
        async with places.turn(slow):
            inside.append(1)
            await gate.wait()

    async def pass_through():
        async with places.turn(fast):
            done.append(1)

    hanging = [asyncio.create_task(hang()) for _ in range(AT_ONCE)]
    async with asyncio.timeout(5):
        await asyncio.gather(*(pass_through() for _ in range(AT_ONCE)))
    assert (len(inside), len(done)) == (OF_ONE_APPLICATION, AT_ONCE)
    gate.set()
    await asyncio.gather(*hanging)


async def test_what_was_sealed_before_the_clock_was_put_back_is_renewed_once(world):
    work = BackgroundWork(world.hub)
    connection = await world.connected("generic-oauth2", GENERIC)
    world.clock.jump(-DAY_S)
    assert await world.hub.renewal.due() == []
    assert await world.hub.renewal.after_clock_change() == 1
    for _ in range(3):
        for workspace_id, connection_id in await world.hub.renewal.due():
            await work.renew(f"{workspace_id}/{connection_id}")
        await work.renewals_done()
        assert await world.hub.renewal.after_clock_change() == 0
    assert (await credential_of(connection)).generation == 2


async def test_what_was_failing_before_the_clock_was_put_back_is_tried_now(world):
    connection = await world.connected("generic-oauth2", GENERIC)
    world.clock.advance(3_000)

    async def down(request):
        return httpx.Response(503, json={})

    async with outside(world, down):
        work = BackgroundWork(world.hub)
        await work.renew(f"{connection.workspace_id}/{connection.id}")
        await work.renewals_done()
    world.clock.jump(-DAY_S)
    assert await world.hub.renewal.after_clock_change() == 1
    await world.hub.renewal.renew_due(system(world), connection.id)
    row = await credential_of(connection)
    assert (row.generation, row.failures, row.failing_since) == (2, 0, None)


async def test_a_clock_that_stands_right_makes_nothing_due(world):
    await world.connected("generic-oauth2", GENERIC)
    assert await world.hub.renewal.after_clock_change() == 0
