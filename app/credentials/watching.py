"""Watching what is degraded: a connection whose provider was away is looked at again soon, not within the day."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.credentials.due import CLOCK_SKEW, due_at, next_probe, next_try_s, share_of
from app.credentials.owner import CredentialOwner
from app.credentials.rows import set_due
from app.credentials.snapshot import CredentialSnapshot
from app.foundation.database import Transaction


def usual_due(credential: CredentialSnapshot, now: datetime) -> datetime:
    """Return when credentials are to be renewed, or probed where they are not renewed, if nothing is wrong."""
    id_, generation, sealed_at = credential.connection_id, credential.generation, credential.sealed_at
    if credential.can_renew and credential.lifetime_s is not None and sealed_at is not None:
        return due_at(id_, generation, sealed_at, credential.lifetime_s)
    return next_probe(id_, generation, now, credential.expires_at)


def next_look(owner: CredentialOwner, credential: CredentialSnapshot, now: datetime) -> datetime:
    """Return when to look at a connection again: soon where it is degraded, as after a failed renewal."""
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
    """Tell whether due credentials are due for renewal, and not for a look at a degraded connection.

    It is time where the last renewal failed, and where the clock was put back since they were sealed.
    """
    if credential.failures or credential.sealed_at is None or credential.sealed_at > now + CLOCK_SKEW:
        return True
    return usual_due(credential, now) <= now


async def watch(
    tx: Transaction, owner: CredentialOwner, credential: CredentialSnapshot | None, *, was_degraded: bool
) -> None:
    """After a change of state bring the next look forward where the connection is degraded, put it back where it was.

    A renewal that fails has its own next try, and stale credentials are sent nowhere.
    """
    if credential is None or not credential.generation or credential.due_at is None or credential.failures:
        return
    is_degraded = owner.degraded_since is not None
    if not is_degraded and not was_degraded:
        return
    is_asked = owner.problem is not None and owner.problem.retry_after_s is not None
    due = next_look(owner, credential, tx.now)
    if is_degraded and was_degraded and not is_asked:
        due = min(due, credential.due_at)  # who fails every few seconds does not put it off for ever
    if due != credential.due_at:
        await set_due(tx, credential, due)
