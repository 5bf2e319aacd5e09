"""GraphQL over HTTP: statuses, media types, guards in front of the parser, GET with validators, CORS."""

import json

import httpx
import pytest
from starlette.applications import Starlette

from app.api.graphql.endpoint import graphql_routes
from app.api.graphql.limits import MAX_BODY_BYTES, SIGNED_OUT_BODY_BYTES
from tests.api.graphql.fake_hub import BEARER, COOKIE, PUBLIC_URL, TOKEN

GRAPHQL = "application/graphql-response+json"
JSON = {"content-type": "application/json"}
PREFLIGHT = {"graphql-require-preflight": "1"}


async def post(client, body, **headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await client.post("/graphql", content=content, headers={**JSON, **headers})


def errors_of(response):
    body = response.json()
    assert "data" not in body
    for error in body["errors"]:
        assert set(error["extensions"]) == {"code", "requestId", "retryable", "retryAfterSeconds"}
        assert error["extensions"]["requestId"].startswith("req_")
    return [error["extensions"]["code"] for error in body["errors"]]


async def test_an_operation_is_answered_in_the_media_type_asked_for(client):
    for accept, expected in ((None, "application/json"), (GRAPHQL, GRAPHQL)):
        response = await post(client, {"query": "{__typename}"}, **({"accept": accept} if accept else {}))
        assert response.status_code == 200
        assert response.headers["content-type"] == f"{expected}; charset=utf-8"
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.json()["data"] == {"__typename": "Query"}


async def test_the_cost_is_told(client):
    answer = (await post(client, {"query": "{viewer{actor{id}}}"}, **BEARER)).json()
    assert answer["extensions"] == {"cost": {"requested": 2, "limit": 10_000}}
    answer = (await post(client, {"query": "{viewer{actor{id}}}"})).json()
    assert answer["extensions"] == {"cost": {"requested": 2, "limit": 100}}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'"x"',
        b"null",
        b"5",
        b"[]",
        b"[" * 10_000,
        b'{"query":"{__typename}","variables":' + b'{"a":' * 200 + b"1" + b"}" * 201,
        b"\xff\xfe{}",
        b'{"query":"\xc3\x28"}',
        b'{"query":"{__typename}","variables":{"a":' + b"9" * 5_000 + b"}}",
        b'{"query":"{__typename}","variables":{"a":NaN}}',
        b'{"query":"{__typename}","variables":{"a":"\\ud800"}}',
        b'{"query":"{__typename}","variables":{"a":"\\u0000"}}',
        b'{"query":"{__typename}\\u0000"}',
        b"{}",
        b'{"query":null}',
        b'{"query":1}',
        b'{"query":" "}',
        b'{"query":"{__typename}","variables":[]}',
        b'{"query":"{__typename}","variables":"x"}',
        b'{"query":"{__typename}","extensions":1}',
        b'{"query":"{__typename}","operationName":[]}',
        b'{"query":"{__typename}","operationName":"' + b"x" * 257 + b'"}',
        b'[{"query":"{__typename}"}]',
    ],
)
async def test_what_is_no_operation_is_a_400_and_never_a_5xx(client, body):
    for accept in ("application/json", GRAPHQL, "text/event-stream"):
        response = await post(client, body, accept=accept)
        assert response.status_code == 400
        assert errors_of(response) == ["BAD_REQUEST"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "PARSE_FAILED"),
        ("{nope}", "VALIDATION_FAILED"),
        ("query A {__typename} query A {__typename}", "VALIDATION_FAILED"),
        ("query ($a: Int!) {__typename}", "VALIDATION_FAILED"),
        ("query ($first: Int!) {connections(first: $first) {totalCount}}", "BAD_USER_INPUT"),
    ],
)
async def test_a_document_at_fault_has_no_data_and_the_status_of_its_media_type(client, query, code):
    for accept, status in ((GRAPHQL, 400), ("application/json", 200)):
        response = await post(client, {"query": query}, accept=accept, **BEARER)
        assert response.status_code == status
        assert set(errors_of(response)) == {code}


