"""Rows to snapshots and back: the only reader of the room's columns."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from app.access.actor import Actor
from app.connections.lifecycle import ConnectionState, Evidence
from app.connections.models import ConnectionRecord
from app.connections.snapshot import PARTS, AccessScope, ConnectionSnapshot
from app.credentials.owner import CredentialOwner
from app.credentials.rows import find_credentials, lock_credential
from app.credentials.snapshot import CredentialSnapshot, Mode, are_usable
from app.foundation.errors import ConflictError, NotFoundError
from app.foundation.ids import prefix_of
from app.foundation.problems import ProblemCode, problem, problem_from_json
from app.foundation.rows import Columns, Reader

_READERS: Final[Mapping[str, Reader]] = {
    "mode": Mode,
    "state": ConnectionState,
    "scope": AccessScope,
    "problem": problem_from_json,
}
CONNECTIONS: Final = Columns(
    ConnectionRecord,
    [part for part in PARTS if part != "auth"],
    _READERS,
)


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
    workspace_id: str, connection_id: str, parts: Collection[str] = PARTS
) -> ConnectionSnapshot:
    """Read a connection to look at, or these parts of it.

    Raises:
        NotFoundError: it is not in the workspace.
    """
    if _is_id(connection_id):
        values = ('"workspace_id"=$1 AND "id"=$2', workspace_id, connection_id)
        if found := await read_connections(*values, parts=parts):
            return found[0]
    raise NotFoundError


async def read_connections(
    condition: str, *values: object, parts: Collection[str] = PARTS
) -> list[ConnectionSnapshot]:
    """Read the id and these parts of the connections that meet a condition on their columns.

    What is stored with their credentials (``auth``) is one statement more.
    """
    names = [name for name in CONNECTIONS.names if name in parts or name == "id"]
    columns = await CONNECTIONS.read(condition, *values, names=names)
    if "auth" in parts:
        ids = columns[names.index("id")]
        beside = await find_credentials(ids) if ids else {}
        names, columns = [*names, "auth"], [*columns, [beside.get(id_) for id_ in ids]]
    return [_snapshot(names, row) for row in zip(*columns, strict=True)]


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


def connection_snapshot(row: ConnectionRecord, auth: CredentialSnapshot | None) -> ConnectionSnapshot:
    """Return the picture of a locked connection."""
    columns = {name: getattr(row, name) for name in CONNECTIONS.names}
    columns |= {name: read(columns[name]) for name, read in _READERS.items()}
    return ConnectionSnapshot(**columns, auth=auth)


def _snapshot(names: Sequence[str], values: Sequence[Any]) -> ConnectionSnapshot:
    if len(names) == len(PARTS):
        return ConnectionSnapshot(*values)
    snapshot = ConnectionSnapshot.__new__(ConnectionSnapshot)  # the other parts stay unset
    for name, value in zip(names, values, strict=True):
        object.__setattr__(snapshot, name, value)
    return snapshot
