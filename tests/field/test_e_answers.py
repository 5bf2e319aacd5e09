"""E6, E9, E10: one refusal leaves the rest of an answer; refusals name the field, the values and the nearest."""

from __future__ import annotations

import httpx
import pytest
from graphql import is_non_null_type
from starlette.applications import Starlette

from app.access.policy import ALL_PERMISSIONS, Permission
from app.api.graphql.endpoint import graphql_routes
from app.connections.snapshot import Mode
from app.foundation.ids import new_id
from tests.api.graphql.fake_hub import BEARER, PUBLIC_URL, load_test_catalog, make_hub
from tests.factories.operations import PLACES, ROOTS, operation_with
from tests.hubs import owner, running_hub, settings_for
from tests.permissions.door import token

OF_THE_INPUT = [place for place in PLACES if place[0] == "mutation" and len(place[3]) == 1]


@pytest.fixture
async def asked(database_url, request, tmp_path):
    """Ask a hub on each database as a token with some permissions."""
    redis = request.getfixturevalue("redis_url") if database_url.startswith("postgres") else None
    async with running_hub(settings_for(database_url, tmp_path, redis)) as (hub, _):
        app = Starlette(routes=graphql_routes(hub))
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=hub.public_url) as client:
            with hub.database.bind():
                actor = await owner(hub)

                async def asked(query, variables=None, permissions=ALL_PERMISSIONS):
                    headers = await token(hub, actor, permissions)
                    body = {"query": query, "variables": variables}
                    return (await client.post("/graphql", json=body, headers=headers)).json()

                asked.hub, asked.actor = hub, actor
                yield asked


async def test_a_refused_field_is_null_and_the_rest_is_there(asked):
    """E6: without the right to the last of three."""
    answer = await asked(
        "{viewer {role} connections {totalCount} auditLog {totalCount}}",
        permissions=frozenset({Permission.CONNECTIONS_READ}),
    )
    assert answer["data"] == {"viewer": {"role": "OWNER"}, "connections": {"totalCount": 0}, "auditLog": None}
    (error,) = answer["errors"]
    assert error["path"] == ["auditLog"]
    assert error["extensions"]["code"] == "FORBIDDEN"


def test_every_root_field_that_can_fail_is_nullable():
    """E6: of queries and mutations; a stream is alone in its answer."""
    required = {
        f"{kind}.{name}"
        for kind in ("query", "mutation")
        for name, field in ROOTS[kind].fields.items()
        if is_non_null_type(field.type)
    }
    assert required == set()


@pytest.mark.parametrize("place", OF_THE_INPUT, ids=lambda place: place[1])
async def test_not_found_names_the_id_that_was_sent(asked, place):
    """E10: for every mutation that takes an id, whatever else it names is there."""
    name = place[3][0]
    made = operation_with(
        *place, new_id({"connectionId": "conn", "authorizationId": "auth"}.get(name, name[:3]))
    )
    connections = asked.hub.connections
    xero = await connections.create(asked.actor, name="One", integration="xero", mode=Mode.SANDBOX)
    there = {"connectionId": xero.connection.id, "integration": "xero"}
    (argument, sent), *_ = made.variables.items()
    sent = {**sent, **{other: there[other] for other in sent.keys() & there.keys() - {name}}}
    answer = await asked(made.query, {argument: sent})
    problems = answer["data"][place[1]]["userErrors"]
    assert [(one["code"], one["path"]) for one in problems] == [("NOT_FOUND", [name])]


@pytest.fixture(scope="module")
def ask():
    app = Starlette(routes=graphql_routes(make_hub(load_test_catalog())))

    async def ask(query, variables=None):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=PUBLIC_URL) as client:
            body = {"query": query, "variables": variables}
            answer = await client.post("/graphql", json=body, headers=BEARER)
            return [error["message"] for error in answer.json()["errors"]]

    return ask


SAVE = "mutation ($i: SaveApplicationInput!) {saveApplication(input: $i) {asOf: __typename}}"


@pytest.mark.parametrize(
    ("query", "variables", "parts"),
    [
        ("{conections {totalCount}}", None, ["'conections'", "nearest is 'connections'"]),
        ("{connections {nodes {nmae}}}", None, ["'nmae'", "nearest is 'name'"]),
        ("{connections(frist: 1) {totalCount}}", None, ["'frist'", "nearest is 'first'"]),
        ("{connections(filter: {state: [DRAFT]}) {totalCount}}", None, ["'state'", "nearest is 'states'"]),
        ("{connections(filter: {xyz: 1}) {totalCount}}", None, ["there are: states, integrations, modes"]),
        (
            "{connections(filter: {states: [CONECTED]}) {totalCount}}",
            None,
            ["'ConnectionState'", "there are: DRAFT, ", "nearest is 'CONNECTED'"],
        ),
        ("{connections(filter: {modes: [TEST]}) {totalCount}}", None, ["there are: LIVE, SANDBOX"]),
        ("{connection(by: {id: null}) {id}}", None, ["'ConnectionBy'", "there are: id, name"]),
        ("query ($b: ConnectionBy!) {connection(by: $b) {id}}", {"b": {"id": None}}, ["'id' is null", "exactly one"]),
        (SAVE, {"i": {"integration": "x", "client_id": "y"}}, ["'client_id'", "nearest is 'clientId'"]),
        (SAVE, {"i": {"integration": "x", "clientId": "y", "mode": "sandbox"}}, ["nearest is 'SANDBOX'"]),
        (SAVE, {"i": {"integration": "x"}}, ["required field 'clientId'"]),
    ],
)  # fmt: skip
async def test_a_refusal_names_what_is_wrong_and_what_there_is(ask, query, variables, parts):
    """E9: misspelt names and values, as literals and as variables."""
    messages = await ask(query, variables)
    assert any(all(part in message for part in parts) for message in messages), messages


async def test_what_is_far_from_every_name_is_not_shown(ask):
    """E9: a value in a name's place may be a secret."""
    for given in ({"sk_live_CANARY7c1e": "x"}, {"mode": "sk_live_CANARY7c1e"}):
        assert "CANARY" not in str(await ask(SAVE, {"i": {"integration": "x", "clientId": "y", **given}}))
