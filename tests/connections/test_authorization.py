"""Authorization end to end inside one process: what a browser, a provider and a person can do, and must not."""

from __future__ import annotations

import asyncio
from urllib.parse import urlencode, urlsplit

import httpx
import pytest

from app.authenticators.steps import AccountChoiceStep, CredentialFormStep, ExternalActionStep, RedirectStep
from app.connections.authorization_states import FollowedStates
from app.connections.lifecycle import ConnectionState
from app.connections.snapshot import AuthorizationStateName as State
from app.credentials.snapshot import Mode
from app.event_stream.event import EventType
from app.event_stream.follow import GUARD_S, AccessLostError
from app.foundation.errors import InvalidInputError, NotAllowedNowError, NotFoundError
from app.foundation.problems import ProblemCode
from app.foundation.secret import Secret
from tests.canary import secret
from tests.connections.conftest import BROWSER, GENERIC, OTHER_BROWSER


async def test_a_consented_sign_in_seals_credentials_and_tells_every_state(world):
    connection = await world.draft()
    authorization = await world.begin(connection)
    assert isinstance(authorization.step, RedirectStep)
    assert authorization.step.authorize_url == ""
    assert authorization.launch_url.endswith(f"/oauth/start/{authorization.id}")
    returned = await world.come_back(await world.at_provider(authorization))
    assert returned.authorization.state is State.AUTHENTICATED
    states = [
        state.state
        async for state in world.hub.authorizations.states(world.actor, authorization_id=authorization.id)
    ]
    assert states == [State.CREATED, State.AWAITING_USER, State.EXCHANGING, State.AUTHENTICATED]
    connection = await world.reload(connection)
    assert connection.state is ConnectionState.AUTHENTICATED
    assert connection.auth.account_label == "Acme"
    assert {info.path[1] for info in connection.secrets} == {"accessToken", "refreshToken"}


async def test_states_are_replayed_after_the_one_that_was_seen(world):
    authorization = await world.begin(await world.draft())
    await world.hub.authorizations.cancel(world.actor, authorization.id)
    seen = [
        (state.seq, state.state)
        async for state in world.hub.authorizations.states(
            world.actor, authorization_id=authorization.id, after_seq=2
        )
    ]
    assert seen == [(3, State.CANCELLED)]


async def collected(states, into):
    async for state in states:
        into.append((state.seq, state.state))


async def settled(until):
    async with asyncio.timeout(10):
        while not until():
            await asyncio.sleep(0.001)


async def test_who_saw_the_final_state_of_an_authorization_waits_for_no_other(world):
    authorization = await world.begin(await world.draft())
    await world.hub.authorizations.cancel(world.actor, authorization.id)
    states = world.hub.authorizations.states(world.actor, authorization_id=authorization.id, after_seq=3)
    async with asyncio.timeout(5):
        assert [state async for state in states] == []


async def test_a_connections_states_go_on_with_its_next_authorization(world):
    connection = await world.draft()
    seen = []
    states = world.hub.authorizations.states(world.actor, connection_id=connection.id)
    follower = asyncio.create_task(collected(states, seen))
    first = await world.begin(connection)
    await settled(lambda: len(seen) == 2)
    await world.hub.authorizations.cancel(world.actor, first.id)
    await settled(lambda: len(seen) == 3)
    world.clock.advance(1)
    await world.begin(connection)
    await settled(lambda: len(seen) == 5)
    follower.cancel()
    opened = [(1, State.CREATED), (2, State.AWAITING_USER)]
    assert seen == [*opened, (3, State.CANCELLED), *opened]


