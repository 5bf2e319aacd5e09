"""The nine steps of a run, in order, for every way in which the outside can answer or not."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from app.calls.caller import MethodCaller
from app.connection_tests import runner as module
from app.connection_tests.runner import TestRunner
from app.connection_tests.steps import ORDER, RunStepState, StepKind, Verdict
from app.connections.models import ConnectionRecord
from app.credentials.snapshot import Mode
from app.foundation.clock import SystemClock
from app.foundation.errors import CredentialsRejectedError, NotFoundError, TransientOutsideError
from app.foundation.outbound import Outbound
from app.foundation.plain_data import to_data
from app.foundation.problems import ProblemCode
from app.vault.models import SealedRecord
from tests.calls.test_caller import CANARY, keyed
from tests.foundation.certificates import DAY, NOW, Authority
from tests.foundation.servers import LOOPBACK, Names, always, closing, never, outbound, reply, serving

S, K = RunStepState, StepKind
NAMES = {"good_test": "127.0.0.1", "other_test": "127.0.0.1", "private_test": "10.1.2.3"}
PASSED_UNTIL = {kind: dict.fromkeys(ORDER[: ORDER.index(kind)], S.PASSED) for kind in ORDER}


@pytest.fixture(scope="module")
def authority():
    return Authority()


async def run(world, connection, outside: Outbound | None = None):
    """Return the result and the steps, checked to be all nine in order."""
    hub = world.hub
    calls = MethodCaller(outside or hub.outbound, hub.credentials, hub.clock, hub.metrics, hub.secrets)
    runner = TestRunner(calls, hub.connections, hub.catalog, hub.clock)
    steps = []

    async def emit(finished):
        steps.extend(finished)

    result = await runner.run(world.actor, connection.owner, emit)
    assert [step.kind for step in steps] == list(ORDER)
    assert result.verdict is (Verdict.FAILED if any(s.state is S.FAILED for s in steps) else Verdict.PASSED)
    return result, {step.kind: step for step in steps}


async def live(world, base_url):
    """A connection to a real address, by a key in a header."""
    config = {"baseUrl": base_url, "testPath": "/status"}
    connection = await world.draft("generic-http", config, Mode.LIVE)
    authorization = await world.begin(connection, "api-key")
    await world.hub.authorizations.submit_credentials(world.actor, authorization.id, {"key": CANARY})
    return await world.reload(connection)


def guarded(good):
    """Answer well to the true key alone."""

    async def answer(asked, writer):
        writer.write(good if asked.header("x-api-key") == CANARY else reply(401))

    return answer


def failed_at(steps):
    failed = [step for step in steps.values() if step.state is S.FAILED]
    assert len(failed) == 1
    return failed[0]


def simulated(world, *answers):
    left = list(answers)

    async def answer(request):
        made = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(made, Exception):
            raise made
        return made

    world.outside.instead = answer


async def test_all_steps_pass_over_a_real_secured_connection(world, authority, tmp_path):
    tls = authority.server(tmp_path, "good.test")
    async with (
        serving(guarded(reply(200, b'{"status": "ok"}', Content_Type="application/json")), tls=tls) as server,
        outbound(resolver=Names(**NAMES), verify=authority.trust()) as outside,
    ):
        result, steps = await run(world, await live(world, f"https://good.test:{server.port}"), outside)
    assert {step.state for step in steps.values()} == {S.PASSED}
    assert steps[K.NAME_LOOKUP].evidence["host"] == "good.test"
    assert steps[K.TLS].evidence["version"].startswith("TLSv1")
    assert steps[K.CREDENTIALS].evidence["authMethod"] == "api-key"
    assert steps[K.RESPONSE].evidence == {"status": 200, "renewedCredentials": False}
    assert steps[K.RESPONSE].exchange.response.status == 200
    assert steps[K.EXPECTATIONS].evidence["expected"]
    assert result.generation == 1
    assert server.asked[0].header("x-api-key") == CANARY
    told = [(s.message, dict(s.evidence), s.exchange and to_data(s.exchange.request)) for s in steps.values()]
    assert CANARY not in json.dumps(told)


@pytest.mark.parametrize(
    ("host", "code", "where"),
    [
        ("missing.test", ProblemCode.NAME_NOT_RESOLVED, K.NAME_LOOKUP),
        ("private.test", ProblemCode.EGRESS_BLOCKED, K.NAME_LOOKUP),
        ("good.test", ProblemCode.UPSTREAM_UNREACHABLE, K.CONNECT),
    ],
)
async def test_what_cannot_be_reached_fails_where_it_broke(world, host, code, where):
    async with serving(never) as server:
        port = server.port
    async with outbound(resolver=Names(**NAMES)) as outside:
        result, steps = await run(world, await live(world, f"https://{host}:{port}"), outside)
    broken = failed_at(steps)
    assert (broken.kind, broken.problem.code) == (where, code)
    assert broken.problem.remediation
    assert {steps[kind].state for kind in ORDER[ORDER.index(where) + 1 :]} == {S.SKIPPED}
    assert steps[K.RESPONSE].message == "Not reached."
    assert result.generation == 1
    assert "127.0.0.1" not in json.dumps(broken.problem.to_json())


@pytest.mark.parametrize(
    ("certificate", "reason"),
    [
        ({"ends": NOW - DAY / 2}, "expired"),
        ({"begins": NOW + DAY / 2}, "not valid yet"),
        ({"own": True}, "not trusted"),
        ({"host": "other.test"}, "another name"),
    ],
)
async def test_a_certificate_that_is_wrong_fails_at_tls_and_says_how(
    world, authority, tmp_path, certificate, reason
):
    tls = authority.server(tmp_path, **{"host": "good.test", **certificate})
    async with (
        serving(always(reply()), tls=tls) as server,
        outbound(resolver=Names(**NAMES), verify=authority.trust()) as outside,
    ):
        _, steps = await run(world, await live(world, f"https://good.test:{server.port}"), outside)
        assert server.asked == []
    broken = failed_at(steps)
    assert (broken.kind, broken.problem.code) == (K.TLS, ProblemCode.UPSTREAM_TLS)
    assert reason in broken.problem.message
    assert {kind: steps[kind].state for kind in PASSED_UNTIL[K.TLS]} == PASSED_UNTIL[K.TLS]


async def test_a_server_that_speaks_no_tls_fails_at_tls(world):
    async with (
        serving(closing(b"HTTP/1.1 200 OK\r\n\r\n")) as server,
        outbound(resolver=Names(**NAMES)) as outside,
    ):
        server.greeting = b"hello"
        _, steps = await run(world, await live(world, f"https://good.test:{server.port}"), outside)
    assert failed_at(steps).kind is K.TLS


async def test_silence_after_the_request_fails_at_the_request(world, authority, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CALL_TIMEOUT_S", 0.3)
    tls = authority.server(tmp_path, "good.test")
    async with (
        serving(never, tls=tls) as server,
        outbound(resolver=Names(**NAMES), verify=authority.trust()) as outside,
    ):
        _, steps = await run(world, await live(world, f"https://good.test:{server.port}"), outside)
    broken = failed_at(steps)
    assert (broken.kind, broken.problem.code) == (K.REQUEST, ProblemCode.UPSTREAM_TIMEOUT)
    assert broken.problem.retryable
    assert {kind: steps[kind].state for kind in PASSED_UNTIL[K.REQUEST]} == PASSED_UNTIL[K.REQUEST]
    assert broken.exchange.request.url.endswith("/status")


async def test_silence_in_the_handshake_fails_at_tls(world, monkeypatch):
    monkeypatch.setattr(module, "CALL_TIMEOUT_S", 0.3)
    async with serving(never) as server, outbound(resolver=Names(**NAMES)) as outside:
        _, steps = await run(world, await live(world, f"https://good.test:{server.port}"), outside)
    broken = failed_at(steps)
    assert (broken.kind, broken.problem.code) == (K.TLS, ProblemCode.UPSTREAM_TIMEOUT)


async def test_a_connection_that_breaks_fails_at_the_request(world, authority, tmp_path):
    tls = authority.server(tmp_path, "good.test")
    async with (
        serving(closing(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort"), tls=tls) as server,
        outbound(resolver=Names(**NAMES), verify=authority.trust()) as outside,
    ):
        _, steps = await run(world, await live(world, f"https://good.test:{server.port}"), outside)
    assert failed_at(steps).kind is K.REQUEST


@pytest.mark.parametrize(
    ("answer", "code", "kind"),
    [
        (
            httpx.Response(401, json={"error": "bad_key"}),
            ProblemCode.CREDENTIALS_REJECTED,
            CredentialsRejectedError,
        ),
        (httpx.Response(500), ProblemCode.UPSTREAM_UNAVAILABLE, TransientOutsideError),
        (httpx.Response(429, headers={"Retry-After": "60"}), ProblemCode.RATE_LIMITED, TransientOutsideError),
        (httpx.Response(404), ProblemCode.UPSTREAM_NOT_FOUND, object),
        (httpx.Response(403, json={"error": "scope", "needed": "x"}), ProblemCode.MISSING_SCOPE, object),
    ],
)
async def test_a_refusal_fails_at_the_response_with_its_exchange(world, answer, code, kind):
    connection = await keyed(world)
    simulated(world, answer)
    result, steps = await run(world, connection)
    broken = failed_at(steps)
    assert (broken.kind, broken.problem.code) == (K.RESPONSE, code)
    assert isinstance(result.fault, kind)
    assert broken.exchange.response.status == answer.status_code
    assert steps[K.CREDENTIALS].state is S.PASSED
    assert steps[K.REQUEST].state is S.PASSED
    assert steps[K.EXPECTATIONS].state is S.SKIPPED
    assert result.problem == broken.problem


async def test_the_definitions_own_steps_stand_first_in_the_remediation(world):
    connection = await keyed(world)
    simulated(world, httpx.Response(401, json={"error": "bad_key"}))
    _, steps = await run(world, connection)
    assert failed_at(steps).problem.remediation[0].text == "Ask Acme for a new key."


async def test_an_answer_that_is_no_json_fails_where_json_is_expected(world):
    connection = await world.authorized("slack")
    simulated(world, httpx.Response(200, text="<html>maintenance</html>"))
    _, steps = await run(world, connection)
    broken = failed_at(steps)
    assert broken.kind is K.RESPONSE
    assert broken.exchange.response.body == "<html>maintenance</html>"


async def test_an_unmet_expectation_is_named(world):
    connection = await world.draft("stripe")
    authorization = await world.begin(connection, "api-key")
    prefilled = dict(authorization.step.prefilled)
    await world.hub.authorizations.submit_credentials(world.actor, authorization.id, prefilled)
    simulated(world, httpx.Response(200, json={"object": "something else"}))
    result, steps = await run(world, await world.reload(connection))
    broken = failed_at(steps)
    assert (broken.kind, broken.problem.code) == (K.EXPECTATIONS, ProblemCode.EXPECTATION_FAILED)
    assert "body.object == 'balance'" in broken.problem.message
    assert steps[K.RESPONSE].state is S.PASSED
    assert result.fault is not None


async def test_an_incomplete_configuration_fails_first_and_sends_nothing(world):
    connection = await keyed(world)
    await ConnectionRecord.filter(id=connection.id).update(config={"size": 0})
    result, steps = await run(world, await world.reload(connection))
    broken = failed_at(steps)
    assert broken.kind is K.CONFIGURATION
    assert set(broken.evidence["fields"]) == {"config.shop", "config.size"}
    assert world.outside.requests == []
    assert result.generation == 0


async def test_a_version_that_left_the_catalog_fails_first(world):
    connection = await keyed(world)
    await ConnectionRecord.filter(id=connection.id).update(version="7.7.7")
    _, steps = await run(world, await world.reload(connection))
    assert failed_at(steps).problem.code is ProblemCode.UNKNOWN_INTEGRATION


async def test_credentials_that_do_not_open_fail_at_the_credentials(world):
    connection = await keyed(world)
    await SealedRecord.filter(owner_row=connection.id).update(sealed="pb1.dk_x.AAAA")
    result, steps = await run(world, connection)
    broken = failed_at(steps)
    assert (broken.kind, broken.problem.code) == (K.CREDENTIALS, ProblemCode.CREDENTIAL_UNREADABLE)
    assert result.generation == 1


async def test_credentials_that_are_gone_fail_at_the_credentials(world):
    connection = await keyed(world)
    await world.hub.connections.disconnect(world.actor, connection.id)
    result, steps = await run(world, connection)
    broken = failed_at(steps)
    assert (broken.kind, broken.problem.code) == (K.CREDENTIALS, ProblemCode.NOT_AUTHENTICATED)
    assert result.generation == 0


async def test_a_renewal_that_fails_before_the_call_fails_at_the_credentials(world):
    connection = await world.connected("acme", {"shop": "north"})
    world.clock.advance(4_000)
    simulated(world, httpx.Response(503))
    _, steps = await run(world, connection)
    broken = failed_at(steps)
    assert (broken.kind, broken.problem.code) == (K.CREDENTIALS, ProblemCode.UPSTREAM_UNAVAILABLE)


async def test_renewed_credentials_are_told_in_the_response(world):
    connection = await world.connected("acme", {"shop": "north"})
    real = httpx.ASGITransport(app=world.outside.app)
    refused = []

    async def refuse_once(request):
        if request.url.path.endswith("/me") and not refused:
            refused.append(1)
            return httpx.Response(401, json={})
        return await real.handle_async_request(request)

    world.outside.instead = refuse_once
    result, steps = await run(world, connection)
    assert result.verdict is Verdict.PASSED
    assert result.generation == 2
    assert steps[K.RESPONSE].evidence["renewedCredentials"] is True


async def test_a_deleted_connection_is_told_apart(world):
    connection = await keyed(world)
    await world.hub.connections.delete(world.actor, connection.id)
    with pytest.raises(NotFoundError):
        await run(world, connection)


async def test_a_run_that_is_cancelled_leaves_no_call_behind(world):
    connection = await keyed(world)
    entered, ended = asyncio.Event(), asyncio.Event()

    async def hang(request):
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    world.outside.instead = hang
    task = asyncio.create_task(run(world, connection))
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_a_step_that_cannot_be_written_ends_the_call(world):
    connection = await keyed(world)
    ended = asyncio.Event()

    async def hang(request):
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    world.outside.instead = hang
    hub = world.hub
    runner = TestRunner(hub.calls, hub.connections, hub.catalog, hub.clock)

    async def emit(finished):
        if any(step.kind is K.CREDENTIALS for step in finished):
            raise ConnectionError("the database is away")

    with pytest.raises(ConnectionError):
        await runner.run(world.actor, connection.owner, emit)
    assert ended.is_set()


async def test_nothing_is_reached_beyond_the_policy(world):
    outside = Outbound(LOOPBACK, clock=SystemClock(), resolver=Names(meta_test="169.254.169.254"))
    _, steps = await run(world, await live(world, "https://meta.test"), outside)
    await outside.aclose()
    assert failed_at(steps).problem.code is ProblemCode.EGRESS_BLOCKED
