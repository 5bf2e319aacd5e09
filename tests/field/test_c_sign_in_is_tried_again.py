"""C3: an exchange that an outage meets is tried again while the code lives, and then says to sign in again."""

from __future__ import annotations

import pytest
from starlette.responses import JSONResponse, Response

from app.connections.snapshot import AuthorizationStateName as State
from app.foundation.problems import ProblemCode, RemediationKind
from tests.field.provider import Reset, token_answer

AWAY = {
    "503": lambda: Response(status_code=503),
    "a reset": Reset,
    "a short wait": lambda: Response(status_code=429, headers={"Retry-After": "5"}),
    "temporarily_unavailable": lambda: JSONResponse({"error": "temporarily_unavailable"}, status_code=400),
}


@pytest.mark.parametrize("away", AWAY)
async def test_c3_an_exchange_that_fails_twice_for_a_passing_reason_succeeds_the_third_time(live, away):
    connection = await live.live()
    live.provider.will("/token", AWAY[away](), AWAY[away](), token_answer())
    ended = await live.sign_in(connection)
    assert (ended.state, ended.problem) == (State.AUTHENTICATED, None)
    assert live.provider.count("/token") == 3
    codes = {form["code"] for path, form in live.provider.asked if path == "/token"}
    assert codes == {"the-code"}


async def test_c3_a_lasting_outage_ends_the_attempt_and_says_to_sign_in_again(live):
    connection = await live.live()
    live.provider.usual["/token"] = lambda: Response(status_code=503)
    ended = await live.sign_in(connection)
    assert ended.state is State.FAILED
    assert live.provider.count("/token") == 5
    says_what_to_do(ended.problem, ProblemCode.UPSTREAM_UNAVAILABLE)
    says_what_to_do((await live.reload(connection)).problem, ProblemCode.UPSTREAM_UNAVAILABLE)


async def test_c3_a_code_that_the_lost_answer_used_up_is_the_outages_fault(live):
    connection = await live.live()
    live.provider.will("/token", Reset(), JSONResponse({"error": "invalid_grant"}, status_code=400))
    ended = await live.sign_in(connection)
    assert live.provider.count("/token") == 2
    says_what_to_do(ended.problem, ProblemCode.UPSTREAM_CUT_OFF)


async def test_c3_a_refusal_is_not_tried_again(live):
    connection = await live.live()
    live.provider.will("/token", JSONResponse({"error": "invalid_grant"}, status_code=400))
    ended = await live.sign_in(connection)
    assert live.provider.count("/token") == 1
    assert ended.problem.code is ProblemCode.PROVIDER_REFUSED_AUTHORIZATION


async def test_c3_a_wait_that_is_longer_than_a_code_lives_is_not_begun(live):
    connection = await live.live()
    live.provider.will("/token", Response(status_code=429, headers={"Retry-After": "77"}))
    ended = await live.sign_in(connection)
    assert live.provider.count("/token") == 1
    says_what_to_do(ended.problem, ProblemCode.RATE_LIMITED)
    assert ended.problem.retry_after_s == 77


async def test_c3_the_proof_of_a_new_sign_in_is_tried_again_too(live):
    connection = await live.activated()
    live.provider.will("/me", Response(status_code=503), Reset())
    assert (await live.sign_in(connection)).state is State.AUTHENTICATED


def says_what_to_do(problem, code):
    assert problem.code is code
    assert not problem.retryable
    assert RemediationKind.RECONNECT in [step.kind for step in problem.remediation]
    assert not any("by itself" in step.text and "not" not in step.text for step in problem.remediation)
