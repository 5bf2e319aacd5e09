"""Transactions: ordered last acts, acts after the commit alone, and nothing left behind by whoever is cancelled."""

from __future__ import annotations

import asyncio
import contextvars
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tortoise.exceptions import OperationalError

from app.access.models import IdempotencyRecord
from app.foundation.clock import FrozenClock, SystemClock
from app.foundation.database import Database, dialect_of, migrations_folder, orm_config
from app.foundation.errors import StorageBusyError
from app.foundation.models import InstallationRecord
from tests.databases import run_apart

BEGUN = datetime(2026, 3, 1, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]


def row(slot: int) -> InstallationRecord:
    return InstallationRecord(slot=slot, id=f"hub_{slot}", created_at=BEGUN)


async def slots() -> list[int]:
    return [
        int(slot) for slot in await InstallationRecord.all().order_by("slot").values_list("slot", flat=True)
    ]


# -- the order of things


async def test_a_transaction_commits_what_was_written_and_knows_one_instant(database, clock):
    async with database.transaction() as tx:
        assert tx.now == clock.now()
        clock.advance(5)
        await row(7).save(force_create=True)
        assert tx.now != clock.now()
    assert await slots() == [7]


async def test_last_acts_run_in_order_once_per_key_and_inside_the_transaction(database):
    seen = []

    def flush(name):
        async def act(tx):
            seen.append(name)
            await row(len(seen)).save(force_create=True)

        return act

    async with database.transaction() as tx:
        tx.before_commit(20, "events", flush("events"))
        tx.before_commit(10, "audit", flush("audit"))
        tx.before_commit(10, "audit", flush("never"))
        tx.before_commit(15, ("a", 1), flush("between"))
        assert seen == []
    assert seen == ["audit", "between", "events"]
    assert await slots() == [1, 2, 3]


async def test_a_last_act_that_fails_takes_everything_back(database):
    told = []

    async def fail(tx):
        raise LookupError("no")

    async def act():
        async with database.transaction() as tx:
            tx.after_commit(lambda: told.append(1))
            tx.before_commit(10, "x", fail)
            await row(1).save(force_create=True)

    with pytest.raises(LookupError):
        await act()
    assert await slots() == []
    assert told == []


async def test_acts_after_the_commit_see_it_and_are_dropped_on_rollback(database):
    seen = []

    async def look():
        seen.append(await slots())

    async def act(fault=None):
        async with database.transaction() as tx:
            await row(1 if fault is None else 2).save(force_create=True)
            tx.after_commit(look)
            tx.after_commit(lambda: seen.append("plain"))
            assert "plain" not in seen[2:]
            if fault is not None:
                raise fault

    await act()
    assert seen == [[1], "plain"]
    with pytest.raises(LookupError):
        await act(LookupError())
    assert seen == [[1], "plain"]
    assert await slots() == [1]


async def test_an_act_that_fails_after_the_commit_hides_neither_the_commit_nor_the_others(database):
    seen = []

    async def broken():
        raise ConnectionError("the broker is away")

    async with database.transaction() as tx:
        await row(1).save(force_create=True)
        tx.after_commit(broken)
        tx.after_commit(lambda: seen.append(1))
    assert seen == [1]
    assert await slots() == [1]


async def test_transactions_do_not_nest(database):
    async with database.transaction():
        with pytest.raises(RuntimeError):
            async with database.transaction():
                raise AssertionError("an inner commit would wake others before it is one")
        await row(1).save(force_create=True)
    assert await slots() == [1]


async def test_scratch_belongs_to_one_transaction(database):
    async with database.transaction() as tx:
        tx.state["x"] = 1
    async with database.transaction() as tx:
        assert tx.state == {}


async def test_a_task_that_the_hub_did_not_start_may_use_models_when_bound(database):
    async def look():
        with database.bind():
            return await slots()

    task = asyncio.get_running_loop().create_task(look(), context=contextvars.Context())
    assert await task == []


