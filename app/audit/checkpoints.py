"""Making and exporting signed checkpoints of all chains."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from tortoise.exceptions import IntegrityError

from app.audit.chain import Anchor
from app.audit.checkpoint import Checkpoint, heads_from_json, heads_to_json, sign
from app.audit.models import AuditCheckpointRecord, AuditHeadRecord
from app.foundation.database import Database

EVERY: Final = timedelta(hours=1)


class Checkpoints:
    """States hourly where all chains stand, signed. Only one kept elsewhere proves that no end was cut off.

    ``key_of`` gives the 32-byte Ed25519 private key.
    """

    def __init__(self, database: Database, key_of: Callable[[], Awaitable[bytes]]) -> None:
        self._database = database
        self._key_of = key_of

    async def make_if_due(self) -> Checkpoint | None:
        """Make a checkpoint if the last one is an hour old; return it, or None."""
        with self._database.bind():
            last = await _last()
        if last is not None and self._database.clock.now() - last.at < EVERY:
            return None
        return await self.make()

    async def make(self) -> Checkpoint:
        """Make a checkpoint now; of two hubs that make one at once, both return the one that was made."""
        seed = await self._key_of()
        try:
            async with self._database.transaction() as tx:
                previous = await _last()
                heads = {
                    row.workspace_id: Anchor(row.seq, bytes.fromhex(row.hash))
                    for row in await AuditHeadRecord.all()
                }
                made = sign(seed, tx.now, heads, previous)
                await _record(made).save(force_create=True)
        except IntegrityError:
            with self._database.bind():
                other = await _last()
            if other is None:
                raise
            return other
        return made

    async def export(self, after: int = 0) -> list[Checkpoint]:
        """Return the checkpoints with numbers above ``after``, in order."""
        with self._database.bind():
            rows = await AuditCheckpointRecord.filter(number__gt=after).order_by("number")
            return [_checkpoint(row) for row in rows]


async def _last() -> Checkpoint | None:
    row = await AuditCheckpointRecord.all().order_by("-number").first()
    return _checkpoint(row) if row else None


def _record(made: Checkpoint) -> AuditCheckpointRecord:
    return AuditCheckpointRecord(
        number=made.number,
        at=made.at,
        heads=heads_to_json(made.heads),
        prev_hash=made.prev_hash.hex(),
        public_key=made.public_key.hex(),
        signature=made.signature.hex(),
    )


def _checkpoint(row: AuditCheckpointRecord) -> Checkpoint:
    return Checkpoint(
        number=row.number,
        at=row.at,
        heads=heads_from_json(row.heads),
        prev_hash=bytes.fromhex(row.prev_hash),
        public_key=bytes.fromhex(row.public_key),
        signature=bytes.fromhex(row.signature),
    )
