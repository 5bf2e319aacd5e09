from __future__ import annotations

import asyncio
import json
import os
from contextlib import suppress
from dataclasses import replace
from random import Random

import pytest
from tortoise.connection import get_connection

from app.access.actor import Actor
from app.access.policy import Permission
from app.audit.append import append
from app.audit.chain import key_id_of
from app.audit.log import AuditFilter, AuditLog, AuditTarget
from app.audit.models import AuditEntryRecord, AuditHeadRecord
from app.audit.verify import ChainFault
from app.event_stream.channels import workspace_channel
from app.event_stream.event import EventType, NewEvent
from app.event_stream.models import EventRecord
from app.event_stream.outbox import Outbox
from app.foundation.clock import FrozenClock
from app.foundation.database import EVENTS_ORDER, Database
from app.foundation.errors import InvalidInputError, NotFoundError, PermissionDeniedError
from app.foundation.pages import PageRequest
from app.foundation.problems import ProblemCode
from app.foundation.secret import Secret
from app.foundation.wakeups import Wakeups
from tests.audit.conftest import CONNECTION, KEY, OTHER_KEY, key_of

CANARY = "canary-7f3a9c"


class BoomError(Exception):
    pass


async def test_an_entry_tells_everything_and_stands_in_the_chain(database, log, actor, clock):
    async with database.transaction() as tx:
        log.record(
            tx,
            replace(actor, ip_hash="abc"),
            "connection.created",
            CONNECTION,
            detail={"mode": "LIVE", "n": 1},
        )
    (entry,) = (await log.entries(actor)).items
    assert (entry.workspace_id, entry.seq, entry.at) == ("wks_test", 1, clock.now())
    assert (entry.actor_kind, entry.actor_id, entry.actor_label) == (actor.kind, actor.id, actor.label)
    assert (entry.via, entry.ip_hash, entry.request_id) == (actor.via, "abc", "req_test")
    assert (entry.action, entry.outcome) == ("connection.created", "OK")
    assert (entry.target_type, entry.target_id, entry.target_label) == CONNECTION
    assert entry.detail == {"mode": "LIVE", "n": 1}
    row = await AuditEntryRecord.get(id=entry.id)
    assert (row.prev_hash, row.key_id) == ("00" * 32, key_id_of(KEY))
    (report,) = await log.verify()
    assert (report.is_ok, report.good, report.last.hash.hex()) == (True, 1, row.hash)


async def test_entries_of_one_transaction_are_chained_in_order(write, log):
    await write(3)
    await write(2)
    rows = await AuditEntryRecord.all().order_by("seq")
    assert [row.seq for row in rows] == [1, 2, 3, 4, 5]
    assert [row.prev_hash for row in rows[1:]] == [row.hash for row in rows[:-1]]
    assert (await AuditHeadRecord.get(workspace_id="wks_test")).hash == rows[-1].hash


async def test_a_rolled_back_transaction_leaves_no_entry_no_event_and_wakes_nobody(database, log, actor):
    wakeups = Wakeups(None, "test")
    outbox = Outbox(wakeups)
    with wakeups.listen(workspace_channel("wks_test")) as waiter:
        with suppress(BoomError):
            async with database.transaction() as tx:
                log.record(tx, actor, "connection.created", CONNECTION)
                outbox.announce(
                    tx, NewEvent.by(actor, EventType.CONNECTION_CREATED, ("connection", "conn_1"))
                )
                raise BoomError
        assert not await waiter.wait(0.01)
    assert await AuditEntryRecord.all().count() == 0
    assert await AuditHeadRecord.all().count() == 0
    assert await EventRecord.all().count() == 0


async def test_a_change_whose_entry_cannot_be_written_does_not_happen(database, log, actor, monkeypatch):
    """A3: no audit, no change."""

    async def fail(*_):
        raise BoomError

    monkeypatch.setattr("app.audit.log.append", fail)
    outbox = Outbox(Wakeups(None, "test"))

    async def change():
        async with database.transaction() as tx:
            outbox.announce(tx, NewEvent.by(actor, EventType.CONNECTION_CREATED, ("connection", "conn_1")))
            log.record(tx, actor, "connection.created", CONNECTION)

    with pytest.raises(BoomError):
        await change()
    assert await EventRecord.all().count() == 0
    monkeypatch.setattr("app.audit.log.append", append)
    await log.record_alone(actor, "connection.created", CONNECTION, outcome="FAILED")
    assert (await log.entries(actor)).total == 1


