"""C12: every problem is told in words for whoever can act, and is true in the situation in which it is told."""

from __future__ import annotations

import re
from itertools import product

import pytest
from starlette.responses import Response

from app.authenticators.judge import explained, with_troubleshooting
from app.connections.lifecycle import IN_WORDS, ConnectionState, Evidence, StateTrigger, next_state, permits
from app.credentials.snapshot import Mode, RevocationState
from app.foundation.egress import EgressCause
from app.foundation.errors import InvalidInputError, NotAllowedNowError, outside_error
from app.foundation.problems import FixBy, ProblemCode, RemediationKind, problem
from app.settings import Settings
from tests.field.provider import Reset
from tests.hubs import CATALOG

SETTING = re.compile(r"PATCHBAY_[A-Z_]+")
# A name of the API or of an enumeration: saveApplication, next_steps, PENDING_AUTHENTICATION.
NAME = re.compile(r"\b(?:[a-z]+[A-Z]\w*|\w+_\w+|[A-Z]{3,})\b")
SHORT_FORMS = {"HTTP", "TLS", "URL", "UTC"}
THEMSELVES = {
    FixBy.OPERATOR: "operator",
    FixBy.WORKSPACE_ADMIN: "administrator of the workspace",
    FixBy.PROVIDER_ADMIN: "administrator",
}
IT_TRIES = "the hub tries again by itself"


def texts(told):
    return [told.message, *(step.text for step in told.remediation)]


def is_for_people(text):
    assert set(NAME.findall(SETTING.sub("", text))) <= SHORT_FORMS, text
    assert text[0].isupper()
    assert text[-1] in ".?" or text.rpartition(": ")[1], text


@pytest.mark.parametrize("code", ProblemCode, ids=lambda code: f"C12 {code}")
def test_each_text_is_a_sentence_for_whoever_can_act(code):
    made = problem(code)
    for text in texts(made):
        is_for_people(text)
    assert made.remediation
    for step in made.remediation:
        # The text speaks to the actor: nobody is told to tell himself.
        assert THEMSELVES.get(step.actor, "\n") not in step.text.lower()
        settings = SETTING.findall(step.text)
        assert not settings or step.actor is FixBy.OPERATOR
        assert {name.removeprefix("PATCHBAY_").lower() for name in settings} <= Settings.model_fields.keys()


@pytest.mark.parametrize("code", ProblemCode, ids=lambda code: f"C12 {code}")
def test_a_problem_says_to_wait_exactly_where_waiting_can_help(code):
    kinds = {step.kind for step in problem(code).remediation}
    assert (RemediationKind.WAIT in kinds) == code.template.retryable


@pytest.mark.parametrize(
    ("wait_s", "words"),
    [
        (None, "in a moment"),
        (0, "in a moment"),
        (10.2, "in 11 seconds"),
        (120, "in 120 seconds"),
        (121, "in 3 minutes"),
        (86_400, "in 24 hours"),
    ],
    ids=lambda value: f"C12 {value}",
)
def test_the_time_to_come_again_is_said_in_words(wait_s, words):
    told = problem(ProblemCode.RATE_LIMITED, retry_after_s=wait_s)
    assert words in told.remediation[0].text
    assert IT_TRIES in told.that_is_retried().remediation[0].text
    assert len(told.that_is_retried().remediation) == len(told.remediation)


def test_c12_a_fault_of_the_hub_says_what_each_can_do():
    told = problem(ProblemCode.INTERNAL)
    assert [(step.kind, step.actor) for step in told.remediation] == [
        (RemediationKind.REPORT, FixBy.USER),
        (RemediationKind.CONTACT_OPERATOR, FixBy.OPERATOR),
    ]


@pytest.mark.parametrize(
    ("state", "trigger"),
    [pair for pair in product(ConnectionState, StateTrigger) if not permits(*pair)],
    ids=lambda value: f"C12 {value}",
)
def test_what_is_not_possible_now_names_the_state_in_words(state, trigger):
    with pytest.raises(NotAllowedNowError) as refusal:
        next_state(state, trigger, Evidence(ever_connected=True, has_credentials=True))
    assert IN_WORDS[state] in refusal.value.problem.message
    for text in texts(refusal.value.problem):
        is_for_people(text)


@pytest.mark.parametrize("cause", EgressCause, ids=lambda cause: f"C12 {cause}")
def test_an_address_that_is_not_called_says_why(cause):
    told = outside_error(problem(ProblemCode.EGRESS_BLOCKED, details={"cause": cause.value}))
    for definition in (CATALOG.definition("generic-http"), CATALOG.definition("github")):
        message = with_troubleshooting(definition, told).problem.message
        is_for_people(message)
        assert message != problem(ProblemCode.EGRESS_BLOCKED).message


