from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from app.access.actor import Actor
from app.event_stream.event import (
    EVERYTHING,
    EventBatch,
    EventFilter,
    EventType,
    NewEvent,
    ResetReason,
    StreamCheckpoint,
    StreamReset,
    decode_cursor,
)
from app.event_stream.models import EventRecord
from app.event_stream.reader import Reader
from app.event_stream.stream import EventStream
from app.foundation.clock import FrozenClock
from app.foundation.database import Database
from app.foundation.errors import UnauthenticatedError
from app.foundation.ids import new_id
from app.foundation.wakeups import Wakeups
from tests.event_stream.conftest import SLOW_S, subjects

ONLY_TOKENS = EventFilter(types=frozenset({EventType.TOKEN_CREATED}))


async def test_a_stream_in_which_nothing_happened_stands_at_zero(stream):
    assert await stream.position("wks_test") == 0
    page = await stream.reader.page("wks_test", None)
    assert (page.events, page.position, page.has_more, page.reset) == ((), 0, False, None)


async def test_pages_follow_one_another_without_a_hole(stream, happen):
    await happen(*"abcdefg")
    page = await stream.reader.page("wks_test", None, 3)
    assert (subjects(page), page.has_more) == (["a", "b", "c"], True)
    page = await stream.reader.page("wks_test", decode_cursor("wks_test", page.cursor), 3)
    assert (subjects(page), page.has_more) == (["d", "e", "f"], True)
    page = await stream.reader.page("wks_test", page.position, 3)
    assert (subjects(page), page.has_more, page.position) == (["g"], False, 7)
    page = await stream.reader.page("wks_test", page.position, 3)
    assert (subjects(page), page.has_more, page.position) == ([], False, 7)


async def test_a_filtered_page_moves_past_what_did_not_match(stream, happen):
    await happen("a", "b")
    await happen("t", type_=EventType.TOKEN_CREATED)
    await happen("c")
    page = await stream.reader.page("wks_test", 0, 10, ONLY_TOKENS)
    assert (subjects(page), page.position, page.has_more) == (["t"], 4, False)
    page = await stream.reader.page("wks_test", 0, 1, EventFilter(subject_ids=frozenset("ac")))
    assert (subjects(page), page.position, page.has_more) == (["a"], 1, True)
    page = await stream.reader.page(
        "wks_test", 0, 9, EventFilter(connection_ids=frozenset("b"), subject_ids=frozenset("ab"))
    )
    assert (subjects(page), page.position) == (["b"], 4)
    strange = frozenset({"\x00", "\ud800", "x" * 10_000, "b"})
    page = await stream.reader.page(
        "wks_test", 0, 9, EventFilter(connection_ids=strange, subject_ids=strange)
    )
    assert (subjects(page), page.position) == (["b"], 4)
    page = await stream.reader.page("wks_test", 0, 9, EventFilter(types=frozenset()))
    assert (subjects(page), page.position) == ([], 4)


async def test_events_come_in_the_order_of_their_places_however_they_lie_in_the_table(
    database, stream, happen, following
):
    """Rows are written back to front, and two connections take turns: neither table nor index is in order."""
    await happen(*"abababab")
    rows = await EventRecord.all()
    await EventRecord.all().delete()
    await EventRecord.bulk_create(sorted(rows, key=lambda row: -row.position))
    both = EventFilter(connection_ids=frozenset("ab"))
    everything = [(n + 1, "ab"[n % 2]) for n in range(8)]
    for wanted in (EVERYTHING, both):
        page = await stream.reader.page("wks_test", None, 99, wanted)
        assert [(event.position, event.subject.id) for event in page.events] == everything
        pages = [await stream.reader.page("wks_test", place, 2, wanted) for place in (0, 2, 4, 6)]
        assert [event.position for page in pages for event in page.events] == list(range(1, 9))
        batch = await following(stream, "wks_test", 0, wanted)()
        assert [event.position for event in batch.events] == list(range(1, 9))
        found = await Reader(database).newer("wks_test", 3, 3, filter=wanted)
        assert [event.position for event in found] == [4, 5, 6]


@pytest.mark.parametrize("after", [5, 2**62])
async def test_a_place_that_the_stream_never_reached_is_reset(stream, happen, after):
    await happen(*"abc")
    reset = StreamReset("wks_test", ResetReason.CURSOR_EXPIRED, earliest=0, latest=3)
    assert (await stream.reader.page("wks_test", after)).reset == reset
    assert [m async for m in stream.follow("wks_test", after)] == [reset]