@pytest.mark.parametrize("by", ["authorization_id", "connection_id"])
async def test_somebody_elses_events_make_no_follower_of_states_read(world, monkeypatch, by):
    readings = []
    read = FollowedStates.read

    async def counted(states):
        readings.append(states)
        return await read(states)

    monkeypatch.setattr(FollowedStates, "read", counted)
    connection, other = await world.draft(), await world.draft()
    authorization = await world.begin(connection)
    seen = []
    id_ = authorization.id if by == "authorization_id" else connection.id
    states = world.hub.authorizations.states(world.actor, **{by: id_})
    follower = asyncio.create_task(collected(states, seen))
    await settled(lambda: len(seen) == 2)
    await world.begin(other)
    await world.hub.connections.update(world.actor, connection.id, description="an event of the same one")
    await asyncio.sleep(0.05)
    assert len(readings) == 1
    await world.hub.authorizations.cancel(world.actor, authorization.id)
    await settled(lambda: len(seen) == 3)
    assert len(readings) == 2
    follower.cancel()


async def test_states_end_with_the_access_of_who_follows_them(world):
    authorization = await world.begin(await world.draft())
    is_valid = True

    async def guard():
        return is_valid

    seen = []
    states = world.hub.authorizations.states(
        world.actor, authorization_id=authorization.id, after_seq=1, guard=guard
    )
    follower = asyncio.create_task(collected(states, seen))
    await settled(lambda: len(seen) == 1)
    is_valid = False
    world.clock.advance(GUARD_S)
    await world.hub.authorizations.cancel(world.actor, authorization.id)
    with pytest.raises(AccessLostError):
        await asyncio.wait_for(follower, 5)
    assert seen == [(2, State.AWAITING_USER)]


async def test_a_denied_consent_leaves_the_connection_waiting_with_a_problem(world):
    connection = await world.draft()
    returned = await world.come_back(await world.at_provider(await world.begin(connection), decision="deny"))
    assert returned.authorization.state is State.FAILED
    assert returned.problem.code is ProblemCode.CONSENT_DENIED
    connection = await world.reload(connection)
    assert connection.state is ConnectionState.PENDING_AUTHENTICATION
    assert connection.problem.code is ProblemCode.CONSENT_DENIED
    assert world.token_calls() == []


@pytest.mark.threat("O1")
async def test_another_browser_cannot_finish_and_no_token_is_asked_for(world):
    connection = await world.draft()
    address = await world.at_provider(await world.begin(connection))
    returned = await world.come_back(address, browser=OTHER_BROWSER)
    assert returned.problem.code is ProblemCode.BROWSER_MISMATCH
    assert (await world.reload(connection)).state is ConnectionState.PENDING_AUTHENTICATION
    assert world.token_calls() == []


async def test_a_browser_without_the_cookie_cannot_finish(world):
    address = await world.at_provider(await world.begin(await world.draft()))
    returned = await world.come_back(address, browser=None)
    assert returned.problem.code is ProblemCode.BROWSER_MISMATCH
    assert world.token_calls() == []


@pytest.mark.threat("O8")
async def test_a_return_address_works_once(world):
    connection = await world.draft()
    address = await world.at_provider(await world.begin(connection))
    await world.come_back(address)
    calls, before = len(world.token_calls()), await world.reload(connection)
    for _ in range(10):
        again = await world.come_back(address)
        assert again.problem.code is ProblemCode.AUTHORIZATION_REPLAYED
    assert len(world.token_calls()) == calls == 1
    assert await world.reload(connection) == before


@pytest.mark.threat("O2")
async def test_two_returns_at_once_ask_for_one_token(world):
    address = await world.at_provider(await world.begin(await world.draft()))
    results = await asyncio.gather(*(world.come_back(address) for _ in range(8)))
    assert (
        sum(r.authorization is not None and r.authorization.state is State.AUTHENTICATED for r in results)
        == 1
    )
    assert len(world.token_calls()) == 1


async def test_a_return_at_another_applications_address_is_refused(world):
    connection = await world.draft()
    address = await world.at_provider(await world.begin(connection))
    other = await world.begin(await world.draft("xero"))
    application = urlsplit(other.step.redirect_uri).path.rsplit("/", 1)[1]
    returned = await world.come_back(address, application=application)
    assert returned.problem.code is ProblemCode.AUTHORIZATION_REPLAYED
    assert world.token_calls() == []


