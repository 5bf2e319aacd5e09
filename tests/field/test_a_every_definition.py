"""A1 for all that ship: whatever an editor writes into a configuration, no stored secret goes to a host of his own."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import fields, is_dataclass, replace
from urllib.parse import quote, quote_plus

import httpx
import pytest

from app.access.policy import ROLE_PERMISSIONS, Role
from app.authenticators.endpoints import endpoints_of, needs_application
from app.authenticators.steps import AccountChoiceStep, CredentialFormStep, RedirectStep
from app.credentials.applications import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET
from app.credentials.snapshot import Mode
from app.demo.person import press
from app.foundation.errors import PatchbayError
from app.foundation.messages import SandboxRoute
from app.foundation.secret import Secret
from app.vault.vault import RevealPurpose
from tests.connections.conftest import BROWSER, World
from tests.hubs import CATALOG, ORIGIN, open_credentials, owner, running_hub, settings_for, test_keys

EVIL = "evil.example.net"
_USED = re.compile(r"\{\+?config\.([A-Za-z_]\w*)")


def definitions():
    return [version for entry in CATALOG.all() for version in entry.versions]


def texts(value):
    """Yield every text of a definition, at any depth."""
    if isinstance(value, str):
        yield value
    elif is_dataclass(value):
        for each in fields(value):
            yield from texts(getattr(value, each.name))
    elif isinstance(value, dict) or hasattr(value, "items"):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts(item)


def fields_in_addresses(definition):
    """Return the configuration fields that a template of the definition uses: a superset of those in addresses."""
    found = {
        name
        for text in texts((definition.http, definition.auth, definition.methods))
        for name in _USED.findall(text)
    }
    return sorted(found & set(definition.config.get("properties") or {}))


def example_of(schema):
    return schema.get("default") or schema["examples"][0]


def good_config(definition):
    """Return a configuration as its examples have it."""
    properties = definition.config.get("properties") or {}
    return {
        name: example_of(schema)
        for name, schema in properties.items()
        if "examples" in schema or "default" in schema
    }


def evil_values(good: object) -> list[str]:
    """Return what may lead a careless hub from a good value to the host of somebody else."""
    text = str(good)
    host = text.removeprefix("https://").partition("/")[0]
    return [
        f"https://{EVIL}/x", f"https://{EVIL}", f"http://{EVIL}/x", f"HTTPS://{EVIL}/x", f"https://{host}@{EVIL}/x",
        f"https://{host}.{EVIL}/x", f"https://{EVIL}#{host}", f"https://{EVIL}\\@{host}/", EVIL, f"{EVIL}/{text}",
        f"{text}.{EVIL}", f"{text}@{EVIL}", f"{EVIL}#", f"//{EVIL}/", f"/@{EVIL}", f"@{EVIL}/", f"/\\{EVIL}",
        f".{EVIL}",
    ]  # fmt: skip


CASES = [
    pytest.param(
        definition, method, name, id=f"A1 {definition.integration} {definition.version} {method.id} {name}"
    )
    for definition in definitions()
    for method in definition.auth
    for name in fields_in_addresses(definition)
]


@pytest.fixture
async def world(sqlite_url, tmp_path, clock):
    async with running_hub(settings_for(sqlite_url, tmp_path), clock=clock, keys=test_keys()) as (
        hub,
        outside,
    ):
        with hub.database.bind():
            yield World(hub, outside, await owner(hub), clock)


class Outside:
    """The real addresses of a definition, played by its sandbox; and the host of somebody else, who takes anything."""

    def __init__(self, world: World, definition):
        self.app = world.outside.app
        self.route = SandboxRoute(ORIGIN, f"/sandbox/{definition.integration}@{definition.version}")
        self.seen: list[tuple[str, str]] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        written = f"{request.url} {request.headers.raw} {request.content.decode()}"
        self.seen.append((request.url.host, written))
        if request.url.host.endswith(EVIL):
            return httpx.Response(200, json={"access_token": "x", "token_type": "Bearer"})
        headers = dict(request.headers) | {"host": "127.0.0.1:8000"}
        address = self.route.rewrite(str(request.url))
        played = httpx.Request(request.method, address, headers=headers, content=request.content)
        return await httpx.ASGITransport(app=self.app).handle_async_request(played)

    async def consent(self, url: str) -> str:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=self.app)) as client:
            page = await client.get(self.route.rewrite(url))
            address, body = press(page, "allow")
            return (await client.post(address, data=body)).headers["location"]

    def told(self, value: str, *, evil: bool) -> bool:
        """Whether a value was sent to the other host (or to the right ones), in any usual writing."""
        forms = {value, quote(value), quote_plus(value), *_encoded(value)}
        hosts = [written for host, written in self.seen if host.endswith(EVIL) is evil]
        return any(form in written for form in forms for written in hosts)


def _encoded(value: str) -> set[str]:
    pairs = (value, f":{value}", f"{value}:", f"{SANDBOX_CLIENT_ID}:{value}")
    return {b64encode(pair.encode()).decode().rstrip("=") for pair in pairs}


async def sign_in(world, outside, actor, connection, method, **more):
    """Authorize a connection as far as it goes."""
    begun = await world.hub.authorizations.begin(actor, connection.id, auth_method=method.id, **more)
    step = begun.step
    if isinstance(step, CredentialFormStep):
        properties = step.schema["properties"]
        entered = {name: example_of(schema) for name, schema in properties.items() if schema.get("examples")}
        return await world.hub.authorizations.submit_credentials(actor, begun.id, entered)
    if not isinstance(step, RedirectStep):
        return begun
    started = await world.hub.browser.start(begun.id, BROWSER)
    if EVIL in httpx.URL(started.url).host:
        back = f"{step.redirect_uri}?code=x&state={httpx.URL(started.url).params['state']}"
    else:
        back = await outside.consent(started.url)
    ended = (await world.come_back(back)).authorization
    if ended is not None and isinstance(ended.step, AccountChoiceStep):
        return await world.hub.authorizations.choose_account(actor, ended.id, ended.step.options[0].id)
    return ended


async def registered(world, definition, method):
    """Save the application for the addresses of the good configuration."""
    if not needs_application(method):
        return None
    endpoints = endpoints_of(definition, method, good_config(definition))
    return await world.hub.applications.save(
        world.actor, integration=definition.integration, client_id=SANDBOX_CLIENT_ID,
        client_secret=Secret(SANDBOX_CLIENT_SECRET), origins=list(endpoints.origins) if endpoints.is_open else None,
    )  # fmt: skip


async def created(world, actor, definition, config):
    world._number += 1
    return await world.hub.connections.create(
        actor, name=f"Case {world._number}", integration=definition.integration, version=str(definition.version),
        mode=Mode.LIVE, config=config,
    )  # fmt: skip


@pytest.mark.parametrize(("definition", "method", "name"), CASES)
async def test_a1_no_configuration_moves_a_stored_secret_to_another_host(world, definition, method, name):
    good = good_config(definition)
    editor = replace(world.actor, role=Role.EDITOR, permissions=ROLE_PERMISSIONS[Role.EDITOR])
    outside = world.outside.instead = Outside(world, definition)
    application = await registered(world, definition, method)
    victim = (await created(world, world.actor, definition, good)).connection
    ended = await sign_in(world, outside, world.actor, victim, method)
    assert ended.state == "AUTHENTICATED", ended
    await world.tested(victim)
    opened = await world.hub.connections.get(world.actor, victim.id)
    secrets = await stored_secrets(world, opened, method)
    assert all(outside.told(value, evil=False) for value in secrets[:1]), (
        "the control: the right server was told"
    )

    for value in evil_values(good[name]):
        config = {**good, name: value}
        made = await created(world, editor, definition, config)
        if not made.problems and application is not None:
            for chosen in ({}, {"application_id": application.id}):
                await tried(sign_in(world, outside, editor, made.connection, method, **chosen))
                await tried(world.tested(made.connection))
        await tried(world.hub.connections.update_config(editor, victim.id, config))
        if not made.problems:
            await tried(world.tested(victim))
            await tried(world.hub.connections.refresh_credentials(editor, victim.id))
            await tried(world.hub.authorizations.reauthorize(editor, victim.id))
    await tried(world.hub.connections.disconnect(editor, victim.id))
    await world.work()

    if application is not None:
        assert not outside.told(SANDBOX_CLIENT_SECRET, evil=True)
    assert not any(outside.told(value, evil=True) for value in secrets)


async def stored_secrets(world, connection, method):
    """Return the plain values that are stored for a connection."""
    opened = await open_credentials(world.hub, world.actor, connection.id, RevealPurpose.TEST)
    names = {path[-1] for path in (info.path for info in connection.secrets)}
    return [value.reveal() for name, value in opened.grant.values.items() if name in names]


async def tried(attempt):
    """Let an attempt go as far as it goes."""
    try:
        await attempt
    except PatchbayError:
        return
