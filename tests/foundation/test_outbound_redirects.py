from __future__ import annotations

import pytest

from app.foundation.messages import Destination, OutRequest
from app.foundation.problems import ProblemCode
from app.foundation.secret import Secret
from tests.foundation.servers import (
    CANARY,
    HERE,
    Names,
    always,
    get,
    outbound,
    refusal,
    refused_code,
    reply,
    serving,
)


def redirecting(to: str, status: int = 302):
    return always(reply(status, b"", Location=to))


async def test_without_leave_a_redirect_is_the_answer():
    async with serving(redirecting("/elsewhere")) as server, outbound() as out:
        response = await out.send(get(server.origin), HERE)
    assert (response.status, response.header("location"), len(server.asked)) == (302, "/elsewhere", 1)


async def test_redirects_are_followed_as_often_as_allowed():
    async def answer(asked, writer):
        step = int(asked.target.removeprefix("/"))
        writer.write(reply(200) if step == 5 else reply(302, b"", Location=f"/{step + 1}"))

    async with serving(answer) as server, outbound() as out:
        assert (await out.send(get(f"{server.origin}/0"), HERE, redirects=5)).url == f"{server.origin}/5"
        code = await refused_code(out.send(get(f"{server.origin}/0"), HERE, redirects=4))
    assert code is ProblemCode.TOO_MANY_REDIRECTS


async def test_a_redirect_to_another_origin_carries_no_credential():
    async with (
        serving(always(reply())) as sink,
        serving(redirecting(f"{sink.origin}/p?api_key=k&x=1", 303)) as server,
    ):
        request = OutRequest(
            "POST",
            f"{server.origin}/?api_key=k",
            (
                ("Authorization", f"Bearer {CANARY}"),
                ("X-Api-Key", CANARY),
                ("X-Odd", CANARY),
                ("Cookie", CANARY),
            ),
            CANARY.encode(),
            secret_headers=frozenset({"x-odd"}),
            secret_query=frozenset({"api_key"}),
            secrets=(Secret(CANARY),),
        )
        async with outbound() as out:
            response = await out.send(request, HERE, redirects=1)
    assert CANARY.encode() in server.asked[0].raw
    assert sink.asked[0].raw.split(b"\r\n")[0] == b"GET /p?x=1 HTTP/1.1"
    assert CANARY.encode() not in sink.asked[0].raw
    assert {name.lower() for name, _ in sink.asked[0].headers} == {
        "host",
        "accept",
        "user-agent",
        "accept-encoding",
    }
    assert response.url == f"{sink.origin}/p?x=1"


async def test_credentials_do_not_come_back_with_the_way_back():
    async with serving(always(reply())) as far, serving(always(reply())) as home:
        home.answer = redirecting(f"{far.origin}/")
        far.answer = redirecting(f"{home.origin}/again")
        request = get(home.origin, headers=(("Authorization", "Bearer x"),))
        async with outbound() as out:
            await refusal(out.send(request, HERE, redirects=2))
    assert [asked.header("authorization") for asked in home.asked] == ["Bearer x", None]


@pytest.mark.parametrize("status", [307, 308])
async def test_a_body_is_never_sent_to_another_origin(status):
    async with (
        serving(always(reply())) as sink,
        serving(redirecting(f"{sink.origin}/", status)) as server,
        outbound() as out,
    ):
        problem = await refusal(out.send(OutRequest("POST", server.origin, body=b"x"), HERE, redirects=5))
    assert (problem.code, problem.details["cause"]) == (ProblemCode.EGRESS_BLOCKED, "REDIRECT")
    assert sink.connections == 0


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "https://169.254.169.254/",
        "https://[fd00:ec2::254]/",
        "https://metadata.google.internal/",
        "https://2852039166/",
        "https://inside.test/",
        "https://elsewhere.example/",
        "//10.0.0.1/",
        "gopher://127.0.0.1/",
    ],
)
async def test_a_redirect_inside_is_blocked_like_a_first_request(location):
    names = Names(inside_test="10.0.0.1")
    hosts = Destination(("127.0.0.1", "*.test", "169.254.169.254", "10.0.0.1", "fd00:ec2::254"))
    async with serving(redirecting(location)) as server, outbound(resolver=names) as out:
        code = await refused_code(out.send(get(server.origin), hosts, redirects=5))
    assert code is ProblemCode.EGRESS_BLOCKED
