"""Every subscription of a real hub ends with the access of who follows it: one guard for all of them."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from app.access.actor import Actor
from app.access.policy import ALL_PERMISSIONS
from app.main import build_app
from tests.connections.conftest import WITH_ACME
from tests.factories.operations import ROOTS
from tests.hubs import ORIGIN, owner, running_hub, settings_for
from tests.permissions.door import operation_of
from tests.permissions.table import ROWS

EVENTS = "subscription { events { ... on StreamReset { reason } ... on EventBatch { cursor } } }"


@pytest.mark.parametrize("name", ROOTS["subscription"].fields)
async def test_a_subscription_ends_at_once_when_its_token_is_revoked(name, sqlite_url, tmp_path, clock):
    settings = settings_for(sqlite_url, tmp_path)
    async with running_hub(settings, clock=clock, catalog=WITH_ACME) as (hub, _):
        with hub.database.bind():
            async with build_app(hub) as app:
                actor = await owner(hub)
                system = Actor.system(actor.workspace_id, "test", "req_test")
                made = await hub.tokens.create(
                    system, name="follower", scopes=sorted(ALL_PERMISSIONS), expires_in=None
                )
                connection = await hub.connections.create(
                    actor, name="one", integration="acme", config={"shop": "north"}
                )
                authorization = await hub.authorizations.begin(
                    actor, connection.connection.id, auth_method="key"
                )
                await hub.authorizations.submit_credentials(
                    actor, authorization.id, {"key": "key-of-a-follower"}
                )
                run = await hub.test_runs.start(actor, connection.connection.id)
                pending = await hub.authorizations.begin(actor, connection.connection.id, auth_method="key")
                ids = {"conn": connection.connection.id, "run": run.id, "auth": pending.id}
                [row] = [row for row in ROWS if row.operation == f"Subscription.{name}"]
                query, variables = (EVENTS, {}) if name == "events" else operation_of(row, ids)
                client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=ORIGIN)
                headers = {"authorization": f"Bearer {made.token.reveal()}", "accept": "text/event-stream"}
                async with client:
                    following = asyncio.create_task(
                        client.post(
                            "/graphql", json={"query": query, "variables": variables}, headers=headers
                        )
                    )
                    await until(lambda: is_followed(hub))
                    await hub.tokens.revoke(actor, made.id)
                    answer = await asyncio.wait_for(following, 5)
    told = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]
    if name == "events":
        assert told[-1]["data"] == {"events": {"reason": "FILTER_NARROWED"}}
    else:
        assert [error["extensions"]["code"] for error in told[-1]["errors"]] == ["UNAUTHENTICATED"]


def is_followed(hub):
    return any(channel.startswith(("access:", "workspace:")) for channel in hub.wakeups._waiters)


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)
