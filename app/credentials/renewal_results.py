"""What came of a renewal, written down: the new generation, or what its failure means; one transaction each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from random import Random
from typing import Final

import structlog

from app.access.actor import Actor
from app.authenticators.base import Grant
from app.catalog.definition import AuthMethod, RenewalBy, Rotation
from app.credentials.due import is_fresh, least_wait_s, next_try_s
from app.credentials.leases import SUPERSEDED, Lease, finish, forget, is_leased
from app.credentials.owner import LockedOwner, Owners
from app.credentials.rows import lock_credential, lock_credentials, save_credential
from app.credentials.sealing import seal_grant
from app.credentials.snapshot import CredentialSnapshot
from app.foundation.database import Database, Transaction
from app.foundation.errors import (
    CredentialsRejectedError,
    OutsideError,
    PatchbayError,
    StorageBusyError,
    TransientOutsideError,
)
from app.foundation.problems import ProblemCode, problem
from app.foundation.together import Together
from app.vault.vault import Vault

_log = structlog.get_logger("patchbay.renewal")
_LOOK_AGAIN_S: Final = 1.0
_PATIENCE_S: Final = 300.0


class Fate(Enum):
    """What became of a grant that a provider gave."""

    SEALED = auto()
    REPLACED = auto()
    """The connection has other credentials by now; the grant is dropped."""
    UNWANTED = auto()
    """The connection gave its credentials up while the provider was asked; the grant still works there."""


@dataclass(frozen=True, slots=True)
class _Renewed:
    """A grant that a provider gave, to be sealed."""

    actor: Actor
    lease: Lease
    method: AuthMethod
    grant: Grant


class RenewalResults:
    """Seals what a provider gave, and judges what it refused. A result that came too late changes nothing.

    What providers give at the same time is sealed in one transaction.
    """

    def __init__(self, database: Database, vault: Vault, owners: Owners) -> None:
        self._database = database
        self._vault = vault
        self._owners = owners
        self._together = Together(self._seal_all)
        self._rng = Random()  # noqa: S311 - spreads retries, guards nothing

    async def succeeded(self, actor: Actor, lease: Lease, method: AuthMethod, grant: Grant) -> Fate:
        """Seal a new grant.

        The grant exists nowhere else: a database that is away is waited for, and so is a worker that took the lease
        over, because what it gets from the provider would be newer, and its refusal would be no news.

        Raises:
            ConflictError: the vault holds another generation than the row says.
        """
        patience = self._database.clock.monotonic() + _PATIENCE_S
        while True:
            try:
                fate = await self._together.ask(_Renewed(actor, lease, method, grant))
            except Exception as fault:
                tired = self._database.clock.monotonic() >= patience
                if tired or (isinstance(fault, PatchbayError) and not isinstance(fault, StorageBusyError)):
                    raise
                _log.warning("a renewed grant is not sealed yet", fault=type(fault).__name__)
            else:
                if fate is not None:
                    return fate
            await self._database.clock.sleep(_LOOK_AGAIN_S)

    async def failed(
        self, actor: Actor, lease: Lease, method: AuthMethod | None, fault: PatchbayError
    ) -> PatchbayError | None:
        """Write down a failure and return what it means; None where newer credentials make it no news."""
        reported = _read_failure(fault, method, lease)
        async with self._database.transaction() as tx:
            locked = (await self._owners.lock([lease.owner_of.id])).get(lease.owner_of.id)
            if locked is None:
                return None
            credential = await lock_credential(lease.owner_of.id)
            await finish(tx, lease, reported.problem.code.value)
            if credential is None or not lease.is_of(credential):
                return None
            if lease.is_held(credential):
                await self._put_off(tx, actor, locked, credential, reported)
        return reported

    async def _seal_all(self, renewed: Sequence[_Renewed]) -> list[Fate | None]:
        """Seal grants, or say why not; None while another worker renews the same credentials."""
        async with self._database.transaction() as tx:
            rows = await self._owners.lock({each.lease.owner_of.id for each in renewed})
            credentials = await lock_credentials(rows)
            fates = [
                await self._seal(
                    tx, each, rows.get(each.lease.owner_of.id), credentials.get(each.lease.owner_of.id)
                )
                for each in renewed
            ]
            done = [each.lease for each, fate in zip(renewed, fates, strict=True) if fate is Fate.SEALED]
            if done:
                await forget(tx, [lease.owner_of.id for lease in done])
        return fates

    async def _seal(
        self,
        tx: Transaction,
        renewed: _Renewed,
        locked: LockedOwner | None,
        credential: CredentialSnapshot | None,
    ) -> Fate | None:
        lease = renewed.lease
        if locked is None or credential is None:
            return Fate.UNWANTED
        if not lease.is_of(credential):
            await finish(tx, lease, SUPERSEDED)
            return Fate.REPLACED
        if not lease.is_held(credential) and is_leased(credential, tx.now):
            return None
        sealed = await seal_grant(
            tx,
            self._vault,
            locked.owner,
            credential,
            renewed.method,
            renewed.grant,
            application_id=credential.application_id,
            scopes=credential.requested_scopes,
            is_renewal=True,
        )
        await locked.renewed(tx, renewed.actor, sealed, recovered=credential.failures > 0)
        return Fate.SEALED

    async def _put_off(
        self,
        tx: Transaction,
        actor: Actor,
        locked: LockedOwner,
        credential: CredentialSnapshot,
        fault: PatchbayError,
    ) -> None:
        failing_since = min(credential.failing_since or tx.now, tx.now)
        failed = replace(
            credential,
            lease_owner=None,
            lease_until=None,
            failures=credential.failures + 1,
            failing_since=failing_since,
            due_at=self._next_try(tx.now, failing_since, credential.lifetime_s, fault),
        )
        await save_credential(tx, failed, is_new=False)
        is_good = is_fresh(tx.now, credential.expires_at, credential.lifetime_s, credential.sealed_at)
        may_pass = is_good and isinstance(fault, TransientOutsideError)
        await locked.renewal_failed(tx, actor, failed, fault, still_usable=may_pass)

    def _next_try(
        self, now: datetime, failing_since: datetime, lifetime_s: int | None, fault: PatchbayError
    ) -> datetime | None:
        if isinstance(fault, CredentialsRejectedError):
            return None
        asked_s = fault.problem.retry_after_s if isinstance(fault, OutsideError) else None
        failing_s = (now - failing_since).total_seconds()
        wait_s = next_try_s(failing_s, asked_s, self._rng.random(), least_wait_s(lifetime_s))
        return now + timedelta(seconds=wait_s)


def _read_failure(fault: PatchbayError, method: AuthMethod | None, lease: Lease) -> PatchbayError:
    """A refusal that follows an attempt with an unknown outcome, of a single-use token, is no revocation."""
    single_use = (
        method is not None
        and method.oauth2 is not None
        and method.oauth2.renewal.by is RenewalBy.REFRESH_TOKEN
        and method.oauth2.renewal.rotation is Rotation.SINGLE_USE
    )
    if lease.is_uncertain and single_use and isinstance(fault, CredentialsRejectedError):
        return CredentialsRejectedError(
            problem(ProblemCode.REFRESH_OUTCOME_UNKNOWN, details={"cause": "REFRESH_OUTCOME_UNKNOWN"})
        )
    return fault
