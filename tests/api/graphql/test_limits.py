"""Each limit accepts what is at it and rejects what is one beyond, quickly."""

import asyncio
import time

import httpx
import pytest
from graphql import parse
from starlette.applications import Starlette

from app.api.graphql.cost import operation_cost
from app.api.graphql.endpoint import HttpDoor
from app.api.graphql.limits import (
    MAX_ALIASES,
    MAX_COMMENTS,
    MAX_COST,
    MAX_DEPTH,
    MAX_DIRECTIVES,
    MAX_DOCUMENT_CHARS,
    MAX_ERRORS,
    MAX_TOKENS,
    TooMuchError,
    measure,
)
from app.api.graphql.operations import Operations
from app.api.graphql.pages import MAX_PAGE
from app.api.graphql.schema import NODE_LOADERS, build_schema
from app.api.graphql.streams import Streams
from app.api.graphql.timeouts import TransportTimeouts
from app.foundation.telemetry import Metrics
from tests.api.graphql.fake_hub import BEARER, PUBLIC_URL, make_actor, make_connection

MAX_REJECTION_S = (
    2.0  # of the whole process, collecting garbage included; what is not refused takes far longer
)


def deep(levels):
    """A query that goes ``levels`` fields deep: testRun, then connection and lastTestRun in turn, then id."""
    names = ["connection" if i % 2 == 0 else "lastTestRun" for i in range(levels - 2)]
    return f'{{testRun(id: "x") {{{"{".join(names)} {{id}}{"}" * (levels - 3)}}}}}' if levels > 2 else ""


async def codes(ask, query, variables=None):
    answer = await ask(query, variables)
    return [error["extensions"]["code"] for error in answer.get("errors", [])]


async def assert_pair(ask, accepted, rejected, code="QUERY_TOO_COMPLEX"):
    assert code not in await codes(ask, accepted)
    began = time.process_time()
    assert await codes(ask, rejected) == [code]
    assert time.process_time() - began < MAX_REJECTION_S


async def test_depth(ask):
    assert measure(parse(deep(MAX_DEPTH))).depth == MAX_DEPTH
    await assert_pair(ask, deep(MAX_DEPTH), deep(MAX_DEPTH + 1))


async def test_depth_counts_fragments(ask):
    def spread(levels):
        return (
            'query {testRun(id: "x") {...A}} fragment A on TestRun {connection {...B}} fragment B on Connection '
            f"{{lastTestRun {deep(levels - 2)[17:-1]}}}"
        )

    assert measure(parse(spread(MAX_DEPTH))).depth == MAX_DEPTH
    await assert_pair(ask, spread(MAX_DEPTH), spread(MAX_DEPTH + 1))


async def test_aliases(ask):
    def query(count):
        return "{" + " ".join(f"a{i}: __typename" for i in range(count)) + "}"

    await assert_pair(ask, query(MAX_ALIASES), query(MAX_ALIASES + 1))


