"""O10, O12, O16: what the token endpoint answers decides neither where secrets go nor what was granted."""

from __future__ import annotations

import httpx
import pytest

from tests.canary import secret
from tests.journeys.documents import VERBS
from tests.journeys.journey import Journey
from tests.journeys.plans import SALESFORCE
from tests.threats.scene import AUTH, PLAN, told

SALES = SALESFORCE.but(mode="LIVE")
GOOD = "https://acme.my.salesforce.com"
FOREIGN = [
    "http://169.254.169.254",
    "https://169.254.169.254/latest/meta-data",
    "http://metadata.google.internal",
    "https://[fd00:ec2::254]",
    "https://127.0.0.1",
    "https://evil.example",
    "https://evil.example/.my.salesforce.com",
    "https://my.salesforce.com.evil.example",
    "https://acme.my.salesforce.com@evil.example",
    "https://acme.my.salesforce.com\\@evil.example",
    "https://evil.example#acme.my.salesforce.com",
    "https://evil.example?acme.my.salesforce.com",
    "https://evilmy.salesforce.com.",
    "//evil.example",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "",
    None,
    {"url": GOOD},
    ["https://evil.example"],
]


AT_HOME = {"/services/oauth2/token", "/services/oauth2/introspect"}  # both at the configured host
REFUSALS = {"TOKEN_RESPONSE_INVALID", "EGRESS_BLOCKED", "ADDRESS_NOT_ALLOWED", "NOT_AUTHENTICATED"}


async def signed_in(scene, plan):
    """Sign in, whatever comes of it; return the journey and the last page."""
    async with scene.browser() as browser:
        journey = await scene.journey(plan)
        return journey, await browser.open(journey.authorization["step"]["launchUrl"])


def hosts_asked(scene):
    return {request.url.host for request in scene.provider.asked}


@pytest.mark.threat("O10")
async def test_o10_an_answer_that_names_a_foreign_base_address_is_no_connection(scene):
    said = {}
    for url in FOREIGN:
        scene.provider.told = {"instance_url": url}
        journey, page = await signed_in(scene, SALES)
        said[str(url)] = told(page)
        assert (await journey.state())[0] == "PENDING_AUTHENTICATION"

    assert set(said.values()) <= REFUSALS, said
    assert hosts_asked(scene) == {"acme.my.salesforce.com"}
    assert {request.url.path for request in scene.provider.asked} == AT_HOME


@pytest.mark.threat("O10")
async def test_o10_a_renewal_that_names_a_foreign_base_address_changes_nothing(scene):
    scene.provider.told = {"instance_url": GOOD, "id": f"{GOOD}/id/1/2"}
    journey, page = await signed_in(scene, SALES)
    assert page.status_code == 200
    scene.provider.told = {"instance_url": "https://evil.example"}

    codes = await scene.client.refused("refreshCredentials", connectionId=journey.id)

    assert codes == ["TOKEN_RESPONSE_INVALID"]
    await journey.test()
    await scene.hub.dispatcher.drain()
    assert scene.provider.asked[-1].url.host == "acme.my.salesforce.com"
    assert hosts_asked(scene) == {"acme.my.salesforce.com"}


@pytest.mark.threat("O10")
@pytest.mark.parametrize(
    "host", ["169.254.169.254", "127.0.0.1", "[::1]", "10.0.0.1", "100.100.100.200", "2130706433"]
)
async def test_o10_a_token_endpoint_inside_the_network_gets_neither_code_nor_secret(scene, host):
    plan = PLAN.but(config=PLAN.config | {"tokenUrl": f"https://{host}/token"})
    async with scene.browser() as browser:
        journey = Journey(scene.client, plan)
        await journey.create()
        codes = await refusal_of(scene, journey)
        if codes is None:
            await scene.register(plan.integration, f"https://{host}")
            await journey.begin()
            page = await browser.open(journey.authorization["step"]["launchUrl"])
            codes = [told(page)]

    assert codes == ["EGRESS_BLOCKED"] or set(codes) <= {
        "ADDRESS_NOT_ALLOWED",
        "PATTERN_MISMATCH",
        "INVALID_FIELD",
    }
    assert scene.provider.asked == []


