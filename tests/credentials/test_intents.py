"""Intents to renew: one at a time, none for ever, and what an attempt without an answer means for the next one."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx
import pytest

from app.connections.lifecycle import ConnectionState
from app.credentials.models import CredentialRecord, RenewalAttemptRecord
from app.foundation.errors import CredentialsRejectedError, TransientOutsideError
from app.foundation.problems import ProblemCode
from app.work.models import DueWorkRecord
from app.work.statements import LEASE_FOR
from tests.connections.conftest import GENERIC
from tests.credentials.renewing import answering, interrupted, outside, raising, renew, taken

REFUSED = answering(400, {"error": "invalid_grant"})


async def refused(world, connection):
    async with outside(world, REFUSED):
        with pytest.raises(CredentialsRejectedError) as caught:
            await renew(world, connection)
    assert (await world.reload(connection)).problem.code is caught.value.problem.code
    return caught.value.problem.code


async def test_a_refusal_without_a_past_is_a_dead_grant(world):
    connection = await world.connected("generic-oauth2", GENERIC)
    assert await refused(world, connection) is ProblemCode.REAUTHENTICATION_REQUIRED


async def test_a_refusal_after_an_interruption_is_an_unknown_outcome(world):
    connection = await world.connected("generic-oauth2", GENERIC)
    await interrupted(world, connection)
    assert await refused(world, connection) is ProblemCode.REFRESH_OUTCOME_UNKNOWN


async def test_an_interruption_is_not_forgotten_over_an_outage(world):
    connection = await world.connected("generic-oauth2", GENERIC)
    await interrupted(world, connection)
    async with outside(world, answering(429, {})):
        with pytest.raises(TransientOutsideError):
            await renew(world, connection)
    world.clock.advance(60)
    assert await refused(world, connection) is ProblemCode.REFRESH_OUTCOME_UNKNOWN


@pytest.mark.parametrize(
    "answer",
    [raising(httpx.ReadTimeout("")), raising(httpx.ReadError("")), answering(502, {}), answering(200, {})],
    ids=["timeout", "dropped", "bad gateway", "no token in it"],
)
async def test_a_refusal_after_an_answer_that_was_lost_is_an_unknown_outcome(world, answer):
    connection = await world.connected("generic-oauth2", GENERIC)
    async with outside(world, answer):
        with pytest.raises(Exception, match=r"UPSTREAM|TOKEN_RESPONSE"):
            await renew(world, connection)
    world.clock.advance(60)
    assert await refused(world, connection) is ProblemCode.REFRESH_OUTCOME_UNKNOWN


async def test_a_refusal_after_too_many_calls_is_a_dead_grant(world):
    connection = await world.connected("generic-oauth2", GENERIC)
    async with outside(world, answering(429, {})):
        with pytest.raises(TransientOutsideError):
            await renew(world, connection)
    world.clock.advance(60)
    assert await refused(world, connection) is ProblemCode.REAUTHENTICATION_REQUIRED


async def test_what_was_uncertain_about_former_credentials_says_nothing_about_new_ones(world):
    connection = await world.connected("generic-oauth2", GENERIC)
    await interrupted(world, connection)
    await world.hub.connections.disconnect(world.actor, connection.id)
    again = await world.begin(connection)
    await world.come_back(await world.at_provider(again))
    assert await refused(world, connection) is ProblemCode.REAUTHENTICATION_REQUIRED


async def test_attempts_do_not_pile_up(world):
    connection = await world.connected()
    for generation in (1, 2, 3):
        await renew(world, connection, generation)
    assert await RenewalAttemptRecord.filter(connection_id=connection.id).count() == 0


async def test_a_lease_of_a_clock_that_was_put_back_holds_nobody_up(world):
    connection = await world.connected()
    await taken(connection, until=world.clock.now() + timedelta(days=1))
    await renew(world, connection)
    assert (await world.reload(connection)).auth.generation == 2


async def test_a_lease_of_a_clock_that_is_ahead_is_honoured(world):
    connection = await world.connected("generic-oauth2", GENERIC)
    await taken(connection, until=world.clock.now() + LEASE_FOR + timedelta(seconds=60))
    calls = []
    async with outside(world, answering(200, {}, calls)):
        waiting = asyncio.create_task(renew(world, connection))
        await asyncio.wait([waiting], timeout=0.2)
        assert not waiting.done()
        assert calls == []
        assert await world.due() == []
        waiting.cancel()
    await CredentialRecord.filter(connection_id=connection.id).update(generation=2)


async def test_a_slow_provider_costs_nobody_the_lease(world):
    world.hub.work.heartbeat._heartbeat_s = 0.001
    connection = await world.connected("generic-oauth2", GENERIC)

    async def lease_until():
        return (await DueWorkRecord.get(id=f"renewal:{connection.id}")).lease_until

    async def slow(request):
        taken_until = await lease_until()
        for seconds in (20, 20, 20):
            world.clock.advance(seconds)
            async with asyncio.timeout(5):
                while await lease_until() < world.clock.now() + LEASE_FOR:
                    await asyncio.sleep(0.001)
        assert taken_until < world.clock.now()
        return httpx.Response(503, json={})

    async with outside(world, slow):
        with pytest.raises(TransientOutsideError):
            await renew(world, connection)
    assert await lease_until() is None


async def test_an_interrupted_renewal_is_due_now_however_long_before_its_time(world):
    connection = await world.connected("generic-oauth2", GENERIC)
    asked, gate = asyncio.Event(), asyncio.Event()

    async def hang(request):
        asked.set()
        await gate.wait()
        raise httpx.ReadError("")

    async with outside(world, hang):
        dying = asyncio.create_task(renew(world, connection))
        await asked.wait()
        world.clock.advance(26)
        assert await world.due() == [connection.id]
        world.outside.instead = None
        await world.work()
        assert (await world.reload(connection)).auth.generation == 2
        gate.set()
        await asyncio.wait([dying])
        dying.exception()
    assert (await world.reload(connection)).auth.generation == 2


async def test_a_dead_grant_and_what_it_means_are_one_change(world):
    connection = await world.connected("generic-oauth2", GENERIC)
    position = (await world.hub.events.reader.page(world.actor.workspace_id, 0, 500)).events[-1].position
    await refused(world, connection)
    told = (await world.hub.events.reader.page(world.actor.workspace_id, position, 500)).events
    assert len({event.occurred_at for event in told}) == 1
    assert (await world.reload(connection)).state is ConnectionState.AUTHENTICATION_ERROR
