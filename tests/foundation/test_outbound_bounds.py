from __future__ import annotations

import asyncio
import gzip

import pytest

from app.foundation.clock import SystemClock
from app.foundation.problems import ProblemCode
from tests.foundation.servers import (
    CANARY,
    FAST,
    HERE,
    always,
    closing,
    get,
    never,
    outbound,
    refused_code,
    reply,
    serving,
    transient_code,
)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n",
        reply(200, b"x" * 1_001),
        reply(200, gzip.compress(b"x" * 1_001, mtime=0), Content_Encoding="gzip"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"400\r\n" + b"x" * 1_024 + b"\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2_000,
        b"HTTP/1.1 200 OK\r\nX-Big: " + b"x" * 300_000,
        b"HTTP/1.1 200 OK\r\n" + b"X-Many: x\r\n" * 20_000,
    ],
)
async def test_an_answer_beyond_the_caps_is_refused(answer):
    async with serving(always(answer)) as server, outbound() as out:
        code = await refused_code(out.send(get(server.origin), HERE, max_bytes=1_000))
    assert code is ProblemCode.RESPONSE_TOO_LARGE


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_bomb_over_the_wire_is_refused(coding):
    bomb = gzip.compress(bytes(30 << 20), mtime=0)
    body = bomb if coding == "gzip" else bomb[10:-8]
    async with serving(always(reply(200, body, Content_Encoding=coding))) as server, outbound() as out:
        assert await refused_code(out.send(get(server.origin), HERE)) is ProblemCode.RESPONSE_TOO_LARGE


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2 " + CANARY.encode() + b"\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nBad Header: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
        reply(200, b"x", Content_Encoding="br"),
        reply(200, b"x", Content_Encoding="zstd"),
        reply(200, b"x", Content_Encoding="gzip"),
        reply(200, gzip.compress(gzip.compress(b"x", mtime=0), mtime=0), Content_Encoding="gzip, gzip"),
    ],
)
async def test_an_answer_that_breaks_the_protocol_is_a_bad_answer(answer):
    async with serving(always(answer)) as server, outbound() as out:
        assert await refused_code(out.send(get(server.origin), HERE)) is ProblemCode.UPSTREAM_BAD_RESPONSE


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    ],
)
async def test_an_answer_cut_short_may_be_tried_again(answer):
    async with serving(closing(answer)) as server, outbound() as out:
        assert await transient_code(out.send(get(server.origin), HERE)) is ProblemCode.UPSTREAM_CUT_OFF


async def test_a_port_that_nobody_listens_on_is_unreachable():
    async with serving(never) as server:
        port = server.port
    async with outbound() as out:
        code = await transient_code(out.send(get(f"http://127.0.0.1:{port}/"), HERE))
    assert code is ProblemCode.UPSTREAM_UNREACHABLE


def dripping(first: bytes, drip: bytes):
    async def answer(_, writer):
        writer.write(first)
        while not writer.is_closing():
            writer.write(drip)
            await writer.drain()
            await asyncio.sleep(0.02)

    return answer


@pytest.mark.parametrize(
    ("first", "drip"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
        (b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X-Trailer: x\r\n"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"", mtime=0)[:10],
            b"\x00\x00\x00\xff\xff",
        ),
    ],
)
async def test_a_slow_drip_ends_at_the_deadline(first, drip):
    clock = SystemClock()
    async with serving(dripping(first, drip)) as server, outbound() as out:
        began = clock.monotonic()
        code = await transient_code(out.send(get(server.origin), HERE, timeout_s=FAST))
        took = clock.monotonic() - began
    assert code is ProblemCode.UPSTREAM_TIMEOUT
    assert FAST * 0.9 <= took < FAST + 0.5


async def test_a_flood_of_interim_answers_ends_at_the_deadline():
    async def flood(_, writer):
        while not writer.is_closing():
            writer.write(b"HTTP/1.1 102 Processing\r\n\r\n" * 1_000)
            await writer.drain()

    async with serving(flood) as server, outbound() as out:
        code = await transient_code(out.send(get(server.origin), HERE, timeout_s=FAST))
    assert code is ProblemCode.UPSTREAM_TIMEOUT


async def test_a_deadline_covers_the_name_lookup():
    class Slow:
        async def resolve(self, *_):
            await asyncio.Event().wait()

    async with outbound(resolver=Slow()) as out:
        code = await transient_code(out.send(get("https://slow.test/"), HERE, timeout_s=0.05))
    assert code is ProblemCode.UPSTREAM_TIMEOUT


async def test_calls_that_ran_out_of_time_give_their_places_back():
    silent = True

    async def answer(asked, writer):
        if silent:
            await never(asked, writer)
        writer.write(reply())

    async with serving(answer) as server, outbound() as out:
        for _ in range(2):
            sends = [out.send(get(server.origin), HERE, timeout_s=FAST) for _ in range(230)]
            faults = await asyncio.gather(*sends, return_exceptions=True)
            codes = {fault.problem.code for fault in faults}
            assert codes <= {ProblemCode.UPSTREAM_TIMEOUT, ProblemCode.QUOTA_EXCEEDED}
            assert len(out._direct._idle) == 0
            assert out._places._value == 200
        silent = False
        assert (await out.send(get(server.origin), HERE)).status == 200


async def test_a_call_that_finds_no_place_is_told_so_and_not_that_the_other_side_is_slow():
    async with serving(never) as server, outbound() as out:
        out._places = asyncio.Semaphore(2)
        busy = [asyncio.ensure_future(out.send(get(server.origin), HERE)) for _ in range(2)]
        while len(server.asked) < 2:
            await asyncio.sleep(0)
        code = await transient_code(out.send(get(server.origin), HERE, timeout_s=2 * FAST))
        assert code is ProblemCode.QUOTA_EXCEEDED
        for one in busy:
            one.cancel()
        await asyncio.wait(busy)
        server.answer = always(reply())
        assert (await out.send(get(server.origin), HERE)).status == 200


async def test_calls_that_are_cancelled_at_any_moment_leave_no_connection_behind():
    async with serving(always(reply())) as server, outbound() as out:
        for steps in range(120):
            sending = asyncio.ensure_future(out.send(get(server.origin), HERE))
            for _ in range(steps):
                await asyncio.sleep(0)
            sending.cancel()
            await asyncio.wait([sending])
            assert out._places._value == 200
        async with asyncio.timeout(5):
            while len(server.open_writers) > len(out._direct._idle):
                await asyncio.sleep(0)


async def test_a_cancelled_call_gives_its_place_back_and_says_so():
    told = []
    async with serving(never) as server, outbound() as out:
        sending = asyncio.ensure_future(out.send(get(server.origin), HERE, trace=told.append))
        while not any(event.stage == "response" for event in told):
            await asyncio.sleep(0)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert len(out._direct._idle) == 0
    assert (told[-1].stage, told[-1].state, told[-1].evidence) == (
        "response",
        "failed",
        {"code": "CANCELLED"},
    )
