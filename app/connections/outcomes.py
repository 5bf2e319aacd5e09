"""What the outside's answers mean for a connection: the exception's type is the trigger."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from app.access.actor import Actor
from app.connections.lifecycle import ConnectionState, Trigger
from app.connections.models import ConnectionRecord
from app.connections.moves import Moves
from app.connections.rows import lock_connection
from app.credentials.applications import Applications
from app.credentials.snapshot import CredentialSnapshot
from app.foundation.database import Transaction
from app.foundation.errors import (
    ApplicationRejectedError,
    CredentialsRejectedError,
    PatchbayError,
    TransientOutsideError,
)
from app.foundation.problems import Problem, ProblemCode, problem_from_json
from app.vault.errors import CredentialUnreadableError

# Nothing follows from a good answer there, so it must not count up the revision that editors compare.
_UNMOVED: Final = frozenset(
    {ConnectionState.CONNECTED.value, ConnectionState.AUTHENTICATED.value, ConnectionState.PAUSED.value}
)


class Outcomes:
    """Reports answers of the outside to the state machine."""

    def __init__(self, moves: Moves, applications: Applications) -> None:
        self._moves = moves
        self._applications = applications

    async def report(
        self,
        tx: Transaction,
        actor: Actor,
        connection_id: str,
        generation: int,
        fault: PatchbayError | None,
        *,
        sealed_at: datetime | None = None,
        tested_config_revision: int | None = None,
    ) -> None:
        """Take into account with ``tx`` what credentials of ``generation`` met: None for a good answer.

        News of credentials that have been replaced since is no news: ``sealed_at`` tells them apart where a
        disconnected connection was authorized again, which begins with the first generation anew.
        ``tested_config_revision`` marks a passed default test with the configuration it ran with.

        Raises:
            NotFoundError: the connection was deleted.
        """
        row, credential = await lock_connection(actor, connection_id)
        if credential is None or credential.generation != generation:
            return
        if sealed_at is not None and credential.sealed_at != sealed_at:
            return
        if fault is None:
            await self.good(tx, actor, row, credential, tested_config_revision)
        else:
            await self.bad(tx, actor, row, credential, fault)

    async def good(
        self,
        tx: Transaction,
        actor: Actor,
        row: ConnectionRecord,
        credential: CredentialSnapshot,
        tested_config_revision: int | None = None,
    ) -> None:
        """Take a good answer into account for a locked connection, with ``tx``; one that is no news changes nothing."""
        if tested_config_revision is not None:
            row.tested_generation = credential.generation
            row.tested_config_revision = tested_config_revision
            row.tested_at = tx.now
        elif row.problem is None and row.state in _UNMOVED:
            return
        standing = _standing(row)
        await self._moves.apply(tx, actor, row, credential, Trigger.GOOD_ANSWER, standing)

    async def bad(
        self,
        tx: Transaction,
        actor: Actor,
        row: ConnectionRecord,
        credential: CredentialSnapshot,
        fault: PatchbayError,
    ) -> None:
        """Take a failure into account for a locked connection, with ``tx``; its type is the trigger."""
        trigger = trigger_of(fault)
        if trigger is None:
            return
        await self._moves.apply(tx, actor, row, credential, trigger, fault.problem)
        if trigger is Trigger.CREDENTIALS_REJECTED:
            self._moves.audit(tx, actor, row, "credentials.rejected", {"problem": fault.problem.code.value})
        if trigger is Trigger.APPLICATION_REJECTED and credential.application_id:
            await self._applications.mark(tx, actor, credential.application_id, fault.problem)


def trigger_of(fault: PatchbayError) -> Trigger | None:
    """Return the trigger that an error is, or None where it says nothing about the connection."""
    if isinstance(fault, CredentialsRejectedError | CredentialUnreadableError):
        return Trigger.CREDENTIALS_REJECTED
    if isinstance(fault, ApplicationRejectedError):
        return Trigger.APPLICATION_REJECTED
    if isinstance(fault, TransientOutsideError):
        return Trigger.UNAVAILABLE
    return None


def _standing(row: ConnectionRecord) -> Problem | None:
    """Return the problem that a good answer does not clear: permissions that were never granted."""
    found = problem_from_json(row.problem)
    return found if found is not None and found.code is ProblemCode.PARTIAL_SCOPES else None
