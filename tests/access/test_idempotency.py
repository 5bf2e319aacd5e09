from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from app.access.idempotency import MAX_KEY_CHARS, Idempotency
from app.access.models import IdempotencyRecord
from app.event_stream.models import EventCounterRecord
from app.foundation.clock import FrozenClock
from app.foundation.database import Database
from app.foundation.errors import InvalidInputError
from app.foundation.problems import ProblemCode
from app.foundation.secret import Secret

INPUT = {
    "name": "Xero",
    "config": {"region": "eu", "retries": 3, "ratio": 0.5},
    "scopes": ["a", "b"],
    "note": None,
}


class BoomError(Exception):
    pass


async def key_of():
    return bytes(range(32))


@pytest.fixture
def idempotency(database):
    return Idempotency(database, key_of)


class Counted:
    """An act that leaves one row per effect and counts how often it ran."""

    def __init__(self):
        self.runs = 0

    async def __call__(self, tx):
        self.runs = number = self.runs + 1
        await EventCounterRecord.create(workspace_id=f"effect-{number}")
        return {"id": f"conn_{number}"}


@pytest.fixture
def act():
    return Counted()


async def effects():
    return await EventCounterRecord.all().count()


async def test_the_same_key_and_input_have_one_effect_and_one_answer(idempotency, actor, act):
    first = await idempotency.run(actor, "createConnection", "k1", INPUT, act)
    again = await idempotency.run(actor, "createConnection", "k1", {**dict(reversed(INPUT.items()))}, act)
    assert first == again == {"id": "conn_1"}
    assert (act.runs, await effects()) == (1, 1)


async def test_without_a_key_every_request_acts(idempotency, actor, act):
    assert await idempotency.run(actor, "createConnection", None, INPUT, act) == {"id": "conn_1"}
    assert await idempotency.run(actor, "createConnection", None, INPUT, act) == {"id": "conn_2"}
    assert await IdempotencyRecord.all().count() == 0


@pytest.mark.parametrize(
    "other",
    [
        {**INPUT, "name": "Xero 2"},
        {**INPUT, "note": ""},
        {**INPUT, "scopes": ["b", "a"]},
        {**INPUT, "config": {**INPUT["config"], "retries": "3"}},
        {**INPUT, "config": {**INPUT["config"], "ratio": 0.25}},
        {},
    ],
)
async def test_a_key_used_with_another_input_is_refused_and_nothing_happens(idempotency, actor, act, other):
    await idempotency.run(actor, "createConnection", "k1", INPUT, act)
    with pytest.raises(InvalidInputError) as refusal:
        await idempotency.run(actor, "createConnection", "k1", other, act)
    assert refusal.value.problem.code is ProblemCode.IDEMPOTENCY_KEY_REUSED
    assert refusal.value.problem.path == ("idempotencyKey",)
    assert (act.runs, await effects()) == (1, 1)


async def test_workspaces_actors_and_operations_are_independent(idempotency, actor, act):
    """G18: another tenant with the same key and input is not answered with this one's result."""
    for by, operation in (
        (actor, "createConnection"),
        (replace(actor, workspace_id="wks_other"), "createConnection"),
        (replace(actor, id="mem_other"), "createConnection"),
        (actor, "testConnection"),
    ):
        await idempotency.run(by, operation, "k1", INPUT, act)
    assert act.runs == 4


async def test_50_duplicates_at_once_have_one_effect_and_one_answer(database_url, database, actor):
    """Over four hubs, so that on PostgreSQL they meet in the database and not in this process."""
    url = f"{database_url}?maxsize=8" if database_url.startswith("postgres") else database_url
    hubs = [Database(url, FrozenClock()) for _ in range(4)]
    for hub in hubs:
        await hub.open()
    act = Counted()

    async def slow(tx):
        result = await act(tx)
        await asyncio.sleep(0.01)
        return result

    try:
        calls = [
            Idempotency(hubs[n % 4], key_of).run(actor, "createConnection", "k1", INPUT, slow)
            for n in range(50)
        ]
        answers = await asyncio.gather(*calls)
    finally:
        for hub in hubs:
            await hub.close()
    with database.bind():
        assert (answers, act.runs, await effects()) == ([{"id": "conn_1"}] * 50, 1, 1)


async def test_50_different_keys_at_once_all_act(idempotency, actor, act):
    answers = await asyncio.gather(
        *(idempotency.run(actor, "createConnection", f"k{n}", INPUT, act) for n in range(50))
    )
    assert len({answer["id"] for answer in answers}) == act.runs == await effects() == 50


