"""graphql-transport-ws on real sockets: the protocol's table of messages and codes, streams, quotas, revocation."""

import asyncio
import contextlib
import json
import socket
from pathlib import Path

import pytest
from starlette.applications import Starlette
from websockets.exceptions import InvalidStatus

from app.api.graphql.endpoint import graphql_routes
from app.api.graphql.limits import (
    FRAME_BURST,
    MAX_FRAME_BYTES,
    MAX_OPERATIONS_PER_SOCKET,
    SIGNED_OUT_FRAME_BYTES,
)
from app.api.graphql.timeouts import TransportTimeouts
from app.event_stream.event import EventType, encode_cursor
from tests.api.graphql.fake_hub import (
    COOKIE,
    OTHER_TOKEN,
    TOKEN,
    VIEWER_TOKEN,
    WORKSPACE,
    make_connection,
    make_run,
)
from tests.api.graphql.sockets import PROTOCOL, peer
from tests.servers import running

EVENTS = """subscription ($after: EventCursor) {events(after: $after) {__typename
  ... on EventBatch {cursor hasMorePast events {id data}} ... on StreamReset {reason latest}}}"""


def batch_of(message):
    return [event["data"]["n"] for event in message["payload"]["data"]["events"]["events"]]


async def test_a_query_and_a_mutation_are_answered_once_and_completed(server, hub):
    async with peer(server) as one:
        await one.init()
        await one.subscribe("1", "{viewer {role}}")
        answer = await one.receive()
        assert answer["type"] == "next"
        assert answer["id"] == "1"
        assert answer["payload"]["data"] == {"viewer": {"role": "OWNER"}}
        assert await one.receive() == {"type": "complete", "id": "1"}
        made = hub.connections.put(make_connection())
        mutation = "mutation ($id: ID!) {pauseConnection(input: {connectionId: $id}) {userErrors {code}}}"
        await one.subscribe("1", mutation, id=made.id)
        assert (await one.receive())["payload"]["data"] == {"pauseConnection": {"userErrors": []}}
        assert await one.receive() == {"type": "complete", "id": "1"}


async def test_events_are_replayed_and_then_live(server, hub):
    hub.events.add(EventType.CONNECTION_CREATED)
    async with peer(server) as one:
        await one.init()
        position = await hub.events.position("x")
        await one.subscribe("1", EVENTS)
        while not hub.events.following:
            await asyncio.sleep(0.01)
        hub.events.add(EventType.CONNECTION_UPDATED)
        first = await one.receive()
        assert batch_of(first) == [position + 1]
        cursor = first["payload"]["data"]["events"]["cursor"]
        hub.events.add(EventType.CONNECTION_DELETED)
        assert batch_of(await one.receive()) == [3]
        await one.send({"type": "complete", "id": "1"})
        while hub.events.following:
            await asyncio.sleep(0.01)
        await one.subscribe("1", EVENTS, after=cursor)
        assert batch_of(await one.receive()) == [3]


async def test_a_reset_ends_the_stream(server, hub):
    async with peer(server) as one:
        await one.init()
        await one.subscribe("1", EVENTS, after=encode_cursor(WORKSPACE, 99))
        answer = await one.receive()
        assert answer["payload"]["data"]["events"]["reason"] == "CURSOR_EXPIRED"
        assert await one.receive() == {"type": "complete", "id": "1"}


async def test_the_progress_of_a_test_and_the_states_of_an_authorization_end_by_themselves(server, hub):
    run = hub.test_runs.put(make_run("conn_1"))
    begun = hub.authorizations.begun("conn_1")
    async with peer(server) as one:
        await one.init()
        query = "subscription ($id: ID!, $s: Int) {testProgress(runId: $id, afterSeq: $s) {seq isFinal step {kind}}}"
        await one.subscribe("1", query, id=run.id)
        steps = [(await one.receive())["payload"]["data"]["testProgress"] for _ in range(2)]
        assert steps == [
            {"seq": 1, "isFinal": False, "step": {"kind": "CONFIGURATION"}},
            {"seq": 2, "isFinal": True, "step": None},
        ]
        assert await one.receive() == {"type": "complete", "id": "1"}
        await one.subscribe("2", query, id=run.id, s=1)
        assert (await one.receive())["payload"]["data"]["testProgress"]["seq"] == 2
        assert await one.receive() == {"type": "complete", "id": "2"}
        query = "subscription ($id: ID!) {authState(by: {authorizationId: $id}) {seq state isFinal}}"
        await one.subscribe("3", query, id=begun.id)
        states = [(await one.receive())["payload"]["data"]["authState"]["state"] for _ in range(2)]
        assert states == ["AWAITING_USER", "AUTHENTICATED"]
        assert await one.receive() == {"type": "complete", "id": "3"}


