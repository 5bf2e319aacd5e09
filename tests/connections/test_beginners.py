"""What a browser, a poll or a worker finishes, it finishes with the rights that whoever began it has by then."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from app.access.actor import ActorKind
from app.access.policy import ROLE_PERMISSIONS, Permission, Role
from app.connection_tests.steps import Verdict
from app.connections.lifecycle import ConnectionState
from app.connections.snapshot import AuthorizationStateName as State
from app.connections.snapshot import Mode
from app.foundation.ids import new_id
from app.foundation.problems import ProblemCode
from app.foundation.secret import Secret
from app.members.models import MemberRecord
from tests.canary import secret
from tests.connections.conftest import BROWSER

SCOPES = [Permission.CONNECTIONS_READ, Permission.CONNECTIONS_AUTHORIZE, Permission.CONNECTIONS_TEST]


async def an_admin(world):
    id_ = new_id("mem")
    await MemberRecord.create(
        id=id_,
        workspace_id=world.actor.workspace_id,
        name="Eve",
        role=Role.ADMIN.value,
        created_at=world.clock.now(),
    )
    return replace(world.actor, id=id_, role=Role.ADMIN, permissions=ROLE_PERMISSIONS[Role.ADMIN])


async def a_token(world):
    made = await world.hub.tokens.create(
        await an_admin(world), name="CI", scopes=SCOPES, expires_in=timedelta(minutes=5)
    )
    return replace(world.actor, kind=ActorKind.TOKEN, id=made.id, permissions=frozenset(SCOPES))


async def leaves(world, actor):
    await MemberRecord.filter(name="Eve").update(left_at=world.clock.now())


async def may_only_look(world, actor):
    await MemberRecord.filter(name="Eve").update(role=Role.VIEWER.value)


async def is_revoked(world, actor):
    await world.hub.tokens.revoke(world.actor, actor.id)


async def expires(world, actor):
    world.clock.advance(301)


LOSSES = [
    (an_admin, leaves),
    (an_admin, may_only_look),
    (a_token, leaves),
    (a_token, may_only_look),
    (a_token, is_revoked),
    (a_token, expires),
]


@pytest.mark.parametrize(("who", "loses"), LOSSES)
async def test_who_lost_the_right_meanwhile_is_turned_away_with_nothing_asked_outside(world, who, loses):
    connection = await world.draft()
    actor = await who(world)
    authorization = await world.hub.authorizations.begin(actor, connection.id, auth_method="oauth")
    address = await world.at_provider(authorization)
    await loses(world, actor)
    returned = await world.come_back(address)
    assert returned.problem.code is ProblemCode.PERMISSION_DENIED
    assert "connections:authorize" in returned.problem.message
    assert (returned.authorization.state, returned.authorization.problem) == (State.FAILED, returned.problem)
    assert world.token_calls() == []
    assert (await world.come_back(address)).problem.code is ProblemCode.AUTHORIZATION_REPLAYED
    assert (await world.reload(connection)).state is ConnectionState.PENDING_AUTHENTICATION
    assert (await world.events())[-1].actor.id == actor.id


@pytest.mark.parametrize(("who", "loses"), LOSSES)
async def test_a_browser_starts_nothing_for_who_lost_the_right(world, who, loses):
    actor = await who(world)
    begun = await world.hub.authorizations.begin(actor, (await world.draft()).id, auth_method="oauth")
    await loses(world, actor)
    started = await world.hub.browser.start(begun.id, BROWSER)
    assert (started.url, started.problem.code) == (None, ProblemCode.PERMISSION_DENIED)
    assert (await world.authorization(begun.id)).state is State.FAILED
    assert world.outside.requests == []


@pytest.mark.parametrize("who", [an_admin, a_token])
async def test_who_keeps_the_right_is_signed_in(world, who):
    actor = await who(world)
    connection = await world.draft()
    begun = await world.hub.authorizations.begin(actor, connection.id, auth_method="oauth")
    returned = await world.come_back(await world.at_provider(begun))
    assert returned.authorization.state is State.AUTHENTICATED
    opened = (await world.hub.audit.entries(world.actor)).items[0]
    assert opened.actor_id == actor.id


@pytest.mark.parametrize(("who", "loses"), LOSSES)
async def test_a_test_run_is_not_done_for_who_lost_the_right(world, who, loses):
    connection = await world.authorized()
    actor = await who(world)
    run = await world.hub.test_runs.start(actor, connection.id)
    asked = len(world.outside.requests)
    await loses(world, actor)
    await world.hub.dispatcher.drain()
    done = await world.hub.test_runs.get(world.actor, run.id)
    assert (done.verdict, done.problem.code) == (Verdict.FAILED, ProblemCode.PERMISSION_DENIED)
    assert len(world.outside.requests) == asked


async def test_an_application_registered_later_begins_nothing_for_who_lost_the_right(world):
    connection = await world.draft(mode=Mode.LIVE)
    actor = await an_admin(world)
    begun = await world.hub.authorizations.begin(actor, connection.id, auth_method="oauth")
    await leaves(world, actor)
    await world.hub.applications.save(
        world.actor, integration="slack", client_id="c", client_secret=Secret(secret())
    )
    world.clock.advance(3)
    await world.work()
    ended = await world.authorization(begun.id)
    assert (ended.state, ended.problem.code) == (State.FAILED, ProblemCode.PERMISSION_DENIED)