async def test_many_transactions_at_once_follow_each_other(database):
    await row(0).save(force_create=True)

    async def count(number):
        async with database.transaction():
            found = await InstallationRecord.filter(slot=0).select_for_update().get()
            found.id = str(int(found.id.removeprefix("hub_")) + 1)
            await asyncio.sleep(0)
            await found.save(update_fields=["id"])

    await asyncio.gather(*(count(n) for n in range(40)))
    assert (await InstallationRecord.get(slot=0)).id == "40"


async def test_the_installation_has_one_id(database):
    first = await database.installation_id()
    assert {await database.installation_id() for _ in range(3)} == {first}
    assert len(set(await asyncio.gather(*(database.installation_id() for _ in range(8))))) == 1


# -- cancelling


async def write(database, slot):
    async with database.transaction() as tx:
        await row(slot).save(force_create=True)
        tx.before_commit(10, "more", lambda tx: row(slot + 100_000).save(force_create=True))


async def write_many(database, slot):
    await InstallationRecord.bulk_create([row(slot), row(slot + 100_000)])


@pytest.mark.parametrize("act", [write, write_many])
@pytest.mark.parametrize("again", [False, True])
async def test_cancelled_at_any_point_it_leaves_neither_a_lock_nor_half_of_its_work(narrow, act, again):
    database = narrow
    for turns in range(70):
        task = asyncio.create_task(act(database, turns + 1))
        for _ in range(turns % 35):
            await asyncio.sleep(0)
        if turns >= 35:
            await asyncio.sleep(0.0004 * (turns - 34))
        task.cancel()
        if again:
            await asyncio.sleep(0)
            task.cancel()
        await asyncio.wait([task])
        assert task.cancelled() or task.exception() is None
    async with asyncio.timeout(5):
        # Both of its rows or none; the one connection is free, and no transaction is open on it.
        found = await slots()
        assert {slot for slot in found if slot < 100_000} == {
            slot - 100_000 for slot in found if slot > 100_000
        }
        async with database.transaction():
            await row(99_999).save(force_create=True)
    fresh = await asyncio.to_thread(run_apart, lambda: _count(database.url))
    assert fresh == len(found) + 1


@pytest.fixture
async def narrow(database_url):
    """A database with one connection, so that a lost one is missed at once."""
    joint = "&" if "?" in database_url else "?"
    url = database_url if database_url.startswith("sqlite") else f"{database_url}{joint}minsize=1&maxsize=1"
    database = Database(url, FrozenClock())
    await database.open()
    yield database
    async with asyncio.timeout(10):
        await database.close()


async def _count(url: str) -> int:
    database = Database(url.split("?", 1)[0], SystemClock())
    await database.open()
    try:
        with database.bind():
            return await InstallationRecord.all().count()
    finally:
        await database.close()


async def test_cancelled_while_it_waits_for_the_lock_it_takes_nothing(narrow):
    outside = contextvars.copy_context()  # a task that is started in a transaction is in it
    async with narrow.transaction():
        waiting = asyncio.create_task(write(narrow, 1), context=outside)
        await asyncio.sleep(0.02)
        waiting.cancel()
        await asyncio.wait([waiting])
        await row(2).save(force_create=True)
    async with asyncio.timeout(5):
        await write(narrow, 3)
    assert await slots() == [2, 3, 100_003]


async def test_whoever_was_cancelled_in_a_transaction_may_begin_another_one(narrow):
    async def twice(slot):
        try:
            await write(narrow, slot)
        except asyncio.CancelledError:
            asyncio.current_task().uncancel()
        await write(narrow, slot + 1_000)

    for turns in range(60):
        task = asyncio.create_task(twice(turns + 1))
        for _ in range(turns):
            await asyncio.sleep(0)
        if turns >= 30:
            await asyncio.sleep(0.0004 * (turns - 29))
        task.cancel()
        async with asyncio.timeout(5):
            await asyncio.wait([task])
        assert task.cancelled() or task.exception() is None


# -- other processes