async def test_a_follower_replays_what_it_missed_and_goes_on_live(stream, happen, following):
    await happen(*"abc")
    message = following(stream, "wks_test", 1)
    assert subjects(await message()) == ["b", "c"]
    await happen("d")
    batch = await message()
    assert isinstance(batch, EventBatch)
    assert (subjects(batch), batch.position, batch.has_more) == (["d"], 4, False)
    assert decode_cursor("wks_test", batch.cursor) == 4


async def test_a_follower_without_a_place_is_first_told_where_it_stands(stream, happen, following, clock):
    await happen(*"abc")
    message = following(stream, "wks_test", None)
    assert await message() == StreamCheckpoint("wks_test", 3, clock.now())
    await happen("d")
    assert subjects(await message()) == ["d"]


async def test_a_follower_that_catches_up_is_told_that_more_is_past(stream, happen, following):
    await happen(*(str(n) for n in range(450)))
    message = following(stream, "wks_test", 0)
    batches = [await message() for _ in range(3)]
    assert [(len(b.events), b.position, b.has_more) for b in batches] == [
        (200, 200, True),
        (200, 400, True),
        (50, 450, False),
    ]
    assert [e for b in batches for e in subjects(b)] == [str(n) for n in range(450)]


async def test_a_follower_left_behind_the_ring_reads_the_table_and_loses_nothing(stream, happen, following):
    slow, quick = following(stream, "wks_test", None), following(stream, "wks_test", None)
    await slow()
    await quick()
    seen = []
    for n in range(40):  # the ring holds 8
        await happen(f"{n}")
        seen += subjects(await quick())
    assert seen == [str(n) for n in range(40)]
    seen = []
    while len(seen) < 40:
        seen += subjects(await slow())
    assert seen == [str(n) for n in range(40)]


async def test_all_followers_of_a_workspace_share_one_reading(stream, happen, following, monkeypatch):
    followers = [following(stream, "wks_test", None) for _ in range(50)]
    for message in followers:
        await message()
    readings = []
    newer = Reader.newer

    async def counted(self, *args, **kwargs):
        readings.append(args)
        return await newer(self, *args, **kwargs)

    monkeypatch.setattr(Reader, "newer", counted)
    await happen("a")
    for message in followers:
        assert subjects(await message()) == ["a"]
    assert len(readings) == 1


async def test_workspaces_see_their_own_events_alone(database, stream):
    """T4: 600 events alternate between two workspaces, followed by ten each."""
    followers = {
        workspace_id: [asyncio.create_task(_collect(stream, workspace_id, 300)) for _ in range(10)]
        for workspace_id in ("wks_a", "wks_b")
    }
    for n in range(60):
        async with database.transaction() as tx:
            for k in range(10):
                workspace_id = ("wks_a", "wks_b")[k % 2]
                actor = Actor.system(workspace_id, "test", "req_test")
                subject = ("connection", f"{workspace_id}-{n}-{k}")
                stream.outbox.announce(tx, NewEvent.by(actor, EventType.CONNECTION_UPDATED, subject))
    for workspace_id, tasks in followers.items():
        expected = [
            f"{workspace_id}-{n}-{k}"
            for n in range(60)
            for k in range(10)
            if ("wks_a", "wks_b")[k % 2] == workspace_id
        ]
        async with asyncio.timeout(30):
            assert await asyncio.gather(*tasks) == [expected] * 10


async def _collect(stream, workspace_id, count):
    seen = []
    async for message in stream.follow(workspace_id, 0):
        seen += subjects(message)
        if len(seen) >= count:
            return seen
    return seen


async def test_a_filter_that_matches_nothing_still_moves_the_cursor_in_time(stream, happen, following, clock):
    message = following(stream, "wks_test", None, ONLY_TOKENS)
    await message()
    await happen("a")
    pending = asyncio.create_task(message())
    await _settle()
    assert not pending.done()
    clock.advance(15)
    await happen("b")
    assert await pending == StreamCheckpoint("wks_test", 2, clock.now())


async def test_a_filter_that_skips_500_events_moves_the_cursor_at_once(stream, happen, following):
    message = following(stream, "wks_test", 0, ONLY_TOKENS)
    pending = asyncio.create_task(message())
    await happen(*(str(n) for n in range(499)))
    await _settle()
    assert not pending.done()
    await happen("499")
    assert (await pending).position == 500