async def test_an_entry_is_written_before_the_events_are_numbered(database, log, actor):
    seen = []

    async def look(tx):
        seen.append(await AuditEntryRecord.all().count())

    async with database.transaction() as tx:
        tx.before_commit(EVENTS_ORDER, "look", look)
        log.record(tx, actor, "connection.created", CONNECTION)
    assert seen == [1]


async def test_what_was_denied_is_told_in_a_transaction_of_its_own(log, actor):
    await log.record_alone(
        actor, "connection.deleted", CONNECTION, detail={"permission": "connections:write"}
    )
    (entry,) = (await log.entries(actor)).items
    assert (entry.outcome, entry.detail) == ("DENIED", {"permission": "connections:write"})


async def test_each_workspace_and_the_system_have_chains_of_their_own(database, log, actor):
    other = replace(actor, workspace_id="wks_other")
    system = Actor.system("system", "start-up", "req_1")
    async with database.transaction() as tx:
        for by in (other, actor, system, other):
            log.record(tx, by, "key.added", AuditTarget("key", "dk_1", ""))
    reports = {report.workspace_id: report.good for report in await log.verify()}
    assert reports == {"wks_test": 1, "wks_other": 2, "system": 1}
    assert [e.workspace_id for e in (await log.entries(other)).items] == ["wks_other"] * 2


async def test_a_secret_is_refused_before_anything_is_written(database, log, actor):
    async with database.transaction() as tx:
        with pytest.raises(TypeError):
            log.record(tx, actor, "connection.created", CONNECTION, detail={"a": Secret(CANARY)})
        with pytest.raises(ValueError, match="bears a secret's name"):
            log.record(tx, actor, "connection.created", CONNECTION, detail={"clientSecret": CANARY})
    assert await AuditEntryRecord.all().count() == 0


async def test_no_secret_is_in_the_table(database, log, actor, write):
    """A4: what the log refuses is not in its rows, and neither is its key."""
    await write(3)
    rows = await AuditEntryRecord.all().values()
    text = json.dumps(rows, default=str)
    assert CANARY not in text
    assert KEY.hex() not in text


async def test_reading_needs_the_permission(log, actor):
    nobody = replace(actor, permissions=actor.permissions - {Permission.AUDIT_READ})
    with pytest.raises(PermissionDeniedError) as refusal:
        await log.entries(nobody)
    assert refusal.value.problem.code is ProblemCode.PERMISSION_DENIED
    with pytest.raises(PermissionDeniedError):
        await log.entry(nobody, "aud_1")


async def test_one_entry_is_found_by_its_id_in_its_own_workspace_alone(log, write, actor):
    """T1: a foreign id and a missing one are answered alike."""
    await write(2)
    (newest, _) = (await log.entries(actor)).items
    assert await log.entry(actor, newest.id) == newest
    with pytest.raises(NotFoundError) as foreign:
        await log.entry(replace(actor, workspace_id="wks_other"), newest.id)
    with pytest.raises(NotFoundError) as missing:
        await log.entry(actor, "aud_missing")
    assert foreign.value.problem == missing.value.problem


async def test_pages_go_both_ways_newest_first_and_stay_valid_across_inserts(log, write, actor):
    await write(7)
    page = await log.entries(actor, page=PageRequest(first=3))
    assert ([e.seq for e in page.items], page.has_next, page.has_previous, page.total) == (
        [7, 6, 5],
        True,
        False,
        7,
    )
    await write(1)
    page = await log.entries(actor, page=PageRequest(first=3, after=page.cursors[-1]))
    assert ([e.seq for e in page.items], page.has_next, page.has_previous) == ([4, 3, 2], True, True)
    last = await log.entries(actor, page=PageRequest(first=3, after=page.cursors[-1]))
    assert ([e.seq for e in last.items], last.has_next, last.has_previous) == ([1], False, True)
    back = await log.entries(actor, page=PageRequest(first=None, last=3, before=page.cursors[0]))
    assert ([e.seq for e in back.items], back.has_next, back.has_previous) == ([7, 6, 5], True, True)
    first = await log.entries(actor, page=PageRequest(first=None, last=2))
    assert ([e.seq for e in first.items], first.has_next, first.has_previous) == ([2, 1], False, True)


