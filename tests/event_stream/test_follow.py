"""Following: what there is, then what is new, woken by its own subject alone, and ended with the access."""

from __future__ import annotations

import asyncio

import pytest

from app.event_stream.channels import (
    ACCESS_CHANNEL,
    access_channel,
    channels_of,
    connection_channel,
    subject_channel,
)
from app.event_stream.event import EventType, NewEvent
from app.event_stream.follow import (
    GUARD_S,
    AccessLostError,
    NewItems,
    RowSource,
    follow,
    follow_rows,
    listening,
)
from app.foundation.clock import FrozenClock

SLOW_S = 30.0


class Table:
    """Numbers that are added; a follower reads those behind the one it has seen."""

    def __init__(self, wakeups, channel="run:1"):
        self.numbers = []
        self.is_closed = False
        self.readings = 0
        self.seen = 0
        self._wakeups = wakeups
        self._channel = channel

    async def add(self, *numbers, close=False):
        self.numbers += numbers
        self.is_closed = close
        await self._wakeups.notify(self._channel)

    async def read(self):
        self.readings += 1
        news = [number for number in self.numbers if number > self.seen]
        self.seen = max([self.seen, *news])
        return NewItems(news, is_over=self.is_closed)


@pytest.fixture
def table(wakeups):
    return Table(wakeups)


@pytest.fixture
def following(wakeups, table):
    """Return what follows the table and collects what it is told."""

    def follow_it(guard=None, clock=None, poll_s=SLOW_S):
        told = []

        async def collect():
            messages = follow_rows(
                wakeups, clock or FrozenClock(), "wks_a", "run:1", table.read, guard=guard, poll_s=poll_s
            )
            async for item in messages:
                told.append(item)  # noqa: PERF401 - each is looked at as it comes

        return asyncio.create_task(collect()), told

    return follow_it


async def settle():
    for _ in range(20):
        await asyncio.sleep(0)


async def test_what_is_there_comes_first_then_what_is_new_until_it_is_over(table, following):
    table.numbers = [1, 2]
    task, told = following()
    await settle()
    assert told == [1, 2]
    await table.add(3)
    await settle()
    assert told == [1, 2, 3]
    await table.add(4, close=True)
    async with asyncio.timeout(5):
        await task
    assert told == [1, 2, 3, 4]


async def test_nobody_elses_events_make_a_follower_read(table, following, wakeups):
    task, told = following()
    await settle()
    assert table.readings == 1
    for channel in ("workspace:wks_a", "run:2", access_channel("wks_a"), access_channel("wks_b")):
        await wakeups.notify(channel)
        await settle()
    assert table.readings == 1
    await table.add(1)
    await settle()
    assert (table.readings, told) == (2, [1])
    task.cancel()


async def test_a_wakeup_that_was_lost_costs_the_timer(table, following):
    task, told = following(poll_s=0.01)
    await settle()
    table.numbers.append(1)
    async with asyncio.timeout(5):
        while told != [1]:
            await asyncio.sleep(0.005)
    task.cancel()


async def test_who_listened_before_anything_could_be_there_does_not_look_first(table, wakeups):
    told = []

    async def collect():
        with listening(wakeups, "wks_a", "run:1") as place:
            await table.add(1, close=True)
            source = RowSource(place, table.read, known=0, poll_s=SLOW_S)
            async for item in follow(source, None, FrozenClock()):
                told.append(item)  # noqa: PERF401 - each is looked at as it comes

    async with asyncio.timeout(5):
        await collect()
    assert (told, table.readings) == ([1], 1)


async def test_a_guard_is_asked_at_the_start_and_before_anything_is_read(table, following):
    async def no():
        return False

    table.numbers = [1]
    task, told = following(no)
    with pytest.raises(AccessLostError):
        await task
    assert (told, table.readings) == ([], 0)


async def test_a_quiet_follower_ends_within_thirty_seconds_of_its_access(table, following):
    clock, is_valid = FrozenClock(), True

    async def guard():
        return is_valid

    task, _ = following(guard, clock, poll_s=0.001)
    await settle()
    is_valid = False
    await asyncio.sleep(0.01)
    assert not task.done()
    clock.advance(GUARD_S)
    with pytest.raises(AccessLostError):
        await asyncio.wait_for(task, 5)


async def test_nothing_is_told_once_somebody_lost_access_before_the_guard_said_so(table, following, wakeups):
    is_valid, asked = True, 0

    async def guard():
        nonlocal asked
        asked += 1
        return is_valid

    task, told = following(guard)
    await settle()
    await wakeups.notify(access_channel("wks_b"))  # another workspace's
    await settle()
    assert asked == 1
    await wakeups.notify(access_channel("wks_a"))  # somebody else's: this one goes on
    await settle()
    assert (asked, task.done()) == (2, False)
    is_valid = False
    table.numbers.append(1)
    await wakeups.notify(access_channel("wks_a"), "run:1")
    with pytest.raises(AccessLostError):
        await asyncio.wait_for(task, 5)
    assert told == []


async def test_access_that_is_lost_while_the_rows_are_read_is_noticed_before_they_are_told(
    table, following, wakeups, monkeypatch
):
    is_valid = True

    async def guard():
        return is_valid

    read = table.read

    async def read_slowly():
        nonlocal is_valid
        news = await read()
        if news.items:
            is_valid = False
            await wakeups.notify(access_channel("wks_a"))
        return news

    monkeypatch.setattr(table, "read", read_slowly)
    task, told = following(guard)
    await settle()
    await table.add(1)
    with pytest.raises(AccessLostError):
        await asyncio.wait_for(task, 5)
    assert told == []


async def test_a_follower_that_leaves_stops_listening(wakeups, following):
    task, _ = following()
    await settle()
    assert wakeups._waiters
    task.cancel()
    await asyncio.wait([task])
    assert not wakeups._waiters


def test_an_event_wakes_its_subject_its_connections_subjects_and_those_who_watch_access(actor):
    started = NewEvent.by(actor, EventType.TEST_RUN_STARTED, ("testRun", "run_1"), connection_id="conn_1")
    revoked = NewEvent.by(actor, EventType.TOKEN_REVOKED, ("token", "tok_1"))
    assert channels_of("wks_a", [started, started]) == [
        "workspace:wks_a",
        subject_channel("testRun", "run_1"),
        connection_channel("testRun", "conn_1"),
    ]
    assert channels_of("wks_a", [revoked]) == [
        "workspace:wks_a",
        "token:tok_1",
        access_channel("wks_a"),
        ACCESS_CHANNEL,
    ]
