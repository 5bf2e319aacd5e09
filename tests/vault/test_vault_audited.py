from __future__ import annotations

import pytest

from app.access.actor import Actor
from app.audit.log import AuditLog
from app.foundation.secret import Secret
from app.vault.errors import CredentialUnreadableError
from app.vault.models import SealedRecord
from app.vault.vault import RevealPurpose, SealedRef, Vault

CANARY = "canary-51c2-secret"
UNOPENED = "what-stood-there-instead-83f0"
REF = SealedRef("wks_test", "credential", "conn_1", "credentials")


@pytest.fixture
async def log(database, ring, clock):
    """Build the log and the vault as the hub does: each needs the other."""
    log = AuditLog(database, lambda: vault.system_key("audit/v1"))
    vault = Vault(database, ring, log)
    await vault.start()
    async with database.transaction() as tx:
        await vault.put(tx, REF, {"token": Secret(CANARY)}, expected_generation=None)
    log.vault = vault
    return log


async def told(log, actor):
    page = await log.entries(actor)
    return [(entry.action, entry.target_id, entry.outcome, dict(entry.detail)) for entry in page.items]


async def test_each_reveal_of_a_person_is_an_entry_of_the_chain(log, actor):
    await log.vault.reveal(actor, REF, purpose=RevealPurpose.CALL_WRITE)
    detail = {"purpose": "CALL_WRITE", "field": "credentials", "generation": 1}
    assert await told(log, actor) == [("secret.revealed", "conn_1", "OK", detail)]
    assert [(report.is_ok, report.good) for report in await log.verify("wks_test")] == [(True, 1)]


async def test_many_reads_of_the_machine_are_one_entry(log, actor, clock):
    machine = Actor.system("wks_test", "renewal", "req_1")
    for _ in range(20):
        await log.vault.reveal(machine, REF, purpose=RevealPurpose.RENEWAL)
    clock.advance(60)
    assert await log.close_minutes() == 1
    [(action, target, _, detail)] = await told(log, actor)
    assert (action, target, detail["purpose"], detail["count"]) == ("secret.used", "conn_1", "RENEWAL", 20)


async def test_a_value_that_does_not_open_is_told_without_its_text(log, actor):
    await SealedRecord.filter(owner_row="conn_1").update(sealed=UNOPENED)
    with pytest.raises(CredentialUnreadableError):
        await log.vault.reveal(actor, REF, purpose=RevealPurpose.RENEWAL)
    [(_, _, outcome, detail)] = await told(log, actor)
    assert (outcome, detail["problem"]) == ("FAILED", "CREDENTIAL_UNREADABLE")
    assert UNOPENED not in repr(await told(log, actor))
    assert CANARY not in repr(await told(log, actor))
