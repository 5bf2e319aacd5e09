"""E1 to E3: what somebody without a token can make the hub do is little, and counted."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import tracemalloc

import httpx
import orjson
import pytest
import uvicorn
from graphql import get_introspection_query
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from uvicorn.server import ServerState
from websockets.asyncio.client import connect
from websockets.server import ServerProtocol

from app.api.graphql.endpoint import graphql_routes
from app.api.graphql.limits import FRAME_BURST, MAX_COMPARISONS, SIGNED_OUT_BODY_BYTES
from app.http_protocol import (
    MAX_HEAD_BYTES,
    SIGNED_OUT_MESSAGE_BYTES,
    STEP_BYTES,
    BoundedHttp,
    BoundedWebSocket,
)
from tests.api.graphql.fake_hub import BEARER, PUBLIC_URL, load_test_catalog, make_hub
from tests.field.anonymous import documents, requests
from tests.servers import DEFAULTS, running

MAX_CALLS = 600_000
"""Function calls of one request. The costliest has two thirds of it, and takes 15 ms on the slowest machine we have."""
MIB = 1 << 20
CONNECTIONS = 400
REQUESTS = {
    f"{name}, {size}": body for size in (SIGNED_OUT_BODY_BYTES, 65_536) for name, body in requests(size)
}


@pytest.fixture(scope="module")
def app():
    return Starlette(routes=graphql_routes(make_hub(load_test_catalog())))


async def sent(app, body, headers=()):
    headers = {"content-type": "application/json", **dict(headers)}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=PUBLIC_URL) as client:
        return await client.post("/graphql", content=body, headers=headers)


async def counted(act):
    """Return what ``act`` answers, and how many functions were called for it."""
    calls = 0

    def count(_frame, event, _argument):
        nonlocal calls
        calls += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        return await act, calls
    finally:
        sys.setprofile(before)


@pytest.mark.parametrize("name", REQUESTS)
async def test_no_request_without_a_token_costs_much(app, name):
    """E1, E2: introspection, validation, variables and JSON, as small as what is read and as large as what is sent."""
    response, calls = await counted(sent(app, REQUESTS[name]))
    assert response.status_code in {200, 400, 413}
    assert calls < MAX_CALLS
    assert len(response.content) < 16_384


@pytest.mark.parametrize("query", [get_introspection_query(), documents(16_384)["introspection, many times"]])
async def test_introspection_costs_what_it_is_and_needs_a_token(app, query):
    """E1: it is refused before anything is read of the schema, and says what would help."""
    answer = (await sent(app, orjson.dumps({"query": query}))).json()
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "UNAUTHENTICATED"
    assert error["message"].startswith("Sign in first: without a token ")
    assert answer["data"] is None


async def test_a_client_with_a_token_may_introspect_once_and_not_thirty_times(app):
    """E1: the whole schema fits into what an operation may cost; many times of it does not."""
    once = (await sent(app, orjson.dumps({"query": get_introspection_query()}), BEARER)).json()
    assert once["data"]["__schema"]["types"]
    assert 1_000 < once["extensions"]["cost"]["requested"] < once["extensions"]["cost"]["limit"]
    alias = "__schema{types{name fields{name type{name}}}}"
    often = "{" + " ".join(f"a{i}: {alias}" for i in range(30)) + "}"
    refused = (await sent(app, orjson.dumps({"query": often}), BEARER)).json()
    assert [error["extensions"]["code"] for error in refused["errors"]] == ["QUERY_TOO_COMPLEX"]


async def test_what_was_prepared_for_a_token_is_not_run_without_one(app):
    """E1: the cache of documents knows no callers, so the limits are held against what it gives."""
    ids = ' "x"' * 99
    long = "{" + " ".join(f"a{i}: nodes(ids: [{ids}]) {{id}}" for i in range(5)) + "}"
    assert (await sent(app, orjson.dumps({"query": long}), BEARER)).json()["data"]["a4"] == [None] * 99
    answer = (await sent(app, orjson.dumps({"query": long}))).json()
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]


@pytest.mark.parametrize(
    "query",
    [
        "{" + "__typename " * 1_990 + "}",
        "{" + " ".join(f"node(i{i}: 1) {{id}}" for i in range(190)) + "}",
        "{" + " ".join(f"...F{i}" for i in range(180)) + "}"
        + " ".join(f"fragment F{i} on Query {{__typename}}" for i in range(180)),
        "{" + "...on Query {viewer {role}} " * 200 + "}",
    ],
    ids=["one name", "arguments", "fragments", "inline"],
)  # fmt: skip
async def test_validation_compares_so_much_and_no_more(app, query):
    """E2: the one rule whose work grows with the square has a budget, for everybody."""
    answer, calls = await counted(sent(app, orjson.dumps({"query": query}), BEARER))
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "QUERY_TOO_COMPLEX"
    assert str(MAX_COMPARISONS) in error["message"]
    assert calls < MAX_CALLS


# -- E3


class Quick(BoundedHttp):
    """The protocol with short times."""

    head_s = 0.2
    body_s = 0.2


async def read_all(reader):
    return await asyncio.wait_for(reader.read(), 20)


@pytest.mark.parametrize(
    ("start", "drip", "answer"),
    [
        (b"", b"", b""),
        (b"GET /graphql HTTP/1.1\r\nhost: x\r\n", b"a: b\r\n", b"HTTP/1.1 408 "),
        (b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n", b"a: b\r\n", b"HTTP/1.1 408 "),
        (
            b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{",
            b" ",
            b"HTTP/1.1 408 ",
        ),
        (b"GET /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n", b" ", b"HTTP/1.1 400 "),
        (b"\r\n", b"\r\n", b""),
    ],
    ids=["nothing", "head", "head of a post", "body", "body that nobody reads", "empty lines"],
)
async def test_what_is_dripped_has_an_end(app, start, drip, answer):
    """E3: a request comes in time, head and body, or its connection is closed."""
    async with running(app, http=Quick) as address:
        reader, writer = await asyncio.open_connection("127.0.0.1", address.port)
        writer.write(start)

        async def go_on():
            with contextlib.suppress(ConnectionError):
                while not writer.is_closing():
                    writer.write(drip)
                    await writer.drain()
                    await asyncio.sleep(0.02)

        dripping = asyncio.create_task(go_on())
        with contextlib.suppress(ConnectionResetError):
            assert (await read_all(reader)).startswith(answer)
        dripping.cancel()
        writer.close()


async def test_a_second_request_on_a_connection_has_its_time_too(app):
    """E3: the clock starts again with each request."""
    async with running(app, http=Quick) as address:
        reader, writer = await asyncio.open_connection("127.0.0.1", address.port)
        writer.write(b"GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\nNot Found")
        writer.write(b"GET /nothing HT")
        assert (await read_all(reader)).startswith(b"HTTP/1.1 408 ")
        writer.close()


async def test_a_head_has_a_greatest_length(app):
    """E3: headers without end are refused, however fast they come."""
    async with running(app) as address:
        reader, writer = await asyncio.open_connection("127.0.0.1", address.port)
        writer.write(b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * (MAX_HEAD_BYTES // 6 + 1))
        assert (await read_all(reader)).startswith(b"HTTP/1.1 431 ")
        writer.close()


async def test_the_clock_does_not_run_while_an_answer_is_made():
    """E3: slow is only who asks. An answer may take its time, and so may a websocket."""
    may_answer = asyncio.Event()

    async def slow(scope, receive, send):
        await may_answer.wait()
        await PlainTextResponse("done")(scope, receive, send)

    async with running(slow, http=Quick) as address:
        reader, writer = await asyncio.open_connection("127.0.0.1", address.port)
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        asyncio.get_running_loop().call_later(3 * Quick.body_s, may_answer.set)
        assert (await read_all(reader)).endswith(b"done")
        writer.close()


async def test_the_clock_does_not_run_on_a_websocket(app):
    """E3: its own times hold there."""
    async with (
        running(app, http=Quick) as address,
        connect(f"{address.ws}/graphql", subprotocols=["graphql-transport-ws"], compression=None) as one,
    ):
        token = {"authorization": BEARER["authorization"]}
        await one.send(orjson.dumps({"type": "connection_init", "payload": token}).decode())
        await one.recv()
        later = asyncio.Event()
        asyncio.get_running_loop().call_later(3 * Quick.head_s, later.set)
        await later.wait()
        await one.send('{"type":"ping"}')
        assert orjson.loads(await one.recv()) == {"type": "pong"}


class Taken:
    """Counts the bytes of bodies that an application took."""

    def __init__(self, app):
        self.app, self.size, self.changed = app, 0, asyncio.Event()

    async def __call__(self, scope, receive, send):
        async def counting():
            message = await receive()
            self.size += len(message.get("body", b""))
            self.changed.set()
            return message

        await self.app(scope, counting, send)

    async def wait_for(self, size):
        while self.size < size:
            self.changed.clear()
            await asyncio.wait_for(self.changed.wait(), 20)


@pytest.mark.parametrize(
    ("length", "sent_bytes"), [(1_000_000, 999_999), (SIGNED_OUT_BODY_BYTES, SIGNED_OUT_BODY_BYTES - 1)]
)
async def test_400_unfinished_bodies_cost_less_than_20_mib(app, length, sent_bytes):
    """E3: of strangers the hub keeps no more than a small body; who announces more is answered at once."""
    head = f"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    data, taken, loop = head.encode() + b" " * sent_bytes, Taken(app), asyncio.get_running_loop()
    async with running(taken) as address:
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(socket.socket()) for _ in range(CONNECTIONS)]
            tracemalloc.start()
            stack.callback(tracemalloc.stop)
            for client in clients:
                client.setblocking(False)
                await loop.sock_connect(client, ("127.0.0.1", address.port))
                with contextlib.suppress(ConnectionError):  # it is closed on while it still sends
                    await loop.sock_sendall(client, data)
            if length > SIGNED_OUT_BODY_BYTES:
                assert taken.size == 0
            else:
                await taken.wait_for(CONNECTIONS * sent_bytes)
            peak = tracemalloc.get_traced_memory()[1]
            assert peak < 20 * MIB


def frame(opcode, payload, *, length=None, is_last=True):
    """Return a client's frame (RFC 6455 5.2) whose mask is zero; ``length`` is what it announces."""
    size = len(payload) if length is None else length
    head = bytes([opcode | (0x80 if is_last else 0)])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 65_536:
        head += bytes([0x80 | 126]) + size.to_bytes(2)
    else:
        head += bytes([0x80 | 127]) + size.to_bytes(8)
    return head + bytes(4) + payload


HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
    b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-protocol: graphql-transport-ws\r\n\r\n"
)
MORE, TEXT, PING, PONG = 0, 1, 9, 10
BEGUN = frame(TEXT, b" ", is_last=False)
MESSAGES = {
    "a frame that is too long": (frame(TEXT, b" " * 200_000, length=262_000), 1009),
    "frames that are too long together": (BEGUN + frame(MORE, b" " * 1_000, is_last=False) * 60, 1009),
    "small frames": (BEGUN + frame(MORE, b"ab", is_last=False) * 8_000, 4429),
    "empty frames": (BEGUN + frame(MORE, b"", is_last=False) * 43_000, 4429),
    "pings": (frame(PING, b"") * 43_000, 4429),
    "pongs": (frame(PONG, b"") * 43_000, 4429),
    "messages": (frame(TEXT, b'{"type":"ping"}') * 12_000, 4429),
}


class Wire(asyncio.Transport):
    """Keeps what a protocol writes."""

    def __init__(self):
        super().__init__()
        self.written, self._is_closing = b"", False

    def write(self, data):
        self.written += data

    def close(self):
        self._is_closing = True

    def is_closing(self):
        return self._is_closing

    def pause_reading(self):
        """Nothing is read here."""

    resume_reading = pause_reading


def shaking(app):
    """Return the server's end of a websocket whose handshake has come."""
    protocol = BoundedWebSocket(uvicorn.Config(app, **DEFAULTS), ServerState(), {})
    protocol.connection_made(Wire())
    protocol.data_received(HANDSHAKE)
    return protocol