async def test_a_database_that_stays_locked_is_busy(sqlite_url):
    holder = Database(sqlite_url, FrozenClock())
    await holder.open()
    other = Database(f"{sqlite_url}?busy_timeout=50", FrozenClock())
    outside = contextvars.copy_context()

    async def try_it():
        await other.open()
        try:
            await write(other, 2)
        finally:
            await other.close()

    async with holder.transaction():
        await row(1).save(force_create=True)
        with pytest.raises(StorageBusyError) as caught:
            await asyncio.create_task(try_it(), context=outside)
    assert caught.value.problem.retryable
    assert await slots() == [1]
    await holder.close()


@pytest.mark.scaled
async def test_transactions_that_lock_each_other_out_are_busy(postgres_url):
    database = Database(postgres_url, FrozenClock())
    await database.open()
    for slot in (1, 2):
        await row(slot).save(force_create=True)
    both = asyncio.Barrier(2)

    async def lock(*order):
        async with database.transaction():
            await InstallationRecord.filter(slot=order[0]).select_for_update().get()
            async with asyncio.timeout(5):
                await both.wait()
            await InstallationRecord.filter(slot=order[1]).select_for_update().get()

    results = await asyncio.gather(lock(1, 2), lock(2, 1), return_exceptions=True)
    await database.close()
    assert sorted(type(result) for result in results if result is not None) == [StorageBusyError]


COUNTER = """
import asyncio, sys
from app.foundation.clock import SystemClock
from app.foundation.database import Database

async def main():
    database = Database(sys.argv[1], SystemClock())
    await database.open()
    from app.foundation.models import InstallationRecord
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(40):
        async with database.transaction():
            found = await InstallationRecord.filter(slot=0).select_for_update().get()
            found.id = str(int(found.id) + 1)
            await found.save(update_fields=["id"])
    await database.close()

asyncio.run(main())
"""


async def test_two_processes_lose_no_update(database, database_url):
    await InstallationRecord.create(slot=0, id="0", created_at=BEGUN)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", COUNTER, database_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    results = await asyncio.gather(
        *(asyncio.to_thread(process.communicate, "\n", 60) for process in processes)
    )
    assert [process.returncode for process in processes] == [0, 0], results
    assert (await InstallationRecord.get(slot=0)).id == "80"


# -- URLs


@pytest.mark.parametrize(
    ("url", "dialect"),
    [
        ("sqlite:///tmp/x.db", "sqlite"),
        ("postgres://u:p@h:5432/d", "postgres"),
        ("postgresql://u:p@h/d", "postgres"),
        ("asyncpg://u:p@h/d", "postgres"),
    ],
)
def test_a_url_names_one_of_two_databases(url, dialect):
    assert dialect_of(url) == dialect
    assert orm_config(url)["connections"]["default"]


@pytest.mark.parametrize("url", ["mysql://u:pw@h/d", "/tmp/x.db", "http://h", "sqlite3://x"])
def test_another_database_is_refused_without_telling_the_url(url):
    with pytest.raises(ValueError, match="sqlite:// or postgres://") as caught:
        dialect_of(url)
    assert url not in str(caught.value)


async def test_what_is_written_is_durable_and_checked(sqlite_url):
    database = Database(sqlite_url, FrozenClock())
    await database.open()
    await row(1).save(force_create=True)
    connection = InstallationRecord._meta.db
    pragmas = {
        name: (await connection.execute_query_dict(f"PRAGMA {name}"))[0][
            name if name != "busy_timeout" else "timeout"
        ]
        for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "temp_store")
    }
    await database.close()
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 20_000,
        "temp_store": 2,
    }


async def test_a_statement_that_fails_is_not_called_busy(database):
    with pytest.raises(OperationalError):
        async with database.transaction():
            await IdempotencyRecord._meta.db.execute_query("SELECT * FROM no_such_table")


def test_the_migrations_lie_where_the_package_looks():
    assert list((migrations_folder() / "models").glob("0_*.py"))
