"""Leases on renewals: the right to renew one generation, taken with an intent that outlives a crash."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from tortoise.expressions import Q

from app.access.actor import Actor
from app.credentials.due import CLOCK_SKEW
from app.credentials.models import CredentialRecord, RenewalAttemptRecord
from app.credentials.owner import CredentialOwner, LockedOwner, Owners
from app.credentials.rows import lock_credentials
from app.credentials.snapshot import CredentialSnapshot
from app.foundation.database import Database, Transaction
from app.foundation.errors import NotFoundError
from app.foundation.ids import new_id, new_token
from app.foundation.problems import ProblemCode
from app.foundation.together import Together

_log = structlog.get_logger("patchbay.renewal")
# Shorter than the grace that providers give used refresh tokens (30 s and more): who takes over comes in time for it.
LEASE_FOR: Final = timedelta(seconds=25)
# A transaction may have begun before the one whose lease it sees, and clocks of hosts differ.
_LONGEST: Final = LEASE_FOR + CLOCK_SKEW
_BEAT_S: Final = 8.0
COOL_DOWN: Final = timedelta(seconds=30)
INTERRUPTED: Final = "UNKNOWN"
SUPERSEDED: Final = "SUPERSEDED"
_MAX_OUTCOME: Final = 32
_UNCERTAIN: Final = (
    INTERRUPTED,
    ProblemCode.UPSTREAM_TIMEOUT.value,
    ProblemCode.UPSTREAM_UNREACHABLE.value,
    ProblemCode.UPSTREAM_UNAVAILABLE.value,
    ProblemCode.UPSTREAM_BAD_RESPONSE.value,
    ProblemCode.TOKEN_RESPONSE_INVALID.value,
)
"""Outcomes after which the provider may have used the refresh token up, although no new one came back."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to renew one generation, until it runs out; connection and credentials are as when it was taken.

    ``is_uncertain``: an earlier attempt at these very credentials may have used their refresh token up.
    """

    owner: str
    attempt_id: str
    is_uncertain: bool
    generation: int
    owner_of: CredentialOwner
    credential: CredentialSnapshot

    def is_held(self, credential: CredentialSnapshot | None) -> bool:
        """Return whether nobody has taken the lease over."""
        return credential is not None and self.is_of(credential) and credential.lease_owner == self.owner

    def is_of(self, credential: CredentialSnapshot) -> bool:
        """Return whether these are still the very credentials it was taken for; a new grant may reuse the number."""
        seen = self.credential
        return (credential.generation, credential.sealed_at) == (self.generation, seen.sealed_at)


@dataclass(frozen=True, slots=True)
class Other:
    """Another renewal of the same generation: one under way, or one that failed a moment ago."""

    attempt_id: str


@dataclass(frozen=True, slots=True)
class _Wish:
    """Somebody's wish for a lease."""

    actor: Actor
    connection_id: str
    generation: int
    at_once: bool


class Leases:
    """Hands out leases, one per connection at a time, over all processes of the hub.

    Those that are asked for at the same time are taken in one transaction.
    """

    def __init__(self, database: Database, owners: Owners) -> None:
        self._database = database
        self._owners = owners
        self._together = Together(self._take)

    async def take(
        self, actor: Actor, connection_id: str, seen_generation: int, *, at_once: bool
    ) -> Lease | Other | None:
        """Return a lease, another's attempt to look at, or None where a newer generation is there.

        A provider that failed less than ``COOL_DOWN`` ago is asked again only ``at_once``, or when it is due again.

        Raises:
            NotFoundError: no such connection.
        """
        taken = await self._together.ask(_Wish(actor, connection_id, seen_generation, at_once))
        if isinstance(taken, NotFoundError):
            raise taken
        return taken

    async def _take(self, wishes: Sequence[_Wish]) -> list[Lease | Other | NotFoundError | None]:
        ids = {wish.connection_id for wish in wishes}
        owner = new_token()
        async with self._database.transaction() as tx:
            rows = await self._owners.lock(ids)
            credentials = await lock_credentials(rows)
            past: dict[str, list[RenewalAttemptRecord]] = {}
            for attempt in await RenewalAttemptRecord.filter(connection_id__in=list(rows)).order_by("id"):
                past.setdefault(attempt.connection_id, []).append(attempt)
            taken = [
                _judged(
                    tx,
                    wish,
                    owner,
                    rows.get(wish.connection_id),
                    credentials.get(wish.connection_id),
                    past.get(wish.connection_id, []),
                )
                for wish in wishes
            ]
            await _write_down(tx, [lease for lease in taken if isinstance(lease, Lease)])
        return taken

    @asynccontextmanager
    async def kept(self, lease: Lease) -> AsyncIterator[None]:
        """Keep a lease for as long as the block runs, however slow the provider is; a killed worker keeps none."""
        done = asyncio.Event()
        keeping = asyncio.create_task(self._keep(lease, done), name="lease")
        try:
            yield
        finally:
            done.set()
            await keeping

    async def _keep(self, lease: Lease, done: asyncio.Event) -> None:
        mine = CredentialRecord.filter(connection_id=lease.owner_of.id, lease_owner=lease.owner)
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_BEAT_S):
                    await done.wait()
                return
            try:
                if not await mine.update(lease_until=self._database.clock.now() + LEASE_FOR):
                    return
            except Exception as fault:  # noqa: BLE001 - a database that is away lets nobody else take it over either
                _log.warning("a lease was not kept", fault=type(fault).__name__)

    @staticmethod
    async def outcome(other: Other) -> str | None:
        """Return what became of another's attempt: a problem's code, or None while it runs and where it is gone."""
        attempt = await RenewalAttemptRecord.filter(id=other.attempt_id).first()
        return attempt.outcome if attempt is not None else None