async def refusal_of(scene, journey):
    """Configure; return why that was refused, or None."""
    given = {"connectionId": journey.id, "config": journey.config}
    payload = (await scene.client.ask(VERBS["updateConnectionConfig"], input=given))["updateConnectionConfig"]
    return [fault["code"] for fault in payload["userErrors"]] or None


@pytest.mark.threat("O12")
async def test_o12_partial_consent_is_told_with_what_is_missing(scene):
    scene.provider.scope = "read"
    journey, page = await signed_in(scene, PLAN)

    connection = await journey.now()
    assert page.status_code == 200
    assert "write" in page.text
    problem = connection["status"]["problem"]
    assert (connection["status"]["state"], problem["code"]) == ("AUTHENTICATED", "PARTIAL_SCOPES")
    assert "write" in problem["message"]
    assert connection["auth"]["requestedScopes"] == ["read", "write"]
    assert connection["auth"]["grantedScopes"] == ["read"]
    assert connection["auth"]["missingScopes"] == ["write"]


@pytest.mark.threat("O12")
@pytest.mark.parametrize(
    ("granted", "missing"),
    [
        ("write read", []),
        ("read write admin", []),
        ("read,write", []),
        ("READ WRITE", []),
        ("reading writer", ["read", "write"]),
    ],
)
async def test_o12_scopes_are_compared_as_a_set_of_words(scene, granted, missing):
    scene.provider.scope = granted
    journey, _ = await signed_in(scene, PLAN)
    assert (await journey.now())["auth"]["missingScopes"] == missing


@pytest.mark.threat("O12")
async def test_o12_a_renewal_that_grants_less_is_told_too(scene):
    journey, _ = await signed_in(scene, PLAN)
    scene.provider.told = {"scope": "read"}

    await scene.client.verb("refreshCredentials", connectionId=journey.id)

    assert (await journey.now())["auth"]["missingScopes"] == ["write"]


@pytest.mark.threat("O16")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_o16_a_redirected_token_call_is_not_followed(scene, status):
    evil = {"Location": "https://evil.example/token"}
    scene.provider.instead[f"{AUTH}/token"] = lambda request: httpx.Response(status, headers=evil)
    journey, page = await signed_in(scene, PLAN)

    assert told(page) == "TOKEN_RESPONSE_INVALID"
    assert scene.provider.asked_of("evil.example") == []
    assert [str(request.url) for request in scene.provider.asked] == [f"https://{AUTH}/token"]
    assert (await journey.state())[0] == "PENDING_AUTHENTICATION"


@pytest.mark.threat("O16")
@pytest.mark.parametrize("status", [307, 308])
async def test_o16_a_redirect_to_the_same_host_is_not_followed_either(scene, status):
    again = {"Location": f"https://{AUTH}/token2"}
    scene.provider.instead["/token"] = lambda request: httpx.Response(status, headers=again)
    _, page = await signed_in(scene, PLAN)

    assert told(page) == "TOKEN_RESPONSE_INVALID"
    assert len(scene.provider.asked) == 1


@pytest.mark.threat("O16")
@pytest.mark.parametrize("status", [307, 308])
async def test_o16_no_redirect_of_a_renewal_or_a_revocation_is_followed(scene, status):
    journey, _ = await signed_in(scene, PLAN)
    evil = {"Location": "https://evil.example/"}
    for path in ("/token", "/revoke"):
        scene.provider.instead[path] = lambda request: httpx.Response(status, headers=evil)

    codes = await scene.client.refused("refreshCredentials", connectionId=journey.id)
    await scene.client.verb("disconnect", connectionId=journey.id)
    await scene.revoke_due()

    assert codes == ["TOKEN_RESPONSE_INVALID"]
    assert {request.url.path for request in scene.provider.asked} == {"/token", "/revoke"}
    assert hosts_asked(scene) == {AUTH}


@pytest.mark.threat("O16")
async def test_o16_a_redirect_that_carries_a_token_is_no_answer(scene):
    body = {"access_token": secret("access-"), "token_type": "Bearer"}
    scene.provider.instead["/token"] = lambda request: httpx.Response(307, json=body)
    journey, page = await signed_in(scene, PLAN)

    assert told(page) == "TOKEN_RESPONSE_INVALID"
    assert (await journey.state())[0] == "PENDING_AUTHENTICATION"
