"""A whole hub per test, in this process: both databases in turn, the sandbox as the outside."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from app.connections.snapshot import AuthorizationSnapshot
from app.credentials.snapshot import Mode
from app.demo.person import press
from app.foundation.secret import Secret
from tests.canary import secret
from tests.factories.acme import with_acme
from tests.hubs import CATALOG, owner, running_hub, settings_for, test_keys

BROWSER = Secret(secret("browser-"))
WITH_ACME = with_acme(CATALOG)
OTHER_BROWSER = Secret(secret("browser-"))
GENERIC = {
    "authorizeUrl": "https://auth.example.com/authorize",
    "tokenUrl": "https://auth.example.com/token",
    "baseUrl": "https://api.example.com",
    "testPath": "/me",
    "scopes": "read write",
}


class World:
    """One hub with its outside, and short words for what tests do all the time."""

    def __init__(self, hub, outside, actor, clock):
        self.hub = hub
        self.outside = outside
        self.actor = actor
        self.clock = clock
        self._number = 0

    async def draft(self, integration="slack", config=None, mode=Mode.SANDBOX):
        self._number += 1
        name = f"Connection {self._number}"
        edited = await self.hub.connections.create(
            self.actor, name=name, integration=integration, mode=mode, config=config or {}
        )
        return edited.connection

    async def begin(self, connection, method="oauth", **more):
        return await self.hub.authorizations.begin(self.actor, connection.id, auth_method=method, **more)

    async def entered(self, connection, method="api-key", **values):
        """Enter credentials as the form suggests them, with ``values`` in place of some; return the authorization."""
        authorization = await self.begin(connection, method)
        entered = {**authorization.step.prefilled, **values}
        return await self.hub.authorizations.submit_credentials(self.actor, authorization.id, entered)

    async def at_provider(self, authorization: AuthorizationSnapshot, decision="allow", browser=BROWSER):
        """Open the launch address, decide at the consent page, and return the address the browser is sent back to."""
        started = await self.hub.browser.start(authorization.id, browser)
        transport = httpx.ASGITransport(app=self.outside.app)
        async with httpx.AsyncClient(transport=transport) as client:
            page = await client.get(started.url)
            address, body = press(page, decision)
            answer = await client.post(address, data=body)
        return answer.headers["location"]

    async def come_back(self, address: str, browser=BROWSER, application=None):
        parts = urlsplit(address)
        params = parse_qsl(parts.query, keep_blank_values=True)
        return await self.hub.browser.returned(application or parts.path.rsplit("/", 1)[1], params, browser)

    async def authorized(self, integration="slack", config=None):
        connection = await self.draft(integration, config)
        authorization = await self.begin(connection)
        await self.come_back(await self.at_provider(authorization))
        return await self.hub.connections.get(self.actor, connection.id)

    async def connected(self, integration="slack", config=None):
        connection = await self.authorized(integration, config)
        await self.tested(connection)
        return (await self.hub.connections.activate(self.actor, connection.id)).connection

    async def tested(self, connection):
        run = await self.hub.test_runs.start(self.actor, connection.id)
        await self.hub.dispatcher.drain()  # or it has begun already: then it is waited for
        return await self.hub.test_runs.wait(self.actor, run.id, 10_000)

    async def authorization(self, authorization_id):
        return (await self.hub.authorizations.many(self.actor, [authorization_id]))[authorization_id]

    async def due(self, kind="renewal"):
        """Return the subjects of a kind of work that are due and that nobody has."""
        return [each.id.partition(":")[2] for each in await self.hub.work.find_due([kind], [], 500)]

    async def work(self):
        """Do everything that is due by now in the background."""
        await self.hub.dispatcher.drain()

    async def renewal_of(self, connection):
        """Return how the renewal of a connection's credentials stands."""
        async with self.hub.database.transaction() as tx:
            return (await self.hub.work.lock(tx, "renewal", [connection.id])).get(connection.id)

    async def reload(self, connection):
        return await self.hub.connections.get(self.actor, connection.id)

    async def events(self):
        return (await self.hub.events.reader.page(self.actor.workspace_id, 0, 500)).events

    def token_calls(self):
        return [
            r for r in self.outside.requests if r.url.path.rsplit("/", 1)[-1] in {"token", "oauth.v2.access"}
        ]


@pytest.fixture
async def world(database_url, redis_for, tmp_path, clock):
    settings = settings_for(database_url, tmp_path, redis_for)
    keys = test_keys()
    async with running_hub(settings, clock=clock, keys=keys, catalog=WITH_ACME) as (
        hub,
        outside,
    ):
        with hub.database.bind():
            world = World(hub, outside, await owner(hub), clock)
            world.keys = keys
            yield world


@pytest.fixture
def redis_for(database_url, request):
    return request.getfixturevalue("redis_url") if database_url.startswith("postgres") else None
