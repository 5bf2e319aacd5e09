"""Two web processes and two workers side by side on PostgreSQL and Redis: one hub, whoever is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.fakes.redis_server import RedisServer, running_redis
from tests.journeys import documents
from tests.journeys.client import PATIENCE_S, Client, Json, Stream
from tests.journeys.hub_process import SCALED, HubProcess, free_port, settings_of
from tests.journeys.journey import STEPS, Journey, check_progress, states_of
from tests.journeys.plans import SLACK, STRIPE

pytestmark = pytest.mark.scaled


@dataclass
class Hosts:
    """Two hosts of one hub; browsers reach both under the first one's address."""

    one: HubProcess
    two: HubProcess
    redis: RedisServer


@pytest.fixture(scope="module")
def hosts(tmp_path_factory) -> Iterator[Hosts]:
    folder = tmp_path_factory.mktemp("hosts")
    with ExitStack() as stack:
        redis = stack.enter_context(running_redis(folder))
        settings = stack.enter_context(settings_of(SCALED, folder, redis=redis.url))
        public = {"PATCHBAY_PORT": str(free_port())}
        public["PATCHBAY_PUBLIC_URL"] = f"http://127.0.0.1:{public['PATCHBAY_PORT']}"
        hubs = []
        for name in ("one", "two"):
            own = folder / name
            own.mkdir()
            hubs.append(HubProcess(own, settings | (public if name == "one" else {}), workers=1))
            stack.callback(hubs[-1].kill)
        one, two = hubs
        two.settings["PATCHBAY_PUBLIC_URL"] = one.address
        one.start()
        two.start()
        yield Hosts(one, two, redis)
        assert one.terminate() + two.terminate() == [0, 0, 0, 0]
        assert one.faults_logged + two.faults_logged == []


@pytest.fixture
async def clients(hosts: Hosts):
    """Return a client of each host, with the same token."""
    async with (
        Client(hosts.one.address, hosts.one.token) as one,
        Client(hosts.two.address, hosts.one.token) as two,
    ):
        yield one, two
        await one.clean_up()


async def first_state(stream: Stream, connection_id: str, state: str) -> Json:
    """Wait until the status stream says that the connection came to ``state``."""
    seen = await stream.until(
        lambda data: (
            data["connectionStatus"]["connectionId"] == connection_id
            and data["connectionStatus"]["status"]["state"] == state
        )
    )
    return seen[-1]


async def test_what_one_host_does_subscribers_of_the_other_see(clients: tuple[Client, Client]):
    one, two = clients
    journey = Journey(one, SLACK)
    await journey.create()

    async with (
        two.follow(documents.AUTH_STATE, by={"connectionId": journey.id}) as states,
        two.follow(documents.STATUS, filter={"integrations": ["slack"]}) as status,
    ):
        await journey.begin()
        answering = asyncio.create_task(journey.answer())
        told = await states_of(states, journey.authorization["id"])
        await answering
        run = await journey.test()
        async with two.follow(documents.PROGRESS, runId=run["id"]) as progress:
            messages = [data["testProgress"] async for data in progress]
        await journey.activate()
        await first_state(status, journey.id, "CONNECTED")

    assert tuple(state["state"] for state in told) == SLACK.states
    check_progress(messages)
    assert messages[-1]["testRun"]["verdict"] == "PASSED"
    assert (await two.ask(documents.CONNECTION, id=journey.id))["connection"] == await journey.now()


async def test_both_workers_do_test_runs_and_each_run_is_done_once(clients: tuple[Client, Client]):
    one, two = clients
    journey = Journey(one, STRIPE)
    await journey.create()
    await journey.authorize()

    runs = await asyncio.gather(
        *(client.verb("testConnection", connectionId=journey.id, waitMs=10_000) for client in (one, two) * 6)
    )

    for payload in runs:
        assert payload["testRun"]["verdict"] == "PASSED"
        assert [step["kind"] for step in payload["testRun"]["steps"]] == list(STEPS)
    types = [event["type"] for event in await journey.events()]
    assert (types.count("TEST_RUN_STARTED"), types.count("TEST_RUN_FINISHED")) == (12, 12)


