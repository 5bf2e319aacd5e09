from __future__ import annotations

import asyncio
import hashlib
import re
from pathlib import Path

import pytest

from app.foundation.database import Database
from app.foundation.secret import Secret
from app.vault.envelope import WrapContext
from app.vault.errors import (
    IntegrityCode,
    IntegrityError,
    KeyCheckError,
    KeyFileError,
    KeyUnavailableError,
    VaultStartError,
)
from app.vault.key_file import create_key_file
from app.vault.keys import KeyRing, LocalKeyProvider
from app.vault.models import DataKeyRecord, KeyCheckRecord, SealedRecord
from app.vault.start_up import prepare_key_file
from app.vault.vault import SealedRef, Vault
from app.vault.watched_ring import WatchedKeyRing


@pytest.fixture
async def filled(database, vault):
    """Seal five credentials of two workspaces, and a fingerprint key that counts as nobody's credential."""
    async with database.transaction() as tx:
        for number in range(5):
            ref = SealedRef(f"wks_{number % 2}", "credential", f"conn_{number}", "grant")
            await vault.put(tx, ref, {"token": Secret(f"canary-{number}")}, expected_generation=None)
    await vault.fingerprint("wks_0", "stripe", Secret("canary"))
    return vault


def fingerprint_of_files(database):
    if database.dialect != "sqlite":
        return None
    file = database.url.removeprefix("sqlite://")
    return [hashlib.sha256(Path(file + end).read_bytes()).hexdigest() for end in ("", "-wal")]


@pytest.fixture
def refusal(database, audit, clock, contents):
    """Start on a ring, expect a refusal that changes nothing, and return what it says."""

    async def start(ring):
        before, files = await contents(), fingerprint_of_files(database)
        with pytest.raises(KeyCheckError) as caught:
            await Vault(database, ring, audit).start()
        assert isinstance(caught.value, VaultStartError)
        assert (await contents(), fingerprint_of_files(database)) == (before, files)
        assert audit.entries == []
        assert "canary" not in str(caught.value)
        return caught.value

    return start


def named_in(fault):
    """Return the keys that a refusal names as faulty."""
    return tuple(re.findall(r"^- (\S+) \(version ", str(fault), re.MULTILINE))


async def rewrap_all(old, new):
    """Move every data key to another key, as a rotation does."""
    for record in await DataKeyRecord.all():
        context = WrapContext(record.workspace_id, record.id)
        wrapped = await new.wrap(await old.unwrap(record.wrapped, context), context)
        await DataKeyRecord.filter(id=record.id).update(wrapped=wrapped, kek_id=new.key_id)


# -- the check


async def test_a_first_start_registers_the_key_and_makes_the_hubs_secret(vault, ring):
    [check] = await KeyCheckRecord.all()
    assert (check.kek_id, check.kek_version, check.state) == (ring.active.key_id, "1", "ACTIVE")
    [key] = await DataKeyRecord.all()
    assert (key.workspace_id, key.state) == ("system", "ACTIVE")
    [sealed] = await SealedRecord.all()
    assert (sealed.workspace_id, sealed.field) == ("system", "root")


async def test_a_second_start_changes_nothing(filled, open_vault, ring, contents):
    before = await contents()
    await open_vault(ring)
    assert await contents() == before


@pytest.mark.threat("C4")
async def test_a_wrong_key_is_refused_with_the_keys_the_counts_and_what_to_do(filled, refusal, ring, new_key):
    other = new_key("other")
    fault = await refusal(KeyRing(other))
    assert named_in(fault) == (ring.active.key_id,)
    assert str(fault) == (
        "The hub does not start: a key that stored credentials need is not usable. Nothing was changed.\n"
        f"- {ring.active.key_id} (version 1) is not in the key ring. "
        "Affected: 2 workspaces, 5 sealed credentials.\n"
        f"The key ring holds: {other.key_id}.\n"
        "Put the missing key back where it was, in the key file or the variable, with its old label, and "
        "start again. Without it nobody can open these credentials, the hub included: if it is lost, "
        "restore your copy."
    )


