"""Calls: credentials placed and renewed once, purposes audited before anything is sent, no secret in any record."""

from __future__ import annotations

import json
from dataclasses import replace

import httpx
import pytest

from app.access.policy import ROLE_PERMISSIONS, Role
from app.audit.models import SecretUseRecord
from app.connections.models import ConnectionRecord
from app.credentials.snapshot import Mode
from app.foundation.errors import (
    CredentialsRejectedError,
    InvalidInputError,
    NotAllowedNowError,
    NotFoundError,
    PermissionDeniedError,
    RefusedOutsideError,
    TransientOutsideError,
)
from app.foundation.messages import Destination
from app.foundation.plain_data import to_data
from app.foundation.problems import ProblemCode
from app.vault.models import SealedRecord
from app.vault.vault import RevealPurpose

CANARY = "CANARY-4f1c77e0a9b2"


async def keyed(world, method="key", value=None, mode=Mode.SANDBOX, **config):
    """A connection that holds one entered credential."""
    connection = await world.draft("acme", {"shop": "north", **config}, mode)
    authorization = await world.begin(connection, method)
    entered = dict(authorization.step.prefilled) or {"key": None}
    if value is not None:
        entered[next(reversed(entered))] = value
    await world.hub.authorizations.submit_credentials(world.actor, authorization.id, entered)
    world.outside.requests.clear()
    return await world.reload(connection)


async def call(world, connection, method="me", params=None, **more):
    owner = (await world.reload(connection)).owner
    return await world.hub.calls.call(more.pop("actor", world.actor), owner, method, params or {}, **more)


def answering(world, *answers):
    """Let the outside answer these in turn, the last one for ever."""
    left = list(answers)

    async def answer(request):
        made = left.pop(0) if len(left) > 1 else left[0]
        return (
            made(request)
            if callable(made)
            else httpx.Response(made[0], json=made[1], headers=made[2:] and made[2])
        )

    world.outside.instead = answer


async def reveals(world):
    page = await world.hub.audit.entries(world.actor)
    return [entry.detail["purpose"] for entry in page.items if entry.action == "secret.revealed"]


# -- parameters


async def test_parameters_stand_where_the_definition_says(world):
    connection = await keyed(world)
    answering(world, (200, {"done": True}))
    params = {"id": "a/b", "page": 3, "X-Trace": "t-1", "name": "Ä", "tags": ["x"], "pin": "1234-secret"}
    result = await call(world, connection, "everywhere", params)
    assert result.fault is None
    sent = world.outside.requests[0]
    assert sent.method == "POST"
    assert sent.url.raw_path.decode().split("?")[0].endswith("/things/a%2Fb")
    assert dict(sent.url.params) == {"page": "3", "api_key": "right-key"}
    assert sent.headers["x-trace"] == "t-1"
    assert json.loads(sent.content) == {"name": "Ä", "tags": ["x"], "pin": "1234-secret"}


async def test_a_form_and_a_whole_body_are_written_as_such(world):
    connection = await keyed(world)
    answering(world, (200, {}))
    await call(world, connection, "form", {"name": "a b", "tags": ["x", "y"]})
    await call(world, connection, "orders.replace", {"body": [1, {"a": None}]})
    form, whole = world.outside.requests
    assert form.content == b"name=a+b&tags=x&tags=y"
    assert form.headers["content-type"] == "application/x-www-form-urlencoded"
    assert json.loads(whole.content) == [1, {"a": None}]


@pytest.mark.parametrize(
    ("method", "where"),
    [
        ("key", lambda sent: sent.url.params["api_key"]),
        ("cookie", lambda sent: sent.headers["cookie"]),
        ("path", lambda sent: sent.url.path),
        ("two", lambda sent: sent.headers["x-secret"]),
        ("basic", lambda sent: sent.headers["authorization"]),
    ],
)
async def test_credentials_stand_where_the_method_says_and_in_no_record(world, method, where):
    connection = await keyed(world, method, CANARY)
    answering(world, lambda sent: httpx.Response(200, json={"echo": [str(sent.url), dict(sent.headers)]}))
    result = await call(world, connection)
    assert where(world.outside.requests[0])
    recorded = json.dumps([to_data(result.exchange.request), to_data(result.exchange.response)])
    assert CANARY not in recorded
    assert "QU5BUlk" not in recorded  # in base64, wherever it begins
    assert result.exchange.request.redactions
    assert CANARY not in result.exchange.curl


