"""The vault: seals values into their places, opens them for an audited purpose, derives the hub's keys."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.access.actor import Actor
from app.audit.entry import AuditTarget, DetailValue, EntryOutcome
from app.audit.log import AuditLog
from app.foundation.batcher import Batcher
from app.foundation.database import Database, Transaction
from app.foundation.errors import ConflictError, NotFoundError, PatchbayError
from app.foundation.problems import ProblemCode, problem
from app.foundation.secret import Secret
from app.vault.data_keys import DataKeys
from app.vault.envelope import KEY_BYTES, framed, open_sealed
from app.vault.errors import CredentialUnreadableError, IntegrityError, KeyCheckError, KeyUnavailableError
from app.vault.keys import KeyRing
from app.vault.models import DataKeyRecord, SealedRecord
from app.vault.reveals import RevealPurpose, is_counted
from app.vault.sealed_rows import (
    FIRST_GENERATION,
    Sealed,
    SealedRef,
    at,
    find,
    find_all,
    insert,
    replace_sealed,
)
from app.vault.start_up import SYSTEM_WORKSPACE, VAULT_TABLE, check_keys, register_keys
from app.vault.values import decode_value, encode_value

__all__ = ["RevealPurpose", "Revealed", "SealedRef", "Vault"]

_FINGERPRINT_BYTES: Final = 16
_SYSTEM_LABEL: Final = b"patchbay/system/v1/"
_NO_ROOT: Final = (
    "The hub does not start: its own root secret {}, although the database holds data. Nothing was changed. "
    "Restore the database from a backup."
)


@dataclass(frozen=True, slots=True)
class Revealed:
    """An opened value and the generation it had; its secret leaves are :class:`Secret`."""

    generation: int
    value: dict[str, Any] = field(repr=False)


class Vault:
    """Keeps what must not be read: stores nothing in the clear and opens nothing without an audit of it.

    It decides neither who may open a value (the verb that asks does) nor when one is replaced. Lists never
    come here: what a list shows stands in plain columns elsewhere.
    """

    def __init__(self, database: Database, ring: KeyRing, audit: AuditLog) -> None:
        self._database = database
        self._ring = ring
        self._audit = audit
        self._keys = DataKeys(ring, database.clock)
        self._root: bytes | None = None
        self._system_keys: dict[str, bytes] = {}
        self._reads = Batcher(self._find_all)

    async def start(self) -> None:
        """Check the keys, then read the hub's own secret; a first start makes it. Audits nothing.

        Raises:
            KeyCheckError: a key that stored data needs is missing or wrong; the database is as it was.
        """
        with self._database.bind():
            await check_keys(self._ring)
            try:
                async with self._database.transaction() as tx:
                    await register_keys(tx, self._ring)
                    root = await self._hub_secret(tx)
            except KeyUnavailableError:
                await check_keys(self._ring)  # another process began in this moment, with another key
                raise
        self._root = root

    async def put(
        self, tx: Transaction, ref: SealedRef, value: Mapping[str, Any], *, expected_generation: int | None
    ) -> int:
        """Seal ``value`` (JSON with :class:`Secret` leaves) into its place; return its new generation.

        ``expected_generation`` is the one to replace; None means that the place must be empty.

        Raises:
            ConflictError: the place holds another generation, or none.
            KeyUnavailableError: the workspace's key is not in the ring.
            TypeError: ``value`` holds something else than JSON and secrets.
            ValueError: ``value`` is larger than 1 MiB.
        """
        plaintext = encode_value(value)
        key = await self._keys.active(tx, ref.workspace_id)
        if expected_generation is None:
            written = await insert(tx, ref, key, plaintext)
        else:
            written = await replace_sealed(tx, ref, key, plaintext, expected_generation)
        if not written:
            raise ConflictError(problem(ProblemCode.CONFLICT))
        return FIRST_GENERATION if expected_generation is None else expected_generation + 1

    async def reveal(
        self,
        actor: Actor,
        ref: SealedRef,
        *,
        purpose: RevealPurpose,
        generation: int | None = None,
        connection_id: str | None = None,
    ) -> Revealed:
        """Open a value, after the audit of it is durable. Never call it inside a transaction.

        With ``generation`` only that generation will do. Counted openings are counted under
        ``connection_id``, or else under the row's id.

        Raises:
            NotFoundError: the place is empty, or in another workspace than the actor.
            ConflictError: it holds another generation.
            CredentialUnreadableError: what it holds does not open; audited too.
            KeyUnavailableError: its key is not in the ring; audited too.
            RuntimeError: a transaction is open here, and its rollback would take the audit with it.
        """
        if actor.workspace_id != ref.workspace_id:
            raise NotFoundError
        if self._database.is_in_transaction():
            raise RuntimeError("a value is never revealed inside a transaction")
        with self._database.bind():
            record = await self._reads.submit(ref)
            if record is None:
                raise NotFoundError
            if generation is not None and record.generation != generation:
                raise ConflictError(problem(ProblemCode.CONFLICT))
            try:
                value = await self._open_value(ref, record)
            except (CredentialUnreadableError, KeyUnavailableError) as fault:
                await self._write_down(actor, ref, record.generation, purpose, fault)
                raise
            if is_counted(actor, purpose):
                await self._audit.count_use(actor, connection_id or ref.row_id, purpose.value)
            else:
                await self._write_down(actor, ref, record.generation, purpose, None)
            return Revealed(record.generation, value)

    async def copy(self, tx: Transaction, source: SealedRef, target: SealedRef) -> bool:
        """Seal what stands at ``source`` also for ``target``, with ``tx``; False where it is empty or does not open.

        The verb that copies it writes the audit entry in the same transaction.

        Raises:
            ConflictError: ``target`` holds something.
            KeyUnavailableError: the workspace's key is not in the ring.
        """
        record = await find(source)
        if record is None:
            return False
        try:
            plaintext = await self._open(source, record)
        except CredentialUnreadableError:
            return False
        key = await self._keys.active(tx, target.workspace_id)
        if not await insert(tx, target, key, plaintext):
            raise ConflictError(problem(ProblemCode.CONFLICT))
        return True

    async def move(self, tx: Transaction, source: SealedRef, target: SealedRef) -> bool:
        """Copy, and empty ``source``: nothing opens the value at its old place afterwards, also what does not open.

        Raises:
            ConflictError, KeyUnavailableError: as :meth:`copy` does.
        """
        copied = await self.copy(tx, source, target)
        await at(source).delete()
        return copied

    async def fields_of(self, workspace_id: str, table: str, row_id: str) -> list[str]:
        """Return the names of the fields that are sealed for a row; opens none."""
        with self._database.bind():
            rows = SealedRecord.filter(workspace_id=workspace_id, owner_table=table, owner_row=row_id)
            return sorted(str(name) for name in await rows.values_list("field", flat=True))

    async def destroy(self, tx: Transaction, ref: SealedRef) -> None:  # noqa: ARG002 - joined by the models
        """Delete a sealed value with ``tx``; an empty place is no fault."""
        await at(ref).delete()

    async def destroy_row(self, tx: Transaction, table: str, row_id: str) -> None:  # noqa: ARG002 - joined
        """Delete all sealed values of one row with ``tx``."""
        await SealedRecord.filter(owner_table=table, owner_row=row_id).delete()

    async def generations(self, table: str, field: str) -> dict[str, int]:
        """Return the generation of every value sealed for ``field`` of a table's rows, by row id; opens none."""
        with self._database.bind():
            rows = SealedRecord.filter(owner_table=table, field=field)
            return {
                str(row): int(number) for row, number in await rows.values_list("owner_row", "generation")
            }

    async def fingerprint(self, workspace_id: str, domain: str, secret: Secret) -> str:
        """Return 32 hex digits, equal for equal secrets of one workspace and domain and for no others.

        They cannot be guessed at without the workspace's own key, which no rotation changes.

        Raises:
            KeyUnavailableError, CredentialUnreadableError: that key cannot be opened.
        """
        ref = SealedRef(workspace_id, VAULT_TABLE, workspace_id, "fingerprint_key")
        with self._database.bind():
            record = await find(ref)
            if record is None:
                async with self._database.transaction() as tx:
                    record = await self._stored_secret(tx, ref)
            key = await self._open(ref, record)
        return hmac.digest(key, framed(domain, secret.reveal()), "sha256")[:_FINGERPRINT_BYTES].hex()

    async def system_key(self, purpose: str) -> bytes:
        """Return the hub's 32-byte key for ``purpose``: the same on every host and after every restart.

        It touches neither the database nor the audit, so that the audit's own key can come from here.

        Raises:
            RuntimeError: the vault has not been started.
        """
        if self._root is None:
            raise RuntimeError("the vault has not been started")
        key = self._system_keys.get(purpose)
        if key is None:
            info = _SYSTEM_LABEL + purpose.encode()
            key = HKDF(algorithm=SHA512(), length=KEY_BYTES, salt=None, info=info).derive(self._root)
            self._system_keys[purpose] = key
        return key

    async def _hub_secret(self, tx: Transaction) -> bytes:
        ref = SealedRef(SYSTEM_WORKSPACE, VAULT_TABLE, SYSTEM_WORKSPACE, "root")
        # One transaction writes both: asked in this order, whoever sees the key sees the secret too.
        begun = await DataKeyRecord.exists(workspace_id=SYSTEM_WORKSPACE)
        record = await find(ref)
        if record is None and begun:
            raise KeyCheckError(_NO_ROOT.format("is missing"))
        try:
            return await self._open(ref, record or await self._stored_secret(tx, ref))
        except CredentialUnreadableError:
            raise KeyCheckError(_NO_ROOT.format("does not open")) from None

    async def _stored_secret(self, tx: Transaction, ref: SealedRef) -> Sealed:
        key = await self._keys.active(tx, ref.workspace_id)
        await insert(tx, ref, key, secrets.token_bytes(KEY_BYTES))
        stored = await find(ref)
        if stored is None:  # destroyed in the same moment
            raise NotFoundError
        return stored

    async def _find_all(self, refs: Sequence[SealedRef]) -> list[Sealed | None]:
        with self._database.bind():
            return await find_all(refs)

    async def _open(self, ref: SealedRef, record: Sealed) -> bytes:
        key = await self._keys.of_record(ref.workspace_id, record.data_key_id)
        try:
            return open_sealed(key, ref.context(record.generation), record.sealed)
        except IntegrityError:
            raise CredentialUnreadableError from None

    async def _open_value(self, ref: SealedRef, record: Sealed) -> dict[str, Any]:
        try:
            return decode_value(await self._open(ref, record))
        except IntegrityError:
            raise CredentialUnreadableError from None

    async def _write_down(
        self,
        actor: Actor,
        ref: SealedRef,
        generation: int,
        purpose: RevealPurpose,
        fault: PatchbayError | None,
    ) -> None:
        detail: dict[str, DetailValue] = {
            "purpose": purpose.value,
            "field": ref.field,
            "generation": generation,
        }
        if fault is not None:
            detail["problem"] = fault.problem.code.value
        target = AuditTarget(ref.table, ref.row_id, ref.field)
        outcome: EntryOutcome = "OK" if fault is None else "FAILED"
        await self._audit.record_alone(actor, "secret.revealed", target, outcome=outcome, detail=detail)
