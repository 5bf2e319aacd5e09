"""Sealed values in their table: where one belongs, and how it is found, written first and replaced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tortoise.queryset import QuerySet

from app.foundation.database import Transaction
from app.foundation.ids import new_id
from app.vault.envelope import DataKey, SealContext, seal
from app.vault.models import SealedRecord

FIRST_GENERATION: Final = 1
_INSERT: Final = """
INSERT INTO "sealed_value" ("id", "workspace_id", "owner_table", "owner_row", "field", "generation", "data_key_id",
"sealed", "created_at", "updated_at") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
ON CONFLICT DO NOTHING RETURNING "id"
"""


@dataclass(frozen=True, slots=True)
class SealedRef:
    """The place of a sealed value: one field of one row of one workspace."""

    workspace_id: str
    table: str
    row_id: str
    field: str

    def context(self, generation: int) -> SealContext:
        """Return what a value of this place and generation is bound to."""
        return SealContext(self.workspace_id, self.table, self.row_id, self.field, generation)


def at(ref: SealedRef) -> QuerySet[SealedRecord]:
    """Return the query for the one row of a place."""
    return SealedRecord.filter(
        workspace_id=ref.workspace_id, owner_table=ref.table, owner_row=ref.row_id, field=ref.field
    )


async def find_all(refs: Sequence[SealedRef]) -> list[SealedRecord | None]:
    """Return what each place holds, by one query."""
    if len(refs) == 1:
        return [await at(refs[0]).get_or_none()]
    rows = await SealedRecord.filter(
        workspace_id__in={ref.workspace_id for ref in refs},
        owner_table__in={ref.table for ref in refs},
        owner_row__in={ref.row_id for ref in refs},
        field__in={ref.field for ref in refs},
    )
    found = {(row.workspace_id, row.owner_table, row.owner_row, row.field): row for row in rows}
    return [found.get((ref.workspace_id, ref.table, ref.row_id, ref.field)) for ref in refs]


async def insert(tx: Transaction, ref: SealedRef, key: DataKey, plaintext: bytes) -> bool:
    """Seal into an empty place; return False, changing nothing, where it is not empty."""
    # A plain insert that loses the race would break the caller's whole transaction on PostgreSQL.
    return bool(
        await tx.rows(
            _INSERT,
            new_id("sv"),
            ref.workspace_id,
            ref.table,
            ref.row_id,
            ref.field,
            FIRST_GENERATION,
            key.id,
            seal(key, ref.context(FIRST_GENERATION), plaintext),
            tx.now,
        )
    )


async def replace_sealed(
    tx: Transaction, ref: SealedRef, key: DataKey, plaintext: bytes, expected: int
) -> bool:
    """Seal over generation ``expected``; return False, changing nothing, where the place holds another."""
    changed = await (
        at(ref)
        .filter(generation=expected)
        .update(
            generation=expected + 1,
            data_key_id=key.id,
            sealed=seal(key, ref.context(expected + 1), plaintext),
            updated_at=tx.now,
        )
    )
    return changed == 1
