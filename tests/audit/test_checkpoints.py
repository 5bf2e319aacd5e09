from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.audit.chain import GENESIS, Anchor
from app.audit.checkpoint import BadCheckpointError, check, checkpoint_from_json
from app.audit.checkpoints import Checkpoints
from app.audit.models import AuditCheckpointRecord
from app.audit.verify import ChainFault

SEED = bytes(range(32))
PUBLIC = Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw()


@pytest.fixture
def checkpoints(database):
    async def seed_of():
        return SEED

    return Checkpoints(database, seed_of)


async def exported(checkpoints):
    """Return what an operator keeps elsewhere, read back from its JSON."""
    return [checkpoint_from_json(json.loads(json.dumps(c.to_json()))) for c in await checkpoints.export()]


async def test_a_checkpoint_states_where_every_chain_stands(checkpoints, log, write, actor, clock):
    await write(3)
    await write(2, by=replace(actor, workspace_id="wks_other"))
    made = await checkpoints.make()
    ends = {report.workspace_id: report.last for report in await log.verify()}
    assert (made.number, made.at, made.prev_hash, made.public_key) == (1, clock.now(), GENESIS, PUBLIC)
    assert (
        made.heads
        == ends
        == {"wks_test": Anchor(3, ends["wks_test"].hash), "wks_other": Anchor(2, ends["wks_other"].hash)}
    )


async def test_a_checkpoint_is_made_every_hour(checkpoints, write, clock):
    assert (await checkpoints.make_if_due()).number == 1
    clock.advance(3_599)
    assert await checkpoints.make_if_due() is None
    clock.advance(1)
    assert (await checkpoints.make_if_due()).number == 2
    assert [c.number for c in await checkpoints.export()] == [1, 2]
    assert [c.number for c in await checkpoints.export(after=1)] == [2]


async def test_checkpoints_name_one_another_and_read_back_as_exported(checkpoints, write):
    for _ in range(3):
        await write(1)
        await checkpoints.make()
    first, second, third = read = await exported(checkpoints)
    assert read == await checkpoints.export()
    assert (second.prev_hash, third.prev_hash) == (first.hash, second.hash)
    assert set(check(read, PUBLIC)["wks_test"]) == {1, 2, 3}


async def test_a_cut_off_tail_with_a_turned_back_head_is_found_by_an_exported_checkpoint(
    checkpoints, log, write, attack
):
    """A2"""
    await write(10)
    await checkpoints.make()
    kept = await exported(checkpoints)
    await attack(
        "DELETE FROM audit_entry WHERE seq>7; DELETE FROM audit_checkpoint; "
        "UPDATE audit_head SET seq=7, hash=(SELECT hash FROM audit_entry WHERE seq=7)"
    )
    (report,) = await log.verify()
    assert report.is_ok
    (report,) = await log.verify(anchors=check(kept, PUBLIC))
    assert (report.fault, report.first_bad_seq) == (ChainFault.TRUNCATED, 8)


async def test_a_chain_of_which_nothing_is_left_is_found_by_an_exported_checkpoint(
    checkpoints, log, write, attack
):
    await write(3)
    await checkpoints.make()
    kept = await exported(checkpoints)
    await attack("DELETE FROM audit_entry; DELETE FROM audit_head")
    (report,) = await log.verify(anchors=check(kept, PUBLIC))
    assert (report.workspace_id, report.fault, report.first_bad_seq) == ("wks_test", ChainFault.TRUNCATED, 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"number": 3},
        {"heads": {"wks_test": Anchor(1, b"\x01" * 32)}},
        {"heads": {}},
        {"prev_hash": b"\x01" * 32},
        {"signature": b"\x01" * 64},
        {"signature": b""},
        {"public_key": bytes(32)},
        {"public_key": b""},
    ],
    ids=str,
)
async def test_a_changed_checkpoint_is_named(checkpoints, write, changes):
    await write(1)
    first, second = await checkpoints.make(), await checkpoints.make()
    with pytest.raises(BadCheckpointError) as refusal:
        check([first, replace(second, **changes)])
    assert refusal.value.number == changes.get("number", 2)


async def test_a_missing_or_turned_checkpoint_is_named(checkpoints):
    first, second, third = [await checkpoints.make() for _ in range(3)]
    for order in ([first, third], [second, first], [first, first]):
        with pytest.raises(BadCheckpointError, match="does not follow"):
            check(order)
    assert check([second, third]) == {}


async def test_a_checkpoint_signed_by_somebody_else_is_named(checkpoints):
    made = await checkpoints.make()
    with pytest.raises(BadCheckpointError, match="another key"):
        check([made], bytes(32))


@pytest.mark.parametrize(
    "data",
    [None, 1, "x", [], {}, {"number": "x"}, {"number": 1, "at": "x", "heads": []}, {"number": 1, "at": 5}],
)
def test_what_is_no_checkpoint_is_refused(data):
    with pytest.raises(BadCheckpointError, match="its form"):
        checkpoint_from_json(data)


async def test_hubs_that_make_checkpoints_at_once_make_one_line_of_them(checkpoints, write):
    await write(1)
    await asyncio.gather(*(checkpoints.make() for _ in range(8)))
    made = await checkpoints.export()
    check(made, PUBLIC)
    assert [c.number for c in made] == list(range(1, len(made) + 1))
    assert await AuditCheckpointRecord.all().count() == len(made)
