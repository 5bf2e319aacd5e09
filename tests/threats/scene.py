"""One hub, one provider, any number of browsers: what attacks are played with."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import httpx

from app.access.actor import ActorKind
from app.access.policy import Permission
from app.catalog.catalog import Catalog
from app.credentials.models import CredentialRecord
from app.foundation.clock import FrozenClock
from app.hub import Hub
from app.main import build_app
from tests.fakes.browser import Browser
from tests.hubs import ORIGIN, owner, running_hub, settings_for
from tests.journeys.client import Client
from tests.journeys.journey import Journey
from tests.journeys.plans import Plan
from tests.threats.provider import CLIENT_ID, Provider

RETURN = "/oauth/return/"
AUTH, API = "auth.example.com", "api.example.com"
PLAN = Plan(
    "generic-oauth2",
    "oauth",
    {
        "authorizeUrl": f"https://{AUTH}/authorize",
        "tokenUrl": f"https://{AUTH}/token",
        "revokeUrl": f"https://{AUTH}/revoke",
        "baseUrl": f"https://{API}",
        "testPath": "/me",
        "scopes": "read write",
    },
    mode="LIVE",
    needs_config=True,
)


class Network(httpx.AsyncBaseTransport):
    """What a browser reaches: the hub's doors, and the provider under every other name."""

    def __init__(self, doors: Any, provider: Provider) -> None:
        self._doors = httpx.ASGITransport(app=doors)
        self._provider = provider

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if str(request.url).startswith(f"{ORIGIN}/"):
            return await self._doors.handle_async_request(request)
        return self._provider.visit(request)


class Scene:
    """The hub, its outside, and short words for what persons and attackers do."""

    def __init__(self, hub: Hub, provider: Provider, clock: FrozenClock, network: Network, client: Client):
        self.hub = hub
        self.provider = provider
        self.clock = clock
        self.client = client
        self._network = network

    def browser(self) -> Browser:
        """Return a browser that nobody has used yet."""
        return Browser(self._network)

    async def register(self, integration: str, *more: str) -> dict[str, Any]:
        """Save the hub's application at the provider; a second time it stays as it is."""
        payload = await self.client.verb(
            "saveApplication",
            integration=integration,
            clientId=CLIENT_ID,
            clientSecret=self.provider.client_secret,
            origins=["https://auth.example.com", *more] if integration == "generic-oauth2" else None,
        )
        return payload["application"]

    async def journey(self, plan: Plan = PLAN, **begin: Any) -> Journey:
        """Return a connection whose sign-in has begun."""
        await self.register(plan.integration)
        journey = Journey(self.client, plan)
        await journey.create()
        if plan.config:
            await journey.configure()
        await journey.begin(**begin)
        return journey

    async def returning(self, browser: Browser, journey: Journey) -> str:
        """Consent at the provider, and return the address that the browser is sent to, not opened yet."""
        await browser.open(journey.authorization["step"]["launchUrl"], stop_before=RETURN)
        return browser.visited[-1]

    async def revoke_due(self) -> None:
        """Do what the background does about revocations, once they have lain there for a moment."""
        self.clock.advance(6)
        with self.hub.database.bind():
            await self.hub.dispatcher.drain()

    async def nothing_happened(self, journey: Journey, state: str = "PENDING_AUTHENTICATION") -> None:
        """Assert that the provider saw no token request, and that nothing was sealed for the connection."""
        assert self.provider.token_calls == []
        assert (await journey.state())[0] == state
        with self.hub.database.bind():
            assert await CredentialRecord.filter(connection_id=journey.id, generation__gt=0).count() == 0


@asynccontextmanager
async def scene_of(url: str, folder: Path, clock: FrozenClock, catalog: Catalog) -> AsyncIterator[Scene]:
    """Yield a scene over a database with all tables."""
    async with AsyncExitStack() as stack:
        hub, outside = await stack.enter_async_context(
            running_hub(settings_for(url, folder), clock=clock, catalog=catalog)
        )
        provider = Provider()
        outside.instead = provider
        network = Network(await stack.enter_async_context(build_app(hub)), provider)
        with hub.database.bind():
            actor = replace(await owner(hub), kind=ActorKind.SYSTEM)
            made = await hub.tokens.create(actor, name="scene", scopes=[*Permission], expires_in=None)
        client = await stack.enter_async_context(Client(ORIGIN, made.token.reveal(), network))
        yield Scene(hub, provider, clock, network, client)


def told(page: httpx.Response) -> str:
    """Return the code of the problem that a page explains."""
    assert page.status_code == 400, (page.status_code, page.text)
    found = re.search(r"/docs/problems/([A-Z_]+)", page.text)
    assert found, page.text
    return found.group(1)


def changed(address: str, **params: str | None) -> str:
    """Return an address with other parameters; None takes one away."""
    parts = urlsplit(address)
    query: Mapping[str, str | None] = {**dict(parse_qsl(parts.query, keep_blank_values=True)), **params}
    kept = {name: value for name, value in query.items() if value is not None}
    return urlunsplit(parts._replace(query=urlencode(kept)))


def param(address: str, name: str) -> str:
    """Return one parameter of an address."""
    return dict(parse_qsl(urlsplit(address).query))[name]
