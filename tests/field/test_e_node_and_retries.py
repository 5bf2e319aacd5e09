"""E8 and E11: every id that the door gives out is answered by ``node``, and a retry makes nothing twice."""

from __future__ import annotations

import httpx
import pytest
from starlette.applications import Starlette

from app.access.policy import ALL_PERMISSIONS, Permission
from app.api.graphql.endpoint import graphql_routes
from app.foundation.ids import new_id
from app.members.models import AccessTokenRecord
from tests.hubs import owner, running_hub, settings_for
from tests.permissions.door import token

CREATE = "mutation ($i: CreateTokenInput!) {createToken(input: $i) {secret accessToken {id} userErrors {code path}}}"
NODE = """query ($id: ID!) {node(id: $id) {
  __typename id ... on Event {type} ... on AccessToken {name revokedAt} ... on Workspace {name}
}}"""


@pytest.fixture
async def ask(database_url, request, tmp_path):
    """Ask a hub on each database as a token with some permissions."""
    redis = request.getfixturevalue("redis_url") if database_url.startswith("postgres") else None
    async with running_hub(settings_for(database_url, tmp_path, redis)) as (hub, _):
        transport = httpx.ASGITransport(app=Starlette(routes=graphql_routes(hub)))
        async with httpx.AsyncClient(transport=transport, base_url=hub.public_url) as client:
            with hub.database.bind():
                actor = await owner(hub)
                headers = {}

                async def ask(query, permissions=ALL_PERMISSIONS, **variables):
                    if permissions not in headers:
                        headers[permissions] = await token(hub, actor, permissions)
                    body = {"query": query, "variables": variables}
                    answer = await client.post("/graphql", json=body, headers=headers[permissions])
                    return answer.json()["data"]

                ask.hub, ask.actor = hub, actor
                yield ask


async def test_e8_events_tokens_and_the_workspace_are_nodes(ask):
    made = (await ask(CREATE, i={"name": "CI", "scopes": ["CATALOG_READ"]}))["createToken"]["accessToken"]
    viewer = (await ask("{viewer {workspace {id name createdAt} workspaceId}}"))["viewer"]
    events = (await ask("{events(first: 1) {events {id type}}}"))["events"]["events"]
    assert viewer["workspace"]["id"] == viewer["workspaceId"]
    assert (await ask(NODE, id=made["id"]))["node"] == {
        "__typename": "AccessToken", "id": made["id"], "name": "CI", "revokedAt": None,
    }  # fmt: skip
    assert (await ask(NODE, id=events[0]["id"]))["node"] == {"__typename": "Event", **events[0]}
    assert (await ask(NODE, id=viewer["workspaceId"]))["node"]["name"] == viewer["workspace"]["name"]


async def test_e8_what_is_revoked_is_still_there_by_its_id(ask):
    made = (await ask(CREATE, i={"name": "CI", "scopes": ["CATALOG_READ"]}))["createToken"]["accessToken"]
    await ask.hub.tokens.revoke(ask.actor, made["id"])
    assert (await ask(NODE, id=made["id"]))["node"]["revokedAt"] is not None


@pytest.mark.parametrize("prefix", ["evt", "tok", "wks"])
async def test_e8_a_missing_one_and_one_that_may_not_be_seen_are_null(ask, prefix):
    assert (await ask(NODE, id=new_id(prefix)))["node"] is None
    if prefix != "wks":
        ids = {
            "evt": (await ask.hub.events.page(ask.actor, None)).events[0].id,
            "tok": (await AccessTokenRecord.all().first()).id if await AccessTokenRecord.exists() else "",
        }
        assert (await ask(NODE, frozenset({Permission.CATALOG_READ}), id=ids[prefix]))["node"] is None


async def test_e11_a_retry_answers_with_the_same_token_and_its_secret(ask):
    given = {"name": "CI", "scopes": ["CATALOG_READ"], "expiresInSeconds": 600, "idempotencyKey": "once"}
    first, second = [(await ask(CREATE, i=given))["createToken"] for _ in range(2)]
    assert first == second
    assert await AccessTokenRecord.filter(name="CI").count() == 1
    assert (await ask.hub.tokens.authenticate(first["secret"])).id == first["accessToken"]["id"]


async def test_e11_a_key_is_for_one_input(ask):
    given = {"name": "CI", "scopes": ["CATALOG_READ"], "idempotencyKey": "once"}
    await ask(CREATE, i=given)
    answer = (await ask(CREATE, i={**given, "name": "CD"}))["createToken"]
    assert answer["secret"] is None
    assert answer["userErrors"] == [{"code": "IDEMPOTENCY_KEY_REUSED", "path": ["idempotencyKey"]}]


async def test_e11_after_a_day_the_key_is_free_and_the_secret_cannot_be_made_again(ask):
    given = {"name": "CI", "scopes": ["CATALOG_READ"], "idempotencyKey": "once"}
    first = (await ask(CREATE, i=given))["createToken"]
    ask.hub.clock.advance(86_401)
    second = (await ask(CREATE, i=given))["createToken"]
    assert first["secret"] != second["secret"]
    assert first["accessToken"]["id"] != second["accessToken"]["id"]
