"""B12: in-house APIs as they are, reached by ``generic-http``: every place of a key, login, signature, verb."""

from __future__ import annotations

import json
from base64 import b64encode
from urllib.parse import parse_qs

import pytest

from app.connection_tests.steps import Verdict
from app.connections.snapshot import ConnectionState
from app.credentials.snapshot import Mode
from tests.foundation.servers import reply, serving

KEY = "the key/with=signs"


def found(asked) -> dict:
    """Return what a request holds, in the words of the rows below."""
    path, _, query = asked.target.partition("?")
    names = ("x-api-key", "authorization", "cookie", "depth", "content-type", "x-api-version")
    return {
        "method": asked.method,
        "path": path,
        "query": {name: values[0] for name, values in parse_qs(query).items()},
        "body": asked.body.decode(),
        **{name: asked.header(name) for name in names},
    }


def coded(pair: str) -> str:
    return f"Basic {b64encode(pair.encode()).decode()}"


# How a person connects, and what the server wants to see.
WAYS = {
    "key in a header": ("api-key", {"key": KEY}, {}, {"x-api-key": KEY}),
    "key in the query": (
        "api-key-query",
        {"name": "apikey", "key": KEY},
        {},
        {"query": {"apikey": KEY}},
    ),
    "key in a cookie": ("api-key-cookie", {"name": "sid", "key": "abc"}, {}, {"cookie": "sid=abc"}),
    "key in the path": ("api-key-path", {"key": "bot1:abc"}, {}, {"path": "/bot1:abc/v1/status"}),
    "bearer": ("bearer", {"token": "abc"}, {}, {"authorization": "Bearer abc"}),
    "basic": ("basic", {"username": "ada", "password": "pw"}, {}, {"authorization": coded("ada:pw")}),
    "basic without a user name": (
        "basic",
        {"username": "", "password": "pw"},
        {},
        {"authorization": coded(":pw")},
    ),
    "basic without a password": (
        "basic",
        {"username": "key", "password": ""},
        {},
        {"authorization": coded("key:")},
    ),
    "PROPFIND": (
        "bearer",
        {"token": "abc"},
        {
            "testMethod": "PROPFIND",
            "testHeaders": "Depth: 0\nContent-Type: application/xml",
            "testBody": '<propfind xmlns="DAV:"><allprop/></propfind>',
        },
        {
            "method": "PROPFIND",
            "authorization": "Bearer abc",
            "depth": "0",
            "content-type": "application/xml",
            "body": '<propfind xmlns="DAV:"><allprop/></propfind>',
        },
    ),
    "POST": (
        "bearer",
        {"token": "abc"},
        {"testMethod": "POST", "testBody": '{"q": "Größe"}'},
        {
            "method": "POST",
            "authorization": "Bearer abc",
            "content-type": "application/json",
            "body": '{"q": "Größe"}',
        },
    ),
    "HEAD": (
        "bearer",
        {"token": "abc"},
        {"testMethod": "HEAD"},
        {"method": "HEAD", "authorization": "Bearer abc"},
    ),
    "fixed headers and query": (
        "api-key-query",
        {"name": "key", "key": "abc"},
        {"headers": "X-Api-Version: 2\r\n", "query": "format=json\nfields=a,b", "testPath": "/status?deep=1"},
        {
            "x-api-version": "2",
            "query": {"format": "json", "fields": "a,b", "deep": "1", "key": "abc"},
        },
    ),
}


async def connect(live, server, method, credentials, config=None):
    base = {"baseUrl": f"http://127.0.0.1:{server.port}/v1", "testPath": "/status", **(config or {})}
    connection = await live.draft("generic-http", base, Mode.LIVE)
    authorization = await live.begin(connection, method)
    await live.hub.authorizations.submit_credentials(live.actor, authorization.id, credentials)
    return connection


@pytest.mark.parametrize("way", WAYS)
async def test_b12_a_server_is_reached_in_its_own_way(live, way):
    method, credentials, config, wanted = WAYS[way]

    async def answer(asked, writer):
        seen = found(asked)
        is_right = all(seen[name] == value for name, value in wanted.items())
        writer.write(reply(200 if is_right else 401, b"" if asked.method == "HEAD" else b"{}"))

    async with serving(answer) as server:
        connection = await connect(live, server, method, credentials, config)
        run = await live.tested(connection)
        assert {name: found(server.asked[0])[name] for name in wanted} == wanted
    assert run.verdict is Verdict.PASSED
    active = (await live.hub.connections.activate(live.actor, connection.id)).connection
    assert active.state is ConnectionState.CONNECTED


