import json
from dataclasses import replace

import pytest

from app.authenticators.judge import read_answer
from app.catalog.catalog import load_catalog
from app.foundation.clock import FrozenClock
from app.foundation.errors import CredentialsRejectedError, RefusedOutsideError, TransientOutsideError
from app.foundation.messages import InResponse
from app.foundation.problems import ProblemCode
from app.foundation.redaction import Redactor
from app.foundation.secret import Secret

CATALOG = load_catalog()
NOW = FrozenClock().now()


def read(integration, status, body, headers=(), secrets=()):
    response = InResponse(status, tuple(headers), json.dumps(body).encode())
    return read_answer(CATALOG.definition(integration), response, NOW, Redactor(secrets))


def test_a_good_answer_is_no_error():
    outcome, error = read("slack", 200, {"ok": True})

    assert outcome.code is None
    assert error is None


@pytest.mark.parametrize(
    ("integration", "status", "body", "kind", "code"),
    [
        ("telegram", 401, {"ok": False}, CredentialsRejectedError, ProblemCode.CREDENTIALS_REJECTED),
        ("slack", 200, {"ok": False, "error": "not_in_channel"}, RefusedOutsideError, ProblemCode.UPSTREAM_REJECTED),
        ("xero", 401, {"Detail": "AuthorizationUnsuccessful"}, RefusedOutsideError, ProblemCode.MISSING_SCOPE),
        ("stripe", 500, {"error": {"type": "api_error"}}, TransientOutsideError, ProblemCode.UPSTREAM_UNAVAILABLE),
    ],
)  # fmt: skip
def test_the_definitions_table_decides_what_a_refusal_is(integration, status, body, kind, code):
    _, error = read(integration, status, body)

    assert type(error) is kind
    assert error.problem.code is code


def test_missing_scopes_are_told():
    _, error = read("slack", 200, {"ok": False, "error": "missing_scope", "needed": "chat:write,users:read"})

    assert error.problem.details["missingScopes"] == ["chat:write", "users:read"]
    assert "chat:write, users:read" in error.problem.message


def test_the_time_to_wait_is_read_where_the_definition_says():
    body = {
        "ok": False,
        "error_code": 429,
        "description": "Too Many Requests",
        "parameters": {"retry_after": 5},
    }

    assert read("telegram", 429, body)[1].problem.retry_after_s == 5.0
    assert read("telegram", 429, body, [("Retry-After", "7")])[1].problem.retry_after_s == 7.0
    assert read("telegram", 429, {"ok": False}, [("Retry-After", "soon")])[1].problem.retry_after_s == 1.0
    assert read("salesforce", 429, {})[1].problem.retry_after_s is None


@pytest.mark.parametrize(
    ("told", "expected"), [("7", 7.0), ("1767225630", 30.0), ("1767225500", 0.0), ("9999999999", 86_400.0)]
)
def test_an_instant_is_told_from_seconds(told, expected):
    definition = CATALOG.definition("github")
    http = replace(definition.http, retry_after='headers."x-ratelimit-reset"')
    answer = InResponse(429, (("X-RateLimit-Reset", told),), b"{}")
    _, error = read_answer(replace(definition, http=http), answer, NOW, Redactor())
    assert error.problem.retry_after_s == expected


def test_what_the_provider_asks_to_wait_is_said_and_nothing_is_made_up():
    assert read("github", 404, {}, [("Retry-After", "7")])[1].problem.retry_after_s == 7.0
    assert read("github", 404, {})[1].problem.retry_after_s is None
    assert read("github", 503, {}, [("Retry-After", "7")])[1].problem.retry_after_s == 7.0
    assert read("github", 503, {})[1].problem.retry_after_s is None


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("https://other.example/a?key=CANARY", "other.example"),
        ("/elsewhere", "another address"),
        ("https://a b\x1b/", "another address"),
        ("", "another address"),
    ],
)
def test_a_redirect_that_is_not_followed_says_where_it_leads_and_nothing_more(location, said):
    _, error = read("github", 302, {}, [("Location", location)])
    assert error.problem.code is ProblemCode.UPSTREAM_BAD_RESPONSE
    assert error.problem.details["cause"] == "REDIRECT"
    assert said in error.problem.details["providerDetail"]
    assert "CANARY" not in json.dumps(dict(error.problem.details))


def test_what_the_provider_says_is_read_where_the_definition_says():
    body = {"error": {"type": "card_error", "code": "card_declined", "message": "Declined.\x1b[31m"}}
    _, error = read("stripe", 402, body, [("Request-Id", "req_1")])

    assert error.problem.details["providerStatus"] == 402
    assert error.problem.details["providerCode"] == "card_declined"
    assert error.problem.details["providerDetail"] == "Declined. [31m"
    assert error.problem.details["providerRequestId"] == "req_1"


def test_no_secret_and_no_flood_comes_back_in_the_details():
    secret = Secret("sk_test_sandbox0000")
    body = {"error": {"code": "bad", "message": f"Invalid key {secret.reveal()} " + "x" * 1000}}
    _, error = read("stripe", 401, body, secrets=[secret])

    assert secret.reveal() not in json.dumps(dict(error.problem.details))
    assert len(error.problem.details["providerDetail"]) == 300


def test_the_definitions_own_steps_come_first():
    _, error = read("slack", 200, {"ok": False, "error": "not_in_channel"})

    assert error.problem.remediation[0].text.startswith("Open the channel in Slack")