async def test_ten_minutes_later_it_has_expired(world):
    connection = await world.draft()
    address = await world.at_provider(await world.begin(connection))
    world.clock.advance(601)
    returned = await world.come_back(address)
    assert returned.problem.code is ProblemCode.AUTHORIZATION_EXPIRED
    assert returned.authorization.state is State.EXPIRED
    assert world.token_calls() == []
    assert (await world.reload(connection)).problem.code is ProblemCode.AUTHORIZATION_EXPIRED


async def test_upkeep_expires_what_nobody_finished(world):
    authorization = await world.begin(await world.draft())
    world.clock.advance(601)
    assert await world.hub.browser.expire_due() == 1
    assert (await world.authorization(authorization.id)).state is State.EXPIRED


@pytest.mark.parametrize("mutation", ["state", "no-state", "two-states", "empty"])
async def test_a_tampered_return_is_refused_without_a_token_call(world, mutation):
    address = await world.at_provider(await world.begin(await world.draft()))
    path = urlsplit(address)._replace(query="").geturl()
    query = {
        "state": {"code": "x", "state": "not-the-state"},
        "no-state": {"code": "x"},
        "two-states": [("state", "a"), ("state", "b"), ("code", "x")],
        "empty": {"state": ""},
    }[mutation]
    returned = await world.come_back(f"{path}?{urlencode(query)}")
    assert returned.problem.code is ProblemCode.AUTHORIZATION_REPLAYED
    assert world.token_calls() == []


async def test_a_new_attempt_cancels_the_open_one(world):
    connection = await world.draft()
    first = await world.begin(connection)
    address = await world.at_provider(first)
    await world.begin(connection)
    assert (await world.authorization(first.id)).state is State.CANCELLED
    assert (await world.come_back(address)).problem.code is ProblemCode.AUTHORIZATION_REPLAYED


async def test_starting_again_in_another_browser_binds_that_one(world):
    authorization = await world.begin(await world.draft())
    await world.at_provider(authorization)
    address = await world.at_provider(authorization, browser=OTHER_BROWSER)
    assert (await world.come_back(address, browser=OTHER_BROWSER)).authorization.state is State.AUTHENTICATED


async def test_an_unknown_or_finished_authorization_cannot_be_started(world):
    authorization = await world.begin(await world.draft())
    await world.hub.authorizations.cancel(world.actor, authorization.id)
    for id_ in (authorization.id, "auth_00000000000000000000000000", "x", "conn_1", ""):
        started = await world.hub.browser.start(id_, Secret("b"))
        assert started.url is None
        assert started.problem.code is ProblemCode.AUTHORIZATION_REPLAYED


async def test_a_form_takes_credentials_once_and_tells_faults_per_field(world):
    connection = await world.draft("generic-http", {"baseUrl": "https://a.example.com", "testPath": "/ping"})
    authorization = await world.begin(connection, "basic")
    assert isinstance(authorization.step, CredentialFormStep)
    with pytest.raises(InvalidInputError) as caught:
        await world.hub.authorizations.submit_credentials(world.actor, authorization.id, {"username": 7})
    assert caught.value.problem.path[:1] == ("credentials",)
    assert (await world.authorization(authorization.id)).state is State.AWAITING_INPUT
    done = await world.hub.authorizations.submit_credentials(
        world.actor, authorization.id, dict(authorization.step.prefilled)
    )
    assert done.state is State.AUTHENTICATED
    with pytest.raises(NotAllowedNowError):
        await world.hub.authorizations.submit_credentials(
            world.actor, authorization.id, dict(authorization.step.prefilled)
        )


async def test_an_account_is_chosen_where_the_sign_in_gives_several(world):
    connection = await world.draft("xero")
    returned = await world.come_back(await world.at_provider(await world.begin(connection)))
    choice = returned.authorization
    assert choice.state is State.AWAITING_INPUT
    assert isinstance(choice.step, AccountChoiceStep)
    with pytest.raises(InvalidInputError):
        await world.hub.authorizations.choose_account(world.actor, choice.id, "no-such-account")
    chosen = choice.step.options[-1]
    done = await world.hub.authorizations.choose_account(world.actor, choice.id, chosen.id)
    assert done.state is State.AUTHENTICATED
    assert (await world.reload(connection)).auth.account_label == chosen.label


