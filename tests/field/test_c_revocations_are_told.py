"""C10: a revocation that the provider answers otherwise than with success, or that is not sent, is told as it is."""

from __future__ import annotations

import pytest
from starlette.responses import JSONResponse, RedirectResponse, Response

from app.credentials.snapshot import RevocationState
from app.foundation.problems import ProblemCode, RemediationKind

REFUSALS = {
    "302": (
        lambda: RedirectResponse("https://login.example.com/revoke", status_code=302),
        ProblemCode.UPSTREAM_BAD_RESPONSE,
        {"providerStatus": 302, "cause": "REDIRECT"},
    ),
    "400 with words": (
        lambda: JSONResponse({"error": "invalid_request", "error_description": "no hint"}, status_code=400),
        ProblemCode.UPSTREAM_REJECTED,
        {"providerStatus": 400, "providerCode": "invalid_request", "providerDetail": "no hint"},
    ),
    "400 without": (
        lambda: Response(status_code=400),
        ProblemCode.UPSTREAM_REJECTED,
        {"providerStatus": 400},
    ),
    "404": (lambda: Response(status_code=404), ProblemCode.UPSTREAM_NOT_FOUND, {"providerStatus": 404}),
    "405": (lambda: Response(status_code=405), ProblemCode.UPSTREAM_REJECTED, {"providerStatus": 405}),
}


async def disconnected(live, connection):
    edited = await live.hub.connections.disconnect(live.actor, connection.id)
    await live.work()
    return await live.hub.revocations.get(live.actor, edited.revocation.id)


@pytest.mark.parametrize("case", REFUSALS)
async def test_c10_a_refused_revocation_says_what_was_answered_and_what_lives_on(live, case):
    answer, code, details = REFUSALS[case]
    live.provider.usual["/revoke"] = answer
    ended = await disconnected(live, await live.activated())
    assert (ended.state, ended.problem.code) == (RevocationState.REFUSED, code)
    assert {name: ended.problem.details.get(name) for name in details} == details
    assert (ended.revoked, set(ended.alive)) == ((), {"accessToken", "refreshToken"})
    assert [step.kind for step in ended.problem.remediation] == [RemediationKind.CHECK_PROVIDER]


async def test_c10_an_address_that_the_egress_guard_refuses_ends_it_at_once(live):
    await live.register(origins=[live.provider.address.http, "https://10.1.2.3"])
    connection = await live.activated(revokeUrl="https://10.1.2.3/revoke")
    ended = await disconnected(live, connection)
    assert (ended.state, ended.problem.code) == (RevocationState.REFUSED, ProblemCode.EGRESS_BLOCKED)
    assert set(ended.alive) == {"accessToken", "refreshToken"}
    assert await live.due("revocation") == []


async def test_c10_an_outage_is_told_while_it_lasts_and_the_hub_tries_again(live):
    live.provider.usual["/revoke"] = lambda: Response(status_code=503)
    ended = await disconnected(live, await live.activated())
    assert (ended.state, ended.problem.code) == (RevocationState.PENDING, ProblemCode.UPSTREAM_UNAVAILABLE)
    assert ended.problem.remediation[0].actor.value == "NOBODY"
    live.provider.usual["/revoke"] = lambda: Response(status_code=200)
    live.clock.advance(3_600)
    await live.work()
    ended = await live.hub.revocations.get(live.actor, ended.id)
    assert (ended.state, ended.problem) == (RevocationState.REVOKED, None)


async def test_c10_half_a_revocation_names_what_was_refused(live):
    live.provider.will("/revoke", Response(status_code=200), Response(status_code=400))
    ended = await disconnected(live, await live.activated())
    assert (ended.state, ended.revoked) == (RevocationState.PARTLY_REVOKED, ("refreshToken",))
    assert ended.problem.code is ProblemCode.UPSTREAM_REJECTED


async def test_c10_where_there_is_no_address_none_is_offered_and_nothing_is_wrong(live):
    connection = await live.draft(
        "generic-http", {"baseUrl": live.provider.address.http, "testPath": "/me"}, live.mode
    )
    authorization = await live.begin(connection, "bearer")
    await live.hub.authorizations.submit_credentials(live.actor, authorization.id, {"token": "t" * 20})
    ended = await disconnected(live, connection)
    assert (ended.state, ended.problem) == (RevocationState.NOT_OFFERED, None)
