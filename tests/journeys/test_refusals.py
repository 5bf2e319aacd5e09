"""What goes wrong in an authorization: the connection keeps its state, and a problem says what to do."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest

from tests.canary import secret
from tests.fakes.browser import Browser
from tests.journeys import documents
from tests.journeys.client import Client
from tests.journeys.clocks import let_expire
from tests.journeys.hub_process import HubProcess
from tests.journeys.journey import Journey
from tests.journeys.plans import GENERIC_HTTP, SLACK, STRIPE, TELEGRAM, Plan

WAITING = "PENDING_AUTHENTICATION"
RETURN = "/oauth/return/"


async def waiting(client: Client, plan: Plan = SLACK) -> Journey:
    """Return a journey whose connection waits for its first authorization."""
    journey = Journey(client, plan)
    await journey.create()
    await journey.configure()
    return journey


async def at_return_address(browser: Browser, journey: Journey) -> str:
    """Press Allow, and return the address that the provider sends the browser back to, not opened yet."""
    page = await browser.open(journey.authorization["step"]["launchUrl"])
    await browser.press(page, "allow", stop_before=RETURN)
    return browser.visited[-1]


def told(page: httpx.Response) -> str:
    """Return the code of the problem that a page explains."""
    assert page.status_code == 400, page.text
    found = re.search(r"/docs/problems/([A-Z_]+)", page.text)
    assert found, page.text
    return found.group(1)


async def problem_of(journey: Journey) -> dict:
    """Return the connection's problem, which must say what to do and where that is explained."""
    problem = (await journey.now())["status"]["problem"]
    assert problem["remediation"], problem
    page = await journey.client.http.get(problem["docsUrl"], headers={"accept": "text/html"})
    assert page.status_code == 200
    return problem


async def test_denied_consent_leaves_the_connection_waiting_and_it_can_try_again(client: Client):
    journey = await waiting(client)

    states = await journey.authorize("deny")

    assert [state["state"] for state in states] == ["CREATED", "AWAITING_USER", "EXCHANGING", "FAILED"]
    assert states[-1]["problem"]["code"] == "CONSENT_DENIED"
    assert await journey.state() == (WAITING, "CONSENT_DENIED")
    assert (await problem_of(journey))["remediation"][0]["kind"] == "RECONNECT"

    again = await journey.authorize()
    assert again[-1]["state"] == "AUTHENTICATED"
    assert await journey.state() == ("AUTHENTICATED", None)


async def test_a_denied_second_sign_in_leaves_a_connected_connection_connected(client: Client):
    journey = Journey(client, SLACK)
    await journey.to_connected()

    await journey.authorize("deny")

    assert (await journey.state())[0] == "CONNECTED"
    assert (await journey.tested())["verdict"] == "PASSED"
    assert await journey.state() == ("CONNECTED", None)


@pytest.mark.parametrize(
    ("plan", "wrong"),
    [
        (GENERIC_HTTP, {"username": "ada", "password": secret("not-the-password-")}),
        (STRIPE, {"key": secret("sk_test_")}),
        (TELEGRAM, {"token": secret("200000:not-the-token-of-anybody-")}),
    ],
    ids=lambda value: getattr(value, "integration", None),
)
async def test_wrong_credentials_fail_the_test_with_their_own_problem_and_can_be_put_right(
    client: Client, plan: Plan, wrong: dict[str, str]
):
    journey = await waiting(client, plan.but(credentials=wrong))
    await journey.authorize()

    run = await journey.tested()

    assert (run["verdict"], run["problem"]["code"]) == ("FAILED", "CREDENTIALS_REJECTED")
    assert [step["kind"] for step in run["steps"] if step["state"] == "FAILED"] == ["RESPONSE"]
    assert run["problem"]["remediation"]
    assert await journey.state() == ("AUTHENTICATION_ERROR", "CREDENTIALS_REJECTED")
    assert await client.refused("activateConnection", connectionId=journey.id) == ["NOT_ALLOWED_NOW"]

    journey.plan = plan
    await journey.authorize()
    assert (await journey.tested())["verdict"] == "PASSED"
    assert (await journey.activate())["status"]["state"] == "CONNECTED"


async def test_credentials_that_do_not_fit_the_form_are_told_per_field_and_nothing_is_lost(client: Client):
    journey = await waiting(client, STRIPE)
    await journey.begin()

    payload = (
        await client.ask(
            documents.VERBS["submitCredentials"],
            input={
                "authorizationId": journey.authorization["id"],
                "credentials": {"key": secret("pk_live_wrong_")},
            },
        )
    )["submitCredentials"]

    assert [(p["code"], p["path"]) for p in payload["userErrors"]] == [
        ("PATTERN_MISMATCH", ["credentials", "key"])
    ]
    assert "pk_live_wrong" not in str(payload)
    assert (await journey.authorization_now())["state"] == "AWAITING_INPUT"
    await journey.answer()
    assert await journey.state() == ("AUTHENTICATED", None)


async def test_an_authorization_that_took_too_long_is_refused_at_the_start_door(
    client: Client, hub: HubProcess
):
    journey = await waiting(client)
    await journey.begin()
    await let_expire(hub, journey.authorization["id"])

    async with Browser() as browser:
        page = await browser.open(journey.authorization["step"]["launchUrl"])

    assert told(page) == "AUTHORIZATION_EXPIRED"
    assert (await journey.authorization_now())["state"] == "EXPIRED"
    assert await journey.state() == (WAITING, "AUTHORIZATION_EXPIRED")


