"""When credentials are checked next: renewed before they run out, probed where they are not renewed.

A connection whose provider was away is checked again soon, not within the day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from app.credentials.due import CLOCK_SKEW, due_at, next_probe, next_try_s, share_of
from app.credentials.owner import CredentialOwner
from app.credentials.snapshot import CredentialSnapshot, are_usable
from app.foundation.database import Transaction
from app.work.kind import Claim, WorkSubject
from app.work.queue import WorkQueue

RENEWAL: Final = "renewal"


class RenewalSchedule:
    """Makes credentials due, always in the transaction that changes them."""

    def __init__(self, work: WorkQueue) -> None:
        self._work = work

    async def sealed(
        self, tx: Transaction, credentials: Sequence[CredentialSnapshot], ended: Sequence[Claim] = ()
    ) -> None:
        """Make credentials that were just sealed due in their time, with ``tx``; who renews older ones has lost them.

        ``ended`` are this process's own claims among them.
        """
        due = [
            (
                renewal_of(each),
                due_at(each.connection_id, each.generation, each.sealed_at or tx.now, each.lifetime_s),
            )
            for each in credentials
            if are_usable(each)
        ]
        await self._work.replace(tx, RENEWAL, due, ended)

    async def cancel(self, tx: Transaction, connection_id: str) -> None:
        """Schedule no further check of a connection's credentials, with ``tx``: they are removed, or sent nowhere."""
        await self._work.cancel(tx, RENEWAL, connection_id)

    async def watch(
        self,
        tx: Transaction,
        owner: CredentialOwner,
        credential: CredentialSnapshot | None,
        *,
        was_degraded: bool,
    ) -> None:
        """After a change of state schedule the next check earlier where a connection is degraded, else as usual.

        A renewal that fails or is under way has its own next try, and stale credentials are sent nowhere.
        """
        is_degraded = owner.degraded_since is not None
        if not (is_degraded or was_degraded) or not are_usable(credential):
            return
        work = (await self._work.lock(tx, RENEWAL, [owner.id])).get(owner.id)
        if work is None or work.due_at is None or work.is_leased or work.failing_since:
            return
        has_retry_after = owner.problem is not None and owner.problem.retry_after_s is not None
        due = next_check(owner, credential, tx.now)
        if is_degraded and was_degraded and not has_retry_after:
            due = min(due, work.due_at)  # who fails every few seconds does not put it off for ever
        if due != work.due_at:
            await self._work.replace(tx, RENEWAL, [(renewal_of(credential), due)])


def renewal_of(credential: CredentialSnapshot) -> WorkSubject:
    """Return what a renewal is about: a connection, round-robin with others of its application."""
    return WorkSubject(credential.connection_id, credential.workspace_id, credential.application_id)


def usual_due(credential: CredentialSnapshot, now: datetime) -> datetime:
    """Return when credentials are to be renewed, or probed where they are not renewed, if nothing is wrong."""
    id_, generation, sealed_at = credential.connection_id, credential.generation, credential.sealed_at
    if credential.can_renew and credential.lifetime_s is not None and sealed_at is not None:
        return due_at(id_, generation, sealed_at, credential.lifetime_s)
    return next_probe(id_, generation, now, credential.expires_at)


def next_check(owner: CredentialOwner, credential: CredentialSnapshot, now: datetime) -> datetime:
    """Return when to check a connection again: soon where it is degraded, as after a failed renewal."""
    usual = usual_due(credential, now)
    if owner.degraded_since is None:
        return usual
    wait_s = next_try_s(
        (now - owner.degraded_since).total_seconds(),
        owner.problem.retry_after_s if owner.problem else None,
        share_of(credential.connection_id, int(now.timestamp())),
    )
    return min(usual, now + timedelta(seconds=wait_s))


def is_time_to_renew(credential: CredentialSnapshot, now: datetime) -> bool:
    """Return whether due credentials are due for renewal, and not for a check of a degraded connection.

    It is time where the clock was set back since they were sealed.
    """
    if credential.sealed_at is None or credential.sealed_at > now + CLOCK_SKEW:
        return True
    return usual_due(credential, now) <= now
