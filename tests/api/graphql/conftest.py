"""The GraphQL door over the fake hub: by ASGI for speed, by real sockets where a socket matters."""

from __future__ import annotations

import httpx
import pytest
from starlette.applications import Starlette

from app.api.graphql import endpoint
from app.api.graphql.endpoint import graphql_routes
from app.api.graphql.schema import build_schema
from app.api.graphql.timeouts import TransportTimeouts
from tests.api.graphql.fake_hub import BEARER, PUBLIC_URL, load_test_catalog, make_hub
from tests.servers import running

QUICK = TransportTimeouts(init_s=0.2, send_s=0.5, close_s=0.2, revalidate_s=0.05, heartbeat_s=0.05)


@pytest.fixture(scope="session")
def catalog():
    return load_test_catalog()


@pytest.fixture
def hub(catalog):
    return make_hub(catalog)


@pytest.fixture(scope="session")
def built_schema():
    return build_schema()


@pytest.fixture
def app(hub, built_schema, monkeypatch):
    monkeypatch.setattr(
        endpoint, "build_schema", lambda: built_schema
    )  # building it takes longer than most tests
    return Starlette(routes=graphql_routes(hub, QUICK))


@pytest.fixture
async def client(app):
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL) as client:
        yield client


@pytest.fixture
def ask(client):
    """Ask as the token's owner; return the answer's JSON."""

    async def ask(query, variables=None, *, headers=BEARER, **more):
        body = {"query": query, "variables": variables, **more}
        response = await client.post("/graphql", json=body, headers=headers)
        assert response.status_code == 200, response.text
        return response.json()

    return ask


@pytest.fixture
async def server(app, hub):
    """The same door on a real socket."""

    def started(address):
        hub.public_url = address.http

    async with running(app, started=started) as address:
        yield address