async def test_an_authorization_that_took_too_long_is_refused_at_the_return_door(
    client: Client, hub: HubProcess
):
    journey = await waiting(client)
    await journey.begin()

    async with Browser() as browser:
        address = await at_return_address(browser, journey)
        await let_expire(hub, journey.authorization["id"])
        page = await browser.open(address)

    assert told(page) == "AUTHORIZATION_EXPIRED"
    assert (await journey.authorization_now())["state"] == "EXPIRED"
    assert await journey.state() == (WAITING, "AUTHORIZATION_EXPIRED")


async def test_a_form_that_took_too_long_is_not_taken(client: Client, hub: HubProcess):
    journey = await waiting(client, STRIPE)
    step = (await journey.begin())["step"]
    await let_expire(hub, journey.authorization["id"])

    codes = await client.refused(
        "submitCredentials", authorizationId=journey.authorization["id"], credentials=step["prefilled"]
    )

    assert codes == ["AUTHORIZATION_EXPIRED"]
    assert (await journey.state())[0] == WAITING


async def test_a_return_address_works_once(client: Client):
    journey = await waiting(client)
    await journey.begin()

    async with Browser() as browser:
        address = await at_return_address(browser, journey)
        first = await browser.open(address)
        again = await browser.open(address)

    assert first.status_code == 200
    assert told(again) == "AUTHORIZATION_REPLAYED"
    assert await journey.state() == ("AUTHENTICATED", None)
    sealed = [event for event in await journey.events() if event["type"] == "CREDENTIALS_SEALED"]
    assert len(sealed) == 1


async def test_a_used_launch_address_starts_nothing(client: Client):
    journey = await waiting(client)
    await journey.authorize()

    async with Browser() as browser:
        page = await browser.open(f"{client.address}/oauth/start/{journey.authorization['id']}")

    assert told(page) == "AUTHORIZATION_REPLAYED"
    assert await journey.state() == ("AUTHENTICATED", None)


@pytest.mark.parametrize("has_other_cookie", [False, True], ids=["without a cookie", "with another cookie"])
async def test_another_browser_cannot_finish_what_this_one_began(client: Client, has_other_cookie: bool):
    journey, other = await waiting(client), await waiting(client)
    await journey.begin()
    await other.begin()

    async with Browser() as mine, Browser() as stranger:
        address = await at_return_address(mine, journey)
        if has_other_cookie:
            await stranger.open(other.authorization["step"]["launchUrl"])
        page = await stranger.open(address)
        late = await mine.open(address)

    assert told(page) == "BROWSER_MISMATCH"
    assert told(late) == "AUTHORIZATION_REPLAYED"
    assert (await journey.authorization_now())["state"] == "FAILED"
    assert await journey.state() == (WAITING, "BROWSER_MISMATCH")


@pytest.mark.parametrize("tamper", ["state", "application"])
async def test_a_return_address_with_a_foreign_state_or_application_touches_nothing(
    client: Client, tamper: str
):
    journey = await waiting(client)
    await journey.begin()

    async with Browser() as browser:
        address = await at_return_address(browser, journey)
        parts = urlsplit(address)
        forged = (
            parts._replace(query=re.sub(r"state=[^&]+", "state=forged", parts.query))
            if tamper == "state"
            else parts._replace(path=f"{RETURN}app_00000000000000000000000000")
        )
        page = await browser.open(urlunsplit(forged))
        assert told(page) == "AUTHORIZATION_REPLAYED"
        assert (await journey.authorization_now())["state"] == "AWAITING_USER"
        finished = await browser.open(address)

    assert finished.status_code == 200
    assert await journey.state() == ("AUTHENTICATED", None)


async def test_a_cancelled_authorization_cannot_be_finished(client: Client):
    journey = await waiting(client)
    await journey.begin()

    async with Browser() as browser:
        address = await at_return_address(browser, journey)
        await client.verb("cancelAuthorization", authorizationId=journey.authorization["id"])
        page = await browser.open(address)

    assert told(page) == "AUTHORIZATION_REPLAYED"
    assert (await journey.authorization_now())["state"] == "CANCELLED"
    assert await journey.state() == (WAITING, "AUTHORIZATION_CANCELLED")


async def test_a_newer_authorization_ends_the_older_one(client: Client):
    journey = await waiting(client)
    older = await journey.begin()

    async with Browser() as browser:
        address = await at_return_address(browser, journey)
        await journey.begin()
        page = await browser.open(address)

    assert told(page) == "AUTHORIZATION_REPLAYED"
    data = await client.ask(documents.AUTHORIZATION, id=older["id"])
    assert data["authorization"]["state"] == "CANCELLED"
    await journey.answer()
    assert await journey.state() == ("AUTHENTICATED", None)


async def test_an_untested_connection_is_not_activated(client: Client):
    journey = await waiting(client)
    await journey.authorize()

    assert await client.refused("activateConnection", connectionId=journey.id) == ["TEST_NOT_PASSED"]
    assert await journey.state() == ("AUTHENTICATED", None)


async def test_a_name_is_taken_whatever_its_case_and_free_again_after_a_delete(client: Client):
    journey = await waiting(client)
    asked = {"integration": "stripe", "mode": "SANDBOX", "name": journey.name.upper()}

    assert await client.refused("createConnection", **asked) == ["NAME_TAKEN"]
    await client.verb("deleteConnection", connectionId=journey.id)

    await client.verb("createConnection", **asked)