async def test_the_status_of_connections_begins_with_what_is_there(server, hub):
    here = hub.connections.put(make_connection(name="a"))
    query = (
        "subscription {connectionStatus {connectionId matches asOf status {state} connection {name asOf}}}"
    )
    async with peer(server) as one:
        await one.init()
        await one.subscribe("1", query)
        first = (await one.receive())["payload"]["data"]["connectionStatus"]
        assert (first["connectionId"], first["connection"]["name"]) == (here.id, "a")
        assert first["asOf"] == first["connection"]["asOf"]
        while not hub.events.following:
            await asyncio.sleep(0.01)
        new = hub.connections.put(make_connection(name="b"))
        hub.events.add(EventType.CONNECTION_CREATED, new.id)
        assert (await one.receive())["payload"]["data"]["connectionStatus"]["connectionId"] == new.id
        del hub.connections.rows[new.id]
        hub.events.add(EventType.CONNECTION_DELETED, new.id)
        gone = (await one.receive())["payload"]["data"]["connectionStatus"]
        assert gone == {
            "connectionId": new.id, "matches": False, "status": None, "connection": None, "asOf": gone["asOf"],
        }  # fmt: skip


async def test_a_foreign_stream_is_answered_like_a_missing_one(server, hub):
    run = hub.test_runs.put(make_run("conn_1"))
    query = "subscription ($id: ID!) {testProgress(runId: $id) {seq}}"
    answers = []
    async with peer(server) as one:
        await one.init(OTHER_TOKEN)
        for id_ in (run.id, "run_" + "0" * 26):
            await one.subscribe("1", query, id=id_)
            answer = await one.receive()
            answer["payload"]["errors"][0]["extensions"]["requestId"] = "x"
            answers.append(answer)
            assert await one.receive() == {"type": "complete", "id": "1"}
    assert answers[0] == answers[1]
    assert answers[0]["payload"]["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_permissions_hold_on_streams(server):
    async with peer(server) as one:
        await one.init(VIEWER_TOKEN)
        await one.subscribe("1", EVENTS)
        answer = await one.receive()
        assert answer["payload"]["errors"][0]["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize(
    "query",
    ["{", "{nope}", "query ($a: Int!) {node(id: $a) {id}}", "subscription {a: events {__typename} nope}"],
)
async def test_a_document_at_fault_is_an_error_message_and_not_the_end(server, query):
    async with peer(server) as one:
        await one.init()
        await one.subscribe("1", query)
        answer = await one.receive()
        assert (answer["type"], answer["id"]) == ("error", "1")
        assert all("code" in error["extensions"] for error in answer["payload"])
        await one.subscribe("1", "{__typename}")
        assert (await one.receive())["type"] == "next"


async def test_pings_are_answered_also_before_the_init(server):
    async with peer(server) as one:
        await one.send({"type": "ping", "payload": {"a": 1}})
        assert await one.receive() == {"type": "pong"}
        await one.send({"type": "pong"})
        await one.init()


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (["x"], 4400),
        (["[]"], 4400),
        (['"s"'], 4400),
        (["1"], 4400),
        (["null"], 4400),
        ([b"\x00\x01"], 4400),
        (["[" * 4_000], 4400),
        (["x" * (SIGNED_OUT_FRAME_BYTES + 1)], 1009),
        (['{"type":"' + "CANARY" * 40 + '"}'], 4400),
        (['{"type":"subscribe","id":{},"payload":{"query":"{a}"}}'], 4400),
        (['{"type":"subscribe","id":"1","payload":"x"}'], 4400),
        ([{"type": "subscribe", "id": "1", "payload": {"query": "{__typename}"}}], 4401),
        ([{"type": "connection_init"}], 4403),
        ([{"type": "connection_init", "payload": {"authorization": "Bearer wrong"}}], 4403),
        ([{"type": "connection_init", "payload": {"authorization": "CANARY"}}], 4403),
        (["x" * (MAX_FRAME_BYTES + 1)], 1009),
    ],
)
async def test_a_violation_closes_with_its_code_and_a_constant_reason(server, messages, code):
    async with peer(server) as one:
        for message in messages:
            await one.send(message)
        closed, reason = await one.closed()
        assert closed == code
        assert 0 < len(reason.encode()) <= 123
        assert "CANARY" not in reason


