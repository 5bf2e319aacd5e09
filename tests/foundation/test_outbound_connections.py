from __future__ import annotations

import asyncio
import gzip
import logging

import httpx
import pytest

from app.foundation.clock import FrozenClock
from app.foundation.egress import EgressPolicy
from app.foundation.errors import OutsideError, RefusedOutsideError, TransientOutsideError
from app.foundation.outbound import Outbound
from app.foundation.problems import ProblemCode
from tests.foundation.servers import (
    CANARY,
    HERE,
    Names,
    always,
    get,
    outbound,
    refused_code,
    reply,
    serving,
)


def stages(told) -> list[str]:
    return [f"{event.stage} {event.state}" for event in told]


FRESH = [
    f"{stage} {state}"
    for stage in ("resolve", "connect", "request", "response")
    for state in ("started", "done")
]


async def test_a_kept_connection_is_used_again_and_a_fresh_one_is_new():
    async with serving(always(reply())) as server, outbound() as out:
        seen = []
        for fresh in (False, False, True, True):
            told = []
            response = await out.send(get(server.origin), HERE, fresh=fresh, trace=told.append)
            seen.append((stages(told), response.timings.connect_ms is None))
        assert seen == [(FRESH, False), (FRESH[4:], True), (FRESH, False), (FRESH, False)]
        assert server.connections == 3


async def test_connections_are_kept_up_to_a_bound():
    async with serving(always(reply())) as server, outbound() as out:
        sends = [out.send(get(server.origin), HERE) for _ in range(60)]
        await asyncio.gather(*sends)
        assert len(out._direct._idle) == 40


async def test_an_answer_that_nobody_asked_for_is_not_the_next_ones():
    async with serving(always(reply(200, b"mine") + reply(200, b"planted"))) as server, outbound() as out:
        assert (await out.send(get(server.origin), HERE)).body == b"mine"
        server.answer = always(reply(200, b"second"))
        assert (await out.send(get(server.origin), HERE)).body == b"second"
    assert server.connections == 2


async def test_a_kept_connection_that_the_other_side_closed_is_not_used():
    async with serving(always(reply())) as server, outbound() as out:
        await out.send(get(server.origin), HERE)
        server.writers[0].close()
        while not out._direct._idle[0].http.has_expired():
            await asyncio.sleep(0)
        assert (await out.send(get(server.origin), HERE)).status == 200
        assert len(out._direct._idle) == 1
    assert server.connections == 2


async def test_each_stage_is_told_when_it_happens_with_its_evidence():
    told = []

    async def answer(_, writer):
        assert stages(told) == FRESH[:-1]
        writer.write(reply(200, b"hello"))

    names = Names(nas_test="127.0.0.1")
    async with serving(answer) as server, outbound(resolver=names) as out:
        await out.send(get(f"http://nas.test:{server.port}/?token={CANARY}"), HERE, trace=told.append)
    assert [event.evidence for event in told if event.state == "done"] == [
        {"host": "nas.test", "addresses": 1, "publicAddresses": []},
        {},
        {},
        {"status": 200, "bytes": 5},
    ]
    assert [event.at_ms for event in told] == sorted(event.at_ms for event in told)
    assert "127.0.0.1" not in str(told)
    assert CANARY not in str(told)


@pytest.mark.parametrize(
    ("url", "names", "last"),
    [
        ("https://gone.test/", {}, ("resolve", "NAME_NOT_RESOLVED")),
        ("https://inside.test/", {"inside_test": "10.0.0.1"}, ("resolve", "EGRESS_BLOCKED")),
        ("http://closed.test:1/", {"closed_test": "127.0.0.1"}, ("connect", "UPSTREAM_UNREACHABLE")),
    ],
)
async def test_the_stage_that_failed_is_told_with_its_code(url, names, last):
    told = []
    async with outbound(resolver=Names(**names)) as out:
        with pytest.raises((TransientOutsideError, RefusedOutsideError)):
            await out.send(get(url), HERE, trace=told.append)
    assert (told[-1].stage, told[-1].evidence["code"]) == last
    assert told[-1].state == "failed"


async def test_nothing_of_a_call_is_logged_even_at_debug(caplog):
    caplog.set_level(logging.DEBUG)
    answer = reply(200, CANARY.encode(), Set_Cookie=CANARY)
    async with serving(always(answer)) as server, outbound() as out:
        await out.send(get(f"{server.origin}/{CANARY}", headers=(("Authorization", CANARY),)), HERE)
    assert CANARY not in caplog.text


async def test_a_given_transport_replaces_the_network_and_keeps_the_rules():
    asked = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(
            200, headers={"Content-Encoding": "gzip"}, content=gzip.compress(b'{"ok": true}', mtime=0)
        )

    told = []
    out = Outbound(EgressPolicy(), transport=httpx.MockTransport(handle), clock=FrozenClock())
    response = await out.send(get("https://a.test/x"), HERE, trace=told.append)
    assert response.json() == {"ok": True}
    assert stages(told) == FRESH[4:]
    for url in ("https://evil.example/", "http://a.test/", "https://127.0.0.1/", "https://a.test:22/"):
        assert await refused_code(out.send(get(url), HERE)) is ProblemCode.EGRESS_BLOCKED
    assert asked == ["https://a.test/x"]
    await out.aclose()


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (httpx.ConnectError(CANARY), ProblemCode.UPSTREAM_UNREACHABLE),
        (httpx.ReadError(CANARY), ProblemCode.UPSTREAM_UNREACHABLE),
        (httpx.ReadTimeout(CANARY), ProblemCode.UPSTREAM_TIMEOUT),
        (httpx.RemoteProtocolError(CANARY), ProblemCode.UPSTREAM_BAD_RESPONSE),
    ],
)
async def test_what_a_given_transport_raises_is_told_in_the_hubs_words(fault, code):
    class Broken(httpx.AsyncBaseTransport):
        async def handle_async_request(self, _):
            raise fault

    async with outbound(transport=Broken()) as out:
        with pytest.raises(OutsideError) as told:
            await out.send(get("https://a.test/"), HERE)
    assert told.value.problem.code is code
    assert told.value.__suppress_context__


async def test_a_given_transport_with_a_resolver_judges_names_too():
    transport = httpx.MockTransport(lambda _: httpx.Response(200))
    names = Names(a_test="93.184.216.34", b_test="10.0.0.1")
    out = Outbound(EgressPolicy(), transport=transport, resolver=names, clock=FrozenClock())
    told = []
    assert (await out.send(get("https://a.test/"), HERE, trace=told.append)).status == 200
    assert told[1].evidence == {"host": "a.test", "addresses": 1, "publicAddresses": ["93.184.216.34"]}
    assert await refused_code(out.send(get("https://b.test/"), HERE)) is ProblemCode.EGRESS_BLOCKED
    await out.aclose()
