"""The start-up check: no hub runs on data whose keys it lacks, and no new key is made beside such data."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tortoise.expressions import Subquery
from tortoise.queryset import QuerySet

from app.access.actor import Actor
from app.foundation.database import Database, Transaction
from app.foundation.errors import PermissionDeniedError
from app.foundation.ids import new_id
from app.foundation.problems import ProblemCode, problem
from app.vault.data_keys import ACTIVE, DECRYPT_ONLY, DESTROYED
from app.vault.envelope import KEY_BYTES, WrapContext
from app.vault.errors import (
    IntegrityError,
    KeyCheckError,
    KeyFileError,
    KeyFileExistsError,
    KeyUnavailableError,
)
from app.vault.key_file import create_key_file
from app.vault.keys import KeyProvider, KeyRing
from app.vault.models import DataKeyRecord, KeyCheckRecord, SealedRecord

SYSTEM_WORKSPACE: Final = "system"
VAULT_TABLE: Final = "vault"
"""The owner of what the vault seals for itself; it counts as nobody's credential."""

_PROBE: Final = WrapContext(SYSTEM_WORKSPACE, "probe", purpose="probe")
_ABSENT: Final = "is not in the key ring"
_UNREACHED: Final = "cannot be reached at its keeper"
_WHAT_TO_DO: Final = (
    "Put the missing key back where it was, in the key file or the variable, with its old label, and start "
    "again. Without it nobody can open these credentials, the hub included: if it is lost, restore your copy."
)
_WHAT_TO_DO_THERE: Final = (
    "See that the key service answers at its address and lets this hub wrap and unwrap with the key; the log "
    "says how it refused. Then start again."
)


@dataclass(frozen=True, slots=True)
class KeyFault:
    """One key that stored data needs and that is missing or wrong, and what is lost without it."""

    key_id: str
    version: str
    reason: str
    workspaces: int
    credentials: int


def require_operator(actor: Actor) -> None:
    """Let the operator pass, who acts in the system's workspace, and nobody else.

    Raises:
        PermissionDeniedError: it is somebody else.
    """
    if actor.workspace_id != SYSTEM_WORKSPACE:
        raise PermissionDeniedError(problem(ProblemCode.PERMISSION_DENIED, permission="the operator"))


async def check_keys(ring: KeyRing) -> bool:
    """Check that every key that wraps live data keys is in the ring and opens its probe; only reads.

    Returns whether there are live data keys at all. Needs an active ORM context.

    Raises:
        KeyCheckError: naming the keys, what is affected (in numbers) and what to do.
    """
    needed, keys = await _needed_keys(), ring.keys
    unreached = {key.key_id for key in keys if not await _is_reached(key)}
    faults = [
        await _fault(key_id, version, reason)
        for key_id, version in needed
        if (reason := await _reason(ring.get(key_id, version), key_id, version))
    ]
    if keys[0].key_id in unreached - {fault.key_id for fault in faults}:
        faults.append(await _fault(keys[0].key_id, keys[0].version, _UNREACHED))
    if faults:
        raise _refusal(faults, keys)
    return bool(needed)


async def register_keys(tx: Transaction, ring: KeyRing) -> None:
    """Write a probe for every key of the ring that this database has not seen yet.

    Raises:
        KeyUnavailableError: the active key's keeper cannot be reached.
    """
    seen = set(await KeyCheckRecord.all().values_list("kek_id", "kek_version"))
    active, *others = ring.keys
    records = []
    for key in (active, *others):
        if (key.key_id, key.version) in seen:
            continue
        try:
            probe = await key.wrap(bytes(KEY_BYTES), _PROBE)
        except KeyUnavailableError:
            if key is active:
                raise
            continue  # a key service may let us open and not wrap: what it wrapped serves as the probe
        record = KeyCheckRecord(
            id=new_id("kc"),
            kek_id=key.key_id,
            kek_version=key.version_of(probe),
            probe=probe,
            state=ACTIVE if key is active else DECRYPT_ONLY,
            created_at=tx.now,
        )
        records.append(record)
    if records:
        await KeyCheckRecord.bulk_create(records, ignore_conflicts=True)


