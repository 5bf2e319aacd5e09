"""Whatever is sent, the sandbox answers without a 5xx, within bounds, and reflects nothing as markup."""

from __future__ import annotations

import asyncio
import json
import random
from urllib.parse import quote

import httpx
import pytest

from app.foundation.bounded_json import MAX_DEPTH
from app.foundation.clock import FrozenClock, SystemClock
from app.sandbox.inbound import MAX_BODY_BYTES, MAX_QUERY_BYTES
from app.sandbox.state import MemoryState
from tests.sandbox.acme import FakeCatalog, acme, acme_oauth
from tests.sandbox.outside import VERIFIER, basic, mounted, outside
from tests.sandbox.server import serving
from tests.sandbox.shipped import CATALOG
from tests.sandbox.ways import AWS, DEVICE, OAUTH1, ways

SEED = 20261120
URLS = [
    "/sandbox/",
    "/sandbox/_switches/acme",
    "/sandbox/acme/login.acme.example/authorize",
    "/sandbox/acme/login.acme.example/token",
    "/sandbox/acme/login.acme.example/revoke",
    "/sandbox/acme/login.acme.example/introspect",
    "/sandbox/acme/login.acme.example/session",
    "/sandbox/acme/api.acme.example/v1/me",
    "/sandbox/acme/api.acme.example/v1/orders",
    "/sandbox/acme/api.acme.example/v1/orders/1",
    "/sandbox/acme@1.0.0/api.acme.example/bot12:right/v1/me",
    "/sandbox/generic-oauth2/login.example.com/authorize",
    "/sandbox/generic-oauth2/api.example.com:8443/v1/orders",
    "/sandbox/generic-http/api.example.com/v1/orders",
    "/sandbox/telegram/api.telegram.org/bot123:x/sendMessage",
    "/sandbox/slack/slack.com/api/chat.postMessage",
    "/sandbox/slack/slack.com/api/oauth.v2.access",
    "/sandbox/ways/login.ways.example/device",
    "/sandbox/ways/login.ways.example/token",
    "/sandbox/ways/login.ways.example/oauth/request_token",
    "/sandbox/ways/login.ways.example/oauth/authorize",
    "/sandbox/ways/login.ways.example/oauth/access_token",
    "/sandbox/ways/api.ways.example/me",
]
VERBS = [*["GET", "POST"] * 4, "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "BREW"]
RIGHT = [
    {"Authorization": basic("ada@acme.example/token", "right-pass")},
    {"Authorization": "Bearer xoxb-sandbox-0000"},
    {"Authorization": "Bearer sandbox-bearer-token"},
    {"Cookie": "sid=right-session"},
    {"X-App": "app-1", "X-Secret": "Key sec-1"},
    {
        "Authorization": 'OAuth oauth_consumer_key="sandbox-client", oauth_signature="AAAA", '
        'oauth_signature_method="HMAC-SHA1", oauth_timestamp="1", oauth_nonce="n", oauth_callback="x"'
    },
    {
        "Authorization": "AWS4-HMAC-SHA256 Credential=SANDBOXKEY/20260101/eu-central-1/execute-api/aws4_request, "
        f"SignedHeaders=host;x-amz-date, Signature={'0' * 64}",
        "X-Amz-Date": "20260101T000000Z",
    },
]
NASTY = [
    "",
    "\x00",
    "%00",
    "%ff%fe",
    "\u202e\ufeff",
    "😀" * 50,
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "a" * 5_000,
    "../../../etc/passwd",
    "%2e%2e%2f",
    "\r\nSet-Cookie: a=b",
    "{{7*7}}${7*7}",
    "' OR 1=1 --",
    "9" * 400,
    "-1",
    "1e400",
    "NaN",
    "null",
    "[" * 100,
    '{"a":' * 50,
    "sbx1.AAAA." + "A" * 43,
    "Basic Og==",
    "Basic " + "A" * 5_000,
    "Bearer \t",
    "a[b][c][d][e][f][g][h][i][j]=1",
    "a[]=1&a=2&a[b]=3",
    "=&=&&==",
    "%",
    "%zz",
]
NAMES = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "grant_type",
    "code",
    "code_verifier",
    "refresh_token",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "assertion",
    "token",
    "api_key",
    "product",
    "quantity",
    "expand",
    "account",
    "decision",
    "times",
    "delaySeconds",
    "answers",
    "login",
    "pass",
    "user_code",
    "device_code",
    "oauth_consumer_key",
    "oauth_signature_method",
    "oauth_signature",
    "oauth_timestamp",
    "oauth_nonce",
    "oauth_token",
    "oauth_verifier",
    "oauth_callback",
]
GOOD = {
    "response_type": "code",
    "client_id": "sandbox-client",
    "redirect_uri": "http://127.0.0.1:9/r",
    "code_challenge_method": "S256",
    "grant_type": "authorization_code",
    "client_secret": "sandbox-secret",
    "decision": "allow",
    "product": "A-1",
    "oauth_consumer_key": "sandbox-client",
    "oauth_signature_method": "HMAC-SHA1",
    "oauth_timestamp": str(int(FrozenClock().now().timestamp())),
}
TYPES = [
    None,
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain",
    "application/json; charset=utf-16",
    "\x7f",
    "application/xml",
]


