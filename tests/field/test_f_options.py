# ruff: noqa: E501 - the definition is YAML, whose lines are as they are
"""F3: the choices of a field come as pairs of value and label, picked on the server, searched, paged, kept a minute."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from app.access.policy import ALL_PERMISSIONS, Permission
from app.api.graphql.endpoint import graphql_routes
from app.catalog.catalog import Catalog
from app.catalog.entry import IntegrationEntry
from app.catalog.loader import load_text
from app.foundation.clock import FrozenClock
from app.foundation.errors import InvalidInputError, NotFoundError, PermissionDeniedError
from app.foundation.secret import Secret
from app.hub import build_hub
from app.worker import register_work
from tests.canary import secret
from tests.connections.conftest import World
from tests.field.conftest import LOOPBACK
from tests.hubs import ORIGIN, owner, settings_for, test_keys
from tests.permissions.door import knock, token
from tests.servers import running

SHOP = """\
format: patchbay/1
integration: shop
version: 1.0.0
name: Shop
summary: A shop.
stage: AVAILABLE
categories: [commerce]
useCases: [Read orders]
config:
  type: object
  unevaluatedProperties: false
  required: [baseUrl]
  properties:
    baseUrl: {title: Address, type: string, touchesAuthentication: true, format: uri, pattern: '^https?://[a-z0-9.:]+$', examples: ["https://x.example"]}
    list: {title: List, type: string, options: {method: lists, pick: "lists[].{value: id, label: name}"}}
    room: {title: Room, type: integer, options: {method: rooms, pick: "[].{value: id, label: name}"}}
    page: {title: Page, type: string, options: {method: pages, pick: "rows[].{value: id, label: name}", params: {size: 2}}}
http:
  baseUrl: "{+config.baseUrl}"
  hosts: ["{config.baseUrl}"]
auth:
  - id: key
    kind: api_key
    title: Key
    credentials: {type: object, required: [key], properties: {key: {title: Key, type: string, secret: true, examples: [sandbox-key]}}}
    place: {in: header, name: X-Key, value: "{credentials.key}"}
methods:
  lists:
    title: Lists
    effect: READ
    http: {method: GET, path: /lists}
    params: {type: object, properties: {cursor: {title: Cursor, type: string, in: query}}}
    pagination: {style: cursor, send: cursor, next: next}
    examples: [{title: One, response: {body: {lists: [{id: a, name: A}], next: ""}}}]
  rooms:
    title: Rooms
    effect: READ
    http: {method: GET, path: /rooms}
    params: {type: object, properties: {page: {title: Page, type: integer, in: query}}}
    pagination: {style: link}
    examples: [{title: One, response: {body: [{id: 1, name: A}]}}]
  pages:
    title: Pages
    effect: READ
    http: {method: GET, path: /pages}
    params: {type: object, properties: {page: {title: Page, type: integer, in: query}, size: {title: Size, type: integer, in: query}}}
    pagination: {style: page, send: page}
    examples: [{title: One, response: {body: {rows: [{id: a, name: A}]}}}]
