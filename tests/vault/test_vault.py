from __future__ import annotations

import asyncio
import itertools
import json
from contextlib import suppress
from dataclasses import replace

import pytest

from app.access.actor import Actor, ActorKind
from app.foundation.errors import ConflictError, NotFoundError
from app.foundation.problems import ProblemCode
from app.foundation.secret import Secret
from app.vault.errors import CredentialUnreadableError, KeyUnavailableError
from app.vault.keys import KeyRing
from app.vault.models import DataKeyRecord, SealedRecord
from app.vault.reveals import is_counted
from app.vault.vault import RevealPurpose, SealedRef, Vault

CANARY = "canary-f7a1-secret"
VALUE = {"token": Secret(CANARY), "type": "bearer", "account": {"id": 7, "keys": [Secret("k"), None]}}
REF = SealedRef("wks_test", "credential", "conn_1", "grant")
TEST, WRITE = RevealPurpose.TEST, RevealPurpose.CALL_WRITE


@pytest.fixture
def put(database, vault):
    async def seal(ref=REF, value=VALUE, *, expected=None, by=vault):
        async with database.transaction() as tx:
            return await by.put(tx, ref, value, expected_generation=expected)

    return seal


def machine(actor):
    return Actor.system(actor.workspace_id, "renewal", "req_test")


# -- putting


async def test_what_is_put_is_revealed_with_secrets_where_secrets_were(vault, put, actor):
    assert await put() == 1
    revealed = await vault.reveal(actor, REF, purpose=TEST)
    assert revealed.generation == 1
    assert revealed.value == VALUE
    assert CANARY not in repr(revealed)


async def test_what_is_revealed_at_the_same_time_is_each_its_own(vault, put, actor):
    theirs = replace(actor, workspace_id="wks_other")
    refs = [
        replace(REF, workspace_id=workspace, row_id=f"{workspace}_{row}", field=field)
        for workspace in ("wks_test", "wks_other")
        for row in (1, 2)
        for field in ("grant", "config")
    ]
    *sealed, _ = refs  # the last place is empty
    for ref in sealed:
        await put(ref, {"place": repr(ref)})

    async def reveal(ref):
        by = theirs if ref.workspace_id == "wks_other" else actor
        return (await vault.reveal(by, ref, purpose=TEST)).value

    *found, missing = await asyncio.gather(*map(reveal, refs), return_exceptions=True)
    assert found == [{"place": repr(ref)} for ref in sealed]
    assert isinstance(missing, NotFoundError)
    refused = await asyncio.gather(
        vault.reveal(actor, sealed[-1], purpose=TEST), reveal(sealed[0]), return_exceptions=True
    )
    assert isinstance(refused[0], NotFoundError)
    assert refused[1] == {"place": repr(sealed[0])}


async def test_the_database_holds_nothing_in_the_clear(put, contents):
    await put()
    stored = repr(await contents())
    assert CANARY not in stored
    assert "bearer" not in stored
    assert "pb1.dk_" in stored


async def test_a_value_is_replaced_by_its_generation(vault, put, actor):
    await put()
    assert await put(value={"token": Secret("second")}, expected=1) == 2
    assert await put(value={"token": Secret("third")}, expected=2) == 3
    revealed = await vault.reveal(actor, REF, purpose=TEST)
    assert (revealed.generation, revealed.value) == (3, {"token": Secret("third")})
    assert await SealedRecord.filter(owner_row="conn_1").count() == 1


@pytest.mark.parametrize(("existing", "expected"), [(0, 1), (1, None), (1, 2), (2, 1), (2, None)])
async def test_another_generation_than_expected_is_a_conflict_that_changes_nothing(
    put, contents, existing, expected
):
    for number in range(existing):
        await put(expected=number or None)
    before = await contents()
    with pytest.raises(ConflictError) as caught:
        await put(expected=expected)
    assert caught.value.problem.code is ProblemCode.CONFLICT
    assert [before[0], before[2]] == [(await contents())[0], (await contents())[2]]


async def test_a_lost_insert_leaves_the_transaction_usable(database, vault, put):
    await put()
    other = replace(REF, row_id="conn_2")
    async with database.transaction() as tx:
        with pytest.raises(ConflictError):
            await vault.put(tx, REF, VALUE, expected_generation=None)
        assert await vault.put(tx, other, VALUE, expected_generation=None) == 1
    assert await SealedRecord.all().count() == 2 + 1  # and the hub's own