@pytest.fixture
async def driver():
    clock = FrozenClock()
    others = [CATALOG.definition(key) for key in ("generic-oauth2", "generic-http", "telegram", "slack")]
    made = outside(FakeCatalog(acme(), ways(DEVICE, OAUTH1, AWS), *others), clock)
    async with made.http:
        yield made


def _value(chance: random.Random) -> str:
    return chance.choice(NASTY)


def _fields(chance: random.Random) -> dict[str, str]:
    chosen = chance.sample(NAMES, chance.randint(0, 8))
    return {
        name: GOOD.get(name, _value(chance)) if chance.random() < 0.7 else _value(chance) for name in chosen
    }


def _body(chance: random.Random) -> bytes:
    kind = chance.randint(0, 4)
    if kind == 0:
        return json.dumps(_fields(chance)).encode(errors="replace")
    if kind == 1:
        return httpx.QueryParams(_fields(chance)).__str__().encode()
    if kind == 2:
        return bytes(chance.randrange(256) for _ in range(chance.randint(0, 200)))
    return chance.choice(NASTY).encode(errors="replace")


async def test_thousands_of_malformed_requests_get_no_5xx(driver):
    chance = random.Random(SEED)
    for number in range(3_000):
        url = chance.choice(URLS)
        if chance.random() < 0.1:
            url += "/" + quote(chance.choice(NASTY)[:300], safe=chance.choice(["", "%/?&=[]"]))
        headers = {}
        content_type = chance.choice(TYPES)
        if content_type:
            headers["Content-Type"] = content_type
        if chance.random() < 0.5:
            headers["Authorization"] = (
                chance.choice(NASTY).encode("ascii", "ignore").decode().translate(_BARE)
            )
        if chance.random() < 0.5:
            headers |= chance.choice(RIGHT)
        elif chance.random() < 0.2:
            headers["Cookie"] = chance.choice(NASTY).encode("ascii", "ignore").decode().translate(_BARE)
        answer = await driver.http.request(
            chance.choice(VERBS),
            url,
            params=_fields(chance),
            content=_body(chance),
            headers=headers,
        )
        if "_switches" in url:
            await driver.switches.clear("acme")
        assert answer.status_code < 500, (number, SEED, answer.request, answer.text)
        _assert_harmless(answer)


_BARE = dict.fromkeys(map(ord, "\r\n\x00"))


def _assert_harmless(answer):
    assert answer.headers.get("x-content-type-options") == "nosniff" or answer.status_code in {303, 405, 404}
    if answer.headers.get("content-type", "").startswith("text/html"):
        assert "<script" not in answer.text
        assert "<img" not in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    location = answer.headers.get("location", "http://127.0.0.1:9/r")
    assert location.startswith("http://127.0.0.1:9/r")


@pytest.mark.parametrize("value", NASTY)
async def test_a_state_of_any_kind_comes_back_as_it_was(driver, value):
    returned = await driver.consent(state=value)
    assert returned.get("state", "") == value


@pytest.mark.parametrize("value", NASTY)
async def test_no_value_breaks_out_of_the_pages(driver, value):
    driver_any = outside(FakeCatalog(acme_oauth({"scopesFromConfig": "scopes"})), driver.clock)
    async with driver_any.http:
        shown = await driver_any.ask(scope=value, state=value)
    assert shown.status_code in {200, 303}
    assert "<script" not in shown.text
    assert "<img" not in shown.text


async def test_bodies_and_queries_are_accepted_up_to_their_limits_only(driver):
    url = "/sandbox/acme/api.acme.example/v1/orders"
    headers = {"Content-Type": "application/octet-stream", "Cookie": "sid=right-session"}
    largest = await driver.http.post(url, content=b"x" * MAX_BODY_BYTES, headers=headers)
    assert largest.status_code == 400
    larger = await driver.http.post(url, content=b"x" * (MAX_BODY_BYTES + 1), headers=headers)
    assert larger.status_code == 413
    longest = await driver.http.get(f"/sandbox/acme/api.acme.example/v1/me?a={'x' * (MAX_QUERY_BYTES - 2)}")
    assert longest.status_code == 401
    longer = await driver.http.get(f"/sandbox/acme/api.acme.example/v1/me?a={'x' * (MAX_QUERY_BYTES - 1)}")
    assert longer.status_code == 414


