from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from random import Random

import pytest
from tortoise.context import get_current_context

from app.access.actor import Actor
from app.event_stream.channels import workspace_channel
from app.event_stream.event import EventType, NewEvent
from app.event_stream.models import EventCounterRecord, EventRecord
from app.event_stream.outbox import MAX_DATA_BYTES, Outbox
from app.event_stream.reader import Reader
from app.foundation.clock import FrozenClock
from app.foundation.database import EVENTS_ORDER, Database
from app.foundation.secret import Secret
from app.foundation.wakeups import Wakeups

OWNER = Actor.system("wks_test", "test", "req_test")


class BoomError(Exception):
    pass


async def test_the_orm_is_active_in_a_test_that_takes_the_database(database):
    assert get_current_context() is not None
    assert await EventRecord.all().count() == 0


async def test_events_of_one_transaction_are_numbered_in_order_without_a_gap(database, stream, happen):
    await happen("a", "b", "c")
    await happen("d")
    events = (await stream.reader.page("wks_test", 0)).events
    assert [(e.position, e.subject.id) for e in events] == [(1, "a"), (2, "b"), (3, "c"), (4, "d")]
    assert len({e.id for e in events}) == 4
    assert {e.occurred_at for e in events} == {database.clock.now()}


async def test_an_event_carries_who_did_it_and_in_which_request(stream, happen, actor):
    await happen("a")
    (event,) = (await stream.reader.page("wks_test", 0)).events
    assert event.actor == (actor.kind, actor.id, actor.label)
    assert event.correlation_id == actor.request_id


async def test_a_rolled_back_transaction_leaves_no_event_and_wakes_nobody(database, stream, wakeups, happen):
    await happen("before")
    with wakeups.listen(workspace_channel("wks_test")) as waiter:
        with suppress(BoomError):
            async with database.transaction() as tx:
                stream.outbox.announce(tx, NewEvent.by(OWNER, EventType.TOKEN_CREATED, ("token", "t")))
                raise BoomError
        assert not await waiter.wait(0.01)
    assert await EventRecord.all().count() == 1
    assert await stream.position("wks_test") == 1


async def test_a_transaction_that_fails_in_its_last_acts_leaves_no_event_and_wakes_nobody(
    database, stream, wakeups, happen
):
    async def fail(tx):
        raise BoomError

    with wakeups.listen(workspace_channel("wks_test")) as waiter:
        with suppress(BoomError):
            async with database.transaction() as tx:
                stream.outbox.announce(tx, NewEvent.by(OWNER, EventType.TOKEN_CREATED, ("token", "t")))
                tx.before_commit(EVENTS_ORDER + 1, "fail", fail)
        assert not await waiter.wait(0.01)
    assert await EventRecord.all().count() == 0
    assert await stream.position("wks_test") == 0


async def test_followers_are_woken_once_the_events_can_be_read(database, stream, wakeups, happen):
    with wakeups.listen(workspace_channel("wks_test")) as waiter:
        await happen("a", "b")
        assert await waiter.wait(1)
        assert await stream.position("wks_test") == 2


async def test_each_workspace_has_its_own_numbers_and_its_own_wakeup(database, stream, wakeups):
    with wakeups.listen(workspace_channel("wks_a")) as a, wakeups.listen(workspace_channel("wks_c")) as c:
        async with database.transaction() as tx:
            for workspace_id, token_id in (("wks_b", "1"), ("wks_a", "2"), ("wks_b", "3")):
                stream.outbox.announce(
                    tx,
                    NewEvent.by(
                        Actor.system(workspace_id, "test", "req_test"),
                        EventType.TOKEN_CREATED,
                        ("token", token_id),
                    ),
                )
        assert await a.wait(1)
        assert not await c.wait(0.01)
    assert [e.subject.id for e in (await stream.reader.page("wks_b", 0)).events] == ["1", "3"]
    assert [(e.position, e.subject.id) for e in (await stream.reader.page("wks_a", 0)).events] == [(1, "2")]


async def test_the_counter_is_touched_only_after_everything_else(database, stream):
    seen = []

    async def look(tx):
        seen.append(await EventCounterRecord.all().count())

    async with database.transaction() as tx:
        stream.outbox.announce(tx, NewEvent.by(OWNER, EventType.TOKEN_CREATED, ("token", "t")))
        tx.before_commit(EVENTS_ORDER - 1, "look", look)
    assert seen == [0]


