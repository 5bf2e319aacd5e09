"""Every way to authenticate goes from the catalog to CONNECTED on the sandbox, through the doors of one hub."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from app.access.actor import ActorKind
from app.access.policy import Permission
from app.api.graphql import endpoint
from app.api.graphql.schema import build_schema
from app.catalog.catalog import Catalog
from app.catalog.entry import IntegrationEntry
from app.foundation.clock import FrozenClock
from app.hub import Hub
from app.main import build_app
from tests.fakes.browser import Browser
from tests.hubs import ORIGIN, owner, running_hub, settings_for
from tests.journeys import documents
from tests.journeys.client import Client, Json
from tests.journeys.journey import Journey, state_of
from tests.journeys.plans import Plan
from tests.sandbox.ways import ALL, ways

# An integration of its own for each way: "oauth1-rsa-sha1" is what the catalog has it under.
CATALOG = Catalog([IntegrationEntry(name, (ways(way, integration=name),)) for name, way in ALL.items()])
ENTERED = [name for name, way in ALL.items() if "credentials" in way]
OAUTH1 = [name for name, way in ALL.items() if way["kind"] == "oauth1"]


@dataclass
class Scene:
    """The hub, a client of its GraphQL door, and persons with browsers."""

    hub: Hub
    client: Client
    network: httpx.AsyncBaseTransport
    clock: FrozenClock

    async def begun(self, way: str, **begin: Any) -> Journey:
        """Return a connection whose sign-in has begun."""
        journey = Journey(self.client, Plan(way, ALL[way]["id"]))
        await journey.create()
        await journey.begin(**begin)
        return journey

    async def answered(self, journey: Journey, choice: str = "allow") -> str:
        """Do what a person is asked for, and what is due in the background; return the authorization's state."""
        step = journey.authorization["step"] or {"__typename": ""}
        async with Browser(self.network) as browser:
            if step["__typename"] == "RedirectStep":
                await browser.press(await browser.open(step["launchUrl"]), choice)
            elif step["__typename"] == "DeviceCodeStep":
                await browser.press(await browser.open(step["verificationUrlComplete"]), choice)
            elif step["__typename"] == "CredentialFormStep":
                await journey.submit(step["prefilled"])
        return await self.settled(journey)

    async def settled(self, journey: Journey) -> str:
        """Let the background look at what is due until the authorization is over, or a quarter of an hour is."""
        for _ in range(180):
            now = await journey.authorization_now()
            if now["isFinal"]:
                return str(now["state"])
            self.clock.advance(5)
            with self.hub.database.bind():
                await self.hub.dispatcher.drain()
                await self.hub.browser.expire_due()
        raise AssertionError(f"the authorization does not end: {now}")

    async def tested(self, journey: Journey) -> Json:
        """Run the default test; return the run."""
        run = await journey.test()
        await self.hub.dispatcher.drain()
        return dict((await self.client.ask(documents.TEST_RUN, id=run["id"]))["testRun"])

    async def switch(self, way: str, **change: Any) -> None:
        async with httpx.AsyncClient(transport=self.network) as http:
            answer = await http.post(f"{ORIGIN}/sandbox/_switches/{way}", json=change)
            assert answer.status_code == 200, answer.text


@pytest.fixture(scope="module")
def schema():
    return build_schema()


@pytest.fixture
async def scene(sqlite_url, tmp_path, clock, schema, monkeypatch) -> AsyncIterator[Scene]:
    monkeypatch.setattr(endpoint, "build_schema", lambda: schema)  # building it takes longer than a journey
    async with AsyncExitStack() as stack:
        settings = settings_for(sqlite_url, tmp_path)
        running = running_hub(settings, clock=clock, catalog=CATALOG)
        hub, outside = await stack.enter_async_context(running)
        outside.app = await stack.enter_async_context(build_app(hub))
        network = httpx.ASGITransport(app=outside.app)
        with hub.database.bind():
            actor = replace(await owner(hub), kind=ActorKind.SYSTEM)
            made = await hub.tokens.create(actor, name="scene", scopes=[*Permission], expires_in=None)
        client = await stack.enter_async_context(Client(ORIGIN, made.token.reveal(), network))
        yield Scene(hub, client, network, clock)


