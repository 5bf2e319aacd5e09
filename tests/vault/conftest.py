from __future__ import annotations

import os
from random import Random

import pytest

from app.vault.keys import KeyRing, LocalKeyProvider
from app.vault.models import DataKeyRecord, KeyCheckRecord, SealedRecord
from app.vault.vault import Vault


class AuditBook:
    """An audit that keeps entries and counts, and fails when told to."""

    def __init__(self):
        self.entries = []
        self.counts = []
        self.fault = None

    async def record_alone(self, actor, action, target, *, outcome="DENIED", detail=None):
        if self.fault:
            raise self.fault
        self.entries.append((action, target.type, target.id, target.label, outcome, dict(detail)))

    async def count_use(self, actor, connection_id, purpose):
        if self.fault:
            raise self.fault
        self.counts.append((connection_id, purpose))


@pytest.fixture
def proof_size():
    """Return how many cases a proof runs: a seeded sample, or all with PATCHBAY_PROOFS=full."""
    full = os.environ.get("PATCHBAY_PROOFS") == "full"
    return lambda sample, whole: whole if full else sample


@pytest.fixture
def chance():
    return Random(20260101)


@pytest.fixture
def new_key(chance):
    return lambda label="main": LocalKeyProvider(label, chance.randbytes(32))


@pytest.fixture
def audit():
    return AuditBook()


@pytest.fixture
def ring(new_key):
    return KeyRing(new_key())


@pytest.fixture
def open_vault(database, audit, clock):
    """Start another vault on the database, as another process would."""

    async def start(ring):
        vault = Vault(database, ring, audit)
        await vault.start()
        return vault

    return start


@pytest.fixture
async def vault(open_vault, ring):
    return await open_vault(ring)


@pytest.fixture
def contents(database):
    """Read every row of the vault's tables."""

    async def read():
        tables = (KeyCheckRecord, DataKeyRecord, SealedRecord)
        return [sorted(await table.all().values_list()) for table in tables]

    return read
