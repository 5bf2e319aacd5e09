"""A connection whose provider was away is checked again soon, and nobody has to come to find it recovered."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.connections.lifecycle import ConnectionState
from app.credentials.models import CredentialRecord
from app.credentials.schedule import usual_due
from tests.connections.conftest import GENERIC
from tests.credentials.renewing import answering, credential_of, outside

AWAY = answering(503, {"error": "temporarily_unavailable"})
DAY = 24 * 3600


@pytest.fixture
async def stripe(world):
    """Return a connection whose key tells no expiry: it is probed daily."""
    connection = await world.draft("stripe")
    await world.entered(connection, "api-key")
    await world.tested(connection)
    await world.hub.connections.activate(world.actor, connection.id)
    return connection


async def state_of(world, connection):
    return (await world.reload(connection)).state


async def sweep(world):
    """Do what is due; return how many connections were looked at."""
    due = await world.due()
    await world.work()
    return len(due)


async def test_what_a_probe_finds_away_is_probed_again_soon_and_recovers_by_itself(world, stripe):
    world.clock.advance(DAY)
    async with outside(world, AWAY):
        assert await sweep(world) == 1
        assert await state_of(world, stripe) is ConnectionState.DEGRADED
        for _ in range(20):
            world.clock.advance(30)
            await sweep(world)
        assert await state_of(world, stripe) is ConnectionState.DEGRADED
    world.clock.advance(120)  # after an outage of ten minutes
    assert await sweep(world) == 1
    assert await state_of(world, stripe) is ConnectionState.CONNECTED
    due_in = (await world.renewal_of(stripe)).due_at - world.clock.now()
    assert timedelta(hours=21) < due_in <= timedelta(days=1)


async def test_a_long_outage_is_looked_at_every_half_hour_at_most(world, stripe):
    world.clock.advance(DAY)
    async with outside(world, AWAY):
        await sweep(world)
        world.clock.advance(DAY)
        looks = 0
        for _ in range(24 * 60 // 10):
            looks += await sweep(world)
            world.clock.advance(600)
    assert 24 <= looks <= 144
    assert (await world.renewal_of(stripe)).due_at <= world.clock.now() + timedelta(minutes=30)


async def test_a_use_that_met_an_outage_is_followed_by_a_probe_and_not_by_a_renewal(world):
    connection = await world.connected("generic-oauth2", GENERIC)
    usual = (await world.renewal_of(connection)).due_at
    asked = []
    async with outside(world, AWAY):
        await world.tested(connection)
    assert await state_of(world, connection) is ConnectionState.DEGRADED
    assert (await world.renewal_of(connection)).due_at <= world.clock.now() + timedelta(seconds=60)
    world.clock.advance(60)
    world.outside.requests.clear()
    assert await sweep(world) == 1
    asked = [request.url.path for request in world.outside.requests]
    assert asked
    assert not any(path.endswith("/token") for path in asked)
    assert await state_of(world, connection) is ConnectionState.CONNECTED
    assert (await credential_of(connection)).generation == 1
    assert (await world.renewal_of(connection)).due_at == usual


async def test_a_renewal_that_is_due_meanwhile_is_not_put_off(world):
    connection = await world.connected("generic-oauth2", GENERIC)
    async with outside(world, AWAY):
        await world.tested(connection)
    world.clock.advance(3_500)
    assert await sweep(world) == 1
    assert (await credential_of(connection)).generation == 2
    assert await state_of(world, connection) is ConnectionState.CONNECTED


async def test_what_the_provider_asks_for_is_waited_for(world, stripe):
    async def busy(request):
        answer = await answering(503, {"error": "busy"})(request)
        answer.headers["Retry-After"] = "1200"
        return answer

    async with outside(world, busy):
        await world.tested(stripe)
    due_in = (await world.renewal_of(stripe)).due_at - world.clock.now()
    assert due_in >= timedelta(seconds=1190)


async def test_resumed_with_the_outage_as_last_news_it_is_looked_at_soon(world, stripe):
    async with outside(world, AWAY):
        await world.tested(stripe)
    await world.hub.connections.pause(world.actor, stripe.id)
    assert (await world.renewal_of(stripe)).due_at > world.clock.now() + timedelta(hours=20)
    await world.hub.connections.resume(world.actor, stripe.id)
    assert await state_of(world, stripe) is ConnectionState.DEGRADED
    assert (await world.renewal_of(stripe)).due_at <= world.clock.now() + timedelta(seconds=60)


async def test_usual_due_is_what_was_written_when_it_was_sealed(world):
    connection = await world.connected("generic-oauth2", GENERIC)
    credential = await CredentialRecord.get(connection_id=connection.id)
    assert usual_due(credential, world.clock.now()) == (await world.renewal_of(connection)).due_at
