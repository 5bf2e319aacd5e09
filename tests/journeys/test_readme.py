"""README's journey, pasted block by block, goes to CONNECTED."""

from __future__ import annotations

import re

import pytest

from tests.fakes.browser import Browser
from tests.journeys.client import Client, Json
from tests.journeys.hub_process import ROOT

README = ROOT / "README.md"
BLOCK = re.compile(r"^<!-- journey: (\w+) -->\n```graphql\n(.*?)^```$", re.MULTILINE | re.DOTALL)
STEPS = ["catalog", "create", "follow", "begin", "test", "activate"]


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
    async with client.follow(blocks["follow"], connectionId=id_) as states:
        authorization = done(await client.ask(blocks["begin"], connectionId=id_))["authorization"]
        async with Browser() as browser:
            await browser.press(await browser.open(authorization["step"]["launchUrl"]), "allow")
        told = [
            data["authState"]["state"]
            for data in await states.until(lambda data: data["authState"]["state"] == "AUTHENTICATED")
        ]
    assert told[-2:] == ["EXCHANGING", "AUTHENTICATED"]
    assert done(await client.ask(blocks["test"], connectionId=id_))["testRun"]["verdict"] == "PASSED"

    connection = done(await client.ask(blocks["activate"], connectionId=id_))["connection"]

    assert connection["status"]["state"] == "CONNECTED"
