"""The verbs of connections: drafts, names, configuration, the activation gate, pausing, deleting, who may."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from app.access.policy import ROLE_PERMISSIONS, Role
from app.audit.reading import AuditFilter
from app.connections.lifecycle import ConnectionState
from app.connections.snapshot import ConnectionQuery, SetupStepKey, SetupStepState
from app.credentials.application_rows import application_id
from app.credentials.snapshot import ApplicationSource, Mode
from app.event_stream.event import EventType
from app.foundation.errors import (
    ConflictError,
    InvalidInputError,
    NotAllowedNowError,
    NotFoundError,
    PermissionDeniedError,
)
from app.foundation.pages import PageRequest
from app.foundation.problems import ProblemCode
from app.foundation.secret import Secret
from app.vault.models import SealedRecord
from app.vault.vault import RevealPurpose
from tests.connections.conftest import GENERIC

HTTP = {"baseUrl": "https://a.example.com", "testPath": "/ping"}


def verbs(world):
    return world.hub.connections


async def created(world, name="Finance Xero", **more):
    given = {"integration": "xero", "mode": Mode.SANDBOX, **more}
    return await verbs(world).create(world.actor, name=name, **given)


async def test_a_draft_keeps_what_fits_and_says_what_is_missing(world):
    edited = await created(world, integration="generic-http", config={"testPath": "/ping", "nonsense": 1})
    assert edited.connection.state is ConnectionState.DRAFT
    assert edited.connection.config["testPath"] == "/ping"
    assert {problem.path for problem in edited.problems} == {("config", "baseUrl"), ("config", "nonsense")}
    done = await verbs(world).update_config(world.actor, edited.connection.id, HTTP)
    assert done.connection.state is ConnectionState.PENDING_AUTHENTICATION
    assert done.problems == ()


async def test_a_name_is_unique_ignoring_case_and_free_again_after_delete(world):
    first = (await created(world)).connection
    for name in ("finance xero", "FINANCE XERO", "  Finance Xero "):
        with pytest.raises(InvalidInputError) as caught:
            await created(world, name)
        assert (caught.value.problem.code, caught.value.problem.path) == (ProblemCode.NAME_TAKEN, ("name",))
    await verbs(world).delete(world.actor, first.id)
    assert (await created(world, "finance xero")).connection.name == "finance xero"


async def test_of_many_that_take_one_name_at_once_one_gets_it(world):
    results = await asyncio.gather(*(created(world) for _ in range(8)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, InvalidInputError)]
    assert len(refused) == 7
    assert {fault.problem.code for fault in refused} == {ProblemCode.NAME_TAKEN}


async def test_every_fault_of_a_new_connection_is_told_at_once(world):
    with pytest.raises(InvalidInputError) as caught:
        await verbs(world).create(world.actor, name=" ", integration="no-such", description="x" * 3_000)
    assert {problem.path for problem in caught.value.problems} == {
        ("name",),
        ("integration",),
        ("description",),
    }


async def test_creating_twice_with_one_key_creates_once(world):
    results = await asyncio.gather(*(created(world, idempotency_key="k") for _ in range(6)))
    assert len({edited.connection.id for edited in results}) == 1
    with pytest.raises(InvalidInputError) as caught:
        await created(world, "Another", idempotency_key="k")
    assert caught.value.problem.code is ProblemCode.IDEMPOTENCY_KEY_REUSED


async def test_a_stale_revision_changes_nothing_and_tells_the_current_one(world):
    connection = (await created(world)).connection
    await verbs(world).update(world.actor, connection.id, description="one")
    with pytest.raises(ConflictError) as caught:
        await verbs(world).update(
            world.actor, connection.id, description="two", expected_revision=connection.revision
        )
    now = await world.reload(connection)
    assert caught.value.problem.details["currentRevision"] == now.revision
    assert now.description == "one"


async def test_a_configuration_that_touches_authentication_asks_for_it_again_and_keeps_the_old_credentials(
    world,
):
    connection = await world.connected("generic-oauth2", GENERIC)
    changed = {**GENERIC, "tokenUrl": "https://auth.example.com/other-token"}
    edited = await verbs(world).update_config(world.actor, connection.id, changed)
    assert edited.connection.state is ConnectionState.PENDING_AUTHENTICATION
    assert edited.connection.auth.generation == 1
    assert await SealedRecord.filter(owner_row=connection.id).count() == 1


async def test_any_other_change_only_makes_the_test_due_again(world):
    connection = await world.connected("generic-oauth2", GENERIC)
    assert connection.tested
    edited = await verbs(world).update_config(world.actor, connection.id, {**GENERIC, "testPath": "/you"})
    assert edited.connection.state is ConnectionState.CONNECTED
    assert not edited.connection.tested


async def test_a_connection_in_use_refuses_a_faulty_configuration_whole(world):
    connection = await world.connected("generic-oauth2", GENERIC)
    with pytest.raises(InvalidInputError):
        await verbs(world).update_config(world.actor, connection.id, {**GENERIC, "testPath": 5})
    assert (await world.reload(connection)).config == connection.config


async def test_an_untested_connection_is_activated_only_with_a_reason_that_is_audited(world):
    connection = await world.authorized()
    with pytest.raises(NotAllowedNowError) as caught:
        await verbs(world).activate(world.actor, connection.id)
    assert [problem.code for problem in caught.value.problems] == [ProblemCode.TEST_NOT_PASSED]
    edited = await verbs(world).activate(world.actor, connection.id, reason="The sandbox is down today")
    assert edited.connection.state is ConnectionState.CONNECTED
    entries = await world.hub.audit.entries(world.actor, AuditFilter(), PageRequest(first=50))
    accepted = [entry for entry in entries.items if entry.action == "connection.activated"]
    assert [entry.detail["reason"] for entry in accepted] == ["The sandbox is down today"]


async def test_next_steps_lead_from_a_draft_to_connected(world):
    connection = (await created(world, integration="generic-http")).connection
    steps = await verbs(world).next_steps(world.actor, connection)
    assert [(step.key, step.state) for step in steps] == [
        (SetupStepKey.CONFIGURE, SetupStepState.READY),
        (SetupStepKey.AUTHENTICATE, SetupStepState.BLOCKED),
        (SetupStepKey.TEST, SetupStepState.BLOCKED),
        (SetupStepKey.ACTIVATE, SetupStepState.BLOCKED),
    ]
    assert all(step.help and step.mutation for step in steps)
    connected = await world.connected()
    assert {step.state for step in await verbs(world).next_steps(world.actor, connected)} == {
        SetupStepState.DONE
    }


async def test_a_paused_connection_comes_back_to_what_it_was(world):
    connection = await world.connected()
    assert (await verbs(world).pause(world.actor, connection.id)).connection.state is ConnectionState.PAUSED
    with pytest.raises(NotAllowedNowError):
        await verbs(world).pause(world.actor, connection.id)
    assert (
        await verbs(world).resume(world.actor, connection.id)
    ).connection.state is ConnectionState.CONNECTED


async def test_deleting_leaves_only_history(world):
    connection = await world.connected()
    await verbs(world).delete(world.actor, connection.id)
    with pytest.raises(NotFoundError):
        await world.reload(connection)
    assert await SealedRecord.filter(owner_row=connection.id).count() == 0
    assert EventType.CONNECTION_DELETED in [event.type for event in await world.events()]
    assert all(report.is_ok for report in await world.hub.audit.verify())


ACTS = {
    "update": lambda w, a, i: verbs(w).update(a, i, description="x"),
    "update_config": lambda w, a, i: verbs(w).update_config(a, i, {}),
    "activate": lambda w, a, i: verbs(w).activate(a, i, reason="because"),
    "pause": lambda w, a, i: verbs(w).pause(a, i),
    "resume": lambda w, a, i: verbs(w).resume(a, i),
    "disconnect": lambda w, a, i: verbs(w).disconnect(a, i),
    "delete": lambda w, a, i: verbs(w).delete(a, i),
    "begin": lambda w, a, i: w.hub.authorizations.begin(a, i),
    "reauthorize": lambda w, a, i: w.hub.authorizations.reauthorize(a, i),
    "test": lambda w, a, i: w.hub.test_runs.start(a, i),
    "refresh": lambda w, a, i: w.hub.connections.refresh_credentials(a, i),
}


async def test_a_viewer_may_change_nothing(world):
    connection = await world.connected()
    viewer = replace(world.actor, role=Role.VIEWER, permissions=ROLE_PERMISSIONS[Role.VIEWER])
    before, events = await world.reload(connection), len(await world.events())
    for act in ACTS.values():
        with pytest.raises(PermissionDeniedError):
            await act(world, viewer, connection.id)
    with pytest.raises(PermissionDeniedError):
        await verbs(world).create(viewer, name="Mine", integration="slack")
    with pytest.raises(PermissionDeniedError):
        await world.hub.applications.save(viewer, integration="slack", client_id="x")
    assert await world.reload(connection) == before
    assert len(await world.events()) == events


async def test_a_foreign_connection_and_a_missing_one_are_told_alike(world):
    connection = await world.connected()
    stranger = replace(world.actor, workspace_id="wks_other")
    for act in ACTS.values():
        for id_ in (connection.id, "conn_00000000000000000000000000", "conn_x", "", "x" * 5_000, "conn_\x00"):
            with pytest.raises(NotFoundError):
                await act(world, stranger, id_)
    assert await verbs(world).find(stranger, connection.name) is None
    assert await verbs(world).many(stranger, [connection.id]) == {}


# -- lists


async def names(world, page, query=None):
    found = await verbs(world).page(world.actor, query or ConnectionQuery(), page)
    return [item.name for item in found.items], found


async def test_pages_stay_whole_while_rows_come_and_go(world):
    for letter in "bdfhjl":
        await created(world, letter, integration="slack")
    first, page = await names(world, PageRequest(first=2))
    assert first == ["b", "d"]
    await created(world, "a", integration="slack")
    await created(world, "e", integration="slack")
    second, page = await names(world, PageRequest(first=2, after=page.cursors[-1]))
    assert second == ["e", "f"]
    assert page.has_next
    assert page.has_previous
    back, page = await names(world, PageRequest(first=None, last=2, before=page.cursors[0]))
    assert back == ["b", "d"]
    assert page.total == 8


@pytest.mark.parametrize("order", ["NAME", "CREATED_AT", "UPDATED_AT", "STATE"])
@pytest.mark.parametrize("descending", [False, True])
async def test_every_order_walks_through_all_once(world, order, descending):
    for letter in "cabd":
        await created(world, letter, integration="slack")
        world.clock.advance(1)
    query, seen, after = ConnectionQuery(order_by=order, descending=descending), [], None
    while True:
        found = await verbs(world).page(world.actor, query, PageRequest(first=1, after=after))
        seen += [item.name for item in found.items]
        if not found.has_next:
            break
        after = found.cursors[-1]
    assert sorted(seen) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    "page",
    [
        PageRequest(first=0),
        PageRequest(first=-1),
        PageRequest(first=101),
        PageRequest(first=None, last=101),
        PageRequest(first=5, after="nonsense"),
        PageRequest(first=5, after="x" * 10_000),
        PageRequest(first=5, after="WyJjIiwgMSwgMl0"),
    ],
)
async def test_a_page_that_cannot_be_is_refused(world, page):
    with pytest.raises(InvalidInputError):
        await verbs(world).page(world.actor, ConnectionQuery(), page)


async def test_lists_are_searched_and_filtered(world):
    await created(world, "Finance Xero")
    await created(world, "Team Slack", integration="slack", description="for finance too")
    await world.connected("github")
    assert (await names(world, PageRequest(), ConnectionQuery(search="FINANCE")))[0] == [
        "Finance Xero",
        "Team Slack",
    ]
    assert (await names(world, PageRequest(), ConnectionQuery(integrations=("slack",))))[0] == ["Team Slack"]
    connected = ConnectionQuery(states=(ConnectionState.CONNECTED,))
    assert (await names(world, PageRequest(), connected))[0] == ["Connection 1"]


# -- applications


async def saved(world, **more):
    given = {
        "integration": "slack",
        "client_id": "my-client",
        "client_secret": Secret("CANARY-client-secret"),
        **more,
    }
    return await world.hub.applications.save(world.actor, **given)


async def test_an_applications_secret_goes_in_and_never_comes_out(world):
    application = await saved(world)
    assert application.secret.is_set
    assert "CANARY" not in repr(application)
    facts = await world.hub.applications.facts(world.actor, application.id, RevealPurpose.RENEWAL)
    assert facts.client_secret.reveal() == "CANARY-client-secret"
    kept = await saved(world, client_id="other-client", client_secret=None)
    assert (kept.client_id, kept.secret.is_set, kept.id) == ("other-client", True, application.id)


async def test_the_redirect_address_is_known_before_anything_is_saved_and_never_changes(world):
    before = await world.hub.application_choice.redirect_uri_for(world.actor, "slack")
    application = await saved(world)
    assert application.redirect_uri == before
    await world.hub.applications.delete(world.actor, application.id)
    assert (await saved(world)).redirect_uri == before


async def test_an_application_in_use_cannot_be_deleted(world):
    connection = await world.connected()
    source = ApplicationSource.SANDBOX
    used = application_id(connection.workspace_id, "slack", Mode.SANDBOX, source=source)
    with pytest.raises(NotAllowedNowError):
        await world.hub.applications.delete(world.actor, used)


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"integration": "no-such"}, ("integration",)),
        ({"client_id": " "}, ("clientId",)),
        ({"client_id": "x" * 600}, ("clientId",)),
        ({"client_secret": Secret("x" * 20_000)}, ("clientSecret",)),
        ({"fields": {"unknown": 1}}, ("fields", "unknown")),
    ],
)
async def test_a_faulty_application_is_told_at_its_field(world, more, path):
    with pytest.raises(InvalidInputError) as caught:
        await saved(world, **more)
    assert caught.value.problem.path == path
