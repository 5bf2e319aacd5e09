"""Presence: whoever starts alone on a SQLite file frees what the dead had claimed, and nothing of the living."""

from __future__ import annotations

import pytest

from app.foundation.clock import FrozenClock
from app.foundation.database import Database
from app.work.presence import Presence


async def test_who_starts_alone_frees_what_the_dead_had_claimed_at_once(process_of, database, work):
    dead = await process_of()
    await dead.schedule("a")
    (claim,) = await dead.claim()
    await dead.claim_named("b")
    dead.queue._presence.leave()  # the operating system does it, however a process ends
    process = await process_of()
    if database.dialect == "postgres":  # on several hosts nobody can tell: the lease runs out by itself
        assert await process.found() == []
        return
    await process.dispatcher.drain()
    assert sorted(work.done) == ["a", "b"]
    assert {each.interruptions for each in work.claims} == {1}
    assert claim.fence + 1 in {each.fence for each in work.claims}


async def test_who_starts_beside_another_frees_nothing(process_of):
    living, dead = await process_of(), await process_of()
    await living.schedule("a", "b")
    (_, claim) = await living.claim()
    dead.queue._presence.leave()
    third = await process_of()
    assert await third.found() == []
    await living.ending("finish", claim)


async def test_two_share_the_lock_and_the_next_one_alone_has_it_again(sqlite_url):
    database = Database(sqlite_url, FrozenClock())
    one, two, three = Presence(database), Presence(database), Presence(database)
    assert one.is_alone()
    await one.share()
    assert not two.is_alone()
    await two.share()
    one.leave()
    two.leave()
    assert three.is_alone()
    three.leave()


@pytest.mark.parametrize("url", ["sqlite://:memory:", "postgres://somewhere/db"])
async def test_where_there_is_no_file_there_is_no_lock(url):
    presence = Presence(Database(url, FrozenClock()))
    assert not presence.is_alone()
    await presence.share()
    presence.leave()
