"""What an actor may do with a connection now: permissions, joined with what its state permits; decisions only."""

from __future__ import annotations

from dataclasses import dataclass

from app.access.actor import Actor
from app.access.policy import Permission, may
from app.connections.lifecycle import ConnectionState, StateTrigger, permits
from app.connections.snapshot import ConnectionSnapshot


@dataclass(frozen=True, slots=True)
class Abilities:
    """One answer a verb; the verb itself asks again."""

    edit: bool
    authorize: bool
    test: bool
    activate: bool
    pause: bool
    resume: bool
    disconnect: bool
    delete: bool


def abilities(actor: Actor, connection: ConnectionSnapshot) -> Abilities:
    """Return what the actor may do with the connection as it is now."""
    state = connection.state
    write, operate = may(actor, Permission.CONNECTIONS_WRITE), may(actor, Permission.CONNECTIONS_OPERATE)
    return Abilities(
        edit=write,
        authorize=may(actor, Permission.CONNECTIONS_AUTHORIZE) and state is not ConnectionState.DRAFT,
        test=may(actor, Permission.CONNECTIONS_TEST) and connection.auth is not None,
        activate=write and permits(state, StateTrigger.ACTIVATED),
        pause=operate and permits(state, StateTrigger.PAUSED),
        resume=operate and permits(state, StateTrigger.RESUMED),
        disconnect=write and permits(state, StateTrigger.DISCONNECTED),
        delete=write,
    )
