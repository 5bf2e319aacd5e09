"""README's journey, pasted block by block, goes to CONNECTED, breaks, and is mended."""

from __future__ import annotations

import json
import re

import pytest

from tests.fakes.browser import Browser
from tests.journeys.client import Client, Json
from tests.journeys.hub_process import ROOT

README = ROOT / "README.md"
BLOCK = re.compile(r"^<!-- journey: (\w+) -->\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
STEPS = ["catalog", "create", "follow", "begin", "test", "activate", "withdraw", "mend", "story"]


@pytest.fixture(scope="module")
def blocks() -> dict[str, str]:
    """Return README's marked blocks by their names, in order."""
    return dict(BLOCK.findall(README.read_text()))


def done(data: Json) -> Json:
    """Return the one payload of an answer, which must hold no problem."""
    (payload,) = data.values()
    assert payload["userErrors"] == [], payload
    return payload


def test_readme_has_every_step_of_the_journey_in_order(blocks: dict[str, str]):
    assert list(blocks) == STEPS


async def test_the_pasted_journey_goes_to_connected(client: Client, blocks: dict[str, str]):
    catalog = await client.ask(blocks["catalog"])
    assert catalog["integrations"]["nodes"][0]["key"] == "slack"

    id_ = done(await client.ask(blocks["create"]))["connection"]["id"]
    assert (await signed_in(client, blocks, "begin", id_))[-2:] == ["EXCHANGING", "AUTHENTICATED"]
    assert done(await client.ask(blocks["test"], connectionId=id_))["testRun"]["verdict"] == "PASSED"

    connection = done(await client.ask(blocks["activate"], connectionId=id_))["connection"]

    assert connection["status"]["state"] == "CONNECTED"

    await post(client, blocks["withdraw"])
    failed = done(await client.ask(blocks["test"], connectionId=id_))["testRun"]
    assert failed["verdict"] == "FAILED"
    status = await status_in(client, blocks["story"])
    assert status["state"] != "CONNECTED"
    assert status["problem"]["remediation"]

    await signed_in(client, blocks, "mend", id_)
    assert done(await client.ask(blocks["test"], connectionId=id_))["testRun"]["verdict"] == "PASSED"
    assert (await status_in(client, blocks["story"]))["state"] == "CONNECTED"


async def signed_in(client: Client, blocks: dict[str, str], block: str, id_: str) -> list[str]:
    """Begin an authorization by a block, allow it in a browser; return the states that the subscription delivers."""
    async with client.follow(blocks["follow"], connectionId=id_) as states:
        authorization = done(await client.ask(blocks[block], connectionId=id_))["authorization"]
        async with Browser() as browser:
            await browser.press(await browser.open(authorization["step"]["launchUrl"]), "allow")
        found = await states.until(lambda data: data["authState"]["state"] == "AUTHENTICATED")
        return [data["authState"]["state"] for data in found]


async def post(client: Client, command: str) -> None:
    """Send what a block's curl command sends, to this hub."""
    url, body = re.search(r"curl http://127\.0\.0\.1:8000(\S+) .* -d '(.*)'", command).groups()
    answer = await client.http.post(f"{client.address}{url}", json=json.loads(body))
    assert answer.status_code == 200, answer.text


async def status_in(client: Client, story: str) -> Json:
    """Return the status of the journey's connection in the story's list."""
    found = (await client.ask(story))["connections"]["nodes"]
    (status,) = [connection["status"] for connection in found if connection["name"] == "Team Slack"]
    return status
