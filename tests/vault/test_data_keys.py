from __future__ import annotations

import asyncio

import pytest

from app.vault.data_keys import RETIRED, DataKeys, KeyCache
from app.vault.envelope import DataKey, WrapContext
from app.vault.errors import KeyUnavailableError
from app.vault.keys import KeyRing
from app.vault.models import DataKeyRecord, KeyCheckRecord


def key(name):
    return DataKey(name, name.encode().ljust(32, b"."))


def test_a_key_is_forgotten_after_its_time_however_often_it_is_used(clock):
    cache = KeyCache(clock)
    cache.put("wks_a", key("one"))
    for _ in range(299):
        clock.advance(1)
        assert cache.get("wks_a", "one")
    clock.advance(1)
    assert cache.get("wks_a", "one") is None
    assert len(cache) == 0


def test_a_changed_wall_clock_neither_keeps_nor_drops_a_key(clock):
    cache = KeyCache(clock)
    cache.put("wks_a", key("one"))
    clock.jump(-10_000)
    clock.advance(299)
    assert cache.get("wks_a", "one")
    clock.jump(-10_000)
    clock.advance(1)
    assert cache.get("wks_a", "one") is None


def test_the_least_used_key_makes_room(clock, monkeypatch):
    monkeypatch.setattr("app.vault.data_keys._CACHE_LIMIT", 2)
    cache = KeyCache(clock)
    cache.put("wks_a", key("one"))
    cache.put("wks_a", key("two"))
    assert cache.get("wks_a", "one")
    cache.put("wks_a", key("three"))
    assert cache.get("wks_a", "two") is None
    assert cache.get("wks_a", "one")
    assert len(cache) == 2


def test_a_key_is_known_in_its_own_workspace_only(clock):
    cache = KeyCache(clock)
    cache.put("wks_a", key("one"))
    assert cache.get("wks_b", "one") is None


# -- the keys of workspaces in the database


@pytest.fixture
def keys(vault, ring, clock):
    return DataKeys(ring, clock)


async def test_another_key_becomes_the_active_one_and_the_old_one_only_opens(database, keys):
    async with database.transaction() as tx:
        first = await keys.active(tx, "wks_a")
    async with database.transaction() as tx:
        old, new = first.id, await keys.replace_active(tx, "wks_a", first.id)
    async with database.transaction() as tx:
        assert (await keys.active(tx, "wks_a")).id == new
    assert (await keys.of_record("wks_a", old)).material == first.material
    states = await DataKeyRecord.filter(workspace_id="wks_a").values_list("id", "state", "active_slot")
    assert sorted(states) == sorted([(old, "DECRYPT_ONLY", None), (new, "ACTIVE", "wks_a")])


async def test_a_key_that_is_no_longer_active_is_not_replaced(database, keys):
    async with database.transaction() as tx:
        first = await keys.active(tx, "wks_a")
    for expected in (True, False):
        async with database.transaction() as tx:
            assert bool(await keys.replace_active(tx, "wks_a", first.id)) is expected
    assert await DataKeyRecord.filter(workspace_id="wks_a").count() == 2


async def test_of_two_replacements_at_once_one_is_made(database, keys):
    async with database.transaction() as tx:
        first = await keys.active(tx, "wks_a")

    async def turn():
        async with database.transaction() as tx:
            return await keys.replace_active(tx, "wks_a", first.id)

    made = [key for key in await asyncio.gather(*(turn() for _ in range(4))) if key]
    assert await DataKeyRecord.filter(active_slot="wks_a").values_list("id", flat=True) == made
    assert await DataKeyRecord.filter(workspace_id="wks_a").count() == 2


async def test_a_row_that_was_wrapped_anew_since_it_was_read_still_opens(
    database, ring, clock, keys, new_key
):
    new = new_key("new")
    async with database.transaction() as tx:
        key = await keys.active(tx, "wks_a")
    record = await DataKeyRecord.get(id=key.id)
    wrapped = await new.wrap(key.material, WrapContext("wks_a", key.id))
    await DataKeyRecord.filter(id=key.id).update(wrapped=wrapped, kek_id=new.key_id)
    late = DataKeys(KeyRing(new), clock)
    assert (await late.unwrapped(record)).material == key.material


async def test_nothing_is_wrapped_under_a_retired_key(database, ring, keys):
    await KeyCheckRecord.filter(kek_id=ring.active.key_id).update(state=RETIRED)
    with pytest.raises(KeyUnavailableError):
        async with database.transaction() as tx:
            await keys.active(tx, "wks_a")
    assert not await DataKeyRecord.exists(workspace_id="wks_a")


async def test_a_hub_whose_active_key_was_retired_looks_for_the_new_one(
    database, open_vault, ring, clock, new_key, monkeypatch
):
    new = new_key("new")
    both = KeyRing(ring.active, new)
    await open_vault(both)
    await KeyCheckRecord.filter(kek_id=ring.active.key_id).update(state=RETIRED)
    monkeypatch.setattr(both, "refresh", lambda: both._hold(new, ring.active))
    async with database.transaction() as tx:
        key = await DataKeys(both, clock).active(tx, "wks_a")
    assert (await DataKeyRecord.get(id=key.id)).kek_id == new.key_id