def is_leased(credential: CredentialSnapshot, now: datetime) -> bool:
    """Return whether a worker holds a lease now; one that ends too late was taken before the clock was put back."""
    return credential.lease_until is not None and now < credential.lease_until <= now + _LONGEST


def not_leased(now: datetime) -> Q:
    """Return the condition under which nobody holds a lease, as :func:`is_leased` says."""
    return Q(lease_until=None) | Q(lease_until__lte=now) | Q(lease_until__gt=now + _LONGEST)


def _judged(
    tx: Transaction,
    wish: _Wish,
    owner: str,
    locked: LockedOwner | None,
    credential: CredentialSnapshot | None,
    attempts: list[RenewalAttemptRecord],
) -> Lease | Other | NotFoundError | None:
    if locked is None or locked.owner.workspace_id != wish.actor.workspace_id:
        return NotFoundError()
    if credential is None or credential.generation != wish.generation:
        return None
    past = [attempt for attempt in attempts if attempt.generation == wish.generation]
    if is_leased(credential, tx.now):
        running = next((attempt for attempt in past if attempt.finished_at is None), None)
        return Other(running.id if running else "")
    if not wish.at_once and (failed := _failed_just_now(past, credential, tx.now)) is not None:
        return Other(failed.id)
    return Lease(
        owner=owner,
        attempt_id=new_id("ren"),
        is_uncertain=any(attempt.finished_at is None or attempt.outcome in _UNCERTAIN for attempt in past),
        generation=credential.generation,
        owner_of=locked.owner,
        credential=credential,
    )


async def _write_down(tx: Transaction, leases: Sequence[Lease]) -> None:
    if not leases:
        return
    ids = [lease.owner_of.id for lease in leases]
    await RenewalAttemptRecord.filter(connection_id__in=ids, finished_at=None).update(
        finished_at=tx.now, outcome=INTERRUPTED
    )
    await CredentialRecord.filter(connection_id__in=ids).update(
        lease_owner=leases[0].owner, lease_until=tx.now + LEASE_FOR
    )
    await RenewalAttemptRecord.bulk_create(
        [
            RenewalAttemptRecord(
                id=lease.attempt_id,
                workspace_id=lease.credential.workspace_id,
                connection_id=lease.owner_of.id,
                generation=lease.generation,
                lease_owner=lease.owner,
                started_at=tx.now,
            )
            for lease in leases
        ]
    )


async def finish(tx: Transaction, lease: Lease, outcome: str) -> None:
    """Close a lease's attempt with its outcome, with ``tx``."""
    own: Any = RenewalAttemptRecord.filter(id=lease.attempt_id)
    await own.update(finished_at=tx.now, outcome=outcome[:_MAX_OUTCOME])


async def forget(tx: Transaction, connection_ids: Sequence[str]) -> None:  # noqa: ARG001 - joined by the models
    """Delete the attempts of connections that were renewed, with ``tx``: what became of them is told."""
    await RenewalAttemptRecord.filter(connection_id__in=connection_ids).delete()


def _failed_just_now(
    past: list[RenewalAttemptRecord], credential: CredentialSnapshot, now: datetime
) -> RenewalAttemptRecord | None:
    if not credential.failures or not past:
        return None
    last = past[-1]
    if last.finished_at is None or last.outcome in {INTERRUPTED, SUPERSEDED}:
        return None
    until = last.finished_at + COOL_DOWN
    if credential.due_at is not None:
        until = min(until, credential.due_at)
    return last if last.finished_at <= now < until else None