async def test_of_many_replacements_at_once_one_wins(vault, put, actor):
    await put()

    async def replace_with(number):
        try:
            await put(value={"token": Secret(f"by {number}")}, expected=1)
        except ConflictError:
            return None
        return number

    winners = [n for n in await asyncio.gather(*(replace_with(n) for n in range(10))) if n is not None]
    assert len(winners) == 1
    revealed = await vault.reveal(actor, REF, purpose=TEST)
    assert (revealed.generation, revealed.value["token"].reveal()) == (2, f"by {winners[0]}")


async def test_a_value_that_is_not_json_is_refused_before_anything_is_written(put, contents):
    before = await contents()
    with pytest.raises(TypeError) as caught:
        await put(value={"token": CANARY.encode()})
    assert CANARY not in str(caught.value)
    assert await contents() == before


async def test_a_rolled_back_put_leaves_nothing_and_the_next_one_works(database, vault, put, actor):
    with suppress(ZeroDivisionError):
        async with database.transaction() as tx:
            await vault.put(tx, REF, VALUE, expected_generation=None)
            await vault.put(tx, replace(REF, field="other"), VALUE, expected_generation=None)
            raise ZeroDivisionError
    assert await DataKeyRecord.filter(workspace_id="wks_test").count() == 0
    await put()
    sealed = await SealedRecord.get(owner_row="conn_1")
    assert await DataKeyRecord.exists(id=sealed.data_key_id)
    assert (await vault.reveal(actor, REF, purpose=TEST)).value == VALUE


async def test_instants_are_those_of_the_transaction(put, clock):
    made = clock.now()
    await put()
    clock.advance(60)
    await put(expected=1)
    record = await SealedRecord.get(owner_row="conn_1")
    assert (record.created_at, record.updated_at) == (made, clock.now())


# -- revealing


async def test_an_empty_place_is_not_found(vault, put, actor, audit):
    await put()
    for other in (replace(REF, row_id="x"), replace(REF, field="x"), replace(REF, table="x")):
        with pytest.raises(NotFoundError):
            await vault.reveal(actor, other, purpose=TEST)
    assert audit.entries == []


async def test_another_workspace_is_not_found(vault, put, actor, audit):
    await put()
    stranger = replace(actor, workspace_id="wks_other")
    for ref in (REF, replace(REF, workspace_id="wks_other")):
        with pytest.raises(NotFoundError):
            await vault.reveal(stranger, ref, purpose=TEST)
    assert audit.entries == audit.counts == []


async def test_only_the_asked_for_generation_is_revealed(vault, put, actor, audit):
    await put()
    assert (await vault.reveal(actor, REF, purpose=TEST, generation=1)).generation == 1
    with pytest.raises(ConflictError):
        await vault.reveal(actor, REF, purpose=TEST, generation=2)
    assert len(audit.entries) == 1


async def test_a_persons_act_is_written_down_singly_with_its_purpose(vault, put, actor, audit):
    await put()
    await vault.reveal(actor, REF, purpose=WRITE)
    await vault.reveal(actor, REF, purpose=TEST)
    detail = {"purpose": "CALL_WRITE", "field": "grant", "generation": 1}
    assert audit.entries == [
        ("secret.revealed", "credential", "conn_1", "grant", "OK", detail),
        ("secret.revealed", "credential", "conn_1", "grant", "OK", detail | {"purpose": "TEST"}),
    ]
    assert audit.counts == []


async def test_the_machines_own_reads_are_counted(vault, put, actor, audit):
    await put()
    await vault.reveal(machine(actor), REF, purpose=RevealPurpose.RENEWAL)
    await vault.reveal(machine(actor), REF, purpose=TEST)
    await vault.reveal(actor, REF, purpose=RevealPurpose.CALL_READ, connection_id="conn_9")
    assert audit.counts == [("conn_1", "RENEWAL"), ("conn_1", "TEST"), ("conn_9", "CALL_READ")]
    assert audit.entries == []


def test_each_purpose_and_kind_of_actor_has_its_rule(actor):
    counted = {
        (kind.value, purpose.value)
        for kind, purpose in itertools.product(ActorKind, RevealPurpose)
        if is_counted(replace(actor, kind=kind), purpose)
    }
    assert counted == {
        *itertools.product(("MEMBER", "TOKEN", "SYSTEM"), ("CALL_READ",)),
        *itertools.product(("TOKEN", "SYSTEM"), ("RENEWAL", "TEST", "POLL")),
    }


@pytest.mark.parametrize("purpose", [WRITE, RevealPurpose.CALL_READ])
async def test_without_an_audit_nothing_is_revealed(vault, put, actor, audit, purpose):
    await put()
    audit.fault = OSError("the audit is down")
    with pytest.raises(OSError, match="the audit is down"):
        await vault.reveal(actor, REF, purpose=purpose)


