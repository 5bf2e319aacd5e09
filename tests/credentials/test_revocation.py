"""Disconnecting: unusable at once, revoked in the background, told what lives on, destroyed in the end."""

from __future__ import annotations

import httpx
import pytest

from app.connections.lifecycle import ConnectionState
from app.credentials.snapshot import RevocationState
from app.event_stream.event import EventType
from app.foundation.errors import NotAllowedNowError, NotFoundError
from app.vault.models import SealedRecord
from app.vault.vault import RevealPurpose
from tests.connections.conftest import GENERIC


async def disconnect(world, connection):
    return await world.hub.connections.disconnect(world.actor, connection.id)


async def disconnect_in_an_outage(world):
    """Disconnect from a provider that revokes, but is away; return the revocation."""
    config = {**GENERIC, "revokeUrl": "https://auth.example.com/revoke"}
    revocation = (await disconnect(world, await world.connected("generic-oauth2", config))).revocation

    async def down(request):
        return httpx.Response(503, json={})

    world.outside.instead = down
    return revocation


@pytest.mark.threat("O15")
async def test_a_disconnected_connection_is_unusable_at_once(world):
    connection = await world.connected()
    edited = await disconnect(world, connection)
    assert edited.connection.state is ConnectionState.DISCONNECTED
    assert edited.connection.auth is None
    assert edited.revocation.state is RevocationState.PENDING
    with pytest.raises(NotAllowedNowError):
        await world.hub.credentials.open(world.actor, connection.owner, RevealPurpose.TEST)


async def test_the_provider_is_told_and_the_secret_is_destroyed(world):
    connection = await world.connected()
    revocation = (await disconnect(world, connection)).revocation
    await world.work()
    done = await world.hub.revocations.get(world.actor, revocation.id)
    assert done.state is RevocationState.REVOKED
    assert done.finished_at is not None
    assert await SealedRecord.filter(owner_row=revocation.id).count() == 0
    told = [event for event in await world.events() if event.type is EventType.CREDENTIALS_REVOKED]
    assert [event.data["state"] for event in told] == ["REVOKED"]


@pytest.mark.threat("O15")
async def test_an_outage_is_waited_out_and_tried_again(world):
    revocation = await disconnect_in_an_outage(world)
    await world.work()
    pending = await world.hub.revocations.get(world.actor, revocation.id)
    assert pending.state is RevocationState.PENDING
    assert pending.attempts == 1
    world.outside.instead = None
    world.clock.advance(3_601)
    assert await world.due("revocation") == [revocation.id]
    await world.work()
    assert (await world.hub.revocations.get(world.actor, revocation.id)).state is RevocationState.REVOKED


async def test_after_three_days_it_is_given_up_and_destroyed(world):
    revocation = await disconnect_in_an_outage(world)
    for hours in (0, 24, 24, 24):
        assert (await world.hub.revocations.get(world.actor, revocation.id)).state is RevocationState.PENDING
        world.clock.advance(hours * 3_600)
        await world.work()
    assert (await world.hub.revocations.get(world.actor, revocation.id)).state is RevocationState.GAVE_UP
    assert await SealedRecord.filter(owner_row=revocation.id).count() == 0


async def test_what_cannot_be_revoked_is_said_to_live_on(world):
    connection = await world.draft("stripe")
    await world.entered(connection, "api-key")
    revocation = (await disconnect(world, connection)).revocation
    await world.work()
    done = await world.hub.revocations.get(world.actor, revocation.id)
    assert done.state is RevocationState.NOT_OFFERED
    assert done.alive != ()


async def test_a_second_delivery_asks_the_provider_once(world):
    connection = await world.connected()
    await disconnect(world, connection)
    await world.work()
    asked = len(world.outside.requests)
    await world.work()
    assert len(world.outside.requests) == asked


async def test_deleting_revokes_too(world):
    connection = await world.connected()
    deleted = await world.hub.connections.delete(world.actor, connection.id)
    await world.work()
    done = await world.hub.revocations.get(world.actor, deleted.revocation.id)
    assert done.state is RevocationState.REVOKED


async def test_a_disconnected_connection_can_be_authorized_again(world):
    connection = await world.connected()
    await disconnect(world, connection)
    again = await world.begin(connection)
    await world.come_back(await world.at_provider(again))
    assert (await world.reload(connection)).state is ConnectionState.CONNECTED


async def test_without_credentials_there_is_nothing_to_revoke(world):
    connection = await world.draft()
    assert (await disconnect(world, connection)).revocation is None


async def test_another_workspaces_revocation_is_not_there(world):
    from dataclasses import replace

    revocation = (await disconnect(world, await world.connected())).revocation
    with pytest.raises(NotFoundError):
        await world.hub.revocations.get(replace(world.actor, workspace_id="wks_other"), revocation.id)
