"""What came of a renewal, written down: the new generation, or what its failure means; one transaction each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from random import Random
from typing import Final

import structlog

from app.access.actor import Actor
from app.authenticators.base import Grant
from app.catalog.definition import AuthMethod, RenewalBy, Rotation
from app.credentials.due import is_fresh, least_wait_s, next_try_s
from app.credentials.intents import SUPERSEDED, Intent, finish, forget, is_held
from app.credentials.owner import LockedOwner, Owners
from app.credentials.rows import find_credentials, lock_credential
from app.credentials.schedule import RENEWAL, RenewalSchedule
from app.credentials.sealing import seal_grant
from app.credentials.snapshot import CredentialSnapshot
from app.foundation.batcher import Batcher
from app.foundation.database import Database, Transaction
from app.foundation.errors import (
    CredentialsRejectedError,
    OutsideError,
    PatchbayError,
    StorageBusyError,
    TransientOutsideError,
)
from app.foundation.problems import ProblemCode, problem
from app.vault.vault import Vault
from app.work.queue import WorkQueue, WorkSnapshot

_log = structlog.get_logger("patchbay.renewal")
_RETRY_S: Final = 1.0
_MAX_WAIT_S: Final = 300.0


class RenewalOutcome(Enum):
    """What became of a new grant."""

    SEALED = auto()
    REPLACED = auto()
    """The connection has other credentials by now; the grant is dropped."""
    UNWANTED = auto()
    """The connection's credentials were removed during the renewal; the grant still works at the provider."""


@dataclass(frozen=True, slots=True)
class _NewGrant:
    """A grant that a provider gave, to be sealed."""

    actor: Actor
    intent: Intent
    method: AuthMethod
    grant: Grant


