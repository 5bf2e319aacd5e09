"""C2: a redirect is shown in the steps, and where it is why a test fails it is named, with the address to configure."""

from __future__ import annotations

import httpx
import pytest

from app.connection_tests.steps import RunStepState, StepKind, Verdict
from app.connections.outcome_recorder import trigger_of
from app.foundation.problems import ProblemCode
from tests.field.endpoints import KEY
from tests.field.runs import keyed, outcome_of
from tests.foundation.certificates import Authority
from tests.foundation.servers import Names, always, closing, outbound, reply, serving

K, S = StepKind, RunStepState
NAMES = {"api_test": "127.0.0.1", "www_api_test": "127.0.0.1"}


@pytest.fixture
def world(local_world):
    return local_world


@pytest.fixture(scope="module")
def authority():
    return Authority()


def guarded(good: bytes):
    async def answer(asked, writer):
        writer.write(good if asked.header("x-api-key") == KEY else reply(401, b"{}"))

    return answer


def moved(where, status=301):
    """Redirect every path to the same one below another address."""

    async def answer(asked, writer):
        writer.write(reply(status, b"", Location=f"{where()}{asked.target}?trace=1"))

    return answer


def problem_of(result, steps):
    """Return the problem, checked to name the redirect and to say nothing of the credentials."""
    assert (result.verdict, result.problem.code) == (Verdict.FAILED, ProblemCode.UPSTREAM_REDIRECTED)
    assert trigger_of(result.fault) is None  # the connection's state does not change: nothing was refused
    failed = next(step for step in steps.values() if step.state is S.FAILED)
    assert failed.problem == result.problem
    assert "copy the key" not in str(result.problem.remediation).lower()
    assert "trace=1" not in str(result.problem.to_json())
    return result.problem


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_c2_a_redirect_to_another_port_names_the_address_to_configure(world, status):
    """C2: the key does not go along, so the 401 from there is no word about it."""
    async with (
        serving(guarded(reply())) as right,
        serving(moved(lambda: right.origin, status)) as old,
        outbound(resolver=Names()) as outside,
    ):
        result, steps = await outcome_of(world, outside, await keyed(world, f"{old.origin}/v1"))
        problem = problem_of(result, steps)
        assert right.asked[0].header("x-api-key") is None
    assert problem.details["newAddress"] == f"{right.origin}/v1"
    assert problem.remediation[0].text.startswith(f"Enter {right.origin}/v1 as “Base address of the API”")
    assert f"redirects from {old.origin}/v1/status to {right.origin}/v1/status" in problem.message
    assert steps[K.REQUEST].evidence["redirects"] == [{"status": status, "to": f"{right.origin}/v1/status"}]
    assert "The credentials did not go along." in steps[K.REQUEST].message


async def test_c2_a_redirect_to_www_names_the_address_to_configure(world, authority, tmp_path):
    """C2: the other host is not one that the connection may call: it is not asked, and it is said why."""
    tls = authority.server(tmp_path, "api.test")
    async with (
        serving(moved(lambda: "https://www.api.test"), tls=tls) as old,
        outbound(resolver=Names(**NAMES), verify=authority.trust()) as outside,
    ):
        result, steps = await outcome_of(world, outside, await keyed(world, f"https://api.test:{old.port}"))
    problem = problem_of(result, steps)
    assert problem.details["newAddress"] == "https://www.api.test"
    assert "which is not the host that this connection may call" in problem.message
    failed = next(step for step in steps.values() if step.state is S.FAILED)
    assert failed.kind is K.REQUEST
    assert failed.evidence["redirects"][0]["to"] == "https://www.api.test/status"


async def test_c2_from_http_to_https_names_the_https_address(world, authority, tmp_path):
    """C2: the commonest one."""
    tls = authority.server(tmp_path, "localhost")
    async with (
        serving(guarded(reply()), tls=tls) as right,
        serving(moved(lambda: f"https://localhost:{right.port}")) as old,
        outbound(resolver=Names(localhost="127.0.0.1"), verify=authority.trust()) as outside,
    ):
        base = f"http://localhost:{old.port}"
        result, steps = await outcome_of(world, outside, await keyed(world, base))
    assert problem_of(result, steps).details["newAddress"] == f"https://localhost:{right.port}"


