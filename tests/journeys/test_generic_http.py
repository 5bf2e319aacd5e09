"""generic-http connects by basic authentication to a real server from Debian's packages: Prometheus."""

from __future__ import annotations

import pytest

from tests.canary import secret
from tests.fakes.prometheus import Prometheus
from tests.journeys.client import Client
from tests.journeys.journey import Journey
from tests.journeys.plans import GENERIC_HTTP

pytestmark = pytest.mark.service


@pytest.fixture
def journey(client: Client, prometheus: Prometheus) -> Journey:
    return Journey(
        client,
        GENERIC_HTTP.but(mode="LIVE", config=prometheus.config, credentials=prometheus.credentials),
    )


async def test_the_right_password_connects(journey: Journey):
    connection = await journey.to_connected()

    assert connection["auth"]["method"] == "basic"
    run = (await journey.now())["lastTestRun"]
    assert [step["state"] for step in run["steps"]] == [
        "SKIPPED" if step["kind"] == "TLS" else "PASSED" for step in run["steps"]
    ]


async def test_a_wrong_password_is_refused_with_its_own_problem(journey: Journey, prometheus: Prometheus):
    journey.plan = journey.plan.but(credentials=prometheus.credentials | {"password": secret("a-wrong-one-")})
    await journey.create()
    await journey.configure()
    await journey.authorize()

    run = await journey.tested()

    assert (run["verdict"], run["problem"]["code"]) == ("FAILED", "CREDENTIALS_REJECTED")
    assert run["problem"]["providerStatus"] == 401
    assert await journey.state() == ("AUTHENTICATION_ERROR", "CREDENTIALS_REJECTED")
    assert await journey.client.refused("activateConnection", connectionId=journey.id) == ["NOT_ALLOWED_NOW"]
    assert "a-wrong-one" not in str(run)


async def test_a_changed_password_turns_connected_into_authentication_error_and_back_when_put_right(
    journey: Journey, prometheus: Prometheus
):
    await journey.to_connected()
    first = prometheus.password

    changed = secret("changed-by-somebody-")
    prometheus.set_password(changed)
    run = await journey.tested()
    assert (run["verdict"], run["problem"]["code"]) == ("FAILED", "CREDENTIALS_REJECTED")
    assert await journey.state() == ("AUTHENTICATION_ERROR", "CREDENTIALS_REJECTED")

    journey.plan = journey.plan.but(credentials=prometheus.credentials)
    await journey.authorize()
    assert await journey.state() == ("CONNECTED", None)
    assert (await journey.tested())["verdict"] == "PASSED"

    prometheus.set_password(first)
    assert (await journey.tested())["verdict"] == "FAILED"
    prometheus.set_password(changed)
    assert (await journey.tested())["verdict"] == "PASSED"
    assert await journey.state() == ("CONNECTED", None)


async def test_a_server_that_is_away_is_an_outage_and_passes_by_itself(
    journey: Journey, prometheus: Prometheus
):
    journey.plan = journey.plan.but(config=prometheus.config | {"baseUrl": "http://127.0.0.1:9"})
    await journey.create()
    await journey.configure()
    await journey.authorize()

    run = await journey.tested()

    assert (run["verdict"], run["problem"]["code"]) == ("FAILED", "UPSTREAM_UNREACHABLE")
    assert [step["kind"] for step in run["steps"] if step["state"] == "FAILED"] == ["CONNECT"]
    assert (await journey.state())[0] == "AUTHENTICATED"
