"""O3, O4, O5: a code goes only to the server that gave it, and only with the proof of the browser that asked for it."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from app.catalog.definition import GrantType
from tests.hubs import CATALOG
from tests.journeys.plans import Plan
from tests.threats.provider import CLIENT_ID, Code
from tests.threats.scene import PLAN, RETURN, changed, param, told

ISSUER = "https://accounts.google.com"
EVIL = "https://evil.example"
WITH_ISSUER = Plan("issuer", "main", mode="LIVE")
UNRESERVED = re.compile(r"[A-Za-z0-9\-._~]{43,128}")  # RFC 7636 4.1


@pytest.mark.threat("O3")
@pytest.mark.parametrize("iss", [EVIL, f"{ISSUER}/", "https://accounts.google.com.evil.example", "", None])
async def test_o03_a_return_with_another_issuer_is_refused_before_the_exchange(scene, iss):
    async with scene.browser() as browser:
        journey = await scene.journey(WITH_ISSUER)
        address = await scene.returning(browser, journey)
        page = await browser.open(changed(address, iss=iss))

    assert told(page) == "ISSUER_MISMATCH"
    await scene.nothing_happened(journey)


@pytest.mark.threat("O3")
async def test_o03_the_right_issuer_is_let_through(scene):
    scene.provider.extras = lambda returned: {"iss": ISSUER}
    async with scene.browser() as browser:
        journey = await scene.journey(WITH_ISSUER)
        page = await browser.open(journey.authorization["step"]["launchUrl"])

    assert page.status_code == 200
    assert len(scene.provider.token_calls) == 1


@pytest.mark.threat("O3")
async def test_o03_an_error_of_another_issuer_is_not_believed(scene):
    async with scene.browser() as browser:
        journey = await scene.journey(WITH_ISSUER)
        address = await scene.returning(browser, journey)
        page = await browser.open(changed(address, code=None, error="access_denied", iss=EVIL))

    assert told(page) == "ISSUER_MISMATCH"
    await scene.nothing_happened(journey)


@pytest.mark.threat("O3")
async def test_o03_a_return_at_another_provider_s_path_is_refused_before_the_exchange(scene):
    async with scene.browser() as browser:
        journey, other = await scene.journey(), await scene.journey(WITH_ISSUER)
        address = await scene.returning(browser, journey)
        elsewhere = urlsplit(await scene.returning(browser, other)).path
        page = await browser.open(urlsplit(address)._replace(path=elsewhere).geturl())

    assert urlsplit(address).path != elsewhere
    assert told(page) == "AUTHORIZATION_REPLAYED"
    await scene.nothing_happened(journey)
    await scene.nothing_happened(other)


@pytest.mark.threat("O3")
async def test_o03_every_integration_has_its_own_return_path(scene):
    integrations = [entry.key for entry in CATALOG.all() if any(a.oauth2 for a in entry.latest.auth)]
    paths = {(await scene.register(integration))["redirectUri"] for integration in integrations}
    assert len(integrations) >= 5
    assert len(paths) == len(integrations)


@pytest.mark.threat("O4")
async def test_o04_the_provider_finds_the_verifier_of_the_challenge(scene):
    async with scene.browser() as browser:
        journey = await scene.journey()
        await browser.open(journey.authorization["step"]["launchUrl"])

    asked, (called,) = scene.provider.authorizations[0], scene.provider.token_calls
    assert asked["code_challenge_method"] == "S256"
    assert UNRESERVED.fullmatch(called["code_verifier"])
    assert called["code_verifier"] not in asked.values()
    assert scene.provider.refused == []
    assert await journey.state() == ("AUTHENTICATED", None)


@pytest.mark.threat("O4")
async def test_o04_with_a_wrong_verifier_the_flow_fails(scene):
    async with scene.browser() as browser:
        journey = await scene.journey()
        address = await scene.returning(browser, journey)
        code = param(address, "code")
        given = scene.provider.codes[code]
        scene.provider.codes[code] = Code(given.redirect_uri, "x" * 43, given.scope)
        page = await browser.open(address)

    assert scene.provider.refused == ["invalid_grant"]
    assert page.status_code == 400
    assert (await journey.state())[0] == "PENDING_AUTHENTICATION"


@pytest.mark.threat("O4")
async def test_o04_a_code_of_another_sign_in_that_is_injected_gets_no_token(scene):
    async with scene.browser() as victim, scene.browser() as attacker:
        stolen_from, journey = await scene.journey(), await scene.journey()
        stolen = param(await scene.returning(victim, stolen_from), "code")
        page = await attacker.open(changed(await scene.returning(attacker, journey), code=stolen))

    assert page.status_code == 400
    assert scene.provider.refused == ["invalid_grant"]
    assert (await journey.state())[0] == "PENDING_AUTHENTICATION"


@pytest.mark.threat("O4")
async def test_o04_every_verifier_is_new_fits_the_rfc_and_lies_nowhere_in_the_clear(scene, tmp_path):
    async with scene.browser() as browser:
        for _ in range(5):
            journey = await scene.journey()
            await browser.open(journey.authorization["step"]["launchUrl"])
    verifiers = {called["code_verifier"] for called in scene.provider.token_calls}

    assert len(verifiers) == 5
    assert all(UNRESERVED.fullmatch(verifier) for verifier in verifiers)
    for file in tmp_path.rglob("*"):
        data = file.read_bytes() if file.is_file() else b""
        assert not any(verifier.encode() in data for verifier in verifiers), file


CODE_FLOWS = [
    pytest.param(definition.integration, method, id=f"{definition.integration}/{method.id}")
    for entry in CATALOG.all()
    for definition in [entry.latest]
    for method in definition.auth
    if method.oauth2 and method.oauth2.grant is GrantType.AUTHORIZATION_CODE
]
OURS = {
    "response_type": "code",
    "client_id": CLIENT_ID,
    "redirect_uri": "(the application's)",
    "state": "(256 bits)",
}
S256 = {"code_challenge": "(of the verifier)", "code_challenge_method": "S256"}
# Where the start door sends a browser, for the scopes that an integration requires.
SNAPSHOT = {
    "generic-oauth2/oauth": ("https://auth.example.com/authorize", OURS | S256 | {"scope": "read write"}),
    "github/oauth": ("https://github.com/login/oauth/authorize", OURS | S256 | {"scope": "read:user"}),
    "salesforce/oauth": (
        "https://acme.my.salesforce.com/services/oauth2/authorize",
        OURS | S256 | {"scope": "api refresh_token openid"},
    ),
    "slack/oauth": ("https://slack.com/oauth/v2/authorize", OURS | {"scope": "chat:write,channels:read"}),
    "slack/oauth-user": (
        "https://slack.com/oauth/v2/authorize",
        OURS | {"user_scope": "chat:write,channels:read"},
    ),
    "xero/oauth": (
        "https://login.xero.com/identity/connect/authorize",
        OURS | S256 | {"scope": "offline_access accounting.settings.read"},
    ),
}
NEW_EACH_TIME = {"redirect_uri", "state", "code_challenge"}
CONFIG = {
    "generic-oauth2": PLAN.config,
    "salesforce": {"loginHost": "acme.my.salesforce.com", "apiVersion": "v62.0"},
}


async def authorization_url(scene, integration, method):
    plan = Plan(
        integration,
        method.id,
        CONFIG.get(integration, {}),
        mode="LIVE",
        needs_config=integration == "generic-oauth2",
    )
    journey = await scene.journey(plan)
    async with scene.browser() as browser:
        await browser.open(journey.authorization["step"]["launchUrl"], stop_before="https://")
        return browser.visited[-1], journey.authorization["step"]


@pytest.mark.threat("O5")
@pytest.mark.parametrize(("integration", "method"), CODE_FLOWS)
async def test_o05_the_authorization_address_is_the_one_that_was_reviewed(scene, integration, method):
    address, step = await authorization_url(scene, integration, method)

    parts = urlsplit(address)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    found = dict(pairs)
    assert len(found) == len(pairs), "a parameter stands there twice"
    assert found["redirect_uri"] == step["redirectUri"]
    assert UNRESERVED.fullmatch(found["state"])
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}|", found.get("code_challenge", ""))
    place, reviewed = SNAPSHOT[f"{integration}/{method.id}"]
    assert parts._replace(query="").geturl() == place
    new_each_time = {name: reviewed[name] for name in found.keys() & NEW_EACH_TIME & reviewed.keys()}
    assert found | new_each_time == reviewed


@pytest.mark.threat("O5")
def test_o05_the_challenge_is_there_unless_the_definition_says_why_not():
    flows = {
        f"{integration}/{method.id}": method for integration, method in (flow.values for flow in CODE_FLOWS)
    }
    assert flows.keys() == SNAPSHOT.keys()
    for name, method in flows.items():
        has_challenge = SNAPSHOT[name][1].items() >= S256.items()
        assert has_challenge if method.oauth2.pkce else method.oauth2.pkce_reason and not has_challenge, name


@pytest.mark.threat("O5")
async def test_o05_a_stripped_challenge_is_not_forgiven(scene):
    async with scene.browser() as browser:
        journey = await scene.journey()
        await browser.open(journey.authorization["step"]["launchUrl"], stop_before=RETURN)
        for code, given in list(scene.provider.codes.items()):  # as if the challenge had not come through
            scene.provider.codes[code] = Code(given.redirect_uri, None, given.scope)
        page = await browser.open(browser.visited[-1])

    # The hub remembers that it sent one, and sends the verifier all the same: RFC 9700 4.8.2 has the server refuse it.
    assert "code_verifier" in scene.provider.token_calls[0]
    assert scene.provider.refused == ["invalid_grant"]
    assert page.status_code == 400
