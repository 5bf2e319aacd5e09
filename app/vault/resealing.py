"""A new data key for a workspace after a leak: its values are sealed anew in the background, then the old key goes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from tortoise.expressions import Q, Subquery
from tortoise.queryset import QuerySet

from app.access.actor import Actor
from app.audit.entry import AuditTarget
from app.audit.log import AuditLog
from app.foundation.database import Database
from app.foundation.ids import new_id
from app.vault.data_keys import DECRYPT_ONLY, DESTROYED, DataKeys, in_batches
from app.vault.envelope import DataKey, SealContext, open_sealed, seal
from app.vault.errors import CredentialUnreadableError, IntegrityError, KeyRefusedError, KeyUnavailableError
from app.vault.keys import KeyRing
from app.vault.models import DataKeyRecord, SealedRecord
from app.vault.start_up import SYSTEM_WORKSPACE, require_operator
from app.vault.swaps import NewSeal, swap_seals

_BATCH: Final = 200
_NEW_KEYS_AT_ONCE: Final = 20
_MAX_IDLE_ROUNDS: Final = 50
_PAUSE_S: Final = 0.1
_DESTROY_EVERY_S: Final = 3_600.0


@dataclass(frozen=True, slots=True)
class Resealed:
    """How many workspaces got a new data key, how many values lie under it now, how many do not open.

    ``busy`` are those that other transactions held all the time: a hub seals them anew within minutes.
    """

    new_keys: int
    moved: int
    unreadable: int
    busy: int


class _Moved(NamedTuple):
    moved: int
    unreadable: int
    busy: int


class Resealing:
    """Replaces data keys. What is left to do is what the rows say: values under a key that only opens.

    A value keeps its generation, since its content is the same; one that is replaced meanwhile is left to whoever
    replaced it.
    """

    def __init__(self, database: Database, ring: KeyRing, audit: AuditLog) -> None:
        self._database = database
        self._ring = ring
        self._audit = audit
        self._clock = database.clock
        self._keys = DataKeys(ring, database.clock)
        self._destroy_at = 0.0

    async def reseal(
        self, actor: Actor, workspace_id: str | None, *, made_before: datetime | None = None
    ) -> Resealed:
        """Give a workspace (or, with None, every one) a new data key and seal its values under it.

        With ``made_before`` only data keys that were made before that instant are replaced: called again with the same
        one, it goes on where it was killed. Without, a key that a killed call has made is replaced once more.

        Raises:
            KeyRefusedError: the workspace has no data key.
            KeyUnavailableError: the key that wraps cannot be reached.
        """
        require_operator(actor)
        self._ring.refresh()
        with self._database.bind():
            if workspace_id is not None and not await DataKeyRecord.exists(active_slot=workspace_id):
                raise KeyRefusedError(
                    f"The workspace {workspace_id!r} has no data key: nothing is sealed there."
                )
            made = await self._replace_keys(actor, workspace_id, made_before)
            found = await self._move_values(actor, workspace_id)
        return Resealed(made, *found)

    async def tend(self, retention: timedelta) -> tuple[int, int]:
        """Go on with what a killed command left, and destroy data keys that nothing has needed for ``retention``.

        Return how many values were sealed anew and how many keys were destroyed.
        """
        actor = Actor.system(SYSTEM_WORKSPACE, "key rotation", new_id("req"))
        with self._database.bind():
            found = await self._move_values(actor, None)
            return found.moved, await self._destroy_unneeded(actor, retention)

    async def _replace_keys(
        self, actor: Actor, workspace_id: str | None, made_before: datetime | None
    ) -> int:
        old = DataKeyRecord.exclude(active_slot=None) if workspace_id is None else _active_of([workspace_id])
        if made_before is not None:
            old = old.filter(created_at__lt=made_before)
        # Listed once: a key made here is not found again, whatever the clocks of several hosts say.
        due = [
            (record.id, record.workspace_id) for record in await old.order_by("id").only("id", "workspace_id")
        ]
        made = 0
        for start in range(0, len(due), _NEW_KEYS_AT_ONCE):
            async with self._database.transaction() as tx:
                for old_id, workspace in due[start : start + _NEW_KEYS_AT_ONCE]:
                    new_key = await self._keys.replace_active(tx, workspace, old_id)
                    if new_key is not None:  # else another command replaced it in this moment
                        target = AuditTarget("data_key", new_key, workspace)
                        self._audit.record(
                            tx, actor, "data_key.replaced", target, detail={"replaces": old_id}
                        )
                        made += 1
        return made

    async def _move_values(self, actor: Actor, workspace_id: str | None) -> _Moved:
        """Go over what is left until nothing is, but for what does not open or stays locked by others."""
        total, rounds_left = 0, _MAX_IDLE_ROUNDS
        while True:
            found = await self._round(actor, workspace_id)
            total += found.moved
            rounds_left = _MAX_IDLE_ROUNDS if found.moved else rounds_left - 1
            if not found.moved and (not found.busy or not rounds_left):
                return _Moved(total, found.unreadable, found.busy)
            if not found.moved:
                await self._clock.sleep(_PAUSE_S)

    async def _round(self, actor: Actor, workspace_id: str | None) -> _Moved:
        seen = moved = unreadable = 0
        place = ("", "")
        while rows := await _left(workspace_id, place):
            place = (rows[-1].data_key_id, rows[-1].id)
            seals = await self._sealed_anew(rows)
            seen, unreadable = seen + len(rows), unreadable + len(rows) - len(seals)
            moved += await self._save(actor, seals, workspace_id)
        return _Moved(moved, unreadable, seen - moved - unreadable)

    async def _sealed_anew(self, rows: Sequence[SealedRecord]) -> list[NewSeal]:
        """Seal those that open; a value that was moved here from another workspace does not."""
        old = {
            (key.id, key.workspace_id): key
            for key in await DataKeyRecord.filter(id__in={row.data_key_id for row in rows})
        }
        new = {key.workspace_id: key for key in await _active_of({row.workspace_id for row in rows})}
        found = []
        for row in rows:
            source, target = old.get((row.data_key_id, row.workspace_id)), new.get(row.workspace_id)
            if source is None or target is None:
                continue
            with suppress(IntegrityError, CredentialUnreadableError, KeyUnavailableError):
                found.append(
                    _sealed_anew(row, await self._keys.unwrapped(source), await self._keys.unwrapped(target))
                )
        return found

    async def _save(self, actor: Actor, seals: Sequence[NewSeal], workspace_id: str | None) -> int:
        if not seals:
            return 0
        async with self._database.transaction() as tx:
            moved = await swap_seals(seals)
            if moved:
                target = AuditTarget("workspace", workspace_id or "all", workspace_id or "all workspaces")
                self._audit.record(tx, actor, "data_key.resealed", target, detail={"values": moved})
        return moved

    async def _destroy_unneeded(self, actor: Actor, retention: timedelta) -> int:
        if self._clock.monotonic() < self._destroy_at:
            return 0
        self._destroy_at = self._clock.monotonic() + _DESTROY_EVERY_S
        destroyed = 0
        async for records in in_batches(DataKeyRecord.filter(state=DECRYPT_ONLY)):
            async with self._database.transaction() as tx:
                for record in await _unneeded(records, tx.now - retention):
                    gone = DataKeyRecord.filter(id=record.id, state=DECRYPT_ONLY)
                    if await gone.update(state=DESTROYED, wrapped=None, destroyed_at=tx.now):
                        target = AuditTarget("data_key", record.id, record.workspace_id)
                        self._audit.record(tx, actor, "data_key.destroyed", target)
                        destroyed += 1
        return destroyed


def _sealed_anew(row: SealedRecord, old: DataKey, new: DataKey) -> NewSeal:
    place = SealContext(row.workspace_id, row.owner_table, row.owner_row, row.field, row.generation)
    return NewSeal(row, seal(new, place, open_sealed(old, place, row.sealed)), new.id)


def _active_of(workspace_ids: Collection[str]) -> QuerySet[DataKeyRecord]:
    return DataKeyRecord.filter(active_slot__in=list(workspace_ids))


async def _left(workspace_id: str | None, place: tuple[str, str]) -> list[SealedRecord]:
    """Return the next values under keys that only open, behind a place in the order of keys and rows."""
    replaced = DataKeyRecord.filter(state=DECRYPT_ONLY)
    if workspace_id is not None:
        replaced = replaced.filter(workspace_id=workspace_id)
    key_id, row_id = place
    rest = SealedRecord.filter(Q(data_key_id__gt=key_id) | Q(data_key_id=key_id, id__gt=row_id))
    under: QuerySet[SealedRecord] = rest.filter(data_key_id__in=Subquery(replaced.values("id")))
    return await under.order_by("data_key_id", "id").limit(_BATCH)


async def _unneeded(records: Sequence[DataKeyRecord], replaced_before: datetime) -> list[DataKeyRecord]:
    """Return those that nothing is sealed under and whose successor has been active since before an instant."""
    successors = _active_of({record.workspace_id for record in records})
    long_replaced = {key.workspace_id for key in await successors.filter(created_at__lte=replaced_before)}
    needed = SealedRecord.filter(data_key_id__in=[record.id for record in records])
    in_use = {value.data_key_id for value in await needed.only("data_key_id")}
    return [key for key in records if key.workspace_id in long_replaced and key.id not in in_use]
