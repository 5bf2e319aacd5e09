"""Sealed values in their table: where one belongs, and how it is found, written first and replaced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from itertools import accumulate, chain
from typing import Final, NamedTuple

from tortoise.queryset import QuerySet

from app.foundation.database import Transaction
from app.foundation.ids import new_id
from app.foundation.places import list_places
from app.foundation.rows import Columns
from app.vault.envelope import DataKey, SealContext, seal
from app.vault.models import SealedRecord

FIRST_GENERATION: Final = 1
_PLACE: Final = ("workspace_id", "owner_table", "owner_row", "field")
_ROWS: Final = Columns(SealedRecord, (*_PLACE, "generation", "data_key_id", "sealed"))
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


class Sealed(NamedTuple):
    """What a place holds; ``generation`` is the counter of its compare-and-swap."""

    generation: int
    data_key_id: str
    sealed: str


def at(ref: SealedRef) -> QuerySet[SealedRecord]:
    """Return the query for the one row of a place, to change or delete it."""
    return SealedRecord.filter(**dict(zip(_PLACE, astuple(ref), strict=True)))


async def find(ref: SealedRef) -> Sealed | None:
    """Return what a place holds."""
    return (await find_all([ref]))[0]


async def find_all(refs: Sequence[SealedRef]) -> list[Sealed | None]:
    """Return what each place holds, by one query."""
    sought = [list(dict.fromkeys(values)) for values in zip(*map(astuple, refs), strict=True)]
    before = accumulate((len(values) for values in sought), initial=0)
    condition = " AND ".join(
        f'"{name}" IN {list_places(values, start)}'
        for name, values, start in zip(_PLACE, sought, before, strict=False)
    )
    columns = await _ROWS.read(condition, *chain.from_iterable(sought))
    found = {row[: len(_PLACE)]: Sealed(*row[len(_PLACE) :]) for row in zip(*columns, strict=True)}
    return [found.get(astuple(ref)) for ref in refs]


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