ADDRESSES = (
    "UPSTREAM_UNREACHABLE",
    "NAME_NOT_RESOLVED",
    "UPSTREAM_TLS",
    "UPSTREAM_NOT_FOUND",
    "TOO_MANY_REDIRECTS",
)


@pytest.mark.parametrize(
    ("code", "integration"),
    list(product(ADDRESSES, [entry.key for entry in CATALOG.all()])),
    ids=lambda value: f"C12 {value}",
)
def test_an_address_is_to_be_checked_only_where_the_configuration_has_one(code, integration):
    definition = CATALOG.definition(integration)
    told = explained(definition, ProblemCode[code])
    general = [step for step in told.remediation if "in the configuration" in step.text]
    assert bool(general) == integration.startswith("generic-")
    assert told.remediation


@pytest.mark.parametrize(
    "address", ["https://app.example.com/x", "http://127.0.0.1:1/x", "/x", "javascript:alert(1)"]
)
async def test_c12_an_address_to_return_to_names_the_setting_that_allows_it(live, address):
    connection = await live.live()
    with pytest.raises(InvalidInputError) as refusal:
        await live.begin(connection, return_to=address)
    told = refusal.value.problem
    assert (told.code, told.path) == (ProblemCode.ADDRESS_NOT_ALLOWED, ("returnTo",))
    named = [(step.actor, name) for step in told.remediation for name in SETTING.findall(step.text)]
    assert named == [(FixBy.OPERATOR, "PATCHBAY_ALLOWED_ORIGINS")]


AWAY = {
    "503": lambda: Response(status_code=503),
    "a reset": Reset,
    "429": lambda: Response(status_code=429, headers={"Retry-After": "7200"}),
}
PLACES = ("/me", "/token")
DUE = "SELECT kind FROM due_work WHERE subject = $1"


async def nothing(live, connection):
    await live.reload(connection)


async def paused(live, connection):
    await live.hub.connections.pause(live.actor, connection.id)


async def changed(live, connection):
    config = {**live.provider.config, "testPath": "/me?changed=1"}
    await live.hub.connections.update_config(live.actor, connection.id, config)


async def broken(live, connection):
    config = {**live.provider.config, "tokenUrl": f"{live.provider.address.http}/token?changed=1"}
    await live.hub.connections.update_config(live.actor, connection.id, config)


async def signed_in_again(live, connection):
    await live.sign_in(connection)


async def gone(live, connection):
    await live.hub.connections.disconnect(live.actor, connection.id)


async def is_true(live, connection):
    """Check that a connection's problem says that the hub tries again only if work waits for the connection."""
    told = (await live.reload(connection)).problem
    if told is not None and any(IT_TRIES in text for text in texts(told)):
        async with live.hub.database.transaction():
            assert await live.hub.database.rows(DUE, connection.id)
        return True
    return False


@pytest.mark.parametrize("then", [nothing, paused, changed, broken, signed_in_again, gone])
@pytest.mark.parametrize("away", AWAY, ids=lambda value: f"C12 {value}")
async def test_the_hub_says_that_it_tries_again_only_where_it_does(live, away, then):
    connection = await live.activated()
    for path in PLACES:
        live.provider.usual[path] = AWAY[away]
    run = await live.tested(connection)
    assert not any(IT_TRIES in text for text in texts(run.problem))
    assert await is_true(live, connection)
    await then(live, connection)
    await is_true(live, connection)
    live.clock.advance(7_300)
    await live.work()
    await is_true(live, connection)


@pytest.mark.parametrize("away", AWAY, ids=lambda value: f"C12 {value}")
async def test_what_nothing_tries_again_does_not_say_so(live, away):
    connection = await live.signed_in()
    live.provider.usual["/me"] = AWAY[away]
    await live.tested(connection)
    await is_true(live, connection)
    config = {"baseUrl": live.provider.address.http, "testPath": "/me"}
    key = await live.draft("generic-http", config, Mode.LIVE)
    authorization = await live.begin(key, "bearer")
    await live.hub.authorizations.submit_credentials(live.actor, authorization.id, {"token": "t" * 20})
    await live.tested(key)
    await is_true(live, key)


async def test_c12_a_revocation_that_was_given_up_does_not_say_that_it_goes_on(live):
    connection = await live.activated()
    live.provider.usual["/revoke"] = AWAY["503"]
    edited = await live.hub.connections.disconnect(live.actor, connection.id)
    await live.work()
    waiting = await live.hub.revocations.get(live.actor, edited.revocation.id)
    assert any(IT_TRIES in text for text in texts(waiting.problem))
    for _ in range(40):
        live.clock.advance(7_200)
        await live.work()
    ended = await live.hub.revocations.get(live.actor, edited.revocation.id)
    assert ended.state is RevocationState.GAVE_UP
    assert not any(IT_TRIES in text for text in texts(ended.problem))
    assert not ended.problem.retryable
    assert [step.kind for step in ended.problem.remediation] == [RemediationKind.CHECK_PROVIDER]
