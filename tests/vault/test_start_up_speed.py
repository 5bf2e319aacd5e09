from __future__ import annotations

import time

import pytest

from app.vault.errors import KeyCheckError
from app.vault.keys import KeyRing
from app.vault.models import DataKeyRecord, SealedRecord
from app.vault.vault import Vault

PER_WORKSPACE = 10


async def fill(workspaces, ring, now):
    """Write rows of the shape that the check reads; it opens none of them."""
    key = {
        "kek_id": ring.active.key_id,
        "kek_version": "1",
        "wrapped": "pbw1.x",
        "state": "ACTIVE",
        "created_at": now,
    }
    names = [f"wks_{number}" for number in range(workspaces)]
    await DataKeyRecord.bulk_create(
        [DataKeyRecord(id=f"dk_{name}", workspace_id=name, active_slot=name, **key) for name in names],
        batch_size=1_000,
    )
    place = {"owner_table": "credential", "field": "grant", "generation": 1, "sealed": "pb1.x.y"}
    await SealedRecord.bulk_create(
        [
            SealedRecord(
                id=f"sv_{name}_{n}", workspace_id=name, owner_row=f"{name}_{n}", data_key_id=f"dk_{name}",
                created_at=now, updated_at=now, **place,
            )
            for name in names for n in range(PER_WORKSPACE)
        ],
        batch_size=1_000,
    )  # fmt: skip


@pytest.mark.proof
@pytest.mark.threat("R11", "C4")
async def test_the_check_takes_200_ms_and_a_refusal_one_second(
    vault, database, ring, audit, clock, new_key, proof_size
):
    workspaces = proof_size(100, 10_000)
    await fill(workspaces, ring, clock.now())

    async def seconds(act):
        found = []
        for _ in range(3):
            begun = time.perf_counter()
            await act()
            found.append(time.perf_counter() - begun)
        return min(found)

    async def refused():
        with pytest.raises(KeyCheckError) as caught:
            await Vault(database, KeyRing(stranger), audit).start()
        expected = f"Affected: {workspaces} workspaces, {workspaces * PER_WORKSPACE} sealed credentials."
        assert expected in str(caught.value)

    stranger = new_key("other")
    assert await seconds(lambda: Vault(database, ring, audit).start()) <= 0.2
    assert await seconds(refused) <= 1.0
