"""Revocation: credentials of a connection that is gone are taken back at the provider, then destroyed.

A connection's credentials leave it in one transaction, into a job of their own that nothing else can open: the
connection is unusable at once, whatever the provider does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Final

from tortoise.expressions import Q

from app.access.actor import Actor
from app.access.policy import Permission, require
from app.audit.entry import Detail, Target
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
from app.foundation.errors import CredentialsRejectedError, NotAllowedNowError, NotFoundError, PatchbayError
from app.foundation.ids import new_id, new_token
from app.foundation.jobs import Jobs
from app.foundation.problems import ProblemCode
from app.foundation.retry import backoff_s
from app.vault.vault import RevealPurpose, Vault

GIVE_UP_AFTER: Final = timedelta(hours=72)
_LEASE: Final = timedelta(seconds=90)
_PICK_UP: Final = timedelta(seconds=5)
_BACKOFF_BASE_S: Final = 30.0
_BACKOFF_CAP_S: Final = 3_600.0
_TABLE: Final = "revocation"


class Revocations:
    """Takes credentials over from connections and revokes them, however often that must be tried."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        audit: AuditLog,
        outbox: Outbox,
        jobs: Jobs,
        opener: Opener,
        runner: FlowRunner,
    ) -> None:
        self._database = database
        self._vault = vault
        self._audit = audit
        self._outbox = outbox
        self._jobs = jobs
        self._opener = opener
        self._runner = runner
        self._rng = Random()  # noqa: S311 - spreads retries, guards nothing

    async def take(
        self, tx: Transaction, actor: Actor, owner: CredentialOwner, credential: CredentialSnapshot | None
    ) -> RevocationSnapshot | None:
        """Move a locked connection's credentials into a row of their own, with ``tx``; None if none of them open.

        Secret fields of its configuration are sealed there too: the connection may lose them before the provider
        has answered.
        """
        if credential is None or credential.generation == 0:
            return None
        row = _new_row(tx, owner, credential)
        taken = replace(owner, sealed_at_row=(_TABLE, row.id))
        if not await self._vault.move(tx, owner.credential_ref, taken.credential_ref):
            return None
        for name in owner.secret_fields:
            await self._vault.copy(tx, owner.config_ref(name), taken.config_ref(name))
        await row.save(force_create=True)
        detail: Detail = {"revocationId": row.id, "generation": credential.generation}
        target = Target("connection", owner.id, owner.name)
        self._audit.record(tx, actor, "credentials.moved_to_revocation", target, detail=detail)
        tx.after_commit(lambda: self._jobs.enqueue("revocation", row.id))
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
        row.alive = [str(hint["path"][-1]) for hint in credential.hints]
        row.due_at, row.finished_at = None, tx.now
        await row.save(force_create=True)
        report = RevocationReport(alive=tuple(row.alive))
        self._tell(tx, actor, row, RevocationState.NOT_OFFERED, report)
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

    async def due(self, limit: int = 100) -> list[str]:
        """Return the ids of revocations that are due and that nobody works on, earliest first."""
        now = self._database.clock.now()
        unclaimed = Q(lease_until=None) | Q(lease_until__lte=now)
        rows = RevocationRecord.filter(unclaimed, finished_at=None, due_at__lte=now)
        return [
            str(row_id) for row_id in await rows.order_by("due_at").limit(limit).values_list("id", flat=True)
        ]

    async def work(self, revocation_id: str) -> None:
        """Claim a revocation and try it once; one that somebody else has, or that is over, is left alone."""
        row = await self._claim(revocation_id)
        if row is None:
            return
        actor = Actor.system(row.workspace_id, "revocation", new_id("req"))
        try:
            report = await self._ask(actor, row)
        except CredentialsRejectedError:
            # The provider knows them no more: that is what was wanted.
            await self._finish(actor, row, RevocationState.REVOKED, RevocationReport())
        except PatchbayError as fault:
            await self._try_later(actor, row, fault)
        else:
            await self._finish(actor, row, _state_of(report), report)

    async def _claim(self, revocation_id: str) -> RevocationRecord | None:
        now = self._database.clock.now()
        free = Q(lease_until=None) | Q(lease_until__lte=now)
        claimed = await RevocationRecord.filter(free, id=revocation_id, finished_at=None).update(
            lease_owner=new_token(128), lease_until=now + _LEASE, due_at=now + _LEASE
        )
        return await RevocationRecord.get(id=revocation_id) if claimed else None

    async def _ask(self, actor: Actor, row: RevocationRecord) -> RevocationReport:
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
        flow = authenticator_for(method).revoke(method, opened.facts, opened.grant)
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

    async def _try_later(self, actor: Actor, row: RevocationRecord, fault: PatchbayError) -> None:
        now = self._database.clock.now()
        unreadable = fault.problem.code in {ProblemCode.CREDENTIAL_UNREADABLE, ProblemCode.NOT_FOUND}
        if unreadable or now >= row.give_up_at:
            await self._finish(actor, row, RevocationState.GAVE_UP, RevocationReport())
            return
        own_s = backoff_s(row.attempts + 1, base_s=_BACKOFF_BASE_S, cap_s=_BACKOFF_CAP_S, rng=self._rng)
        wait_s = max(fault.problem.retry_after_s or 0.0, own_s, _BACKOFF_BASE_S)
        await RevocationRecord.filter(id=row.id, lease_owner=row.lease_owner).update(
            attempts=row.attempts + 1,
            lease_owner=None,
            lease_until=None,
            due_at=min(now + timedelta(seconds=wait_s), row.give_up_at),
        )

    async def _finish(
        self, actor: Actor, row: RevocationRecord, state: RevocationState, report: RevocationReport
    ) -> None:
        async with self._database.transaction() as tx:
            ended = await RevocationRecord.filter(
                id=row.id, lease_owner=row.lease_owner, finished_at=None
            ).update(
                state=state.value,
                revoked=list(report.revoked),
                alive=list(report.alive),
                attempts=row.attempts + 1,
                finished_at=tx.now,
                due_at=None,
                lease_until=None,
                config={},
                account={},
            )
            if not ended:
                return
            await self._vault.destroy_row(tx, _TABLE, row.id)
            self._tell(tx, actor, row, state, report)

    def _tell(
        self,
        tx: Transaction,
        actor: Actor,
        row: RevocationRecord,
        state: RevocationState,
        report: RevocationReport,
    ) -> None:
        until = row.expires_at.isoformat() if row.expires_at and report.alive else None
        data: Detail = {
            "revocationId": row.id,
            "state": state.value,
            "revoked": list(report.revoked),
            "alive": list(report.alive),
            "expiresAt": until,
        }
        subject = ("connection", row.connection_id)
        self._outbox.announce(
            tx,
            NewEvent.by(
                actor, EventType.CREDENTIALS_REVOKED, subject, connection_id=row.connection_id, data=data
            ),
        )
        target = Target("connection", row.connection_id, row.connection_name)
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
        expires_at=credential.refresh_expires_at or credential.expires_at,
        created_at=tx.now,
        due_at=tx.now + _PICK_UP,
        give_up_at=tx.now + GIVE_UP_AFTER,
    )


def _state_of(report: RevocationReport) -> RevocationState:
    if not report.revoked:
        return RevocationState.NOT_OFFERED
    return RevocationState.PARTLY_REVOKED if report.alive else RevocationState.REVOKED


def _snapshot(row: RevocationRecord) -> RevocationSnapshot:
    return RevocationSnapshot(
        id=row.id,
        connection_id=row.connection_id,
        integration=row.integration,
        state=RevocationState(row.state),
        revoked=tuple(row.revoked),
        alive=tuple(row.alive),
        expires_at=row.expires_at,
        attempts=row.attempts,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