async def test_a_key_of_the_same_id_that_is_another_is_refused_by_its_probe(filled, refusal, ring, new_key):
    forged = new_key("forged")
    forged.key_id = ring.active.key_id
    fault = await refusal(KeyRing(forged))
    assert "does not open its probe: it is another key" in str(fault)
    assert "Affected: 2 workspaces, 5 sealed credentials." in str(fault)


async def test_a_changed_probe_is_refused(filled, refusal, ring):
    await KeyCheckRecord.all().update(probe="pbw1.AAAA")
    assert "or the probe was changed" in str(await refusal(ring))


async def test_without_a_probe_a_data_key_serves_as_one(filled, open_vault, refusal, ring, new_key):
    await KeyCheckRecord.all().delete()
    forged = new_key("forged")
    forged.key_id = ring.active.key_id
    assert "does not open its probe" in str(await refusal(KeyRing(forged)))
    await open_vault(ring)
    assert await KeyCheckRecord.all().count() == 1


@pytest.mark.threat("C4")
async def test_the_old_key_alone_is_refused_after_a_rotation(filled, open_vault, refusal, ring, new_key):
    new = new_key("new")
    await open_vault(KeyRing(new, ring.active))
    await rewrap_all(ring.active, new)
    fault = await refusal(ring)
    assert named_in(fault) == (new.key_id,)
    assert "2 workspaces, 5 sealed credentials" in str(fault)


@pytest.mark.threat("C4")
async def test_the_new_key_alone_is_refused_before_a_rotation_is_done(
    filled, open_vault, refusal, ring, new_key
):
    new = new_key("new")
    await open_vault(KeyRing(new, ring.active))
    fault = await refusal(KeyRing(new))
    assert named_in(fault) == (ring.active.key_id,)


async def test_the_new_key_alone_starts_once_everything_is_rewrapped(
    filled, open_vault, ring, new_key, actor
):
    new = new_key("new")
    both = await open_vault(KeyRing(new, ring.active))
    assert await both.system_key("x") == await filled.system_key("x")
    await rewrap_all(ring.active, new)
    alone = await open_vault(KeyRing(new))
    assert await alone.system_key("x") == await filled.system_key("x")
    states = await KeyCheckRecord.all().order_by("kek_id").values_list("kek_id", "state")
    assert sorted(states) == [(ring.active.key_id, "ACTIVE"), (new.key_id, "ACTIVE")]


@pytest.mark.threat("C4")
async def test_each_missing_key_is_named_with_its_own_counts(
    filled, database, open_vault, refusal, ring, new_key
):
    new = new_key("new")
    both = await open_vault(KeyRing(new, ring.active))
    async with database.transaction() as tx:
        ref = SealedRef("wks_9", "credential", "conn_9", "grant")
        await both.put(tx, ref, {"token": Secret("canary")}, expected_generation=None)
    fault = await refusal(KeyRing(new_key("third")))
    assert named_in(fault) == (ring.active.key_id, new.key_id)
    assert (
        f"- {new.key_id} (version 1) is not in the key ring. Affected: 1 workspace, 1 sealed credential."
        in str(fault)
    )
    assert "Affected: 2 workspaces, 5 sealed credentials." in str(fault)


async def test_a_renamed_key_is_recognised(filled, refusal, ring):
    renamed = LocalKeyProvider("renamed", ring.active._LocalKeyProvider__material)
    said = str(await refusal(KeyRing(renamed)))
    assert f"where the same key is called {renamed.key_id}: give it the label main again" in said


async def test_keys_of_destroyed_data_keys_are_not_needed(filled, open_vault, refusal, ring, new_key):
    await open_vault(KeyRing(new_key("new"), ring.active))
    await DataKeyRecord.filter(workspace_id="wks_0").update(state="DESTROYED", wrapped=None, active_slot=None)
    fault = await refusal(KeyRing(new_key("third")))
    assert "Affected: 1 workspace, 2 sealed credentials." in str(fault)


async def test_another_version_of_a_key_is_another_key(filled, refusal, ring):
    await DataKeyRecord.all().update(kek_version="2")
    assert f"{ring.active.key_id} (version 2) is not in the key ring" in str(await refusal(ring))


