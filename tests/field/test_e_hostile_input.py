"""E4: whatever is sent, at every place where something can be sent, is refused in words and is never our fault."""

from __future__ import annotations

import asyncio
import itertools
import json
from urllib.parse import parse_qs, quote_from_bytes, urlsplit

import httpx
import pytest
from graphql import is_object_type

from app.access.policy import ALL_PERMISSIONS
from app.connections.snapshot import Mode
from app.main import build_app
from tests.factories.operations import CORE, ROOTS
from tests.field.hostile import LITERALS, WAYS, Place, places
from tests.hubs import owner, running_hub, settings_for
from tests.permissions.door import furnished, token

PLACES = places()
SEGMENTS = (
    b"\x00", b"a\x00b", b"\xff",
    b"\xed\xa0\x80", b"x" * 41, b"x" * 9_000, b"\r\n", b"..", b"%00", b"\x1b[0m", b"'\";--",
    "\u202e".encode(), b"auth_" + b"0" * 26, b"app_" + b"z" * 27, b"NUL", b" ",
)  # fmt: skip
DOORS = (
    "/oauth/start/{}",
    "/oauth/return/{}",
    "/oauth/return/{}?code={}&state={}",
    "/oauth/return/app?{}",
    "/sign-in?code={}",
    "/docs/problems/{}",
    "/graphiql?{}",
    "/graphiql/assets/{}",
    "/healthz?{}",
    "/readyz?{}",
    "/metrics?{}",
    "/sign-out?{}",
    "/sandbox/{}",
    "/sandbox/slack/{}",
    "/sandbox/_switches/{}",
    "/{}",
    "/graphql?query={}",
    "/graphql?query=%7B__typename%7D&variables={}",
    "/graphql?query=%7B__typename%7D&operationName={}",
)

SPOKEN_TO = (
    ("POST", "/graphql"), ("GET", "/graphql?query={__typename}"), ("OPTIONS", "/graphql"), ("POST", "/sign-out"),
    ("GET", "/sign-in"), ("GET", "/oauth/start/auth_x"), ("GET", "/oauth/return/app?state=x"), ("GET", "/graphiql"),
    ("GET", "/"), ("GET", "/docs/problems"), ("GET", "/metrics"),
)  # fmt: skip
HEADERS = (
    (b"authorization", b"Bearer {}"),
    (b"authorization", b"{}"),
    (b"cookie", b"patchbay-session={}; patchbay-browser={}; {}={}"),
    (b"accept", b"{}"),
    (b"accept", b"text/html;q={}"),
    (b"accept-language", b"{}"),
    (b"content-type", b"application/json; charset={}"),
    (b"content-length", b"{}"),
    (b"content-encoding", b"{}"),
    (b"origin", b"https://{}"),
    (b"host", b"{}"),
    (b"x-request-id", b"{}"),
    (b"x-forwarded-for", b"{}"),
    (b"x-forwarded-proto", b"{}"),
    (b"traceparent", b"{}"),
    (b"if-none-match", b"{}"),
)


@pytest.fixture
async def hub(database_url, request, tmp_path):
    redis = request.getfixturevalue("redis_url") if database_url.startswith("postgres") else None
    async with running_hub(settings_for(database_url, tmp_path, redis)) as (hub, _):
        with hub.database.bind():
            yield hub


@pytest.fixture
async def client(hub):
    async with build_app(hub) as app:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url=hub.public_url) as client:
            yield client


@pytest.fixture
async def known(hub):
    """Return one of everything: what a value that is not hostile names."""
    actor = await owner(hub)
    ids = await furnished(hub, actor)
    return {
        "connectionId": ids["conn"], "authorizationId": ids["auth"], "tokenId": ids["tok"], "runId": ids["run"],
        "applicationId": ids["app"], "integration": "generic-http", "authMethod": "bearer", "key": "slack",
    }  # fmt: skip


@pytest.fixture
async def ask(hub, client):
    headers = await token(hub, await owner(hub), ALL_PERMISSIONS)

    async def ask(place: Place, query: str, variables=None):
        body = json.dumps({"query": query, "variables": variables})
        if place.kind == "subscription":
            return await first_of_stream(client, body, headers)
        answer = await client.post(
            "/graphql", content=body, headers={**headers, "content-type": "application/json"}
        )
        assert answer.status_code in {200, 400}, answer.text
        return answer.json()

    return ask


