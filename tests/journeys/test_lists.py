"""Lists of connections read only what is asked of their entries; what they show is what one connection shows."""

from __future__ import annotations

import pytest

from app.api.graphql.connections.types import needed_parts
from tests.factories.operations import CORE, selection
from tests.journeys.client import Client
from tests.journeys.journey import Journey
from tests.journeys.plans import SLACK

FIELDS = {
    name: f"{name} {selection(field.type)}"
    for name, field in CORE.type_map["Connection"].fields.items()
    if not field.args and name != "asOf"
}
ONE = "query($id: ID!) { connection(by: {id: $id}) { %s } }"
SHAPES = {
    "nodes": "{ connections(first: 100) { nodes { id %s } } }",
    "edges": "{ connections(first: 100) { edges { node { ... on Connection { id } ... Shown } } } }"
    " fragment Shown on Connection { %s }",
    "ordered by a column that is not asked for": "{ connections(first: 100, orderBy: {field: UPDATED_AT})"
    " { pageInfo { endCursor } nodes { id ... @include(if: true) { %s } } } }",
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_each_field_alone_is_in_a_list_what_it_is_of_one_connection(client: Client, shape: str):
    journey = Journey(client, SLACK)
    await journey.create()
    await journey.authorize()
    await journey.tested()
    await journey.activate()

    for name, field in FIELDS.items():
        one = (await client.ask(ONE % field, id=journey.id))["connection"]
        page = (await client.ask(SHAPES[shape] % field))["connections"]
        entries = page.get("nodes") or [edge["node"] for edge in page["edges"]]
        (listed,) = [entry for entry in entries if entry["id"] == journey.id]
        assert listed[name] == one[name], name


def test_every_field_is_looked_at():
    assert {"name", "status", "auth", "nextSteps", "lastTestRun", "viewerCan", "integration"} <= FIELDS.keys()


def test_what_is_not_asked_for_is_not_read():
    assert needed_parts({"id", "name", "createdBy", "__typename"}) == {"name", "created_by_label"}
    assert "auth" not in needed_parts({"name", "lastTestRun"})
    assert "auth" in needed_parts({"nextSteps"})