async def test_nothing_is_revealed_inside_a_transaction(database, vault, put, actor, audit):
    await put()
    async with database.transaction():
        with pytest.raises(RuntimeError, match="never revealed inside a transaction"):
            await vault.reveal(actor, REF, purpose=WRITE)
    assert audit.entries == []


async def test_a_data_key_is_unwrapped_once_in_five_minutes(
    vault, open_vault, put, actor, ring, clock, monkeypatch
):
    await put()
    fresh = await open_vault(ring)
    unwrapped = []
    real = ring.active.unwrap

    async def count(text, context):
        unwrapped.append(context.data_key_id)
        return await real(text, context)

    monkeypatch.setattr(ring.active, "unwrap", count)
    for _ in range(3):
        await fresh.reveal(actor, REF, purpose=WRITE)
    assert len(unwrapped) == 1
    clock.advance(299)
    await fresh.reveal(actor, REF, purpose=WRITE)
    assert len(unwrapped) == 1
    clock.advance(1)
    await fresh.reveal(actor, REF, purpose=WRITE)
    assert len(unwrapped) == 2


# -- what does not open


async def corrupt(row_id, **changes):
    await SealedRecord.filter(owner_row=row_id).update(**changes)


async def refused(vault, actor, ref, audit):
    audit.entries.clear()
    with pytest.raises(CredentialUnreadableError) as caught:
        await vault.reveal(actor, ref, purpose=RevealPurpose.CALL_READ)
    assert caught.value.problem.code is ProblemCode.CREDENTIAL_UNREADABLE
    assert CANARY not in repr(caught.value.problem.to_json())
    [(action, table, row, field, outcome, detail)] = audit.entries
    assert (action, table, row, field) == ("secret.revealed", ref.table, ref.row_id, ref.field)
    assert outcome == "FAILED"
    assert detail["problem"] == "CREDENTIAL_UNREADABLE"
    assert audit.counts == []


@pytest.mark.threat("C7")
async def test_one_corrupt_row_hurts_no_other(vault, put, actor, audit, chance):
    rows = [f"conn_{number}" for number in range(20)]
    for row in rows:
        await put(replace(REF, row_id=row))
    record = await SealedRecord.get(owner_row="conn_7")
    at = chance.randrange(40, len(record.sealed))
    flipped = "A" if record.sealed[at] != "A" else "B"
    await corrupt("conn_7", sealed=record.sealed[:at] + flipped + record.sealed[at + 1 :])
    assert await SealedRecord.filter(owner_table="credential").count() == 20
    await refused(vault, actor, replace(REF, row_id="conn_7"), audit)
    for row in rows:
        if row != "conn_7":
            assert (await vault.reveal(actor, replace(REF, row_id=row), purpose=TEST)).value == VALUE


@pytest.mark.threat("C1")
async def test_a_value_moved_between_rows_fields_tables_workspaces_or_generations_does_not_open(
    vault, put, actor, audit
):
    words = (("wks_test", "wks_other"), ("credential", "application"), ("1", "2"), ("grant", "secret"))
    refs = [
        SealedRef(workspace, table, f"{workspace}{table}{row}", field)
        for workspace, table, row, field in itertools.product(*words)
    ]
    for ref in refs:
        await put(ref)
    by_place = {(r.workspace_id, r.owner_table, r.owner_row, r.field): r for r in await SealedRecord.all()}
    mine = [by_place[ref.workspace_id, ref.table, ref.row_id, ref.field] for ref in refs]
    for (home, other), both in itertools.product(itertools.permutations(range(len(refs)), 2), (False, True)):
        target = refs[other]
        stolen = {"sealed": mine[home].sealed} | ({"data_key_id": mine[home].data_key_id} if both else {})
        await SealedRecord.filter(id=mine[other].id).update(**stolen)
        await refused(vault, replace(actor, workspace_id=target.workspace_id), target, audit)
        restored = {"sealed": mine[other].sealed, "data_key_id": mine[other].data_key_id}
        await SealedRecord.filter(id=mine[other].id).update(**restored)
    for ref in refs:
        await vault.reveal(replace(actor, workspace_id=ref.workspace_id), ref, purpose=TEST)


@pytest.mark.threat("C3")
async def test_an_older_sealed_text_does_not_open_in_a_newer_generation(vault, put, actor, audit):
    await put()
    old = await SealedRecord.get(owner_row="conn_1")
    await put(expected=1)
    await corrupt("conn_1", sealed=old.sealed)
    await refused(vault, actor, REF, audit)
    await corrupt("conn_1", generation=5)
    await refused(vault, actor, REF, audit)


