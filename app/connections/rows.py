"""Rows to snapshots and back: the only reader of the room's columns."""

from __future__ import annotations

from typing import Any

from app.access.actor import Actor
from app.catalog.catalog import Catalog
from app.connections.lifecycle import ConnectionState, Evidence
from app.connections.models import ConnectionRecord
from app.connections.snapshot import AccessScope, AuthSnapshot, ConnectionSnapshot
from app.credentials.owner import CredentialOwner
from app.credentials.rows import find_credential, lock_credential
from app.credentials.snapshot import CredentialSnapshot, Mode, are_usable, secret_infos
from app.foundation.errors import ConflictError, NotFoundError
from app.foundation.ids import prefix_of
from app.foundation.problems import ProblemCode, problem, problem_from_json


async def lock_connection(
    actor: Actor, connection_id: str, expected_revision: int | None = None
) -> tuple[ConnectionRecord, CredentialSnapshot | None]:
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
    return row, await lock_credential(row.id)


async def load_connection(
    workspace_id: str, connection_id: str
) -> tuple[ConnectionRecord, CredentialSnapshot | None]:
    """Load a connection and its credential row to look at.

    Raises:
        NotFoundError: it is not in the workspace.
    """
    row = await load_row(workspace_id, connection_id)
    return row, await find_credential(row.id)


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


def owner_of(row: ConnectionRecord) -> CredentialOwner:
    """Return what the credentials room must know of a connection."""
    return CredentialOwner(
        id=row.id,
        workspace_id=row.workspace_id,
        name=row.name,
        integration=row.integration,
        version=row.version,
        mode=Mode(row.mode),
        config=row.config,
        secret_fields=tuple(item["path"][1] for item in row.config_secret_hints),
        degraded_since=row.state_since if row.state == ConnectionState.DEGRADED.value else None,
        problem=problem_from_json(row.problem),
    )


def evidence(row: ConnectionRecord, credential: CredentialSnapshot | None) -> Evidence:
    """Return what the rows say for the state machine."""
    return Evidence(
        ever_connected=row.ever_connected,
        has_credentials=are_usable(credential),
        problem=problem_from_json(row.problem),
    )


def connection_snapshot(
    row: ConnectionRecord, credential: CredentialSnapshot | None, catalog: Catalog
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
            *secret_infos(credential.hints if credential else ()),
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


def auth_snapshot(row: ConnectionRecord, credential: CredentialSnapshot, catalog: Catalog) -> AuthSnapshot:
    """Return the picture of what stands beside the sealed credentials."""
    granted = credential.granted_scopes
    return AuthSnapshot(
        method=credential.auth_method,
        generation=credential.generation,
        requested_scopes=credential.requested_scopes,
        granted_scopes=granted,
        missing_scopes=_missing(row, credential, catalog, granted),
        account_id=credential.account_id,
        account_label=credential.account_label,
        expires_at=credential.expires_at,
        refreshed_at=credential.refreshed_at,
        can_renew=credential.can_renew,
        is_stale=credential.is_stale,
    )


def _missing(
    row: ConnectionRecord, credential: CredentialSnapshot, catalog: Catalog, granted: tuple[str, ...] | None
) -> tuple[str, ...]:
    if granted is None:
        return ()
    definition = catalog.definition(row.integration, row.version)
    method = definition.auth_method(credential.auth_method) if definition else None
    required = [scope.name for scope in method.scopes if scope.required] if method else []
    wanted = dict.fromkeys([*required, *credential.requested_scopes])
    return tuple(scope for scope in wanted if scope not in granted)
