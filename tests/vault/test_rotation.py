from __future__ import annotations

import asyncio
import base64
import os
import re
import stat
from dataclasses import replace

import pytest

from app.foundation.errors import PermissionDeniedError
from app.foundation.secret import Secret
from app.vault.envelope import WrapContext
from app.vault.errors import KeyFileError, KeyRefusedError, KeyUnavailableError
from app.vault.key_file import env_ring
from app.vault.key_uses import KeyStatus
from app.vault.keys import KeyRing, LocalKeyProvider
from app.vault.models import DataKeyRecord, KeyCheckRecord, SealedRecord
from app.vault.rotation import KeyHome
from app.vault.watched_ring import WatchedKeyRing
from tests.vault.rotating import OPERATOR, place, started

WORKSPACES = ["wks_0", "wks_1", "wks_2"]
SYSTEM_AND = 1 + len(WORKSPACES)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "config" / "key"


@pytest.fixture
async def hub(database, clock, path):
    hub = await started(database, clock, path)
    await hub.fill(WORKSPACES, 3)
    return hub


@pytest.fixture
def ids(hub):
    """Return the ids of the keys in the file, in its order."""
    return lambda: [key.key_id for key in WatchedKeyRing(hub.path, hub.database.clock).keys]


async def all_open(hub):
    return all([await hub.reads(place(workspace, number)) for workspace in WORKSPACES for number in range(3)])


async def keks():
    return set(await DataKeyRecord.exclude(state="DESTROYED").values_list("kek_id", flat=True))


# -- the whole way


@pytest.mark.threat("C5")
async def test_a_key_is_rotated_while_another_hub_serves(hub, database, clock, path, ids):
    other = await started(database, clock, path)
    [old] = ids()
    new = (await hub.rotation.add(OPERATOR)).key_id
    assert ids() == [old, new]
    assert (await hub.rotation.promote(OPERATOR, new)) == (new, True)
    assert ids() == [new, old]
    clock.advance(1)
    await other.fill(["wks_9"], 1)  # the other hub wraps under the new key without a restart
    assert (await DataKeyRecord.get(workspace_id="wks_9")).kek_id == new
    done = await hub.rotation.rewrap(OPERATOR)
    assert (done.key_id, done.moved, done.stuck) == (new, SYSTEM_AND, ())
    assert await keks() == {new}
    assert all(report.is_ok for report in await hub.rotation.verify(OPERATOR))
    assert (await hub.rotation.retire(OPERATOR, old)) == (old, True)
    assert ids() == [new]
    views = (hub, other, await started(database, clock, path))
    for held in ([new, old], [new]):  # it is let go a second after it is missed
        clock.advance(1)
        assert [key.key_id for key in other.ring.keys] == held
    for view in views:
        assert await all_open(view)
        assert view.ring.active.key_id == new
    assert await other.vault.system_key("x") == await hub.vault.system_key("x")


async def test_every_step_is_told_in_the_systems_chain_and_no_key_is(hub, ids):
    [old] = ids()
    new = (await hub.rotation.add(OPERATOR, "spring")).key_id
    await hub.rotation.promote(OPERATOR, new)
    await hub.rotation.rewrap(OPERATOR)
    await hub.rotation.verify(OPERATOR)
    await hub.rotation.retire(OPERATOR, old)
    assert await hub.told() == [
        ("key.added", new, "OK"),
        ("key.promoted", new, "OK"),
        ("key.rewrapped", new, "OK"),
        ("key.verified", new, "OK"),
        ("key.verified", old, "OK"),
        ("key.retired", old, "OK"),
    ]
    assert [(report.is_ok, report.good) for report in await hub.log.verify("system")] == [(True, 6)]
    page = await hub.log.entries(OPERATOR)
    kept = hub.path.read_text()
    for secret in re.findall(r"[A-Za-z0-9+/]{43}=", kept):
        assert secret not in repr(page)
    assert [entry.detail["dataKeys"] for entry in page.items if entry.action == "key.rewrapped"] == [
        SYSTEM_AND
    ]


async def test_each_step_done_again_changes_nothing_and_tells_nothing(hub, ids, contents):
    [old] = ids()
    new = (await hub.rotation.add(OPERATOR)).key_id
    await hub.rotation.promote(OPERATOR, new)
    await hub.rotation.rewrap(OPERATOR)
    await hub.rotation.retire(OPERATOR, old)
    before, told, file = await contents(), await hub.told(), hub.path.stat()
    assert await hub.rotation.promote(OPERATOR, new) == (new, False)
    assert (await hub.rotation.rewrap(OPERATOR)).moved == 0
    hub.ring.refresh()
    hub.database.clock.advance(2)
    assert await hub.rotation.retire(OPERATOR, old) == (old, True)
    assert (await contents(), await hub.told(), hub.path.stat()) == (before, told, file)


