"""One connection on its way from the catalog to CONNECTED, step by step, through the public doors alone."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any

from tests.fakes.browser import Browser
from tests.journeys import documents
from tests.journeys.client import Client, Json, Stream
from tests.journeys.plans import Plan

STEPS = (
    "CONFIGURATION",
    "NAME_LOOKUP",
    "CONNECT",
    "TLS",
    "CREDENTIALS",
    "REQUEST",
    "RESPONSE",
    "EXPECTATIONS",
    "CONTROL",
)
_numbers = itertools.count(1)


class Journey:
    """The journey of one connection. Each method is one step that the hub acknowledges."""

    def __init__(self, client: Client, plan: Plan, name: str | None = None) -> None:
        self.client = client
        self.plan = plan
        self.name = name or f"{plan.integration} {next(_numbers)}"
        self.id = ""
        self.authorization: Json = {}

    # -- steps

    async def create(self) -> Json:
        """Choose the integration and name the connection."""
        asked = {"name": self.name, "integration": self.plan.integration, "mode": self.plan.mode}
        payload: Json = (await self.client.ask(documents.VERBS["createConnection"], input=asked))[
            "createConnection"
        ]
        codes = {problem["code"] for problem in payload["userErrors"]}
        assert codes == ({"MISSING_FIELD"} if self.plan.needs_config else set()), payload["userErrors"]
        self.id = payload["connection"]["id"]
        return payload["connection"]

    async def configure(self) -> Json:
        """Fill in the configuration."""
        return (await self.client.verb("updateConnectionConfig", connectionId=self.id, config=self.config))[
            "connection"
        ]

    @property
    def config(self) -> Json:
        return dict(self.plan.config)

    async def begin(self, **more: Any) -> Json:
        """Begin authentication; the answer says what a person has to do next."""
        payload = await self.client.verb(
            "beginAuthorization", connectionId=self.id, authMethod=self.plan.auth_method, **more
        )
        self.authorization = payload["authorization"]
        return self.authorization

    async def answer(self, choice: str = "allow") -> None:
        """Do what the authorization asks a person for, until nothing more is asked."""
        step = self.authorization["step"]
        if step["__typename"] == "RedirectStep":
            async with Browser() as browser:
                await browser.press(await browser.open(step["launchUrl"]), choice)
            await self._choose_account()
        else:
            await self.submit(self.plan.credentials or step["prefilled"])

    async def submit(self, credentials: Any) -> Json:
        """Fill in the credential form."""
        payload = await self.client.verb(
            "submitCredentials", authorizationId=self.authorization["id"], credentials=dict(credentials)
        )
        return payload["authorization"]

    async def _choose_account(self) -> None:
        if self.plan.account is None:
            return
        step = (await self.authorization_now())["step"]
        if step is not None:
            assert step["__typename"] == "AccountChoiceStep", step
            chosen = next(o for o in step["options"] if self.plan.account in o["label"])
            await self.client.verb(
                "chooseAccount", authorizationId=self.authorization["id"], accountId=chosen["id"]
            )

    async def test(self, **more: Any) -> Json:
        """Start the default test; the answer has the run to follow."""
        return (await self.client.verb("testConnection", connectionId=self.id, **more))["testRun"]

    async def activate(self) -> Json:
        """Make the connection usable."""
        return (await self.client.verb("activateConnection", connectionId=self.id))["connection"]

    # -- several steps in one

    async def authorize(self, choice: str = "allow") -> list[Json]:
        """Begin and answer while ``authState`` is followed; return every state that was delivered."""
        async with self.client.follow(documents.AUTH_STATE, by={"connectionId": self.id}) as states:
            await self.begin()
            answering = asyncio.create_task(self.answer(choice))
            seen = await states_of(states, self.authorization["id"])
            await answering
        return seen

    async def tested(self) -> Json:
        """Run the default test to its end while ``testProgress`` is followed; return the run."""
        run = await self.test()
        async with self.client.follow(documents.PROGRESS, runId=run["id"]) as progress:
            messages = [data["testProgress"] async for data in progress]
        check_progress(messages)
        last: Json = messages[-1]["testRun"]
        return last

    async def to_connected(self) -> Json:
        """Go the whole way and return the connection."""
        await self.create()
        await self.configure()
        states = await self.authorize()
        assert states[-1]["state"] == "AUTHENTICATED", states
        run = await self.tested()
        assert run["verdict"] == "PASSED", run
        connection = await self.activate()
        assert connection["status"]["state"] == "CONNECTED", connection
        return connection

    # -- reading

    async def now(self) -> Json:
        """Return the connection as it is now."""
        connection: Json = (await self.client.ask(documents.CONNECTION, id=self.id))["connection"]
        return connection

    async def authorization_now(self) -> Json:
        """Return the authorization as it is now."""
        data = await self.client.ask(documents.AUTHORIZATION, id=self.authorization["id"])
        authorization: Json = data["authorization"]
        return authorization

    async def state(self) -> tuple[str, str | None]:
        """Return the connection's state and the code of its problem."""
        return state_of(await self.now())

    async def events(self) -> list[Json]:
        """Return every event of this connection, oldest first."""
        page = (await self.client.ask(documents.EVENTS, connections=[self.id]))["events"]
        assert not page["hasMore"]
        events: list[Json] = page["events"]
        return events


async def states_of(states: Stream, authorization_id: str) -> list[Json]:
    """Return every state of one authorization up to the final one; those of an earlier one may come before."""

    def is_last(data: Json) -> bool:
        state = data["authState"]
        return state["isFinal"] and state["authorization"]["id"] == authorization_id

    seen = [data["authState"] for data in await states.until(is_last)]
    own = [state for state in seen if state["authorization"]["id"] == authorization_id]
    assert [state["seq"] for state in own] == list(range(1, len(own) + 1))
    return own


def state_of(connection: Json) -> tuple[str, str | None]:
    """Return a connection's state and the code of its problem."""
    problem = connection["status"]["problem"]
    return connection["status"]["state"], problem and problem["code"]


def check_progress(messages: Sequence[Json]) -> None:
    """Every step was told once, in order, and the last message is the end."""
    steps = [message["step"]["kind"] for message in messages if message["step"]]
    assert steps == list(STEPS), steps
    seqs = [message["seq"] for message in messages]
    assert seqs == sorted(set(seqs)), seqs
    assert [message["isFinal"] for message in messages] == [False] * (len(messages) - 1) + [True]
    assert [step["kind"] for step in messages[-1]["testRun"]["steps"]] == list(STEPS)
