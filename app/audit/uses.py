"""Uses of secrets by the machine itself: counted by the minute, then written into the chain exactly once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from app.access.actor import Actor, ActorKind, Channel
from app.audit.chain import ChainRow
from app.audit.entry import MAX_LABEL, AuditTarget, Detail, draft
from app.audit.models import SecretUseRecord
from app.foundation.batcher import Batcher
from app.foundation.canonical import storable_text
from app.foundation.database import Database, Transaction
from app.foundation.ids import new_id
from app.foundation.places import row_places

USED: Final = "secret.used"
_CHUNK: Final = 200
_KEY: Final = ("workspace_id", "connection_id", "purpose", "actor_id", "minute")
_COLUMNS: Final = ("id", *_KEY, "count", "actor_kind", "actor_label", "via", "request_id")
# The first use makes the row, all others raise its count; if the minute is closed in between, it is made again.
_UPSERT: Final = (
    'INSERT INTO "secret_use" ({columns}) VALUES {rows} ON CONFLICT ({key}) '
    'DO UPDATE SET "count" = "secret_use"."count" + excluded."count"'
)
Write = Callable[[Transaction, ChainRow], None]


class SecretUses:
    """Counts per actor, connection, purpose and minute. A count is durable when :meth:`count` returns."""

    def __init__(self, database: Database, write: Write) -> None:
        self._database = database
        self._write = write
        self._clock = database.clock
        self._batcher = Batcher(self._count, max_batch=_CHUNK)

    async def count(self, actor: Actor, connection_id: str, purpose: str) -> None:
        """Count one use in the present minute; uses at the same time are counted by one statement."""
        await self._batcher.submit(_once(actor, connection_id, purpose, _minute(self._clock.now())))

    async def _count(self, uses: Sequence[SecretUseRecord]) -> Sequence[None]:
        summed: dict[tuple[object, ...], SecretUseRecord] = {}
        for use in uses:
            known = summed.setdefault(tuple(getattr(use, name) for name in _KEY), use)
            if known is not use:
                known.count += use.count
        # One order for all transactions, so that no two wait for each other.
        rows = sorted(summed.values(), key=_in_order)
        places, values = row_places([[getattr(row, name) for name in _COLUMNS] for row in rows])
        await self._database.rows(
            _UPSERT.format(columns=",".join(_COLUMNS), key=",".join(_KEY), rows=places), *values
        )
        return [None] * len(uses)

    async def close_minutes(self) -> int:
        """Move the minutes that are over into the chain; return how many entries that made.

        A row is deleted by the transaction that writes its entry, and only as it was read: two sweeps, a
        crash or a late count neither lose a use nor record it twice.
        """
        closed = 0
        with self._database.bind():
            over = SecretUseRecord.filter(minute__lt=_minute(self._clock.now())).order_by("minute", "id")
            while rows := await over.limit(_CHUNK):
                async with self._database.transaction() as tx:
                    for row in sorted(rows, key=_in_order):
                        closed += await self._close(tx, row)
        return closed

    async def _close(self, tx: Transaction, row: SecretUseRecord) -> int:
        if not await SecretUseRecord.filter(id=row.id, count=row.count).delete() or not row.count:
            return 0
        self._write(tx, _entry(row, tx.now))
        return 1


def _in_order(row: SecretUseRecord) -> str:
    return str(tuple(getattr(row, name) for name in _KEY))


def _minute(instant: datetime) -> datetime:
    return instant.replace(second=0, microsecond=0)


def _once(actor: Actor, connection_id: str, purpose: str, minute: datetime) -> SecretUseRecord:
    return SecretUseRecord(
        id=new_id("use"),
        workspace_id=actor.workspace_id,
        connection_id=connection_id,
        purpose=purpose,
        actor_id=actor.id,
        minute=minute,
        count=1,
        actor_kind=actor.kind.value,
        actor_label=storable_text(actor.label)[:MAX_LABEL],
        via=actor.via.value,
        request_id=actor.request_id,
    )


def _entry(row: SecretUseRecord, at: datetime) -> ChainRow:
    kind, via = ActorKind(row.actor_kind), Channel(row.via)
    actor = Actor.remembered(
        row.workspace_id, kind, row.actor_id, row.actor_label, via=via, request_id=row.request_id
    )
    minute = row.minute.strftime("%Y-%m-%dT%H:%MZ")
    detail: Detail = {"purpose": row.purpose, "count": row.count, "minute": minute}
    return draft(at, actor, USED, AuditTarget("connection", row.connection_id, ""), "OK", detail)