async def test_the_verbs_are_the_operators_alone(hub, actor):
    member = replace(actor, workspace_id="wks_0")
    for verb in (
        lambda: hub.rotation.list(member),
        lambda: hub.rotation.add(member),
        lambda: hub.rotation.promote(member, "local"),
        lambda: hub.rotation.rewrap(member),
        lambda: hub.rotation.verify(member),
        lambda: hub.rotation.retire(member, "local"),
        lambda: hub.resealing.reseal(member, "wks_0"),
    ):
        with pytest.raises(PermissionDeniedError):
            await verb()
    assert await hub.told() == []


# -- list


async def test_the_list_shows_what_hangs_on_each_key(hub, ids):
    [old] = ids()
    new = (await hub.rotation.add(OPERATOR)).key_id
    await hub.rotation.promote(OPERATOR, new)
    await hub.fill(["wks_9"], 2)
    found = [
        (use.key_id, use.status, use.data_keys, use.sealed_values)
        for use in await hub.rotation.list(OPERATOR)
    ]
    assert found == [
        (new, KeyStatus.ACTIVE, 1, 2),
        (old, KeyStatus.DECRYPT_ONLY, SYSTEM_AND, 10),  # nine credentials and the hub's own secret
    ]


async def test_a_key_that_is_needed_and_not_held_is_listed_as_missing(hub, new_key):
    await DataKeyRecord.filter(workspace_id="wks_0").update(kek_id="gone:00000000")
    uses = {use.key_id: use for use in await hub.rotation.list(OPERATOR)}
    assert (uses["gone:00000000"].status, uses["gone:00000000"].data_keys) == (KeyStatus.MISSING, 1)
    reports = {report.key_id: report for report in await hub.rotation.verify(OPERATOR)}
    assert not reports["gone:00000000"].is_ok
    assert (reports["gone:00000000"].is_held, reports["gone:00000000"].opened) == (False, 0)


# -- add


async def test_added_keys_are_private_in_the_same_file_and_do_not_wrap(hub, ids):
    hub.path.chmod(0o400)
    [old] = ids()
    await hub.rotation.add(OPERATOR, "winter")
    second = await hub.rotation.add(OPERATOR)
    assert second.addition is None
    assert [key.label for key in hub.ring.keys] == ["local", "winter", "local-2"]
    assert hub.ring.active.key_id == old
    assert stat.S_IMODE(hub.path.stat().st_mode) == 0o400
    assert await KeyCheckRecord.all().count() == 3


@pytest.mark.parametrize(("label", "said"), [("local", "stands there already"), ("Not One", "A label is")])
async def test_a_label_that_is_taken_or_none_is_refused_and_nothing_is_told(hub, label, said, ids):
    with pytest.raises(KeyRefusedError, match=said):
        await hub.rotation.add(OPERATOR, label)
    assert len(ids()) == 1
    assert await hub.told() == []


async def test_a_file_that_cannot_be_rewritten_is_told_as_failed(hub, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    before = hub.path.read_text()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KeyFileError, match="No space left"):
        await hub.rotation.add(OPERATOR, "spring")
    assert [(action, outcome) for action, _, outcome in await hub.told()] == [
        ("key.added", "OK"),
        ("key.added", "FAILED"),
    ]
    assert hub.path.read_text() == before


async def test_a_key_for_the_variable_is_given_once_and_kept_nowhere(
    database, clock, tmp_path, contents, chance
):
    value = base64.b64encode(chance.randbytes(32)).decode()
    home = KeyHome(kept_in="PATCHBAY_KEY")
    hub = await started(database, clock, tmp_path / "none", ring=env_ring(Secret(value)), home=home)
    added = await hub.rotation.add(OPERATOR)
    label, material = added.addition.reveal().split()
    assert label == "env-2"
    assert material not in repr(await contents()) + repr(await hub.told()) + repr(added)
    both = env_ring(Secret(f"env {value} active; {added.addition.reveal()}"))
    assert [key.key_id for key in both.others] == [added.key_id]


async def test_the_variable_is_turned_by_the_operator_and_the_rest_goes_as_ever(
    database, clock, tmp_path, chance
):
    one, two = (base64.b64encode(chance.randbytes(32)).decode() for _ in range(2))
    home, none = KeyHome(kept_in="PATCHBAY_KEY"), tmp_path / "none"
    first = await started(
        database, clock, none, ring=env_ring(Secret(f"one {one} active; two {two}")), home=home
    )
    await first.fill(WORKSPACES, 3)
    with pytest.raises(KeyRefusedError, match="put the word 'active' behind two there"):
        await first.rotation.promote(OPERATOR, "two")
    ring = env_ring(Secret(f"one {one}; two {two} active"))
    turned = await started(database, clock, none, ring=ring, home=home)
    assert (await turned.rotation.promote(OPERATOR, "two"))[1]
    assert (await turned.rotation.rewrap(OPERATOR)).moved == SYSTEM_AND
    old = ring.others[0].key_id
    assert await turned.rotation.retire(OPERATOR, "one") == (old, False)
    assert await all_open(
        await started(database, clock, none, ring=env_ring(Secret(f"two {two}")), home=home)
    )


