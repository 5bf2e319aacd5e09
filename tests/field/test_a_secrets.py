"""A stored secret goes only where somebody with the right to send it there said."""

from __future__ import annotations

import dataclasses
from contextlib import asynccontextmanager

import pytest

from app.access.policy import ROLE_PERMISSIONS, Role
from app.connections.lifecycle import ConnectionState
from app.connections.snapshot import AuthorizationStateName as State
from app.credentials.snapshot import ApplicationSource, RevocationState
from app.foundation.errors import (
    ApplicationRejectedError,
    InvalidInputError,
    NotAllowedNowError,
    PermissionDeniedError,
)
from app.foundation.problems import ProblemCode
from app.foundation.secret import Secret
from tests.canary import secret
from tests.field.conftest import LiveWorld, live_world
from tests.field.provider import Provider, running_provider


def editor_of(live):
    return dataclasses.replace(live.actor, role=Role.EDITOR, permissions=ROLE_PERMISSIONS[Role.EDITOR])


def told(provider: Provider) -> str:
    """Return everything that a provider was ever told."""
    return str(provider.asked)


@pytest.fixture
async def other():
    """A second server, of somebody else."""
    async with running_provider() as provider:
        yield provider


async def test_a1_a_client_secret_is_not_sent_to_the_server_of_somebody_who_may_not_manage_applications(
    live, other
):
    """A1: the connection's own token address is no address of the application."""
    value = Secret(secret("client-"))
    saved = await live.register(client_secret=value)
    thief = LiveWorld(live.hub, other, editor_of(live), live.clock)
    with pytest.raises(PermissionDeniedError):
        await thief.register()
    connection = await thief.live()

    waiting = await thief.begin(connection)

    assert waiting.problem.code is ProblemCode.APPLICATION_MISSING
    assert other.address.http in waiting.problem.message
    assert waiting.step.copy_values["Origins (for saveApplication)"] == other.address.http
    with pytest.raises(InvalidInputError) as refused:
        await thief.begin(connection, application_id=saved.id)
    fault = refused.value.problem
    assert (fault.code, fault.path) == (ProblemCode.APPLICATION_NOT_FOR_ADDRESS, ("applicationId",))
    live.clock.advance(5)
    await live.work()
    assert other.asked == []


@pytest.mark.parametrize("way", ["basic", "post", "none"])
async def test_a1_a_sign_in_that_is_under_way_does_not_end_at_an_address_that_was_set_meanwhile(
    live, other, way
):
    """A1, the neighbours: the code of somebody else's sign-in, and a public client that has no secret."""
    await live.register(client_secret=None if way == "none" else Secret(secret("client-")))
    connection = await live.live(clientAuthentication=way)
    authorization = await live.begin(connection)
    started = await live.hub.browser.start(authorization.id, Secret("b" * 43))
    stolen = {**dict(connection.config), "tokenUrl": other.config["tokenUrl"]}

    await live.hub.connections.update_config(editor_of(live), connection.id, stolen)
    params = live.provider.returned(started.url)
    application = authorization.step.redirect_uri.rsplit("/", 1)[1]
    returned = await live.hub.browser.returned(application, params, Secret("b" * 43))

    assert returned.problem is not None
    assert (await live.authorization(authorization.id)).state is State.CANCELLED
    assert other.asked == []


async def test_a1_an_application_needs_its_addresses_and_new_ones_need_the_secret_anew(live, other):
    """A1, the neighbour: who manages applications cannot read a stored secret, nor send it to a place of his own."""
    with pytest.raises(InvalidInputError) as refused:
        await live.register(client_id="another", origins=None)
    assert (refused.value.problem.code, refused.value.problem.path) == (
        ProblemCode.MISSING_FIELD,
        ("origins",),
    )
    saved = await live.register()
    theirs = other.address.http

    with pytest.raises(InvalidInputError) as refused:
        await live.register(application_id=saved.id, client_secret=None, origins=[*saved.origins, theirs])
    assert refused.value.problem.path == ("clientSecret",)

    wider = await live.register(application_id=saved.id, origins=[*saved.origins, theirs])
    assert wider.origins == (*saved.origins, theirs)
    narrower = await live.register(application_id=saved.id, client_secret=None, origins=[theirs])
    assert (narrower.origins, narrower.secret.is_set) == ((theirs,), True)