@pytest.mark.parametrize(
    ("name", "params", "code", "path"),
    [
        ("no.such", {}, ProblemCode.UNKNOWN_METHOD, ("method",)),
        ("orders.get", {}, ProblemCode.MISSING_FIELD, ("params", "id")),
        ("orders.get", {"id": 0}, ProblemCode.INVALID_FIELD, ("params", "id")),
        ("orders.get", {"id": 1, "what": 1}, ProblemCode.UNKNOWN_FIELD, ("params", "what")),
    ],
)
async def test_a_call_that_cannot_be_made_opens_no_credentials(world, name, params, code, path):
    connection = await keyed(world)
    before = await reveals(world)
    with pytest.raises(InvalidInputError) as caught:
        await call(world, connection, name, params)
    assert (caught.value.problem.code, caught.value.problem.path) == (code, path)
    assert world.outside.requests == []
    assert await reveals(world) == before
    assert not await SecretUseRecord.exists()


@pytest.mark.parametrize(
    "params",
    [{"id": ".."}, {"id": ""}, {"id": "1", "X-Trace": "a\r\nX-Evil: 1"}, {"id": "1", "X-Trace": "\u20ac"}],
)
async def test_a_parameter_that_cannot_stand_at_its_place_is_refused_and_nothing_is_sent(world, params):
    connection = await keyed(world)
    result = await call(world, connection, "everywhere", params)
    assert isinstance(result.fault, InvalidInputError)
    assert result.status is None
    assert world.outside.requests == []


# -- who may, and what is written down


async def test_a_reader_may_not_call_and_nothing_is_opened_or_sent(world):
    connection = await keyed(world)
    viewer = replace(world.actor, role=Role.VIEWER, permissions=ROLE_PERMISSIONS[Role.VIEWER])
    for purpose in (None, RevealPurpose.TEST):
        with pytest.raises(PermissionDeniedError):
            await call(world, connection, actor=viewer, purpose=purpose)
    assert world.outside.requests == []
    assert not await SecretUseRecord.exists()


async def test_another_workspace_cannot_call(world):
    connection = await keyed(world)
    with pytest.raises(NotFoundError):
        await call(world, connection, actor=replace(world.actor, workspace_id="wks_other"))
    assert world.outside.requests == []


async def test_without_credentials_nothing_is_called(world):
    connection = await world.draft("acme", {"shop": "north"})
    with pytest.raises(NotAllowedNowError) as caught:
        await call(world, connection)
    assert caught.value.problem.code is ProblemCode.NOT_AUTHENTICATED


async def test_reads_are_counted_and_writes_and_destruction_stand_singly(world):
    connection = await keyed(world)
    answering(world, (200, {}))
    before = len(await reveals(world))
    for _ in range(3):
        await call(world, connection)
    uses = await SecretUseRecord.all()
    assert [(use.purpose, use.count, use.connection_id) for use in uses] == [("CALL_READ", 3, connection.id)]
    assert len(await reveals(world)) == before
    await call(world, connection, "orders.create", {"product": "A"})
    await call(world, connection, "orders.remove", {"id": 1})
    assert (await reveals(world))[:2] == ["CALL_DESTRUCTIVE", "CALL_WRITE"]
    assert len(await reveals(world)) == before + 2
    assert (await SecretUseRecord.get()).count == 3


async def test_the_entry_of_a_write_is_durable_before_it_is_sent(world):
    connection = await keyed(world)
    seen = []

    async def look(request):
        seen.append((await reveals(world))[0])
        return httpx.Response(200, json={})

    world.outside.instead = look
    await call(world, connection, "orders.create", {"product": "A"})
    assert seen == ["CALL_WRITE"]


async def test_secret_configuration_is_opened_for_the_calls_own_purpose(world):
    connection = await keyed(world, signing="a-signing-secret")
    answering(world, (200, {}))
    before = len(await reveals(world))
    await call(world, connection)
    assert len(await reveals(world)) == before
    assert {use.purpose for use in await SecretUseRecord.all()} == {"CALL_READ"}


# -- renewal


async def test_a_401_is_renewed_once_and_the_call_repeated(world):
    connection = await world.connected("acme", {"shop": "north"})
    world.outside.requests.clear()
    real = httpx.ASGITransport(app=world.outside.app)
    refused = []

    async def refuse_once(request):
        if request.url.path.endswith("/me") and not refused:
            refused.append(request.headers["authorization"])
            return httpx.Response(401, json={})
        return await real.handle_async_request(request)

    world.outside.instead = refuse_once
    result = await call(world, connection)
    assert result.fault is None
    assert result.renewed
    assert result.generation == 2
    calls = [r for r in world.outside.requests if r.url.path.endswith("/me")]
    assert len(calls) == 2
    assert calls[1].headers["authorization"] != refused[0]
    assert len([r for r in world.outside.requests if r.url.path.endswith("/token")]) == 1


