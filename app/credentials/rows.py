"""What stands beside sealed credentials, read, locked and changed: the only reader of these columns."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from typing import Any, Final

from app.credentials.models import CredentialRecord, RenewalAttemptRecord
from app.credentials.snapshot import CredentialSnapshot
from app.foundation.database import Transaction

_KEYS: Final = frozenset({"connection_id", "workspace_id"})
_COLUMNS: Final = tuple(field.name for field in fields(CredentialSnapshot) if field.name not in _KEYS)
_LISTS: Final = ("requested_scopes", "granted_scopes", "hints")


async def find_credential(connection_id: str) -> CredentialSnapshot | None:
    """Return what stands beside a connection's credentials, to look at."""
    row = await CredentialRecord.filter(connection_id=connection_id).first()
    return credential_snapshot(row) if row is not None else None


async def find_credentials(connection_ids: Collection[str]) -> dict[str, CredentialSnapshot]:
    """Return what stands beside the credentials of several connections, by connection; one query."""
    rows = await CredentialRecord.filter(connection_id__in=list(connection_ids))
    return {row.connection_id: credential_snapshot(row) for row in rows}


async def lock_credential(connection_id: str) -> CredentialSnapshot | None:
    """Lock a credential row for change in the open transaction, behind its connection's row, and return it."""
    row = await CredentialRecord.filter(connection_id=connection_id).select_for_update().first()
    return credential_snapshot(row) if row is not None else None


async def lock_credentials(connection_ids: Collection[str]) -> dict[str, CredentialSnapshot]:
    """Lock several credential rows in the order in which all lock them, and return them by connection."""
    query = CredentialRecord.filter(connection_id__in=list(connection_ids)).order_by("connection_id")
    return {row.connection_id: credential_snapshot(row) for row in await query.select_for_update()}


async def save_credential(tx: Transaction, credential: CredentialSnapshot, *, is_new: bool) -> None:  # noqa: ARG001 - joined
    """Write with ``tx`` everything that stands beside a connection's credentials."""
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
    """Delete with ``tx`` what stands beside a connection's credentials; what is sealed is the vault's."""
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


def credential_snapshot(row: CredentialRecord) -> CredentialSnapshot:
    """Return the picture of a row."""
    return CredentialSnapshot(
        connection_id=row.connection_id,
        workspace_id=row.workspace_id,
        auth_method=row.auth_method,
        application_id=row.application_id,
        generation=row.generation,
        expires_at=row.expires_at,
        refresh_expires_at=row.refresh_expires_at,
        lifetime_s=row.lifetime_s,
        requested_scopes=tuple(row.requested_scopes),
        granted_scopes=tuple(row.granted_scopes) if row.granted_scopes is not None else None,
        account_id=row.account_id,
        account_label=row.account_label,
        account=row.account,
        hints=tuple(row.hints),
        can_renew=row.can_renew,
        fingerprint=row.fingerprint,
        is_stale=row.is_stale,
        sealed_at=row.sealed_at,
        refreshed_at=row.refreshed_at,
    )


async def _write(credential: CredentialSnapshot, **columns: Any) -> None:  # noqa: ANN401 - columns of the row
    await CredentialRecord.filter(connection_id=credential.connection_id).update(**columns)


def _listed(value: tuple[Any, ...] | None) -> list[Any] | None:
    return None if value is None else list(value)