@pytest.mark.parametrize(
    "cursor", ["", "x", "AAAAAAAAAAA=", "//////////8", "-AAAAAAAAAB", "___________", "ä" * 11]
)
async def test_a_cursor_that_is_none_is_refused_and_not_repeated(log, actor, cursor):
    for name in ("after", "before"):
        with pytest.raises(InvalidInputError) as refusal:
            await log.entries(actor, page=PageRequest(**{name: cursor}))
        assert (refusal.value.problem.code, refusal.value.problem.path) == (
            ProblemCode.INVALID_FIELD,
            (name,),
        )


async def test_filters_mean_or_within_a_field_and_and_between_fields(database, log, actor, clock):
    begun = clock.now()
    for n, outcome in enumerate(["OK", "DENIED", "FAILED", "OK"]):
        by = replace(actor, id=f"mem_{n % 2}")
        async with database.transaction() as tx:
            log.record(tx, by, f"thing.done_{n}", AuditTarget("connection", f"conn_{n}", ""), outcome=outcome)
        clock.advance(60)

    async def seqs(**wanted):
        page = await log.entries(actor, AuditFilter(**wanted))
        assert page.total is None
        return [e.seq for e in page.items]

    assert await seqs(actions=frozenset({"thing.done_0", "thing.done_2"})) == [3, 1]
    assert await seqs(actor_ids=frozenset({"mem_0"})) == [3, 1]
    assert await seqs(actor_ids=frozenset({"mem_0"}), outcomes=frozenset({"FAILED"})) == [3]
    assert await seqs(target_ids=frozenset({"conn_1", "conn_9"})) == [2]
    assert await seqs(outcomes=frozenset({"OK", "DENIED"})) == [4, 2, 1]
    assert await seqs(since=begun.replace(minute=1), until=begun.replace(minute=3)) == [3, 2]
    assert await seqs(actions=frozenset()) == []
    strange = frozenset({"\x00", "\ud800", "x" * 10_000})
    for name in ("ids", "actions", "actor_ids", "target_ids"):
        assert await seqs(**{name: strange}) == []


async def test_the_key_is_asked_for_once(database, clock, actor):
    asked = []

    async def counted():
        asked.append(1)
        return KEY

    log = AuditLog(database, counted)
    for _ in range(3):
        await log.record_alone(actor, "a.b", CONNECTION)
    assert asked == [1]


@pytest.mark.proof
@pytest.mark.timeout(1_800)
@pytest.mark.threat("R20")
async def test_32_writers_make_gapless_chains(database_url, log, actor):
    """R20, a sample: 32 writers x 3 or 10 entries in each of two chains; PATCHBAY_PROOFS=full writes 1,000 each.

    On PostgreSQL they belong to four hubs, on SQLite to two; in full to one, as SQLite serves one process.
    """
    is_postgres, is_full = database_url.startswith("postgres"), os.environ.get("PATCHBAY_PROOFS") == "full"
    rounds = 1_000 if is_full else 10 if is_postgres else 3
    url = f"{database_url}?maxsize=8" if is_postgres else database_url
    hubs = [Database(url, FrozenClock()) for _ in range(4 if is_postgres else 1 if is_full else 2)]
    for hub in hubs:
        await hub.open()
    try:
        await asyncio.gather(*(_write(hubs[n % len(hubs)], actor, rounds, Random(n)) for n in range(32)))
    finally:
        for hub in hubs:
            await hub.close()
    reports = await log.verify()
    assert [(r.workspace_id, r.fault, r.good) for r in reports] == [
        ("wks_other", None, 32 * rounds),
        ("wks_test", None, 32 * rounds),
    ]


async def _write(hub, actor, rounds, chance):
    log = AuditLog(hub, key_of)
    other = replace(actor, workspace_id="wks_other")
    for n in range(rounds):
        async with hub.transaction() as tx:
            for by in chance.sample(
                [actor, other], 2
            ):  # in either order: two writers must not wait for each other
                log.record(tx, by, "connection.updated", CONNECTION, detail={"n": n})
            await asyncio.sleep(chance.random() / 500)


