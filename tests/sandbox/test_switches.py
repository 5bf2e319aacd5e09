"""Faults on demand, by the door and by the program."""

from __future__ import annotations

import time

import pytest
from httpx import ASGITransport

from app.sandbox.state import MemoryState
from app.sandbox.switches import CALM, SCHEMA, Switchboard, Switches, to_json

KEY = {"params": {"api_key": "right-key"}}


async def test_tokens_can_be_expired_at_once_and_renewed(sandbox):
    first = await sandbox.signed_in()
    assert (await sandbox.switch(expireTokens=True)).status_code == 200
    assert (await sandbox.call("/me", first["access_token"])).status_code == 401
    second = (await sandbox.refresh(first["refresh_token"])).json()
    assert (await sandbox.call("/me", second["access_token"])).status_code == 200


async def test_the_lifetime_of_new_tokens_can_be_set(sandbox):
    await sandbox.switch(tokenLifetimeSeconds=5)
    body = await sandbox.signed_in()
    assert body["expires_in"] == 5
    sandbox.clock.advance(5)
    assert (await sandbox.call("/me", body["access_token"])).status_code == 401


async def test_grants_can_be_revoked_and_new_ones_work(sandbox):
    returned = await sandbox.consent()
    first = await sandbox.signed_in()
    await sandbox.switch(revokeGrants=True)
    assert (await sandbox.call("/me", first["access_token"])).status_code == 401
    assert (await sandbox.refresh(first["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await sandbox.exchange(returned["code"])).json()["error"] == "invalid_grant"
    second = await sandbox.signed_in()
    assert (await sandbox.call("/me", second["access_token"])).status_code == 200


async def test_one_account_can_be_hit_alone(sandbox):
    first, second = await sandbox.signed_in(), await sandbox.signed_in(account="2")
    await sandbox.switch(account="org-78", expireTokens=True, retryAfterSeconds=3)
    assert (await sandbox.call("/me", first["access_token"])).status_code == 200
    assert (await sandbox.call("/me", second["access_token"])).status_code == 429
    await sandbox.http.delete("/sandbox/_switches/acme", params={"account": "org-78"})
    assert (await sandbox.call("/me", second["access_token"])).status_code == 401
    assert (await sandbox.refresh(second["refresh_token"])).status_code == 200


async def test_entered_credentials_are_known_by_their_auth_method(sandbox):
    await sandbox.switch(account="key", serverError=True)
    assert (await sandbox.call("/me", **KEY)).status_code == 500
    assert (await sandbox.call("/me", headers={"Cookie": "sid=right-session"})).status_code == 200


async def test_calls_can_be_limited_with_a_retry_after(sandbox):
    await sandbox.switch(retryAfterSeconds=17)
    answer = await sandbox.call("/me", **KEY)
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "17"
    assert answer.json() == {"error": "slow"}


async def test_calls_can_fail(sandbox):
    await sandbox.switch(serverError=True)
    answer = await sandbox.call("/me", **KEY)
    assert answer.status_code == 500
    assert answer.json()["error"] == "server_error"
    await sandbox.switch(serverError=None)
    assert (await sandbox.call("/me", **KEY)).status_code == 200


async def test_right_credentials_can_be_rejected(sandbox):
    await sandbox.switch(rejectCredentials=True)
    assert (await sandbox.call("/me", **KEY)).status_code == 401
    login = await sandbox.send(
        "POST", "https://login.acme.example/session", json={"login": "ada", "pass": "right-pass"}
    )
    assert login.status_code == 401


async def test_answers_can_be_slow_by_the_clock_and_never_slower_than_the_bound(sandbox):
    before = sandbox.clock.monotonic()
    began = time.perf_counter()
    await sandbox.switch(delaySeconds=2.5)
    assert (await sandbox.call("/me", **KEY)).status_code == 200
    await sandbox.token(grant_type="refresh_token")
    assert sandbox.clock.monotonic() - before == 5.0
    assert time.perf_counter() - began < 2.5
    assert (await sandbox.switch(delaySeconds=31)).status_code == 400
    await sandbox.switches.set("acme", Switches(delay_s=1e9))
    assert (await sandbox.switches.own("acme")).delay_s == 30


async def test_refreshes_can_be_refused_without_using_the_token_up(sandbox):
    body = await sandbox.signed_in()
    await sandbox.switch(refuseRefresh=True)
    assert (await sandbox.refresh(body["refresh_token"])).json()["error"] == "invalid_grant"
    await sandbox.switch(refuseRefresh=False)
    assert (await sandbox.refresh(body["refresh_token"])).status_code == 200


async def test_the_token_endpoint_can_be_down_without_using_anything_up(sandbox):
    returned = await sandbox.consent()
    await sandbox.switch(tokenEndpointDown=True)
    down = await sandbox.exchange(returned["code"])
    assert down.status_code == 503
    assert down.headers["retry-after"] == "1"
    await sandbox.switch(tokenEndpointDown=False)
    assert (await sandbox.exchange(returned["code"])).status_code == 200


async def test_faults_can_be_over_after_a_number_of_answers(sandbox):
    await sandbox.switch(serverError=True, times=2, delaySeconds=1)
    statuses = [(await sandbox.call("/me", **KEY)).status_code for _ in range(4)]
    assert statuses == [500, 500, 200, 200]
    await sandbox.switch(times=1)
    assert (await sandbox.call("/me", **KEY)).status_code == 500
    assert (await sandbox.call("/me", **KEY)).status_code == 200


async def test_any_example_can_be_made_the_answer(sandbox):
    await sandbox.switch(answers={"orders.get": "Gone", "me": "No such title"})
    assert (await sandbox.call("/orders/1", **KEY)).json() == {"error": "not_found"}
    assert (await sandbox.call("/me", **KEY)).status_code == 200


async def test_a_dropped_connection_is_an_unfinished_answer(sandbox):
    await sandbox.switch(dropConnection=True)
    messages = []

    async def send(message):
        messages.append(message)

    transport: ASGITransport = sandbox.http._transport
    await transport.app(_scope("/sandbox/acme/api.acme.example/v1/me", b"api_key=right-key"), _no_body, send)
    assert [message["type"] for message in messages] == ["http.response.start", "http.response.body"]
    assert dict(messages[0]["headers"])[b"content-length"] == b"1024"
    assert messages[1] == {"type": "http.response.body", "body": b"{", "more_body": True}


async def test_the_switches_can_be_seen_and_set_back(sandbox):
    seen = (await sandbox.http.get("/sandbox/_switches/acme")).json()
    assert seen["switches"] == to_json(CALM)
    assert seen["schema"] == SCHEMA
    changed = (await sandbox.switch(serverError=True, retryAfterSeconds=3)).json()
    assert changed["switches"]["serverError"] is True
    assert (await sandbox.switch(retryAfterSeconds=None)).json()["switches"]["serverError"] is True
    cleared = (await sandbox.http.delete("/sandbox/_switches/acme")).json()
    assert cleared["switches"] == to_json(CALM)


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"nonsense": 1}, ["nonsense"]),
        ({"tokenLifetimeSeconds": 0}, ["tokenLifetimeSeconds"]),
        ({"retryAfterSeconds": "soon"}, ["retryAfterSeconds"]),
        ({"serverError": "yes", "times": 0}, ["serverError", "times"]),
        ({"answers": {"me": 1}}, ["answers.me"]),
        ({"account": "a" * 201}, ["account"]),
        ([], ["body"]),
    ],
)
async def test_wrong_switches_change_nothing_and_are_told(sandbox, change, fields):
    refused = await sandbox.http.post("/sandbox/_switches/acme", json=change)
    assert refused.status_code == 400
    assert sorted(refused.json()["fields"]) == sorted(fields)
    assert await sandbox.switches.own("acme") == CALM


