from __future__ import annotations

from datetime import timedelta

from app.event_stream import retention
from app.event_stream.models import EventCounterRecord, EventRecord
from tests.event_stream.conftest import subjects

DAY_S = 86_400


async def test_events_are_pruned_from_the_oldest_and_numbers_go_on(stream, happen, clock):
    await happen(*"abc")
    clock.advance(7 * DAY_S - 1)
    assert await stream.prune() == 0
    clock.advance(2)
    await happen("d")
    assert await stream.prune() == 3
    assert await stream.prune() == 0
    assert await stream.position("wks_test") == 4
    assert subjects(await stream.reader.page("wks_test", None)) == ["d"]


async def test_a_stream_of_which_everything_is_old_is_emptied_and_still_numbers_on(stream, happen, clock):
    await happen(*"abc")
    clock.advance(8 * DAY_S)
    assert await stream.prune() == 3
    assert (await stream.reader.page("wks_test", 3)).reset is None
    assert (await stream.reader.page("wks_test", 2)).reset is not None
    await happen("d")
    assert [e.position for e in (await stream.reader.page("wks_test", 3)).events] == [4]


async def test_pruning_goes_in_short_transactions(stream, happen, clock, monkeypatch):
    monkeypatch.setattr(retention, "_CHUNK", 4)
    await happen(*"abcdefghij")
    clock.advance(2 * DAY_S)
    await happen("k")
    assert await stream.prune(timedelta(days=1)) == 10
    assert (await EventCounterRecord.get(workspace_id="wks_test")).pruned_to == 10
    assert await EventRecord.all().count() == 1


async def test_an_old_event_behind_a_young_one_stays(stream, happen, clock):
    """An instant is that of its transaction's beginning: a long one commits an old one behind a young one."""
    await happen("old")
    clock.advance(8 * DAY_S)
    await happen("young")
    clock.advance(-8 * DAY_S)
    await happen("old instant, young number")
    clock.advance(8 * DAY_S)
    assert await stream.prune() == 1
    assert subjects(await stream.reader.page("wks_test", None)) == ["young", "old instant, young number"]
