"""Hubs inside the test's own process: real database, real vault, the sandbox as the outside, no sockets."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.routing import Mount

from app.access.actor import Actor, ActorKind, Channel
from app.access.policy import ALL_PERMISSIONS, Role
from app.catalog.catalog import Catalog, load_catalog
from app.credentials.opening import OpenCredentials
from app.foundation.clock import Clock, FrozenClock
from app.hub import Hub, build_hub
from app.sandbox.app import build_sandbox
from app.sandbox.state import MemoryState
from app.settings import Settings, read_settings
from app.vault.keys import KeyRing, LocalKeyProvider
from app.vault.vault import RevealPurpose
from app.worker import register_work

ORIGIN = "http://127.0.0.1:8000"
CATALOG = load_catalog()


class Outside(httpx.AsyncBaseTransport):
    """The outside: the sandbox, unless a test puts something else in its place. Counts what is sent."""

    def __init__(self) -> None:
        self.app: object | None = None
        self.requests: list[httpx.Request] = []
        self.instead = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.instead is not None:
            return await self.instead(request)
        return await httpx.ASGITransport(app=self.app).handle_async_request(request)


def test_keys() -> KeyRing:
    return KeyRing(LocalKeyProvider("test", secrets.token_bytes(32)))


test_keys.__test__ = False


def settings_for(database_url: str, folder: Path, redis_url: str | None = None, **more: str) -> Settings:
    environment = {"PATCHBAY_DATABASE_URL": database_url, "PATCHBAY_DATA_DIR": str(folder / "data"), **more}
    if database_url.startswith("postgres"):
        environment |= {
            "PATCHBAY_REDIS_URL": redis_url or "redis://127.0.0.1:6379/0",
            "PATCHBAY_KEY_FILE": str(folder / "key"),
            "PATCHBAY_SANDBOX": "1",
        }
    return read_settings(environment)


@asynccontextmanager
async def running_hub(
    settings: Settings,
    *,
    clock: Clock | None = None,
    keys: KeyRing | None = None,
    outside: Outside | None = None,
    catalog: Catalog = CATALOG,
) -> AsyncIterator[tuple[Hub, Outside]]:
    outside = outside or Outside()
    async with build_hub(
        settings,
        local_url=ORIGIN,
        transport=outside,
        clock=clock or FrozenClock(),
        keys=keys or test_keys(),
        catalog=catalog,
    ) as hub:
        register_work(hub)
        sandbox = build_sandbox(
            hub.catalog,
            secret=await hub.vault.system_key("sandbox/v1"),
            state=MemoryState(hub.clock),
            clock=hub.clock,
        )
        outside.app = Starlette(routes=[Mount("/sandbox", app=sandbox)])
        await hub.members.ensure_owner()
        yield hub, outside


async def open_credentials(
    hub: Hub, actor: Actor, connection_id: str, purpose: RevealPurpose
) -> OpenCredentials:
    """Open the credentials of a connection as it is now."""
    connection = await hub.connections.get(actor, connection_id)
    return await hub.credentials.open(actor, connection.owner, purpose)


async def owner(hub: Hub) -> Actor:
    workspace = (await hub.members.workspaces())[0]
    return Actor(
        workspace_id=workspace.id,
        kind=ActorKind.MEMBER,
        id=workspace.owner.id,
        label="Olive Owner",
        role=Role.OWNER,
        permissions=ALL_PERMISSIONS,
        via=Channel.GRAPHQL,
        request_id="req_test",
    )
