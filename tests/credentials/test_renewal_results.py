"""What came of a renewal: sealed whatever the database does meanwhile, dropped where it came too late."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from app.connections.lifecycle import ConnectionState
from app.credentials import renewal_results
from app.foundation.errors import StorageBusyError
from app.vault.vault import RevealPurpose
from app.work.models import DueWorkRecord
from app.work.statements import LEASE_FOR
from tests.connections.conftest import GENERIC
from tests.credentials.renewing import renew, taken


class Worker:
    """A worker that is asleep between the provider's answer and its own next step, until ``wake`` is set."""

    def __init__(self, world, connection):
        self.world = world
        self.answered, self.wake = asyncio.Event(), asyncio.Event()
        self.token = None
        real = httpx.ASGITransport(app=world.outside.app)

        async def answer(request):
            response = await real.handle_async_request(request)
            if self.answered.is_set():
                return response
            await response.aread()
            self.token = response.json()["access_token"]
            self.answered.set()
            await self.wake.wait()
            return response

        world.outside.instead = answer
        self.task = asyncio.create_task(renew(world, connection))

    async def lose_lease(self, connection):
        """Let another worker's lease stand in place of this one's."""
        await self.answered.wait()
        await taken(connection, "another worker", until=self.world.clock.now() + LEASE_FOR)


async def usable_token(world, connection):
    live = await world.hub.credentials.open(world.actor, connection.owner, RevealPurpose.TEST)
    return live.grant.values["accessToken"].reveal()


@pytest.mark.parametrize("fault", [StorageBusyError(), OSError("connection lost")])
async def test_what_a_provider_gave_is_sealed_once_the_database_is_back(world, monkeypatch, fault):
    connection = await world.connected("generic-oauth2", GENERIC)
    seal, faults = renewal_results.seal_grant, [fault] * 5

    async def sealing(*told, **more):
        if faults:
            raise faults.pop()
        return await seal(*told, **more)

    monkeypatch.setattr(
        renewal_results, "seal_grant", sealing
    )  # what a transaction does: it raises there too
    await renew(world, connection)
    assert (await world.reload(connection)).auth.generation == 2


async def test_the_answer_of_a_worker_that_lost_its_lease_is_kept_where_nobody_has_a_newer_one(world):
    connection = await world.connected("generic-oauth2", GENERIC)
    worker = Worker(world, connection)
    await worker.lose_lease(connection)
    # The other one has given up: what the sleeper was given is all there is.
    await DueWorkRecord.filter(id=f"renewal:{connection.id}").update(lease_owner=None, lease_until=None)
    worker.wake.set()
    await worker.task
    assert await usable_token(world, connection) == worker.token


async def test_a_worker_that_lost_its_lease_waits_for_the_one_that_has_it(world):
    connection = await world.connected("generic-oauth2", GENERIC)
    begun = world.clock.now()
    worker = Worker(world, connection)
    await worker.lose_lease(connection)
    worker.wake.set()
    await worker.task
    # Nothing came of the other one in all its time.
    assert (world.clock.now() - begun).total_seconds() >= 24
    assert await usable_token(world, connection) == worker.token


async def test_an_answer_for_credentials_that_were_given_up_never_replaces_new_ones(world):
    connection = await world.connected("generic-oauth2", GENERIC)
    worker = Worker(world, connection)
    await worker.answered.wait()
    await world.hub.connections.disconnect(world.actor, connection.id)
    world.clock.advance(1)
    again = await world.begin(connection)
    await world.come_back(await world.at_provider(again))
    newer = await world.reload(connection)
    assert newer.auth.generation == connection.auth.generation
    worker.wake.set()
    await worker.task
    assert await world.reload(connection) == newer
    assert await usable_token(world, connection) != worker.token
    assert newer.state is ConnectionState.CONNECTED
