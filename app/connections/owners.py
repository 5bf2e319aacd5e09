"""Connections as the credentials room sees them: found, locked, and updated with the results of renewals."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from app.access.actor import Actor
from app.connections.models import ConnectionRecord
from app.connections.outcome_recorder import OutcomeRecorder
from app.connections.rows import credential_owner, load_connection
from app.connections.snapshot import WITHOUT_AUTH
from app.connections.transitions import Transitions
from app.credentials.owner import CredentialOwner, LockedOwner
from app.credentials.snapshot import CredentialSnapshot
from app.event_stream.event import EventType
from app.foundation.database import Transaction
from app.foundation.errors import PatchbayError, TransientOutsideError


class ConnectionOwners:
    """Carries out :class:`app.credentials.owner.Owners` over the connections' own rows."""

    def __init__(self, transitions: Transitions, outcome_recorder: OutcomeRecorder) -> None:
        self._transitions = transitions
        self._outcome_recorder = outcome_recorder

    async def find(self, workspace_id: str, connection_id: str) -> CredentialOwner:
        """Return a connection to read only.

        Raises:
            NotFoundError: it is not in the workspace.
        """
        return (await load_connection(workspace_id, connection_id, WITHOUT_AUTH)).owner

    async def lock(self, ids: Collection[str]) -> Mapping[str, LockedOwner]:
        """Lock connections of any workspace for change, by id, in the order that all lock them."""
        rows = await ConnectionRecord.filter(id__in=list(ids)).order_by("id").select_for_update()
        return {row.id: LockedConnection(row, self._transitions, self._outcome_recorder) for row in rows}


@dataclass(frozen=True, slots=True)
class LockedConnection:
    """A connection whose row this transaction holds."""

    row: ConnectionRecord
    transitions: Transitions
    outcome_recorder: OutcomeRecorder

    @property
    def owner(self) -> CredentialOwner:
        """The connection as it is now."""
        return credential_owner(self.row)

    async def renewed(
        self, tx: Transaction, actor: Actor, credential: CredentialSnapshot, *, recovered: bool
    ) -> None:
        """Announce a new generation; it is a good answer of the provider, too."""
        data = {"generation": credential.generation}
        self.transitions.announce(tx, actor, self.row, EventType.CREDENTIALS_RENEWED, data)
        self.transitions.audit(tx, actor, self.row, "credentials.renewed", data)
        if recovered:
            self.transitions.announce(tx, actor, self.row, EventType.CREDENTIALS_RECOVERED, data)
        await self.outcome_recorder.record_success(tx, actor, self.row, credential)

    async def renewal_failed(
        self,
        tx: Transaction,
        actor: Actor,
        credential: CredentialSnapshot,
        fault: PatchbayError,
        *,
        failures: int,
        still_usable: bool,
    ) -> None:
        """Announce a failure; it reaches the connection's state unless the credentials are still usable."""
        data = {"problem": fault.problem.code.value, "failures": failures}
        self.transitions.announce(tx, actor, self.row, EventType.CREDENTIALS_RENEWAL_FAILED, data)
        if isinstance(fault, TransientOutsideError):
            fault = TransientOutsideError(fault.problem.that_is_retried())
        if not still_usable:
            await self.outcome_recorder.record_failure(tx, actor, self.row, credential, fault)
