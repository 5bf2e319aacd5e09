"""Wrapping all data keys under the active key, batch by batch; the sealed values stay as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tortoise.expressions import Q

from app.access.actor import Actor
from app.audit.entry import DetailValue
from app.audit.log import AuditLog
from app.foundation.database import Database
from app.vault.data_keys import DESTROYED, DataKeys, in_batches
from app.vault.envelope import WrapContext
from app.vault.errors import CredentialUnreadableError, KeyUnavailableError
from app.vault.key_names import target_of
from app.vault.keys import KeyProvider, KeyRing
from app.vault.models import DataKeyRecord
from app.vault.start_up import register_keys
from app.vault.swaps import NewWrap, swap_wraps


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """How many data keys the active key wraps now that it did not wrap before, and which ones do not open."""

    key_id: str
    moved: int
    stuck: tuple[str, ...]


class Rewrapping:
    """Moves data keys by compare-and-swap: two at once, or one that was killed, leave no row in between."""

    def __init__(self, database: Database, ring: KeyRing, audit: AuditLog, keys: DataKeys) -> None:
        self._database = database
        self._ring = ring
        self._audit = audit
        self._keys = keys

    async def run(self, actor: Actor) -> Rewrapped:
        """Wrap what other keys, or other versions of the active key, wrap; leave alone what does not open.

        Raises:
            KeyUnavailableError: the active key's keeper cannot be reached.
        """
        target = self._ring.active
        await target.check()
        async with self._database.transaction() as tx:
            await register_keys(tx, self._ring)
        moved, before = 0, -1
        stuck: set[str] = set()
        while moved > before:  # until a whole round finds nothing: a hub may have made keys meanwhile
            before = moved
            moved += await self._round(actor, target, stuck)
        return Rewrapped(target.key_id, moved, tuple(sorted(stuck)))

    async def _round(self, actor: Actor, target: KeyProvider, stuck: set[str]) -> int:
        moved = 0
        wrapped_by_it = Q(kek_id=target.key_id, kek_version=target.version)
        with self._database.bind():
            async for records in in_batches(DataKeyRecord.filter(~wrapped_by_it).exclude(state=DESTROYED)):
                wraps = [
                    wrap for record in records if (wrap := await self._wrapped_anew(record, target, stuck))
                ]
                moved += await self._save(actor, target, wraps)
        return moved

    async def _wrapped_anew(
        self, record: DataKeyRecord, target: KeyProvider, stuck: set[str]
    ) -> NewWrap | None:
        try:
            material = await self._keys.material(record)
        except (CredentialUnreadableError, KeyUnavailableError):
            stuck.add(record.id)
            return None
        context = WrapContext(record.workspace_id, record.id)
        wrapped = await target.wrap(material, context)
        if await target.unwrap(wrapped, context) != material:
            raise KeyUnavailableError  # what opens is never replaced by what does not
        return NewWrap(record, wrapped, target.key_id, target.version_of(wrapped))

    async def _save(self, actor: Actor, target: KeyProvider, wraps: Sequence[NewWrap]) -> int:
        if not wraps:
            return 0
        async with self._database.transaction() as tx:
            moved = await swap_wraps(wraps)
            if moved:
                detail: dict[str, DetailValue] = {"dataKeys": moved, "version": target.version}
                self._audit.record(tx, actor, "key.rewrapped", target_of(target.key_id), detail=detail)
        return moved