async def prepare_key_file(database: Database, path: Path, *, create: bool = True) -> None:
    """Make the key file where there is none, but only if no stored data needs an older key.

    With ``create=False`` (several hosts, on which the operator puts the key) none is made.

    Raises:
        KeyCheckError: there is no file, and stored data needs its key.
        KeyFileError: the file cannot be made, or is to be made by the operator.
    """
    if _exists(path):
        return
    with database.bind():
        faults = [await _fault(*key, f"was in {path}, which does not exist") for key in await _needed_keys()]
    if faults:
        raise _refusal(faults, ())
    if not create:
        raise KeyFileError(
            f"There is no key file {path} (PATCHBAY_KEY_FILE), and no stored data needs one yet. Make it with: "
            "patchbay keys init. Then put the same file on every host."
        )
    with suppress(KeyFileExistsError):  # another process was quicker; its key is ours
        create_key_file(path)


async def open_probe(key: KeyProvider, key_id: str, version: str) -> None:
    """Open the probe of a key or, where none was written yet, a data key that it wrapped.

    Raises:
        IntegrityError: it is another key, or what it should open was changed.
        KeyUnavailableError: its keeper cannot be reached.
    """
    check = await KeyCheckRecord.get_or_none(kek_id=key_id, kek_version=version)
    if check is not None:
        await key.unwrap(check.probe, _PROBE)
        return
    wrapped_by = await _wrapped_by(key_id, version).exclude(wrapped=None).first()
    if wrapped_by is not None:
        await key.unwrap(str(wrapped_by.wrapped), WrapContext(wrapped_by.workspace_id, wrapped_by.id))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:  # a folder that we may not enter: reading it says so
        return True


async def _is_reached(key: KeyProvider) -> bool:
    try:
        await key.check()
    except KeyUnavailableError:
        return False
    return True


async def _needed_keys() -> Sequence[tuple[str, str]]:
    live = DataKeyRecord.exclude(state=DESTROYED).distinct().order_by("kek_id", "kek_version")
    return await live.values_list("kek_id", "kek_version")


async def _reason(key: KeyProvider | None, key_id: str, version: str) -> str | None:
    if key is None:
        return _ABSENT
    try:
        await open_probe(key, key_id, version)
    except IntegrityError:
        return "is in the key ring but does not open its probe: it is another key, or the probe was changed"
    except KeyUnavailableError:
        return _UNREACHED
    return None


async def _fault(key_id: str, version: str, reason: str) -> KeyFault:
    theirs = _wrapped_by(key_id, version).exclude(workspace_id=SYSTEM_WORKSPACE)
    workspaces = await theirs.distinct().values_list("workspace_id", flat=True)
    sealed = SealedRecord.filter(data_key_id__in=Subquery(_wrapped_by(key_id, version).values("id")))
    credentials = await sealed.exclude(owner_table=VAULT_TABLE).count()
    return KeyFault(key_id, version, reason, len(workspaces), credentials)


def _wrapped_by(key_id: str, version: str) -> QuerySet[DataKeyRecord]:
    return DataKeyRecord.filter(kek_id=key_id, kek_version=version).exclude(state=DESTROYED)


def _refusal(faults: Sequence[KeyFault], held: Sequence[KeyProvider]) -> KeyCheckError:
    lines = [
        f"- {fault.key_id} (version {fault.version}) {fault.reason}{_rename_hint(fault, held)}. Affected: "
        f"{_count(fault.workspaces, 'workspace')}, {_count(fault.credentials, 'sealed credential')}."
        for fault in faults
    ]
    said = (
        "The hub does not start: a key that stored credentials need is not usable. Nothing was changed.",
        *lines,
        f"The key ring holds: {', '.join(key.key_id for key in held) or 'no key'}.",
        *([_WHAT_TO_DO] if any(fault.reason != _UNREACHED for fault in faults) else ()),
        *([_WHAT_TO_DO_THERE] if any(fault.reason == _UNREACHED for fault in faults) else ()),
    )
    return KeyCheckError("\n".join(said))


def _rename_hint(fault: KeyFault, held: Sequence[KeyProvider]) -> str:
    label, _, digits = fault.key_id.rpartition(":")
    twin = next((key.key_id for key in held if label and key.key_id.rpartition(":")[2] == digits), None)
    if twin is None or fault.reason != _ABSENT:
        return ""
    return f", where the same key is called {twin}: give it the label {label} again"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
