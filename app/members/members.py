"""Workspaces and their members."""

from __future__ import annotations

from typing import Final

from app.access.actor import Actor
from app.access.policy import ROLE_PERMISSIONS, Permission, Role
from app.audit.log import AuditLog, AuditTarget
from app.event_stream.event import EventType, NewEvent
from app.event_stream.outbox import Outbox
from app.foundation.database import Database, Transaction
from app.foundation.ids import new_id
from app.members.models import MemberRecord, WorkspaceRecord
from app.members.snapshot import MemberSnapshot, WorkspaceSnapshot

_FIRST_SLOT: Final = 1
_FIRST_NAME: Final = "Default"
_OWNER_NAME: Final = "Owner"


class Members:
    """Knows who belongs to which workspace, with which role."""

    def __init__(self, database: Database, audit: AuditLog, outbox: Outbox) -> None:
        self._database = database
        self._audit = audit
        self._outbox = outbox

    async def ensure_owner(self) -> WorkspaceSnapshot:
        """Return the first workspace; at the first start make it, with one owner. Starts at once make one."""
        with self._database.bind():
            known = await WorkspaceRecord.get_or_none(slot=_FIRST_SLOT)
            return await _snapshot(known or await self._make_first())

    async def workspace(self, actor: Actor) -> WorkspaceSnapshot:
        """Return the actor's own workspace, which nobody needs a permission to know."""
        with self._database.bind():
            return await _snapshot(await WorkspaceRecord.get(id=actor.workspace_id))

    async def workspaces(self) -> list[WorkspaceSnapshot]:
        """Return all workspaces of this hub, oldest first; for the operator, never for a tenant."""
        with self._database.bind():
            return [await _snapshot(row) for row in await WorkspaceRecord.all().order_by("created_at", "id")]

    async def _make_first(self) -> WorkspaceRecord:
        async with self._database.transaction() as tx:
            made = WorkspaceRecord(id=new_id("wks"), name=_FIRST_NAME, slot=_FIRST_SLOT, created_at=tx.now)
            await WorkspaceRecord.bulk_create([made], ignore_conflicts=True)
            first = await WorkspaceRecord.get(slot=_FIRST_SLOT)
            if first.id == made.id:
                await self._join(tx, first)
            return first

    async def _join(self, tx: Transaction, workspace: WorkspaceRecord) -> None:
        owner = await MemberRecord.create(
            id=new_id("mem"),
            workspace_id=workspace.id,
            name=_OWNER_NAME,
            role=Role.OWNER.value,
            created_at=tx.now,
        )
        actor = Actor.system(workspace.id, "first start", new_id("req"))
        about_workspace, about_owner = ("workspace", workspace.id), ("member", owner.id)
        detail = {"role": owner.role}
        self._audit.record(tx, actor, "workspace.created", AuditTarget(*about_workspace, workspace.name))
        self._audit.record(tx, actor, "member.joined", AuditTarget(*about_owner, owner.name), detail=detail)
        self._outbox.announce(tx, NewEvent.by(actor, EventType.WORKSPACE_CREATED, about_workspace))
        self._outbox.announce(tx, NewEvent.by(actor, EventType.MEMBER_JOINED, about_owner, data=detail))


async def workspace_owner(workspace_id: str) -> MemberRecord | None:
    """Return the member who has been a workspace's owner longest; runs with the ORM already active."""
    owners = MemberRecord.filter(workspace_id=workspace_id, role=Role.OWNER.value, left_at=None)
    return await owners.order_by("created_at", "id").first()


def member_rights(member: MemberRecord) -> tuple[Role, frozenset[Permission]]:
    """Return a member's role, and what it permits."""
    role = Role(member.role)
    return role, ROLE_PERMISSIONS[role]


async def _snapshot(row: WorkspaceRecord) -> WorkspaceSnapshot:
    owner = await workspace_owner(row.id)
    if owner is None:
        raise RuntimeError(f"workspace {row.id} has no owner")
    return WorkspaceSnapshot(row.id, row.name, row.created_at, _member(owner))


def _member(row: MemberRecord) -> MemberSnapshot:
    return MemberSnapshot(row.id, row.workspace_id, row.name, Role(row.role), row.created_at)
