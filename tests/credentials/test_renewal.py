"""Renewal: before expiry, one call however many ask, dead grants told from outages, nothing lost in a crash."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from app.connection_tests.steps import RunKind
from app.connections.lifecycle import ConnectionState
from app.credentials.models import CredentialRecord, RenewalAttemptRecord
from app.credentials.snapshot import Mode
from app.event_stream.event import EventType
from app.foundation.errors import CredentialsRejectedError, NotAllowedNowError, TransientOutsideError
from app.foundation.problems import ProblemCode
from app.foundation.secret import Secret
from app.vault.vault import RevealPurpose
from tests.canary import secret as canary_secret
from tests.connections.conftest import GENERIC
from tests.credentials.renewing import answering, credential_of, interrupted, outside, renew, taken


async def test_a_renewal_makes_the_next_generation_and_moves_the_expiry(world):
    connection = await world.connected()
    world.clock.advance(11 * 3600)
    await renew(world, connection)
    renewed = await world.reload(connection)
    assert renewed.auth.generation == 2
    assert renewed.auth.expires_at > connection.auth.expires_at
    assert renewed.state is ConnectionState.CONNECTED


@pytest.mark.threat("R3")
async def test_many_at_once_are_one_call(world):
    connection = await world.connected()
    before = len(world.token_calls())
    await asyncio.gather(*(renew(world, connection) for _ in range(50)))
    assert len(world.token_calls()) - before == 1
    assert (await world.reload(connection)).auth.generation == 2


async def test_a_renewal_of_an_older_generation_asks_nobody(world):
    connection = await world.connected()
    await renew(world, connection)
    before = len(world.token_calls())
    await renew(world, connection, generation=1)
    assert len(world.token_calls()) == before


async def test_a_due_connection_is_found_and_renewed_by_the_sweep(world):
    connection = await world.connected()
    assert await world.due() == []
    world.clock.advance(11.8 * 3600)
    assert await world.due() == [connection.id]
    await world.work()
    assert (await world.reload(connection)).auth.generation == 2
    assert await world.due() == []


async def test_a_token_about_to_run_out_is_renewed_before_it_is_used(world):
    connection = await world.connected()
    world.clock.advance(12 * 3600 - 59)
    live = await world.hub.credentials.open(world.actor, connection.owner, RevealPurpose.TEST)
    assert live.generation == 2


async def test_a_dead_grant_needs_a_person(world):
    connection = await world.connected("generic-oauth2", GENERIC)
    async with outside(world, answering(400, {"error": "invalid_grant"})):
        with pytest.raises(CredentialsRejectedError):
            await renew(world, connection)
    broken = await world.reload(connection)
    assert broken.state is ConnectionState.AUTHENTICATION_ERROR
    assert broken.problem.code is ProblemCode.REAUTHENTICATION_REQUIRED
    assert await world.renewal_of(connection) is None


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
async def test_an_outage_marks_nothing_as_dead(world, status):
    connection = await world.connected("generic-oauth2", GENERIC)
    async with outside(world, answering(status, {"error": "temporarily_unavailable"})):
        with pytest.raises(TransientOutsideError):
            await renew(world, connection)
    still = await world.reload(connection)
    assert still.state is ConnectionState.CONNECTED
    standing = await world.renewal_of(connection)
    assert standing.attempts == 1
    assert not standing.is_leased
    assert standing.due_at > world.clock.now()


async def test_an_outage_beyond_the_tokens_life_degrades_and_recovery_brings_back(world):
    connection = await world.connected("generic-oauth2", GENERIC)
    world.clock.advance(3600)
    async with outside(world, answering(503, {})):
        with pytest.raises(TransientOutsideError):
            await renew(world, connection)
    assert (await world.reload(connection)).state is ConnectionState.DEGRADED
    world.clock.advance(31)
    await renew(world, connection)
    recovered = await world.reload(connection)
    assert recovered.state is ConnectionState.CONNECTED
    assert recovered.problem is None
    types = [event.type for event in await world.events()]
    assert types.count(EventType.CREDENTIALS_RECOVERED) == 1


async def test_failures_back_off_and_honour_retry_after(world):
    connection = await world.connected("generic-oauth2", GENERIC)

    async def busy(request):
        return httpx.Response(503, headers={"Retry-After": "900"}, json={})

    async with outside(world, busy):
        with pytest.raises(TransientOutsideError):
            await renew(world, connection)
    assert ((await world.renewal_of(connection)).due_at - world.clock.now()).total_seconds() >= 900


async def test_a_rejected_application_never_marks_the_connection(world):
    connection = await world.connected("generic-oauth2", GENERIC)
    async with outside(world, answering(401, {"error": "invalid_client"})):
        with pytest.raises(Exception, match="APPLICATION_REJECTED"):
            await renew(world, connection)
    marked = await world.reload(connection)
    assert marked.state is ConnectionState.CONNECTED
    assert marked.problem.code is ProblemCode.APPLICATION_REJECTED


async def test_an_intent_is_committed_before_the_call(world):
    connection = await world.connected("generic-oauth2", GENERIC)
    seen = []

    async def look(request):
        row = await RenewalAttemptRecord.filter(connection_id=connection.id, finished_at=None).first()
        seen.append(row)
        return httpx.Response(503, json={})

    async with outside(world, look):
        with pytest.raises(TransientOutsideError):
            await renew(world, connection)
    assert seen[0] is not None
    assert seen[0].generation == 1


async def test_an_interrupted_renewal_of_a_single_use_token_is_an_unknown_outcome(world):
    connection = await world.connected()
    await interrupted(world, connection)
    async with outside(world, answering(200, {"ok": False, "error": "invalid_refresh_token"})):
        with pytest.raises(CredentialsRejectedError):
            await renew(world, connection)
    assert (await world.reload(connection)).problem.code is ProblemCode.REFRESH_OUTCOME_UNKNOWN


async def test_a_lease_that_ran_out_is_taken_over(world):
    connection = await world.connected()
    await taken(connection)
    await renew(world, connection)
    assert (await world.reload(connection)).auth.generation == 2


async def test_a_stale_worker_cannot_overwrite_a_newer_generation(world):
    connection = await world.connected()
    gate, entered = asyncio.Event(), asyncio.Event()
    real = httpx.ASGITransport(app=world.outside.app)

    async def slow_once(request):
        if not entered.is_set():
            entered.set()
            answer = await real.handle_async_request(request)
            await gate.wait()
            return answer
        return await real.handle_async_request(request)

    world.outside.instead = slow_once
    first = asyncio.create_task(renew(world, connection))
    await entered.wait()
    # Meanwhile a person authorizes again: the connection is two steps ahead of the sleeping worker.
    world.outside.instead = None
    again = await world.begin(connection)
    await world.come_back(await world.at_provider(again))
    newer = await world.reload(connection)
    gate.set()
    await first
    assert await world.reload(connection) == newer


async def test_refreshing_by_hand_goes_the_same_way(world):
    connection = await world.connected()
    await world.hub.connections.refresh_credentials(world.actor, connection.id)
    assert (await world.reload(connection)).auth.generation == 2


async def test_what_does_not_expire_cannot_be_refreshed_by_hand(world):
    connection = await world.draft("stripe")
    await world.entered(connection, "api-key")
    with pytest.raises(NotAllowedNowError):
        await world.hub.connections.refresh_credentials(world.actor, connection.id)


async def test_what_tells_no_expiry_is_probed_by_the_default_test(world):
    connection = await world.draft("stripe")
    await world.entered(connection, "api-key")
    await world.tested(connection)
    await world.hub.connections.activate(world.actor, connection.id)
    world.clock.advance(24 * 3600)
    assert await world.due() == [connection.id]
    async with outside(world, answering(401, {"error": {"message": "Invalid API Key"}})):
        await world.work()
        run = (await world.hub.test_runs.latest(world.actor, [connection.id]))[connection.id]
        assert run.kind is RunKind.PROBE
        await world.hub.dispatcher.drain()
    assert (await world.reload(connection)).state is ConnectionState.AUTHENTICATION_ERROR


async def test_no_transaction_is_open_while_the_provider_is_asked(world):
    connection = await world.connected("generic-oauth2", GENERIC)
    proved = []

    async def write_meanwhile(request):
        # On SQLite this would wait for ever for the one connection if a transaction were held across the call.
        async with asyncio.timeout(5):
            await world.hub.connections.update(world.actor, connection.id, description="meanwhile")
        proved.append(True)
        return httpx.Response(503, json={})

    async with outside(world, write_meanwhile):
        with pytest.raises(TransientOutsideError):
            await renew(world, connection)
    assert proved == [True]


async def test_what_is_due_is_renewed_once_however_many_processes_look(world):
    await world.connected()
    world.clock.advance(11.8 * 3600)
    before = len(world.token_calls())
    await asyncio.gather(*(world.work() for _ in range(3)))
    assert len(world.token_calls()) - before == 1


async def test_a_renewal_is_no_edit_of_the_connection(world):
    connection = await world.connected()
    await renew(world, connection)
    await world.hub.connections.update(
        world.actor, connection.id, description="edited", expected_revision=connection.revision
    )


async def test_a_failure_is_not_tried_again_within_half_a_minute(world):
    connection = await world.connected("generic-oauth2", GENERIC)
    calls = []
    async with outside(world, answering(503, {}, calls)):
        for _ in range(3):
            with pytest.raises(TransientOutsideError, match="UPSTREAM_UNAVAILABLE"):
                await renew(world, connection)
        assert len(calls) == 1
        world.clock.advance(30)
        with pytest.raises(TransientOutsideError):
            await renew(world, connection)
        assert len(calls) == 2


def for_five_seconds():
    tokens = {"access_token": canary_secret("five-s-"), "refresh_token": canary_secret("next-")}
    return answering(200, {**tokens, "token_type": "Bearer", "expires_in": 5})


async def short_lived(world):
    """Return a connection whose newest token lives for five seconds."""
    connection = await world.connected("generic-oauth2", GENERIC)
    async with outside(world, for_five_seconds()):
        await renew(world, connection)
    return connection


async def test_a_short_lived_token_is_tried_again_in_its_own_time_so_that_a_moments_outage_is_one_of_a_moment(
    world,
):
    connection = await short_lived(world)
    calls = []
    async with outside(world, answering(503, {}, calls)):
        for _ in range(3):
            with pytest.raises(TransientOutsideError, match="UPSTREAM_UNAVAILABLE"):
                await renew(world, connection, 2)
    assert len(calls) == 1
    due_at = (await world.renewal_of(connection)).due_at
    assert 1 <= (due_at - world.clock.now()).total_seconds() <= 2
    world.clock.advance(2)
    assert await world.due() == [connection.id]
    async with outside(world, for_five_seconds()):
        await renew(world, connection, 2)
    assert (await credential_of(connection)).generation == 3


async def test_a_short_lived_token_waits_as_long_as_the_provider_asks_for(world):
    connection = await short_lived(world)
    calls = []

    async def busy(request):
        calls.append(request)
        return httpx.Response(429, headers={"Retry-After": "20"}, json={})

    async with outside(world, busy):
        for seconds in (0, 19):
            world.clock.advance(seconds)
            with pytest.raises(TransientOutsideError):
                await renew(world, connection, 2)
    assert len(calls) == 1


async def test_a_person_who_asks_is_not_put_off(world):
    connection = await world.connected("generic-oauth2", GENERIC)
    async with outside(world, answering(503, {})):
        with pytest.raises(TransientOutsideError):
            await renew(world, connection)
    await world.hub.connections.refresh_credentials(world.actor, connection.id)
    assert (await world.reload(connection)).auth.generation == 2


@pytest.mark.threat("R17")
async def test_an_outage_of_ten_minutes_is_over_two_minutes_after_it(world):
    connection = await world.connected("generic-oauth2", GENERIC)
    world.clock.advance(3_000)
    begun = world.clock.now()
    async with outside(world, answering(503, {})):
        while (world.clock.now() - begun).total_seconds() < 600:
            with pytest.raises(TransientOutsideError):
                await renew(world, connection)
            due_at = (await world.renewal_of(connection)).due_at
            world.clock.advance((due_at - world.clock.now()).total_seconds())
    assert (world.clock.now() - begun).total_seconds() <= 720
    assert await world.due() == [connection.id]


async def test_credentials_that_cannot_be_renewed_are_probed_when_they_have_run_out(world):
    connection = await world.connected("generic-oauth2", GENERIC)
    await CredentialRecord.filter(connection_id=connection.id).update(can_renew=False)
    world.clock.advance(3_000)
    await world.work()
    assert (await world.renewal_of(connection)).due_at == connection.auth.expires_at


async def test_a_grant_for_a_connection_that_is_gone_is_taken_back(world):
    config = {**GENERIC, "revokeUrl": "https://auth.example.com/revoke"}
    connection = await world.connected("generic-oauth2", config)
    asked = []
    real = httpx.ASGITransport(app=world.outside.app)

    async def disconnecting(request):
        asked.append(request)
        if len(asked) == 1:
            await world.hub.connections.disconnect(world.actor, connection.id)
        return await real.handle_async_request(request)

    async with outside(world, disconnecting):
        await renew(world, connection)
    assert [request.url.path.rsplit("/", 1)[1] for request in asked][:2] == ["token", "revoke"]
    assert (await world.reload(connection)).state is ConnectionState.DISCONNECTED


async def test_a_reference_to_an_outside_secret_stays_one_when_it_is_renewed(world, monkeypatch):
    connection = await world.draft("acme", {"shop": "north"})
    authorization = await world.begin(connection, "login")
    secret = authorization.step.prefilled["password"]
    known = {"SHOP_KEY": Secret(secret)}
    monkeypatch.setattr(world.hub.renewal._outside_secrets, "_values", known)
    monkeypatch.setattr(world.hub.renewal._outside_secrets, "_workspaces", frozenset({"*"}))
    values = {**authorization.step.prefilled, "password": "env:PATCHBAY_SECRET_SHOP_KEY"}
    await world.hub.authorizations.submit_credentials(world.actor, authorization.id, values)
    await renew(world, connection)
    ref = connection.owner.credential_ref
    sealed = await world.hub.vault.reveal(world.actor, ref, purpose=RevealPurpose.RENEWAL)
    assert sealed.generation == 2
    assert sealed.value["values"]["password"].reveal() == "env:PATCHBAY_SECRET_SHOP_KEY"


def test_modes_are_the_two_that_the_api_names():
    assert {mode.value for mode in Mode} == {"LIVE", "SANDBOX"}
