"""Due renewals: fair over providers, bounded at once, without waiting, and right after the clock was put back."""

from __future__ import annotations

import asyncio

import httpx

from app.connections.lifecycle import ConnectionState
from app.credentials.models import CredentialRecord
from app.credentials.schedule import RENEWAL
from app.work.statements import LEASE_FOR
from app.worker import RENEWALS_OF_ONE_APPLICATION
from tests.connections.conftest import GENERIC
from tests.credentials.renewing import credential_of, outside

DAY_S = 24 * 3_600


async def test_due_credentials_come_by_turns_of_their_applications(world):
    slow = [await world.connected("generic-oauth2", GENERIC) for _ in range(3)]
    fast = await world.connected("slack")
    world.clock.advance(DAY_S)
    due = (await world.due())[:2]
    assert fast.id in due
    assert len({*due} & {connection.id for connection in slow}) == 1


async def test_a_provider_that_does_not_answer_takes_only_its_own_places(world):
    for _ in range(RENEWALS_OF_ONE_APPLICATION + 2):
        await world.connected("generic-oauth2", GENERIC)
    fast = await world.connected("slack")
    world.clock.advance(DAY_S)
    gate, hanging = asyncio.Event(), []
    real = httpx.ASGITransport(app=world.outside.app)

    async def slow_there(request):
        if "/generic-oauth2@" in request.url.path:
            hanging.append(request)
            await gate.wait()
        return await real.handle_async_request(request)

    async with outside(world, slow_there):
        working = asyncio.create_task(world.work())
        async with asyncio.timeout(5):
            while (await credential_of(fast)).generation < 2:
                await asyncio.sleep(0.01)
        assert len(hanging) == RENEWALS_OF_ONE_APPLICATION
        gate.set()
        await working
    assert await CredentialRecord.filter(generation=2).count() == RENEWALS_OF_ONE_APPLICATION + 3


async def test_a_backlog_is_worked_off_without_waiting_for_the_next_second(world):
    for _ in range(5):
        await world.connected("generic-oauth2", GENERIC)
    world.clock.advance(DAY_S)
    dispatcher = world.hub.dispatcher
    dispatcher._sweep_s, dispatcher._sweep_limit = 3_600, 2
    dispatcher.start()
    async with asyncio.timeout(20):
        while await CredentialRecord.filter(generation=2).count() < 5:
            await asyncio.sleep(0.01)
    await dispatcher.stop()


async def test_a_renewal_that_many_processes_died_with_comes_in_time_and_is_no_failure(world):
    connection = await world.connected()
    world.clock.advance(DAY_S)
    events = len(await world.events())

    async def dies():
        """Let a process take the renewal, write its intent down, and die before it asks."""
        (claim,) = await world.hub.work.claim(await world.hub.work.find_due([RENEWAL], [], 1))
        await world.hub.renewal._intents.acquire_due(claim)
        world.hub.work.heartbeat.drop(claim)
        world.clock.advance(LEASE_FOR.total_seconds())

    for _ in range(6):
        await dies()
    for pause_s in (5, 20):
        await world.work()
        standing = await world.renewal_of(connection)
        assert (standing.due_at - world.clock.now()).total_seconds() == pause_s
        assert (standing.failing_since, standing.last_problem) == (None, None)
        world.clock.advance(pause_s)
        if pause_s == 5:
            await dies()
    assert (await world.reload(connection)).state is ConnectionState.CONNECTED
    assert len(await world.events()) == events
    await world.work()
    renewed = await world.reload(connection)
    assert (renewed.state, renewed.problem, renewed.auth.generation) == (ConnectionState.CONNECTED, None, 2)


async def test_what_was_sealed_before_the_clock_was_put_back_is_renewed_once(world):
    connection = await world.connected("generic-oauth2", GENERIC)
    await world.work()
    world.clock.jump(-DAY_S)
    assert await world.due() == []
    for _ in range(3):
        await world.work()
    assert (await credential_of(connection)).generation == 2


async def test_what_was_failing_before_the_clock_was_put_back_is_tried_now(world):
    connection = await world.connected("generic-oauth2", GENERIC)
    world.clock.advance(3_000)

    async def down(request):
        return httpx.Response(503, json={})

    async with outside(world, down):
        await world.work()
    assert (await world.renewal_of(connection)).failing_since is not None
    world.clock.jump(-DAY_S)
    await world.work()
    standing = await world.renewal_of(connection)
    assert (standing.attempts, standing.failing_since) == (0, None)
    assert (await credential_of(connection)).generation == 2