async def test_a_second_init_is_too_many(server):
    async with peer(server) as one:
        await one.init()
        await one.send({"type": "connection_init"})
        assert (await one.closed())[0] == 4429


async def test_an_id_cannot_be_used_twice_at_once(server):
    async with peer(server) as one:
        await one.init()
        await one.subscribe("CANARY" * 20, EVENTS)
        await one.subscribe("CANARY" * 20, EVENTS)
        code, reason = await one.closed()
        assert code == 4409
        assert "CANARY" not in reason


async def test_a_socket_that_never_says_who_it_is_is_closed(server):
    async with peer(server) as one:
        assert (await one.closed())[0] == 4408


@pytest.mark.parametrize("protocols", [(), ("graphql-ws",), ("nonsense", "graphql-ws")])
async def test_other_subprotocols_are_refused(server, protocols):
    async with peer(server, protocols=protocols) as one:
        assert one.connection.subprotocol is None
        assert (await one.closed())[0] == 4406


async def test_of_several_subprotocols_ours_is_taken(server):
    async with peer(server, protocols=("graphql-ws", PROTOCOL)) as one:
        assert one.connection.subprotocol == PROTOCOL


@pytest.mark.parametrize(
    "origin",
    ["http://evil.test", "null", "http://127.0.0.1.evil.test", "http://127.0.0.1:1", "nonsense", "x" * 900],
)
async def test_handshakes_from_foreign_pages_are_refused(server, origin):
    with pytest.raises(InvalidStatus) as refused:
        async with peer(server, additional_headers={**COOKIE, "origin": origin}):
            pass
    assert refused.value.response.status_code == 403


async def test_allowed_origins_may_open_sockets(server, hub):
    hub.allowed_origins = ("https://app.test",)
    async with peer(server, additional_headers={"origin": "https://app.test"}) as one:
        await one.init()


async def test_a_session_is_enough_for_the_hubs_own_pages_alone(server):
    headers = {**COOKIE, "origin": server.http}
    async with peer(server, additional_headers=headers) as one:
        await one.init(None)
        await one.subscribe("1", "{viewer {actor {kind}}}")
        assert (await one.receive())["payload"]["data"]["viewer"]["actor"]["kind"] == "MEMBER"
    async with peer(server, additional_headers=COOKIE) as one:  # a program that brings a cookie but no origin
        await one.send({"type": "connection_init"})
        assert (await one.closed())[0] == 4403


async def test_a_token_may_stand_in_the_handshake(server):
    async with peer(server, additional_headers={"authorization": f"Bearer {VIEWER_TOKEN}"}) as one:
        await one.init(None)
        await one.subscribe("1", "{viewer {role}}")
        assert (await one.receive())["payload"]["data"]["viewer"]["role"] == "VIEWER"


async def test_a_socket_runs_twenty_operations_and_refuses_the_next(server, hub):
    async with peer(server) as one:
        await one.init()
        for number in range(MAX_OPERATIONS_PER_SOCKET):
            await one.subscribe(str(number), EVENTS)
        while hub.events.following < MAX_OPERATIONS_PER_SOCKET:
            await asyncio.sleep(0.01)
        await one.subscribe("next", EVENTS)
        answer = await one.receive()
        assert (answer["type"], answer["id"]) == ("error", "next")
        assert answer["payload"][0]["extensions"]["code"] == "QUOTA_EXCEEDED"
        await one.send({"type": "complete", "id": "0"})
        await one.subscribe("next", "{__typename}")
        assert (await one.receive())["type"] == "next"
    while hub.events.following:
        await asyncio.sleep(0.01)
    assert hub.metrics.registry.get_sample_value("patchbay_subscriptions") == 0


async def test_the_workspaces_quota_is_told_as_an_error(hub, monkeypatch):
    monkeypatch.setattr(hub.settings, "streams_per_workspace", 1)
    async with running(Starlette(routes=graphql_routes(hub))) as address, peer(address) as one:
        await one.init()
        await one.subscribe("1", EVENTS)
        while not hub.events.following:
            await asyncio.sleep(0.01)
        await one.subscribe("2", EVENTS)
        answer = await one.receive()
        assert answer["payload"]["errors"][0]["extensions"]["code"] == "QUOTA_EXCEEDED"
        assert await one.receive() == {"type": "complete", "id": "2"}


