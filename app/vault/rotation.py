"""Rotation of the keys that wrap data keys: add, promote, rewrap, verify, retire, while hubs keep serving.

Nothing remembers how far a rotation is: what is left to do stands in the key file and in the rows. Each act is recorded
in the audit before it happens, and done again it does what is left. A killed act leaves everything readable under
keys that the ring holds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.access.actor import Actor
from app.audit.log import AuditLog
from app.foundation.database import Database
from app.foundation.secret import Secret
from app.vault.data_keys import ACTIVE, DECRYPT_ONLY, DESTROYED, RETIRED, DataKeys
from app.vault.errors import IntegrityError, KeyFileError, KeyRefusedError
from app.vault.key_file import format_key_line
from app.vault.key_names import named, target_of
from app.vault.key_ring_edit import (
    Lines,
    edit_key_file,
    free_label,
    line_id,
    new_line,
    with_active,
    with_key,
    without_key,
)
from app.vault.key_uses import KeyReport, KeyUse, key_reports, key_uses
from app.vault.keys import FileKeyProvider, KeyProvider, KeyRing, LocalKeyProvider
from app.vault.models import DataKeyRecord, KeyCheckRecord
from app.vault.rewrapping import Rewrapped, Rewrapping
from app.vault.start_up import open_probe, register_keys, require_operator


@dataclass(frozen=True, slots=True)
class KeyHome:
    """Where the keys of this hub come from: a file that is edited here, lines the operator keeps, or a key service.

    ``kept_in`` says to people where the operator keeps the lines, such as the name of a variable.
    """

    file: Path | None = None
    data_folder: Path | None = None
    kept_in: str | None = None
    has_service: bool = False


@dataclass(frozen=True, slots=True)
class AddedKey:
    """A key that was made; ``addition`` is what ``kept_in`` needs besides, and stands nowhere else."""

    key_id: str
    addition: Secret | None = None
    kept_in: str | None = None


class KeyRotation:
    """Changes which keys wrap the data keys. Every verb is the operator's and is audited in the system's chain."""

    def __init__(self, database: Database, ring: KeyRing, audit: AuditLog, home: KeyHome) -> None:
        self._database = database
        self._ring = ring
        self._audit = audit
        self._keys = DataKeys(ring, database.clock)
        self._rewrapping = Rewrapping(database, ring, audit, self._keys)
        self._home = home

    async def list(self, actor: Actor) -> tuple[KeyUse, ...]:
        """Return every key that the hub holds or that stored data needs, with what hangs on it."""
        self._begin(actor)
        with self._database.bind():
            return await key_uses(self._ring)

    async def add(self, actor: Actor, label: str | None = None) -> AddedKey:
        """Make a key that opens and does not wrap yet: in the key file, or for where the operator keeps the lines.

        Raises:
            KeyRefusedError: the label is taken or not one, or keys come from a key service alone.
            KeyFileError: the key file cannot be rewritten.
        """
        self._begin(actor)
        if self._home.file is None and self._home.kept_in is None:
            raise KeyRefusedError(
                "A key service makes its keys itself: make one there and name it in the settings."
            )
        labels = [key.label for key in self._ring.keys if isinstance(key, LocalKeyProvider)]
        line = new_line(label or free_label(labels, labels[0]))
        if line.label in labels:
            raise KeyRefusedError(
                f"A key with the label {line.label} stands there already. Choose another label."
            )
        await self._audit.record_alone(actor, "key.added", target_of(line_id(line)), outcome="OK")
        if self._home.file is None:
            return AddedKey(line_id(line), Secret(format_key_line(line)), self._home.kept_in)
        await self._edit(actor, "key.added", line_id(line), lambda lines: with_key(lines, line))
        async with self._database.transaction() as tx:
            await register_keys(tx, self._ring)
        return AddedKey(line_id(line))

    async def promote(self, actor: Actor, name: str) -> tuple[str, bool]:
        """Make a key the active one: it wraps from now on. Return its id and whether anything changed.

        Raises:
            KeyRefusedError: the ring does not hold the key, it was retired, or it is not this hub's to promote.
            KeyFileError: the key file cannot be rewritten.
        """
        self._begin(actor)
        key = self._held(name)
        is_active = key.key_id == self._ring.active.key_id
        if not is_active and (self._home.file is None or self._home.has_service):
            raise KeyRefusedError(_elsewhere(self._home, key.key_id))
        changed = await self._mark_active(actor, key) or not is_active
        if not is_active:
            await self._edit(actor, "key.promoted", key.key_id, lambda lines: with_active(lines, key.key_id))
        return key.key_id, changed

    async def rewrap(self, actor: Actor) -> Rewrapped:
        """Wrap under the active key every data key that another key, or another version of it, wraps.

        Raises:
            KeyUnavailableError: the active key's keeper cannot be reached.
        """
        self._begin(actor)
        return await self._rewrapping.run(actor)

    async def verify(self, actor: Actor) -> tuple[KeyReport, ...]:
        """Open every held key's probe and unwrap every data key."""
        self._begin(actor)
        with self._database.bind():
            reports = await key_reports(self._ring, self._keys)
        for report in reports:
            await self._audit.record_alone(
                actor,
                "key.verified",
                target_of(report.key_id),
                outcome="OK" if report.is_ok else "FAILED",
                detail={"version": report.version, "dataKeys": report.data_keys, "opened": report.opened},
            )
        return reports

    async def retire(self, actor: Actor, name: str) -> tuple[str, bool]:
        """Take a key out of use for good, once nothing needs it; return its id and whether it is gone from here.

        It is not gone where the operator has to take it out: of a variable, of the settings of a key service, or
        with the file that holds no other key.

        Raises:
            KeyRefusedError: it is active, data keys are still wrapped under it, or nobody knows it.
            KeyFileError: the key file cannot be rewritten; done again, the rest is done.
        """
        self._begin(actor)
        key_id = await self._known(name)
        if key_id == self._ring.active.key_id:
            raise KeyRefusedError(f"The key {key_id} is the active one. Promote another one first.")
        await self._mark_retired(actor, key_id)
        key = next((key for key in self._ring.others if key.key_id == key_id), None)
        if key is None:
            return key_id, True
        if self._home.file is None or not isinstance(key, FileKeyProvider) or self._is_alone(key_id):
            return key_id, False
        await self._edit(actor, "key.retired", key_id, lambda lines: self._without(lines, key_id))
        return key_id, True

    def _begin(self, actor: Actor) -> None:
        require_operator(actor)
        self._ring.refresh()

    def _held(self, name: str) -> KeyProvider:
        return next(key for key in self._ring.keys if key.key_id == named(name, self._ring.keys, ()))

    async def _known(self, name: str) -> str:
        with self._database.bind():
            seen = await KeyCheckRecord.all().values_list("kek_id", flat=True)
        return named(name, self._ring.keys, [str(key_id) for key_id in seen])

    async def _mark_active(self, actor: Actor, key: KeyProvider) -> bool:
        async with self._database.transaction() as tx:
            await register_keys(tx, self._ring)
            try:
                await open_probe(key, key.key_id, key.version)
            except IntegrityError:
                raise KeyRefusedError(
                    f"The key {key.key_id} does not open its probe: it is another key."
                ) from None
            mine = KeyCheckRecord.filter(kek_id=key.key_id)
            if await mine.filter(state=RETIRED).exists():
                raise KeyRefusedError(
                    f"The key {key.key_id} was retired and does not come back. Add a new one."
                )
            others = KeyCheckRecord.filter(state=ACTIVE).exclude(kek_id=key.key_id)
            changed = await others.update(state=DECRYPT_ONLY) + await mine.exclude(state=ACTIVE).update(
                state=ACTIVE
            )
            if changed or key.key_id != self._ring.active.key_id:
                self._audit.record(tx, actor, "key.promoted", target_of(key.key_id))
            return bool(changed)

    async def _mark_retired(self, actor: Actor, key_id: str) -> None:
        async with self._database.transaction() as tx:
            await register_keys(tx, self._ring)
            # Whoever wraps a new data key locks this row first: after the update nothing is wrapped under the key.
            changed = await KeyCheckRecord.filter(kek_id=key_id).exclude(state=RETIRED).update(state=RETIRED)
            used = await DataKeyRecord.filter(kek_id=key_id).exclude(state=DESTROYED).count()
            if used:
                raise KeyRefusedError(
                    f"The key {key_id} still wraps {used} data key{'s' if used > 1 else ''}. Nothing was changed. "
                    "Run: patchbay keys rewrap"
                )
            if changed or any(key.key_id == key_id for key in self._ring.keys):
                self._audit.record(tx, actor, "key.retired", target_of(key_id))

    def _is_alone(self, key_id: str) -> bool:
        """Return whether the file holds no other key: it is then deleted as a whole, which nobody does but people."""
        return [key.key_id for key in self._ring.keys if isinstance(key, FileKeyProvider)] == [key_id]

    def _without(self, lines: Lines, key_id: str) -> Lines:
        others = [line_id(line) for line in lines if line_id(line) != key_id]
        if self._home.has_service and others:
            lines = with_active(
                lines, others[0]
            )  # in the file somebody must be; the service wraps all the same
        return without_key(lines, key_id)

    async def _edit(self, actor: Actor, action: str, key_id: str, change: Callable[[Lines], Lines]) -> None:
        if self._home.file is None:
            return
        try:
            edit_key_file(self._home.file, change, data_folder=self._home.data_folder)
        except (KeyFileError, KeyRefusedError):
            await self._audit.record_alone(actor, action, target_of(key_id), outcome="FAILED")
            raise
        self._ring.refresh()


def _elsewhere(home: KeyHome, key_id: str) -> str:
    if home.kept_in is not None:
        return (
            f"The keys come from {home.kept_in}: put the word 'active' behind {key_id.partition(':')[0]} there and "
            "nowhere else, on every host, restart, and run this again."
        )
    return (
        f"A key service wraps here. To go over to {key_id}, change PATCHBAY_KEY_PROVIDER and PATCHBAY_KEY_ID."
    )
