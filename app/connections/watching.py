"""Watching what is degraded: a connection whose provider was away is looked at again soon, not within the day."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.connections.due import CLOCK_SKEW, due_at, next_probe, next_try_s, share_of
from app.connections.lifecycle import ConnectionState
from app.connections.models import ConnectionRecord, CredentialRecord
from app.foundation.problems import problem_from_json


def usual_due(credential: CredentialRecord, now: datetime) -> datetime:
    """Return when credentials are to be renewed, or probed where they are not renewed, if nothing is wrong."""
    id_, generation, sealed_at = credential.connection_id, credential.generation, credential.sealed_at
    if credential.can_renew and credential.lifetime_s is not None and sealed_at is not None:
        return due_at(id_, generation, sealed_at, credential.lifetime_s)
    return next_probe(id_, generation, now, credential.expires_at)


def next_look(row: ConnectionRecord, credential: CredentialRecord, now: datetime) -> datetime:
    """Return when to look at a connection again: soon where it is degraded, as after a failed renewal."""
    usual = usual_due(credential, now)
    if row.state != ConnectionState.DEGRADED.value:
        return usual
    problem = problem_from_json(row.problem)
    wait_s = next_try_s(
        (now - row.state_since).total_seconds(),
        problem.retry_after_s if problem else None,
        share_of(credential.connection_id, int(now.timestamp())),
    )
    return min(usual, now + timedelta(seconds=wait_s))


def is_time_to_renew(credential: CredentialRecord, now: datetime) -> bool:
    """Tell whether due credentials are due for renewal, and not for a look at a degraded connection.

    It is time where the last renewal failed, and where the clock was put back since they were sealed.
    """
    if credential.failures or credential.sealed_at is None or credential.sealed_at > now + CLOCK_SKEW:
        return True
    return usual_due(credential, now) <= now


async def watch(
    row: ConnectionRecord, before: ConnectionState, credential: CredentialRecord | None, now: datetime
) -> None:
    """After a move, bring the next look forward where the connection is degraded, put it back where it was.

    A renewal that fails has its own next try, and credentials that are in doubt are sent nowhere.
    """
    if credential is None or not credential.generation or credential.due_at is None or credential.failures:
        return
    is_degraded, was_degraded = (
        row.state == ConnectionState.DEGRADED.value,
        before is ConnectionState.DEGRADED,
    )
    if not is_degraded and not was_degraded:
        return
    problem = problem_from_json(row.problem)
    is_asked = problem is not None and problem.retry_after_s is not None
    due = next_look(row, credential, now)
    if is_degraded and was_degraded and not is_asked:
        due = min(due, credential.due_at)  # who fails every few seconds does not put it off for ever
    if due != credential.due_at:
        credential.due_at = due
        await credential.save(update_fields=["due_at"])
