"""GraphQL over server-sent events on real sockets: one operation, one response, and every way it can end."""

import asyncio
import json

import httpx
import pytest

from app.event_stream.event import EventType
from tests.api.graphql.fake_hub import BEARER, make_connection, make_run

STREAM = {**BEARER, "accept": "text/event-stream"}
EVENTS = "subscription {events {... on EventBatch {events {data}}}}"


async def next_event(lines):
    """Return the next event as its name and data; comments are passed over."""
    name, data = None, ""
    async for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data:"):
            data = line.removeprefix("data:").strip()
        elif not line and name:
            return name, json.loads(data) if data else None
    return None


async def everything(address, query, variables=None, headers=STREAM, method="POST"):
    async with httpx.AsyncClient(timeout=10) as client:
        body = {"query": query, "variables": variables}
        kwargs = {"params": {"query": query}} if method == "GET" else {"json": body}
        async with client.stream(method, f"{address.http}/graphql", headers=headers, **kwargs) as response:
            assert response.status_code == 200
            assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
            assert response.headers["cache-control"] == "no-cache, no-transform"
            lines = response.aiter_lines()
            events = []
            while (event := await next_event(lines)) is not None:
                events.append(event)
            return events


async def test_a_subscription_is_followed_to_its_end(server, hub):
    run = hub.test_runs.put(make_run("conn_1"))
    query = "subscription ($id: ID!) {testProgress(runId: $id) {seq isFinal}}"
    events = await everything(server, query, {"id": run.id})
    assert [name for name, _ in events] == ["next", "next", "complete"]
    assert [data["data"]["testProgress"]["seq"] for _, data in events[:2]] == [1, 2]


async def test_a_query_is_answered_once_also_by_get(server):
    for method in ("POST", "GET"):
        events = await everything(server, "{viewer {role}}", method=method)
        assert events[0][1]["data"] == {"viewer": {"role": "OWNER"}}
        assert events[1] == ("complete", None)


async def test_a_mutation_is_not_sent_by_get(server, hub):
    query = 'mutation {pauseConnection(input: {connectionId: "x"}) {asOf}}'
    events = await everything(server, query, method="GET")
    assert events[0][1]["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert hub.connections.calls == []


@pytest.mark.parametrize("query", ["{", "{nope}", "query A {__typename} query B {__typename}"])
async def test_a_document_at_fault_is_told_on_the_stream(server, query):
    events = await everything(server, query)
    assert [name for name, _ in events] == ["next", "complete"]
    assert "data" not in events[0][1]
    assert events[0][1]["errors"][0]["extensions"]["code"]


async def test_events_come_as_they_happen_with_signs_of_life_between(server, hub):
    async with (
        httpx.AsyncClient(timeout=10) as client,
        client.stream("POST", f"{server.http}/graphql", json={"query": EVENTS}, headers=STREAM) as response,
    ):
        lines = response.aiter_lines()
        async for line in lines:
            if line == ":":
                break
        hub.events.add(EventType.CONNECTION_CREATED)
        name, data = await next_event(lines)
        assert name == "next"
        assert data["data"]["events"]["events"] == [{"data": {"n": 1}}]
    while hub.events.following:
        await asyncio.sleep(0.01)
    assert hub.metrics.registry.get_sample_value("patchbay_subscriptions") == 0


async def test_revoked_access_ends_the_response_without_complete(server, hub):
    async with (
        httpx.AsyncClient(timeout=10) as client,
        client.stream("POST", f"{server.http}/graphql", json={"query": EVENTS}, headers=STREAM) as response,
    ):
        hub.access.valid.discard("tok_1")
        assert await next_event(response.aiter_lines()) is None
    assert hub.events.following == 0


async def test_an_answer_that_cannot_be_written_ends_the_response_and_is_not_told(server, hub, capsys):
    made = hub.connections.put(make_connection(config={"a": CANARY()}))
    events = await everything(
        server, "query ($id: ID!) {connection(by: {id: $id}) {config}}", {"id": made.id}
    )
    assert events == []
    printed = capsys.readouterr()
    assert "stream failed" in printed.out
    assert "CANARY" not in printed.out + printed.err


class CANARY:
    """Something that is not JSON."""


async def test_without_an_actor_the_stream_says_so(server):
    events = await everything(server, EVENTS, headers={"accept": "text/event-stream"})
    assert events[0][1]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