async def test_a_caught_up_follower_is_not_told_the_same_place_again(
    database, wakeups, clock, happen, following
):
    stream = EventStream(database, wakeups, poll_s=0.001)
    message = following(stream, "wks_test", None)
    await message()
    pending = asyncio.create_task(message())
    clock.advance(3_600)
    await _settle()
    assert not pending.done()
    await happen("a", using=stream)
    assert subjects(await pending) == ["a"]


async def test_an_expired_cursor_gives_a_reset_and_never_a_hole(stream, happen, following, clock):
    await happen(*"abcde")
    clock.advance(8 * 86_400)
    await happen(*"fg")
    assert await stream.prune() == 5
    reset = StreamReset("wks_test", ResetReason.CURSOR_EXPIRED, earliest=5, latest=7)
    assert await following(stream, "wks_test", 4)() == reset
    page = await stream.reader.page("wks_test", 4)
    assert (page.reset, page.events) == (reset, ())
    assert decode_cursor("wks_test", reset.earliest_cursor) == 5
    assert decode_cursor("wks_test", reset.latest_cursor) == 7
    assert subjects(await following(stream, "wks_test", 5)()) == ["f", "g"]
    assert subjects(await stream.reader.page("wks_test", None)) == ["f", "g"]


async def test_a_follower_overtaken_by_retention_is_reset(stream, happen, following, clock):
    slow = following(stream, "wks_test", None)
    await slow()
    await happen(*(str(n) for n in range(20)))
    clock.advance(8 * 86_400)
    await happen("young")
    await stream.prune()
    assert await slow() == StreamReset("wks_test", ResetReason.CURSOR_EXPIRED, earliest=20, latest=21)


async def test_a_reset_ends_the_stream(stream, happen):
    await happen("a")
    assert len([message async for message in stream.follow("wks_test", 9)]) == 1


async def test_a_door_can_end_a_stream_that_stalled_with_its_cursors(stream, happen):
    await happen(*"ab")
    expected = StreamReset("wks_test", ResetReason.SLOW_CONSUMER, earliest=0, latest=2)
    assert await stream.reader.reset("wks_test", ResetReason.SLOW_CONSUMER) == expected


async def test_a_guard_that_says_no_ends_the_stream_before_anything_is_told(stream, happen):
    async def no():
        return False

    await happen("a")
    messages = [message async for message in stream.follow("wks_test", 0, guard=no)]
    assert messages == [StreamReset("wks_test", ResetReason.FILTER_NARROWED, earliest=0, latest=1)]


async def test_a_guard_is_asked_again_every_15_seconds(database, wakeups, happen, following, clock):
    stream = EventStream(database, wakeups, poll_s=0.001)
    asked = []

    async def guard():
        asked.append(clock.monotonic())
        return len(asked) < 3

    message = following(stream, "wks_test", None, guard=guard)
    await message()
    pending = asyncio.create_task(message())
    await _settle()
    assert asked == [0]
    clock.advance(14.9)
    await _settle()
    assert asked == [0]
    clock.advance(0.1)
    await _settle()
    assert asked == [0, 15]
    clock.advance(15)
    assert (await pending).reason is ResetReason.FILTER_NARROWED


@pytest.mark.parametrize("type_", [EventType.TOKEN_REVOKED, EventType.SESSION_ENDED, EventType.MEMBER_LEFT])
async def test_nothing_is_told_behind_the_event_by_which_access_was_lost(stream, happen, following, type_):
    """T5: the guard is asked again as soon as anybody lost access, before anything behind it is told."""
    is_valid = True

    async def guard():
        if not is_valid:
            raise UnauthenticatedError
        return True

    message = following(stream, "wks_test", None, guard=guard)
    await message()
    is_valid = False
    await happen("tok_1", type_=type_)
    await happen("secret news")
    with pytest.raises(UnauthenticatedError):
        await message()


async def test_nothing_is_told_behind_an_access_lost_while_the_guard_was_being_asked(
    stream, happen, following, clock
):
    answers = []

    async def guard():
        answers.append(len(answers) < 2)
        if len(answers) == 2:
            await happen("tok_1", type_=EventType.TOKEN_REVOKED)
            await happen("secret news")
            await _until(lambda: stream._tails["wks_test"].head == 2)
        return answers[-1]

    message = following(stream, "wks_test", None, guard=guard)
    await message()
    clock.advance(15)
    assert (await message()).reason is ResetReason.FILTER_NARROWED
    assert answers == [True, True, False]