async def test_of_several_operations_the_name_chooses(client):
    query = "query A {__typename} query B {viewer {role}}"
    chosen = (await post(client, {"query": query, "operationName": "B"}, **BEARER)).json()
    assert chosen["data"] == {"viewer": {"role": "OWNER"}}
    unnamed = await post(client, {"query": query}, accept=GRAPHQL)
    assert unnamed.status_code == 400
    assert "operationName" in unnamed.json()["errors"][0]["message"]
    missing = await post(client, {"query": query, "operationName": "C"}, accept=GRAPHQL)
    assert missing.status_code == 400
    assert errors_of(missing) == ["BAD_REQUEST"]


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "text/plain; application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "application/json; charset=latin-1",
    ],
)
async def test_media_types_that_need_no_preflight_are_no_way_in(client, hub, content_type):
    content = b'{"query":"mutation {pauseConnection(input: {connectionId: \\"x\\"}) {asOf}}"}'
    headers = {**BEARER, **({"content-type": content_type} if content_type else {})}
    response = await client.post("/graphql", content=content, headers=headers)
    assert response.status_code == 415
    assert errors_of(response) == ["BAD_REQUEST"]
    assert hub.connections.calls == []


async def test_a_charset_of_utf_8_is_fine(client):
    body = b'{"query":"{__typename}"}'
    response = await client.post(
        "/graphql", content=body, headers={"content-type": "application/json; charset=UTF-8"}
    )
    assert response.status_code == 200


async def test_a_body_at_the_limit_is_read_and_one_beyond_is_not(client):
    def body(size):
        head, tail = b'{"query":"{__typename}","variables":{"a":"', b'"}}'
        return head + b"x" * (size - len(head) - len(tail)) + tail

    async def chunks():
        for _ in range(20):
            yield b"x" * 65_536

    for headers, limit in ((BEARER, MAX_BODY_BYTES), ({}, SIGNED_OUT_BODY_BYTES)):
        assert (await post(client, body(limit), **headers)).status_code == 200
        response = await post(client, body(limit + 1), **headers)
        assert response.status_code == 413
        assert response.headers["connection"] == "close"
        assert errors_of(response) == ["BAD_REQUEST" if headers else "UNAUTHENTICATED"]
        response = await client.post("/graphql", content=chunks(), headers={**JSON, **headers})
        assert response.status_code == 413


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "HEAD", "TRACE"])
async def test_other_methods_are_not_allowed(client, method):
    response = await client.request(method, "/graphql", headers=BEARER)
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, POST"


async def test_an_answer_nobody_can_read_is_refused(client):
    response = await post(client, {"query": "{__typename}"}, accept="text/html")
    assert response.status_code == 406


async def test_get_needs_a_header_that_forces_a_preflight(client):
    response = await client.get("/graphql", params={"query": "{__typename}"})
    assert response.status_code == 400
    assert errors_of(response) == ["BAD_REQUEST"]
    for headers in (PREFLIGHT, BEARER):
        response = await client.get("/graphql", params={"query": "{__typename}"}, headers=headers)
        assert response.status_code == 200
        assert response.json()["data"] == {"__typename": "Query"}


async def test_get_takes_variables_and_a_name(client):
    params = {
        "query": "query A($k: String!) {integration(by: {key: $k}) {key}} query B {__typename}",
        "variables": '{"k":"generic-http"}',
        "operationName": "A",
        "extensions": "{}",
    }
    response = await client.get("/graphql", params=params, headers=BEARER)
    assert response.json()["data"] == {"integration": {"key": "generic-http"}}


@pytest.mark.parametrize(
    "query_string",
    [
        "",
        "query=",
        "query={__typename}&variables=[]",
        "query={__typename}&variables={",
        "query={__typename}&variables=%ff",
        "query={__typename}&query={viewer{role}}",
        "query=%ff%fe",
        "query=" + "&a=1" * 100,
    ],
)
async def test_parameters_that_are_no_operation_are_a_400(client, query_string):
    response = await client.get(f"/graphql?{query_string}", headers=PREFLIGHT)
    assert response.status_code == 400


async def test_an_address_that_is_too_long_is_refused(client):
    response = await client.get(
        "/graphql", params={"query": "{__typename}" + " " * 40_000}, headers=PREFLIGHT
    )
    assert response.status_code == 414


