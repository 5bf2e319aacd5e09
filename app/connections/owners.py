"""Connections as the credentials room sees them: found, locked, and told what renewals came to."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from app.access.actor import Actor
from app.connections.models import ConnectionRecord
from app.connections.moves import Moves
from app.connections.outcomes import Outcomes
from app.connections.rows import load_connection, owner_of
from app.credentials.owner import CredentialOwner, LockedOwner
from app.credentials.snapshot import CredentialSnapshot
from app.event_stream.event import EventType
from app.foundation.database import Transaction
from app.foundation.errors import PatchbayError


class ConnectionOwners:
    """Carries out :class:`app.credentials.owner.Owners` over the connections' own rows."""

    def __init__(self, moves: Moves, outcomes: Outcomes) -> None:
        self._moves = moves
        self._outcomes = outcomes

    async def find(self, workspace_id: str, connection_id: str) -> CredentialOwner:
        """Return a connection to look at.

        Raises:
            NotFoundError: it is not in the workspace.
        """
        return (await load_connection(workspace_id, connection_id, with_credentials=False)).owner

    async def lock(self, ids: Collection[str]) -> Mapping[str, LockedOwner]:
        """Lock connections of any workspace for change, by id, in the order that all lock them."""
        rows = await ConnectionRecord.filter(id__in=list(ids)).order_by("id").select_for_update()
        return {row.id: LockedConnection(row, self._moves, self._outcomes) for row in rows}


@dataclass(frozen=True, slots=True)
class LockedConnection:
    """A connection whose row this transaction holds."""

    row: ConnectionRecord
    moves: Moves
    outcomes: Outcomes

    @property
    def owner(self) -> CredentialOwner:
        """The connection as it stands."""
        return owner_of(self.row)

    async def renewed(
        self, tx: Transaction, actor: Actor, credential: CredentialSnapshot, *, recovered: bool
    ) -> None:
        """Announce a new generation; it is a good answer of the provider, too."""
        data = {"generation": credential.generation}
        self.moves.announce(tx, actor, self.row, EventType.CREDENTIALS_RENEWED, data)
        self.moves.audit(tx, actor, self.row, "credentials.renewed", data)
        if recovered:
            self.moves.announce(tx, actor, self.row, EventType.CREDENTIALS_RECOVERED, data)
        await self.outcomes.good(tx, actor, self.row, credential)

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
        """Announce a failure; the connection's state hears of it unless it may pass unnoticed."""
        data = {"problem": fault.problem.code.value, "failures": failures}
        self.moves.announce(tx, actor, self.row, EventType.CREDENTIALS_RENEWAL_FAILED, data)
        if not still_usable:
            await self.outcomes.bad(tx, actor, self.row, credential, fault)