test: {method: lists, verifies: The key works., expect: ["status == `200`"]}
changelog: [{version: 1.0.0, date: "2026-11-01", impact: MAJOR, summary: First.}]
"""
NAMES = ["General", "Finance", "Général café", "general", "Sales (general)"]


class Server:
    """The shop: ``count`` lists on pages of two, three linked rooms, two numbered pages; ``fails`` names answers that are refused."""

    def __init__(self):
        self.asked = []
        self.count = len(NAMES)
        self.fails = []
        routes = [Route(f"/{name}", self._answer) for name in ("lists", "rooms", "pages")]
        self.app = Starlette(routes=routes)

    async def _answer(self, request):
        self.asked.append((request.url.path, dict(request.query_params)))
        if self.fails and self.fails[0] == len(self.asked):
            return JSONResponse({"error": "no"}, status_code=403)
        at = request.query_params
        if request.url.path == "/lists":
            start = int(at.get("cursor") or 0)
            rows = [
                {"id": f"l{n}", "name": NAMES[n] if n < len(NAMES) else f"List {n}"}
                for n in range(start, min(start + 2, self.count))
            ]
            return JSONResponse({"lists": rows, "next": str(start + 2) if start + 2 < self.count else ""})
        page = int(at.get("page") or 1)
        if request.url.path == "/rooms":
            link = f'<{request.url.replace(query=f"page={page + 1}")}>; rel="next"' if page < 3 else ""
            return JSONResponse(
                [{"id": page, "name": f"Room {page}"}], headers={"Link": link} if link else {}
            )
        rows = [{"id": f"p{page}", "name": f"Page {page}"}] if page < 3 else []
        return JSONResponse({"rows": rows})


@pytest.fixture
async def shop(database_url, redis_for, tmp_path):
    loaded = load_text(SHOP.encode(), "shop/1.0.0.yaml")
    assert loaded.faults == ()
    server, clock = Server(), FrozenClock()
    catalog = Catalog([IntegrationEntry("shop", (loaded.definition,))])
    settings = settings_for(database_url, tmp_path, redis_for, **LOOPBACK)
    async with (
        running(server.app) as address,
        build_hub(settings, local_url=ORIGIN, clock=clock, keys=test_keys(), catalog=catalog) as hub,
    ):
        register_work(hub)
        await hub.members.ensure_owner()
        with hub.database.bind():
            world = World(hub, None, await owner(hub), clock)
            world.server = server
            made = await hub.connections.create(
                world.actor, name="Shop", integration="shop", config={"baseUrl": address.http}
            )
            world.id = made.connection.id
            yield world


async def sign_in(shop):
    begun = await shop.hub.authorizations.begin(shop.actor, shop.id, auth_method="key")
    await shop.hub.authorizations.submit_credentials(shop.actor, begun.id, {"key": Secret(secret("key-"))})


async def find(shop, field, search=None, actor=None):
    return await shop.hub.options.find(actor or shop.actor, shop.id, ("config", field), search)


@pytest.mark.parametrize(
    ("field", "pairs", "calls"),
    [
        ("list", [(f"l{n}", name) for n, name in enumerate(NAMES)], 3),
        ("room", [(1, "Room 1"), (2, "Room 2"), (3, "Room 3")], 3),
        ("page", [("p1", "Page 1"), ("p2", "Page 2")], 3),
    ],
    ids=["F3 by cursor", "F3 by link", "F3 by number"],
)
async def test_the_choices_of_every_page_are_pairs_of_value_and_label(shop, field, pairs, calls):
    await sign_in(shop)
    found = await find(shop, field)
    assert [(option.value, option.label) for option in found.choices] == pairs
    assert (found.is_complete, found.problem) == (True, None)
    assert len(shop.server.asked) == calls
    if field == "page":
        assert {query["size"] for _, query in shop.server.asked} == {"2"}


async def test_f3_choices_are_loaded_once_a_minute_and_once_for_all_who_ask_at_once(shop):
    await sign_in(shop)
    await asyncio.gather(*(find(shop, "room") for _ in range(5)))
    await find(shop, "room", "2")
    assert len(shop.server.asked) == 3
    shop.clock.advance(seconds=61)
    await find(shop, "room")
    assert len(shop.server.asked) == 6


def rooms_asked(shop):
    return sum(path == "/rooms" for path, _ in shop.server.asked)


async def test_f3_a_new_configuration_or_new_credentials_load_anew(shop):
    await sign_in(shop)
    await find(shop, "room")
    config = dict((await shop.hub.connections.get(shop.actor, shop.id)).config)
    await shop.hub.connections.update_config(shop.actor, shop.id, {**config, "room": 2})
    await find(shop, "room")
    assert rooms_asked(shop) == 6
    await sign_in(shop)
    await find(shop, "room")
    assert rooms_asked(shop) == 9


@pytest.mark.parametrize(
    ("search", "values"),
    [
        ("general", ["l0", "l3", "l4"]),
        ("GENERAL sal", ["l4"]),
        ("l1", ["l1"]),
        ("nothing", []),
        ("  ", ["l0", "l1", "l2", "l3", "l4"]),
    ],
    ids=lambda value: f"F3 {value}",
)
async def test_choices_are_searched_by_label_and_value(shop, search, values):
    await sign_in(shop)
    assert [option.value for option in (await find(shop, "list", search)).choices] == values


async def test_f3_an_endless_listing_is_cut_and_said_to_be(shop):
    await sign_in(shop)
    shop.server.count = 10_000
    found = await find(shop, "list")
    assert len(shop.server.asked) == 20
    assert (len(found.choices), found.is_complete, found.problem) == (40, False, None)


async def test_f3_a_listing_that_breaks_off_gives_what_came_and_why_and_is_not_kept(shop):
    await sign_in(shop)
    shop.server.fails = [2]
    found = await find(shop, "list")
    assert (len(found.choices), found.is_complete) == (2, False)
    assert found.problem.code.value == "MISSING_SCOPE"
    shop.server.fails = []
    assert (await find(shop, "list")).is_complete


async def test_f3_before_the_sign_in_the_problem_says_what_is_missing_and_nothing_is_sent(shop):
    found = await find(shop, "list")
    assert (found.choices, found.problem.code.value) == ((), "NOT_AUTHENTICATED")
    assert shop.server.asked == []


@pytest.mark.parametrize(
    "path",
    [
        ("config",),
        ("config", "baseUrl"),
        ("config", "none"),
        ("list",),
        (),
        ("methods", "lists", "params", "cursor"),
        ("methods", "none", "params", "x"),
    ],
    ids=lambda path: f"F3 {path}",
)
async def test_a_path_without_choices_is_refused(shop, path):
    await sign_in(shop)
    with pytest.raises(InvalidInputError) as refusal:
        await shop.hub.options.find(shop.actor, shop.id, path)
    assert refusal.value.problem.path == ("path",)
    assert shop.server.asked == []


async def test_f3_choices_need_the_right_to_use_connections_also_where_they_are_kept(shop):
    await sign_in(shop)
    await find(shop, "room")
    reader = replace(shop.actor, permissions=ALL_PERMISSIONS - {Permission.CONNECTIONS_USE})
    with pytest.raises(PermissionDeniedError):
        await find(shop, "room", actor=reader)
    stranger = replace(shop.actor, workspace_id="wks_other")
    with pytest.raises(NotFoundError):
        await find(shop, "room", actor=stranger)


PAGE = """query ($id: ID!, $after: String) {
  connectionOptions(connectionId: $id, path: ["config", "room"], search: "room", first: 2, after: $after) {
    nodes {value label} totalCount isComplete problem {code} pageInfo {hasNextPage endCursor}
  }
}"""


async def test_f3_the_query_answers_page_by_page(shop):
    await sign_in(shop)
    app = Starlette(routes=graphql_routes(shop.hub))
    headers = await token(shop.hub, shop.actor, ALL_PERMISSIONS)

    async def page(after=None):
        body = {"query": PAGE, "variables": {"id": shop.id, "after": after}}
        return json.loads(await knock(app, body, {"accept": "application/json", **headers}))["data"][
            "connectionOptions"
        ]

    first = await page()
    assert first["nodes"] == [{"value": 1, "label": "Room 1"}, {"value": 2, "label": "Room 2"}]
    assert (first["totalCount"], first["isComplete"], first["problem"]) == (3, True, None)
    last = await page(first["pageInfo"]["endCursor"])
    assert last["nodes"] == [{"value": 3, "label": "Room 3"}]
    assert last["pageInfo"]["hasNextPage"] is False
