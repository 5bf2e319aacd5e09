"""Hubs for journeys: one of each arrangement that tests share, and own ones for tests that end them."""

from __future__ import annotations

import pytest

from tests.journeys.client import Client
from tests.journeys.hub_process import EMBEDDED, SCALED, HubProcess, fresh_hub

BOTH = [EMBEDDED, pytest.param(SCALED, marks=pytest.mark.scaled)]


@pytest.fixture(scope="session", params=BOTH)
def hub(request, tmp_path_factory):
    """Return a running hub of each arrangement in turn, shared by all tests: name your own connections."""
    with fresh_hub(request.param, tmp_path_factory.mktemp(request.param)) as hub:
        hub.start()
        assert hub.token
        yield hub
        verified = hub.command("audit", "verify")
        assert verified.returncode == 0, verified.stdout
        assert set(hub.terminate()) == {0}
        assert hub.faults_logged == []


@pytest.fixture(params=BOTH)
def own_hub(request, tmp_path):
    """Return a hub of each arrangement in turn that the test starts, stops and kills by itself."""
    with fresh_hub(request.param, tmp_path) as hub:
        yield hub


@pytest.fixture
async def client(hub: HubProcess):
    """Return a client of the shared hub."""
    async with Client(hub.address, hub.token) as client:
        yield client
        await client.clean_up()