async def test_closing_the_stream_ends_its_followers(stream, happen):
    followers = [asyncio.create_task(_collect(stream, "wks_test", 99)) for _ in range(3)]
    await happen("a")
    await _settle()
    await stream.close()
    async with asyncio.timeout(10):
        assert [len(seen) <= 1 for seen in await asyncio.gather(*followers)] == [True] * 3


async def test_the_last_follower_that_leaves_stops_the_tail(stream):
    followers = [stream.follow("wks_test", None) for _ in range(2)]
    for follower in followers:
        await anext(follower)
    assert _tails() == 1
    await followers[0].aclose()
    assert _tails() == 1
    await followers[1].aclose()
    assert _tails() == 0


async def test_a_cancelled_follower_leaves_nothing_behind(stream):
    task = asyncio.create_task(_collect(stream, "wks_test", 1))
    await _settle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert _tails() == 0


async def test_a_tail_outlives_a_fault_of_the_database(stream, happen, following, monkeypatch, wakeups):
    message = following(stream, "wks_test", None)
    await message()
    newer = Reader.newer
    faults = []

    async def failing(self, *args, **kwargs):
        faults.append(1)
        raise OSError("the database went away")

    monkeypatch.setattr(Reader, "newer", failing)
    await happen("a")
    await _until(lambda: faults)
    monkeypatch.setattr(Reader, "newer", newer)
    await happen("b")
    seen = subjects(await message())
    assert seen == ["a", "b"]


async def test_another_process_is_followed_by_the_timer_alone(
    database_url, database, stream, happen, following, actor
):
    """Two hubs on one database whose wake-ups do not reach each other: the truth is in the table."""
    other, wakeups = Database(database_url, FrozenClock()), Wakeups(None, "other")
    await other.open()
    try:
        elsewhere = EventStream(other, wakeups, poll_s=0.01)
        here, there = following(stream, "wks_test", 0), following(elsewhere, "wks_test", 0)
        await happen("from here")
        assert subjects(await here()) == ["from here"]
        assert subjects(await there()) == ["from here"]
        async with other.transaction() as tx:
            elsewhere.outbox.announce(
                tx, NewEvent.by(actor, EventType.CONNECTION_UPDATED, ("connection", "from there"))
            )
        assert subjects(await there()) == ["from there"]
        assert await stream.position("wks_test") == 2
        await happen("again from here")
        assert subjects(await here()) == ["from there", "again from here"]
        await elsewhere.close()
    finally:
        await other.close()


@pytest.mark.scaled
async def test_another_process_is_followed_at_once_through_redis(
    postgres_url, redis_url, following, clock, actor
):
    """Two hubs on PostgreSQL and Redis, their timers out of the picture."""
    namespace = new_id("test")
    async with AsyncExitStack() as stack:
        streams = [
            await stack.enter_async_context(_hub(postgres_url, redis_url, namespace)) for _ in range(2)
        ]
        (here, here_database), (there, _) = streams
        message = following(there, "wks_test", None)
        await message()
        for n in range(3):
            async with here_database.transaction() as tx:
                here.outbox.announce(
                    tx, NewEvent.by(actor, EventType.CONNECTION_UPDATED, ("connection", str(n)))
                )
            assert subjects(await message()) == [str(n)]


@asynccontextmanager
async def _hub(url, redis_url, namespace):
    database, wakeups = Database(url, FrozenClock()), Wakeups(redis_url, namespace)
    await database.open()
    await wakeups.open()
    stream = EventStream(database, wakeups, poll_s=SLOW_S)
    yield stream, database
    await stream.close()
    await wakeups.close()
    await database.close()


async def test_a_tail_tells_at_once_what_its_wakeup_announces(stream, happen, following):
    """The stream's timer is 30 seconds: the wake-up alone is in time."""
    assert SLOW_S == 30
    message = following(stream, "wks_test", None)
    await message()
    async with asyncio.timeout(5):
        await happen("a")
        assert subjects(await message()) == ["a"]


def _tails():
    return sum(task.get_name().startswith("tail:") for task in asyncio.all_tasks())


async def _settle():
    """Let everything run that can: more turns of the loop than any reading takes."""
    for _ in range(40):
        await asyncio.sleep(0.001)


async def _until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)
