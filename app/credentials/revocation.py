"""Revocation: credentials of a connection that is gone are revoked at the provider, then destroyed.

A connection's credentials leave it in one transaction, into a job of their own that nothing else can open: the
connection is unusable at once, whatever the provider does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from app.access.actor import Actor
from app.access.policy import Permission, require
from app.audit.entry import AuditTarget, Detail
from app.audit.log import AuditLog
from app.authenticators.base import RevocationReport
from app.authenticators.registry import authenticator_for
from app.credentials.flows import FlowRunner
from app.credentials.models import RevocationRecord
from app.credentials.opening import Opener
from app.credentials.owner import CONFIG_FIELD, CredentialOwner
from app.credentials.snapshot import (
    NO_CREDENTIAL,
    CredentialSnapshot,
    Mode,
    RevocationSnapshot,
    RevocationState,
)
from app.event_stream.event import EventType, NewEvent
from app.event_stream.outbox import Outbox
from app.foundation.database import Database, Transaction
from app.foundation.errors import (
    CredentialsRejectedError,
    InvalidInputError,
    NotAllowedNowError,
    NotFoundError,
    PatchbayError,
    RefusedOutsideError,
)
from app.foundation.ids import new_id
from app.foundation.problems import ProblemCode, problem_from_json
from app.foundation.rows import snapshot_of
from app.vault.vault import RevealPurpose, Vault
from app.work.kind import Claim
from app.work.queue import WorkQueue

REVOCATION: Final = "revocation"
GIVE_UP_AFTER: Final = timedelta(hours=72)
_HOPELESS: Final = frozenset(
    {ProblemCode.CREDENTIAL_UNREADABLE, ProblemCode.NOT_FOUND, ProblemCode.APPLICATION_MISSING}
)
_OUTCOME_OPEN: Final = frozenset({RevocationState.GAVE_UP, RevocationState.REFUSED})
_TABLE: Final = "revocation"


class Revocations:
    """Takes credentials over from connections and revokes them, however often that must be tried."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        audit: AuditLog,
        outbox: Outbox,
        work: WorkQueue,
        opener: Opener,
        runner: FlowRunner,
    ) -> None:
        self._database = database
        self._vault = vault
        self._audit = audit
        self._outbox = outbox
        self._work = work
        self._opener = opener
        self._runner = runner

    async def queue(
        self, tx: Transaction, actor: Actor, owner: CredentialOwner, credential: CredentialSnapshot | None
    ) -> RevocationSnapshot | None:
        """Move a locked connection's credentials into a row of their own, with ``tx``; None if none can be opened.

        Secret fields of its configuration are sealed there too: the connection may lose them before the provider
        has answered.
        """
        if credential is None or credential.generation == 0:
            return None
        row = _new_row(tx, owner, credential)
        moved = replace(owner, sealed_at_row=(_TABLE, row.id))
        if not await self._vault.move(tx, owner.credential_ref, moved.credential_ref):
            return None
        for name in owner.secret_fields:
            await self._vault.copy(tx, owner.config_ref(name), moved.config_ref(name))
        await row.save(force_create=True)
        detail: Detail = {"revocationId": row.id, "generation": credential.generation}
        target = AuditTarget("connection", owner.id, owner.name)
        self._audit.record(tx, actor, "credentials.moved_to_revocation", target, detail=detail)
        await self._work.schedule(
            tx, REVOCATION, row.id, owner.workspace_id, tx.now, share=credential.application_id
        )
        return _snapshot(row)

    async def drop(
        self, tx: Transaction, actor: Actor, owner: CredentialOwner, credential: CredentialSnapshot | None
    ) -> RevocationSnapshot | None:
        """Say, with ``tx``, that credentials are destroyed here without asking anybody, and live on at the provider.

        The caller destroys what is sealed; None if there was nothing.
        """
        if credential is None or credential.generation == 0:
            return None
        row = _new_row(tx, owner, credential)
        row.config, row.account = {}, {}
        row.state = RevocationState.NOT_OFFERED.value
        row.finished_at = tx.now
        await row.save(force_create=True)
        self._announce(tx, actor, row)
        return _snapshot(row)

    async def get(self, actor: Actor, revocation_id: str) -> RevocationSnapshot:
        """Return a revocation of the actor's workspace.

        Raises:
            NotFoundError: there is none with this id.
        """
        require(actor, Permission.CONNECTIONS_READ)
        row = await RevocationRecord.filter(id=revocation_id, workspace_id=actor.workspace_id).first()
        if row is None:
            raise NotFoundError
        return _snapshot(row)

    async def many(self, actor: Actor, ids: Sequence[str]) -> dict[str, RevocationSnapshot]:
        """Return the revocations with these ids; those that are not there are left out."""
        require(actor, Permission.CONNECTIONS_READ)
        rows = await RevocationRecord.filter(workspace_id=actor.workspace_id, id__in=list(ids))
        return {row.id: _snapshot(row) for row in rows}

    async def work(self, claim: Claim) -> None:
        """Try a revocation once; one that is over is left alone.

        Raises:
            PatchbayError: the provider is away or refuses; it is tried again.
        """
        row = await RevocationRecord.filter(id=claim.subject, finished_at=None).first()
        if row is None:
            return
        try:
            report = await self._revoke(_actor(row), row)
        except CredentialsRejectedError:
            # The provider knows them no more: that is what was wanted.
            await self._finish(claim, RevocationState.REVOKED, RevocationReport())
        except PatchbayError as fault:
            said = fault.problem.that_is_given_up()
            if fault.problem.code in _HOPELESS:
                await self._finish(claim, RevocationState.GAVE_UP, RevocationReport(problem=said))
                return
            if isinstance(fault, RefusedOutsideError | InvalidInputError):
                # Trying again mends neither an address nor an answer.
                await self._finish(claim, RevocationState.REFUSED, RevocationReport(problem=said))
                return
            stated = fault.problem.that_is_retried().to_json()
            async with self._database.transaction() as tx:
                await RevocationRecord.filter(id=row.id).update(attempts=claim.attempts, problem=stated)
                await self._work.fail(tx, claim, fault.problem)
            raise
        else:
            await self._finish(claim, _state_of(report), report)

    async def give_up(self, tx: Transaction, claim: Claim) -> None:
        """Destroy with ``tx`` what could not be revoked in time; it may live on at the provider."""
        row = await RevocationRecord.filter(id=claim.subject).first()
        said = problem_from_json(row.problem) if row is not None else None
        stated = said.that_is_given_up() if said is not None else None
        await self._end(tx, claim, RevocationState.GAVE_UP, RevocationReport(problem=stated))

    async def _revoke(self, actor: Actor, row: RevocationRecord) -> RevocationReport:
        owner = await self._owner(row)
        credential = replace(
            NO_CREDENTIAL,
            auth_method=row.auth_method,
            application_id=row.application_id,
            account=row.account,
        )
        try:
            method = self._opener.method_of(owner, row.auth_method)
        except NotAllowedNowError:
            return RevocationReport()  # the catalog has forgotten how they were got
        opened = await self._opener.open(actor, owner, credential, RevealPurpose.REVOCATION)
        flow = authenticator_for(method).revoke(opened.facts, opened.grant)
        return await self._runner.run(flow, opened.destination)

    async def _owner(self, row: RevocationRecord) -> CredentialOwner:
        """Return the connection as it was when it gave the credentials up."""
        fields = await self._vault.fields_of(row.workspace_id, _TABLE, row.id)
        prefix = f"{CONFIG_FIELD}."
        return CredentialOwner(
            id=row.connection_id,
            workspace_id=row.workspace_id,
            name=row.connection_name,
            integration=row.integration,
            version=row.version,
            mode=Mode(row.mode),
            config=row.config,
            secret_fields=tuple(name.removeprefix(prefix) for name in fields if name.startswith(prefix)),
            sealed_at_row=(_TABLE, row.id),
        )

    async def _finish(self, claim: Claim, state: RevocationState, report: RevocationReport) -> None:
        async with self._database.transaction() as tx:
            await self._work.finish(tx, claim)
            await self._end(tx, claim, state, report)

    async def _end(
        self, tx: Transaction, claim: Claim, state: RevocationState, report: RevocationReport
    ) -> None:
        row = await RevocationRecord.filter(id=claim.subject, finished_at=None).select_for_update().first()
        if row is None:
            return
        is_open = state in _OUTCOME_OPEN and not report.alive  # then what was held may live on, all of it
        row.state, row.revoked = state.value, list(report.revoked)
        row.alive = row.alive if is_open else list(report.alive)
        row.problem = report.problem.to_json() if report.problem is not None else None
        row.attempts, row.finished_at = claim.attempts, tx.now
        row.config, row.account = {}, {}
        await row.save()
        await self._vault.destroy_row(tx, _TABLE, row.id)
        self._announce(tx, _actor(row), row)

    def _announce(self, tx: Transaction, actor: Actor, row: RevocationRecord) -> None:
        until = row.expires_at.isoformat() if row.expires_at and row.alive else None
        data: Detail = {
            "revocationId": row.id,
            "state": row.state,
            "problem": row.problem["code"] if row.problem else None,
            "revoked": row.revoked,
            "alive": row.alive,
            "expiresAt": until,
        }
        id_, kind = row.connection_id, EventType.CREDENTIALS_REVOKED
        event = NewEvent.by(actor, kind, ("connection", id_), connection_id=id_, data=data)
        self._outbox.announce(tx, event)
        target = AuditTarget("connection", id_, row.connection_name)
        self._audit.record(tx, actor, "credentials.revoked", target, detail=data)


