"""Token answers as authorization servers really send them."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from starlette.responses import JSONResponse, Response

from app.connections.snapshot import AuthorizationStateName as State
from tests.canary import secret
from tests.field.provider import token_answer


async def signed_in(live, answer):
    """Sign in with this token answer; return the connection and how its authorization ended."""
    live.provider.will("/token", answer)
    connection = await live.live()
    authorization = await live.sign_in(connection)
    return await live.reload(connection), (authorization.state, authorization.problem)


@pytest.mark.parametrize("told", ["BearerToken", "Bearer Token", "JWT", "token"])
async def test_b1_a_provider_s_own_word_for_bearer_is_used_as_bearer(live, told):
    """B1: Apigee says ``BearerToken``."""
    token = secret("access-")
    connection, ended = await signed_in(live, token_answer(access_token=token, token_type=told))
    assert ended == (State.AUTHENTICATED, None)
    assert (await live.tested(connection)).verdict == "PASSED"
    asked = [form["header:authorization"] for path, form in live.provider.asked if path == "/me"]
    assert asked[0] == f"Bearer {token}"


async def test_b1_a_token_that_takes_a_proof_is_refused_with_its_type(live):
    """B1, the neighbour: RFC 6749 7.1 has types that are not sent alone."""
    _, (state, problem) = await signed_in(live, token_answer(token_type="DPoP"))
    assert (state, problem.code) == (State.FAILED, "TOKEN_RESPONSE_INVALID")
    assert "DPoP" in problem.details["providerDetail"]


# Without a life: access that ends and cannot be renewed is worth a word of its own.
BODY = {"access_token": secret("access-"), "token_type": "Bearer", "scope": "read write"}
FORM, JSON = urlencode(BODY).encode(), json.dumps(BODY).encode()
ACCENTED = json.dumps(BODY | {"team": "Caf\u00e9"}, ensure_ascii=False)
SENT = {
    "JSON as a form": (JSON, "application/x-www-form-urlencoded"),
    "JSON as a picture": (JSON, "image/gif"),
    "JSON in UTF-16": (JSON.decode().encode("utf-16"), "application/json"),
    "JSON in Latin-1": (ACCENTED.encode("latin-1"), "application/json; charset=ISO-8859-1"),
    "JSON in a charset that is not declared": (ACCENTED.encode("latin-1"), "application/json"),
    "a form as HTML": (FORM, "text/html; charset=utf-8"),
    "a form as JSON": (FORM, "application/json"),
    "a form with a line end": (FORM + b"\r\n", "text/plain"),
    "a form in Latin-1": (FORM + b"&team=Caf%E9", "application/x-www-form-urlencoded"),
}


@pytest.mark.parametrize(("body", "label"), SENT.values(), ids=[f"B9 {name}" for name in SENT])
async def test_b9_an_answer_is_read_by_what_it_is(live, body, label):
    connection, ended = await signed_in(live, Response(body, headers={"content-type": label}))
    assert ended == (State.AUTHENTICATED, None)
    assert connection.auth.granted_scopes == ("read", "write")


GRANTED = ["read,write", "read, write", "write,read", "read  write", ["read", "write"], ["read,write"]]


@pytest.mark.parametrize("granted", GRANTED, ids=[f"B10 {granted}" for granted in GRANTED])
async def test_b10_scopes_are_granted_however_the_answer_separates_them(live, granted):
    connection, ended = await signed_in(live, token_answer(scope=granted))
    assert ended == (State.AUTHENTICATED, None)
    assert set(connection.auth.granted_scopes) == {"read", "write"}
    assert live.hub.connections.missing_scopes(live.actor, connection) == ()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            {"type": "about:blank", "title": "Forbidden", "status": 403, "detail": "Not from here."},
            "Not from here.",
        ),
        (
            {"type": "about:blank", "title": "Forbidden by the gateway", "status": 403},
            "Forbidden by the gateway",
        ),
        ({"message": "No API key found"}, "No API key found"),
    ],
    ids=["B9 problem details", "B9 problem details without a detail", "B9 a gateway"],
)
async def test_b9_a_refusal_in_other_words_than_oauth_s_is_shown(live, body, said):
    """B9, the neighbour: a gateway in front of the token endpoint answers by RFC 9457 or in words of its own."""
    answer = JSONResponse(body, 403, media_type="application/problem+json")
    _, (state, problem) = await signed_in(live, answer)
    assert (state, problem.details["providerDetail"]) == (State.FAILED, said)
