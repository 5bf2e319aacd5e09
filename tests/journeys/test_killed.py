"""Killing the hub between any two steps of the journey loses nothing that it acknowledged."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tests.fakes.browser import Browser
from tests.journeys import documents
from tests.journeys.client import Client, Json
from tests.journeys.clocks import let_lease_end
from tests.journeys.hub_process import HubProcess
from tests.journeys.journey import STEPS as STEP_KINDS
from tests.journeys.journey import Journey, check_progress
from tests.journeys.plans import SLACK, STRIPE, Plan

RETURN = "/oauth/return/"


class Traveller:
    """Goes one step at a time and keeps what the hub acknowledged, to ask for it after the hub was killed."""

    def __init__(self, hub: HubProcess, client: Client, browser: Browser, plan: Plan) -> None:
        self.hub = hub
        self.journey = Journey(client, plan)
        self.browser = browser
        self.connection: Json = {}
        self.run: Json = {}
        self.events: list[Json] = []

    async def create(self) -> None:
        self.connection = await self.journey.create()

    async def configure(self) -> None:
        self.connection = await self.journey.configure()

    async def begin(self) -> None:
        await self.journey.begin()

    async def open_sign_in(self) -> None:
        step = self.journey.authorization["step"]
        if step["__typename"] == "RedirectStep":
            self.page = await self.browser.open(step["launchUrl"])

    async def allow(self) -> None:
        if self.journey.authorization["step"]["__typename"] == "RedirectStep":
            await self.browser.press(self.page, "allow", stop_before=RETURN)

    async def finish_sign_in(self) -> None:
        step = self.journey.authorization["step"]
        if step["__typename"] == "RedirectStep":
            page = await self.browser.open(self.browser.visited[-1])
            assert page.status_code == 200, page.text
        else:
            await self.journey.submit(step["prefilled"])
        self.connection = {}
        self.journey.authorization["state"] = "AUTHENTICATED"

    async def start_test(self) -> None:
        self.run = await self.journey.test()

    async def finish_test(self) -> None:
        self.run = await self.journey.tested()
        assert self.run["verdict"] == "PASSED"

    async def activate(self) -> None:
        self.connection = await self.journey.activate()

    async def check(self) -> None:
        """Ask the hub for everything it acknowledged so far."""
        now = await self.journey.now()
        for name in ("name", "config", "status", "auth", "isTested") if self.connection else ():
            assert now[name] == self.connection[name], name
        if self.journey.authorization:
            kept = await self.journey.authorization_now()
            assert kept["state"] == self.journey.authorization["state"]
            assert now["status"]["state"] == await self._expected_state()
        if self.run.get("verdict"):
            kept_run = await self.journey.client.ask(documents.TEST_RUN, id=self.run["id"])
            assert kept_run["testRun"] == self.run
            assert now["isTested"]
        events = await self.journey.events()
        assert events[: len(self.events)] == self.events
        self.events = events

    async def check_arrival(self) -> None:
        """The whole sign-in can be read again, state by state, over all the deaths of the hub."""
        journey = self.journey
        by = {"authorizationId": journey.authorization["id"]}
        async with journey.client.follow(documents.AUTH_STATE, by=by) as states:
            told = [data["authState"] async for data in states]
        assert tuple(state["state"] for state in told) == journey.plan.states
        assert [state["seq"] for state in told] == list(range(1, len(told) + 1))
        assert await journey.state() == ("CONNECTED", None)

    async def _expected_state(self) -> str:
        if self.connection and self.connection["status"]["state"] == "CONNECTED":
            return "CONNECTED"
        is_signed_in = self.journey.authorization["state"] == "AUTHENTICATED"
        return "AUTHENTICATED" if is_signed_in else "PENDING_AUTHENTICATION"

    async def take_up_interrupted_test(self) -> None:
        """A run that the killed process had begun is done again once its lease is over."""
        await let_lease_end(self.hub, self.run["id"])
        client = self.journey.client
        async with client.follow(documents.PROGRESS, runId=self.run["id"]) as progress:
            messages = [data["testProgress"] async for data in progress]
        # What the killed process had told of the run comes first; then it is done again from the beginning.
        check_progress(messages[-len(STEP_KINDS) - 1 :])
        assert messages[-1]["testRun"]["verdict"] == "PASSED"


STEPS: tuple[Callable[[Traveller], Awaitable[None]], ...] = (
    Traveller.create,
    Traveller.configure,
    Traveller.begin,
    Traveller.open_sign_in,
    Traveller.allow,
    Traveller.finish_sign_in,
    Traveller.start_test,
    Traveller.finish_test,
    Traveller.activate,
)

WORKED_ON = (Traveller.start_test, Traveller.finish_test)
"""Steps of which a worker does a part: it is killed too."""


@pytest.mark.timeout(240)
@pytest.mark.threat("R4")
async def test_killing_the_hub_between_any_two_steps_loses_nothing_that_was_acknowledged(
    own_hub: HubProcess,
):
    own_hub.start()
    async with Browser() as browser, Client(own_hub.address, own_hub.token) as client:
        travellers = [Traveller(own_hub, client, browser, plan) for plan in (SLACK, STRIPE)]
        for step in STEPS:
            for traveller in travellers:
                await step(traveller)
            if step in WORKED_ON:
                own_hub.kill()
                own_hub.start()
            else:
                own_hub.kill_server()
                own_hub.start_server()
            for traveller in travellers:
                await traveller.check()
                if step is Traveller.start_test:
                    await traveller.take_up_interrupted_test()

        for traveller in travellers:
            await traveller.check_arrival()
    verified = own_hub.command("audit", "verify")
    assert verified.returncode == 0, verified.stdout
