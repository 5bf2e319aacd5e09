"""Rows to snapshots and back: the only reader of the room's columns."""

from __future__ import annotations

from dataclasses import fields
from typing import Final

from app.access.actor import Actor
from app.connections.lifecycle import ConnectionState, Evidence
from app.connections.models import ConnectionRecord
from app.connections.snapshot import UNREAD, AccessScope, ConnectionSnapshot, Unread
from app.credentials.owner import CredentialOwner
from app.credentials.rows import find_credentials, lock_credential
from app.credentials.snapshot import CredentialSnapshot, Mode, are_usable
from app.foundation.errors import ConflictError, NotFoundError
from app.foundation.ids import prefix_of
from app.foundation.problems import ProblemCode, problem, problem_from_json
from app.foundation.rows import Columns, Row

_COLUMNS: Final = tuple(field.name for field in fields(ConnectionSnapshot) if field.name != "credential")
_ENUMS: Final = tuple(
    (name, {member.value: member for member in members})
    for name, members in (("mode", Mode), ("state", ConnectionState), ("scope", AccessScope))
)
CONNECTIONS: Final = Columns(ConnectionRecord, _COLUMNS)


async def lock_connection(
    actor: Actor, connection_id: str, expected_revision: int | None = None
) -> tuple[ConnectionRecord, CredentialSnapshot | None]:
    """Load a connection and its credential row for change, in the open transaction.

    The connection's row is always the first lock, so that two verbs on one connection follow each other.

    Raises:
        NotFoundError: it is not in the actor's workspace.
        ConflictError: ``expected_revision`` is not the current one.
    """
    query = ConnectionRecord.filter(id=connection_id, workspace_id=actor.workspace_id)
    row = await query.select_for_update().first() if _is_id(connection_id) else None
    if row is None:
        raise NotFoundError
    if expected_revision is not None and row.revision != expected_revision:
        current = {"currentRevision": row.revision}
        raise ConflictError(problem(ProblemCode.CONFLICT, "expectedRevision", details=current))
    return row, await lock_credential(row.id)


async def load_connection(
    workspace_id: str, connection_id: str, *, with_credentials: bool = True
) -> ConnectionSnapshot:
    """Read a connection to look at, with what is stored with its credentials unless that is not wanted.

    Raises:
        NotFoundError: it is not in the workspace.
    """
    if _is_id(connection_id):
        values = ('"workspace_id"=$1 AND "id"=$2', workspace_id, connection_id)
        if found := await read_connections(*values, with_credentials=with_credentials):
            return found[0]
    raise NotFoundError


async def read_connections(
    condition: str, *values: object, with_credentials: bool = True
) -> list[ConnectionSnapshot]:
    """Read the connections that meet a condition on their columns, in a statement or two."""
    rows = await CONNECTIONS.read(condition, *values)
    beside = await find_credentials([row["id"] for row in rows]) if rows and with_credentials else {}
    return [_snapshot(row, beside.get(row["id"]) if with_credentials else UNREAD) for row in rows]


def _is_id(value: str) -> bool:
    return prefix_of(value) == "conn"


def credential_owner(row: ConnectionRecord) -> CredentialOwner:
    """Return what the credentials room must know of a locked connection."""
    return connection_snapshot(row, None).owner


def evidence(row: ConnectionRecord, credential: CredentialSnapshot | None) -> Evidence:
    """Return what the rows say for the state machine."""
    return Evidence(
        ever_connected=row.ever_connected,
        has_credentials=are_usable(credential),
        problem=problem_from_json(row.problem),
    )


def connection_snapshot(row: ConnectionRecord, credential: CredentialSnapshot | None) -> ConnectionSnapshot:
    """Return the picture of a locked connection."""
    return _snapshot({name: getattr(row, name) for name in _COLUMNS}, credential)


def _snapshot(columns: Row, credential: CredentialSnapshot | Unread | None) -> ConnectionSnapshot:
    for name, members in _ENUMS:
        columns[name] = members[columns[name]]
    columns["problem"] = problem_from_json(columns["problem"])
    return ConnectionSnapshot(**columns, credential=credential)