async def test_the_definitions_own_sign_of_expiry_renews_too(world):
    connection = await world.connected("acme", {"shop": "north"})
    world.outside.requests.clear()
    real = httpx.ASGITransport(app=world.outside.app)
    told = []

    async def expire_once(request):
        if request.url.path.endswith("/me") and not told:
            told.append(1)
            return httpx.Response(400, json={"error": "token_expired"})
        return await real.handle_async_request(request)

    world.outside.instead = expire_once
    assert (await call(world, connection)).generation == 2


async def test_a_second_refusal_is_final(world):
    connection = await world.connected("acme", {"shop": "north"})
    world.outside.requests.clear()
    real = httpx.ASGITransport(app=world.outside.app)

    async def refuse_calls(request):
        if request.url.path.endswith("/me"):
            return httpx.Response(401, json={"error": "bad_key"})
        return await real.handle_async_request(request)

    world.outside.instead = refuse_calls
    result = await call(world, connection)
    assert isinstance(result.fault, CredentialsRejectedError)
    assert result.renewed
    assert len([r for r in world.outside.requests if r.url.path.endswith("/me")]) == 2
    assert len([r for r in world.outside.requests if r.url.path.endswith("/token")]) == 1


async def test_what_cannot_be_renewed_is_called_once(world):
    connection = await keyed(world)
    answering(world, (401, {"error": "bad_key"}))
    result = await call(world, connection)
    assert isinstance(result.fault, CredentialsRejectedError)
    assert not result.renewed
    assert len(world.outside.requests) == 1


async def test_the_repeat_of_a_write_is_audited_as_a_write(world):
    connection = await world.connected("acme", {"shop": "north"})
    real = httpx.ASGITransport(app=world.outside.app)
    refused = []

    async def refuse_once(request):
        if request.url.path.endswith("/forms") and not refused:
            refused.append(1)
            return httpx.Response(401, json={})
        return await real.handle_async_request(request)

    world.outside.instead = refuse_once
    before = (await reveals(world)).count("CALL_WRITE")
    result = await call(world, connection, "form", {"name": "A-1"})
    assert result.fault is None
    assert (await reveals(world)).count("CALL_WRITE") == before + 2
    assert not await SecretUseRecord.filter(purpose="CALL_READ").exists()


async def test_a_renewal_that_fails_leaves_the_first_answer_with_its_reason(world):
    connection = await world.connected("acme", {"shop": "north"})

    async def down(request):
        return httpx.Response(401 if request.url.path.endswith("/me") else 503, json={})

    world.outside.instead = down
    result = await call(world, connection)
    assert result.status == 401
    assert isinstance(result.fault, TransientOutsideError)
    assert result.exchange.response.status == 401


async def test_credentials_that_do_not_open_are_told_with_their_generation(world):
    connection = await keyed(world)
    await SealedRecord.filter(owner_row=connection.id).update(sealed="pb1.dk_x.AAAA")
    result = await call(world, connection)
    assert result.fault.problem.code is ProblemCode.CREDENTIAL_UNREADABLE
    assert result.generation == 1
    assert world.outside.requests == []


# -- answers


@pytest.mark.parametrize(
    ("status", "body", "headers", "kind", "code"),
    [
        (500, {}, {}, TransientOutsideError, ProblemCode.UPSTREAM_UNAVAILABLE),
        (429, {}, {"Retry-After": "7"}, TransientOutsideError, ProblemCode.RATE_LIMITED),
        (404, {}, {}, RefusedOutsideError, ProblemCode.UPSTREAM_NOT_FOUND),
        (
            403,
            {"error": "scope", "needed": "orders.read"},
            {},
            RefusedOutsideError,
            ProblemCode.MISSING_SCOPE,
        ),
        (422, {"message": "no"}, {}, RefusedOutsideError, ProblemCode.UPSTREAM_REJECTED),
    ],
)
async def test_a_refusal_is_in_the_result_and_not_raised(world, status, body, headers, kind, code):
    connection = await keyed(world)
    answering(world, (status, body, headers))
    result = await call(world, connection)
    assert type(result.fault) is kind
    assert result.fault.problem.code is code
    assert result.status == status
    assert result.fault.problem.retry_after_s == (7 if status == 429 else None)


