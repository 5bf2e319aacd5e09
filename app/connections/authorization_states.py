"""The states of authorizations as they are followed: read from a follower's position."""

from __future__ import annotations

from dataclasses import dataclass

from app.connections.attempts import Attempts
from app.connections.models import AuthorizationRecord, AuthorizationStateRecord
from app.connections.snapshot import FINAL_STATES, AuthorizationSnapshot, AuthorizationStateName
from app.event_stream.follow import NewItems


@dataclass(eq=False, repr=False)
class FollowedStates:
    """A follower's place in the states of an authorization: behind the last one that it has seen.

    With a connection's id it goes on with the connection's next authorization, and may begin before there is one.
    """

    _attempts: Attempts
    _row: AuthorizationRecord | None
    _seen: int
    _connection_id: str | None = None

    async def read(self) -> NewItems[AuthorizationSnapshot]:
        """Return the states that are new; over is what was followed by its own id and has come to its end."""
        states = await self._new_states(self._row)
        if self._connection_id is None:
            return NewItems(states, is_over=_is_final(self._row) or any(state.is_final for state in states))
        newest = await newest_of(self._connection_id)
        if newest is not None and (self._row is None or newest.id != self._row.id):
            self._seen = 0 if self._row is not None else self._seen
            self._row = newest
            states += await self._new_states(newest)
        return NewItems(states)

    async def _new_states(self, row: AuthorizationRecord | None) -> list[AuthorizationSnapshot]:
        if row is None:
            return []
        query = AuthorizationStateRecord.filter(authorization_id=row.id, seq__gt=self._seen)
        states = [self._attempts.snapshot(row, state) for state in await query.order_by("seq")]
        self._seen = max([self._seen, *(state.seq for state in states)])
        return states


async def newest_of(connection_id: str) -> AuthorizationRecord | None:
    """Return a connection's newest authorization."""
    query = AuthorizationRecord.filter(connection_id=connection_id)
    return await query.order_by("-created_at", "-id").first()


def _is_final(row: AuthorizationRecord | None) -> bool:
    return row is not None and AuthorizationStateName(row.state) in FINAL_STATES