@pytest.mark.parametrize("text", ["", "plain", "pb1.dk_x.AAAA", '{"token":"x"}'])
@pytest.mark.threat("C2")
async def test_what_is_no_sealed_text_is_unreadable_and_nothing_else(vault, put, actor, audit, text):
    await put()
    await corrupt("conn_1", sealed=text)
    await refused(vault, actor, REF, audit)


async def test_a_row_of_an_unknown_data_key_is_unreadable(vault, put, actor, audit):
    await put()
    await corrupt("conn_1", data_key_id="dk_unknown")
    await refused(vault, actor, REF, audit)


async def test_a_destroyed_or_changed_data_key_opens_nothing_of_its_workspace_only(
    vault, open_vault, put, actor, audit, ring
):
    other = replace(REF, workspace_id="wks_other", row_id="conn_2")
    await put()
    await put(other)
    wrapped = await DataKeyRecord.get(workspace_id="wks_other")
    for change in (
        {"state": "DESTROYED", "wrapped": None, "active_slot": None},
        {"state": "DESTROYED"},
        {"state": "ACTIVE", "wrapped": wrapped.wrapped, "active_slot": "wks_test"},
        {"wrapped": "pbw1.AAAA"},
    ):
        await DataKeyRecord.filter(workspace_id="wks_test").update(**change)
        fresh = await open_vault(ring)
        await refused(fresh, actor, REF, audit)
        await fresh.reveal(replace(actor, workspace_id="wks_other"), other, purpose=WRITE)


async def test_a_key_that_left_the_ring_is_unavailable_and_audited(
    database, vault, put, actor, audit, clock, new_key
):
    await put()
    elsewhere = Vault(database, KeyRing(new_key("other")), audit)
    with pytest.raises(KeyUnavailableError) as caught:
        await elsewhere.reveal(actor, REF, purpose=RevealPurpose.RENEWAL)
    assert caught.value.problem.code is ProblemCode.KEY_UNAVAILABLE
    assert caught.value.problem.retryable
    assert [(entry[4], entry[5]["problem"]) for entry in audit.entries] == [("FAILED", "KEY_UNAVAILABLE")]
    with pytest.raises(KeyUnavailableError):
        async with database.transaction() as tx:
            await elsewhere.put(tx, replace(REF, row_id="conn_2"), VALUE, expected_generation=None)


# -- destroying


async def test_a_destroyed_value_is_gone_and_its_place_free(database, vault, put, actor):
    second = replace(REF, field="second")
    await put()
    await put(second)
    async with database.transaction() as tx:
        await vault.destroy(tx, REF)
        await vault.destroy(tx, REF)
        await vault.destroy(tx, replace(second, workspace_id="wks_other"))
    with pytest.raises(NotFoundError):
        await vault.reveal(actor, REF, purpose=TEST)
    assert (await vault.reveal(actor, second, purpose=TEST)).value == VALUE
    assert await put() == 1


async def test_all_values_of_a_row_are_destroyed_together(database, vault, put):
    for ref in (
        REF,
        replace(REF, field="second"),
        replace(REF, row_id="conn_2"),
        replace(REF, table="other"),
    ):
        await put(ref)
    async with database.transaction() as tx:
        await vault.destroy_row(tx, "credential", "conn_1")
    left = (
        await SealedRecord.exclude(owner_table="vault")
        .order_by("owner_table")
        .values_list("owner_table", "owner_row")
    )
    assert left == [("credential", "conn_2"), ("other", "conn_1")]


async def test_a_rolled_back_destruction_destroys_nothing(database, vault, put, actor):
    await put()
    with suppress(ZeroDivisionError):
        async with database.transaction() as tx:
            await vault.destroy(tx, REF)
            raise ZeroDivisionError
    assert (await vault.reveal(actor, REF, purpose=TEST)).value == VALUE


# -- data keys


async def test_each_workspace_has_one_data_key_of_its_own(put):
    for workspace, row in itertools.product(("wks_a", "wks_b"), ("1", "2", "3")):
        await put(SealedRef(workspace, "credential", workspace + row, "grant"))
    keys = await DataKeyRecord.filter(workspace_id__in=["wks_a", "wks_b"]).values_list(
        "workspace_id", "active_slot"
    )
    assert sorted(keys) == [("wks_a", "wks_a"), ("wks_b", "wks_b")]


