"""Appending to a chain, as nearly the last act of a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from app.audit.chain import GENESIS, ChainRow, key_id_of, row_hash
from app.audit.entry import Draft
from app.audit.models import AuditHeadRecord
from app.foundation.database import Transaction
from app.foundation.ids import new_id

# Locks the head, which is made by the first entry, and returns it with the hash before the new numbers.
_MOVE_ON: Final = (
    'INSERT INTO "audit_head" ("workspace_id", "seq", "hash") VALUES ($1, $2, $3) '
    'ON CONFLICT ("workspace_id") DO UPDATE SET "seq" = "audit_head"."seq" + excluded."seq" RETURNING "seq", "hash"'
)


async def append(tx: Transaction, key: bytes, workspace_id: str, entries: Sequence[Draft]) -> None:
    """Append ``entries`` to a workspace's chain with ``tx``. Its head stays locked until the commit."""
    (head,) = await tx.rows(_MOVE_ON, workspace_id, len(entries), GENESIS.hex())
    first = int(head["seq"]) - len(entries) + 1
    prev_hash = bytes.fromhex(head["hash"])
    key_id = key_id_of(key)
    rows = []
    for seq, entry in enumerate(entries, start=first):
        columns = _columns(tx, entry, seq, key_id)
        hash_ = row_hash(key, prev_hash, ChainRow(**columns, prev_hash=prev_hash, hash=b""))
        rows.append({**columns, "prev_hash": prev_hash.hex(), "hash": hash_.hex()})
        prev_hash = hash_
    await tx.insert("audit_entry", rows)
    await AuditHeadRecord.filter(workspace_id=workspace_id).update(hash=prev_hash.hex())


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