async def test_c2_from_https_to_http_is_not_followed_and_says_why(world, authority, tmp_path):
    """C2: the new address is named all the same."""
    tls = authority.server(tmp_path, "api.test")
    async with (
        serving(moved(lambda: "http://api.test:8080"), tls=tls) as old,
        outbound(resolver=Names(**NAMES), verify=authority.trust()) as outside,
    ):
        result, steps = await outcome_of(world, outside, await keyed(world, f"https://api.test:{old.port}"))
    assert "which is not secured" in problem_of(result, steps).message


async def test_c2_a_redirect_to_a_sign_in_page_elsewhere_suggests_no_address(world):
    """C2: it may mean that the key is wrong; no address is made up."""
    async with (
        serving(always(reply(200, b"<form>"))) as sso,
        serving(always(reply(302, b"", Location=f"{sso.origin}/login?return=%2Fstatus"))) as server,
        outbound(resolver=Names()) as outside,
    ):
        result, steps = await outcome_of(world, outside, await keyed(world, server.origin))
    problem = problem_of(result, steps)
    assert "newAddress" not in problem.details
    assert "sign-in page" in problem.remediation[-1].text


async def test_c2_within_the_origin_the_credentials_go_along_and_the_redirect_is_shown(world):
    """C2: a slash at the end is no fault."""

    async def play(asked, writer):
        if not asked.target.endswith("/"):
            writer.write(reply(308, b"", Location=f"{asked.target}/"))
            return
        await guarded(reply())(asked, writer)

    async with serving(play) as server, outbound(resolver=Names()) as outside:
        result, steps = await outcome_of(world, outside, await keyed(world, server.origin))
    assert result.verdict is Verdict.PASSED
    assert steps[K.REQUEST].message == (
        f"The request was sent, redirected to {server.origin}/status/, and answered."
    )


async def test_c2_a_redirect_that_shows_a_secret_is_shown_without_it(world):
    """C2: an address that repeats the key is not followed to another origin, and not shown with it."""
    async with (
        serving(always(reply(302, b"", Location=f"https://elsewhere.example/{KEY}/x?k={KEY}"))) as server,
        outbound(resolver=Names()) as outside,
    ):
        result, steps = await outcome_of(world, outside, await keyed(world, server.origin))
    problem = problem_of(result, steps)
    assert KEY not in str([(s.message, dict(s.evidence), s.problem) for s in steps.values()])
    assert "elsewhere.example" in problem.message


async def test_c2_a_redirect_in_circles_is_said_to_be_one(world):
    """C2: with the steps that it took."""
    async with (
        serving(always(reply(302, b"", Location="/status"))) as server,
        outbound(resolver=Names()) as outside,
    ):
        result, steps = await outcome_of(world, outside, await keyed(world, server.origin))
    assert result.problem.code is ProblemCode.TOO_MANY_REDIRECTS
    assert len(steps[K.REQUEST].evidence["redirects"]) == 6


async def test_c2_a_token_that_did_not_go_along_is_not_renewed(world):
    """C2: the 401 of another origin is no sign that the access token has run out."""
    connection = await world.connected("acme", {"shop": "north"})
    before = len(world.token_calls())

    async def play(request):

        if "moved" in str(request.url):
            return httpx.Response(401, json={})
        return httpx.Response(302, headers={"location": "https://api.acme.example:8443/moved"})

    world.outside.instead = play
    run = await world.tested(connection)
    assert run.problem.code is ProblemCode.UPSTREAM_REDIRECTED
    assert len(world.token_calls()) == before
    assert (await world.reload(connection)).state == "CONNECTED"


async def test_c2_a_provider_with_a_fixed_address_gets_no_hint_at_a_field(world):
    """C2: there is no such field for Slack."""
    connection = await world.authorized("slack")

    async def play(_):

        return httpx.Response(301, headers={"location": "https://api.slack.com/api/auth.test"})

    world.outside.instead = play
    run = await world.tested(connection)
    assert run.problem.code is ProblemCode.UPSTREAM_REDIRECTED
    assert not any("configuration" in step.text for step in run.problem.remediation)


async def test_c2_a_connection_that_is_cut_after_a_redirect_is_not_called_a_redirect(world):
    """C2: what may pass keeps its own name."""
    async with (
        serving(closing(b"")) as gone,
        serving(moved(lambda: gone.origin)) as server,
        outbound(resolver=Names()) as outside,
    ):
        result, steps = await outcome_of(world, outside, await keyed(world, server.origin))
    assert result.problem.retryable
    assert steps[K.REQUEST].evidence["redirects"]
