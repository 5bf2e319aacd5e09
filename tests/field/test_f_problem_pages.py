"""F9: a problem's page says why it comes about, what it looks like, what to do and who can; links lead both ways."""

from __future__ import annotations

import json
import re
from html import unescape
from urllib.parse import urljoin

import httpx
import pytest
from starlette.applications import Starlette

from app.access.policy import ALL_PERMISSIONS
from app.api.graphql.endpoint import graphql_routes
from app.api.http.problem_docs import problem_docs_routes
from app.foundation.problems import ProblemCode
from tests.connections.conftest import world  # noqa: F401 - a fixture is found by name
from tests.hubs import CATALOG
from tests.permissions.door import knock, token

TROUBLES = [(entry.key, item.code, item) for entry in CATALOG.all() for item in entry.latest.troubleshooting]


async def page(path):
    transport = httpx.ASGITransport(app=Starlette(routes=problem_docs_routes(CATALOG)))
    async with httpx.AsyncClient(transport=transport, base_url="http://hub.test") as client:
        return await client.get(path)


def links(answer):
    """Return where the page's own links lead, from where it stands."""
    found = re.findall(r'href="((?!https?:)[^"]*)"', answer.text)
    return {urljoin(str(answer.url), link).removeprefix("http://hub.test") for link in found}


@pytest.mark.parametrize("code", list(ProblemCode), ids=lambda code: f"F9 {code}")
async def test_every_page_is_worth_reading(code):
    answer = await page(f"/docs/problems/{code}")
    text = unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", answer.text, flags=re.DOTALL))
    assert answer.status_code == 200
    for part in (code, "Cause", "What it looks like", "What to do"):
        assert part in text
    assert not re.search(r"[\[{]\w+[\]}]|\?\.| \? ", text), text
    assert re.search(
        r"(You|Nobody|The operator of this hub|An administrator[\w ]*):|(You|Nobody|operator)", text
    )
    assert "/docs/problems" in links(answer)


async def test_f9_every_code_is_in_the_index_with_a_link():
    index = await page("/docs/problems")
    assert links(index) == {f"/docs/problems/{code}" for code in ProblemCode}


async def test_f9_no_link_leads_nowhere():
    found = links(await page("/docs/problems"))
    for path in sorted(found):
        found |= links(await page(path))
    assert {path: (await page(path)).status_code for path in found} == dict.fromkeys(found, 200)


@pytest.mark.parametrize(("key", "code", "item"), TROUBLES, ids=lambda value: f"F9 {value}"[:40])
async def test_what_an_integration_knows_of_a_problem_stands_on_its_page(key, code, item):
    text = unescape((await page(f"/docs/problems/{code}")).text)
    assert f'id="{key}"' in text
    assert all(step in text for step in (item.looks_like, *item.steps))


async def test_f9_a_code_that_is_none_leads_to_the_index():
    answer = await page("/docs/problems/NOPE")
    assert answer.status_code == 404
    assert links(answer) == {"/docs/problems"}


async def test_f9_what_an_integration_says_links_to_the_page_and_the_place_on_it(world):  # noqa: F811 - likewise
    app = Starlette(routes=graphql_routes(world.hub))
    headers = {"accept": "application/json", **await token(world.hub, world.actor, ALL_PERMISSIONS)}
    query = '{integration(by: {key: "slack"}) {troubleshooting {code docsUrl}}}'
    answer = json.loads(await knock(app, {"query": query}, headers))
    found = answer["data"]["integration"]["troubleshooting"]
    assert found
    for item in found:
        address = item["docsUrl"].removeprefix(world.hub.public_url)
        assert address == f"/docs/problems/{item['code']}#slack"
        assert 'id="slack"' in (await page(address.partition("#")[0])).text
