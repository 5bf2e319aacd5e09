"""Data keys: one active per workspace, made by whoever comes first, kept unwrapped for five minutes."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Final

from tortoise.queryset import QuerySet

from app.foundation.clock import Clock
from app.foundation.database import Transaction
from app.foundation.ids import new_id
from app.vault.envelope import KEY_BYTES, DataKey, WrapContext
from app.vault.errors import CredentialUnreadableError, IntegrityError, KeyUnavailableError
from app.vault.keys import KeyProvider, KeyRing
from app.vault.models import DataKeyRecord, KeyCheckRecord

ACTIVE: Final = "ACTIVE"
DECRYPT_ONLY: Final = "DECRYPT_ONLY"
DESTROYED: Final = "DESTROYED"
RETIRED: Final = "RETIRED"

_BATCH: Final = 200
_CACHE_LIFETIME_S: Final = 300.0
_CACHE_LIMIT: Final = 1024
_ACTIVE_KEY: Final = "vault.active_key"


class KeyCache:
    """Unwrapped data keys of this process, the least used dropped first, none kept longer than five minutes.

    It answers "what does this key look like", never "which key is active": that is asked of the database, in
    the transaction that seals, so that nothing is sealed under a key whose row was rolled back or replaced.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._keys: OrderedDict[tuple[str, str], tuple[float, DataKey]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._keys)

    def get(self, workspace_id: str, data_key_id: str) -> DataKey | None:
        """Return the key if it was unwrapped recently."""
        place = (workspace_id, data_key_id)
        until, key = self._keys.get(place, (0.0, None))
        if key is None:
            return None
        if until <= self._clock.monotonic():
            del self._keys[place]
            return None
        self._keys.move_to_end(place)
        return key

    def put(self, workspace_id: str, key: DataKey) -> None:
        """Remember an unwrapped key from now on."""
        self._keys[workspace_id, key.id] = (self._clock.monotonic() + _CACHE_LIFETIME_S, key)
        self._keys.move_to_end((workspace_id, key.id))
        while len(self._keys) > _CACHE_LIMIT:
            self._keys.popitem(last=False)


class DataKeys:
    """Finds, makes and unwraps the data keys of workspaces. It needs an active ORM context; it opens none."""

    def __init__(self, ring: KeyRing, clock: Clock) -> None:
        self._ring = ring
        self._cache = KeyCache(clock)

    async def active(self, tx: Transaction, workspace_id: str) -> DataKey:
        """Return the key under which the workspace seals; the first call makes it, in ``tx``.

        It is asked of the database once per transaction.

        Raises:
            KeyUnavailableError: its key-encryption key is not in the ring.
            CredentialUnreadableError: its wrapped form does not open.
        """
        known: DataKey | None = tx.state.get((_ACTIVE_KEY, workspace_id))
        if known is not None:
            return known
        record = await DataKeyRecord.get_or_none(active_slot=workspace_id)
        if record is None:
            await self._make(tx, workspace_id)
            record = await DataKeyRecord.get(active_slot=workspace_id)
        key = await self.unwrapped(record)
        tx.state[_ACTIVE_KEY, workspace_id] = key
        return key

    async def replace_active(self, tx: Transaction, workspace_id: str, old_id: str) -> str | None:
        """Make a new key the active one in place of ``old_id``, which only opens from then on; return its id.

        None, and nothing is changed: another key is active by now.

        Raises:
            KeyUnavailableError: the key that wraps was retired, or its keeper cannot be reached.
        """
        stands = DataKeyRecord.filter(id=old_id, active_slot=workspace_id)
        if not await stands.update(active_slot=None, state=DECRYPT_ONLY):
            return None
        tx.state.pop((_ACTIVE_KEY, workspace_id), None)
        return await self._make(tx, workspace_id)

    async def of_record(self, workspace_id: str, data_key_id: str) -> DataKey:
        """Return the key that sealed a value of this workspace, whichever is active by now.

        Raises:
            KeyUnavailableError: its key-encryption key is not in the ring.
            CredentialUnreadableError: the workspace has no such key, it is destroyed or does not open.
        """
        known = self._cache.get(workspace_id, data_key_id)
        if known is not None:
            return known
        record = await DataKeyRecord.get_or_none(id=data_key_id, workspace_id=workspace_id)
        if record is None:
            raise CredentialUnreadableError
        return await self.unwrapped(record)

    async def unwrapped(self, record: DataKeyRecord) -> DataKey:
        """Return the key of a row as it was read.

        Raises:
            KeyUnavailableError: its key-encryption key is not in the ring.
            CredentialUnreadableError: it is destroyed or does not open.
        """
        known = self._cache.get(record.workspace_id, record.id)
        if known is not None:
            return known
        key = DataKey(record.id, await self.material(record))
        self._cache.put(record.workspace_id, key)
        return key

    async def material(self, record: DataKeyRecord) -> bytes:
        """Open the wrapped form of a row's key, whatever is remembered of it; else as :meth:`unwrapped`."""
        kek = self._ring.get(record.kek_id, record.kek_version)
        if kek is None:
            # It may have been wrapped anew since it was read.
            record = await DataKeyRecord.get_or_none(id=record.id) or record
            kek = self._ring.get(record.kek_id, record.kek_version)
        if record.state == DESTROYED or record.wrapped is None:
            raise CredentialUnreadableError
        if kek is None:
            raise KeyUnavailableError
        try:
            return await kek.unwrap(record.wrapped, WrapContext(record.workspace_id, record.id))
        except IntegrityError:
            raise CredentialUnreadableError from None

    async def _make(self, tx: Transaction, workspace_id: str) -> str:
        kek, data_key_id = await self._kek_that_wraps(), new_id("dk")
        wrapped = await kek.wrap(secrets.token_bytes(KEY_BYTES), WrapContext(workspace_id, data_key_id))
        record = DataKeyRecord(
            id=data_key_id,
            workspace_id=workspace_id,
            active_slot=workspace_id,
            state=ACTIVE,
            kek_id=kek.key_id,
            kek_version=kek.version_of(wrapped),
            wrapped=wrapped,
            created_at=tx.now,
        )
        # Of two processes at once one inserts; the other waits for it, inserts nothing, reads the winner's.
        await DataKeyRecord.bulk_create([record], ignore_conflicts=True)
        return data_key_id

    async def _kek_that_wraps(self) -> KeyProvider:
        """Return the active key, unless it was retired: this hub's keys are then older than the others'."""
        kek = self._ring.active
        if await _is_retired(kek.key_id):
            self._ring.refresh()
            kek = self._ring.active
            if await _is_retired(kek.key_id):
                raise KeyUnavailableError
        return kek


async def in_batches(wanted: QuerySet[DataKeyRecord]) -> AsyncIterator[list[DataKeyRecord]]:
    """Yield the rows of a query in the order of their ids, so many at a time, each batch read when it is asked for."""
    after = ""
    while batch := await wanted.filter(id__gt=after).order_by("id").limit(_BATCH):
        after = batch[-1].id
        yield batch


async def _is_retired(key_id: str) -> bool:
    # The lock keeps a key from being retired while this transaction wraps under it.
    checks = await KeyCheckRecord.filter(kek_id=key_id).order_by("id").select_for_update()
    return bool(checks) and all(check.state == RETIRED for check in checks)
