"""What a call owes the provider: an idempotency key, documented limits, and no signature at another address."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from app.access.actor import Actor
from app.catalog.catalog import Catalog
from app.catalog.entry import IntegrationEntry
from app.connection_tests.steps import RunStepState, StepKind
from app.connections.lifecycle import ConnectionState
from app.foundation.errors import InvalidInputError
from app.foundation.problems import ProblemCode
from tests.connections.conftest import World
from tests.factories.acme import acme
from tests.hubs import owner, running_hub, settings_for
from tests.sandbox.acme import ACME, METHODS
from tests.sandbox.ways import AWS, OAUTH1, SESSION, ways

KEYED = {
    **METHODS,
    "orders.keyed": {
        "title": "Create with an own key",
        "effect": "WRITE",
        "http": {"method": "POST", "path": "/orders"},
        "params": {"type": "object", "properties": {"Idempotency-Key": {"type": "string", "in": "header"}}},
        "examples": [{"title": "Done", "response": {"body": {}}}],
    },
    "orders.remove": {
        "title": "Remove",
        "effect": "DESTRUCTIVE",
        "http": {"method": "DELETE", "path": "/orders/{params.id}"},
        "params": {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}},
        "examples": [{"title": "Gone", "params": {"id": 1}, "response": {"status": 204}}],
    },
}
LIMITS = [{"calls": 4, "perSeconds": 60, "by": "method"}]
HTTP = {**ACME["http"], "idempotencyHeader": "Idempotency-Key", "limits": LIMITS}
CATALOG = Catalog(
    [
        IntegrationEntry(
            "acme", (acme(http=HTTP, methods=KEYED, config={"type": "object", "properties": {}}),)
        ),
        IntegrationEntry("aws", (ways(AWS, integration="aws"),)),
        IntegrationEntry("oauth1", (ways(OAUTH1, integration="oauth1"),)),
        IntegrationEntry("session", (ways(SESSION, integration="session"),)),
    ]
)


@pytest.fixture
async def world(sqlite_url, tmp_path, clock):
    settings = settings_for(sqlite_url, tmp_path)
    async with running_hub(settings, clock=clock, catalog=CATALOG) as (hub, outside):
        with hub.database.bind():
            yield World(hub, outside, await owner(hub), clock)


async def entered(world, integration="acme", method="key"):
    connection = await world.draft(integration)
    await world.entered(connection, method)
    world.outside.requests.clear()
    return connection


async def call(world, connection, method="orders.create", params=None, actor=None, **more):
    params = {"product": "A"} if params is None else params
    owner = (await world.reload(connection)).owner
    return await world.hub.calls.call(actor or world.actor, owner, method, params, **more)


def keys(world):
    return [request.headers.get("idempotency-key") for request in world.outside.requests]


def machine(world):
    return Actor.system(world.actor.workspace_id, "probe", "req_test")


# -- idempotency keys


async def test_a_write_bears_a_key_of_its_own_and_a_read_none(world):
    connection = await entered(world)
    for _ in range(2):
        await call(world, connection)
    await call(world, connection, "me", {})
    await call(world, connection, "orders.remove", {"id": 1})
    first, second, read, removed = keys(world)
    assert first
    assert second
    assert first != second
    assert (read, removed) == (None, None)


async def test_the_key_is_the_same_on_the_repeat_after_a_renewal(world):
    connection = await world.authorized("acme")
    real, refused = httpx.ASGITransport(app=world.outside.app), []

    async def refuse_once(request):
        if request.url.path.endswith("/orders") and not refused:
            refused.append(1)
            return httpx.Response(401, json={})
        return await real.handle_async_request(request)

    world.outside.requests.clear()
    world.outside.instead = refuse_once
    result = await call(world, connection)
    assert result.renewed
    first, token, second = keys(world)
    assert first == second
    assert token is None


async def test_the_callers_key_wins_and_a_parameter_in_its_place_over_both(world):
    connection = await entered(world)
    await call(world, connection, idempotency_key="invoice-7")
    await call(world, connection, "orders.keyed", {"Idempotency-Key": "own"}, idempotency_key="invoice-7")
    assert keys(world) == ["invoice-7", "own"]


@pytest.mark.parametrize("key", ["", " ", "a b", "a\r\nX: 1", "é", "k" * 256])
async def test_a_key_that_cannot_be_one_is_refused_and_nothing_is_sent(world, key):
    connection = await entered(world)
    with pytest.raises(InvalidInputError) as refused:
        await call(world, connection, idempotency_key=key)
    assert refused.value.problem.path == ("idempotencyKey",)
    assert world.outside.requests == []


async def test_where_the_provider_takes_no_key_none_is_sent(world):
    connection = await entered(world, "session", "session")
    await call(world, connection, "notes.put", {"text": "a"}, idempotency_key="invoice-7")
    assert keys(world) == [None]


# -- limits


async def test_a_person_is_never_held_back_and_the_hubs_own_calls_keep_to_the_limit(world):
    connection = await entered(world)
    began = world.clock.monotonic()
    for _ in range(4):
        assert (await call(world, connection, "me", {})).fault is None
    assert world.clock.monotonic() == began

    held = await call(world, connection, "me", {}, machine(world))
    assert held.fault.problem.code is ProblemCode.RATE_LIMITED
    assert held.fault.problem.retryable
    assert held.fault.problem.retry_after_s > 10
    assert len(world.outside.requests) == 4

    world.clock.advance(held.fault.problem.retry_after_s - 5)
    waited = await call(world, connection, "me", {}, machine(world))
    assert waited.fault is None
    assert len(world.outside.requests) == 5
    assert world.clock.monotonic() == pytest.approx(began + held.fault.problem.retry_after_s)


async def test_the_hubs_own_calls_keep_to_what_the_provider_asked_for(world):
    connection, other = await entered(world), await entered(world)
    said = [httpx.Response(429, json={}, headers={"Retry-After": "120"})]

    async def limited(_):
        return said.pop() if said else httpx.Response(200, json={})

    world.outside.instead = limited
    result = await call(world, connection, "me", {})
    assert (result.fault.problem.code, result.fault.problem.retry_after_s) == (ProblemCode.RATE_LIMITED, 120)
    held = await call(world, connection, "me", {}, machine(world))
    assert (held.fault.problem.code, held.fault.problem.retry_after_s) == (ProblemCode.RATE_LIMITED, 120)
    assert held.status is None
    assert (await call(world, other, "me", {}, machine(world))).fault is None
    assert (await call(world, connection, "me", {})).fault is None
    world.clock.advance(120)
    assert (await call(world, connection, "me", {}, machine(world))).fault is None


# -- redirects


def redirecting(world, location):
    async def answer(request):
        if "moved" in str(request.url):
            return httpx.Response(200, json={"moved": True})
        return httpx.Response(302, headers={"Location": location})

    world.outside.requests.clear()
    world.outside.instead = answer


@pytest.mark.parametrize(
    "location", ["/me?moved", "https://api.ways.example/me?moved", "https://evil.example/moved"]
)
@pytest.mark.parametrize("way", ["aws", "oauth1"])
async def test_a_signed_call_is_never_sent_to_another_address(world, way, location):
    connection = await entered(world, way, way) if way == "aws" else await world.draft(way)
    if way == "oauth1":
        authorization = await world.begin(connection, way)
        await world.come_back(await world.at_provider(authorization))
    redirecting(world, location)
    result = await call(world, connection, "me", {})
    assert len(world.outside.requests) == 1
    assert (result.status, result.fault.problem.code) == (302, ProblemCode.UPSTREAM_REDIRECTED)
    assert result.fault.problem.details["cause"] == "REDIRECT"


async def test_an_unsigned_read_follows_within_its_origin_with_its_credentials_and_beyond_it_without(world):
    connection = await entered(world, "session", "session")
    redirecting(world, "https://api.ways.example/me?moved")
    assert (await call(world, connection, "me", {})).body == {"moved": True}
    assert ["cookie" in request.headers for request in world.outside.requests] == [True, True]
    redirecting(world, "https://login.ways.example/me?moved")
    assert (await call(world, connection, "me", {})).body == {"moved": True}
    assert ["cookie" in request.headers for request in world.outside.requests] == [True, False]


def test_only_signatures_are_bound_to_an_address():
    signed = {method.id for way in (AWS, OAUTH1, SESSION) for method in ways(way).auth if method.is_signed}
    assert signed == {"aws", "oauth1"}
    assert not any(replace(method, title="x").is_signed for method in acme().auth)


async def test_a_probe_that_was_held_back_says_so_and_blames_the_connection_for_nothing(world):
    connection = await world.connected("acme")
    for _ in range(4):
        await call(world, connection, "me", {})
    world.outside.requests.clear()
    await world.hub.test_runs.probe(machine(world), connection.id)
    run = (await world.hub.test_runs.latest(world.actor, [connection.id]))[connection.id]
    await world.hub.dispatcher.drain()
    done = await world.hub.test_runs.get(world.actor, run.id)
    assert (done.problem.code, done.problem.details["cause"]) == (ProblemCode.RATE_LIMITED, "HELD_BACK")
    assert [step.kind for step in done.steps if step.state is RunStepState.FAILED] == [StepKind.REQUEST]
    assert world.outside.requests == []
    assert (await world.reload(connection)).state is ConnectionState.CONNECTED