@pytest.mark.parametrize(
    "data", [{"a": Secret("canary-1")}, {"a": [{"b": Secret("canary-1")}]}, {"a": b"canary-1"}]
)
async def test_data_that_is_not_plain_json_is_refused_without_naming_it(database, stream, data):
    async with database.transaction() as tx:
        with pytest.raises(TypeError) as refusal:
            stream.outbox.announce(tx, NewEvent.by(OWNER, EventType.TOKEN_CREATED, ("token", "t"), data=data))
    assert "canary" not in str(refusal.value)
    assert await EventRecord.all().count() == 0


@pytest.mark.parametrize("name", ["accessToken", "client_secret", "Authorization", "api-key"])
async def test_data_under_a_secrets_name_is_refused(database, stream, name):
    async with database.transaction() as tx:
        data = {"a": [{name: "canary-1"}]}
        bad = NewEvent.by(OWNER, EventType.TOKEN_CREATED, ("token", "t"), data=data)
        with pytest.raises(ValueError, match="bears a secret's name") as refusal:
            stream.outbox.announce(tx, bad)
        assert "canary" not in str(refusal.value)
        fine = NewEvent.by(
            OWNER, EventType.TOKEN_CREATED, ("token", "t"), data={name: True, f"{name}Id": "x"}
        )
        stream.outbox.announce(tx, fine)
    assert await EventRecord.all().count() == 1


async def test_data_is_accepted_at_its_limit_and_refused_beyond(database, stream):
    def sized(tx, size):
        return NewEvent.by(OWNER, EventType.TOKEN_CREATED, ("token", "t"), data={"a": "x" * (size - 9)})

    async with database.transaction() as tx:
        stream.outbox.announce(tx, sized(tx, MAX_DATA_BYTES))
        with pytest.raises(ValueError, match="at most 32768 bytes"):
            stream.outbox.announce(tx, sized(tx, MAX_DATA_BYTES + 1))
    assert await EventRecord.all().count() == 1


async def test_text_that_a_database_refuses_is_stored_without_it(database, stream):
    async with database.transaction() as tx:
        data = {"label": "a\x00b\ud800", "list": ["\x00"], "n": 1.5}
        stream.outbox.announce(tx, NewEvent.by(OWNER, EventType.TOKEN_CREATED, ("token", "t"), data=data))
    (event,) = (await stream.reader.page("wks_test", 0)).events
    assert event.data == {"label": "a\ufffdb\ufffd", "list": ["\ufffd"], "n": 1.5}


async def test_32_concurrent_committers_never_make_a_reader_skip(database_url):
    """L8: positions become visible in their order although transactions of several hubs overlap as they like."""
    count, rounds = (4, 6) if database_url.startswith("postgres") else (2, 2)
    chance = Random(32)
    async with AsyncExitStack() as stack:
        hubs = [await stack.enter_async_context(_Hub(database_url, n)) for n in range(count)]
        committers = [
            asyncio.create_task(_commit(*hubs[n % count], rounds, Random(chance.random()))) for n in range(32)
        ]
        done = asyncio.gather(*committers)
        reader, _ = await stack.enter_async_context(_Hub(database_url, count))
        seen = await _read_until(done, reader)
        await done
        assert seen == list(range(1, 32 * rounds * 2 + 1))


async def _commit(database, outbox, rounds, chance):
    async def dawdle(tx):
        await asyncio.sleep(chance.random() / 200)

    for _ in range(rounds):
        async with database.transaction() as tx:
            for token_id in "ab":
                outbox.announce(tx, NewEvent.by(OWNER, EventType.TOKEN_CREATED, ("token", token_id)))
            await dawdle(tx)
            tx.before_commit(EVENTS_ORDER - 1, "before", dawdle)
            tx.before_commit(EVENTS_ORDER + 1, "after", dawdle)


async def _read_until(done, database):
    seen = []
    reader = Reader(database)
    while True:
        was_done = done.done()
        events = await reader.newer("wks_test", seen[-1] if seen else 0, 7)
        seen += [event.position for event in events]
        assert seen == list(range(1, len(seen) + 1))
        if was_done and not events:
            return seen
        await asyncio.sleep(0)


class _Hub:
    def __init__(self, url, number):
        sized = f"{url}?maxsize=8" if url.startswith("postgres") else url
        self.database = Database(sized, FrozenClock())
        self.wakeups = Wakeups(None, f"test{number}")

    async def __aenter__(self):
        await self.database.open()
        return self.database, Outbox(self.wakeups)

    async def __aexit__(self, *_):
        await self.database.close()
