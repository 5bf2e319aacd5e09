"""Rows to snapshots and back: the only reader of the room's columns."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final, TypeGuard

from app.access.actor import Actor
from app.catalog.catalog import Catalog
from app.connections.lifecycle import ConnectionState, Evidence
from app.connections.models import ConnectionRecord, CredentialRecord
from app.connections.snapshot import AccessScope, AuthSnapshot, ConnectionSnapshot, Mode, SecretInfo
from app.foundation.errors import ConflictError, NotFoundError
from app.foundation.ids import prefix_of
from app.foundation.problems import ProblemCode, problem, problem_from_json
from app.vault.vault import SealedRef

CONFIG_FIELD: Final = "config"
CREDENTIALS_FIELD: Final = "credentials"
CONNECTION_TABLE: Final = "connection"
CREDENTIAL_TABLE: Final = "credential"


async def lock_connection(
    actor: Actor, connection_id: str, expected_revision: int | None = None
) -> tuple[ConnectionRecord, CredentialRecord | None]:
    """Load a connection and its credential row for change, in the open transaction.

    The connection's row is always the first lock, so that two verbs on one connection follow each other.

    Raises:
        NotFoundError: it is not in the actor's workspace.
        ConflictError: ``expected_revision`` is not the current one.
    """
    row = (
        await _query(actor.workspace_id, connection_id).select_for_update().first()
        if _is_id(connection_id)
        else None
    )
    if row is None:
        raise NotFoundError
    if expected_revision is not None and row.revision != expected_revision:
        raise ConflictError(
            problem(ProblemCode.CONFLICT, "expectedRevision", details={"currentRevision": row.revision})
        )
    credential = await CredentialRecord.filter(connection_id=row.id).select_for_update().first()
    return row, credential


async def lock_connections(
    ids: Collection[str],
) -> dict[str, tuple[ConnectionRecord, CredentialRecord | None]]:
    """Load connections of any workspace for change, by id, in the open transaction, in the order that all lock them."""
    rows = await ConnectionRecord.filter(id__in=ids).order_by("id").select_for_update()
    credentials = (
        await CredentialRecord.filter(connection_id__in=[row.id for row in rows])
        .order_by("connection_id")
        .select_for_update()
    )
    by_id = {credential.connection_id: credential for credential in credentials}
    return {row.id: (row, by_id.get(row.id)) for row in rows}


async def load_connection(
    workspace_id: str, connection_id: str
) -> tuple[ConnectionRecord, CredentialRecord | None]:
    """Load a connection and its credential row to look at.

    Raises:
        NotFoundError: it is not in the workspace.
    """
    row = await load_row(workspace_id, connection_id)
    return row, await CredentialRecord.filter(connection_id=row.id).first()


async def load_row(workspace_id: str, connection_id: str) -> ConnectionRecord:
    """Load a connection's own row to look at.

    Raises:
        NotFoundError: it is not in the workspace.
    """
    row: ConnectionRecord | None = (
        await _query(workspace_id, connection_id).first() if _is_id(connection_id) else None
    )
    if row is None:
        raise NotFoundError
    return row


def _query(workspace_id: str, connection_id: str) -> Any:  # noqa: ANN401 - JSON edge
    return ConnectionRecord.filter(id=connection_id, workspace_id=workspace_id)


def _is_id(value: str) -> bool:
    return prefix_of(value) == "conn"


def config_ref(row: ConnectionRecord, name: str) -> SealedRef:
    """Return where the vault keeps a secret field of a connection's configuration."""
    return SealedRef(row.workspace_id, CONNECTION_TABLE, row.id, f"{CONFIG_FIELD}.{name}")


def are_usable(credential: CredentialRecord | None) -> TypeGuard[CredentialRecord]:
    """Return whether credentials are sealed that may be sent where the configuration leads."""
    return credential is not None and credential.generation > 0 and not credential.is_doubted


def evidence(row: ConnectionRecord, credential: CredentialRecord | None) -> Evidence:
    """Return what the rows say for the state machine."""
    return Evidence(
        ever_connected=row.ever_connected,
        has_credentials=are_usable(credential),
        problem=problem_from_json(row.problem),
    )


def connection_snapshot(
    row: ConnectionRecord, credential: CredentialRecord | None, catalog: Catalog
) -> ConnectionSnapshot:
    """Return the picture of a connection."""
    generation = credential.generation if credential else 0
    return ConnectionSnapshot(
        id=row.id,
        workspace_id=row.workspace_id,
        name=row.name,
        description=row.description,
        integration=row.integration,
        version=row.version,
        mode=Mode(row.mode),
        state=ConnectionState(row.state),
        state_since=row.state_since,
        problem=problem_from_json(row.problem),
        config=row.config,
        secrets=(
            *secret_infos(row.config_secret_hints),
            *secret_infos(credential.hints if credential else []),
        ),
        auth=auth_snapshot(row, credential, catalog) if credential else None,
        scope=AccessScope(row.scope),
        ever_connected=row.ever_connected,
        tested=(
            generation > 0
            and row.tested_generation == generation
            and row.tested_config_revision == row.config_revision
        ),
        tested_at=row.tested_at,
        config_revision=row.config_revision,
        revision=row.revision,
        created_at=row.created_at,
        created_by=row.created_by_label,
        updated_at=row.updated_at,
    )


def auth_snapshot(row: ConnectionRecord, credential: CredentialRecord, catalog: Catalog) -> AuthSnapshot:
    """Return the picture of what stands beside the sealed credentials."""
    granted = tuple(credential.granted_scopes) if credential.granted_scopes is not None else None
    return AuthSnapshot(
        method=credential.auth_method,
        generation=credential.generation,
        requested_scopes=tuple(credential.requested_scopes),
        granted_scopes=granted,
        missing_scopes=_missing(row, credential, catalog, granted),
        account_id=credential.account_id,
        account_label=credential.account_label,
        expires_at=credential.expires_at,
        refreshed_at=credential.refreshed_at,
        due_at=credential.due_at,
        can_renew=credential.can_renew,
        is_doubted=credential.is_doubted,
    )


def _missing(
    row: ConnectionRecord, credential: CredentialRecord, catalog: Catalog, granted: tuple[str, ...] | None
) -> tuple[str, ...]:
    if granted is None:
        return ()
    definition = catalog.definition(row.integration, row.version)
    method = definition.auth_method(credential.auth_method) if definition else None
    required = [scope.name for scope in method.scopes if scope.required] if method else []
    wanted = dict.fromkeys([*required, *credential.requested_scopes])
    return tuple(scope for scope in wanted if scope not in granted)


def secret_infos(hints: list[dict[str, Any]]) -> tuple[SecretInfo, ...]:
    """Read stored hints: ``[{path, hint, updatedAt}]``."""
    return tuple(
        SecretInfo(
            tuple(item["path"]),
            is_set=True,
            hint=item.get("hint"),
            updated_at=datetime.fromisoformat(item["updatedAt"]),
        )
        for item in hints
    )