async def test_keys_of_a_service_alone_are_not_made_here(database, clock, tmp_path, new_key):
    hub = await started(
        database, clock, tmp_path / "none", ring=KeyRing(new_key()), home=KeyHome(has_service=True)
    )
    with pytest.raises(KeyRefusedError, match="makes its keys itself"):
        await hub.rotation.add(OPERATOR)


# -- promote


async def test_a_key_is_promoted_by_its_label_too(hub, ids):
    new = (await hub.rotation.add(OPERATOR, "spring")).key_id
    assert await hub.rotation.promote(OPERATOR, "spring") == (new, True)
    assert ids()[0] == new
    states = dict(await KeyCheckRecord.all().values_list("kek_id", "state"))
    assert sorted(states.values()) == ["ACTIVE", "DECRYPT_ONLY"]
    assert states[new] == "ACTIVE"


@pytest.mark.parametrize("name", ["nix", "local:00000000", ""])
async def test_an_unknown_key_is_refused_by_name(hub, name):
    for verb in (hub.rotation.promote, hub.rotation.retire):
        with pytest.raises(KeyRefusedError, match="There is no key"):
            await verb(OPERATOR, name)
    assert await hub.told() == []


async def test_a_key_that_is_not_the_one_of_its_id_is_not_promoted(hub, ids, contents):
    new = (await hub.rotation.add(OPERATOR)).key_id
    forged = await LocalKeyProvider("forged", os.urandom(32)).wrap(
        bytes(32), WrapContext("system", "probe", "probe")
    )
    await KeyCheckRecord.filter(kek_id=new).update(probe=forged)
    before, file = await contents(), ids()
    with pytest.raises(KeyRefusedError, match="does not open its probe"):
        await hub.rotation.promote(OPERATOR, new)
    assert (await contents(), ids()) == (before, file)


@pytest.mark.threat("C6")
async def test_a_killed_promotion_is_told_once_more_and_done(hub, ids, monkeypatch):
    new = (await hub.rotation.add(OPERATOR)).key_id
    with monkeypatch.context() as patch:
        patch.setattr(
            "app.vault.rotation.edit_key_file", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt)
        )
        with pytest.raises(KeyboardInterrupt):
            await hub.rotation.promote(OPERATOR, new)
    assert ids()[1] == new
    assert await hub.rotation.promote(OPERATOR, new) == (new, True)
    assert ids()[0] == new


# -- rewrap


async def test_two_rewraps_at_once_and_new_workspaces_leave_nothing_behind(hub, database, clock, path):
    await hub.fill([f"wks_{number}" for number in range(10, 40)], 1)
    new = (await hub.rotation.add(OPERATOR)).key_id
    await hub.rotation.promote(OPERATOR, new)
    other = await started(database, clock, path)
    results = await asyncio.gather(
        hub.rotation.rewrap(OPERATOR),
        other.rotation.rewrap(OPERATOR),
        other.fill([f"wks_{n}" for n in range(50, 60)], 1),
    )
    assert results[0].moved + results[1].moved == SYSTEM_AND + 30
    assert await keks() == {new}
    assert await all_open(other)


async def test_a_data_key_that_does_not_open_is_named_and_the_others_move(hub, ids):
    bad = await DataKeyRecord.get(workspace_id="wks_1")
    await DataKeyRecord.filter(id=bad.id).update(wrapped="pbw1.AAAA")
    new = (await hub.rotation.add(OPERATOR)).key_id
    await hub.rotation.promote(OPERATOR, new)
    done = await hub.rotation.rewrap(OPERATOR)
    assert (done.moved, done.stuck) == (SYSTEM_AND - 1, (bad.id,))
    old = ids()[1]
    with pytest.raises(KeyRefusedError, match=r"still wraps 1 data key\. Nothing was changed"):
        await hub.rotation.retire(OPERATOR, old)
    assert ids() == [new, old]
    assert [report.is_ok for report in await hub.rotation.verify(OPERATOR)] == [True, False]
    assert ("key.verified", old, "FAILED") in await hub.told()


async def test_a_wrap_that_does_not_open_never_replaces_one_that_does(hub, monkeypatch, contents):
    new = (await hub.rotation.add(OPERATOR)).key_id
    await hub.rotation.promote(OPERATOR, new)
    before = await contents()

    async def wrong(text, context):
        return bytes(32)

    monkeypatch.setattr(hub.ring.active, "unwrap", wrong)
    with pytest.raises(KeyUnavailableError):
        await hub.rotation.rewrap(OPERATOR)
    assert await contents() == before


