"""C1: a test is green only where its answer proves that the credentials are accepted."""

from __future__ import annotations

from collections import Counter

import httpx
import pytest

from app.access.policy import Permission
from app.catalog.definition import Control
from app.connection_tests.steps import RunStepState, StepKind, Verdict
from app.credentials.snapshot import Mode
from app.foundation.problems import ProblemCode
from app.vault.vault import RevealPurpose
from tests.field.endpoints import EXPECTS, KEY, answer, endpoints, told
from tests.field.runs import keyed, outcome_of
from tests.foundation.servers import Names, always, outbound, reply, serving


@pytest.fixture
def world(local_world):
    return local_world


K, S = StepKind, RunStepState
VERDICTS = {"green": Verdict.PASSED, "amber": Verdict.INCONCLUSIVE, "red": Verdict.FAILED}


async def test_c1_no_labelled_endpoint_is_falsely_green_or_falsely_red(world):
    """C1: over 300 endpoints, open and guarded in every way, with right and wrong keys."""
    table = list(endpoints())
    assert len({endpoint.name for endpoint in table}) == len(table) >= 300
    now, wrong = [table[0]], []

    async def play(asked, writer):
        writer.write(answer(now[0], asked, sink.origin))

    async with (
        serving(always(reply(200, b"<form>Sign in</form>"))) as sink,
        serving(play) as server,
        outbound(resolver=Names()) as outside,
    ):
        made = {}
        for endpoint in table:
            kind = (endpoint.method, endpoint.expects)
            if kind not in made:
                made[kind] = await keyed(world, server.origin, endpoint.method, **EXPECTS[endpoint.expects])
            now[0] = endpoint
            result, steps = await outcome_of(world, outside, made[kind])
            states = {step.state for step in steps.values()}
            shown = "red" if S.FAILED in states else "amber" if S.WARNING in states else "green"
            if shown != endpoint.label or result.verdict is not VERDICTS[shown]:
                wrong.append(f"{endpoint.name}: {shown} instead of {endpoint.label}")
            world.clock.advance(2)
    assert not wrong, told(wrong)
    assert min(Counter(endpoint.label for endpoint in table).values()) > 80


async def test_c1_an_open_path_is_shown_as_a_warning_that_says_what_to_do(world):
    """C1: whoever asks gets 200, as at some whoami paths."""
    async with serving(always(reply(200, b"{}"))) as server, outbound(resolver=Names()) as outside:
        result, steps = await outcome_of(world, outside, await keyed(world, server.origin))
    warned = steps[K.CONTROL]
    assert (result.verdict, result.fault) == (Verdict.INCONCLUSIVE, None)
    assert (warned.state, warned.problem.code) == (S.WARNING, ProblemCode.TEST_PROVES_NOTHING)
    assert "with made-up credentials" in warned.message
    assert "Choose another test path" in warned.problem.remediation[0].text
    assert warned.exchange.response.status == 200
    assert steps[K.EXPECTATIONS].message == "The answer is as expected."
    assert not any("accepts the credentials" in step.message for step in steps.values())


async def test_c1_the_control_call_bears_no_part_of_a_true_credential(world):
    """C1: neither the key nor four characters of it in a row."""
    async with serving(always(reply(200, b"{}"))) as server, outbound(resolver=Names()) as outside:
        await outcome_of(world, outside, await keyed(world, server.origin))
        await outcome_of(world, outside, await keyed(world, server.origin, "basic"))
    true, made_up, basic, made_up_basic = (asked.raw.decode() for asked in server.asked)
    assert KEY in true
    sent = made_up.partition("X-API-Key: ")[2].partition("\r\n")[0]
    assert len(sent) == len(KEY)
    assert not any(KEY[at : at + 4] in sent for at in range(len(KEY) - 3) if KEY[at : at + 4].isalnum())
    assert basic.partition("Basic ")[2] != made_up_basic.partition("Basic ")[2]
    assert made_up_basic.partition("Basic ")[2][:4] != basic.partition("Basic ")[2][:4]  # nor the user name


async def test_c1_an_answer_to_a_made_up_key_that_the_test_accepts_too_says_so(world):
    """C1: 200 with ok: false is another answer, but no refusal for a test that expects only success."""

    async def play(asked, writer):
        ok = asked.header("x-api-key") == KEY
        writer.write(reply(200, b'{"ok": true}' if ok else b'{"ok": false}', Content_Type="application/json"))

    async with serving(play) as server, outbound(resolver=Names()) as outside:
        _, steps = await outcome_of(world, outside, await keyed(world, server.origin))
        assert "the two answers differ, but this test accepts both" in steps[K.CONTROL].message
        stricter = await keyed(world, server.origin, expectedBody="body.ok == `true`")
        result, steps = await outcome_of(world, outside, stricter)
    assert result.verdict is Verdict.PASSED
    assert steps[K.EXPECTATIONS].evidence["expected"][-1] == "body.ok == `true`"


