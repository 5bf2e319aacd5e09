from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from app.foundation.database import Transaction
from app.foundation.secret import Secret
from app.vault import resealing
from app.vault.errors import CredentialUnreadableError, KeyRefusedError
from app.vault.models import DataKeyRecord, SealedRecord
from tests.vault.rotating import OPERATOR, place, started

WORKSPACES = ["wks_0", "wks_1", "wks_2"]


@pytest.fixture
async def hub(database, clock, tmp_path):
    hub = await started(database, clock, tmp_path / "key")
    await hub.fill(WORKSPACES, 3)
    return hub


async def keys_of(workspace_id):
    records = await DataKeyRecord.filter(workspace_id=workspace_id).order_by("created_at", "id")
    return [(record.id, record.state) for record in records]


async def sealed_under():
    rows = await SealedRecord.all()
    assert all(row.sealed.split(".")[1] == row.data_key_id for row in rows)
    return {row.id: row.data_key_id for row in rows}


async def test_a_workspace_gets_a_new_key_and_its_values_keep_their_generation(hub, clock):
    await hub.replace(place("wks_1", 0), 1)
    before = {row.id: row for row in await SealedRecord.all()}
    clock.advance(60)
    done = await hub.resealing.reseal(OPERATOR, "wks_1")
    assert (done.new_keys, done.moved, done.unreadable, done.busy) == (1, 3, 0, 0)
    (_, old_state), (new, new_state) = await keys_of("wks_1")
    assert (old_state, new_state) == ("DECRYPT_ONLY", "ACTIVE")
    for row in await SealedRecord.all():
        was = before[row.id]
        assert (row.generation, row.updated_at) == (was.generation, was.updated_at)
        assert (row.sealed != was.sealed) is (row.workspace_id == "wks_1")
        assert row.workspace_id != "wks_1" or row.data_key_id == new
    assert await hub.reads(place("wks_1", 0))
    assert await hub.replace(place("wks_1", 0), 2) == 3
    assert await hub.reads(place("wks_1", 0))


async def test_the_fingerprints_and_the_hubs_own_secret_survive(hub, database, clock, tmp_path):
    secret = Secret("canary")
    before = await hub.vault.fingerprint("wks_1", "stripe", secret), await hub.vault.system_key("x")
    done = await hub.resealing.reseal(OPERATOR, None)
    assert (done.new_keys, done.moved) == (4, 11)
    restarted = await started(database, clock, tmp_path / "key")
    assert (
        await restarted.vault.fingerprint("wks_1", "stripe", secret),
        await restarted.vault.system_key("x"),
    ) == before


async def test_every_step_is_told_and_no_secret_is(hub):
    await hub.resealing.reseal(OPERATOR, "wks_1")
    assert await hub.told() == [("data_key.replaced", "wks_1", "OK"), ("data_key.resealed", "wks_1", "OK")]
    entries = (await hub.log.entries(OPERATOR)).items
    assert entries[0].detail == {"values": 3}
    assert "canary" not in repr(entries)


async def test_a_workspace_without_values_is_refused(hub):
    with pytest.raises(KeyRefusedError, match="'wks_none' has no data key"):
        await hub.resealing.reseal(OPERATOR, "wks_none")
    assert await hub.told() == []


async def test_a_refresh_in_between_wins(hub, monkeypatch):
    """The value is replaced after it was read for sealing anew and before it is saved."""
    ref, true_swap = place("wks_1", 0), resealing.swap_seals
    raced = []

    async def refreshed_first(seals):
        if not raced:
            raced.append(1)
            await hub.put(Transaction(hub.database.clock.now(), hub.database.rows), ref, 1)
        return await true_swap(seals)

    monkeypatch.setattr(resealing, "swap_seals", refreshed_first)
    done = await hub.resealing.reseal(OPERATOR, "wks_1")
    assert (done.moved, done.busy, done.unreadable) == (2, 0, 0)
    assert (await SealedRecord.get(owner_row=ref.row_id)).generation == 2
    assert await hub.reads(ref)
    assert len(set((await sealed_under()).values())) == 4


async def test_refreshes_and_reads_all_the_while_are_never_lost(hub):
    refs = [place(workspace, number) for workspace in WORKSPACES for number in range(3)]

    async def refresh(ref):
        for generation in range(1, 15):
            await hub.replace(ref, generation)
            assert await hub.reads(ref)

    async def reseal():
        for _ in range(5):
            await hub.resealing.reseal(OPERATOR, None)

    await asyncio.gather(reseal(), *(refresh(ref) for ref in refs))
    generations = await SealedRecord.filter(owner_table="credential").values_list("generation", flat=True)
    assert list(generations) == [15] * 9
    assert all([await hub.reads(ref) for ref in refs])
    assert not await left_behind()


async def left_behind():
    old = await DataKeyRecord.filter(state="DECRYPT_ONLY").values_list("id", flat=True)
    return await SealedRecord.filter(data_key_id__in=old).count()