class RenewalResults:
    """Seals new grants, and classifies failures. A result that came too late changes nothing.

    What providers give at the same time is sealed in one transaction.
    """

    def __init__(
        self, database: Database, vault: Vault, work: WorkQueue, schedule: RenewalSchedule, owners: Owners
    ) -> None:
        self._database = database
        self._vault = vault
        self._work = work
        self._schedule = schedule
        self._owners = owners
        self._batcher = Batcher(self._seal_all)
        self._rng = Random()  # noqa: S311 - spreads retries, guards nothing

    async def succeeded(
        self, actor: Actor, intent: Intent, method: AuthMethod, grant: Grant
    ) -> RenewalOutcome:
        """Seal a new grant.

        The grant exists nowhere else: a database that is away is waited for, and so is a worker that took the renewal
        over, because what it gets from the provider would be newer, and its refusal obsolete.

        Raises:
            ConflictError: the vault holds another generation than the row says.
        """
        deadline = self._database.clock.monotonic() + _MAX_WAIT_S
        while True:
            try:
                outcome = await self._batcher.submit(_NewGrant(actor, intent, method, grant))
            except Exception as fault:
                has_timed_out = self._database.clock.monotonic() >= deadline
                if has_timed_out or (
                    isinstance(fault, PatchbayError) and not isinstance(fault, StorageBusyError)
                ):
                    raise
                _log.warning("a renewed grant is not sealed yet", fault=type(fault).__name__)
            else:
                if outcome is not None:
                    return outcome
            await self._database.clock.sleep(_RETRY_S)

    async def failed(
        self, actor: Actor, intent: Intent, method: AuthMethod | None, fault: PatchbayError
    ) -> PatchbayError | None:
        """Record a failure and return what it means; None where newer credentials make it obsolete."""
        reported = _read_failure(fault, method, intent)
        id_ = intent.owner.id
        async with self._database.transaction() as tx:
            locked = (await self._owners.lock([id_])).get(id_)
            if locked is None:
                return None
            credential = await lock_credential(id_)
            await finish(tx, intent, reported.problem.code.value, reported.problem)
            if credential is None or not intent.is_of(credential):
                return None
            if is_held(intent.claim, (await self._work.lock(tx, RENEWAL, [id_])).get(id_)):
                await self._reschedule_failed(tx, actor, intent, locked, credential, reported)
        return reported

    async def _seal_all(self, renewed: Sequence[_NewGrant]) -> list[RenewalOutcome | None]:
        """Seal grants, or say why not; None while another worker renews the same credentials."""
        ids = {each.intent.owner.id for each in renewed}
        async with self._database.transaction() as tx:
            rows = await self._owners.lock(ids)
            credentials = await find_credentials(rows, lock=True)
            work = await self._work.lock(tx, RENEWAL, rows)
            outcomes: list[RenewalOutcome | None] = []
            sealed: list[tuple[_NewGrant, LockedOwner, CredentialSnapshot]] = []
            for each in renewed:
                id_ = each.intent.owner.id
                locked, credential = rows.get(id_), credentials.get(id_)
                outcomes.append(await self._outcome(tx, each.intent, credential, work.get(id_)))
                if outcomes[-1] is RenewalOutcome.SEALED and locked is not None and credential is not None:
                    newer = await seal_grant(
                        tx, self._vault, locked.owner, credential, each.method, each.grant, is_renewal=True
                    )
                    sealed.append((each, locked, newer))
            if sealed:
                await self._announce(tx, sealed)
        return outcomes

    @staticmethod
    async def _outcome(
        tx: Transaction, intent: Intent, credential: CredentialSnapshot | None, work: WorkSnapshot | None
    ) -> RenewalOutcome | None:
        if credential is None:
            return RenewalOutcome.UNWANTED
        if not intent.is_of(credential):
            await finish(tx, intent, SUPERSEDED)
            return RenewalOutcome.REPLACED
        if work is not None and work.is_leased and not is_held(intent.claim, work):
            return None
        return RenewalOutcome.SEALED

    async def _announce(
        self, tx: Transaction, sealed: Sequence[tuple[_NewGrant, LockedOwner, CredentialSnapshot]]
    ) -> None:
        """Schedule what was sealed, and update the connections."""
        claims = [renewed.intent.claim for renewed, _, _ in sealed]
        await self._schedule.sealed(tx, [credential for _, _, credential in sealed], claims)
        await forget(tx, [credential.connection_id for _, _, credential in sealed])
        for renewed, locked, credential in sealed:
            await locked.renewed(tx, renewed.actor, credential, recovered=renewed.intent.failures > 0)

    async def _reschedule_failed(
        self,
        tx: Transaction,
        actor: Actor,
        intent: Intent,
        locked: LockedOwner,
        credential: CredentialSnapshot,
        fault: PatchbayError,
    ) -> None:
        if isinstance(fault, CredentialsRejectedError):
            await self._work.finish(tx, intent.claim)
        else:
            since = min(intent.claim.failing_since or tx.now, tx.now)
            requested_s = fault.problem.retry_after_s if isinstance(fault, OutsideError) else None
            least_s, share = least_wait_s(credential.lifetime_s), self._rng.random()
            wait_s = next_try_s((tx.now - since).total_seconds(), requested_s, share, least_s)
            due_at = tx.now + timedelta(seconds=wait_s)
            await self._work.fail(tx, intent.claim, fault.problem, due_at=due_at)
        is_good = is_fresh(tx.now, credential.expires_at, credential.lifetime_s, credential.sealed_at)
        may_pass = is_good and isinstance(fault, TransientOutsideError)
        await locked.renewal_failed(
            tx, actor, credential, fault, failures=intent.failures + 1, still_usable=may_pass
        )


def _read_failure(fault: PatchbayError, method: AuthMethod | None, intent: Intent) -> PatchbayError:
    """A refusal that follows an attempt with an unknown outcome, of a single-use token, is no revocation."""
    single_use = (
        method is not None
        and method.oauth2 is not None
        and method.oauth2.renewal.by is RenewalBy.REFRESH_TOKEN
        and method.oauth2.renewal.rotation is Rotation.SINGLE_USE
    )
    if intent.is_uncertain and single_use and isinstance(fault, CredentialsRejectedError):
        return CredentialsRejectedError(
            problem(ProblemCode.REFRESH_OUTCOME_UNKNOWN, details={"cause": "REFRESH_OUTCOME_UNKNOWN"})
        )
    return fault
