"""generic-oauth2 against a standard OAuth server that we did not write: the whole journey, renewal included."""

from __future__ import annotations

import asyncio

import pytest

from tests.canary import secret
from tests.fakes.oauth_server import Client as RegisteredClient
from tests.fakes.oauth_server import OAuthServer
from tests.journeys import documents
from tests.journeys.client import Client
from tests.journeys.journey import Journey, state_of
from tests.journeys.plans import Plan

pytestmark = pytest.mark.node
PLAN = Plan(
    "generic-oauth2",
    "oauth",
    mode="LIVE",
    states=("CREATED", "AWAITING_USER", "EXCHANGING", "AUTHENTICATED"),
    needs_config=True,
)
WAYS = {"basic": "client_secret_basic", "post": "client_secret_post"}


async def register(client: Client, server: OAuthServer, way: str = "basic") -> RegisteredClient:
    """Register the hub at the server as an administrator does: client id there, redirect address here, and back."""
    registered = server.register(WAYS[way])
    saved = await client.verb(
        "saveApplication",
        integration="generic-oauth2",
        clientId=registered.id,
        clientSecret=registered.secret,
        origins=[server.config["tokenUrl"]],
    )
    registered.redirect_to(saved["application"]["redirectUri"])
    return registered


@pytest.fixture
async def journey(client: Client, oauth_server: OAuthServer):
    """Return a journey to the server, where the hub is registered as an application."""
    await register(client, oauth_server)
    return Journey(client, PLAN.but(config=oauth_server.config))


async def renewals(journey: Journey) -> int:
    return sum(event["type"] == "CREDENTIALS_RENEWED" for event in await journey.events())


@pytest.mark.parametrize("way", WAYS)
async def test_the_whole_journey_goes_through_a_server_that_we_did_not_write(
    client: Client, oauth_server: OAuthServer, journey: Journey, way: str
):
    await register(client, oauth_server, way)
    journey.plan = PLAN.but(config=oauth_server.config | {"clientAuthentication": way})

    await journey.create()
    await journey.configure()
    states = await journey.authorize()
    assert tuple(state["state"] for state in states) == PLAN.states
    run = await journey.tested()
    assert run["verdict"] == "PASSED", run
    connection = await journey.activate()

    assert state_of(connection) == ("CONNECTED", None)
    auth = connection["auth"]
    assert set(auth["grantedScopes"]) == {"openid", "profile", "offline_access"}
    assert (auth["missingScopes"], auth["canRenew"]) == ([], True)
    figures = oauth_server.figures()
    assert (figures["codesExchanged"], figures["refused"], figures["reused"]) == (1, 0, 0)
    assert figures["userinfo"] == 2  # the test and its control call


async def test_denied_at_the_server_leaves_the_connection_waiting_without_any_token_call(
    oauth_server: OAuthServer, journey: Journey
):
    await journey.create()
    await journey.configure()

    states = await journey.authorize("deny")

    assert states[-1]["problem"]["code"] == "CONSENT_DENIED"
    assert await journey.state() == ("PENDING_AUTHENTICATION", "CONSENT_DENIED")
    assert oauth_server.figures()["tokenCalls"] == 0


async def test_refresh_by_hand_renews_and_the_test_still_passes(oauth_server: OAuthServer, journey: Journey):
    before = await journey.to_connected()

    payload = await journey.client.verb("refreshCredentials", connectionId=journey.id)

    after = payload["connection"]["auth"]
    assert after["refreshedAt"] > before["auth"]["refreshedAt"]
    assert after["expiresAt"] > before["auth"]["expiresAt"]
    assert (await journey.tested())["verdict"] == "PASSED"
    figures = oauth_server.figures()
    assert (figures["refreshed"], figures["reused"], figures["refused"]) == (1, 0, 0)


async def test_many_refreshes_at_once_are_one_call_to_the_server(oauth_server: OAuthServer, journey: Journey):
    await journey.to_connected()

    await asyncio.gather(
        *(journey.client.verb("refreshCredentials", connectionId=journey.id) for _ in range(10))
    )

    figures = oauth_server.figures()
    assert figures["reused"] == 0
    assert figures["refreshed"] == await renewals(journey)
    assert figures["refreshed"] < 10
    assert (await journey.tested())["verdict"] == "PASSED"


async def test_short_lived_tokens_are_renewed_in_the_background_again_and_again(
    oauth_server: OAuthServer, journey: Journey
):
    oauth_server.tokens_last(access_s=2)
    await journey.to_connected()
    only = {"connectionIds": [journey.id], "types": ["CREDENTIALS_RENEWED"]}
    start = (await journey.events())[-1]["cursor"]

    async with journey.client.follow(documents.FOLLOW_EVENTS, after=start, filter=only) as stream:
        seen: list[str] = []
        while len(seen) < 3:
            seen += [event["id"] for event in (await stream.next())["events"].get("events", ())]
    assert (await journey.tested())["verdict"] == "PASSED"

    assert await journey.state() == ("CONNECTED", None)
    figures = oauth_server.figures()
    assert figures["refreshed"] >= 3
    assert (figures["reused"], figures["refused"]) == (0, 0)


async def test_an_outage_of_the_token_endpoint_is_not_taken_for_a_dead_grant(
    oauth_server: OAuthServer, journey: Journey
):
    await journey.to_connected()
    oauth_server.answer_tokens_with(503)

    codes = await journey.client.refused("refreshCredentials", connectionId=journey.id)

    assert codes == ["UPSTREAM_UNAVAILABLE"]
    assert (await journey.state())[0] in {"CONNECTED", "DEGRADED"}
    oauth_server.answer_tokens_with(None)
    await journey.client.verb("refreshCredentials", connectionId=journey.id)
    assert (await journey.tested())["verdict"] == "PASSED"
    assert await journey.state() == ("CONNECTED", None)


async def test_access_taken_away_at_the_server_needs_a_person_who_brings_it_back(
    oauth_server: OAuthServer, journey: Journey
):
    await journey.to_connected()
    oauth_server.forget_grants()

    codes = await journey.client.refused("refreshCredentials", connectionId=journey.id)

    assert codes == ["REAUTHENTICATION_REQUIRED"]
    assert await journey.state() == ("AUTHENTICATION_ERROR", "REAUTHENTICATION_REQUIRED")
    assert oauth_server.figures()["reused"] == 0

    await journey.authorize()
    assert await journey.state() == ("CONNECTED", None)
    assert (await journey.tested())["verdict"] == "PASSED"


async def test_a_wrong_client_secret_is_the_applications_fault_not_the_connections(
    client: Client, oauth_server: OAuthServer, journey: Journey
):
    await journey.create()
    await journey.configure()
    await client.verb(
        "saveApplication",
        integration="generic-oauth2",
        clientId=(await register(client, oauth_server)).id,
        clientSecret=secret("not the secret "),
        origins=[oauth_server.config["tokenUrl"]],
    )

    states = await journey.authorize()

    assert states[-1]["problem"]["code"] == "APPLICATION_REJECTED"
    assert await journey.state() == ("PENDING_AUTHENTICATION", "APPLICATION_REJECTED")
    await register(client, oauth_server)
    assert (await journey.authorize())[-1]["state"] == "AUTHENTICATED"
