"""The device code flow (RFC 8628): codes are given out, entered, decided on once, and polled with patience."""

from __future__ import annotations

import re

import httpx
import pytest

from app.sandbox.device_codes import INTERVAL_S, LIFETIME_S
from tests.sandbox.acme import FakeCatalog
from tests.sandbox.outside import basic, mounted, ticked_scopes
from tests.sandbox.server import serving
from tests.sandbox.ways import DEVICE, SESSION, but, ways

PLACE = "https://login.ways.example/device"
TOKEN = "https://login.ways.example/token"
GRANT = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture
def device(sandbox_of):
    return sandbox_of(ways(DEVICE), integration="ways")


async def begin(device, **fields):
    return await device.send("POST", PLACE, data={**device.client, "scope": "read write", **fields})


async def begun(device):
    answer = await begin(device)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def poll(device, code, **fields):
    form = {**device.client, "grant_type": GRANT, "device_code": code["device_code"], **fields}
    return await device.send("POST", TOKEN, data=form)


async def decide(device, code, decision="allow", scopes=("read", "write"), **fields):
    form = {"user_code": code["user_code"], "decision": decision, "scope": list(scopes), **fields}
    return await device.http.post(code["verification_uri"], data=form)


async def test_codes_are_given_out_with_the_address_of_the_page(device):
    answer = await begin(device)
    code = answer.json()
    assert re.fullmatch(r"[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}", code["user_code"])
    assert code["verification_uri"] == "http://sandbox.test/sandbox/ways/login.ways.example/device"
    assert code["verification_uri_complete"] == f"{code['verification_uri']}?user_code={code['user_code']}"
    assert (code["expires_in"], code["interval"]) == (LIFETIME_S, INTERVAL_S)
    assert answer.headers["cache-control"] == "no-store"


async def test_a_person_enters_the_code_and_the_next_poll_brings_tokens(device):
    code = await begun(device)
    assert (await poll(device, code)).json()["error"] == "authorization_pending"

    entry = await device.http.get(code["verification_uri"])
    assert 'name="user_code"' in entry.text
    assert "Allow" not in entry.text
    typed = code["user_code"].replace("-", " ").lower()
    question = await device.http.get(code["verification_uri"], params={"user_code": typed})
    assert ticked_scopes(question.text) == ["read", "write"]
    decided = await decide(device, code, scopes=["read"], account="2")
    assert decided.status_code == 200
    assert "Allowed" in decided.text

    answer = await poll(device, code)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["scope"], body["user"]["id"]) == ("read", "u-2")
    assert body["refresh_token"]
    called = await device.send(
        "GET", "https://api.ways.example/me", headers={"Authorization": f"Bearer {body['access_token']}"}
    )
    assert called.status_code == 200


async def test_a_device_code_brings_tokens_once_and_a_second_use_revokes_them(device):
    code = await begun(device)
    await decide(device, code)
    token = (await poll(device, code)).json()["access_token"]
    assert (await poll(device, code)).json()["error"] == "invalid_grant"
    called = await device.send(
        "GET", "https://api.ways.example/me", headers={"Authorization": f"Bearer {token}"}
    )
    assert called.status_code == 401


async def test_polling_too_often_is_told_and_makes_the_interval_longer(device):
    code = await begun(device)
    said = []
    for wait_s in (0, INTERVAL_S, INTERVAL_S - 1, INTERVAL_S, 2 * INTERVAL_S + 5):
        device.clock.advance(wait_s)
        said.append((await poll(device, code)).json()["error"])
    assert said == [
        "authorization_pending",
        "authorization_pending",
        "slow_down",
        "slow_down",
        "authorization_pending",
    ]


async def test_a_refusal_is_told_as_access_denied_and_cannot_be_taken_back(device):
    code = await begun(device)
    assert "Not allowed" in (await decide(device, code, "deny")).text
    assert (await decide(device, code, "allow")).status_code == 404
    assert (await poll(device, code)).json()["error"] == "access_denied"


@pytest.mark.parametrize("by_hand", [False, True])
async def test_an_expired_code_is_told_as_such_and_is_known_to_nobody_any_more(device, by_hand):
    code = await begun(device)
    if by_hand:
        await device.switch(expireTokens=True)
    else:
        device.clock.advance(LIFETIME_S)
    assert (await poll(device, code)).json()["error"] == "expired_token"
    assert (await decide(device, code)).status_code == 404