@pytest.mark.parametrize("form", ["json", "form"])
async def test_b12_a_login_answers_with_a_token_and_is_repeated_when_that_ends(live, form):
    tokens = iter(["first", "second", "third"])
    logins = []

    async def answer(asked, writer):
        if asked.target == "/login":
            logins.append(asked)
            body = {"data": {"jwt": next(tokens)}, "expires_in": 600}
            writer.write(reply(200, json.dumps(body).encode(), Content_Type="application/json"))
            return
        writer.write(reply(200 if asked.header("x-session") == "Session first" else 401, b"{}"))

    credentials = {
        "username": "ada",
        "password": "secret",
        "userField": "user",
        "passwordField": "pass",
        "format": form,
        "tokenPath": "data.jwt",
        "headerName": "X-Session",
        "prefix": "Session",
    }
    async with serving(answer) as server:
        config = {"loginUrl": f"http://127.0.0.1:{server.port}/login"}
        connection = await connect(live, server, "login", credentials, config)
        assert (await live.tested(connection)).verdict is Verdict.PASSED
        await live.hub.connections.activate(live.actor, connection.id)
        sent = logins[0].body.decode()
        entered = json.loads(sent) if form == "json" else {k: v[0] for k, v in parse_qs(sent).items()}
        assert entered == {"user": "ada", "pass": "secret"}
        live.clock.advance(595)
        await live.work()
        assert len(logins) == 2


async def test_b12_a_login_that_refuses_is_told_at_the_form(live):
    async def answer(_, writer):
        writer.write(reply(401, b'{"error": "wrong"}', Content_Type="application/json"))

    async with serving(answer) as server:
        config = {"loginUrl": f"http://127.0.0.1:{server.port}/login"}
        connection = await connect(live, server, "login", {"username": "a", "password": "b"}, config)
        problem = (await live.reload(connection)).problem
    assert problem.code.value == "CREDENTIALS_REJECTED"


async def test_b12_requests_are_signed_for_aws_and_what_is_compatible(live):
    seen = []

    async def answer(asked, writer):
        seen.append(asked.header("authorization"))
        writer.write(reply(200 if seen[-1] == seen[0] else 403, b"{}"))

    async with serving(answer) as server:
        credentials = {
            "accessKeyId": "AKID",
            "secretAccessKey": "very-secret",
            "region": "eu-central-1",
            "service": "es",
        }
        connection = await connect(live, server, "aws-sigv4", credentials, {"query": "b=2\na=1"})
        assert (await live.tested(connection)).verdict is Verdict.PASSED
        signed = server.asked[0].header("authorization")
    assert signed.startswith("AWS4-HMAC-SHA256 Credential=AKID/")
    assert "/eu-central-1/es/aws4_request" in signed


async def test_b12_a_connection_of_the_version_before_keeps_working(live):
    async def answer(asked, writer):
        writer.write(reply(200 if asked.header("x-k") == "abc" else 401, b"{}"))

    async with serving(answer) as server:
        base = {"baseUrl": f"http://127.0.0.1:{server.port}/v1", "testPath": "/status", "headerName": "X-K"}
        created = await live.hub.connections.create(
            live.actor, name="Old", integration="generic-http", version="1.0.0", mode=Mode.LIVE, config=base
        )
        connection = created.connection
        await live.entered(connection, key="abc")
        assert (await live.tested(connection)).verdict is Verdict.PASSED
        assert server.asked[0].header("x-k") == "abc"
        assert server.asked[0].method == "GET"


@pytest.mark.parametrize(
    ("field", "value"),
    [("testMethod", "DELETE"), ("headers", "no colon"), ("query", "=x"), ("testHeaders", "A B: c")],
)
async def test_b12_what_cannot_be_sent_is_refused_at_its_field(live, field, value):
    base = {"baseUrl": "http://127.0.0.1:9/v1", "testPath": "/status", field: value}
    faults = live.hub.connections.validate_config(live.actor, "generic-http", None, base)
    assert [fault.path for fault in faults] == [("config", field)]
