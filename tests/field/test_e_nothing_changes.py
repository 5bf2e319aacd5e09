"""E7: what changes nothing makes no revision, no event and no row of the audit log."""

from __future__ import annotations

import pytest

from app.access.policy import Permission
from app.credentials.snapshot import Mode
from tests.connections import conftest

world = conftest.world  # a fixture is found by name
CONFIG = {"baseUrl": "https://api.example.com", "testPath": "/me"}


async def connected(world):
    return await world.connected("slack")


async def facts(world, connection):
    """Return all that a verb could have changed: revision, events, audit rows."""
    entries = await world.hub.audit.entries(world.actor)
    return (
        (await world.reload(connection)).revision,
        len(await world.events()),
        entries.total or len(entries.items),
    )


async def configured(world):
    return await world.draft("generic-http", CONFIG)


async def paused(world):
    connection = await connected(world)
    return (await world.hub.connections.pause(world.actor, connection.id)).connection


async def disconnected(world):
    connection = await connected(world)
    return (await world.hub.connections.disconnect(world.actor, connection.id)).connection


@pytest.mark.parametrize(
    ("ready", "verb", "given"),
    [
        (connected, "update", {}),
        (connected, "update", {"name": "Connection 1"}),
        (connected, "update", {"name": " Connection 1 ", "description": ""}),
        (connected, "update_config", {"config": {}}),
        (configured, "update_config", {"config": CONFIG}),
        (connected, "activate", {}),
        (connected, "resume", {}),
        (paused, "pause", {}),
        (disconnected, "disconnect", {}),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)[:30]),
)
async def test_what_is_so_already_changes_nothing(world, ready, verb, given):
    """E7: an empty update, the same values, and verbs that have been done."""
    connection = await ready(world)
    before = await facts(world, connection)
    try:
        edited = await getattr(world.hub.connections, verb)(world.actor, connection.id, **given)
        assert edited.connection.revision == connection.revision
    except Exception as fault:  # noqa: BLE001 - a refusal changes nothing either
        assert verb in {"activate", "resume", "pause", "disconnect"}, fault  # noqa: PT017 - which verbs may refuse
    assert await facts(world, connection) == before


async def test_what_changes_something_makes_one_of_each(world):
    """E7: and only what changes something."""
    connection = await world.draft("generic-http", CONFIG)
    revision, events, entries = await facts(world, connection)
    await world.hub.connections.update(world.actor, connection.id, description="For tests")
    assert await facts(world, connection) == (revision + 1, events + 1, entries + 1)


async def test_a_token_is_revoked_once(world):
    """E7: revoking it again changes nothing."""
    made = await world.hub.tokens.create(
        world.actor, name="T", scopes=[Permission.CATALOG_READ], expires_in=None
    )
    connection = await world.draft("slack", mode=Mode.SANDBOX)
    await world.hub.tokens.revoke(world.actor, made.id)
    before = await facts(world, connection)
    await world.hub.tokens.revoke(world.actor, made.id)
    assert await facts(world, connection) == before
