"""Appending to a chain, as nearly the last act of a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from app.audit.chain import GENESIS, ChainRow, key_id_of, row_hash
from app.audit.models import AuditHeadRecord
from app.foundation.database import Transaction
from app.foundation.ids import new_id

# Locks the head, which is made by the first entry, and returns it with the hash before the new numbers.
_MOVE_ON: Final = (
    'INSERT INTO "audit_head" ("workspace_id", "seq", "hash") VALUES ($1, $2, $3) '
    'ON CONFLICT ("workspace_id") DO UPDATE SET "seq" = "audit_head"."seq" + excluded."seq" RETURNING "seq", "hash"'
)


async def append(tx: Transaction, key: bytes, workspace_id: str, entries: Sequence[ChainRow]) -> None:
    """Append ``entries`` to a workspace's chain with ``tx``. Its head stays locked until the commit."""
    (head,) = await tx.rows(_MOVE_ON, workspace_id, len(entries), GENESIS.hex())
    first = int(head["seq"]) - len(entries) + 1
    prev_hash = bytes.fromhex(head["hash"])
    key_id = key_id_of(key)
    rows = []
    for seq, entry in enumerate(entries, start=first):
        row = entry._replace(id=new_id("aud"), seq=seq, key_id=key_id)
        hash_ = row_hash(key, prev_hash, row)
        rows.append({**row._asdict(), "prev_hash": prev_hash.hex(), "hash": hash_.hex()})
        prev_hash = hash_
    await tx.insert("audit_entry", rows)
    await AuditHeadRecord.filter(workspace_id=workspace_id).update(hash=prev_hash.hex())