async def test_revoked_grants_include_codes_that_wait(device):
    code = await begun(device)
    await device.switch(revokeGrants=True)
    assert (await poll(device, code)).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("fields", "error", "status"),
    [
        ({"client_id": "somebody"}, "invalid_client", 401),
        ({"client_secret": "wrong"}, "invalid_client", 401),
        ({"scope": "admin"}, "invalid_scope", 400),
        ({"scope": " ".join(f"s{n}" for n in range(500))}, "invalid_scope", 400),
    ],
)
async def test_codes_are_given_to_the_known_application_for_known_scopes_only(device, fields, error, status):
    answer = await begin(device, **fields)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


async def test_a_public_application_needs_no_secret(sandbox_of):
    device = sandbox_of(ways(but(DEVICE, clientAuth="none")), integration="ways")
    device.client = {"client_id": "sandbox-client"}
    code = await begun(device)
    await decide(device, code)
    assert (await poll(device, code)).status_code == 200


@pytest.mark.parametrize("device_code", ["", "x", "sbx1.AAAA." + "A" * 43, "\x00", "é" * 5_000])
async def test_what_is_no_device_code_is_refused(device, device_code):
    answer = await poll(device, {"device_code": device_code})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_a_code_of_another_system_or_another_kind_brings_nothing(sandbox_of):
    device = sandbox_of(ways(DEVICE), ways(DEVICE, integration="other"), integration="ways")
    code = await begun(device)
    await decide(device, code)
    device.integration = "other"
    assert (await poll(device, code)).json()["error"] == "invalid_grant"
    device.integration = "ways"
    refresh = (await poll(device, code)).json()["refresh_token"]
    assert (await poll(device, {"device_code": refresh})).json()["error"] == "invalid_grant"


async def test_the_switches_of_the_token_endpoint_hold_here_too(device):
    await device.switch(tokenEndpointDown=True, times=1)
    assert (await begin(device)).status_code == 503
    assert (await begin(device)).status_code == 200


@pytest.mark.parametrize("typed", ["BCDF-GHJK", "<script>alert(1)</script>", "é\x00", "B" * 5_000, " "])
async def test_a_wrong_code_is_asked_for_again_and_reflected_as_text_only(device, typed):
    for answer in (
        await device.send("GET", PLACE, params={"user_code": typed}),
        await device.send("POST", PLACE, data={"user_code": typed, "decision": "allow"}),
    ):
        assert answer.status_code == 404
        assert "<script>" not in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert len(answer.text) < 10_000


@pytest.mark.parametrize("host", ["", "a b", 'evil"><script>', "[::1", "é", "a" * 300])
async def test_an_unusable_host_name_is_not_repeated(device, host):
    answer = await device.send("POST", PLACE, data=device.client, headers={"Host": host.encode()})
    assert answer.json()["verification_uri"] == PLACE


@pytest.mark.parametrize("verb", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_verbs_are_refused(device, verb):
    assert (await device.send(verb, PLACE)).status_code == 405


async def test_a_repeated_parameter_is_refused(device):
    content = "client_id=sandbox-client&client_secret=sandbox-secret&scope=read&scope=write"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await device.send("POST", PLACE, content=content, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_an_address_that_is_configuration_is_known_by_what_it_is_asked(sandbox_of):
    config = {
        "type": "object",
        "properties": {
            name: {"type": "string", "title": name, "examples": [url]}
            for name, url in (("deviceUrl", PLACE), ("tokenUrl", TOKEN))
        },
    }
    method = but(DEVICE, deviceUrl="{+config.deviceUrl}", tokenUrl="{+config.tokenUrl}")
    device = sandbox_of(ways(method, SESSION, config=config), integration="ways")
    code = await begun(device)
    question = await device.http.get(code["verification_uri_complete"])
    assert "Allow" in question.text
    await decide(device, code)
    assert (await poll(device, code)).status_code == 200


async def test_the_application_may_prove_itself_by_basic_too(device):
    device.client = {}
    headers = {"Authorization": basic("sandbox-client", "sandbox-secret")}
    assert (await device.send("POST", PLACE, data={"scope": "read"}, headers=headers)).status_code == 200


async def test_over_a_socket_the_page_is_where_the_application_was_told(clock):
    catalog = FakeCatalog(ways(DEVICE))
    async with serving(mounted(catalog, clock)) as origin, httpx.AsyncClient(base_url=origin) as http:
        form = {"client_id": "sandbox-client", "client_secret": "sandbox-secret", "scope": "read"}
        code = (await http.post("/sandbox/ways%401.0.0/login.ways.example/device", data=form)).json()
        assert code["verification_uri"] == f"{origin}/sandbox/ways%401.0.0/login.ways.example/device"
        question = await http.get(code["verification_uri_complete"])
        assert code["user_code"] in question.text
        decided = await http.post(
            code["verification_uri"],
            data={"user_code": code["user_code"], "decision": "allow", "scope": "read"},
        )
        assert "Allowed" in decided.text
