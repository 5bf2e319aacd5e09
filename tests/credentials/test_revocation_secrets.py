"""Revoking proves who we are with what really was entered: outside secrets resolved, secret configuration in place."""

from __future__ import annotations

from urllib.parse import parse_qs

import httpx
import pytest

from app.credentials.snapshot import Mode, RevocationState
from tests.connections.conftest import World
from tests.factories.acme import acme, with_acme
from tests.hubs import CATALOG, owner, running_hub, settings_for, test_keys

METHOD = {
    "id": "machine",
    "kind": "oauth2",
    "grant": "client_credentials",
    "title": "As a machine",
    "tokenUrl": "https://login.acme.example/token",
    "revokeUrl": "https://login.acme.example/revoke",
    "revokeParams": {"signature": "{config.signing}"},
    "clientAuth": "post",
    "credentials": {
        "type": "object",
        "required": ["clientId", "clientSecret"],
        "properties": {"clientId": {"type": "string"}, "clientSecret": {"type": "string", "secret": True}},
    },
    "token": {"expiresIn": "expires_in", "example": {"access_token": "acme_sample", "expires_in": 600}},
    "renewal": {"by": "grant"},
}
SIGNING = "signing-secret-of-the-shop"


@pytest.fixture
async def world(database_url, redis_for, tmp_path, clock):
    settings = settings_for(
        database_url,
        tmp_path,
        redis_for,
        PATCHBAY_SECRET_SHOP="the-operators-secret",
        PATCHBAY_SECRETS_ALLOWED="*",
    )
    catalog = with_acme(CATALOG, acme(auth=[METHOD]))
    async with running_hub(settings, clock=clock, keys=test_keys(), catalog=catalog) as (
        hub,
        outside,
    ):
        with hub.database.bind():
            yield World(hub, outside, await owner(hub), clock)


async def connected(world, sent):
    """Return a connection that was authenticated with an outside reference; ``sent`` collects the forms."""

    async def answer(request):
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        sent.append((request.url.path, form))
        return httpx.Response(200, json={"access_token": "a-token", "expires_in": 600})

    world.outside.instead = answer
    connection = await world.draft("acme", {"shop": "north", "signing": SIGNING}, Mode.LIVE)
    authorization = await world.begin(connection, "machine")
    entered = {"clientId": "shop", "clientSecret": "env:PATCHBAY_SECRET_SHOP"}
    await world.hub.authorizations.submit_credentials(world.actor, authorization.id, entered)
    return connection


@pytest.mark.parametrize("verb", ["disconnect", "delete"])
async def test_what_is_revoked_is_proved_with_the_secrets_themselves(world, verb):
    sent: list[tuple[str, dict[str, str]]] = []
    connection = await connected(world, sent)
    sent.clear()

    edited = await getattr(world.hub.connections, verb)(world.actor, connection.id)
    await world.work()

    done = await world.hub.revocations.get(world.actor, edited.revocation.id)
    (path, form) = sent[0]
    assert path == "/revoke"
    assert form["client_secret"] == "the-operators-secret"
    assert form["signature"] == SIGNING
    assert done.revoked == ("accessToken",)
    assert done.state is RevocationState.PARTLY_REVOKED  # the client secret itself lives on at the provider


async def test_nothing_that_was_sealed_for_a_revocation_outlives_it(world):
    connection = await connected(world, [])
    edited = await world.hub.connections.delete(world.actor, connection.id)
    fields = await world.hub.vault.fields_of(world.actor.workspace_id, "revocation", edited.revocation.id)
    assert fields == ["config.signing", "credentials"]
    await world.work()
    assert await world.hub.vault.fields_of(world.actor.workspace_id, "revocation", edited.revocation.id) == []


async def test_a_secret_that_the_operator_took_away_is_not_replaced_by_its_reference(world):
    sent: list[tuple[str, dict[str, str]]] = []
    connection = await connected(world, sent)
    sent.clear()
    world.hub.credentials._opener._outside_secrets._values = {}

    edited = await world.hub.connections.disconnect(world.actor, connection.id)
    await world.work()

    pending = await world.hub.revocations.get(world.actor, edited.revocation.id)
    assert sent == []
    assert (pending.state, pending.attempts) == (RevocationState.PENDING, 1)
