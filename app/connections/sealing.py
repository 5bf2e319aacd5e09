"""Seals a grant with what stands beside it, in one transaction, by compare-and-swap on the generation."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from app.authenticators.base import Grant, grant_to_stored
from app.authenticators.credentials import secret_hints
from app.authenticators.registry import authenticator_for
from app.catalog.definition import AuthMethod
from app.connections.due import due_at
from app.connections.models import ConnectionRecord, CredentialRecord
from app.connections.rows import CREDENTIAL_TABLE, CREDENTIALS_FIELD
from app.foundation.database import Transaction
from app.vault.vault import SealedRef, Vault


def credential_ref(workspace_id: str, connection_id: str) -> SealedRef:
    """Return where the vault keeps a connection's credentials."""
    return SealedRef(workspace_id, CREDENTIAL_TABLE, connection_id, CREDENTIALS_FIELD)


async def seal_grant(
    tx: Transaction,
    vault: Vault,
    connection: ConnectionRecord,
    credential: CredentialRecord | None,
    method: AuthMethod,
    grant: Grant,
    *,
    application_id: str | None,
    scopes: tuple[str, ...],
    fingerprint: str | None = None,
    is_renewal: bool = False,
) -> CredentialRecord:
    """Seal ``grant`` as the connection's next generation and save what stands beside it.

    A renewal keeps what its answer does not tell anew: the refresh token's own end, and the fingerprint.

    Raises:
        ConflictError: another generation was sealed meanwhile.
    """
    generation = await vault.put(
        tx,
        credential_ref(connection.workspace_id, connection.id),
        grant_to_stored(grant),
        expected_generation=(credential.generation or None) if credential else None,
    )
    is_new = credential is None
    row = credential or CredentialRecord(connection_id=connection.id, workspace_id=connection.workspace_id)
    row.auth_method = method.id
    row.application_id = application_id
    row.requested_scopes = list(scopes)
    row.generation = generation
    if not is_renewal:
        row.is_doubted = False
        row.refresh_expires_at = None
        row.fingerprint = fingerprint
    row.sealed_at = tx.now
    row.refreshed_at = tx.now
    _write_beside(row, method, grant, tx.now)
    await row.save(force_create=is_new)
    return row


def _write_beside(row: CredentialRecord, method: AuthMethod, grant: Grant, now: datetime) -> None:
    lifetime_s = grant.expires_in_s
    row.lifetime_s = lifetime_s
    row.expires_at = _after(now, lifetime_s)
    if grant.refresh_expires_in_s is not None:
        row.refresh_expires_at = _after(
            now, grant.refresh_expires_in_s
        )  # else what was told before stays true
    row.granted_scopes = list(grant.granted_scopes) if grant.granted_scopes is not None else None
    row.account_id = grant.account.id
    row.account_label = grant.account.label
    row.account = dict(grant.account.kept)
    row.hints = _hints(method, grant, now)
    row.can_renew = authenticator_for(method).can_renew(method, grant)
    row.due_at = None if row.is_doubted else due_at(row.connection_id, row.generation, now, lifetime_s)
    row.failures = 0
    row.failing_since = None
    row.lease_owner = None
    row.lease_until = None


def _after(now: datetime, seconds: int | None) -> datetime | None:
    return None if seconds is None else now + timedelta(seconds=seconds)


def _hints(method: AuthMethod, grant: Grant, now: datetime) -> list[dict[str, Any]]:
    return [
        {"path": list(item.path), "hint": item.hint, "updatedAt": now.isoformat()}
        for item in secret_hints(method, grant)
    ]