async def first_of_stream(client, body, headers):
    """Return the first answer of a stream, or nothing where it lives and is silent."""
    app = client._transport.app
    sent, ended = [], asyncio.Event()
    raw = [
        (name.encode(), value.encode())
        for name, value in {
            **headers,
            "content-type": "application/json",
            "accept": "text/event-stream",
        }.items()
    ]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": "/graphql", "raw_path": b"/graphql", "query_string": b"", "root_path": "", "headers": raw,
        "client": ("127.0.0.1", 1), "server": ("hub.test", 80),
    }  # fmt: skip
    requests = [{"type": "http.request", "body": body.encode(), "more_body": False}]

    async def receive():
        if requests:
            return requests.pop()
        await ended.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message.get("body", b""))
        if b"data: {" in sent[-1]:
            ended.set()

    asyncio.get_running_loop().call_later(0.1, ended.set)
    await app(scope, receive, send)
    text = b"".join(sent).decode()
    return json.loads(text.partition("data: ")[2].partition("\n\n")[0] or "{}") if "data: {" in text else {}


def faults_in(answer):
    """Return what is not a refusal in words: our own fault, or an error without a code or words."""
    errors = [
        error for error in answer.get("errors", ()) if is_ours(error["extensions"]["code"], error["message"])
    ]
    payloads = [one for one in (answer.get("data") or {}).values() if isinstance(one, dict)]
    problems = [problem for one in payloads for problem in one.get("userErrors") or ()]
    return errors + [problem for problem in problems if is_ours(problem["code"], problem["message"])]


def is_ours(code, message):
    return not code or not message or code in {"INTERNAL", "STORAGE_BUSY"}


@pytest.mark.parametrize("kind", ["query", "mutation", "subscription"])
async def test_no_value_at_any_place_is_our_fault(ask, known, kind):
    """E4: as a variable and as a literal, at every argument and input field, on both databases."""
    found = []
    for place in (place for place in PLACES if place.kind == kind):
        for value in place.values():
            variables = place.variables(value, known)
            answer = await ask(place, place.document(variables), variables)
            found += [(str(place), repr(value)[:60], fault) for fault in faults_in(answer)]
        for text in LITERALS:
            answer = await ask(place, place.literal(text, known))
            found += [(str(place), text[:60], fault) for fault in faults_in(answer)]
    assert found == []


def test_every_place_of_the_schema_is_tried():
    """E4: the places are made from the schema; a new field is among them."""
    assert {(place.owner.name, place.name) for place in PLACES} == {
        (type_.name, name)
        for type_ in CORE.type_map.values()
        if is_object_type(type_) and not type_.name.startswith("__")
        for name, field in type_.fields.items()
        if field.args
    }
    assert {place.owner for place in PLACES} - set(ROOTS.values()) == {CORE.type_map[name] for name in WAYS}
    assert "mutation.createConnection.input.config" in map(str, PLACES)
    assert "IntegrationVersion.methods.search" in map(str, PLACES)
    assert "subscription.authState.by.authorizationId" in map(str, PLACES)


async def test_what_a_provider_returns_is_our_fault_in_no_character(hub, client):
    """E4: a return with the state of an attempt reaches what is stored of it."""
    actor = await owner(hub)
    made = await hub.connections.create(actor, name="R", integration="slack", mode=Mode.SANDBOX)
    for segment in SEGMENTS:
        begun = await hub.authorizations.begin(actor, made.connection.id, auth_method="oauth")
        started = await client.get(f"/oauth/start/{begun.id}")
        parts = parse_qs(urlsplit(started.headers["location"]).query)
        part = quote_from_bytes(segment, safe="")
        (state,), (address,) = parts["state"], parts["redirect_uri"]
        answer = await client.get(
            f"{urlsplit(address).path}?error={part}&error_description={part}&{part}={part}&state={state}"
        )
        assert answer.status_code == 400, (segment, answer.text)


async def test_no_address_is_our_fault(client):
    """E4: every HTTP door, with what no browser would send."""
    form = {"content-type": "application/x-www-form-urlencoded", "graphql-require-preflight": "1"}
    for door, segment in itertools.product(DOORS, SEGMENTS):
        address = door.format(*[quote_from_bytes(segment, safe="")] * door.count("{}"))
        for method in ("GET", "POST", "HEAD", "PUT"):
            content = segment if method == "POST" else None
            answer = await client.request(method, address, headers=form, content=content)
            assert answer.status_code < 500, (door, segment, method, answer.text)


async def test_no_header_is_our_fault(client):
    """E4: what a client says of itself, at every door that reads it."""
    for (method, door), header, segment in itertools.product(SPOKEN_TO, HEADERS, SEGMENTS):
        value = header[1].replace(b"{}", segment)
        headers = [(b"content-type", b"application/json"), (header[0], value)]
        content = b'{"query":"{viewer{role}}"}' if method == "POST" else None
        answer = await client.request(method, door, headers=headers, content=content)
        assert answer.status_code < 500, (door, header, segment, answer.text)
