"""What replaces working credentials has proved to work; what is odd about it is said."""

from __future__ import annotations

import httpx
import pytest

from app.connections.lifecycle import ConnectionState
from app.connections.snapshot import AuthorizationStateName as State
from app.foundation.problems import ProblemCode
from app.vault.vault import RevealPurpose
from tests.canary import secret

HTTP = {"baseUrl": "https://a.example.com", "testPath": "/ping"}


async def with_key(world, integration="stripe", method="api-key", config=None):
    connection = await world.draft(integration, config)
    await world.entered(connection, method)
    await world.tested(connection)
    return (await world.hub.connections.activate(world.actor, connection.id)).connection


async def test_a_wrong_password_does_not_replace_the_one_that_works(world):
    connection = await with_key(world, "generic-http", "basic", HTTP)
    authorization = await world.begin(connection, "basic")
    wrong = {"username": "ada", "password": secret("not-the-password-")}
    answered = await world.hub.authorizations.submit_credentials(world.actor, authorization.id, wrong)
    assert answered.state is State.AWAITING_INPUT
    assert answered.problem.code is ProblemCode.CREDENTIALS_REJECTED
    still = await world.reload(connection)
    assert still.state is ConnectionState.CONNECTED
    assert still.auth.generation == 1
    run = await world.tested(connection)
    assert run.verdict == "PASSED"


async def test_the_right_password_replaces_it_after_a_proof(world):
    connection = await with_key(world, "generic-http", "basic", HTTP)
    authorization = await world.begin(connection, "basic")
    before = len(world.outside.requests)
    answered = await world.hub.authorizations.submit_credentials(
        world.actor, authorization.id, dict(authorization.step.prefilled)
    )
    assert answered.state is State.AUTHENTICATED
    assert len(world.outside.requests) == before + 1
    states = [
        state.state
        async for state in world.hub.authorizations.states(world.actor, authorization_id=authorization.id)
    ]
    assert states[-3:] == [State.EXCHANGING, State.VERIFYING, State.AUTHENTICATED]
    assert (await world.reload(connection)).auth.generation == 2


async def test_an_outage_during_the_proof_keeps_what_is_stored(world):
    connection = await with_key(world, "generic-http", "basic", HTTP)
    authorization = await world.begin(connection, "basic")

    async def down(request):
        return httpx.Response(503)

    world.outside.instead = down
    answered = await world.hub.authorizations.submit_credentials(
        world.actor, authorization.id, dict(authorization.step.prefilled)
    )
    assert answered.problem.code is ProblemCode.UPSTREAM_UNAVAILABLE
    assert (await world.reload(connection)).auth.generation == 1


async def test_another_account_is_said(world):
    connection = await world.connected("github")
    address = await world.at_provider(await world.begin(connection))
    real = httpx.ASGITransport(app=world.outside.app)

    async def other_account(request):
        answer = await real.handle_async_request(request)
        body = await answer.aread()
        return httpx.Response(
            answer.status_code,
            headers={"content-type": answer.headers["content-type"]},
            content=body.replace(b"ada-example", b"bob-example").replace(b'"id":', b'"id":9'),
        )

    world.outside.instead = other_account
    returned = await world.come_back(address)
    assert returned.authorization.state is State.AUTHENTICATED
    assert returned.problem.code is ProblemCode.DIFFERENT_ACCOUNT
    assert (await world.reload(connection)).problem.code is ProblemCode.DIFFERENT_ACCOUNT


async def test_the_same_key_twice_is_said_by_name(world):
    first = await with_key(world)
    second = await world.draft("stripe")
    answered = await world.entered(second, "api-key")
    assert answered.state is State.AUTHENTICATED
    assert answered.problem.code is ProblemCode.ALREADY_CONNECTED
    assert first.name in answered.problem.message
    assert answered.problem.details["connectionIds"] == [first.id]


async def test_different_keys_are_not_said_to_be_the_same(world):
    await with_key(world)
    other = await world.draft("telegram")
    answered = await world.entered(other, "bot-token")
    assert answered.problem is None


@pytest.mark.parametrize("integration", ["slack", "github", "salesforce"])
async def test_a_sign_in_again_keeps_the_connection_in_use_throughout(world, integration):
    connection = await world.connected(integration)
    authorization = await world.begin(connection)
    live = await world.hub.credentials.open(world.actor, connection.owner, RevealPurpose.TEST)
    assert live.generation == 1
    await world.come_back(await world.at_provider(authorization))
    again = await world.reload(connection)
    assert again.state is ConnectionState.CONNECTED
    assert again.auth.generation == 2


async def test_why_a_proof_failed_is_told_in_the_providers_words_and_when_to_come_again(world):
    connection = await with_key(world)
    authorization = await world.begin(connection, "api-key")

    async def busy(request):
        error = {"type": "rate_limit_error", "code": "lock_timeout", "message": "Slow down, please."}
        headers = {"Retry-After": "17", "Request-Id": "req_of_stripe"}
        return httpx.Response(429, json={"error": error}, headers=headers)

    world.outside.instead = busy
    answered = await world.hub.authorizations.submit_credentials(
        world.actor, authorization.id, dict(authorization.step.prefilled)
    )

    fault = answered.problem
    assert (fault.code, fault.retryable, fault.retry_after_s) == (ProblemCode.RATE_LIMITED, True, 17)
    assert fault.details["providerStatus"] == 429
    assert fault.details["providerDetail"] == "Slow down, please."
    assert fault.details["providerRequestId"] == "req_of_stripe"
