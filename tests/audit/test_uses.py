from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from app.audit.log import AuditFilter, AuditLog
from app.audit.models import AuditEntryRecord, SecretUseRecord
from app.foundation.clock import FrozenClock
from app.foundation.database import Database
from tests.audit.conftest import key_of


class BoomError(Exception):
    pass


async def used(log, actor):
    page = await log.entries(actor, AuditFilter(actions=frozenset({"secret.used"})))
    return [(e.target_id, e.detail["purpose"], e.detail["count"], e.detail["minute"]) for e in page.items]


async def test_uses_of_one_minute_become_one_entry_with_their_count(log, actor, clock):
    for _ in range(3):
        await log.count_use(actor, "conn_1", "RENEWAL")
        clock.advance(10)
    assert await log.close_minutes() == 0
    assert await used(log, actor) == []
    clock.advance(30)
    assert await log.close_minutes() == 1
    assert await used(log, actor) == [("conn_1", "RENEWAL", 3, "2026-01-01T00:00Z")]
    assert await log.close_minutes() == 0
    assert await SecretUseRecord.all().count() == 0


async def test_an_entry_says_who_used_them(log, actor, clock):
    await log.count_use(actor, "conn_1", "CALL_READ")
    clock.advance(60)
    await log.close_minutes()
    (entry,) = (await log.entries(actor)).items
    assert (entry.actor_kind, entry.actor_id, entry.actor_label) == (actor.kind, actor.id, actor.label)
    assert (entry.via, entry.request_id, entry.outcome) == (actor.via, actor.request_id, "OK")
    assert all(report.is_ok for report in await log.verify())


async def test_uses_are_kept_apart_by_connection_purpose_actor_minute_and_workspace(log, actor, clock):
    other = replace(actor, workspace_id="wks_other")
    await log.count_use(actor, "conn_1", "RENEWAL")
    await log.count_use(actor, "conn_2", "RENEWAL")
    await log.count_use(actor, "conn_1", "MONITOR")
    await log.count_use(replace(actor, id="mem_2"), "conn_1", "RENEWAL")
    await log.count_use(other, "conn_1", "RENEWAL")
    clock.advance(60)
    await log.count_use(actor, "conn_1", "RENEWAL")
    clock.advance(60)
    assert await log.close_minutes() == 6
    assert sorted(await used(log, actor)) == [
        ("conn_1", "MONITOR", 1, "2026-01-01T00:00Z"),
        ("conn_1", "RENEWAL", 1, "2026-01-01T00:00Z"),
        ("conn_1", "RENEWAL", 1, "2026-01-01T00:00Z"),
        ("conn_1", "RENEWAL", 1, "2026-01-01T00:01Z"),
        ("conn_2", "RENEWAL", 1, "2026-01-01T00:00Z"),
    ]
    assert len(await used(log, other)) == 1


async def test_the_present_minute_stays_open(log, actor, clock):
    clock.advance(59)
    await log.count_use(actor, "conn_1", "RENEWAL")
    clock.advance(0.999)
    assert await log.close_minutes() == 0
    clock.advance(0.001)
    assert await log.close_minutes() == 1


async def test_a_late_count_is_told_too_and_none_is_told_twice(log, actor, clock):
    """A use that is written after its minute was closed makes an entry of its own: the counts add up."""
    await log.count_use(actor, "conn_1", "RENEWAL")
    clock.advance(60)
    await log.close_minutes()
    clock.advance(-30)
    await log.count_use(actor, "conn_1", "RENEWAL")
    clock.advance(30)
    assert await log.close_minutes() == 1
    assert sum(count for _, _, count, _ in await used(log, actor)) == 2


async def test_no_use_is_lost_or_told_twice_while_hubs_count_and_sweep_at_once(
    database_url, database, log, actor, clock
):
    """Half of the hubs count from many tasks; the others, a minute ahead, sweep all the while."""
    is_postgres = database_url.startswith("postgres")
    count, writers = (4, 32) if is_postgres else (2, 8)
    hubs = [
        Database(f"{database_url}?maxsize=6" if is_postgres else database_url, FrozenClock())
        for _ in range(count)
    ]
    for hub in hubs:
        await hub.open()
    logs = [AuditLog(hub, key_of) for hub in hubs]
    counters, sweepers = logs[: count // 2], logs[count // 2 :]
    for hub in hubs[count // 2 :]:
        hub.clock.advance(60)
    try:
        counting = asyncio.gather(*(_count(counters[n % len(counters)], actor, n) for n in range(writers)))
        sweeping = [asyncio.create_task(_sweep(sweeper, counting)) for sweeper in sweepers]
        await counting
        await asyncio.gather(*sweeping)
    finally:
        for hub in hubs:
            await hub.close()
    clock.advance(120)
    await log.close_minutes()
    with database.bind():
        everything = await AuditEntryRecord.filter(action="secret.used")
        assert await SecretUseRecord.all().count() == 0
    assert sum(row.detail["count"] for row in everything) == writers * 5
    assert all(report.is_ok for report in await log.verify())


async def _count(log, actor, number):
    for n in range(5):
        await log.count_use(actor, f"conn_{(number + n) % 3}", "RENEWAL")


async def _sweep(log, counting):
    while not counting.done():
        await log.close_minutes()
        await asyncio.sleep(0)


async def test_a_sweep_that_crashes_leaves_every_minute_to_the_next_one(log, actor, clock, monkeypatch):
    for n in range(3):
        await log.count_use(actor, f"conn_{n}", "RENEWAL")
    clock.advance(60)

    async def crash(*_):
        raise BoomError

    with monkeypatch.context() as patched:
        patched.setattr("app.audit.log.append", crash)
        with pytest.raises(BoomError):
            await log.close_minutes()
    assert await SecretUseRecord.all().count() == 3
    assert await AuditEntryRecord.all().count() == 0
    assert await log.close_minutes() == 3
    assert [count for _, _, count, _ in await used(log, actor)] == [1, 1, 1]


async def test_many_minutes_are_closed_in_short_transactions(log, actor, clock, monkeypatch):
    monkeypatch.setattr("app.audit.uses._CHUNK", 2)
    for n in range(5):
        await log.count_use(actor, f"conn_{n}", "RENEWAL")
    clock.advance(60)
    assert await log.close_minutes() == 5