async def handshaken(app):
    """Return one whose handshake the door has answered."""
    protocol = shaking(app)
    async with asyncio.timeout(20):
        while not protocol.transport.written:
            await asyncio.sleep(0)
    assert protocol.transport.written.startswith(b"HTTP/1.1 101 ")
    return protocol


@pytest.fixture
def frames_read(monkeypatch):
    read, plain = [], ServerProtocol.recv_frame
    monkeypatch.setattr(
        ServerProtocol, "recv_frame", lambda self, one: (read.append(one.opcode), plain(self, one))
    )
    return read


@pytest.mark.parametrize("name", MESSAGES)
async def test_a_stranger_sends_a_websocket_few_frames(app, frames_read, name):
    """E2, E3: of 256 KiB that come at once no more is read than it takes to refuse them."""
    message, code = MESSAGES[name]
    protocol = await handshaken(app)
    protocol.data_received(message)
    assert protocol.transport.is_closing()
    assert protocol.transport.written.count(code.to_bytes(2)) == 1
    assert len(frames_read) < FRAME_BURST + STEP_BYTES // 6 + 1
    protocol.connection_lost(None)
    await asyncio.wait_for(asyncio.gather(*protocol.tasks), 20)


async def test_400_unfinished_messages_cost_less_than_20_mib(app):
    """E3: before it has signed in, a websocket keeps as little of a message as a request does of a body."""
    unfinished = frame(TEXT, b" " * (SIGNED_OUT_MESSAGE_BYTES - 1), length=SIGNED_OUT_MESSAGE_BYTES)
    protocols = [await handshaken(app) for _ in range(CONNECTIONS)]
    tracemalloc.start()
    for protocol in protocols:
        protocol.data_received(bytes(bytearray(unfinished)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert not any(protocol.transport.is_closing() for protocol in protocols)
    for protocol in protocols:
        protocol.connection_lost(None)
    assert CONNECTIONS * SIGNED_OUT_MESSAGE_BYTES // 2 < peak < 20 * MIB


@pytest.mark.parametrize("name", MESSAGES)
async def test_who_does_not_wait_for_the_handshake_is_closed_on(app, frames_read, name):
    """E3: frames before the answer are refused without one, and are no fault of ours."""
    protocol = shaking(app)
    protocol.data_received(MESSAGES[name][0])
    assert protocol.transport.is_closing()
    assert len(frames_read) < FRAME_BURST + STEP_BYTES // 6 + 1
    protocol.connection_lost(None)
    await asyncio.wait_for(asyncio.gather(*protocol.tasks), 20)


async def test_a_client_that_has_signed_in_may_send_long_messages(app):
    """E3: the small size is for strangers alone."""
    async with (
        running(app) as address,
        connect(f"{address.ws}/graphql", subprotocols=["graphql-transport-ws"], compression=None) as one,
    ):
        token = {"authorization": BEARER["authorization"]}
        await one.send(orjson.dumps({"type": "connection_init", "payload": token}).decode())
        assert orjson.loads(await one.recv()) == {"type": "connection_ack"}
        await one.send(orjson.dumps({"type": "ping", "payload": {"long": "x" * 200_000}}).decode())
        assert orjson.loads(await one.recv()) == {"type": "pong"}
