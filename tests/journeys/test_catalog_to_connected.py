"""The main job on the sandbox: from the catalog to CONNECTED, while subscriptions tell each step."""

from __future__ import annotations

import pytest

from tests.journeys import documents
from tests.journeys.client import Client
from tests.journeys.journey import Journey, state_of
from tests.journeys.plans import ALL, SLACK, STRIPE, Plan


@pytest.mark.parametrize("plan", ALL, ids=lambda plan: plan.integration)
async def test_a_connection_goes_from_the_catalog_to_connected_and_every_step_is_told(
    client: Client, plan: Plan
):
    journey = Journey(client, plan)

    created = await journey.create()
    assert state_of(created) == ("DRAFT" if plan.needs_config else "PENDING_AUTHENTICATION", None)
    configured = await journey.configure()
    assert state_of(configured) == ("PENDING_AUTHENTICATION", None)
    assert plan.config.items() <= configured["config"].items()

    states = await journey.authorize()
    assert tuple(state["state"] for state in states) == plan.states
    assert await journey.state() == ("AUTHENTICATED", None)

    run = await journey.tested()
    assert (run["verdict"], run["problem"]) == ("PASSED", None)
    by_kind = {step["kind"]: step for step in run["steps"]}
    assert {step["state"] for step in run["steps"]} <= {"PASSED", "SKIPPED"}
    assert by_kind["RESPONSE"]["exchange"]["asCurl"].startswith("curl ")

    connection = await journey.activate()
    assert state_of(connection) == ("CONNECTED", None)
    assert {step["state"] for step in connection["nextSteps"]} == {"DONE"}
    assert connection["auth"]["method"] == plan.auth_method
    assert plan.account is None or plan.account in connection["auth"]["account"]["label"]
    listed = (await client.ask(documents.CONNECTIONS))["connections"]["nodes"]
    assert {"id": journey.id, "name": journey.name, "status": {"state": "CONNECTED"}} in listed


async def test_next_steps_lead_through_the_journey(client: Client):
    journey = Journey(client, STRIPE)

    async def ready() -> list[str]:
        return [step["mutation"] for step in (await journey.now())["nextSteps"] if step["state"] == "READY"]

    await journey.create()
    assert await ready() == ["beginAuthorization"]
    await journey.authorize()
    assert await ready() == ["testConnection"]
    await journey.tested()
    assert await ready() == ["activateConnection"]
    await journey.activate()
    assert await ready() == []


async def test_finished_states_and_steps_are_replayed_to_whoever_comes_late(client: Client):
    journey = Journey(client, SLACK)
    await journey.create()
    live = await journey.authorize()
    run = await journey.tested()

    by = {"authorizationId": journey.authorization["id"]}
    async with client.follow(documents.AUTH_STATE, by=by) as states:
        replayed = [data["authState"] async for data in states]
    async with client.follow(documents.AUTH_STATE, by=by, afterSeq=2) as states:
        rest = [data["authState"] async for data in states]
    async with client.follow(documents.PROGRESS, runId=run["id"]) as progress:
        steps = [data["testProgress"] async for data in progress]

    assert replayed == live
    assert rest == live[2:]
    assert steps[-1]["testRun"] == run
    assert [message["step"]["kind"] for message in steps[:-1]] == [step["kind"] for step in run["steps"]]


async def test_the_status_stream_and_the_event_stream_tell_the_same_journey(client: Client):
    journey = Journey(client, SLACK)
    await journey.create()
    start = (await client.ask(documents.EVENTS))["events"]["cursor"]
    async with (
        client.follow(documents.STATUS, filter={"integrations": ["slack"]}) as status,
        client.follow(documents.FOLLOW_EVENTS, after=start, filter={"connectionIds": [journey.id]}) as events,
    ):
        await journey.authorize()
        await journey.tested()
        await journey.activate()
        changes = await status.until(
            lambda data: (
                data["connectionStatus"]["connectionId"] == journey.id
                and data["connectionStatus"]["status"]["state"] == "CONNECTED"
            )
        )
        told = await events.until(
            lambda data: any(
                event["type"] == "CONNECTION_STATE_CHANGED" and event["data"]["to"] == "CONNECTED"
                for event in data["events"].get("events", ())
            )
        )

    own = [
        data["connectionStatus"] for data in changes if data["connectionStatus"]["connectionId"] == journey.id
    ]
    states = [change["status"]["state"] for change in own]
    assert states[0] == "PENDING_AUTHENTICATION"
    assert states[-1] == "CONNECTED"
    live = [event for data in told for event in data["events"].get("events", ())]
    assert [event["id"] for event in live] == [
        event["id"] for event in await journey.events() if event["cursor"] in {e["cursor"] for e in live}
    ]
    assert len({event["id"] for event in live}) == len(live)


async def test_the_same_idempotency_key_makes_one_connection_and_one_test_run(client: Client):
    asked = {"name": "Only once", "integration": "stripe", "mode": "SANDBOX", "idempotencyKey": "only-once"}
    first, second = [(await client.verb("createConnection", **asked))["connection"]["id"] for _ in range(2)]
    assert first == second

    journey = Journey(client, STRIPE)
    journey.id = first
    await journey.authorize()
    runs = [(await journey.test(idempotencyKey="one-run"))["id"] for _ in range(2)]
    assert runs[0] == runs[1]