async def test_a_flood_of_messages_closes_the_socket(server):
    async with peer(server) as one:
        await one.init()
        for _ in range(FRAME_BURST + 100):
            await one.send({"type": "ping"})
        assert (await one.closed())[0] == 4429


async def test_revoked_access_ends_every_stream(server, hub):
    async with peer(server) as one:
        await one.init()
        await one.subscribe("1", EVENTS)
        while not hub.events.following:
            await asyncio.sleep(0.01)
        hub.access.valid.discard("tok_1")
        code, reason = await one.closed()
        assert (code, reason) == (4403, "Access was revoked")
        while hub.events.following:
            await asyncio.sleep(0.01)


async def test_access_that_cannot_be_looked_at_twice_ends_the_socket(server, hub):
    async def away(session_id):
        raise OSError("CANARY")

    hub.sign_in.still_valid = away
    async with peer(server) as one:
        await one.init()
        assert await one.closed() == (1011, "Access could not be checked")


async def test_a_client_that_goes_leaves_nothing_behind(server, hub):
    async with peer(server) as one:
        await one.init()
        await one.subscribe("1", EVENTS)
        while not hub.events.following:
            await asyncio.sleep(0.01)
        one.connection.transport.abort()
    while hub.events.following:
        await asyncio.sleep(0.01)


async def test_one_failing_operation_does_not_end_the_others(server, hub, capsys):
    async def broken(*_, **__):
        raise RuntimeError("CANARY")
        yield

    hub.test_runs.progress = broken
    async with peer(server) as one:
        await one.init()
        await one.subscribe("1", EVENTS)
        await one.subscribe("2", 'subscription {testProgress(runId: "x") {seq}}')
        answer = await one.receive()
        assert answer["id"] == "2"
        assert answer["payload"]["errors"][0]["extensions"]["code"] == "INTERNAL"
        assert await one.receive() == {"type": "complete", "id": "2"}
        hub.events.add(EventType.CONNECTION_CREATED)
        assert (await one.receive())["id"] == "1"
    assert "CANARY" not in capsys.readouterr().out


async def test_a_client_that_takes_nothing_is_cut_off_while_others_go_on(hub):
    timeouts = TransportTimeouts(send_s=1.0, close_s=0.2)
    async with (
        running(Starlette(routes=graphql_routes(hub, timeouts)), unread_ms=1_000) as address,
        peer(address) as healthy,
    ):
        await healthy.init()
        writer = await raw_socket(address)
        await raw_send(writer, {"type": "connection_init", "payload": {"authorization": f"Bearer {TOKEN}"}})
        await raw_send(writer, {"type": "subscribe", "id": "1", "payload": {"query": EVENTS}})
        while not hub.events.following:
            await asyncio.sleep(0.01)
        for _ in range(12):  # far more than the kernel's buffers take
            event = hub.events.add(EventType.METHOD_CALLED)
            object.__setattr__(event, "data", {"n": event.position, "filler": "x" * 1_000_000})
            await asyncio.sleep(0.01)
        answers = 0
        async with asyncio.timeout(15):
            while hub.events.following:
                await healthy.subscribe("q", "{__typename}")
                assert [(await healthy.receive())["type"] for _ in range(2)] == ["next", "complete"]
                answers += 1
                await asyncio.sleep(0.05)
        assert answers > 1
        assert await is_gone(writer), "the stalled socket is still open"
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def is_gone(writer):
    """Look at the connection from outside: the kernel knows it no more as established on the server's side."""
    port = writer.get_extra_info("sockname")[1]
    async with asyncio.timeout(15):
        while True:
            listing = await asyncio.to_thread(Path("/proc/net/tcp").read_text)
            theirs = [
                line.split()
                for line in listing.splitlines()[1:]
                if int(line.split()[2].split(":")[1], 16) == port
            ]
            if not any(line[3] == "01" for line in theirs):
                return True
            await asyncio.sleep(0.1)


async def raw_socket(address):
    """Open a websocket by hand that never reads, with the smallest receive buffer."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", address.port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=4_096)
    writer.write(
        f"GET /graphql HTTP/1.1\r\nHost: 127.0.0.1:{address.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Protocol: {PROTOCOL}\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.pause_reading()
    return writer


async def raw_send(writer, message):
    data = json.dumps(message).encode()
    head = bytes([0x81]) + (
        bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2, "big")
    )
    writer.write(head + b"\x00\x00\x00\x00" + data)
    await writer.drain()