@pytest.mark.parametrize("way", ALL)
async def test_every_way_leads_from_the_catalog_to_connected(scene: Scene, way: str):
    journey = await scene.begun(way)
    assert await scene.answered(journey) == "AUTHENTICATED"
    run = await scene.tested(journey)
    assert (run["verdict"], run["problem"]) == ("PASSED", None)
    connection = await journey.activate()
    assert state_of(connection) == ("CONNECTED", None)
    assert connection["auth"]["method"] == ALL[way]["id"]


@pytest.mark.parametrize("way", ALL)
async def test_refused_credentials_fail_the_test_as_such(scene: Scene, way: str):
    journey = await scene.begun(way)
    await scene.answered(journey)
    await scene.switch(way, rejectCredentials=True)
    run = await scene.tested(journey)
    assert (run["verdict"], run["problem"]["code"]) == ("FAILED", "CREDENTIALS_REJECTED")


@pytest.mark.parametrize("way", ["device", *OAUTH1])
async def test_denied_by_the_person_leaves_the_connection_waiting(scene: Scene, way: str):
    journey = await scene.begun(way)
    assert await scene.answered(journey, "deny") == "FAILED"
    assert await journey.state() == ("PENDING_AUTHENTICATION", "CONSENT_DENIED")
    await journey.begin()
    assert await scene.answered(journey) == "AUTHENTICATED"


async def test_a_device_code_that_nobody_enters_expires(scene: Scene):
    journey = await scene.begun("device")
    await scene.settled(journey)
    assert await journey.state() == ("PENDING_AUTHENTICATION", "AUTHORIZATION_EXPIRED")


async def test_a_device_code_step_leads_to_a_page_that_a_browser_can_open(scene: Scene):
    journey = await scene.begun("device")
    step = journey.authorization["step"]
    assert step["verificationUrl"].startswith(f"{ORIGIN}/sandbox/device@1.0.0/")
    async with Browser(scene.network) as browser:
        page = await browser.open(step["verificationUrl"])
        assert "Code on the device" in page.text
        page = await browser.open(step["verificationUrlComplete"])
        assert step["userCode"] in page.text


@pytest.mark.parametrize("way", ENTERED)
async def test_wrong_values_in_the_form_do_not_get_through(scene: Scene, way: str):
    journey = await scene.begun(way)
    prefilled = journey.authorization["step"]["prefilled"]
    secret = next(
        name for name, field in ALL[way]["credentials"]["properties"].items() if field.get("secret")
    )
    wrong = {**prefilled, secret: "not what the sandbox knows"}
    payload = await journey.client.ask(
        documents.VERBS["submitCredentials"],
        input={"authorizationId": journey.authorization["id"], "credentials": wrong},
    )
    submitted = payload["submitCredentials"]
    codes = {problem["code"] for problem in submitted["userErrors"]}
    if submitted["authorization"] and submitted["authorization"]["problem"]:
        codes.add(submitted["authorization"]["problem"]["code"])
    if not codes:
        codes.add((await scene.tested(journey))["problem"]["code"])
    assert codes <= {"CREDENTIALS_REJECTED", "INVALID_FIELD", "REAUTHENTICATION_REQUIRED"}, codes
    assert (await journey.state())[0] != "CONNECTED"


@pytest.mark.parametrize("way", OAUTH1)
async def test_a_return_works_once(scene: Scene, way: str):
    journey = await scene.begun(way)
    async with Browser(scene.network) as browser:
        page = await browser.open(journey.authorization["step"]["launchUrl"])
        done = await browser.press(page, "allow")
        assert done.status_code == 200
        again = await browser.open(next(url for url in browser.visited if "oauth_verifier=" in url))
        assert again.status_code == 400
    assert (await journey.state())[0] == "AUTHENTICATED"
