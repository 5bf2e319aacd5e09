"""One whole hub with its real door in this process, and connections in every stage that operations begin from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from app.access.actor import Actor
from app.access.policy import ALL_PERMISSIONS
from app.foundation.clock import FrozenClock
from app.foundation.ids import new_id
from app.main import build_app
from app.work.dispatcher import Dispatcher
from tests.budgets.statements import Statements, counted
from tests.connections.conftest import WITH_ACME, World
from tests.hubs import ORIGIN, owner, running_hub, settings_for


class Stage(World):
    """A hub whose statements are counted. The dispatcher looks only when woken: what it does, an operation caused."""

    def __init__(self, hub, outside, actor, client: httpx.AsyncClient, statements: Statements):
        super().__init__(hub, outside, actor, hub.clock)
        self.statements = statements
        self._client = client

    async def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """Ask the door; whatever is not an answer without a fault fails."""
        response = await self._client.post("/graphql", json={"query": document, "variables": variables})
        answer = response.json()
        assert "errors" not in answer, answer
        for payload in answer["data"].values():
            assert not (isinstance(payload, dict) and payload.get("userErrors")), payload
        data: dict[str, Any] = answer["data"]
        return data

    async def count(self, operation) -> None:
        """Make ready what an operation needs, then count what it costs, all that it causes included."""
        act = await operation.ready(self)
        await self.statements.settled()
        self.statements.clear()
        await act()
        await self.statements.settled()

    async def passed(self, connection):
        """Let a connection's default test pass, by whom it is done in the background."""
        await self.hub.test_runs.start(self.actor, connection.id, wait_ms=10_000)
        assert (await self.reload(connection)).tested
        return connection


@asynccontextmanager
async def stage(database_url: str, folder: Path, redis_url: str | None = None) -> AsyncIterator[Stage]:
    settings = settings_for(database_url, folder, redis_url, PATCHBAY_SANDBOX="1")
    with counted() as statements:
        async with running_hub(settings, clock=FrozenClock(), catalog=WITH_ACME) as (hub, outside):
            dispatcher = Dispatcher(hub.database, hub.work, hub.wakeups, hub.metrics, sweep_s=3_600)
            dispatcher.start()
            with hub.database.bind():
                actor = await owner(hub)
                system = Actor.system(actor.workspace_id, "budgets", new_id("req"))
                scopes = sorted(ALL_PERMISSIONS)
                made = await hub.tokens.create(system, name="budgets", scopes=scopes, expires_in=None)
                async with build_app(hub) as app, _client(app, made.token.reveal()) as client:
                    stage = Stage(hub, outside, actor, client, statements)
                    await stage.ask("{ __typename }")  # the token is seen now, and every key is at hand
                    await stage.statements.settled()
                    yield stage
            await dispatcher.stop()


def _client(app: Any, token: str) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {token}", "accept": "application/graphql-response+json"}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=ORIGIN, headers=headers)