async def test_a_value_that_does_not_open_stays_and_its_key_with_it(hub, clock):
    bad = await SealedRecord.get(owner_row=place("wks_1", 0).row_id)
    await SealedRecord.filter(id=bad.id).update(sealed="pb1.dk_x.AAAA")
    done = await hub.resealing.reseal(OPERATOR, "wks_1")
    assert (done.moved, done.unreadable, done.busy) == (2, 1, 0)
    assert await hub.reads(place("wks_1", 1))
    clock.advance(86_400 * 365)
    assert await hub.resealing.tend(timedelta(days=30)) == (0, 0)
    assert (await keys_of("wks_1"))[0][1] == "DECRYPT_ONLY"


async def test_a_value_that_was_moved_to_another_workspace_is_not_sealed_there(hub):
    """C1: sealing anew must not make a stolen value fit its new place."""
    stolen = await SealedRecord.get(owner_row=place("wks_1", 0).row_id)
    await SealedRecord.filter(id=stolen.id).update(workspace_id="wks_2")
    thief = await SealedRecord.get(owner_row=place("wks_2", 0).row_id)
    taken = await SealedRecord.get(owner_row=place("wks_2", 1).row_id)
    await SealedRecord.filter(id=thief.id).update(sealed=taken.sealed)
    done = await hub.resealing.reseal(OPERATOR, None)
    assert done.unreadable == 2
    for number in (0, 1):
        if number == 0:
            with pytest.raises(CredentialUnreadableError):
                await hub.reads(place("wks_2", number))
        else:
            assert await hub.reads(place("wks_2", number))


async def test_what_a_killed_command_left_is_finished_in_the_background(hub, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(resealing, "swap_seals", killed)
        with pytest.raises(KeyboardInterrupt):
            await hub.resealing.reseal(OPERATOR, "wks_1")
    assert await left_behind() == 3
    assert all([await hub.reads(place("wks_1", number)) for number in range(3)])
    assert await hub.resealing.tend(timedelta(days=30)) == (3, 0)
    assert await left_behind() == 0
    assert await hub.resealing.tend(timedelta(days=30)) == (0, 0)


async def test_with_the_same_instant_a_killed_command_goes_on_where_it_was(hub, clock, monkeypatch):
    clock.advance(1)
    instant = clock.now()
    clock.advance(1)
    monkeypatch.setattr(resealing, "_NEW_KEYS_AT_ONCE", 1)
    made = []
    true = hub.resealing._keys.replace_active

    async def dies_at_the_third(*arguments):
        made.append(1)
        if len(made) == 3:
            raise KeyboardInterrupt
        return await true(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(hub.resealing._keys, "replace_active", dies_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            await hub.resealing.reseal(OPERATOR, None, made_before=instant)
    done = await hub.resealing.reseal(OPERATOR, None, made_before=instant)
    assert (done.new_keys, done.moved) == (2, 10)
    assert await DataKeyRecord.filter(state="DECRYPT_ONLY").count() == 4
    assert (await hub.resealing.reseal(OPERATOR, None, made_before=instant)).new_keys == 0


async def test_an_old_key_is_destroyed_after_its_time_and_not_before(hub, clock):
    clock.advance(60)
    await hub.resealing.reseal(OPERATOR, "wks_1")
    clock.advance(86_400 * 30 - 1)
    assert await hub.resealing.tend(timedelta(days=30)) == (0, 0)
    clock.advance(3_600)
    assert await hub.resealing.tend(timedelta(days=30)) == (0, 1)
    old = await DataKeyRecord.get(workspace_id="wks_1", state="DESTROYED")
    assert (old.wrapped, old.active_slot, old.destroyed_at) == (None, None, clock.now())
    assert (await hub.told())[-1] == ("data_key.destroyed", "wks_1", "OK")
    assert await hub.reads(place("wks_1", 0))


async def test_what_must_go_is_looked_for_once_an_hour(hub, clock):
    await hub.resealing.reseal(OPERATOR, "wks_1")
    assert await hub.resealing.tend(timedelta(0)) == (0, 1)
    await hub.resealing.reseal(OPERATOR, "wks_1")
    assert await hub.resealing.tend(timedelta(0)) == (0, 0)
    clock.advance(3_600)
    assert await hub.resealing.tend(timedelta(0)) == (0, 1)


@pytest.mark.scaled
async def test_a_row_that_another_transaction_holds_is_left_and_not_waited_for(postgres_url, clock, tmp_path):
    from app.foundation.database import Database

    database = Database(postgres_url, clock)
    await database.open()
    try:
        hub = await started(database, clock, tmp_path / "key")
        await hub.fill(WORKSPACES, 3)
        ref, held, let_go = place("wks_1", 0), asyncio.Event(), asyncio.Event()

        async def holds():
            async with database.transaction() as tx:
                await hub.put(tx, ref, 1)
                held.set()
                await let_go.wait()

        holder = asyncio.create_task(holds())
        await held.wait()
        done = await hub.resealing.reseal(OPERATOR, "wks_1")
        assert (done.moved, done.busy) == (2, 1)
        let_go.set()
        await holder
        assert await hub.reads(ref)
        assert await hub.resealing.tend(timedelta(days=30)) == (1, 0)
        assert await hub.reads(ref)
    finally:
        await database.close()
