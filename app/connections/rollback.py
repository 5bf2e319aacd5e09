"""Finds credentials that stand at an older generation than the audit log tells.

No sealing can tell an old row from a new one if the whole row is put back: it opens, as it did then. But each sealing
and renewal told its generation in the audit chain, which only the hub's key can write.
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
    """A connection whose sealed credentials are older than the last that were told, or are gone (generation 0)."""

    workspace_id: str
    connection_id: str
    generation: int
    told_generation: int
    told_seq: int


async def rolled_back(audit: AuditLog, vault: Vault) -> list[RolledBack]:
    """Return the connections whose credentials were set back behind the hub's own back.

    Hubs may go on meanwhile: what looks so is looked at once more, as it may have been given up in between.
    """
    suspects = await _behind(audit, vault)
    if not suspects:
        return []
    again = await _behind(audit, vault)
    return [again[connection_id] for connection_id in sorted(suspects.keys() & again.keys())]


async def _behind(audit: AuditLog, vault: Vault) -> dict[str, RolledBack]:
    told = await audit.last_told(_SEALED | _GIVEN_UP)
    sealed = await vault.generations(CREDENTIAL_TABLE, CREDENTIALS_FIELD)
    found: dict[str, RolledBack] = {}
    for connection_id, row in told.items():
        generation, stands = _generation(row.detail), sealed.get(connection_id, 0)
        if row.action in _SEALED and stands < generation:
            found[connection_id] = RolledBack(row.workspace_id, connection_id, stands, generation, row.seq)
    return found


def _generation(detail: Any) -> int:  # noqa: ANN401 - what stands in the database
    value = detail.get("generation") if isinstance(detail, dict) else None
    return value if isinstance(value, int) else 0
