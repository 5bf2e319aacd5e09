"""A whole hub per test, as the connections' tests have it, and one whose operator allows this machine's servers."""

import pytest

from tests.connections.conftest import WITH_ACME, World, redis_for, world
from tests.hubs import owner, running_hub, settings_for, test_keys

__all__ = ["local_world", "redis_for", "world"]


@pytest.fixture
async def local_world(database_url, redis_for, tmp_path, clock):
    """A hub whose connections may be configured with plain http to loopback."""
    settings = settings_for(database_url, tmp_path, redis_for, PATCHBAY_EGRESS_ALLOW="127.0.0.0/8")
    async with running_hub(settings, clock=clock, keys=test_keys(), catalog=WITH_ACME) as (hub, outside):
        with hub.database.bind():
            yield World(hub, outside, await owner(hub), clock)