async def test_a_server_error_at_the_token_endpoint_is_no_rejection(world):
    connection = await world.draft()
    address = await world.at_provider(await world.begin(connection))

    async def down(request):
        return httpx.Response(503, json={"error": "temporarily_unavailable"})

    world.outside.instead = down
    returned = await world.come_back(address)
    assert returned.problem.code is ProblemCode.UPSTREAM_UNAVAILABLE
    assert (await world.reload(connection)).state is ConnectionState.PENDING_AUTHENTICATION


async def test_a_redirecting_token_endpoint_is_not_followed(world):
    address = await world.at_provider(await world.begin(await world.draft()))
    seen = []

    async def elsewhere(request):
        seen.append(str(request.url))
        return httpx.Response(307, headers={"Location": "https://evil.example.com/token"})

    world.outside.instead = elsewhere
    returned = await world.come_back(address)
    assert returned.problem.code is ProblemCode.TOKEN_RESPONSE_INVALID
    assert len(seen) == 1


async def test_a_rejected_client_is_the_applications_problem(world):
    connection = await world.draft("generic-oauth2", GENERIC)
    address = await world.at_provider(await world.begin(connection))

    async def refuse(request):
        return httpx.Response(401, json={"error": "invalid_client"})

    world.outside.instead = refuse
    returned = await world.come_back(address)
    assert returned.problem.code is ProblemCode.APPLICATION_REJECTED
    assert (await world.reload(connection)).state is ConnectionState.PENDING_AUTHENTICATION
    types = [event.type for event in await world.events()]
    assert EventType.APPLICATION_REJECTED in types


async def test_without_an_application_the_first_step_says_what_to_register(world):
    authorization = await world.begin(await world.draft(mode=Mode.LIVE))
    assert authorization.state is State.AWAITING_USER
    assert authorization.problem.code is ProblemCode.APPLICATION_MISSING
    step = authorization.step
    assert isinstance(step, ExternalActionStep)
    assert step.copy_values["Redirect URL"] == await world.hub.application_choice.redirect_uri_for(
        world.actor, "slack"
    )
    assert step.copy_values["Redirect URL"] in step.instructions


async def test_the_sign_in_goes_on_by_itself_once_the_application_is_saved(world):
    authorization = await world.begin(await world.draft(mode=Mode.LIVE))
    world.clock.advance(3)
    assert await world.due("authorization") == [authorization.id]
    await world.work()
    waiting = await world.authorization(authorization.id)
    assert (waiting.seq, waiting.state) == (authorization.seq, State.AWAITING_USER)
    await world.hub.applications.save(
        world.actor, integration="slack", client_id="my-client", client_secret=Secret(secret("my-secret-"))
    )
    world.clock.advance(3)
    await world.work()
    ready = await world.authorization(authorization.id)
    assert isinstance(ready.step, RedirectStep)
    started = await world.hub.browser.start(authorization.id, Secret("b" * 43))
    assert "client_id=my-client" in started.url


async def test_a_draft_cannot_be_authorized(world):
    connection = await world.draft("generic-http")
    assert connection.state is ConnectionState.DRAFT
    with pytest.raises(NotAllowedNowError) as caught:
        await world.begin(connection, "basic")
    assert caught.value.problem.code is ProblemCode.CONFIG_INCOMPLETE