async def test_an_act_that_fails_leaves_the_key_free(idempotency, actor, act):
    async def fail(tx):
        await act(tx)
        raise BoomError

    with pytest.raises(BoomError):
        await idempotency.run(actor, "createConnection", "k1", INPUT, fail)
    assert (await effects(), await IdempotencyRecord.all().count()) == (0, 0)
    assert await idempotency.run(actor, "createConnection", "k1", {"name": "other"}, act) == {"id": "conn_2"}


async def test_a_duplicate_that_waits_for_one_that_fails_acts_itself(idempotency, actor, act):
    is_first = True

    async def fail_first(tx):
        nonlocal is_first
        if is_first:
            is_first = False
            await asyncio.sleep(0.01)
            raise BoomError
        return await act(tx)

    calls = (idempotency.run(actor, "createConnection", "k1", INPUT, fail_first) for _ in range(10))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(answer, BoomError) for answer in answers) == 1
    assert sum(answer == {"id": "conn_1"} for answer in answers) == 9
    assert act.runs == 1


async def test_a_key_is_remembered_for_24_hours_and_then_free(idempotency, actor, act, clock):
    await idempotency.run(actor, "createConnection", "k1", INPUT, act)
    clock.advance(86_399)
    assert await idempotency.prune() == 0
    assert await idempotency.run(actor, "createConnection", "k1", INPUT, act) == {"id": "conn_1"}
    clock.advance(1)
    assert await idempotency.run(actor, "createConnection", "k1", {"name": "other"}, act) == {"id": "conn_2"}


async def test_pruning_forgets_what_is_over_alone(idempotency, actor, act, clock):
    await idempotency.run(actor, "createConnection", "k1", INPUT, act)
    clock.advance(3_600)
    await idempotency.run(actor, "createConnection", "k2", INPUT, act)
    clock.advance(86_400 - 3_600)
    assert await idempotency.prune() == 1
    assert await idempotency.run(actor, "createConnection", "k2", INPUT, act) == {"id": "conn_2"}


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("", ProblemCode.INVALID_FIELD),
        ("   ", ProblemCode.INVALID_FIELD),
        ("a\x00b", ProblemCode.INVALID_FIELD),
        ("a\nb", ProblemCode.INVALID_FIELD),
        ("\ud800", ProblemCode.INVALID_FIELD),
        ("k" * (MAX_KEY_CHARS + 1), ProblemCode.FIELD_TOO_LONG),
    ],
)
async def test_what_cannot_be_a_key_is_refused(idempotency, actor, act, key, code):
    with pytest.raises(InvalidInputError) as refusal:
        await idempotency.run(actor, "createConnection", key, INPUT, act)
    assert (refusal.value.problem.code, refusal.value.problem.path) == (code, ("idempotencyKey",))
    assert act.runs == 0


@pytest.mark.parametrize("key", ["k" * MAX_KEY_CHARS, "ключ 🔑"])
async def test_any_printable_key_of_up_to_255_characters_will_do(idempotency, actor, act, key):
    await idempotency.run(actor, "createConnection", key, INPUT, act)
    await idempotency.run(actor, "createConnection", key, INPUT, act)
    assert act.runs == 1


async def test_inputs_that_differ_in_a_secret_are_different_and_give_no_way_to_guess_it(
    idempotency, actor, act
):
    def credentials(text):
        return {"fields": [{"apiKey": Secret(text)}]}

    await idempotency.run(actor, "submitCredentials", "k1", credentials("1234"), act)
    await idempotency.run(actor, "submitCredentials", "k1", credentials("1234"), act)
    assert act.runs == 1
    with pytest.raises(InvalidInputError):
        await idempotency.run(actor, "submitCredentials", "k1", credentials("1235"), act)
    (first,) = await IdempotencyRecord.all()
    await IdempotencyRecord.all().delete()

    async def other_key():
        return bytes(32)

    other = Idempotency(idempotency._database, other_key)
    await other.run(actor, "submitCredentials", "k1", credentials("1234"), act)
    (second,) = await IdempotencyRecord.all()
    assert first.input_hash != second.input_hash


async def test_a_result_with_a_secret_is_refused_and_nothing_happens(idempotency, actor, act):
    async def leak(tx):
        await act(tx)
        return {"token": Secret("canary-1")}

    for key in ("k1", None):
        with pytest.raises(TypeError) as refusal:
            await idempotency.run(actor, "createToken", key, INPUT, leak)
        assert "canary" not in str(refusal.value)
    assert (await effects(), await IdempotencyRecord.all().count()) == (0, 0)


async def test_an_empty_result_is_remembered_too(idempotency, actor, act):
    async def empty(tx):
        await act(tx)
        return {}

    assert await idempotency.run(actor, "deleteConnection", "k1", INPUT, empty) == {}
    assert await idempotency.run(actor, "deleteConnection", "k1", INPUT, empty) == {}
    assert act.runs == 1
