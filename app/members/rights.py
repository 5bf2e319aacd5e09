"""The rights that an actor has now, for what is finished on behalf of somebody who began it earlier."""

from __future__ import annotations

from dataclasses import replace

from app.access.actor import Actor, ActorKind
from app.access.policy import ALL_PERMISSIONS, Permission, Role
from app.foundation.database import Database
from app.members.members import member_rights
from app.members.models import AccessTokenRecord, MemberRecord
from app.members.tokens import current_rights, is_valid


class Rights:
    """Looks up what remembered actors may do at this moment. Nothing is cached: the next look-up may find less."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def current(self, actor: Actor) -> Actor:
        """Return the actor with the permissions it has now.

        It has none if the member left, or the token was revoked or has expired: every ``require`` then refuses it.
        """
        if actor.kind is ActorKind.SYSTEM:
            return replace(actor, role=Role.OWNER, permissions=ALL_PERMISSIONS)
        with self._database.bind():
            found = await (self._of_token(actor) if actor.kind is ActorKind.TOKEN else _of_member(actor))
        if found is None:
            return replace(actor, permissions=frozenset())
        role, permissions = found
        return replace(actor, role=role, permissions=permissions)

    async def _of_token(self, actor: Actor) -> tuple[Role, frozenset[Permission]] | None:
        tokens = AccessTokenRecord.filter(id=actor.id, workspace_id=actor.workspace_id)
        row = await tokens.select_related("member").first()
        if row is None or not is_valid(row, self._database.clock.now()):
            return None
        return current_rights(row)


async def _of_member(actor: Actor) -> tuple[Role, frozenset[Permission]] | None:
    row = await MemberRecord.filter(id=actor.id, workspace_id=actor.workspace_id, left_at=None).first()
    return None if row is None else member_rights(row)
