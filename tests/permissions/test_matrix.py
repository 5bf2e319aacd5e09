"""Who may do what: every field of the schema's roots and every type of node, by each role and each scope of a token."""

from __future__ import annotations

import sqlite3

import pytest

from app.access.policy import ALL_PERMISSIONS, ROLE_PERMISSIONS, Permission, Role
from tests.factories.operations import CORE, ROOTS
from tests.hubs import running_hub, settings_for
from tests.permissions.checks import modules_that_ask
from tests.permissions.door import NODE_PREFIXES, door_of
from tests.permissions.table import ROLES, ROWS


@pytest.fixture
async def door(sqlite_url, tmp_path):
    settings = settings_for(sqlite_url, tmp_path)
    async with running_hub(settings) as (hub, outside), door_of(hub) as door:
        sent = len(outside.requests)
        yield door
        assert len(outside.requests) == sent, (
            "what is refused, or about what is missing, asks nothing outside"
        )


def test_the_table_has_a_row_for_every_field_of_the_roots_and_every_node():
    fields = {f"{kind.title()}.{name}" for kind, root in ROOTS.items() for name in root.fields}
    nodes = {f"Node.{type_.name}" for type_ in CORE.get_possible_types(CORE.type_map["Node"])}
    written = {row.operation for row in ROWS if "(" not in row.operation and row.parent != "Viewer"}
    assert written == fields | nodes
    assert set(NODE_PREFIXES) == {node.removeprefix("Node.") for node in nodes}


def test_the_roles_of_a_row_are_those_whose_permissions_hold_its_scopes():
    for row in ROWS:
        assert row.roles == {
            role for role in ROLES if (row.scopes or frozenset()) <= ROLE_PERMISSIONS[role]
        }, row


async def test_what_the_table_refuses_is_refused_and_changes_nothing(door, sqlite_url):
    before = picture(sqlite_url)
    answers = [
        (row.operation, who, await door.asked(row, headers, about_real=True))
        for row in ROWS
        for who, headers, is_allowed in knocking(row, door)
        if not is_allowed
    ]
    assert [answer for answer in answers if answer[2] != "refused"] == []
    assert picture(sqlite_url) == before


async def test_what_the_table_allows_is_allowed(door):
    answers = [
        (row.operation, who, await door.asked(row, headers, about_real=False))
        for row in ROWS
        for who, headers, is_allowed in knocking(row, door)
        if is_allowed
    ]
    assert [answer for answer in answers if answer[2] == "refused"] == []


async def test_what_is_allowed_is_not_refused_half_way(door):
    """A verb whose answer needs more than its deed asks for all of it at first."""
    last = {
        "Mutation.disconnect",
        "Mutation.deleteConnection",
        "Mutation.deleteApplication",
        "Mutation.revokeToken",
    }
    rows = [row for row in ROWS if row.parent == "Mutation"]
    for row in sorted(rows, key=lambda row: row.operation in last):
        answer = await door.asked(row, door.tokens[row.scopes], about_real=True)
        assert answer != "refused", row.operation


def test_no_door_asks():
    assert [path for path in modules_that_ask() if path.startswith("app/api/")] == []


def knocking(row, door):
    """Yield who asks, with what, and whether the table lets them through."""
    needed = row.scopes or frozenset()
    yield "nobody", {}, row.scopes is None
    for role, headers in door.members.items():
        yield f"a member, {role.value}", headers, role in row.roles
    for one in Permission:
        yield f"a token with {one} alone", door.tokens[frozenset({one})], needed <= {one}
        if one in needed:
            yield f"a token with all but {one}", door.tokens[ALL_PERMISSIONS - {one}], False
    yield "a token with what is needed", door.tokens[needed or ALL_PERMISSIONS], True
    yield "a token with all scopes of a member who may look", door.lowered, Role.VIEWER in row.roles


def picture(url):
    """Return all rows but the audit's, where refused makings of tokens are written down."""
    with sqlite3.connect(url.removeprefix("sqlite://")) as connection:
        return [line for line in connection.iterdump() if 'INTO "audit_' not in line and "INSERT" in line]