async def test_a_keeper_that_cannot_be_reached_is_said_to_be(filled, refusal, ring, monkeypatch):
    async def away(text, context):
        raise KeyUnavailableError

    monkeypatch.setattr(ring.active, "unwrap", away)
    assert "cannot be reached at its keeper" in str(await refusal(ring))


@pytest.mark.parametrize(("damage", "said"), [("deleted", "is missing"), ("changed", "does not open")])
async def test_a_lost_root_secret_is_never_made_anew(vault, refusal, ring, damage, said):
    if damage == "deleted":
        await SealedRecord.all().delete()
    else:
        await SealedRecord.all().update(sealed="pb1.dk_x.AAAA")
    assert f"its own root secret {said}" in str(await refusal(ring))


async def test_two_first_starts_at_once_share_one_secret(database, audit, clock, ring):
    vaults = [Vault(database, ring, audit) for _ in range(6)]
    await asyncio.gather(*(vault.start() for vault in vaults))
    assert len({await vault.system_key("x") for vault in vaults}) == 1
    assert await DataKeyRecord.all().count() == await SealedRecord.all().count() == 1


async def test_two_first_starts_at_once_with_two_keys_leave_one_that_runs(database, audit, clock, new_key):
    vaults = [Vault(database, KeyRing(new_key(label)), audit) for label in ("one", "two")]
    results = await asyncio.gather(*(vault.start() for vault in vaults), return_exceptions=True)
    assert sorted(type(result) for result in results if result) == [KeyCheckError]
    assert await DataKeyRecord.all().count() == 1


# -- the key file at start


async def open_key_file(database, path, **options):
    await prepare_key_file(database, path, **options)
    return WatchedKeyRing(path, database.clock)


async def test_a_first_start_makes_the_key_file_and_a_second_reads_it(database, tmp_path):
    path = tmp_path / "config" / "key"
    first = await open_key_file(database, path)
    second = await open_key_file(database, path)
    assert first.active.key_id == second.active.key_id


@pytest.mark.threat("C4", "C13")
async def test_no_key_file_is_made_beside_data_of_another_key(filled, database, tmp_path, ring, contents):
    before = await contents()
    path = tmp_path / "config" / "key"
    with pytest.raises(KeyCheckError) as caught:
        await open_key_file(database, path)
    said = str(caught.value)
    assert (
        f"- {ring.active.key_id} (version 1) was in {path}, which does not exist. Affected: 2 workspaces"
        in said
    )
    assert "The key ring holds: no key." in said
    assert isinstance(caught.value, VaultStartError)
    assert not path.parent.exists()
    assert await contents() == before


async def test_where_the_operator_puts_the_key_none_is_made(database, tmp_path):
    with pytest.raises(KeyFileError, match=r"There is no key file .*/key .* patchbay keys init"):
        await open_key_file(database, tmp_path / "key", create=False)
    assert not (tmp_path / "key").exists()


async def test_a_damaged_key_file_is_refused_and_left_alone(database, tmp_path):
    path = tmp_path / "key"
    path.write_text("canary")
    path.chmod(0o600)
    with pytest.raises(KeyFileError) as caught:
        await open_key_file(database, path)
    assert "canary" not in str(caught.value)
    assert path.read_text() == "canary"


async def test_a_vault_opens_after_a_restart_with_the_file_alone(database, audit, clock, tmp_path, actor):
    create_key_file(tmp_path / "key")
    vault = Vault(database, await open_key_file(database, tmp_path / "key"), audit)
    await vault.start()
    again = Database(database.url, clock)
    await again.open()
    try:
        restarted = Vault(again, await open_key_file(again, tmp_path / "key"), audit)
        await restarted.start()
        assert await restarted.system_key("x") == await vault.system_key("x")
    finally:
        await again.close()
        database._activate()


def test_an_integrity_error_says_its_code_and_nothing_else():
    assert str(IntegrityError(IntegrityCode.MALFORMED)) == "a sealed value does not open (MALFORMED)"
