"""C7: what the provider says to a re-authorization reaches the person: its words, its status and its time."""

from __future__ import annotations

import pytest
from starlette.responses import JSONResponse

from app.api.http.oauth import _refused
from app.connections.lifecycle import ConnectionState
from app.connections.snapshot import AuthorizationStateName as State
from app.foundation.problems import ProblemCode, problem

WAIT = {"Retry-After": "77"}
PLAN = {"error": "plan", "message": "Plan expired"}


def refused(body=PLAN, status=400, **headers):
    return JSONResponse(body, status_code=status, headers={**WAIT, **headers})


def is_whole(problem, status=400):
    assert f"HTTP {status}" in problem.message
    assert problem.details["providerStatus"] == status
    assert problem.details["providerDetail"] == "Plan expired"
    assert problem.retry_after_s == 77


async def test_c7_a_refused_proof_says_what_the_provider_said(live):
    connection = await live.activated()
    live.provider.will("/me", refused())
    ended = await live.sign_in(connection)
    assert ended.state is State.FAILED
    assert ended.problem.code is ProblemCode.UPSTREAM_REJECTED
    is_whole(ended.problem)
    after = await live.reload(connection)
    assert (after.state, after.auth.generation) == (ConnectionState.CONNECTED, 1)
    is_whole(after.problem)


async def test_c7_the_test_says_the_same(live):
    connection = await live.activated()
    live.provider.will("/me", refused())
    run = await live.tested(connection)
    is_whole(run.problem)


async def test_c7_entered_credentials_are_told_it_too(live):
    config = {"baseUrl": live.provider.address.http, "testPath": "/me"}
    connection = await live.draft("generic-http", config, mode=live.mode)
    for expected in (State.AUTHENTICATED, State.AWAITING_INPUT):
        authorization = await live.begin(connection, "bearer")
        answered = await live.hub.authorizations.submit_credentials(
            live.actor, authorization.id, {"token": "t" * 20}
        )
        assert answered.state is expected
        live.provider.will("/me", refused())
    is_whole(answered.problem)


@pytest.mark.parametrize(
    "answer",
    [
        lambda: refused({"error": "invalid_grant", "error_description": "Plan expired"}),
        lambda: refused({"error": "plan_expired", "error_description": "Plan expired"}, 402),
        lambda: refused({"message": "Plan expired"}, 403),
    ],
)
async def test_c7_a_refused_exchange_says_what_the_provider_said(live, answer):
    connection = await live.live()
    live.provider.will("/token", answer())
    ended = await live.sign_in(connection)
    assert ended.problem.details["providerDetail"] == "Plan expired"
    assert ended.problem.details["providerStatus"] == answer().status_code
    assert ended.problem.retry_after_s == 77
    page = _refused(live.hub, ended.problem, "The service").body.decode()
    assert f"“Plan expired” (HTTP {answer().status_code})" in page
    assert "77 seconds" in page


async def test_c7_a_renewal_that_failed_a_moment_ago_fails_with_the_same_words(live):
    connection = await live.activated()
    live.provider.will("/token", JSONResponse(PLAN, status_code=422, headers=WAIT))
    for _ in range(2):
        live.clock.advance(3_600 if live.provider.count("/token") == 1 else 1)
        run = await live.tested(connection)
        assert run.problem.details["providerStatus"] == 422
        assert "?" not in run.problem.message
    assert live.provider.count("/token") == 2


@pytest.mark.parametrize("code", ProblemCode)
def test_c7_no_text_has_a_gap_where_something_is_not_known(code):
    made = problem(code)
    for text in (made.message, *(step.text for step in made.remediation)):
        assert "?" not in text
        assert "{" not in text
