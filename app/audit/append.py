"""Appending to a chain, as nearly the last act of a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tortoise.expressions import F

from app.audit.chain import GENESIS, ChainRow, key_id_of, row_hash
from app.audit.entry import Draft
from app.audit.models import AuditEntryRecord, AuditHeadRecord
from app.foundation.database import Transaction
from app.foundation.ids import new_id


async def append(tx: Transaction, key: bytes, workspace_id: str, entries: Sequence[Draft]) -> None:
    """Append ``entries`` to a workspace's chain with ``tx``. Its head stays locked until the commit."""
    head = await _locked_head(workspace_id, len(entries))
    first = head.seq - len(entries) + 1
    prev_hash = bytes.fromhex(head.hash)
    key_id = key_id_of(key)
    records = []
    for seq, entry in enumerate(entries, start=first):
        columns = _columns(tx, entry, seq, key_id)
        hash_ = row_hash(key, prev_hash, ChainRow(**columns, prev_hash=prev_hash, hash=b""))
        records.append(AuditEntryRecord(**columns, prev_hash=prev_hash.hex(), hash=hash_.hex()))
        prev_hash = hash_
    await AuditEntryRecord.bulk_create(records)
    await AuditHeadRecord.filter(workspace_id=workspace_id).update(hash=prev_hash.hex())


async def _locked_head(workspace_id: str, count: int) -> AuditHeadRecord:
    """Lock the head of a chain, move it on by ``count`` numbers, and return it with the hash before them."""
    head = AuditHeadRecord.filter(workspace_id=workspace_id)
    if not await head.update(seq=F("seq") + count):
        begun = AuditHeadRecord(workspace_id=workspace_id, hash=GENESIS.hex())
        await AuditHeadRecord.bulk_create([begun], ignore_conflicts=True)
        await head.update(seq=F("seq") + count)
    return await head.get()


def _columns(tx: Transaction, entry: Draft, seq: int, key_id: str) -> dict[str, Any]:
    return {
        "id": new_id("aud"),
        "workspace_id": entry.workspace_id,
        "seq": seq,
        "at": tx.now,
        "actor_kind": entry.actor_kind,
        "actor_id": entry.actor_id,
        "actor_label": entry.actor_label,
        "via": entry.via,
        "ip_hash": entry.ip_hash,
        "request_id": entry.request_id,
        "action": entry.action,
        "target_type": entry.target.type,
        "target_id": entry.target.id,
        "target_label": entry.target.label,
        "outcome": entry.outcome,
        "detail": entry.detail,
        "key_id": key_id,
    }
