from __future__ import annotations

from dataclasses import replace

import pytest

from app.access.actor import Actor
from app.access.idempotency import Idempotency
from app.access.policy import ROLE_PERMISSIONS, Role
from app.audit.log import AuditLog
from app.event_stream.outbox import Outbox
from app.event_stream.reader import Reader
from app.foundation.wakeups import Wakeups
from app.members.members import Members
from app.members.models import MemberRecord
from app.members.sign_in import SignIn
from app.members.tokens import Tokens


async def key_of():
    return bytes(range(32))


def rooms(database, wakeups=None):
    """Return the room's services over one database, as one hub has them."""
    audit, wakeups = AuditLog(database, key_of), wakeups or Wakeups(None, "test")
    outbox = Outbox(wakeups)
    return (
        Members(database, audit, outbox),
        Tokens(database, audit, outbox, wakeups, Idempotency(database, key_of), key_of),
        SignIn(database, audit, outbox, wakeups),
    )


@pytest.fixture
def members(database):
    return rooms(database)[0]


@pytest.fixture
def tokens(database):
    return rooms(database)[1]


@pytest.fixture
def sign_in(database):
    return rooms(database)[2]


@pytest.fixture
async def workspace(members):
    return await members.ensure_owner()


@pytest.fixture
def owner(actor, workspace):
    """Return the workspace's owner."""
    return replace(actor, workspace_id=workspace.id, id=workspace.owner.id, label=workspace.owner.name)


@pytest.fixture
def joined(database, clock, actor, workspace):
    """Return what lets somebody join the workspace with a role, and gives the actor."""

    async def joined(role):
        id_ = f"mem_{role.value.lower()}"
        await MemberRecord.create(
            id=id_,
            workspace_id=workspace.id,
            name=role.value.title(),
            role=role.value,
            created_at=clock.now(),
        )
        return replace(
            actor, workspace_id=workspace.id, id=id_, role=role, permissions=ROLE_PERMISSIONS[role]
        )

    return joined


@pytest.fixture
def told(database, workspace):
    """Return what happened since the workspace was made: the audit's entries and the events, in order."""

    async def told():
        audit = AuditLog(database, key_of)
        reports = await audit.verify(workspace.id)
        assert all(report.is_ok for report in reports)
        entries = (await audit.entries(Actor.system(workspace.id, "test", "req"))).items
        events = await Reader(database).newer(workspace.id, 2, 100)
        return (
            [(e.action, e.outcome, e.target_id) for e in reversed(entries)][2:],
            [(e.type.value, e.subject.id) for e in events],
        )

    return told


VIEWER, EDITOR, ADMIN = Role.VIEWER, Role.EDITOR, Role.ADMIN