async def test_a1_credentials_are_sent_nowhere_once_the_application_is_not_for_the_address_any_more(
    live, other
):
    """A1, the neighbour: an address that is taken from the application ends renewals there, and says so."""
    saved = await live.register()
    connection = await live.activated()
    asked = live.provider.count("/token")
    await live.register(application_id=saved.id, origins=[other.address.http])

    with pytest.raises(ApplicationRejectedError) as refused:
        await live.hub.connections.refresh_credentials(live.actor, connection.id)

    assert refused.value.problem.code is ProblemCode.APPLICATION_NOT_FOR_ADDRESS
    assert live.provider.count("/token") == asked
    after = await live.reload(connection)
    assert (after.state, after.problem.code) == (
        ConnectionState.CONNECTED,
        ProblemCode.APPLICATION_NOT_FOR_ADDRESS,
    )
    assert other.asked == []


async def test_a2_each_connection_renews_and_revokes_with_the_application_that_authorized_it(live, other):
    """A2: two services by one generic definition, each with a client of its own."""
    a_secret, b_secret = Secret(secret("client-")), Secret(secret("client-"))
    a = await live.register(client_secret=a_secret)
    at_a = await live.activated(clientAuthentication="post")
    there = LiveWorld(live.hub, other, live.actor, live.clock)
    there._number = 100
    b = await there.register(client_id="client-of-b", client_secret=b_secret)
    at_b = await there.activated(clientAuthentication="post")

    for connection in (at_a, at_b):
        await live.hub.connections.refresh_credentials(live.actor, connection.id)
    for connection in (at_a, at_b):
        edited = await live.hub.connections.disconnect(live.actor, connection.id)
        await live.work()
        done = await live.hub.revocations.get(live.actor, edited.revocation.id)
        assert done.state is RevocationState.REVOKED

    assert a.id != b.id
    assert (at_a.auth.application_id, at_b.auth.application_id) == (a.id, b.id)
    for provider, own, foreign in ((live.provider, a_secret, b_secret), (other, b_secret, a_secret)):
        assert provider.count("/token") == 2
        assert provider.count("/revoke") == 2
        assert own.reveal() in told(provider)
        assert foreign.reveal() not in told(provider)


async def test_a2_several_applications_of_one_server_stand_side_by_side_and_one_is_chosen(live):
    """A2, the neighbour: two clients of the same service; which one is meant must be said, once."""
    first = await live.register()
    second = await live.register(name="Second", client_id="second-client")
    connection = await live.live()

    with pytest.raises(InvalidInputError) as refused:
        await live.begin(connection)
    fault = refused.value.problem
    assert (fault.code, fault.path) == (ProblemCode.APPLICATION_CHOICE_NEEDED, ("applicationId",))
    assert {each["id"] for each in fault.details["applications"]} == {first.id, second.id}
    await live.sign_in(connection, application_id=second.id)
    again = await live.hub.authorizations.reauthorize(live.actor, connection.id)

    assert again.step.redirect_uri == second.redirect_uri != first.redirect_uri
    assert (await live.reload(connection)).auth.application_id == second.id
    started = await live.hub.browser.start(again.id, Secret("b" * 43))
    assert "client_id=second-client" in started.url


