"""O11: a client secret goes in, and comes out of no field of any answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from graphql import get_named_type, is_leaf_type, is_object_type, is_required_argument

from app.api.graphql.schema import build_schema
from app.credentials.snapshot import Mode
from app.foundation.errors import NotFoundError
from tests.hubs import owner
from tests.threats.provider import CLIENT_ID
from tests.threats.scene import PLAN

SCHEMA = build_schema()._schema
APPLICATION = SCHEMA.type_map["Application"]
SECRET_INPUTS = {"SecretText", "SecretJSON"}
HINT_CHARS = 4


def everything(type_, depth=3):
    """Select every field of a type, objects in it too, as deep as ``depth``."""
    named = get_named_type(type_)
    if is_leaf_type(named):
        return ""
    if not is_object_type(named):
        return "{__typename}"
    fields = [
        f"{name} {everything(field.type, depth - 1)}"
        for name, field in named.fields.items()
        if not any(map(is_required_argument, field.args.values()))
        and (depth > 1 or is_leaf_type(get_named_type(field.type)))
    ]
    return f"{{__typename {' '.join(fields)}}}"


@pytest.mark.threat("O11")
@pytest.mark.parametrize(
    "query",
    [
        f"{{applications {everything(APPLICATION)}}}",
        f"query ($id: ID!) {{node(id: $id) {{... on Application {everything(APPLICATION)}}}}}",
        f"query ($ids: [ID!]!) {{nodes(ids: $ids) {{... on Application {everything(APPLICATION)}}}}}",
        f"""mutation ($input: SaveApplicationInput!) {{
          saveApplication(input: $input) {{application {everything(APPLICATION)}}}}}""",
    ],
    ids=["applications", "node", "nodes", "saveApplication"],
)
async def test_o11_no_field_of_an_application_tells_its_secret(scene, query):
    id_ = (await scene.register("slack"))["id"]
    secret = scene.provider.client_secret
    given = {"integration": "slack", "clientId": CLIENT_ID, "clientSecret": secret}
    variables = {"id": id_, "ids": [id_], "input": given}

    answer = await scene.client.http.post(
        f"{scene.client.address}/graphql",
        json={"query": query, "variables": {key: variables[key] for key in variables if f"${key}" in query}},
    )

    content = answer.json()
    assert "errors" not in content, content
    assert CLIENT_ID in answer.text  # the application was there
    assert secret not in answer.text
    assert secret[:-HINT_CHARS] not in answer.text
    told = str(content).split("'hint': '")
    assert len(told) > 1
    assert {rest.split("'")[0] for rest in told[1:]} == {f"…{secret[-HINT_CHARS:]}"}


@pytest.mark.threat("O11")
def test_o11_nothing_that_is_secret_on_the_way_in_can_be_asked_for():
    asked_for = {
        f"{type_.name}.{name}"
        for type_ in SCHEMA.type_map.values()
        if is_object_type(type_)
        for name, field in type_.fields.items()
        if get_named_type(field.type).name in SECRET_INPUTS or "secret" in name.lower()
    }
    assert asked_for == {"Application.secret", "Connection.secrets", "CreateTokenPayload.secret"}
    info = SCHEMA.type_map["SecretInfo"].fields
    assert set(info) == {"path", "isSet", "hint", "updatedAt"}
    assert {get_named_type(SCHEMA.type_map[name.split(".")[0]].fields[name.split(".")[1]].type).name
            for name in ("Application.secret", "Connection.secrets")} == {"SecretInfo"}  # fmt: skip


@pytest.mark.threat("O11")
async def test_o11_neither_events_nor_the_audit_log_nor_problems_tell_it(scene):
    await scene.register("slack")
    secret = scene.provider.client_secret
    page = await scene.client.http.post(
        f"{scene.client.address}/graphql",
        json={
            "query": "{events(first: 100) {events {type data}} auditLog(first: 100) {nodes {action detail}}}"
        },
    )
    refused = await scene.client.http.post(
        f"{scene.client.address}/graphql",
        json={
            "query": "mutation ($input: SaveApplicationInput!) {saveApplication(input: $input) {userErrors {code}}}",
            "variables": {"input": {"integration": "slack", "clientId": 5, "client_secret": secret}},
        },
    )

    assert "application" in page.text
    assert refused.json()["errors"]
    assert secret not in page.text + refused.text


@pytest.mark.threat("O11")
async def test_o11_an_application_speaks_for_its_own_workspace_alone(scene):
    saved = await scene.register(PLAN.integration)
    with scene.hub.database.bind():
        ours = await owner(scene.hub)
        theirs = replace(ours, workspace_id="wks_other")
        assert [application.id for application in await scene.hub.applications.all(ours)] == [saved["id"]]
        assert await scene.hub.applications.all(theirs) == []
        definition = scene.hub.catalog.definition(PLAN.integration)
        has = scene.hub.application_choice.has
        assert await has(ours.workspace_id, definition, Mode.LIVE, PLAN.config)
        assert not await has("wks_other", definition, Mode.LIVE, PLAN.config)
        assert await scene.hub.applications.many(theirs, [saved["id"]]) == {}
        with pytest.raises(NotFoundError):
            await scene.hub.applications.delete(theirs, saved["id"])
        redirect = scene.hub.application_choice.redirect_uri_for
        name = saved["name"]
        mine = await redirect(ours, PLAN.integration, name=name)
        assert await redirect(theirs, PLAN.integration, name=name) != mine == saved["redirectUri"]