async def test_aliases_count_as_often_as_their_fragment_is_spread(ask):
    def query(spreads):
        fields = " ".join(f"a{i}: __typename" for i in range(10))
        return "{" + "...F " * spreads + "} fragment F on Query {" + fields + "}"

    await assert_pair(ask, query(MAX_ALIASES // 10), query(MAX_ALIASES // 10 + 1))


async def test_directives(ask):
    def query(count):
        return (
            "{__typename "
            + "@include(if: true) " * 0
            + " ".join("...@include(if: true) {__typename}" for _ in range(count))
            + "}"
        )

    await assert_pair(ask, query(MAX_DIRECTIVES), query(MAX_DIRECTIVES + 1))


async def test_tokens(ask):
    def query(count):
        return '{nodes(ids: ["x" ' + '"x" ' * (count - 13) + "]) {id}}"

    await assert_pair(ask, query(MAX_TOKENS), query(MAX_TOKENS + 1))


async def test_comments(ask):
    def query(count):
        return "{" + "#\n" * count + "__typename}"

    await assert_pair(ask, query(MAX_COMMENTS), query(MAX_COMMENTS + 1))


async def test_document_length(client):
    def body(size):
        return {"query": "{__typename}" + " " * (size - 12)}

    accepted = await client.post("/graphql", json=body(MAX_DOCUMENT_CHARS), headers=BEARER)
    assert accepted.json()["data"] == {"__typename": "Query"}
    rejected = await client.post("/graphql", json=body(MAX_DOCUMENT_CHARS + 1), headers=BEARER)
    assert rejected.json()["errors"][0]["extensions"]["code"] == "QUERY_TOO_COMPLEX"


async def test_cost(ask):
    def query(versions):
        page = f"integrations(first: 99) {{nodes {{versions(first: {versions}) {{totalCount}}}}}}"
        return f"{{{page}}}"

    schema = build_schema()._schema
    at_limit = next(
        n for n in range(1, 102) if operation_cost(schema, parse(query(n + 1)), None, {}) > MAX_COST
    )
    assert operation_cost(schema, parse(query(at_limit)), None, {}) <= MAX_COST
    await assert_pair(ask, query(at_limit), query(at_limit + 1))


async def test_nested_pages_multiply(ask):
    query = "{integrations(first: 100) {nodes {versions(first: 100) {nodes {methods(first: 100) {nodes {name}}}}}}}"
    assert await codes(ask, query) == ["QUERY_TOO_COMPLEX"]


@pytest.mark.parametrize("size", [0, -1, MAX_PAGE + 1, 2**31 - 1])
async def test_a_page_size_outside_the_limits_is_an_error(ask, size):
    assert await codes(ask, f"{{connections(first: {size}) {{totalCount}}}}") == ["BAD_USER_INPUT"]
    assert await codes(ask, f"{{connections(last: {size}) {{totalCount}}}}") == ["BAD_USER_INPUT"]


async def test_a_page_size_at_the_limits_is_fine(ask, hub):
    for size in (1, MAX_PAGE):
        assert await codes(ask, f"{{connections(first: {size}) {{totalCount}}}}") == []
    assert await codes(ask, "{connections(first: null) {totalCount}}") == []
    assert await codes(ask, "{connections(first: 1, last: 1) {totalCount}}") == ["BAD_USER_INPUT"]
    assert await codes(ask, f"{{connections(first: {2**31}) {{totalCount}}}}") == ["VALIDATION_FAILED"]


async def test_nodes_takes_a_hundred_ids(ask):
    query = "query ($ids: [ID!]!) {nodes(ids: $ids) {id}}"
    assert await codes(ask, query, {"ids": ["x"] * 100}) == []
    assert await codes(ask, query, {"ids": ["x"] * 101}) == ["BAD_USER_INPUT"]


async def test_introspection_may_be_asked_but_not_nested(ask):
    from graphql import get_introspection_query

    assert (await ask(get_introspection_query()))["data"]["__schema"]
    nested = "{__schema {types {fields {type {fields {type {fields {name}}}}}}}}"
    assert set(await codes(ask, nested)) == {"VALIDATION_FAILED"}


@pytest.mark.parametrize(
    "query",
    [
        "{" + "__typename @skip(if: true) " * 600 + "}",
        "{" * 1_000,
        "{a" * 900,
        "{node(id: " + "[" * 900,
        "{" + " ".join(f"...F{i}" for i in range(300)) + "}",
        "{...A} fragment A on Query {...B} fragment B on Query {...A}",
        "{...F0} "
        + " ".join(f"fragment F{i} on Query {{...F{i + 1} ...F{i + 1}}}" for i in range(150))
        + " fragment F150 on Query {a: __typename}",
        "{" + "x" * 60_000 + "}",
        "query (" + " ".join(f"$a{i}: Int" for i in range(400)) + ") {__typename}",
        "{connections " + "{nodes {nextSteps {problems {message message}}}}" * 40 + "}",
    ],
    ids=lambda query: query[:20],
)
async def test_what_is_made_to_cost_time_is_rejected_quickly(ask, query):
    began = time.process_time()
    found = await codes(ask, query)
    assert time.process_time() - began < 1.0
    assert set(found) <= {"QUERY_TOO_COMPLEX", "VALIDATION_FAILED", "PARSE_FAILED"}
    assert found


async def test_no_more_than_twenty_errors_are_told(ask):
    answer = await ask("{" + " ".join(f"a{i}" for i in range(60)) + "}")
    assert len(answer["errors"]) == MAX_ERRORS


async def test_a_query_that_takes_too_long_is_ended(hub):
    hub.connections.delay_s = 5.0
    hub.connections.put(make_connection())
    operations = Operations(hub, build_schema(query_deadline_s=0.05), NODE_LOADERS)
    app = Starlette()
    app.mount("/", HttpDoor(hub, operations, TransportTimeouts()))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=PUBLIC_URL) as client:
        answer = (
            await client.post("/graphql", json={"query": "{connections {totalCount}}"}, headers=BEARER)
        ).json()
    assert answer["errors"][0]["extensions"]["code"] == "DEADLINE_EXCEEDED"
    assert answer["errors"][0]["extensions"]["retryable"] is True
    assert hub.connections.cancelled == 1
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []


def test_a_workspace_has_a_quota_of_streams():
    metrics = Metrics()
    streams = Streams(metrics, quota=2)
    one, two, other = (make_actor("a", session_id="1"), make_actor("a", session_id="2"), make_actor("b"))
    with streams.opened(one), streams.opened(two), streams.opened(other):
        assert metrics.registry.get_sample_value("patchbay_subscriptions") == 3
        with pytest.raises(TooMuchError), streams.opened(make_actor("a", session_id="3")):
            pass
    with streams.opened(one):
        assert metrics.registry.get_sample_value("patchbay_subscriptions") == 1


async def test_equal_documents_are_parsed_and_validated_once(hub, monkeypatch):
    from app.api.graphql import guards

    parsed = []
    monkeypatch.setattr(guards, "parse", lambda text, **more: parsed.append(text) or parse(text, **more))
    operations = Operations(hub, build_schema(), NODE_LOADERS)
    app = Starlette()
    app.mount("/", HttpDoor(hub, operations, TransportTimeouts()))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=PUBLIC_URL) as client:
        for _ in range(3):
            await client.post("/graphql", json={"query": "{viewer {role}}"}, headers=BEARER)
    assert parsed == ["{viewer {role}}"]
