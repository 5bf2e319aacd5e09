"""What the outside's answers mean for a connection: the exception's type is the trigger."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from app.access.actor import Actor
from app.authenticators.base import AccountFound
from app.catalog.catalog import Catalog
from app.connections.lifecycle import ConnectionState, StateTrigger
from app.connections.models import ConnectionRecord
from app.connections.rows import lock_connection
from app.connections.transitions import Transitions
from app.credentials.applications import Applications
from app.credentials.lasting import lasting_problem
from app.credentials.sealing import save_tested_account
from app.credentials.snapshot import CredentialSnapshot
from app.foundation.database import Transaction
from app.foundation.errors import (
    ApplicationRejectedError,
    CredentialsRejectedError,
    PatchbayError,
    TransientOutsideError,
)
from app.vault.errors import CredentialUnreadableError

# Nothing follows from a good answer there, so it must not count up the revision that editors compare.
_UNMOVED: Final = frozenset(
    {ConnectionState.CONNECTED.value, ConnectionState.AUTHENTICATED.value, ConnectionState.PAUSED.value}
)

_TRIGGERS: Final = (
    ((CredentialsRejectedError, CredentialUnreadableError), StateTrigger.CREDENTIALS_REJECTED),
    ((ApplicationRejectedError,), StateTrigger.APPLICATION_REJECTED),
    ((TransientOutsideError,), StateTrigger.UNAVAILABLE),
)


class OutcomeRecorder:
    """Reports answers of the outside to the state machine."""

    def __init__(self, transitions: Transitions, applications: Applications, catalog: Catalog) -> None:
        self._transitions = transitions
        self._applications = applications
        self._catalog = catalog

    async def record(
        self,
        tx: Transaction,
        actor: Actor,
        connection_id: str,
        generation: int,
        fault: PatchbayError | None,
        *,
        sealed_at: datetime | None = None,
        tested_config_revision: int | None = None,
        proves_credentials: bool = True,
        account: AccountFound | None = None,
    ) -> None:
        """Take into account with ``tx`` what credentials of ``generation`` met: None for a good answer.

        An outcome of credentials that were replaced since is ignored: ``sealed_at`` distinguishes them where a
        disconnected connection was authorized again, which begins with the first generation anew.
        ``tested_config_revision`` marks a passed default test with the configuration it ran with, ``account`` is
        whom its answer named. A good answer that does not prove the credentials shows only that the outside can be
        reached again.

        Raises:
            NotFoundError: the connection was deleted.
        """
        row, credential = await lock_connection(actor, connection_id)
        if credential is None or credential.generation != generation:
            return
        if sealed_at is not None and credential.sealed_at != sealed_at:
            return
        if fault is None and not proves_credentials and row.state != ConnectionState.DEGRADED.value:
            return
        if fault is None and account is not None:
            await save_tested_account(tx, credential, account)
        if fault is None:
            await self.record_success(tx, actor, row, credential, tested_config_revision)
        else:
            await self.record_failure(tx, actor, row, credential, fault)

    async def record_success(
        self,
        tx: Transaction,
        actor: Actor,
        row: ConnectionRecord,
        credential: CredentialSnapshot,
        tested_config_revision: int | None = None,
    ) -> None:
        """Apply a good answer to a locked connection, with ``tx``; one without consequence changes nothing."""
        if tested_config_revision is not None:
            row.tested_generation = credential.generation
            row.tested_config_revision = tested_config_revision
            row.tested_at = tx.now
        elif row.problem is None and row.state in _UNMOVED:
            return
        definition = self._catalog.definition(row.integration, row.version)
        lasting = lasting_problem(definition, credential, tx.now)
        await self._transitions.apply(tx, actor, row, credential, StateTrigger.GOOD_ANSWER, lasting)

    async def record_failure(
        self,
        tx: Transaction,
        actor: Actor,
        row: ConnectionRecord,
        credential: CredentialSnapshot,
        fault: PatchbayError,
    ) -> None:
        """Apply a failure to a locked connection, with ``tx``; its type is the trigger."""
        trigger = trigger_of(fault)
        if trigger is None:
            return
        await self._transitions.apply(tx, actor, row, credential, trigger, fault.problem)
        if trigger is StateTrigger.CREDENTIALS_REJECTED:
            detail = {"problem": fault.problem.code.value}
            self._transitions.audit(tx, actor, row, "credentials.rejected", detail)
        if trigger is StateTrigger.APPLICATION_REJECTED and credential.application_id:
            await self._applications.mark(tx, actor, credential.application_id, fault.problem)


def trigger_of(fault: PatchbayError) -> StateTrigger | None:
    """Return the trigger that an error is, or None where it says nothing about the connection."""
    return next((trigger for types, trigger in _TRIGGERS if isinstance(fault, types)), None)
