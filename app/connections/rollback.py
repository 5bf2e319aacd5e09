"""Finds credentials that stand at an older generation than the audit log records.

No sealing can distinguish an old row that is put back whole from a new one: it opens, as it did then. But each sealing
and renewal recorded its generation in the audit chain, which only the hub's key can write.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from app.audit.log import AuditLog
from app.credentials.owner import CREDENTIAL_TABLE, CREDENTIALS_FIELD
from app.vault.vault import Vault

_SEALED: Final = frozenset({"credentials.sealed", "credentials.renewed"})
_GIVEN_UP: Final = frozenset(
    {"credentials.moved_to_revocation", "connection.disconnected", "connection.deleted"}
)


@dataclass(frozen=True, slots=True)
class RolledBack:
    """A connection whose sealed credentials are older than the last recorded ones, or are gone (generation 0)."""

    workspace_id: str
    connection_id: str
    generation: int
    recorded_generation: int
    recorded_seq: int


async def rolled_back(audit: AuditLog, vault: Vault) -> list[RolledBack]:
    """Return the connections whose credentials were set back without the hub.

    Hubs may go on meanwhile: a suspect is checked a second time, as it may have been revoked in between.
    """
    suspects = await _behind(audit, vault)
    if not suspects:
        return []
    still_behind = await _behind(audit, vault)
    return [still_behind[connection_id] for connection_id in sorted(suspects.keys() & still_behind.keys())]


async def _behind(audit: AuditLog, vault: Vault) -> dict[str, RolledBack]:
    recorded = await audit.last_recorded(_SEALED | _GIVEN_UP)
    sealed = await vault.generations(CREDENTIAL_TABLE, CREDENTIALS_FIELD)
    found: dict[str, RolledBack] = {}
    for connection_id, row in recorded.items():
        generation, present = _generation(row.detail), sealed.get(connection_id, 0)
        if row.action in _SEALED and present < generation:
            found[connection_id] = RolledBack(row.workspace_id, connection_id, present, generation, row.seq)
    return found


def _generation(detail: Any) -> int:  # noqa: ANN401 - what stands in the database
    value = detail.get("generation") if isinstance(detail, dict) else None
    return value if isinstance(value, int) else 0
