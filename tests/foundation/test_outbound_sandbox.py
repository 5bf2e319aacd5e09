from __future__ import annotations

import ipaddress

from app.foundation.egress import EgressPolicy
from app.foundation.messages import Destination, SandboxRoute
from app.foundation.problems import ProblemCode
from tests.foundation.servers import (
    LOOPBACK,
    Names,
    always,
    get,
    outbound,
    refused_code,
    reply,
    serving,
)


async def test_a_sandbox_destination_reaches_the_sandbox_and_nothing_else():
    async with serving(always(reply())) as server, outbound(EgressPolicy(), resolver=Names()) as out:
        destination = Destination(("slack.com",), SandboxRoute(server.origin, "/sandbox/slack@1.1.0"))
        told = []
        response = await out.send(get("https://slack.com/api/x?y=1"), destination, trace=told.append)
        assert response.url == "https://slack.com/api/x?y=1"
        await out.send(get("https://169.254.169.254/latest"), destination)
    assert [asked.target for asked in server.asked] == [
        "/sandbox/slack@1.1.0/slack.com/api/x?y=1",
        "/sandbox/slack@1.1.0/169.254.169.254/latest",
    ]
    assert [event.stage for event in told if event.state == "done"] == [
        "resolve",
        "connect",
        "request",
        "response",
    ]
    assert len(out._direct._idle) == 0


async def test_a_redirect_in_the_sandbox_stays_there():
    async with serving(always(reply())) as server, serving(always(reply())) as outside:
        route = SandboxRoute(server.origin, "/sandbox/slack@1.1.0")

        async def answer(asked, writer):
            where = {
                "/sandbox/slack@1.1.0/slack.com/0": "https://files.slack.com/1",
                "/sandbox/slack@1.1.0/files.slack.com/1": f"{server.origin}/sandbox/slack@1.1.0/slack.com/2",
                "/sandbox/slack@1.1.0/slack.com/out": f"{outside.origin}/",
                "/sandbox/slack@1.1.0/slack.com/up": f"{server.origin}/graphql",
            }.get(asked.target)
            writer.write(reply(302, b"", Location=where) if where else reply())

        server.answer = answer
        async with outbound(EgressPolicy(), resolver=Names()) as out:
            destination = Destination(("slack.com",), route)
            response = await out.send(get("https://slack.com/0"), destination, redirects=5)
            assert response.url == "https://slack.com/2"
            for path in ("out", "up"):
                code = await refused_code(
                    out.send(get(f"https://slack.com/{path}"), destination, redirects=5)
                )
                assert code is ProblemCode.EGRESS_BLOCKED
    assert outside.connections == 0
    assert "/graphql" not in [asked.target for asked in server.asked]


async def test_a_sandbox_may_have_a_name():
    async with (
        serving(always(reply())) as server,
        outbound(EgressPolicy(), resolver=Names(web_test="127.0.0.1")) as out,
    ):
        destination = Destination((), SandboxRoute(f"http://web.test:{server.port}", "/sandbox/x"))
        assert (await out.send(get("https://slack.com/"), destination)).status == 200


async def test_the_policy_of_loopback_tests_is_not_the_default():
    assert EgressPolicy().allowed_networks == ()
    assert LOOPBACK.allowed_networks == (ipaddress.ip_network("127.0.0.0/8"),)
