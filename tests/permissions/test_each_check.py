"""Each permission that the program asks for is asked for in vain nowhere: without the check somebody gets through.

The checks are found in the source, so that a new one without a case here is named by the test.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import pytest

from app.access.policy import ALL_PERMISSIONS, Permission, Role
from app.catalog.definition import Control
from app.connections.abilities import abilities
from app.connections.lifecycle import ConnectionState
from app.connections.snapshot import Mode
from app.foundation.errors import PatchbayError
from app.foundation.ids import new_id
from app.foundation.secret import Secret
from app.members.models import MemberRecord
from app.vault.vault import RevealPurpose
from tests.hubs import running_hub, settings_for
from tests.permissions.checks import all_checks, switched
from tests.permissions.door import door_of
from tests.permissions.table import ROWS

P = Permission
TEST = RevealPurpose.TEST
AUTH = object()  # anything: that there are credentials is what counts
VERBS = [
    (P.CATALOG_READ, lambda hub, who, seen: hub.catalog.facets(who)),
    (P.CONNECTIONS_READ, lambda hub, who, seen: hub.connections.subscribe(who, 0)),
    (P.CONNECTIONS_READ, lambda hub, who, seen: hub.connections.missing_scopes(who, seen)),
    (P.CONNECTIONS_READ, lambda hub, who, seen: hub.connections.config_problems(who, seen.owner)),
    (P.CONNECTIONS_READ, lambda hub, who, seen: hub.authorizations.open_of(who, [seen.id])),
    (P.CONNECTIONS_READ, lambda hub, who, seen: hub.revocations.get(who, new_id("rev"))),
    (P.CONNECTIONS_READ, lambda hub, who, seen: hub.test_runs.latest(who, [seen.id])),
    (P.CONNECTIONS_READ, lambda hub, who, seen: hub.test_runs.get(who, new_id("run"))),
    (P.APPLICATIONS_READ, lambda hub, who, seen: hub.applications.dependents(who, new_id("app"))),
    (P.CONNECTIONS_READ, lambda hub, who, seen: hub.applications.dependents(who, new_id("app"))),
    (P.CONNECTIONS_USE, lambda hub, who, seen: hub.calls.call(who, seen.owner, "no such method", {})),
    (
        P.CONNECTIONS_TEST,
        lambda hub, who, seen: hub.calls.call(who, seen.owner, "none", {}, purpose=TEST),
    ),
    (
        P.CONNECTIONS_TEST,
        lambda hub, who, seen: hub.calls.control(
            who, opened_by(hub), "none", {}, Control.NONE, follow=False, timeout_s=1
        ),
    ),
    (P.CONNECTIONS_WRITE, lambda hub, who, seen: abilities(who, seen)),
    (P.CONNECTIONS_AUTHORIZE, lambda hub, who, seen: abilities(who, seen)),
    (
        P.CONNECTIONS_OPERATE,
        lambda hub, who, seen: abilities(who, replace(seen, state=ConnectionState.CONNECTED)),
    ),
    (P.CONNECTIONS_TEST, lambda hub, who, seen: abilities(who, replace(seen, auth=AUTH))),
]


def opened_by(hub):
    """Return what a control call reads of open credentials before it makes a request."""
    return SimpleNamespace(definition=hub.catalog.definition("slack"))


async def started_in_a_browser(door):
    """Open the link of an authorization that a viewer began, who was more then."""
    begun = await begun_by_a_viewer(door, Mode.SANDBOX)
    started = await door.hub.browser.start(begun.id, Secret("x"))
    return started.problem and started.problem.code


async def looked_at_again(door):
    """Poll for an authorization that a viewer began, who was more then."""
    begun = await begun_by_a_viewer(door, Mode.LIVE)
    door.hub.clock.advance(3)
    await door.hub.dispatcher.drain()
    return (await door.hub.authorizations.many(door.owner, [begun.id]))[begun.id].state


async def begun_by_a_viewer(door, mode):
    viewer = await MemberRecord.get(role=Role.VIEWER.value)
    made = await door.hub.connections.create(door.owner, name=new_id("x"), integration="xero", mode=mode)
    actor = replace(door.owner, id=viewer.id)
    return await door.hub.authorizations.begin(actor, made.connection.id, auth_method="oauth")


@pytest.fixture
async def door(sqlite_url, tmp_path):
    settings = settings_for(sqlite_url, tmp_path)
    async with running_hub(settings) as (hub, _), door_of(hub) as door:
        yield door


FOR_A_BEGINNER = [started_in_a_browser, looked_at_again]


async def test_every_check_refuses_somebody_whom_nothing_else_would(door):
    cases = [*through_the_door(door), *await by_verb(door), *(partial(one, door) for one in FOR_A_BEGINNER)]
    with switched() as switch:
        proven = set()
        for case in cases:
            switch.off, switch.said_no = None, set()
            with_checks = await case()
            for check in switch.said_no - proven:
                switch.off = check
                if await case() != with_checks:
                    proven.add(check)
    unproven = sorted(map(str, all_checks() - proven))
    assert not unproven, "\n".join(unproven)


def through_the_door(door):
    """Return a case for every scope that a row of the table needs: asked about what is missing, with all the others."""
    return [
        lambda row=row, headers=door.tokens[ALL_PERMISSIONS - {one}]: door.asked(
            row, headers, about_real=False
        )
        for row in ROWS
        for one in row.scopes or ()
    ]


async def by_verb(door):
    """Return a case for every verb that the door calls only behind another check."""
    connection = await door.hub.connections.get(door.owner, door.ids["conn"])

    def case(verb, missing):
        actor = replace(door.owner, permissions=ALL_PERMISSIONS - {missing})

        async def outcome():
            try:
                answer = verb(door.hub, actor, connection)
                return repr(await answer if hasattr(answer, "__await__") else answer)
            except PatchbayError as fault:
                return type(fault).__name__

        return outcome

    return [case(verb, missing) for missing, verb in VERBS]