async def test_depth_and_number_of_fields_are_bounded(driver):
    url = "/sandbox/acme/api.acme.example/v1/orders?api_key=right-key"
    as_json = {"Content-Type": "application/json"}
    deepest = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert (await driver.http.put(url, content=deepest, headers=as_json)).status_code == 204
    deeper = "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)
    assert (await driver.http.put(url, content=deeper, headers=as_json)).json()["error"] == "malformed_body"
    abyss = "[" * 100_000 + "]" * 100_000
    assert (await driver.http.put(url, content=abyss, headers=as_json)).json()["error"] == "malformed_body"
    many = "&".join(f"a{number}=1" for number in range(1_001))
    as_form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await driver.http.post(url, content=many, headers=as_form)).json()["error"] == "too_many_fields"


@pytest.mark.parametrize("content", [b"", b"{", b'{"a":NaN}', b'"\\ud800"', b"\xff", b'{"a":1}x', b"nul"])
async def test_what_is_not_json_is_told(driver, content):
    url = "/sandbox/acme/api.acme.example/v1/orders?api_key=right-key"
    answer = await driver.http.post(url, content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "header",
    [
        "Basic " + "A" * 100,
        basic("a" * 20_000, "b"),
        basic("sandbox-client", "sandbox-secret") + "=",
        "Basic",
        "basic c2FuZGJveC1jbGllbnQ",
        "Digest x",
        "Bearer sbx1..",
    ],
)
async def test_odd_proofs_of_the_application_are_refused(driver, header):
    form = {"grant_type": "refresh_token", "refresh_token": "x", "code_verifier": VERIFIER}
    url = "https://login.acme.example/token"
    answer = await driver.send("POST", url, data=form, headers={"Authorization": header})
    assert answer.json()["error"] == "invalid_client"


async def test_a_websocket_is_refused(driver):
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "websocket.connect"}

    scope = {
        "type": "websocket",
        "path": "/sandbox/acme/api.acme.example/v1/me",
        "raw_path": b"/sandbox/acme/api.acme.example/v1/me",
        "root_path": "",
        "query_string": b"",
        "headers": [],
        "subprotocols": [],
    }
    await driver.http._transport.app(scope, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1008}]


async def test_a_caller_that_goes_away_in_the_middle_is_let_go(driver):
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "http.disconnect"}

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/sandbox/acme/api.acme.example/v1/orders",
        "raw_path": b"/sandbox/acme/api.acme.example/v1/orders",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"content-length", b"10")],
    }
    await driver.http._transport.app(scope, receive, send)
    assert sent == []


async def test_over_a_socket_raw_bytes_get_no_5xx_and_the_server_lives():
    app = mounted(FakeCatalog(acme()), SystemClock(), MemoryState(SystemClock()))
    chance = random.Random(SEED)
    async with serving(app) as origin:
        host, port = origin.removeprefix("http://").split(":")
        for _ in range(200):
            path = bytes(
                chance.choice(b"abc/%?&=@:[]{}<>\\^`|~.;\xff\xc3") for _ in range(chance.randint(0, 60))
            )
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(b"GET /sandbox/acme/" + path + b" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            answer = await reader.read(65_536)
            assert not answer.startswith(b"HTTP/1.1 5"), path
            writer.close()
            await writer.wait_closed()
        async with httpx.AsyncClient(base_url=origin) as http:
            assert (await http.get("/sandbox/")).status_code == 200


async def test_over_a_socket_a_dropped_connection_breaks_off():
    clock, catalog = SystemClock(), FakeCatalog(acme())
    state = MemoryState(clock)
    driver = outside(catalog, clock, state)
    async with driver.http, serving(mounted(catalog, clock, state)) as origin:
        await driver.switch(dropConnection=True, times=1)
        async with httpx.AsyncClient(base_url=origin) as http:
            url = "/sandbox/acme/api.acme.example/v1/me?api_key=right-key"
            with pytest.raises(httpx.RemoteProtocolError):
                await http.get(url)
            assert (await http.get(url)).status_code == 200


async def test_over_a_socket_the_token_endpoint_can_do_its_work_and_then_break_off():
    clock, catalog = SystemClock(), FakeCatalog(acme())
    state = MemoryState(clock)
    driver = outside(catalog, clock, state)
    async with driver.http, serving(mounted(catalog, clock, state)) as origin:
        body = await driver.signed_in()
        await driver.switch(dropTokenAnswer=True, times=1)
        form = {"grant_type": "refresh_token", "refresh_token": body["refresh_token"], **driver.client}
        async with httpx.AsyncClient(base_url=origin) as http:
            url = "/sandbox/acme/login.acme.example/token"
            with pytest.raises(httpx.RemoteProtocolError):
                await http.post(url, data=form)
            again = await http.post(url, data=form)
        assert again.json()["error"] == "invalid_grant"