async def test_of_many_first_values_at_once_all_get_one_data_key(database, open_vault, put, actor, ring):
    vaults = [await open_vault(ring) for _ in range(4)]
    refs = [replace(REF, row_id=f"conn_{number}") for number in range(16)]
    await asyncio.gather(*(put(ref, by=vaults[number % 4]) for number, ref in enumerate(refs)))
    assert await DataKeyRecord.filter(workspace_id="wks_test").count() == 1
    for ref in refs:
        assert (await vaults[0].reveal(actor, ref, purpose=TEST)).value == VALUE


async def test_a_value_sealed_under_a_former_data_key_still_opens(vault, put, actor):
    await put()
    await DataKeyRecord.filter(workspace_id="wks_test").update(state="DECRYPT_ONLY", active_slot=None)
    await put(replace(REF, row_id="conn_2"))
    assert await DataKeyRecord.filter(workspace_id="wks_test").count() == 2
    for row in ("conn_1", "conn_2"):
        assert (await vault.reveal(actor, replace(REF, row_id=row), purpose=TEST)).value == VALUE


# -- fingerprints


async def test_a_fingerprint_tells_equal_secrets_of_one_workspace_and_domain(vault, open_vault, ring):
    async def print_of(workspace="wks_a", domain="stripe", secret=CANARY, by=vault):
        return await by.fingerprint(workspace, domain, Secret(secret))

    first = await print_of()
    assert len(first) == 32
    assert int(first, 16)
    assert await print_of() == first
    assert await print_of(by=await open_vault(ring)) == first
    others = [
        await print_of(workspace="wks_b"),
        await print_of(domain="stripe2"),
        await print_of(domain="strip", secret="e" + CANARY),
        await print_of(secret=CANARY + "x"),
    ]
    assert len({first, *others}) == 5
    assert await print_of(secret="\ud800é") != first


async def test_a_fingerprint_key_is_sealed_and_made_once(vault, open_vault, ring, contents):
    vaults = [vault, *[await open_vault(ring) for _ in range(3)]]
    prints = await asyncio.gather(*(v.fingerprint("wks_a", "stripe", Secret(CANARY)) for v in vaults * 3))
    assert len(set(prints)) == 1
    assert await SealedRecord.filter(workspace_id="wks_a", field="fingerprint_key").count() == 1
    assert prints[0] not in repr(await contents())


async def test_a_fingerprint_survives_a_new_data_key(vault, put):
    before = await vault.fingerprint("wks_test", "stripe", Secret(CANARY))
    await DataKeyRecord.filter(workspace_id="wks_test").update(state="DECRYPT_ONLY", active_slot=None)
    await put()
    assert await vault.fingerprint("wks_test", "stripe", Secret(CANARY)) == before


async def test_a_fingerprint_whose_key_is_to_be_made_is_not_taken_inside_a_transaction(database, vault):
    async with database.transaction():
        with pytest.raises(RuntimeError, match="do not nest"):
            await vault.fingerprint("wks_a", "stripe", Secret(CANARY))
    first = await vault.fingerprint("wks_a", "stripe", Secret(CANARY))
    assert await vault.fingerprint("wks_a", "stripe", Secret(CANARY)) == first


# -- the hub's keys


async def test_system_keys_differ_by_purpose_and_last(vault, open_vault, ring):
    keys = {purpose: await vault.system_key(purpose) for purpose in ("audit", "cookies", "sandbox", "")}
    assert all(len(key) == 32 for key in keys.values())
    assert len(set(keys.values())) == 4
    again = await open_vault(ring)
    assert {purpose: await again.system_key(purpose) for purpose in keys} == keys


async def test_system_keys_need_neither_audit_nor_database(database, vault, audit):
    audit.fault = OSError("the audit is down")
    async with database.transaction():
        assert await vault.system_key("audit")
    assert audit.entries == audit.counts == []


async def test_system_keys_need_a_started_vault(database, ring, audit, clock):
    with pytest.raises(RuntimeError, match="has not been started"):
        await Vault(database, ring, audit).system_key("audit")


async def test_no_error_of_the_vault_holds_a_secret(vault, put, actor):
    await put()
    said = []
    for act in (
        lambda: put(expected=9),
        lambda: put(value={"x": object(), "token": Secret(CANARY)}),
        lambda: vault.reveal(replace(actor, workspace_id="wks_x"), REF, purpose=TEST),
        lambda: vault.reveal(actor, REF, purpose=TEST, generation=9),
    ):
        with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is, it says nothing
            await act()
        problems = [p.to_json() for p in getattr(caught.value, "problems", ())]
        said.append(f"{caught.value!r} {caught.value} {json.dumps(problems)}")
    assert CANARY not in " ".join(said)