@pytest.mark.parametrize(
    ("config", "passes"),
    [
        ({"expectedStatus": "200"}, True),
        ({"expectedStatus": "201"}, False),
        ({"expectedHeader": "X-Account"}, True),
        ({"expectedHeader": "x-account: acme"}, True),
        ({"expectedHeader": "X-Account: other"}, False),
        ({"expectedHeader": "X-None"}, False),
        ({"expectedHeader": 'X-Account: "`\\'}, False),
        ({"expectedBody": "body.id == `7` && headers.\"x-account\" == 'acme'"}, True),
        ({"expectedBody": "body.id"}, False),
        ({"expectedBody": "status == `404`"}, False),
    ],
)
async def test_c1_what_a_person_expects_is_what_decides(world, config, passes):
    """C1: status, header and content are each compared, and what is not met is named."""

    async def play(asked, writer):
        ok = asked.header("x-api-key") == KEY
        good = reply(200, b'{"id": 7}', Content_Type="application/json", X_Account="acme corp"[:4])
        writer.write(good if ok else reply(401))

    async with serving(play) as server, outbound(resolver=Names()) as outside:
        result, steps = await outcome_of(world, outside, await keyed(world, server.origin, **config))
    assert result.verdict is (Verdict.PASSED if passes else Verdict.FAILED)
    assert steps[K.EXPECTATIONS].state is (S.PASSED if passes else S.FAILED)
    if not passes:
        assert result.problem.code is ProblemCode.EXPECTATION_FAILED
        assert steps[K.CONTROL].state is S.SKIPPED
        assert len(server.asked) == 1


@pytest.mark.parametrize(
    "predicate", ["body.ok ==", "[@,@]", "body | [@,@][] | [@,@][]", "join(body.a, body.b)", "to_string(body)",
                  "map(&@, body)", "(" * 400]
)  # fmt: skip
async def test_c1_a_predicate_that_cannot_be_taken_is_named_at_its_field(world, predicate):
    """C1: neither what does not compile, nor what could make gigabytes of an answer."""
    config = {"baseUrl": "https://api.example.com", "testPath": "/me", "expectedBody": predicate}
    edited = await world.hub.connections.create(
        world.actor, name="A", integration="generic-http", mode=Mode.LIVE, config=config
    )
    faults = edited.problems
    assert [(fault.code, fault.path) for fault in faults] == [
        (ProblemCode.INVALID_FIELD, ("config", "expectedBody"))
    ]
    assert "JMESPath predicate" in faults[0].message


async def test_c1_a_control_call_that_is_not_answered_is_tried_without_credentials_then_left_open(world):
    """C1: a server that breaks on made-up keys is asked once more; one that breaks on both is not called green."""
    refusals = {"without": reply(401), "with": reply(500)}

    async def play(asked, writer):
        key = asked.header("x-api-key")
        writer.write(reply(200) if key == KEY else refusals["with" if key else "without"])

    async with serving(play) as server, outbound(resolver=Names()) as outside:
        connection = await keyed(world, server.origin)
        result, steps = await outcome_of(world, outside, connection)
        assert result.verdict is Verdict.PASSED
        assert steps[K.CONTROL].evidence["control"] == Control.NONE
        refusals["without"] = reply(503)
        result, steps = await outcome_of(world, outside, connection)
    assert (result.verdict, result.problem.code) == (Verdict.INCONCLUSIVE, ProblemCode.CONTROL_NOT_ANSWERED)
    assert "HTTP 503" in steps[K.CONTROL].message
    assert len(server.asked) == 6


@pytest.mark.parametrize("integration", ["slack", "acme"])
async def test_c1_the_control_call_is_never_made_by_a_method_that_writes(world, integration):
    """C1: whatever the definition says."""
    connection = await world.authorized(integration, {"shop": "north"} if integration == "acme" else None)
    definition = world.hub.catalog.definition(connection.owner.integration, connection.owner.version)
    writing = next(name for name, one in definition.methods.items() if one.effect != "READ")
    credentials = await world.hub.credentials.open(world.actor, connection.owner, RevealPurpose.TEST)
    before = len(world.outside.requests)
    example = definition.methods[writing].examples[0].params
    with pytest.raises(ValueError, match="writes"):
        await world.hub.calls.control(
            world.actor, credentials, writing, example, Control.SPOILT, follow=False, timeout_s=1
        )
    assert len(world.outside.requests) == before
    assert Permission.CONNECTIONS_TEST in world.actor.permissions


async def test_c1_a_test_that_proves_nothing_does_not_open_the_gate_but_lets_a_reason(world):
    """C1: stored as it was shown, not counted as passed, and activation asks for a reason."""
    world.outside.instead = _open_to_all
    connection = await world.draft("generic-http", {"baseUrl": "https://api.example.com", "testPath": "/me"})
    await world.entered(connection, "api-key")
    run = await world.tested(connection)
    assert (run.verdict, run.problem.code) == (Verdict.INCONCLUSIVE, ProblemCode.TEST_PROVES_NOTHING)
    assert run.steps[-1].state is S.WARNING
    assert not (await world.reload(connection)).tested
    edited = await world.hub.connections.activate(
        world.actor, connection.id, reason="An in-house status page."
    )
    assert edited.connection.state == "CONNECTED"


async def _open_to_all(request):

    return httpx.Response(200, json={"status": "up"})
