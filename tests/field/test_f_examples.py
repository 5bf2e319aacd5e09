"""F8: README's journey and the tabs of GraphiQL are played in one workspace, in any order."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import pytest
from starlette.applications import Starlette

from app.access.policy import ALL_PERMISSIONS
from app.api.graphiql.examples import example_tabs
from app.api.graphql.endpoint import graphql_routes
from tests.connections.conftest import world  # noqa: F401 - a fixture is found by name
from tests.permissions.door import knock, token

README = (Path(__file__).parents[2] / "README.md").read_text()
BLOCKS = re.findall(r"^```graphql\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
CREATES = {
    "README": [(block, None) for block in BLOCKS if "createConnection" in block],
    "tabs": [
        (tab["query"], json.loads(tab["variables"]))
        for tab in example_tabs()
        if "mutation Create(" in tab["query"]
    ],
}


@pytest.mark.parametrize("order", list(itertools.permutations(CREATES)), ids=lambda order: f"F8 {order}")
async def test_what_one_example_made_is_not_in_the_way_of_another(world, order):  # noqa: F811 - likewise
    app = Starlette(routes=graphql_routes(world.hub))
    headers = {"accept": "application/json", **await token(world.hub, world.actor, ALL_PERMISSIONS)}
    assert all(CREATES.values())
    for query, variables in itertools.chain.from_iterable(CREATES[where] for where in order):
        answer = json.loads(await knock(app, {"query": query, "variables": variables}, headers))
        assert answer["data"]["createConnection"]["userErrors"] == [], answer


def test_f8_the_tab_that_finds_the_connection_again_uses_the_name_under_which_it_was_made():
    used = [re.findall(r'"name": "([^"]+)"', tab["variables"]) for tab in example_tabs()]
    assert len({name for names in used for name in names}) == 1
