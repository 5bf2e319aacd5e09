"""A connection may name a secret in the operator's Vault, below a prefix that its workspace was granted."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from app.connections.lifecycle import ConnectionState
from app.connections.snapshot import AuthorizationStateName as State
from app.credentials.vault_paths import grants_of
from app.foundation.errors import InvalidInputError, NotAllowedNowError
from app.settings import SettingsError, read_settings
from app.vault.vault import RevealPurpose
from tests.canary import secret
from tests.connections.conftest import World
from tests.fakes.key_value import KeyValue
from tests.hubs import owner, running_hub, settings_for, test_keys
from tests.servers import running

SHOP = "secret/data/patchbay/shop"
REFERENCE = f"vault:{SHOP}#password"


@pytest.fixture
async def keeper():
    """Run the stand-in on loopback; yield it and its address."""
    keeper = KeyValue(secret("vault-token"))
    async with running(keeper.app) as address:
        yield keeper, address.http


@pytest.fixture
def token_file(keeper, tmp_path):
    file = tmp_path / "vault-token"
    file.write_text(f"{keeper[0].token}\n")
    file.chmod(0o400)
    return file


@pytest.fixture
async def open_world(keeper, token_file, sqlite_url, tmp_path, clock):
    """Return a function that runs a hub with other grants on the same data."""
    keys = test_keys()

    @asynccontextmanager
    async def opened(allowed="*=secret/data/patchbay"):
        settings = settings_for(
            sqlite_url,
            tmp_path,
            PATCHBAY_VAULT_ADDRESS=keeper[1],
            PATCHBAY_VAULT_TOKEN_FILE=str(token_file),
            PATCHBAY_VAULT_ALLOWED=allowed,
        )
        async with running_hub(settings, clock=clock, keys=keys) as (hub, outside):
            with hub.database.bind():
                yield World(hub, outside, await owner(hub), clock)

    return opened


async def submitted(world, reference=REFERENCE):
    connection = await world.draft("generic-http", {"baseUrl": "https://a.example.com", "testPath": "/ping"})
    return connection, await world.entered(connection, "basic", password=reference)


def told(submission):
    _, authorization = submission
    return authorization.state, authorization.problem.code


async def used(world, connection):
    live = await world.hub.credentials.open(world.actor, connection.owner, RevealPurpose.TEST)
    return live.grant.values["password"].reveal()


def sandbox_password(world):
    method = world.hub.catalog.definition("generic-http").auth_method("basic")
    return method.credentials["properties"]["password"]["examples"][0]


async def test_a_path_is_read_at_each_use_and_only_the_reference_is_stored(open_world, keeper):
    async with open_world() as world:
        keeper[0].secrets[SHOP] = {"password": sandbox_password(world)}
        connection, authorization = await submitted(world)
        assert authorization.state is State.AUTHENTICATED
        assert (await world.tested(connection)).verdict == "PASSED"
        changed = secret("changed-there")
        keeper[0].secrets[SHOP] = {"password": changed}
        assert await used(world, connection) == changed
    async with open_world("wks_another=secret/data/patchbay") as world:
        with pytest.raises(NotAllowedNowError) as caught:  # the grant was taken away
            await used(world, connection)
        assert caught.value.problem.code == "KEY_UNAVAILABLE"


@pytest.mark.parametrize(
    ("allowed", "reference", "is_asked"),
    [
        ("wks_another=secret/data/patchbay", REFERENCE, False),
        ("*=secret/data/patch", REFERENCE, False),  # a prefix ends where a segment ends
        ("*=secret/data/patchbay/shop", REFERENCE, False),  # below it, not itself
        ("*=secret/data/other", REFERENCE, False),
        ("*=secret/data/patchbay", "vault:secret/data/patchbay/none#password", True),
        ("*=secret/data/patchbay", f"vault:{SHOP}#other", True),
        ("*=secret/data/patchbay", f"vault:{SHOP}#number", True),
        ("*=secret/data/patchbay", "vault:secret/data/patchbay/deleted#password", True),
        ("*=secret/data/patchbay", "vault:secret/data/patchbay/forbidden#password", True),
    ],
)
async def test_what_is_not_granted_and_what_is_not_there_are_told_alike(
    open_world, keeper, allowed, reference, is_asked
):
    keeper[0].secrets |= {SHOP: {"password": "x", "number": 5}, "secret/data/patchbay/deleted": None}
    keeper[0].forbidden.add("secret/data/patchbay/forbidden")
    async with open_world(allowed) as world:
        with pytest.raises(InvalidInputError) as caught:
            await submitted(world, reference)
        assert caught.value.problem.path == ("credentials", "password")
        assert caught.value.problem.message.endswith("no such outside secret is granted to this workspace.")
    assert bool(keeper[0].asked) is is_asked


@pytest.mark.parametrize(
    "text",
    [
        "vault:secret/data/patchbay/../other#password",
        "vault:secret/data/patchbay/%2e%2e/other#password",
        "vault:secret//data/patchbay/shop#password",
        "vault:/secret/data/patchbay/shop#password",
        "vault:secret/data/patchbay/shop",
        "vault:v1:c2VjcmV0",
        "vault:secret/data/patchbay/shop?version=1#password",
        "vault:secret#password",
    ],
)
async def test_what_is_no_reference_is_a_password_like_any_other(open_world, keeper, text):
    async with open_world() as world:
        connection, authorization = await submitted(world, text)
        assert authorization.state is State.AUTHENTICATED
        assert await used(world, connection) == text
    assert keeper[0].asked == []


async def test_a_sealed_vault_is_told_as_such_and_costs_no_connection_its_state(open_world, keeper, clock):
    async with open_world() as world:
        keeper[0].secrets[SHOP] = {"password": sandbox_password(world)}
        connection, _ = await submitted(world)
        await world.tested(connection)
        await world.hub.connections.activate(world.actor, connection.id)
        keeper[0].fault_status = 503
        with pytest.raises(NotAllowedNowError) as caught:
            await used(world, connection)
        assert caught.value.problem.retryable
        await world.tested(connection)
        assert (await world.reload(connection)).state is ConnectionState.CONNECTED
        assert told(await submitted(world)) == (State.AWAITING_INPUT, "KEY_UNAVAILABLE")
        keeper[0].fault_status = None
        assert await used(world, connection) == sandbox_password(world)


async def test_a_token_file_that_others_may_read_is_not_used(open_world, keeper, token_file):
    async with open_world() as world:
        keeper[0].secrets[SHOP] = {"password": "x"}
        token_file.chmod(0o444)
        assert told(await submitted(world)) == (State.AWAITING_INPUT, "KEY_UNAVAILABLE")
    assert keeper[0].asked == []


def given(tmp_path, **more):
    token, authorities = tmp_path / "token", tmp_path / "authorities"
    token.write_text("x")
    authorities.write_text("no certificate")
    return {
        "PATCHBAY_VAULT_ADDRESS": "https://vault.example.com:8200",
        "PATCHBAY_VAULT_TOKEN_FILE": str(token),
        "PATCHBAY_VAULT_ALLOWED": "*=secret/data/patchbay",
        **{f"PATCHBAY_VAULT_{name}": value for name, value in more.items()},
    }


@pytest.mark.parametrize(
    ("more", "faults"),
    [
        ({"ADDRESS": ""}, ["VAULT_ADDRESS: is missing"]),
        ({"TOKEN_FILE": "", "ALLOWED": ""}, ["VAULT_TOKEN_FILE: is missing", "VAULT_ALLOWED: is missing"]),
        ({"ADDRESS": "http://vault.example.com"}, ["VAULT_ADDRESS: must be https"]),
        ({"ADDRESS": "https://user@vault.example.com"}, ["VAULT_ADDRESS: must be an origin"]),
        ({"ADDRESS": "https://vault.example.com/v1"}, ["VAULT_ADDRESS: must be an origin"]),
        ({"ADDRESS": "https://[vault"}, ["VAULT_ADDRESS: must be an origin"]),
        ({"TOKEN_FILE": "/nowhere/token"}, ["VAULT_TOKEN_FILE: there is no such file"]),
        ({"CA_FILE": "authorities"}, ["VAULT_CA_FILE: holds no certificates"]),
        ({"ALLOWED": "secret/data/patchbay"}, ["VAULT_ALLOWED: an entry is"]),
        ({"ALLOWED": "*=secret"}, ["VAULT_ALLOWED: an entry is"]),
        ({"ALLOWED": "*=secret/../auth"}, ["VAULT_ALLOWED: an entry is"]),
    ],
)
def test_wrong_settings_are_told_by_name(tmp_path, monkeypatch, more, faults):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError) as caught:
        read_settings(given(tmp_path, **more))
    assert len(caught.value.faults) == len(faults)
    for fault, expected in zip(caught.value.faults, faults, strict=True):
        assert fault.startswith(f"PATCHBAY_{expected}")


def test_grants_are_gathered_by_workspace(tmp_path):
    settings = read_settings(given(tmp_path, ALLOWED="*=secret/data/all, wks_a=kv/data/a/ wks_a=kv/data/b"))
    assert grants_of(settings.vault_allowed) == {
        "*": ("secret/data/all",),
        "wks_a": ("kv/data/a", "kv/data/b"),
    }
