"""A whole hub whose outside is the real network, and a scripted provider on the loopback; both databases in turn."""

from __future__ import annotations

from contextlib import asynccontextmanager

import httpx
import pytest

from app.api.http.cookies import BROWSER as BROWSER_COOKIE
from app.api.http.cookies import cookie_name
from app.credentials.snapshot import Mode
from app.foundation.clock import FrozenClock
from app.foundation.secret import Secret
from app.hub import build_hub
from app.main import build_app
from app.worker import register_work
from tests.canary import secret
from tests.connections.conftest import BROWSER, WITH_ACME, World, redis_for  # noqa: F401 - a fixture is found by name
from tests.field.provider import CLIENT_ID, Provider, running_provider
from tests.hubs import CATALOG, ORIGIN, owner, running_hub, settings_for, test_keys
from tests.servers import running

LOOPBACK = {"PATCHBAY_EGRESS_ALLOW": "127.0.0.0/8"}


class LiveWorld(World):
    """Short words for a hub that talks to a scripted provider through ``generic-oauth2``."""

    mode = Mode.LIVE

    def __init__(self, hub, provider: Provider, actor, clock):
        super().__init__(hub, None, actor, clock)
        self.provider = provider

    async def live(self, integration="generic-oauth2", **config):
        """Return the draft of a connection that talks to the provider."""
        return await self.draft(integration, {**self.provider.config, **config}, Mode.LIVE)

    async def register(self, integration="generic-oauth2", **more):
        """Save the hub's application at the provider, for the provider's addresses."""
        given = {
            "client_id": CLIENT_ID,
            "client_secret": Secret(secret("client-")),
            "origins": [self.provider.config["tokenUrl"]],
            **more,
        }
        return await self.hub.applications.save(self.actor, integration=integration, **given)

    async def sign_in(self, connection, **more):
        """Consent at the provider and come back; return the authorization as it is then."""
        authorization = await self.begin(connection, **more)
        started = await self.hub.browser.start(authorization.id, BROWSER)
        params = self.provider.returned(started.url)
        application = authorization.step.redirect_uri.rsplit("/", 1)[1]
        return (await self.hub.browser.returned(application, params, BROWSER)).authorization

    async def signed_in(self, **config):
        connection = await self.live(**config)
        await self.sign_in(connection)
        return await self.reload(connection)

    async def activated(self, **config):
        connection = await self.signed_in(**config)
        await self.tested(connection)
        return (await self.hub.connections.activate(self.actor, connection.id)).connection


@asynccontextmanager
async def live_world(database_url, redis_url, folder, clock, **environment):
    """Run a hub and a provider."""
    settings = settings_for(database_url, folder, redis_url, **LOOPBACK, **environment)
    async with (
        running_provider() as provider,
        build_hub(settings, local_url=ORIGIN, clock=clock, keys=test_keys(), catalog=CATALOG) as hub,
    ):
        register_work(hub)
        await hub.members.ensure_owner()
        with hub.database.bind():
            live = LiveWorld(hub, provider, await owner(hub), clock)
            await live.register()
            yield live


@pytest.fixture
async def live(database_url, redis_for, tmp_path):  # noqa: F811 - the fixture's own name
    async with live_world(database_url, redis_for, tmp_path, FrozenClock()) as world:
        yield world


@asynccontextmanager
async def door(world: World):
    """Serve the hub's doors over real HTTP; yield a client with the cookie of the browser that signs in."""
    async with build_app(world.hub) as app, running(app) as address:
        cookies = {cookie_name(BROWSER_COOKIE, world.hub.public_url): BROWSER.reveal()}
        async with httpx.AsyncClient(base_url=address.http, cookies=cookies) as client:
            yield client


@pytest.fixture
async def local_world(database_url, redis_for, tmp_path, clock):  # noqa: F811 - the fixture's own name
    """A hub whose outside is the sandbox, and whose connections may be configured with plain http to loopback."""
    settings = settings_for(database_url, tmp_path, redis_for, **LOOPBACK)
    async with running_hub(settings, clock=clock, keys=test_keys(), catalog=WITH_ACME) as (hub, outside):
        with hub.database.bind():
            yield World(hub, outside, await owner(hub), clock)
