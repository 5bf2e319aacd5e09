"""A secret that stands outside goes to the provider itself, for every use."""

from __future__ import annotations

import pytest

from app.credentials.snapshot import RevocationState
from tests.connections.conftest import redis_for  # noqa: F401 - a fixture is found by name
from tests.credentials.test_revocation_secrets import connected, world  # noqa: F401 - likewise


@pytest.mark.parametrize("verb", ["disconnect", "delete"])
async def test_a3_an_outside_secret_is_revoked_with_itself_not_with_its_reference(world, verb):  # noqa: F811 - the fixture
    """A3: the last use resolves what the connection refers to, as the first one did."""
    sent: list[tuple[str, dict[str, str]]] = []
    connection = await connected(world, sent)
    sent.clear()

    edited = await getattr(world.hub.connections, verb)(world.actor, connection.id)
    await world.work()

    assert [form["client_secret"] for path, form in sent if path == "/revoke"] == ["the-operators-secret"]
    done = await world.hub.revocations.get(world.actor, edited.revocation.id)
    assert done.state is not RevocationState.GAVE_UP
