"""The stage for proofs over processes: one hub's environment, and connections to the strict token server."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx

from app.access.actor import Actor
from app.connections.snapshot import ConnectionSnapshot
from app.foundation.secret import Secret
from app.hub import Hub
from app.settings import Settings, read_settings
from tests import databases
from tests.proofs.token_server import CLIENT_ID, CLIENT_SECRET, TokenServer

SQLITE, POSTGRES = "sqlite", "postgres"
BROWSER = Secret("browser-" + "b" * 35)
INTEGRATION = "generic-oauth2"


@dataclass(frozen=True)
class Stage:
    """What every process of one hub is told."""

    environment: dict[str, str]

    @property
    def settings(self) -> Settings:
        return read_settings(self.environment)


@contextmanager
def stage_of(kind: str, folder: Path) -> Iterator[Stage]:
    """Yield the environment of a fresh hub of either arrangement; the loopback may be called by plain http."""
    environment = {
        "PATCHBAY_DATA_DIR": str(folder / "data"),
        "PATCHBAY_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "PATCHBAY_EGRESS_ALLOW": "127.0.0.0/8",
        "PATCHBAY_PUBLIC_URL": "http://127.0.0.1:8000",
    }
    if kind == SQLITE:
        yield Stage(environment)
        return
    databases.require(databases.postgres_is_there(), f"no PostgreSQL answers at {databases.POSTGRES}")
    databases.require(databases.redis_is_there(), f"no Redis answers at {databases.REDIS}")
    with databases.postgres_clone(None) as url:
        more = {"PATCHBAY_DATABASE_URL": url, "PATCHBAY_REDIS_URL": databases.REDIS}
        yield Stage(environment | more)


async def save_application(hub: Hub, actor: Actor, server: TokenServer) -> None:
    """Save the application that the token server knows."""
    await hub.applications.save(
        actor,
        integration=INTEGRATION,
        client_id=CLIENT_ID,
        client_secret=Secret(CLIENT_SECRET),
        origins=[server.config["tokenUrl"]],
    )


async def draft(hub: Hub, actor: Actor, server: TokenServer, name: str) -> ConnectionSnapshot:
    """Create a connection to the token server; nobody has signed in yet."""
    edited = await hub.connections.create(actor, name=name, integration=INTEGRATION, config=server.config)
    assert not edited.problems
    return edited.connection


async def sign_in(hub: Hub, actor: Actor, connection: ConnectionSnapshot) -> None:
    """Sign in as a person would, whose provider sends back at once."""
    authorization = await hub.authorizations.begin(actor, connection.id, auth_method="oauth")
    started = await hub.browser.start(authorization.id, BROWSER)
    async with httpx.AsyncClient(trust_env=False, verify=False) as person:
        sent_back = urlsplit((await person.get(started.url)).headers["location"])
    params = parse_qsl(sent_back.query)
    await hub.browser.returned(sent_back.path.rsplit("/", 1)[1], params, BROWSER)


async def connect(hub: Hub, actor: Actor, server: TokenServer, name: str) -> ConnectionSnapshot:
    """Make a connection, sign in, test and activate it."""
    connection = await draft(hub, actor, server, name)
    await sign_in(hub, actor, connection)
    run = await hub.test_runs.start(actor, connection.id)
    await hub.dispatcher.drain()  # or it has begun already: then it is waited for
    await hub.test_runs.wait(actor, run.id, 10_000)
    return (await hub.connections.activate(actor, connection.id)).connection