async def test_destroyed_data_keys_are_left_alone(hub):
    await DataKeyRecord.filter(workspace_id="wks_0").update(state="DESTROYED", wrapped=None, active_slot=None)
    new = (await hub.rotation.add(OPERATOR)).key_id
    await hub.rotation.promote(OPERATOR, new)
    assert (await hub.rotation.rewrap(OPERATOR)).moved == SYSTEM_AND - 1


async def test_values_are_not_touched(hub):
    before = sorted(await SealedRecord.all().values_list())
    new = (await hub.rotation.add(OPERATOR)).key_id
    await hub.rotation.promote(OPERATOR, new)
    await hub.rotation.rewrap(OPERATOR)
    assert sorted(await SealedRecord.all().values_list()) == before


# -- retire


async def test_the_active_key_is_not_retired(hub, ids):
    [old] = ids()
    with pytest.raises(KeyRefusedError, match="is the active one"):
        await hub.rotation.retire(OPERATOR, old)


async def test_a_key_in_use_is_not_retired_and_nothing_changes(hub, ids, contents):
    [old] = ids()
    await hub.rotation.promote(OPERATOR, (await hub.rotation.add(OPERATOR)).key_id)
    before, file = await contents(), hub.path.read_text()
    with pytest.raises(
        KeyRefusedError,
        match=f"still wraps {SYSTEM_AND} data keys. Nothing was changed. Run: patchbay keys rewrap",
    ):
        await hub.rotation.retire(OPERATOR, old)
    assert (await contents(), hub.path.read_text()) == (before, file)


async def test_a_retired_key_does_not_come_back(hub, ids):
    [old] = ids()
    text = hub.path.read_text()
    line = next(row for row in text.splitlines() if row.startswith("local "))
    new = (await hub.rotation.add(OPERATOR)).key_id
    await hub.rotation.promote(OPERATOR, new)
    await hub.rotation.rewrap(OPERATOR)
    await hub.rotation.retire(OPERATOR, old)
    hub.path.chmod(0o600)
    hub.path.write_text(hub.path.read_text() + line.removesuffix(" active") + "\n")  # from an old copy
    hub.ring.refresh()
    with pytest.raises(KeyRefusedError, match="was retired and does not come back"):
        await hub.rotation.promote(OPERATOR, old)
    assert {use.key_id: use.status for use in await hub.rotation.list(OPERATOR)}[old] is KeyStatus.RETIRED


async def test_a_hub_with_an_old_file_makes_no_key_that_others_cannot_open(
    hub, database, clock, tmp_path, path
):
    stale_path = tmp_path / "stale"
    stale_path.write_bytes(path.read_bytes())
    stale_path.chmod(0o400)
    stale = await started(database, clock, stale_path)
    old = stale.ring.active.key_id
    await hub.rotation.promote(OPERATOR, (await hub.rotation.add(OPERATOR)).key_id)
    await hub.rotation.rewrap(OPERATOR)
    await hub.rotation.retire(OPERATOR, old)
    with pytest.raises(KeyUnavailableError):
        await stale.fill(["wks_new"], 1)
    assert not await DataKeyRecord.exists(workspace_id="wks_new")
    stale_path.unlink()
    stale_path.write_bytes(path.read_bytes())  # the second phase: the file is copied
    stale_path.chmod(0o400)
    await stale.fill(["wks_new"], 1)
    assert await all_open(stale)


async def test_of_a_service_and_a_file_the_last_key_is_left_to_be_deleted_with_its_file(
    hub, database, clock, path, new_key, ids
):
    [old] = ids()
    second = (await hub.rotation.add(OPERATOR)).key_id
    service = new_key("service")
    ring = WatchedKeyRing(path, clock, services=[service], service_wraps=True)
    turned = await started(database, clock, path, ring=ring, home=KeyHome(path, has_service=True))
    with pytest.raises(KeyRefusedError, match="A key service wraps here"):
        await turned.rotation.promote(OPERATOR, second)
    assert await turned.rotation.promote(OPERATOR, service.key_id) == (service.key_id, True)
    assert (await turned.rotation.rewrap(OPERATOR)).moved == SYSTEM_AND
    assert await turned.rotation.retire(OPERATOR, old) == (old, True)
    assert ids() == [second]
    clock.advance(1)
    ring.refresh()
    clock.advance(1)
    assert await turned.rotation.retire(OPERATOR, second) == (second, False)
    assert ids() == [second]
    alone = await started(database, clock, path, ring=KeyRing(service), home=KeyHome(has_service=True))
    assert await all_open(alone)
