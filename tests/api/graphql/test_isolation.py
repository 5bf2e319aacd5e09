"""Tenants apart, over the real hub: wherever the schema takes an id, a foreign one is answered like a missing one.

The matrix is generated from the schema: a new field that takes an id is in it the day it is written.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing

import pytest

from app.access.actor import Actor, ActorKind, Channel
from app.access.policy import ALL_PERMISSIONS, Permission, Role
from app.api.graphql.http_request import Operation
from app.api.graphql.operations import EVERYTHING, Operations
from app.api.graphql.schema import NODE_LOADERS
from app.foundation.clock import SystemClock
from app.foundation.ids import new_id
from app.foundation.secret import Secret
from app.members.models import MemberRecord, WorkspaceRecord
from tests.factories.operations import CORE, PLACES, SCHEMA, operation_with, selection
from tests.hubs import owner, running_hub, settings_for

SILENT_S = 0.15


async def first_answer(operations, actor, operation):
    """Return the first answer without what is different each time, or that nothing came."""
    context = operations.context(actor, "req_x", None)
    try:
        async with asyncio.timeout(SILENT_S if operation.query.startswith("subscription") else 10):
            async with aclosing(operations.stream(operation, context, EVERYTHING)) as answers:
                async for answer in answers:
                    return json.dumps(answer.to_json(), sort_keys=True)
    except TimeoutError:
        return "silence"
    return "the end"


@pytest.fixture
async def worlds(sqlite_url, tmp_path):
    """A hub with a workspace, and another workspace with one object of every kind; yields the ids of the latter."""
    async with running_hub(settings_for(sqlite_url, tmp_path), clock=SystemClock()) as (hub, _):
        with hub.database.bind():
            here = await owner(hub)
            workspace = await WorkspaceRecord.create(
                id=new_id("wks"), name="Other", created_at=hub.clock.now()
            )
            member = await MemberRecord.create(
                id=new_id("mem"),
                workspace_id=workspace.id,
                name="Eve",
                role="OWNER",
                created_at=hub.clock.now(),
            )
            there = Actor(
                workspace.id,
                ActorKind.MEMBER,
                member.id,
                "Eve",
                Role.OWNER,
                ALL_PERMISSIONS,
                Channel.GRAPHQL,
                "req_1",
            )
            made = await hub.connections.create(
                there,
                name="Theirs",
                integration="generic-http",
                config={"baseUrl": "https://api.test", "testPath": "/"},
            )
            assert made.problems == ()
            begun = await hub.authorizations.begin(there, made.connection.id, auth_method="bearer")
            await hub.authorizations.submit_credentials(there, begun.id, {"token": Secret("CANARY")})
            run = await hub.test_runs.start(there, made.connection.id)
            again = await hub.authorizations.begin(there, made.connection.id, auth_method="bearer")
            saved = await hub.applications.save(
                there, integration="slack", client_id="x", client_secret=Secret("y")
            )
            token = await hub.tokens.create(
                there, name="CI", scopes=[Permission.CATALOG_READ], expires_in=None
            )
            audited = (await hub.audit.entries(there)).items[0]
            event = (await hub.events.page(there, None)).events[0]
            ids = [made.connection.id, begun.id, again.id, run.id, saved.id, token.id, audited.id, event.id]
            ids.append(workspace.id)
            yield hub, here, there, ids


async def test_every_place_that_takes_an_id_answers_a_foreign_one_like_a_missing_one(worlds):
    hub, here, there, foreign = worlds
    operations = Operations(hub, SCHEMA, NODE_LOADERS)
    before = await picture(hub, there, foreign)
    assert len(PLACES) > 30
    for kind, name, argument, path in PLACES:
        for id_ in foreign:
            missing = new_id(id_.split("_")[0])
            operation = operation_with(kind, name, argument, path, id_)
            other = operation_with(kind, name, argument, path, missing)
            answer = await first_answer(operations, here, operation)
            expected = await first_answer(operations, here, other)
            assert answer.replace(id_, "ID") == expected.replace(missing, "ID"), (kind, name, path)
            assert "Theirs" not in answer
            assert "VALIDATION_FAILED" not in answer, operation.query
            assert "BAD_USER_INPUT" not in answer, answer
    assert await picture(hub, there, foreign) == before, "a foreign object was changed"


async def picture(hub, there, ids):
    operations = Operations(hub, SCHEMA, NODE_LOADERS)
    shown = f"{{__typename id ... on Connection {selection(CORE.type_map['Connection'], 1)}}}"
    query = f"query ($ids: [ID!]!) {{nodes(ids: $ids) {shown}}}"
    nodes = Operation(query, {"ids": ids}, None, None)
    answer = json.loads(await first_answer(operations, there, nodes))
    assert [node and node["id"] for node in answer["data"]["nodes"]] == ids
    tokens = await hub.tokens.all(there)
    return answer["data"], [token.revoked_at for token in tokens]


async def test_their_events_and_lists_are_not_ours(worlds):
    hub, here, there, foreign = worlds
    operations = Operations(hub, SCHEMA, NODE_LOADERS)
    query = """{events(first: 100) {events {id}} connections {totalCount} auditLog(first: 100) {nodes {id}}
      applications {id} viewer {tokens {id}}}"""
    ours = await first_answer(operations, here, Operation(query, None, None, None))
    theirs = json.loads(await first_answer(operations, there, Operation(query, None, None, None)))["data"]
    assert theirs["events"]["events"]
    for id_ in [*foreign, *(event["id"] for event in theirs["events"]["events"])]:
        assert id_ not in ours


async def test_actors_asking_at_the_same_time_for_the_same_ids_see_only_their_own(worlds):
    hub, here, there, foreign = worlds
    operations = Operations(hub, SCHEMA, NODE_LOADERS)
    query = Operation("query ($ids: [ID!]!) {nodes(ids: $ids) {id}}", {"ids": foreign[:5]}, None, None)

    async def ask(actor):
        return json.loads(await first_answer(operations, actor, query))["data"]["nodes"]

    answers = await asyncio.gather(*(ask(actor) for _ in range(500) for actor in (here, there)))
    assert all(answer == [None] * 5 for answer in answers[0::2])
    assert all([node["id"] for node in answer] == foreign[:5] for answer in answers[1::2])
