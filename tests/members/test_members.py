from __future__ import annotations

import asyncio

from app.access.policy import Role
from app.audit.models import AuditEntryRecord
from app.event_stream.models import EventRecord
from app.foundation.clock import FrozenClock
from app.foundation.database import Database
from app.members.models import MemberRecord, WorkspaceRecord
from tests.members.conftest import rooms


async def test_the_first_start_makes_one_workspace_with_one_owner(members, clock):
    workspace = await members.ensure_owner()
    assert (workspace.name, workspace.created_at) == ("Default", clock.now())
    assert (workspace.owner.name, workspace.owner.role, workspace.owner.workspace_id) == (
        "Owner",
        Role.OWNER,
        workspace.id,
    )
    assert await members.workspaces() == [workspace]


async def test_a_later_start_finds_them_and_tells_nothing(members, clock):
    workspace = await members.ensure_owner()
    clock.advance(86_400)
    assert await members.ensure_owner() == workspace
    assert await AuditEntryRecord.all().count() == 2


async def test_the_first_start_is_audited_and_announced(members):
    workspace = await members.ensure_owner()
    entries = await AuditEntryRecord.filter(workspace_id=workspace.id).order_by("seq")
    events = await EventRecord.filter(workspace_id=workspace.id).order_by("position")
    assert [(e.action, e.target_id) for e in entries] == [
        ("workspace.created", workspace.id),
        ("member.joined", workspace.owner.id),
    ]
    assert [e.type for e in events] == ["WORKSPACE_CREATED", "MEMBER_JOINED"]


async def test_hubs_that_start_at_once_make_one_workspace_and_one_owner(database_url, database):
    hubs = [Database(database_url, FrozenClock()) for _ in range(8)]
    for hub in hubs:
        await hub.open()
    try:
        snapshots = await asyncio.gather(*(rooms(hub)[0].ensure_owner() for hub in hubs))
    finally:
        for hub in hubs:
            await hub.close()
    assert len(set(snapshots)) == 1
    with database.bind():
        assert (await WorkspaceRecord.all().count(), await MemberRecord.all().count()) == (1, 1)
        assert (await AuditEntryRecord.all().count(), await EventRecord.all().count()) == (2, 2)


async def test_the_owner_is_who_has_been_it_longest(members, clock):
    workspace = await members.ensure_owner()
    clock.advance(-60)
    for id_, role, left_at in (
        ("mem_a", "ADMIN", None),
        ("mem_b", "OWNER", clock.now()),
        ("mem_c", "OWNER", None),
    ):
        await MemberRecord.create(
            id=id_, workspace_id=workspace.id, name=id_, role=role, created_at=clock.now(), left_at=left_at
        )
    assert (await members.ensure_owner()).owner.id == "mem_c"


async def test_a_hub_without_a_start_has_no_workspace(members):
    assert await members.workspaces() == []