async def test_mutations_and_subscriptions_are_not_sent_by_get(client, hub):
    mutation = 'mutation {pauseConnection(input: {connectionId: "x"}) {asOf}}'
    response = await client.get("/graphql", params={"query": mutation}, headers=BEARER)
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert hub.connections.calls == []
    subscription = 'subscription {testProgress(runId: "x") {seq}}'
    assert (await client.get("/graphql", params={"query": subscription}, headers=BEARER)).status_code == 400
    assert (await post(client, {"query": subscription}, **BEARER)).status_code == 400


async def test_get_answers_have_an_etag_and_304_where_it_is_known(client):
    params = {"query": "{integrations(first: 1) {nodes {key}}}"}
    first = await client.get("/graphql", params=params, headers=BEARER)
    etag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    assert "Authorization" in first.headers["vary"]
    again = await client.get("/graphql", params=params, headers={**BEARER, "if-none-match": f'"x", W/{etag}'})
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["etag"] == etag
    other = await client.get("/graphql", params=params, headers={**BEARER, "if-none-match": '"x"'})
    assert other.status_code == 200


async def test_a_get_answer_with_errors_is_not_kept(client):
    response = await client.get("/graphql", params={"query": "{hub {version}}"}, headers=PREFLIGHT)
    assert response.status_code == 200
    assert "etag" not in response.headers
    assert response.headers["cache-control"] == "no-store"


async def test_a_wrong_token_is_a_401_and_no_token_is_an_answer(client):
    for value in ("Bearer wrong", "Basic eDp5", "Bearer", "Bearer " + "x" * 10_000, TOKEN):
        response = await post(client, {"query": "{__typename}"}, authorization=value)
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith("Bearer")
        assert errors_of(response) == ["UNAUTHENTICATED"]
        assert value not in response.text
    answer = (await post(client, {"query": "{viewer {role}}"})).json()
    assert answer["data"] == {"viewer": None}


async def test_what_needs_an_actor_says_so(client):
    answer = (
        await post(client, {"query": '{connections {totalCount} connection(by: {name: "x"}) {id}}'})
    ).json()
    assert answer["data"] == {"connections": None, "connection": None}
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"UNAUTHENTICATED"}


async def test_a_session_counts_only_on_requests_of_the_hubs_own_pages(client, hub):
    viewer = {"query": "{viewer {role}}"}
    for headers, is_signed_in in (
        ({}, True),
        ({"origin": PUBLIC_URL}, True),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"origin": "http://evil.test"}, False),
        ({"origin": "null"}, False),
        ({"origin": f"{PUBLIC_URL}.evil.test"}, False),
        ({"origin": f"{PUBLIC_URL}:8080"}, False),
        ({"origin": "http://user@hub.test"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
    ):
        answer = (await post(client, viewer, **COOKIE, **headers)).json()
        assert (answer["data"]["viewer"] is not None) is is_signed_in, headers
    hub.access.valid.discard("ses_1")
    assert (await post(client, viewer, **COOKIE)).json()["data"] == {"viewer": None}


async def test_other_origins_may_read_only_where_the_operator_allows(client, hub):
    asked = {"origin": "https://app.test", "access-control-request-method": "POST"}
    refused = await client.options("/graphql", headers=asked)
    assert refused.status_code == 204
    assert "access-control-allow-origin" not in refused.headers
    hub.allowed_origins = ("https://app.test",)
    allowed = await client.options("/graphql", headers=asked)
    assert allowed.headers["access-control-allow-origin"] == "https://app.test"
    assert "authorization" in allowed.headers["access-control-allow-headers"]
    response = await post(client, {"query": "{__typename}"}, origin="https://app.test")
    assert response.headers["access-control-allow-origin"] == "https://app.test"
    assert "Origin" in response.headers["vary"]
    other = await post(client, {"query": "{__typename}"}, origin="https://evil.test")
    assert "access-control-allow-origin" not in other.headers


async def test_a_fault_of_the_door_is_masked(hub, caplog):
    async def broken(token):
        raise RuntimeError("token=sk_live_CANARY")

    hub.tokens.authenticate = broken
    transport = httpx.ASGITransport(app=Starlette(routes=graphql_routes(hub)))
    async with httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL) as client:
        response = await post(client, {"query": "{__typename}"}, **BEARER)
    assert response.status_code == 500
    assert errors_of(response) == ["INTERNAL"]
    assert "CANARY" not in response.text + caplog.text