def _new_row(tx: Transaction, owner: CredentialOwner, credential: CredentialSnapshot) -> RevocationRecord:
    return RevocationRecord(
        id=new_id("rev"),
        workspace_id=owner.workspace_id,
        connection_id=owner.id,
        connection_name=owner.name,
        integration=owner.integration,
        version=owner.version,
        mode=owner.mode.value,
        config=dict(owner.config),
        account=dict(credential.account),
        auth_method=credential.auth_method,
        application_id=credential.application_id,
        state=RevocationState.PENDING.value,
        alive=[str(hint["path"][-1]) for hint in credential.hints],
        expires_at=credential.refresh_expires_at or credential.expires_at,
        created_at=tx.now,
    )


def _actor(row: RevocationRecord) -> Actor:
    return Actor.system(row.workspace_id, "revocation", new_id("req"))


def _state_of(report: RevocationReport) -> RevocationState:
    if not report.revoked:
        return RevocationState.REFUSED if report.problem is not None else RevocationState.NOT_OFFERED
    return RevocationState.PARTLY_REVOKED if report.alive else RevocationState.REVOKED


def _snapshot(row: RevocationRecord) -> RevocationSnapshot:
    names = {"revoked": tuple(row.revoked), "alive": tuple(row.alive)}
    fault = problem_from_json(row.problem)
    return snapshot_of(RevocationSnapshot, row, state=RevocationState(row.state), problem=fault, **names)