_MOVE = "UPDATE audit_entry SET seq={1} WHERE seq={0}"
ATTACKS = {
    "edit": ("UPDATE audit_entry SET action='x.y' WHERE seq=5", ChainFault.EDITED, 5),
    "edit detail": ("UPDATE audit_entry SET detail='{\"n\": 99}' WHERE seq=5", ChainFault.EDITED, 5),
    "edit time": ("UPDATE audit_entry SET at='2026-01-01 00:00:01+00:00' WHERE seq=5", ChainFault.EDITED, 5),
    "huge number": (
        "UPDATE audit_entry SET detail='{\"n\": 99999999999999999999999}' WHERE seq=5",
        ChainFault.EDITED,
        5,
    ),
    "no hash": ("UPDATE audit_entry SET hash='zz' WHERE seq=5", ChainFault.EDITED, 5),
    "delete": ("DELETE FROM audit_entry WHERE seq=5", ChainFault.DELETED, 5),
    "truncate": ("DELETE FROM audit_entry WHERE seq>=8", ChainFault.TRUNCATED, 8),
    "drop all": ("DELETE FROM audit_entry", ChainFault.TRUNCATED, 1),
    "drop the head": ("DELETE FROM audit_head", ChainFault.TRUNCATED, 11),
    "turn back the head": ("UPDATE audit_head SET seq=7", ChainFault.EDITED, 8),
    "swap": (
        f"{_MOVE.format(3, 100)}; {_MOVE.format(7, 3)}; {_MOVE.format(100, 7)}",
        ChainFault.REORDERED,
        3,
    ),
    "other key": ("UPDATE audit_entry SET key_id='aud:0' WHERE seq=5", ChainFault.KEY_UNKNOWN, 5),
}


@pytest.mark.parametrize(("sql", "fault", "seq"), ATTACKS.values(), ids=ATTACKS)
async def test_what_the_owner_of_the_database_did_is_named(log, write, attack, sql, fault, seq):
    await write(10)
    await attack(sql)
    (report,) = await log.verify("wks_test")
    assert (report.fault, report.first_bad_seq) == (fault, seq)


@pytest.mark.parametrize("column", ["at", "detail"])
async def test_a_row_that_cannot_even_be_read_is_named(sqlite_url, clock, actor, column):
    """SQLite keeps whatever it is given."""
    database = Database(sqlite_url, clock)
    await database.open()
    try:
        log = AuditLog(database, key_of)
        async with database.transaction() as tx:
            for _ in range(3):
                log.record(tx, actor, "connection.updated", CONNECTION)
        script = get_connection("default").execute_script
        await script("DROP TRIGGER audit_entry_no_update")
        await script(f"UPDATE audit_entry SET {column}='{{' WHERE seq=2")
        (report,) = await log.verify()
        assert (report.fault, report.first_bad_seq) == (ChainFault.EDITED, 2)
    finally:
        await database.close()


async def test_a_chain_goes_on_after_a_change_of_keys(database, log, write, clock, actor):
    async def new_key():
        return OTHER_KEY

    await write(3)
    renewed = AuditLog(database, new_key)
    await renewed.record_alone(actor, "a.b", CONNECTION)
    (report,) = await renewed.verify(old_keys=[KEY])
    assert (report.is_ok, report.good) == (True, 4)
    (report,) = await renewed.verify()
    assert (report.fault, report.first_bad_seq) == (ChainFault.KEY_UNKNOWN, 1)


async def test_chains_longer_than_one_reading_are_verified_whole(log, write, attack, monkeypatch):
    monkeypatch.setattr("app.audit.log._READ", 4)
    await write(13)
    (report,) = await log.verify()
    assert (report.is_ok, report.good) == (True, 13)
    await attack("UPDATE audit_entry SET action='x.y' WHERE seq=9")
    (report,) = await log.verify()
    assert (report.fault, report.first_bad_seq) == (ChainFault.EDITED, 9)


async def test_writers_may_go_on_while_a_chain_is_verified(log, write, monkeypatch):
    monkeypatch.setattr("app.audit.log._READ", 4)
    await write(20)

    async def writing():
        for _ in range(20):
            await write(1)

    task = asyncio.create_task(writing())
    while not task.done():
        assert all(report.is_ok for report in await log.verify())
    await task
    (report,) = await log.verify()
    assert (report.is_ok, report.good) == (True, 40)
