"""Uses of secrets by the machine itself: counted by the minute, then written into the chain exactly once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from app.access.actor import Actor
from app.audit.entry import MAX_LABEL, AuditTarget, Draft
from app.audit.models import SecretUseRecord
from app.foundation.batcher import Batcher
from app.foundation.canonical import storable_text
from app.foundation.clock import Clock
from app.foundation.database import Database, Transaction
from app.foundation.ids import new_id
from app.foundation.places import row_places

USED: Final = "secret.used"
_CHUNK: Final = 200
_KEY: Final = ("workspace_id", "connection_id", "purpose", "actor_id", "minute")
_COLUMNS: Final = ("id", *_KEY, "count", "actor_kind", "actor_label", "via", "request_id")
# The first use makes the row, all others raise its count; if the minute is closed in between, it is made again.
_UPSERT: Final = (
    'INSERT INTO "secret_use" ("id", "workspace_id", "connection_id", "purpose", "actor_id", "minute", "count", '
    '"actor_kind", "actor_label", "via", "request_id") VALUES {rows} '
    "ON CONFLICT (workspace_id, connection_id, purpose, actor_id, minute) "
    'DO UPDATE SET "count" = "secret_use"."count" + excluded."count"'
)
Write = Callable[[Transaction, Draft], None]


class SecretUses:
    """Counts per actor, connection, purpose and minute. A count is durable when :meth:`count` returns."""

    def __init__(self, database: Database, write: Write, clock: Clock) -> None:
        self._database = database
        self._write = write
        self._clock = clock
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
        await _upsert(self._database, rows)
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
        self._write(tx, _entry(row))
        return 1


def _in_order(row: SecretUseRecord) -> str:
    return str(tuple(getattr(row, name) for name in _KEY))


def _minute(instant: datetime) -> datetime:
    return instant.replace(second=0, microsecond=0)


async def _upsert(database: Database, rows: Sequence[SecretUseRecord]) -> None:
    """Count all of them by one statement, which is its own transaction."""
    places, values = row_places([[getattr(row, name) for name in _COLUMNS] for row in rows])
    await database.rows(_UPSERT.format(rows=places), *values)


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


def _entry(row: SecretUseRecord) -> Draft:
    return Draft(
        workspace_id=row.workspace_id,
        actor_kind=row.actor_kind,
        actor_id=row.actor_id,
        actor_label=row.actor_label,
        via=row.via,
        ip_hash=None,
        request_id=row.request_id,
        action=USED,
        target=AuditTarget("connection", row.connection_id, ""),
        outcome="OK",
        detail={"purpose": row.purpose, "count": row.count, "minute": row.minute.strftime("%Y-%m-%dT%H:%MZ")},
    )
