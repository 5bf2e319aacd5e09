from __future__ import annotations

import gzip

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.foundation.errors import InvalidInputError, RefusedOutsideError
from app.foundation.messages import OutRequest
from tests.foundation.servers import (
    HERE,
    always,
    get,
    outbound,
    reply,
    serving,
)


async def test_a_request_and_its_answer_are_carried_whole():
    answer = reply(201, '{"é": 1}'.encode(), Content_Type="application/json", X_Latin="é")
    async with serving(always(answer)) as server, outbound() as out:
        response = await out.send(
            OutRequest("POST", f"{server.origin}/p?q=1&é", (("X-A", "é"), ("User-Agent", " mine ")), b"body"),
            HERE,
        )
    assert server.asked[0].raw.split(b"\r\n") == [
        b"POST /p?q=1&%C3%A9 HTTP/1.1",
        f"Host: 127.0.0.1:{server.port}".encode(),
        b"X-A: \xe9",
        b"User-Agent: mine",
        b"accept: */*",
        b"accept-encoding: gzip, deflate",
        b"Content-Length: 4",
        b"",
        b"body",
    ]
    assert response.status == 201
    assert response.json() == {"é": 1}
    assert response.header("x-latin") == "é"
    assert response.url == f"{server.origin}/p?q=1&é"
    assert response.timings.total_ms >= response.timings.first_byte_ms >= 0


@pytest.mark.parametrize("encode", [gzip.compress, bytes])
async def test_a_coded_answer_is_decoded(encode):
    coding = {"Content_Encoding": "gzip"} if encode is gzip.compress else {}
    async with serving(always(reply(200, encode(b"text"), **coding))) as server, outbound() as out:
        assert (await out.send(get(server.origin), HERE)).body == b"text"


async def test_a_caller_cannot_ask_for_another_coding():
    async with serving(always(reply())) as server, outbound() as out:
        await out.send(get(server.origin, headers=(("Accept-Encoding", "br, zstd"),)), HERE)
    assert server.asked[0].header("accept-encoding") == "gzip, deflate"


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\nContent-Encoding: gzip\r\n\r\n"),
        ("DELETE", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\n\r\n"),
        ("GET", b"HTTP/1.1 103 Early\r\nLink: <x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        ("GET", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Trailer: x\r\n\r\n"),
    ],
)
async def test_an_answer_without_a_body_is_an_answer(method, answer):
    async with serving(always(answer)) as server, outbound() as out:
        assert (await out.send(OutRequest(method, server.origin), HERE)).body == b""


async def test_an_error_status_is_an_answer_like_any_other():
    async with serving(always(reply(503, b"down"))) as server, outbound() as out:
        assert (await out.send(get(server.origin), HERE)).status == 503


async def test_cookies_are_not_kept_for_another_request():
    async with serving(always(reply(200, b"", Set_Cookie="sid=1; Path=/"))) as server, outbound() as out:
        await out.send(get(server.origin), HERE)
        await out.send(get(server.origin), HERE)
    assert server.connections == 1
    assert [asked.header("cookie") for asked in server.asked] == [None, None]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=12), st.text(max_size=12), st.text(alphabet="aé \r\n?#%/", max_size=12))
async def test_whatever_stands_in_a_template_value_the_server_reads_one_request_to_one_host(
    name, value, path
):
    async with serving(always(reply())) as server, outbound() as out:
        request = get(f"{server.origin}/{path}", headers=((name, value),))
        try:
            await out.send(request, HERE)
        except (InvalidInputError, RefusedOutsideError):
            assert server.asked == []
            return
    assert len(server.asked) == 1
    assert server.asked[0].header("host") == f"127.0.0.1:{server.port}"
    assert (
        len(server.asked[0].headers)
        == 4 + (name.lower() not in {"accept", "user-agent", "accept-encoding"}) - 0
    )
    assert server.asked[0].header(name) == value.strip(" \t") or name.lower() == "accept-encoding"


async def test_a_request_that_cannot_be_written_is_refused_before_any_connection():
    async with serving(always(reply())) as server, outbound() as out:
        for headers in (
            (("X-A", "a\r\nX-B: b"),),
            (("X A", "b"),),
            (("X-A", "€"),),
            (("Host", "evil.example"),),
        ):
            with pytest.raises(InvalidInputError):
                await out.send(get(server.origin, headers=headers), HERE)
        with pytest.raises(ValueError, match="redirects are 0 to 5"):
            await out.send(get(server.origin), HERE, redirects=6)
    assert server.connections == 0