async def test_switches_are_for_known_integrations_and_for_json_only(sandbox):
    url = "/sandbox/_switches/acme"
    assert (await sandbox.http.get("/sandbox/_switches/unknown")).status_code == 404
    assert (await sandbox.http.post(url, data={"serverError": "true"})).status_code == 415
    as_text = {"Content-Type": "text/plain"}
    assert (await sandbox.http.post(url, content='{"serverError":true}', headers=as_text)).status_code == 415
    as_json = {"Content-Type": "application/json"}
    assert (await sandbox.http.post(url, content="{", headers=as_json)).status_code == 400
    assert (await sandbox.http.post(url, content=b"[" * 300_000, headers=as_json)).status_code == 413
    assert (await sandbox.http.put(url, json={})).status_code == 404
    assert (await sandbox.http.get(url, params={"account": "a" * 201})).status_code == 404


async def test_every_switch_of_the_door_has_a_field(clock):
    switchboard = Switchboard(MemoryState(clock))
    acts = {"account", "expireTokens", "revokeGrants"}
    assert set(SCHEMA["properties"]) - acts == set(to_json(CALM))
    for name, schema in SCHEMA["properties"].items():
        assert schema["description"], name
    assert await switchboard.change("acme", dict.fromkeys(SCHEMA["properties"])) == []


async def _no_body():
    return {"type": "http.request", "body": b"", "more_body": False}


def _scope(path, query):
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "headers": [],
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "scheme": "http",
        "server": ("sandbox.test", 80),
        "client": ("127.0.0.1", 1),
        "root_path": "",
    }
