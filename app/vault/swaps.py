"""Compare-and-swap of many rows in one short transaction: a row that somebody else has changed is left to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from tortoise.connection import get_connection

from app.vault.models import DataKeyRecord, SealedRecord

_WRAPPED: Final = 'UPDATE "data_key" SET "wrapped"=$1, "kek_id"=$2, "kek_version"=$3 WHERE "id"=$4'
_SEALED: Final = 'UPDATE "sealed_value" SET "sealed"=$1, "data_key_id"=$2 WHERE "id"=$3'


class NewWrap(NamedTuple):
    """A data key wrapped anew, and what its row held when it was read."""

    before: DataKeyRecord
    wrapped: str
    kek_id: str
    kek_version: str


class NewSeal(NamedTuple):
    """A value sealed anew in its place and generation, and what its row held when it was read."""

    before: SealedRecord
    sealed: str
    data_key_id: str


async def swap_wraps(wraps: Sequence[NewWrap]) -> int:
    """Save what still stands as it was read; return how many rows that are. Call it in a transaction."""
    ids = [wrap.before.id for wrap in wraps]
    held = DataKeyRecord.filter(id__in=ids).order_by("id").select_for_update()
    now = {row.id: row.wrapped for row in await held}
    due = [wrap for wrap in wraps if now.get(wrap.before.id, "") == wrap.before.wrapped]
    await _execute(_WRAPPED, [[new.wrapped, new.kek_id, new.kek_version, new.before.id] for new in due])
    return len(due)


async def swap_seals(seals: Sequence[NewSeal]) -> int:
    """Save what still stands in the same generation under the same key, and that no other transaction holds now.

    Return how many rows that are. Call it in a transaction.
    """
    # Skipped, not waited for: whoever holds such a row may wait for another one of these, and is worth more.
    ids = [seal.before.id for seal in seals]
    fields = ("id", "generation", "data_key_id")
    held = SealedRecord.filter(id__in=ids).order_by("id").only(*fields).select_for_update(skip_locked=True)
    now = {row.id: (row.generation, row.data_key_id) for row in await held}
    due = [
        seal for seal in seals
        if now.get(seal.before.id) == (seal.before.generation, seal.before.data_key_id)
    ]  # fmt: skip
    await _execute(_SEALED, [[new.sealed, new.data_key_id, new.before.id] for new in due])
    return len(due)


async def _execute(sql: str, rows: list[list[str]]) -> None:
    """Run a statement for each row, all of which the transaction holds locked: nobody changes them meanwhile."""
    connection = get_connection("default")
    if connection.capabilities.dialect == "sqlite":
        sql = sql.replace("$", "?")
    if rows:
        await connection.execute_many(sql, rows)
