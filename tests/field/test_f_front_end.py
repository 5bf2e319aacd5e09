"""F: a front end of at most 80 lines walks every shipped definition through the wizard from data alone."""

from __future__ import annotations

import asyncio
import json
import shutil
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path
from re import search
from typing import Any

import pytest

from app.access.policy import ALL_PERMISSIONS
from app.catalog.catalog import Catalog
from app.catalog.entry import IntegrationEntry
from app.catalog.loader import load_text
from app.foundation.clock import SystemClock
from app.foundation.shapes import Shape
from app.main import build_app
from tests.canary import watch
from tests.databases import require
from tests.fakes.browser import Browser
from tests.field.test_f_options import SHOP
from tests.hubs import CATALOG, Outside, owner, running_hub, settings_for
from tests.servers import running

pytestmark = pytest.mark.node
FRONT_END = Path(__file__).with_name("front_end.mjs")
CONDITIONAL = """
  required: [baseUrl, kind]
  if: {properties: {kind: {const: filtered}}, required: [kind]}
  then: {required: [word], properties: {word: {title: Word, type: string, minLength: 3, examples: [open]}}}
  properties:
    kind: {title: Kind, type: string, enum: [filtered, all], examples: [filtered]}"""
_RULES = {"type", "pattern", "format", "minLength", "enum"}
WAYS = [(entry.key, method.id) for entry in CATALOG.all() for method in entry.latest.auth]


def catalog() -> Catalog:
    """Return the shipped integrations, and one whose fields depend on each other."""
    text = SHOP.replace("\n  required: [baseUrl]\n  properties:", CONDITIONAL)
    loaded = load_text(text.encode(), "shop/1.0.0.yaml")
    assert loaded.faults == ()
    return Catalog([*CATALOG.all(), IntegrationEntry("shop", (loaded.definition,))])


@pytest.fixture
async def served(database_url, redis_for, tmp_path):
    """Return a hub that works in the background and answers on a socket: its address and a token for it."""
    require(shutil.which("node") is not None, "node is not installed")
    outside = Outside()
    settings = settings_for(database_url, tmp_path, redis_for)
    async with (
        running_hub(settings, clock=SystemClock(), outside=outside, catalog=catalog()) as (hub, _),
        build_app(hub) as app,
        running(app) as address,
    ):
        outside.app = app
        with hub.database.bind():
            made = await hub.tokens.create(
                await owner(hub), name="T", scopes=sorted(ALL_PERMISSIONS), expires_in=None
            )
            hub.dispatcher.start()
            try:
                yield address.http, made.token.reveal(), outside
            finally:
                await hub.dispatcher.stop()


class Person:
    """Who sits before the front end: makes a mistake in each form, and loads the page anew on each screen."""

    def __init__(self, served, integration: str, method: str) -> None:
        self.address, self.token, self.outside = served
        self.method = method
        self.about = integration
        self.seen: list[tuple[Any, ...]] = []
        self.mistakes: dict[str, str] = {}
        self.chosen: dict[str, Any] = {}

    async def walk(self) -> dict[str, Any]:
        """Walk to the end and return the connection."""
        while True:
            async with self._page(self.about) as (screens, act):
                self.about = (await screens())["id"]
                screen = await screens()
                while screen["screen"] != "done":
                    if self._is_new(screen):
                        break
                    await act(await self._act(screen))
                    screen = await screens()
                else:
                    return screen["connection"]
            async with self._page(self.about) as (screens, act):
                assert await screens() == {"screen": "open", "id": self.about}
                assert await screens() == screen, "another screen after a reload"

    def _is_new(self, screen: dict[str, Any]) -> bool:
        """Return whether such a screen was not there before; only a draft keeps what does not fit."""
        wrong = [field["name"] for field in screen.get("fields", ()) if field.get("problem")]
        place = (screen["screen"], screen.get("title"), *wrong)
        is_new = place not in self.seen and not (wrong and screen["title"] != "CONFIGURE")
        self.seen.append(place)
        return is_new

    async def _act(self, screen: dict[str, Any]) -> dict[str, Any]:
        if screen["screen"] == "popup":
            return await self._consent(screen["url"])
        if screen["screen"] == "device":
            async with Browser(self.outside) as browser:
                await browser.press(await browser.open(screen["verificationUrlComplete"]), "allow")
            return {}
        if screen["screen"] == "choice":
            keys = [option.get("key") or option["id"] for option in screen["options"]]
            return {"chosen": self.method if self.method in keys else keys[0]}
        return {"typed": self._typed(screen)}

    def _typed(self, screen: dict[str, Any]) -> dict[str, Any]:
        """Fill in what the form shows: a choice where there are some, else the field's own example."""
        typed: dict[str, Any] = {}
        title, value = screen["title"], screen["value"]
        for field in screen["fields"]:
            name, examples = field["name"], field.get("examples") or field.get("enum") or []
            strict = not Shape({key: field[key] for key in _RULES & field.keys()}).fits("?")
            if field.get("choices"):
                typed[name] = self.chosen[name] = field["choices"][0]["value"]
            elif self.mistakes.get(title) == name and field.get("problem"):
                assert title != "CONFIGURE" or value[name] == "?", screen
                self.mistakes[title] = "mended"
                typed[name] = examples[0]
            elif title not in self.mistakes and strict and examples and field["type"] == "string":
                self.mistakes[title] = name
                typed[name] = "?"
            elif examples and name not in value:
                typed[name] = examples[0]
        return typed

    async def _consent(self, url: str) -> dict[str, Any]:
        """Allow it at the provider's page; return what the popup's last page says to its opener."""
        async with Browser(self.outside) as browser:
            page = await browser.press(await browser.open(url), "allow")
        found = search(r'data-result="([^"]*)"', page.text)
        assert found, page.text
        return json.loads(unescape(found[1]))

    @asynccontextmanager
    async def _page(self, about: str):
        process = await asyncio.create_subprocess_exec(
            "node", str(FRONT_END), self.address, self.token, about,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip

        async def screens():
            line = await asyncio.wait_for(process.stdout.readline(), 30)
            if not line:
                raise AssertionError((await process.stderr.read()).decode())
            watch.look(line.decode(), "a screen of the front end")
            return json.loads(line)

        async def act(what):
            process.stdin.write(json.dumps(what).encode() + b"\n")
            await process.stdin.drain()

        try:
            yield screens, act
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


def test_the_front_end_has_at_most_80_lines_and_knows_no_integration():
    text = FRONT_END.read_text()
    assert len(text.splitlines()) <= 80
    assert max(map(len, text.splitlines())) <= 120
    assert [entry.key for entry in CATALOG.all() if entry.key in text] == []


@pytest.mark.parametrize(("integration", "method"), [*WAYS, ("shop", "key")], ids=lambda value: f"F {value}")
async def test_every_definition_is_walked_to_connected(served, integration, method):
    person = Person(served, integration, method)
    connection = await person.walk()
    assert connection["status"]["state"] == "CONNECTED"
    assert {step["state"] for step in connection["nextSteps"]} == {"DONE"}
    assert set(person.mistakes.values()) <= {"mended"}
    assert person.chosen.items() <= connection["config"].items()
    if integration in {"shop", "slack", "xero"}:
        assert person.chosen
    if integration == "shop":
        assert connection["config"]["word"] == "open"
