"""Authorization rows and their states: every change of state is a numbered row, an event and a wake-up."""

from __future__ import annotations

from typing import Any, Final

from app.access.actor import Actor, ActorKind, Channel
from app.authenticators.steps import RedirectStep, Step, step_from_json, step_to_json
from app.connections.models import AuthorizationRecord, AuthorizationStateRecord, ConnectionRecord
from app.connections.snapshot import FINAL_STATES, AuthorizationSnapshot, AuthorizationStateName
from app.event_stream.event import EventType, NewEvent
from app.event_stream.outbox import Outbox
from app.foundation.database import Transaction
from app.foundation.errors import NotFoundError
from app.foundation.ids import new_id, prefix_of
from app.foundation.problems import Problem, ProblemCode, problem, problem_from_json
from app.vault.vault import SealedRef, Vault

ATTEMPT_TABLE: Final = "authorization_attempt"
_ATTEMPT_FIELD: Final = "attempt"


class Attempts:
    """The one writer of authorization states."""

    def __init__(self, outbox: Outbox, vault: Vault, public_url: str) -> None:
        self._outbox = outbox
        self._vault = vault
        self._public_url = public_url

    async def advance(
        self,
        tx: Transaction,
        actor: Actor,
        row: AuthorizationRecord,
        state: AuthorizationStateName,
        *,
        step: Step | None = None,
        fault: Problem | None = None,
    ) -> None:
        """Move a locked authorization to ``state``; a final state destroys what was sealed for it."""
        row.seq += 1
        row.state = state.value
        row.step = _shown_step(step)
        row.problem = fault.to_json() if fault else None
        if state in FINAL_STATES:
            row.finished_at = tx.now
            row.state_hash = None
            await self._vault.destroy(tx, attempt_ref(row))
        await row.save()
        await AuthorizationStateRecord.create(
            id=new_id("evt"),
            authorization_id=row.id,
            workspace_id=row.workspace_id,
            seq=row.seq,
            state=row.state,
            step=row.step,
            problem=row.problem,
            at=tx.now,
        )
        code = fault.code.value if fault else None
        data = {"authorizationId": row.id, "state": row.state, "problem": code}
        type_, subject = EventType.AUTHORIZATION_STATE_CHANGED, ("authorization", row.id)
        event = NewEvent.by(actor, type_, subject, connection_id=row.connection_id, data=data)
        self._outbox.announce(tx, event)

    async def cancel_open(self, tx: Transaction, actor: Actor, connection: ConnectionRecord) -> None:
        """Cancel what is still open for a locked connection: one authorization at a time."""
        is_open = AuthorizationRecord.filter(connection_id=connection.id, finished_at=None)
        fault = problem(ProblemCode.AUTHORIZATION_CANCELLED)
        for row in await is_open.select_for_update():
            await self.advance(tx, actor, row, AuthorizationStateName.CANCELLED, fault=fault)

    def snapshot(
        self, row: AuthorizationRecord, past: AuthorizationStateRecord | None = None
    ) -> AuthorizationSnapshot:
        """Return the picture of an authorization as it is now, or as it was at one of its past states."""
        shown = past or row
        step = step_from_json(shown.step)
        return AuthorizationSnapshot(
            id=row.id,
            workspace_id=row.workspace_id,
            connection_id=row.connection_id,
            auth_method=row.auth_method,
            state=AuthorizationStateName(shown.state),
            seq=shown.seq,
            step=step,
            problem=problem_from_json(shown.problem),
            scopes=tuple(row.scopes),
            return_to=row.return_to,
            presentation=row.presentation,
            at=past.at if past else row.finished_at or row.created_at,
            created_at=row.created_at,
            expires_at=row.expires_at,
            launch_url=f"{self._public_url}/oauth/start/{row.id}" if isinstance(step, RedirectStep) else None,
        )


async def load_attempt(actor: Actor, authorization_id: str) -> AuthorizationRecord:
    """Load an authorization of the actor's workspace.

    Raises:
        NotFoundError: there is none with this id.
    """
    if prefix_of(authorization_id) == "auth":
        row = await AuthorizationRecord.filter(id=authorization_id, workspace_id=actor.workspace_id).first()
        if row is not None:
            return row
    raise NotFoundError


async def lock_attempt(authorization_id: str) -> AuthorizationRecord:
    """Load an authorization for change, in the open transaction."""
    return await AuthorizationRecord.filter(id=authorization_id).select_for_update().get()


def beginner_of(row: AuthorizationRecord, via: Channel) -> Actor:
    """Return who began an authorization, without any permission: what they may do now is looked up."""
    kind = ActorKind(row.actor_kind)
    return Actor.remembered(
        row.workspace_id, kind, row.actor_id, row.actor_label, via=via, request_id=new_id("req")
    )


def attempt_ref(row: AuthorizationRecord) -> SealedRef:
    """Return where the vault keeps what an authorization must remember."""
    return SealedRef(row.workspace_id, ATTEMPT_TABLE, row.id, _ATTEMPT_FIELD)


def _shown_step(step: Step | None) -> dict[str, Any] | None:
    """Return the stored step. The provider's address holds the state: it stays sealed until a browser starts."""
    if isinstance(step, RedirectStep):
        step = RedirectStep(step.title, "", step.redirect_uri, step.scopes)
    return step_to_json(step) if step is not None else None