@pytest.mark.parametrize("loss", ["restarted", "flushed"])
async def test_streams_and_test_runs_go_on_after_redis_was(
    hosts: Hosts, clients: tuple[Client, Client], loss: str
):
    one, two = clients
    journey = Journey(one, SLACK)
    await journey.create()
    by = {"connectionId": journey.id}
    only = {"connectionIds": [journey.id]}
    start = (await journey.events())[0]["cursor"]

    async with (
        two.follow(documents.AUTH_STATE, by=by) as states,
        two.follow(documents.FOLLOW_EVENTS, after=start, filter=only) as events,
    ):
        if loss == "flushed":
            hosts.redis.flush()
        else:
            hosts.redis.stop()
        await journey.begin()
        if loss == "restarted":
            hosts.redis.start()
        answering = asyncio.create_task(journey.answer())
        told = await states_of(states, journey.authorization["id"])
        await answering
        run = await journey.test()
        async with two.follow(documents.PROGRESS, runId=run["id"]) as progress:
            messages = [data["testProgress"] async for data in progress]
        live = await events.until(
            lambda data: any(
                event["type"] == "TEST_RUN_FINISHED" for event in data["events"].get("events", ())
            )
        )

    assert tuple(state["state"] for state in told) == SLACK.states
    check_progress(messages)
    assert messages[-1]["testRun"]["verdict"] == "PASSED"
    seen = [event["id"] for data in live for event in data["events"].get("events", ())]
    assert seen == [event["id"] for event in await journey.events()][1:]


async def test_a_token_revoked_on_one_host_is_refused_by_both_though_they_knew_it(
    clients: tuple[Client, Client],
):
    created = (
        await clients[0].ask(
            """mutation { createToken(input: {name: "robot", scopes: [CATALOG_READ]}) {
              secret accessToken { id } } }"""
        )
    )["createToken"]

    async def status(client: Client) -> int:
        headers = {"Authorization": f"Bearer {created['secret']}"}
        body = {"query": "{ __typename }"}
        return (await client.http.post(f"{client.address}/graphql", json=body, headers=headers)).status_code

    assert [await status(client) for client in clients] == [200, 200]
    await clients[0].ask(
        "mutation($id: ID!) { revokeToken(input: {tokenId: $id}) { accessToken { revokedAt } } }",
        id=created["accessToken"]["id"],
    )
    assert await status(clients[0]) == 401
    async with asyncio.timeout(PATIENCE_S):
        while await status(clients[1]) != 401:
            await asyncio.sleep(0.01)


async def test_without_redis_test_runs_are_done_all_the_same(hosts: Hosts, clients: tuple[Client, Client]):
    one, two = clients
    journey = Journey(one, STRIPE)
    await journey.create()
    hosts.redis.stop()
    try:
        await journey.authorize()
        run = await journey.test()
    finally:
        hosts.redis.start()
    async with two.follow(documents.PROGRESS, runId=run["id"]) as progress:
        messages = [data["testProgress"] async for data in progress]

    assert messages[-1]["testRun"]["verdict"] == "PASSED"


async def test_one_host_goes_down_the_other_goes_on_and_the_first_knows_it_all_when_it_is_back(
    hosts: Hosts, clients: tuple[Client, Client]
):
    one, two = clients
    journey = Journey(one, STRIPE)
    await journey.create()
    hosts.two.kill()

    await journey.authorize()
    assert (await journey.tested())["verdict"] == "PASSED"
    assert (await journey.activate())["status"]["state"] == "CONNECTED"

    hosts.two.start()
    journey.client = two
    assert await journey.state() == ("CONNECTED", None)
    assert (await journey.tested())["verdict"] == "PASSED"