async def test_the_definitions_own_steps_come_first(world):
    connection = await keyed(world)
    answering(world, (401, {"error": "bad_key"}))
    steps = [step.text for step in (await call(world, connection)).fault.problem.remediation]
    assert steps[:2] == ["Ask Acme for a new key.", "Enter it again."]
    assert len(steps) > 2


async def test_a_network_fault_names_the_provider_and_its_own_steps(world):
    connection = await keyed(world)

    async def refuse(request):
        raise httpx.ConnectError("refused by 10.0.0.1")

    world.outside.instead = refuse
    result = await call(world, connection)
    assert result.fault.problem.code is ProblemCode.UPSTREAM_UNREACHABLE
    assert "Acme" in result.fault.problem.message
    assert result.fault.problem.remediation[0].text == "Call the Acme hotline."
    assert "10.0.0.1" not in json.dumps(result.fault.problem.to_json())
    assert result.status is None
    assert result.exchange.response is None


async def test_what_a_provider_says_is_told_without_the_secrets_it_echoes(world):
    connection = await keyed(world, "two", CANARY)
    answering(world, (400, {"message": f"key {CANARY} is not known", "error": f"bad {CANARY}"}))
    result = await call(world, connection)
    told = json.dumps(result.fault.problem.to_json())
    assert CANARY not in told
    assert "is not known" in result.fault.problem.details["providerDetail"]
    assert CANARY not in json.dumps(to_data(result.exchange.response))


async def test_a_secret_parameter_is_in_no_record(world):
    connection = await keyed(world)
    answering(
        world, lambda sent: httpx.Response(400, json={"message": f"pin {CANARY} is wrong", "pin": CANARY})
    )
    result = await call(world, connection, "everywhere", {"id": "1", "pin": CANARY})
    assert CANARY.encode() in world.outside.requests[0].content
    recorded = [to_data(result.exchange.request), to_data(result.exchange.response)]
    assert CANARY not in json.dumps([*recorded, result.fault.problem.to_json(), result.exchange.curl])


async def test_an_answer_that_is_no_json_has_no_body(world):
    connection = await keyed(world)
    answering(world, lambda _: httpx.Response(200, text="<html>hello</html>"))
    result = await call(world, connection)
    assert result.body is None
    assert result.exchange.response.body == "<html>hello</html>"


async def test_a_read_follows_redirects_within_the_allowed_hosts_only(world):
    connection = await keyed(world, value="a-live-key", mode=Mode.LIVE)
    answering(world, lambda _: httpx.Response(302, headers={"Location": "https://evil.example/me"}))
    result = await call(world, connection)
    assert result.fault.problem.code is ProblemCode.UPSTREAM_REDIRECTED
    assert len(world.outside.requests) == 1


async def test_a_write_is_never_redirected(world):
    connection = await keyed(world)
    answering(
        world, lambda _: httpx.Response(307, headers={"Location": "https://api.acme.example/v1/orders"})
    )
    result = await call(world, connection, "orders.create", {"product": "A"})
    assert result.status == 307
    assert isinstance(result.fault, RefusedOutsideError)
    assert len(world.outside.requests) == 1


async def test_an_endless_redirect_ends(world):
    connection = await keyed(world)
    answering(world, lambda sent: httpx.Response(302, headers={"Location": "/v1/me"}))
    result = await call(world, connection)
    assert result.fault.problem.code is ProblemCode.TOO_MANY_REDIRECTS
    assert len(world.outside.requests) == 6


async def test_calls_are_counted_by_their_outcome(world):
    connection = await keyed(world)
    answering(world, (200, {}), (500, {}))
    await call(world, connection)
    await call(world, connection)
    text = world.hub.metrics.render().decode()
    assert 'patchbay_outbound_calls_total{integration="acme",outcome="OK"} 1.0' in text
    assert 'outcome="UPSTREAM_UNAVAILABLE"} 1.0' in text


async def test_a_version_that_left_the_catalog_is_not_called(world):
    connection = await keyed(world)
    await ConnectionRecord.filter(id=connection.id).update(version="9.9.9")
    with pytest.raises(NotAllowedNowError) as caught:
        await call(world, connection)
    assert caught.value.problem.code is ProblemCode.UNKNOWN_INTEGRATION


async def test_a_sandbox_connection_reaches_nothing_but_the_sandbox(world):
    connection = await keyed(world, value=CANARY)
    live = await world.hub.credentials.open(world.actor, connection.owner, RevealPurpose.TEST)
    assert isinstance(live.destination, Destination)
    await call(world, connection)
    assert {request.url.host for request in world.outside.requests} == {"127.0.0.1"}
    assert CANARY not in repr(live)
