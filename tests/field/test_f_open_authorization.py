"""F7: an authorization that is under way is found from its connection."""

from __future__ import annotations

import json

from starlette.applications import Starlette

from app.access.policy import ALL_PERMISSIONS
from app.api.graphql.endpoint import graphql_routes
from tests.connections.conftest import world  # noqa: F401 - a fixture is found by name
from tests.permissions.door import knock, token

QUERY = """{connections(first: 50) {nodes {id openAuthorization {id state step {
  __typename ... on RedirectStep {launchUrl} ... on CredentialFormStep {schema}
}}}}}"""


async def shown(hub, actor):
    app = Starlette(routes=graphql_routes(hub))
    headers = await token(hub, actor, ALL_PERMISSIONS)
    text = await knock(app, {"query": QUERY}, {"accept": "application/json", **headers})
    return {
        node["id"]: node["openAuthorization"] for node in json.loads(text)["data"]["connections"]["nodes"]
    }


async def test_f7_a_page_that_was_loaded_again_goes_on_with_the_step(world):  # noqa: F811 - likewise
    first, second, third = await world.draft(), await world.draft(), await world.draft()
    authorization = await world.begin(first)
    await world.begin(second, "bot-token")
    found = await shown(world.hub, world.actor)
    assert found[first.id]["id"] == authorization.id
    assert found[first.id]["step"] == {"__typename": "RedirectStep", "launchUrl": authorization.launch_url}
    assert found[second.id]["step"]["schema"]["required"]
    assert found[third.id] is None


async def test_f7_one_that_is_over_is_not_under_way(world):  # noqa: F811 - likewise
    done, cancelled, late = await world.authorized(), await world.draft(), await world.draft()
    begun = await world.begin(cancelled)
    await world.hub.authorizations.cancel(world.actor, begun.id)
    await world.begin(late)
    world.clock.advance(seconds=660)
    found = await shown(world.hub, world.actor)
    assert [found[each.id] for each in (done, cancelled, late)] == [None, None, None]


async def test_f7_the_newer_one_takes_the_place_of_the_older(world):  # noqa: F811 - likewise
    connection = await world.draft()
    await world.begin(connection)
    newer = await world.begin(connection)
    assert (await shown(world.hub, world.actor))[connection.id]["id"] == newer.id
