"""The one state setter: a change of state, its event and its audit entry are one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.access.actor import Actor
from app.audit.entry import AuditTarget, Detail
from app.audit.log import AuditLog
from app.connections.lifecycle import USABLE, ConnectionState, StateTrigger, next_state
from app.connections.models import ConnectionRecord
from app.connections.rows import credential_owner, evidence
from app.credentials.schedule import RenewalSchedule
from app.credentials.snapshot import CredentialSnapshot
from app.event_stream.event import EventType, NewEvent
from app.event_stream.outbox import Outbox
from app.foundation.database import Transaction
from app.foundation.errors import PERSON_NEEDED
from app.foundation.problems import Problem, problem_from_json

_ENDS_A_CAUSE: Final = frozenset(
    {StateTrigger.CREDENTIALS_SEALED, StateTrigger.GOOD_ANSWER, StateTrigger.DISCONNECTED}
)


class Transitions:
    """Applies transitions to connections. Nobody else writes ``state``, ``state_since`` or ``problem``."""

    def __init__(self, audit: AuditLog, outbox: Outbox, renewals: RenewalSchedule) -> None:
        self._audit = audit
        self._outbox = outbox
        self._renewals = renewals

    async def apply(
        self,
        tx: Transaction,
        actor: Actor,
        row: ConnectionRecord,
        credential: CredentialSnapshot | None,
        trigger: StateTrigger,
        problem: Problem | None = None,
    ) -> bool:
        """Apply ``trigger`` to the locked row and save it; return whether state or problem changed.

        ``problem`` becomes the connection's problem; None clears it. But a cause that only a person can end stays
        until the credentials were replaced, proved good or removed: an outage or another attempt does not hide it.

        Raises:
            NotAllowedNowError: the state does not permit the trigger.
        """
        before = ConnectionState(row.state)
        after = next_state(before, trigger, evidence(row, credential))
        problem = _prevailing(row, trigger, problem)
        if problem is not None and trigger is StateTrigger.UNAVAILABLE and after is ConnectionState.DEGRADED:
            problem = problem.that_is_retried()  # what is degraded is looked at again soon
        stored = problem.to_json() if problem else None
        same_problem = (row.problem or {}).get("code") == (stored or {}).get("code")
        row.problem = stored
        row.updated_at = tx.now
        row.revision += 1
        if after is not before:
            row.state, row.state_since = after.value, tx.now
            row.ever_connected = row.ever_connected or after in USABLE
        await row.save()
        was_degraded = before is ConnectionState.DEGRADED
        await self._renewals.watch(tx, credential_owner(row), credential, was_degraded=was_degraded)
        if after is before and same_problem:
            return False
        code = problem.code.value if problem else None
        data = {"from": before.value, "to": after.value, "trigger": trigger.value, "problem": code}
        self.announce(tx, actor, row, EventType.CONNECTION_STATE_CHANGED, data)
        self.audit(tx, actor, row, "connection.state_changed", data)
        return True

    def announce(
        self,
        tx: Transaction,
        actor: Actor,
        row: ConnectionRecord,
        type_: EventType,
        data: Mapping[str, object],
    ) -> None:
        """Put an event about a connection into the transaction."""
        subject, content = ("connection", row.id), {"name": row.name, **data}
        self._outbox.announce(tx, NewEvent.by(actor, type_, subject, connection_id=row.id, data=content))

    def audit(
        self,
        tx: Transaction,
        actor: Actor,
        row: ConnectionRecord,
        action: str,
        detail: Detail | None = None,
    ) -> None:
        """Put an audit entry about a connection into the transaction."""
        target = AuditTarget("connection", row.id, row.name)
        self._audit.record(tx, actor, action, target, detail=detail or {})


def _prevailing(row: ConnectionRecord, trigger: StateTrigger, problem: Problem | None) -> Problem | None:
    current = problem_from_json(row.problem)
    if current is None or current.code not in PERSON_NEEDED or trigger in _ENDS_A_CAUSE:
        return problem
    return problem if problem is not None and problem.code in PERSON_NEEDED else current
