"""C5, C6: access that ends and cannot be renewed is told before it is used; a refresh token that came was granted."""

from __future__ import annotations

import pytest
from starlette.responses import JSONResponse

from app.connections.lifecycle import ConnectionState
from app.foundation.errors import NotAllowedNowError
from app.foundation.problems import ProblemCode, RemediationKind
from tests.field.provider import token_answer

REFUSED = {"error": "invalid_token"}


def without_refresh_token(**changes):
    return lambda: token_answer(refresh_token=..., **changes)


async def test_c5_access_that_cannot_be_renewed_is_told_when_it_was_given_and_when_it_is_activated(live):
    live.provider.usual["/token"] = without_refresh_token()
    connection = await live.live()
    ended = await live.sign_in(connection)
    assert ended.problem.code is ProblemCode.ACCESS_ENDS
    assert "1 January 2026, 01:00 UTC" in ended.problem.message
    assert any("offline_access" in step.text for step in ended.problem.remediation)
    await live.tested(connection)
    active = (await live.hub.connections.activate(live.actor, connection.id)).connection
    assert (active.state, active.problem.code) == (ConnectionState.CONNECTED, ProblemCode.ACCESS_ENDS)


async def test_c5_access_that_was_renewable_or_has_no_end_is_nothing_to_tell(live):
    for answer in (token_answer, without_refresh_token(expires_in=...)):
        live.provider.usual["/token"] = answer
        connection = await live.activated()
        assert connection.problem is None


async def test_c5_access_that_has_ended_asks_for_a_new_sign_in_with_that_cause(live):
    live.provider.usual["/token"] = without_refresh_token()
    connection = await live.activated()
    live.provider.usual["/me"] = lambda: JSONResponse(REFUSED, status_code=401)
    live.clock.advance(3_600)
    run = await live.tested(connection)
    for problem in (run.problem, (await live.reload(connection)).problem):
        assert problem.code is ProblemCode.REAUTHENTICATION_REQUIRED
        assert problem.details["cause"] == "EXPIRED"
        assert "ended" in problem.message
        assert not any("base address" in step.text for step in problem.remediation)
    assert (await live.reload(connection)).state is ConnectionState.AUTHENTICATION_ERROR


async def test_c5_access_that_has_ended_is_found_by_the_hub_itself(live):
    live.provider.usual["/token"] = without_refresh_token()
    connection = await live.activated()
    live.provider.usual["/me"] = lambda: JSONResponse(REFUSED, status_code=401)
    live.clock.advance(3_601)
    await live.work()
    seen = await live.reload(connection)
    assert (seen.state, seen.problem.code) == (
        ConnectionState.AUTHENTICATION_ERROR,
        ProblemCode.REAUTHENTICATION_REQUIRED,
    )


async def test_c5_a_token_that_is_refused_before_its_end_is_refused_and_not_run_out(live):
    live.provider.usual["/token"] = without_refresh_token()
    connection = await live.activated()
    live.provider.usual["/me"] = lambda: JSONResponse(REFUSED, status_code=401)
    run = await live.tested(connection)
    assert run.problem.code is ProblemCode.CREDENTIALS_REJECTED


async def test_c5_asking_to_renew_it_says_that_it_cannot_be_and_when_it_ends(live):
    live.provider.usual["/token"] = without_refresh_token()
    connection = await live.activated()
    with pytest.raises(NotAllowedNowError) as refusal:
        await live.hub.connections.refresh_credentials(live.actor, connection.id)
    assert refusal.value.problem.code is ProblemCode.ACCESS_ENDS


async def test_c5_an_outage_does_not_make_the_hub_forget_it(live):
    live.provider.usual["/token"] = without_refresh_token()
    connection = await live.activated()
    live.provider.will("/me", JSONResponse({}, status_code=503))
    await live.tested(connection)
    away = await live.reload(connection)
    assert (away.state, away.problem.code) == (ConnectionState.DEGRADED, ProblemCode.UPSTREAM_UNAVAILABLE)
    assert away.problem.remediation[0].actor.value == "NOBODY"  # the hub looks again by itself
    await live.tested(connection)
    back = await live.reload(connection)
    assert (back.state, back.problem.code) == (ConnectionState.CONNECTED, ProblemCode.ACCESS_ENDS)


async def test_c6_a_refresh_token_that_came_counts_as_granted(live):
    live.provider.usual["/token"] = lambda: token_answer(scope="openid read")
    connection = await live.activated(scopes="openid read offline_access")
    assert connection.problem is None
    assert live.hub.connections.missing_scopes(live.actor, connection) == ()
    assert set(connection.auth.granted_scopes) == {"openid", "read", "offline_access"}
    await live.hub.connections.refresh_credentials(live.actor, connection.id)
    assert live.hub.connections.missing_scopes(live.actor, await live.reload(connection)) == ()


async def test_c6_a_scope_that_is_named_by_its_resource_was_granted(live):
    answer = token_answer(scope="https://graph.example.com/User.Read https://www.example.com/auth/read")
    live.provider.will("/token", answer)
    connection = await live.signed_in(scopes="user.read read")
    assert connection.problem is None


async def test_c6_a_refresh_token_that_did_not_come_names_the_parameter(live):
    live.provider.usual["/token"] = without_refresh_token(scope="openid read", expires_in=...)
    connection = await live.signed_in(scopes="openid read offline_access")
    assert connection.problem.code is ProblemCode.PARTIAL_SCOPES
    assert connection.problem.details["missingScopes"] == ["offline_access"]
    first = connection.problem.remediation[0]
    assert "prompt=consent" in first.text
    assert first.kind is RemediationKind.FIX_FIELD


async def test_c6_what_was_left_out_beside_it_is_still_told(live):
    live.provider.usual["/token"] = lambda: token_answer(scope="openid")
    connection = await live.signed_in(scopes="openid read offline_access")
    assert connection.problem.details["missingScopes"] == ["read"]