async def test_a2_an_application_in_use_keeps_its_client_and_is_not_deleted(live):
    """A2, the neighbour: what is saved over an application in use would take it from its connections."""
    saved = await live.register()
    connection = await live.activated()
    with pytest.raises(NotAllowedNowError) as refused:
        await live.register(application_id=saved.id, client_id="another")
    assert (refused.value.problem.code, refused.value.problem.path) == (
        ProblemCode.APPLICATION_IN_USE,
        ("clientId",),
    )
    with pytest.raises(NotAllowedNowError) as refused:
        await live.hub.applications.delete(live.actor, saved.id)
    assert refused.value.problem.details["connectionIds"] == [connection.id]
    assert await live.hub.applications.dependents(live.actor, saved.id) == [connection.id]

    await live.hub.connections.disconnect(live.actor, connection.id)
    await live.work()
    await live.hub.applications.delete(live.actor, saved.id)
    assert await live.hub.applications.all(live.actor) == []


@asynccontextmanager
async def operated(database_url, redis_url, folder, clock, provider, **more):
    """Run a hub whose operator has a default application for ``generic-oauth2``."""
    variables = {
        "PATCHBAY_APP_GENERIC_OAUTH2_CLIENT_ID": "client-of-the-operator",
        "PATCHBAY_APP_GENERIC_OAUTH2_CLIENT_SECRET": secret("operator-"),
        "PATCHBAY_APP_GENERIC_OAUTH2_ORIGINS": provider.address.http,
        **more,
    }
    async with live_world(database_url, redis_url, folder, clock, **variables) as world:
        for saved in await world.hub.applications.all(world.actor):
            if saved.source is ApplicationSource.WORKSPACE:
                await world.hub.applications.delete(world.actor, saved.id)
        yield world


async def test_a1_the_operators_default_is_for_its_own_addresses_and_keeps_its_connections(
    database_url, redis_for, tmp_path, clock, other
):
    """A1 and A2, the neighbour: the operator's default is bound likewise, and a workspace's own does not replace it."""
    async with operated(database_url, redis_for, tmp_path, clock, other) as live:
        elsewhere = await live.begin(await live.live())
        assert elsewhere.problem.code is ProblemCode.APPLICATION_MISSING
        there = LiveWorld(live.hub, other, live.actor, clock)
        there._number = 100
        connection = await there.activated(clientAuthentication="post")
        own = await there.register(client_id="client-of-the-workspace")
        [offered] = [
            each
            for each in await live.hub.applications.all(live.actor)
            if each.source is ApplicationSource.OPERATOR
        ]

        await live.hub.connections.refresh_credentials(live.actor, connection.id)

        assert (offered.origins, offered.id) == ((other.address.http,), connection.auth.application_id)
        assert {asked["client_id"] for path, asked in other.asked if path == "/token"} == {
            "client-of-the-operator"
        }
        assert own.id != offered.id
        assert live.provider.asked == []


async def test_a1_the_operators_default_is_for_the_workspaces_that_the_operator_names(
    database_url, redis_for, tmp_path, clock, other
):
    """A1, the neighbour: granted to another workspace, it is offered to nobody here."""
    more = {"PATCHBAY_APP_GENERIC_OAUTH2_WORKSPACES": "wks_of_somebody_else"}
    async with operated(database_url, redis_for, tmp_path, clock, other, **more) as live:
        there = LiveWorld(live.hub, other, live.actor, clock)
        waiting = await there.begin(await there.live())
        assert waiting.problem.code is ProblemCode.APPLICATION_MISSING
        assert await live.hub.applications.all(live.actor) == []


PASSWORD = "correct horse battery staple"


@pytest.mark.parametrize("method", ["basic", "bearer"])
async def test_a4_nothing_of_a_password_is_shown_and_the_end_of_a_key_is(live, method):
    """A4: what a person chose is known by its end."""
    connection = await live.draft("generic-http", {"baseUrl": "https://api.example.com", "testPath": "/me"})
    value = secret("key-") if method == "bearer" else PASSWORD
    given = {"basic": {"username": "ada", "password": value}, "bearer": {"token": value}}[method]
    await live.entered(connection, method, **given)

    shown = (await live.reload(connection)).secrets

    assert [(info.is_set, info.hint) for info in shown] == [
        (True, f"…{value[-4:]}" if method == "bearer" else None)
    ]
