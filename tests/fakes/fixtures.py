"""The outside world as fixtures: started once per session, put back to the beginning for each test."""

from __future__ import annotations

import pytest

from tests.canary import register, secret
from tests.fakes.oauth_server import running_oauth_server
from tests.fakes.prometheus import running_prometheus

RIGHT_PASSWORD = secret("right-from-the-start-")


@pytest.fixture(scope="session")
def session_oauth_server():
    with running_oauth_server() as server:
        yield server


@pytest.fixture
def oauth_server(session_oauth_server):
    """Return the standard OAuth server with figures at zero and long lifetimes; no token of it may be seen."""
    session_oauth_server.reset()
    yield session_oauth_server
    register(*session_oauth_server.issued())


@pytest.fixture(scope="session")
def session_prometheus(tmp_path_factory):
    with running_prometheus(tmp_path_factory.mktemp("prometheus"), RIGHT_PASSWORD) as server:
        yield server


@pytest.fixture
def prometheus(session_prometheus):
    """Return Prometheus with its first password."""
    session_prometheus.set_password(RIGHT_PASSWORD)
    return session_prometheus
