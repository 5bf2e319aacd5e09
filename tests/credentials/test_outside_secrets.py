"""A connection may name one of the operator's secrets; only the reference is stored."""

from __future__ import annotations

import pytest

from app.connections.snapshot import AuthorizationStateName as State
from app.foundation.errors import InvalidInputError, NotAllowedNowError, OutsideError
from app.vault.models import SealedRecord
from app.vault.vault import RevealPurpose
from tests.connections.conftest import GENERIC, World
from tests.credentials.renewing import answering, outside, renew
from tests.hubs import owner, running_hub, settings_for, test_keys

REFERENCE = "env:PATCHBAY_SECRET_SHOP_KEY"


def settings(url, folder, **more):
    return settings_for(url, folder, **{"PATCHBAY_SECRETS_ALLOWED": "*", **more})


async def submitted(world, reference=REFERENCE):
    connection = await world.draft("generic-http", {"baseUrl": "https://a.example.com", "testPath": "/ping"})
    return connection, await world.entered(connection, "basic", password=reference)


def sandbox_password(world):
    method = world.hub.catalog.definition("generic-http").auth_method("basic")
    return method.credentials["properties"]["password"]["examples"][0]


@pytest.fixture
async def open_world(sqlite_url, tmp_path, clock):
    """Return a function that runs a hub with other settings on the same data."""
    from contextlib import asynccontextmanager

    keys = test_keys()

    @asynccontextmanager
    async def opened(**more):
        async with running_hub(settings(sqlite_url, tmp_path, **more), clock=clock, keys=keys) as (
            hub,
            outside,
        ):
            with hub.database.bind():
                yield World(hub, outside, await owner(hub), clock)

    return opened


@pytest.fixture
async def password(open_world):
    async with open_world() as world:
        return sandbox_password(world)


async def test_a_reference_is_resolved_for_use_and_never_stored_as_its_value(open_world, password):
    async with open_world(PATCHBAY_SECRET_SHOP_KEY=password) as world:
        connection, authorization = await submitted(world)
        assert authorization.state is State.AUTHENTICATED
        run = await world.tested(connection)
        assert run.verdict == "PASSED"
        live = await world.hub.credentials.open(world.actor, connection.owner, RevealPurpose.TEST)
        assert live.grant.values["password"].reveal() == password
        assert await SealedRecord.filter(owner_row=connection.id).count() == 1


async def test_a_changed_secret_is_used_from_then_on_without_any_edit(open_world, password):
    async with open_world(PATCHBAY_SECRET_SHOP_KEY=password) as world:
        connection, _ = await submitted(world)
    async with open_world(PATCHBAY_SECRET_SHOP_KEY="another-password") as world:
        live = await world.hub.credentials.open(world.actor, connection.owner, RevealPurpose.TEST)
        assert live.grant.values["password"].reveal() == "another-password"


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"PATCHBAY_SECRET_SHOP_KEY": "x", "PATCHBAY_SECRETS_ALLOWED": "wks_someone_else"},
    ],
)
async def test_what_is_not_granted_and_what_is_not_there_are_told_alike(open_world, more):
    async with open_world(**more) as world:
        with pytest.raises(InvalidInputError) as caught:
            await submitted(world)
        assert caught.value.problem.path == ("credentials", "password")
        assert caught.value.problem.message.endswith("no such outside secret is granted to this workspace.")


@pytest.mark.parametrize(
    "reference", ["env:PATH", "env:PATCHBAY_KEY", "env:HOME", "env:patchbay_secret_shop_key"]
)
async def test_no_other_variable_is_ever_read(open_world, reference):
    async with open_world(PATCHBAY_SECRET_SHOP_KEY="x") as world:
        _, authorization = await submitted(world, reference)
        # It is a password like any other, and the sandbox does not take it.
        assert authorization.state is State.AUTHENTICATED


async def test_a_secret_that_was_taken_away_says_so(open_world, password):
    async with open_world(PATCHBAY_SECRET_SHOP_KEY=password) as world:
        connection, _ = await submitted(world)
    async with open_world() as world:
        with pytest.raises(NotAllowedNowError):
            await world.hub.credentials.open(world.actor, connection.owner, RevealPurpose.TEST)


@pytest.mark.parametrize("reference", [REFERENCE, "vault:secret/data/patchbay/shop#key"])
async def test_a_provider_that_gives_a_reference_for_a_token_is_handed_no_secret(open_world, reference):
    async with open_world(PATCHBAY_SECRET_SHOP_KEY="x") as world:
        before = await world.connected("generic-oauth2", GENERIC)
        token = {"access_token": reference, "token_type": "Bearer", "expires_in": 3600, "refresh_token": "r"}
        async with outside(world, answering(200, token)):
            with pytest.raises(OutsideError) as caught:
                await renew(world, before)
        assert caught.value.problem.code == "UPSTREAM_BAD_RESPONSE"
        live = await world.hub.credentials.open(world.actor, before.owner, RevealPurpose.TEST)
        assert live.generation == 1
        assert not world.hub.credentials._opener._outside_secrets.references(live.grant)
