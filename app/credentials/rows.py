"""What is stored with sealed credentials, read, locked and changed: the only reader of these columns."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from typing import Any, Final

from app.credentials.models import CredentialRecord, RenewalAttemptRecord
from app.credentials.snapshot import CredentialSnapshot
from app.foundation.database import Transaction
from app.foundation.places import list_places
from app.foundation.rows import Columns

_KEYS: Final = ("connection_id", "workspace_id")
_NAMES: Final = tuple(field.name for field in fields(CredentialSnapshot))
_COLUMNS: Final = tuple(name for name in _NAMES if name not in _KEYS)
_LISTS: Final = ("requested_scopes", "granted_scopes", "hints")
_ROWS: Final = Columns(CredentialRecord, _NAMES, dict.fromkeys(_LISTS, tuple))


async def find_credential(connection_id: str) -> CredentialSnapshot | None:
    """Return what is stored with a connection's credentials, to read only."""
    return (await find_credentials([connection_id])).get(connection_id)


async def find_credentials(
    connection_ids: Collection[str], *, lock: bool = False
) -> dict[str, CredentialSnapshot]:
    """Return what is stored with the credentials of several connections, by connection; one statement.

    ``lock`` locks the rows for change in the open transaction, in the order in which all lock them.
    """
    ids = list(connection_ids)
    condition = f'"connection_id" IN {list_places(ids)} ORDER BY "connection_id"'
    found = await _ROWS.read(condition, *ids, lock=lock)
    return {snapshot.connection_id: snapshot for snapshot in map(CredentialSnapshot, *found)}


async def lock_credential(connection_id: str) -> CredentialSnapshot | None:
    """Lock a credential row for change in the open transaction, behind its connection's row, and return it."""
    return (await find_credentials([connection_id], lock=True)).get(connection_id)


async def save_credential(tx: Transaction, credential: CredentialSnapshot, *, is_new: bool) -> None:  # noqa: ARG001 - joined
    """Write with ``tx`` everything that is stored with a connection's credentials."""
    columns = {name: getattr(credential, name) for name in _COLUMNS}
    columns |= {name: _listed(columns[name]) for name in _LISTS}
    columns["account"] = dict(credential.account)
    if is_new:
        await CredentialRecord.create(
            connection_id=credential.connection_id, workspace_id=credential.workspace_id, **columns
        )
    else:
        await _write(credential, **columns)


async def mark_stale(tx: Transaction, credential: CredentialSnapshot) -> None:  # noqa: ARG001 - joined by the models
    """Send credentials nowhere any more, with ``tx``: the configuration that they were got for has changed."""
    await _write(credential, is_stale=True)


async def forget_credential(tx: Transaction, connection_id: str) -> None:  # noqa: ARG001 - joined by the models
    """Delete with ``tx`` what is stored with a connection's credentials; what is sealed is the vault's."""
    await CredentialRecord.filter(connection_id=connection_id).delete()
    await RenewalAttemptRecord.filter(connection_id=connection_id).delete()


async def same_fingerprint(credential: CredentialSnapshot, limit: int) -> list[str]:
    """Return at most ``limit`` other connections of the workspace that hold the same entered credentials."""
    if credential.fingerprint is None:
        return []
    others = CredentialRecord.filter(
        workspace_id=credential.workspace_id, fingerprint=credential.fingerprint
    ).exclude(connection_id=credential.connection_id)
    return [str(other) for other in await others.limit(limit).values_list("connection_id", flat=True)]


async def _write(credential: CredentialSnapshot, **columns: Any) -> None:  # noqa: ANN401 - columns of the row
    await CredentialRecord.filter(connection_id=credential.connection_id).update(**columns)


def _listed(value: tuple[Any, ...] | None) -> list[Any] | None:
    return None if value is None else list(value)