async def test_unknown_methods_and_scopes_are_told_at_their_fields(world):
    connection = await world.draft()
    with pytest.raises(InvalidInputError) as caught:
        await world.begin(connection, "no-such-method")
    assert caught.value.problem.path == ("authMethod",)
    with pytest.raises(InvalidInputError) as caught:
        await world.begin(connection, scopes=["chat:write", "no:such"])
    assert caught.value.problem.path == ("scopes", "1")


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example.com/", "//evil.example.com", "/relative", "javascript:alert(1)", "data:text/html,x",
        "http://127.0.0.1:8000@evil.example.com/", "http://127.0.0.1:8000.evil.example.com/", "http:\\\\evil", "",
        "http://127.0.0.1:8000\\@evil.example.com", "http://127.0.0.1:8000\t.evil.com", "http://127.0.0.1:8001/",
        "https://127.0.0.1:8000/", "ftp://127.0.0.1:8000/", "http://127.0.0.1:8000\r\nLocation: https://evil",
        "http://[::1]:8000/", "http://127.1:8000/", "http://2130706433:8000/", "http:///evil", "http://evil。com/",
    ],
)  # fmt: skip
@pytest.mark.threat("O6")
async def test_a_flow_returns_only_to_allowed_origins(world, address):
    with pytest.raises(InvalidInputError) as caught:
        await world.begin(await world.draft(), return_to=address)
    assert caught.value.problem.path == ("returnTo",)


async def test_a_flow_may_return_to_the_hub_itself(world):
    authorization = await world.begin(await world.draft(), return_to="http://127.0.0.1:8000/graphiql?x=1")
    assert authorization.return_to == "http://127.0.0.1:8000/graphiql?x=1"


async def test_reauthorizing_uses_the_method_and_scopes_of_the_last_time(world):
    connection = await world.draft()
    scopes = connection_scopes(world, connection)
    begun = await world.begin(connection, scopes=scopes)
    await world.come_back(await world.at_provider(begun))
    again = await world.hub.authorizations.reauthorize(world.actor, connection.id)
    assert (again.auth_method, again.scopes) == ("oauth", begun.scopes)
    plain = await world.hub.authorizations.begin(world.actor, connection.id)
    assert plain.scopes != begun.scopes
    other = await world.hub.authorizations.reauthorize(world.actor, connection.id, scopes=[])
    assert other.scopes == plain.scopes


def connection_scopes(world, connection):
    """Return one scope more than those that are always asked for."""
    found = world.hub.catalog.definition(connection.integration, connection.version)
    scopes = found.auth_method("oauth").scopes
    return [next(scope.name for scope in scopes if not scope.required)]


async def test_beginning_twice_with_one_key_begins_once(world):
    connection = await world.draft()
    results = await asyncio.gather(*(world.begin(connection, idempotency_key="k1") for _ in range(5)))
    assert len({authorization.id for authorization in results}) == 1


@pytest.mark.threat("O12")
async def test_partial_consent_is_a_problem_that_names_the_missing_scopes(world):
    connection = await world.draft()
    authorization = await world.begin(connection, scopes=["chat:write", "channels:read", "users:read"])
    started = await world.hub.browser.start(authorization.id, BROWSER)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=world.outside.app)) as client:
        page = await client.get(started.url)
        answer = await client.post(
            str(page.url), data={"account": "1", "scope": ["chat:write"], "decision": "allow"}
        )
    returned = await world.come_back(answer.headers["location"])
    assert returned.authorization.state is State.AUTHENTICATED
    connection = await world.reload(connection)
    assert connection.problem.code is ProblemCode.PARTIAL_SCOPES
    assert set(world.hub.connections.missing_scopes(world.actor, connection)) == {
        "channels:read",
        "users:read",
    }


async def test_another_workspaces_authorization_is_not_there(world):
    from dataclasses import replace

    authorization = await world.begin(await world.draft())
    stranger = replace(world.actor, workspace_id="wks_other")
    for act in (
        world.hub.authorizations.cancel(stranger, authorization.id),
        world.hub.authorizations.submit_credentials(stranger, authorization.id, {}),
    ):
        with pytest.raises(NotFoundError):
            await act
    assert await world.hub.authorizations.many(stranger, [authorization.id]) == {}


async def test_nothing_sealed_for_an_attempt_is_left_when_it_is_over(world):
    from app.vault.models import SealedRecord

    authorization = await world.begin(await world.draft())
    assert await SealedRecord.filter(owner_row=authorization.id).count() == 1
    await world.come_back(await world.at_provider(authorization))
    assert await SealedRecord.filter(owner_row=authorization.id).count() == 0
