"""R6: whatever comes in by HTTP or websocket, no 5xx, no close without a frame, and no value in any output or log.

A seeded sample by default; 10,000 inputs each with ``PATCHBAY_PROOFS=full``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from app.api.graphql.endpoint import graphql_routes
from app.api.graphql.timeouts import TransportTimeouts
from app.catalog.catalog import load_catalog
from tests.api.graphql.fake_hub import BEARER, PUBLIC_URL, TOKEN, make_hub
from tests.servers import running

IS_FULL = os.environ.get("PATCHBAY_PROOFS") == "full"
EXAMPLES = 10_000 if IS_FULL else 400
CANARY = "CANARY-5d1f0c9a"
MANY = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
CODES = {1000, 1009, 4400, 4401, 4403, 4406, 4408, 4409, 4429}

pytestmark = [pytest.mark.proof, pytest.mark.timeout(3_600 if IS_FULL else 120)]

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([CANARY, f"'{CANARY}'", f'"{CANARY}\n', f"{CANARY}\x00", "\ud800"])
)
keys = st.text(max_size=8) | st.just(CANARY)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8) | st.just(CANARY), inner, max_size=4)
    ),
    max_leaves=10,
)
OPERATIONS = [
    "{__typename}",
    "mutation ($input: SaveApplicationInput!) {saveApplication(input: $input) {userErrors {code path}}}",
    "mutation ($input: SubmitCredentialsInput!) {submitCredentials(input: $input) {userErrors {code path}}}",
    "mutation ($input: CreateConnectionInput!) {createConnection(input: $input) {userErrors {code path}}}",
    "query ($input: ValidateConfigInput!) {validateConfig(input: $input) {isValid}}",
    "query ($id: ID!, $ids: [ID!]!) {node(id: $id) {id} nodes(ids: $ids) {id}}",
    "query ($after: EventCursor, $first: Int) {events(after: $after, first: $first) {hasMore}}",
    "query ($filter: IntegrationFilter, $first: Int) {integrations(filter: $filter, first: $first) {totalCount}}",
    "query ($by: ConnectionBy!) {connection(by: $by) {id}}",
    "subscription ($by: AuthStateBy!, $afterSeq: Int) {authState(by: $by, afterSeq: $afterSeq) {seq}}",
]
names = st.sampled_from(
    [
        "input",
        "id",
        "ids",
        "after",
        "first",
        "filter",
        "by",
        "afterSeq",
        "clientSecret",
        "credentials",
        "config",
        CANARY,
    ]
)
variables = st.dictionaries(names, values | st.dictionaries(names, values, max_size=5), max_size=5)
literals = st.sampled_from(
    [f'"{CANARY}"', f'"""{CANARY}"""', f'["{CANARY}"', "1e999", "012", '"\\u{110000}"', "$x", "null"]
)
soup = st.lists(
    st.sampled_from(
        ["{", "}", "(", ")", ":", "...", "@include", "query", "mutation", "node", "id", "fragment", "on", "!"]
    )
    | literals,
    max_size=30,
).map(" ".join)
inlined = st.builds(
    lambda field, literal: (
        f"mutation {{saveApplication(input: {{{field}: {literal}}}) {{userErrors {{code}}}}}}"
    ),
    st.sampled_from(["clientSecret", "client_secret", "mode", "integration", "fields"]),
    literals,
)
documents = st.sampled_from(OPERATIONS) | soup | inlined
operations = st.fixed_dictionaries(
    {},
    optional={
        "query": documents | values,
        "variables": variables | values,
        "operationName": values,
        "extensions": values,
    },
)
bodies = st.binary(max_size=60) | (operations | values).map(
    lambda value: json.dumps(value).encode("utf-8", "surrogatepass")
)
depths = st.builds(
    lambda mark, depth: mark * depth, st.sampled_from([b"[", b'{"a":', b'{"query":']), st.integers(1, 5_000)
)
types = st.sampled_from(
    ["application/json"] * 8 + ["text/plain", "application/json; charset=x", "", "multipart/form-data"]
)
accepts = st.sampled_from(
    ["application/json", "application/graphql-response+json", "text/event-stream", "*/*", "x/y", "q;=,,;"]
)
frames = st.one_of(
    st.binary(max_size=40),
    st.text(max_size=60),
    values.map(json.dumps),
    st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["connection_init", "ping", "pong", "subscribe", "complete"]) | scalars,
            "id": st.sampled_from(["1", "2", CANARY, CANARY * 40]) | values,
            "payload": operations | values,
        },
    ).map(json.dumps),
    st.builds(
        lambda id_, operation: json.dumps({"type": "subscribe", "id": id_, "payload": operation}),
        st.sampled_from(["1", "2", "3"]),
        operations,
    ),
    depths.map(lambda data: data.decode()),
)


@pytest.fixture(scope="module")
def loop():
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def app():
    return Starlette(routes=graphql_routes(make_hub(load_catalog()), TransportTimeouts(init_s=5.0)))


def assert_silent(text: str) -> None:
    assert CANARY not in text
    assert "5d1f0c9a" not in text


@pytest.mark.threat("R6")
def test_malformed_http_requests_never_break_the_door(loop, app, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, "httpx")  # the client's own log is none of the hub's outputs
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=PUBLIC_URL)
    seen: set[int] = set()

    @MANY
    @given(bodies | depths, types, accepts, st.booleans(), st.sampled_from(["POST"] * 9 + ["GET", "PUT"]))
    def attempt(body: bytes, content_type: str, accept: str, signed_in: bool, method: str) -> None:
        headers = {"content-type": content_type, "accept": accept, **(BEARER if signed_in else {})}
        params = {"query": body[:500].decode("latin-1")} if method == "GET" else None
        content = None if method == "GET" else body
        response = loop.run(
            client.request(method, "/graphql", content=content, params=params, headers=headers)
        )
        seen.add(response.status_code)
        assert response.status_code < 500, (body, response.text)
        assert_silent(response.text)
        if not response.headers["content-type"].startswith("text/event-stream"):
            answer = response.json()
            assert set(answer) <= {"data", "errors", "extensions"}

    attempt()
    loop.run(client.aclose())
    assert {200, 400} <= seen
    printed = capsys.readouterr()
    assert_silent(caplog.text + printed.out + printed.err)


@pytest.mark.threat("R6")
def test_malformed_frames_never_end_a_socket_without_a_close_frame(loop, app, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    caplog.set_level(
        logging.WARNING, "websockets.client"
    )  # the client's own log is none of the hub's outputs
    codes: dict[int, int] = {}

    async def converse(address: Any, messages: list[str | bytes], signed_in: bool) -> None:
        async with connect(
            f"{address.ws}/graphql", subprotocols=["graphql-transport-ws"], compression=None
        ) as socket:
            if signed_in:
                payload = {"authorization": f"Bearer {TOKEN}"}
                await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
            with contextlib.suppress(ConnectionClosed):
                for message in messages:
                    await socket.send(message)
                await socket.send('{"type":"ping"}')
                while (answer := json.loads(await asyncio.wait_for(socket.recv(), 10)))["type"] != "pong":
                    assert_silent(json.dumps(answer))
                    assert answer["type"] in {"connection_ack", "next", "error", "complete"}
            if socket.close_code is not None:
                assert socket.protocol.close_rcvd is not None, messages
                assert_silent(socket.protocol.close_rcvd.reason)
        received = socket.protocol.close_rcvd
        code = received.code if received else 1000
        codes[code] = codes.get(code, 0) + 1
        assert code in CODES, (code, messages)

    server = running(app, access_log=False)
    address = loop.run(server.__aenter__())

    @MANY
    @given(st.lists(frames, min_size=1, max_size=4), st.booleans())
    def attempt(messages: list[str | bytes], signed_in: bool) -> None:
        sendable = [m.encode("utf-8", "replace").decode() if isinstance(m, str) else m for m in messages]
        loop.run(converse(address, sendable, signed_in))

    try:
        attempt()
    finally:
        loop.run(server.__aexit__(None, None, None))
    assert {1000, 4400} <= set(codes)
    printed = capsys.readouterr()
    assert_silent(caplog.text + printed.out + printed.err)
    assert "Exception" not in caplog.text + printed.err
