"""What each key holds open, and whether it does: the figures of ``patchbay keys list`` and ``verify``."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tortoise.connection import get_connection

from app.vault.data_keys import DESTROYED, RETIRED, DataKeys, in_batches
from app.vault.errors import CredentialUnreadableError, IntegrityError, KeyUnavailableError
from app.vault.keys import KeyRing
from app.vault.models import DataKeyRecord, KeyCheckRecord
from app.vault.start_up import open_probe

_COUNTS: Final = """
SELECT k."kek_id", k."kek_version", COUNT(DISTINCT k."id") AS "data_keys", COUNT(s."id") AS "sealed_values"
FROM "data_key" k LEFT JOIN "sealed_value" s ON s."data_key_id" = k."id"
WHERE k."state" <> 'DESTROYED' GROUP BY k."kek_id", k."kek_version"
"""


class KeyStatus(StrEnum):
    """What a key is to this hub."""

    ACTIVE = "ACTIVE"
    DECRYPT_ONLY = "DECRYPT_ONLY"
    RETIRED = "RETIRED"
    MISSING = "MISSING"


@dataclass(frozen=True, slots=True)
class KeyUse:
    """One version of one key: what it wraps, and how many sealed values that opens in the end."""

    key_id: str
    version: str
    status: KeyStatus
    data_keys: int
    sealed_values: int


@dataclass(frozen=True, slots=True)
class KeyReport:
    """What one version of one key was found to open."""

    key_id: str
    version: str
    is_held: bool
    opens_probe: bool
    data_keys: int
    opened: int

    @property
    def is_ok(self) -> bool:
        """Whether it opens everything that it should; a key that nothing needs may be absent."""
        return self.opened == self.data_keys and (self.opens_probe or not self.is_held)


async def key_uses(ring: KeyRing) -> tuple[KeyUse, ...]:
    """Return every key of the ring and every key that live data keys need. Needs an active ORM context."""
    counts = {
        (row["kek_id"], row["kek_version"]): (int(row["data_keys"]), int(row["sealed_values"]))
        for row in await get_connection("default").execute_query_dict(_COUNTS)
    }
    checks = await KeyCheckRecord.filter(state=RETIRED)
    retired = {check.kek_id for check in checks}
    held = {(key.key_id, key.version): number for number, key in enumerate(ring.keys)}
    places = sorted({*counts, *held}, key=lambda place: (held.get(place, len(held)), place))
    return tuple(
        KeyUse(*place, _status(ring, retired, place), *counts.get(place, (0, 0))) for place in places
    )


async def key_reports(ring: KeyRing, keys: DataKeys) -> tuple[KeyReport, ...]:
    """Open the probe of every held key and unwrap every live data key, whatever is remembered of them."""
    totals: dict[tuple[str, str], list[int]] = {(key.key_id, key.version): [0, 0] for key in ring.keys}
    async for records in in_batches(DataKeyRecord.exclude(state=DESTROYED)):
        for record in records:
            count = totals.setdefault((record.kek_id, record.kek_version), [0, 0])
            count[0] += 1
            count[1] += await _opens(keys, record)
    return tuple([await _report(ring, *place, *count) for place, count in totals.items()])


async def _opens(keys: DataKeys, record: DataKeyRecord) -> bool:
    try:
        await keys.material(record)
    except (CredentialUnreadableError, KeyUnavailableError):
        return False
    return True


async def _report(ring: KeyRing, key_id: str, version: str, data_keys: int, opened: int) -> KeyReport:
    key, opens = ring.get(key_id, version), False
    if key is not None:
        with suppress(IntegrityError, KeyUnavailableError):
            await open_probe(key, key_id, version)
            opens = True
    return KeyReport(key_id, version, key is not None, opens, data_keys, opened)


def _status(ring: KeyRing, retired: set[str], place: tuple[str, str]) -> KeyStatus:
    active = ring.active
    if place == (active.key_id, active.version):
        return KeyStatus.ACTIVE
    if ring.get(*place) is None:
        return KeyStatus.MISSING
    return KeyStatus.RETIRED if place[0] in retired else KeyStatus.DECRYPT_ONLY
