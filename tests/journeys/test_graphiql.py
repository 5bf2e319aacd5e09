"""The example tabs of GraphiQL, played in a real browser one after the other, lead from the catalog to CONNECTED."""

from __future__ import annotations

import pytest

from tests.api.graphiql.driver import Explorer
from tests.api.graphiql.test_examples import JOURNEY
from tests.browser import chromium
from tests.journeys.hub_process import EMBEDDED, fresh_hub

pytestmark = pytest.mark.browser

NAMES = [name for _, name in JOURNEY]


@pytest.fixture
def hub(tmp_path):
    """Return a running hub of the embedded arrangement, where GraphiQL and the sandbox are on by themselves."""
    with fresh_hub(EMBEDDED, tmp_path) as hub:
        hub.start()
        yield hub
        assert hub.terminate() == [0]


@pytest.fixture
def sign_in_link(hub):
    made = hub.command("sign-in")
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


async def play(explorer: Explorer, name: str, part: str) -> dict:
    await explorer.open_tab(NAMES.index(name))
    await explorer.play()
    return (await explorer.answer(part))["data"]


async def test_example_tabs_lead_to_connected_without_copying_an_id(hub, sign_in_link):
    async with chromium() as browser, browser.session() as person:
        graphiql = Explorer(await person.open(sign_in_link))
        await graphiql.ready()

        found = await play(graphiql, "Search", "Slack")
        assert "slack" in [each["key"] for each in found["integrations"]["nodes"]]
        created = (await play(graphiql, "Create", "conn_"))["createConnection"]
        assert created["userErrors"] == []
        begun = (await play(graphiql, "SignIn", "auth_"))["beginAuthorization"]
        assert begun["userErrors"] == []

        await play(graphiql, "FollowSignIn", "AWAITING_USER")
        consent = await person.open(begun["authorization"]["step"]["launchUrl"])
        await consent.click("button[value=allow]")
        followed = await graphiql.answer('"AUTHENTICATED"')
        assert followed["data"]["authState"]["problem"] is None
        await graphiql.ended()

        assert (await play(graphiql, "Test", "run_"))["testConnection"]["userErrors"] == []
        tested = await play(graphiql, "FollowTest", '"isFinal": true')
        assert tested["testProgress"]["testRun"]["verdict"] == "PASSED"
        await graphiql.ended()
        activated = (await play(graphiql, "Activate", "since"))["activateConnection"]
        assert activated["userErrors"] == []
        assert activated["connection"]["status"]["state"] == "CONNECTED"

        listed = await play(graphiql, "Connections", "nodes")
        assert listed["connections"]["nodes"][0]["status"]["state"] == "CONNECTED"
        assert listed["connection"]["id"] == created["connection"]["id"]
        faults = (await play(graphiql, "UserErrors", "remediation"))["createConnection"]
        assert {"name", "integration"} <= {error["path"][0] for error in faults["userErrors"]}
        events = (await play(graphiql, "Events", "occurredAt"))["events"]["events"]
        assert "CONNECTION_CREATED" in {event["type"] for event in events}

        for page in (graphiql.page, consent):
            assert page.violations == []
            assert page.faults == []
            assert page.requests_outside(hub.address) == []


async def test_after_a_reload_the_connection_is_picked_up_by_its_name(sign_in_link):
    async with chromium() as browser, browser.session() as person:
        graphiql = Explorer(await person.open(sign_in_link))
        await graphiql.ready()
        await play(graphiql, "Create", "conn_")
        await graphiql.page.goto(await graphiql.page.evaluate("location.href"))
        await graphiql.ready()

        again = (await play(graphiql, "Create", "userErrors"))["createConnection"]
        assert [(error["code"], error["path"]) for error in again["userErrors"]] == [("NAME_TAKEN", ["name"])]
        await play(graphiql, "Connections", "asOf")
        begun = (await play(graphiql, "SignIn", "auth_"))["beginAuthorization"]
        assert begun["userErrors"] == []
