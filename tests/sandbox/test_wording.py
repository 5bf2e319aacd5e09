"""Token answers and errors in the definition's own shape."""

from __future__ import annotations

import pytest

from app.catalog.classification import classify
from app.foundation.problems import ProblemCode
from app.sandbox.wording import OAuth2RefusedError, plain_success, problem_answer, token_refusal
from tests.sandbox.acme import ACME, METHODS, TOKEN, acme, acme_oauth

OK = {**TOKEN["example"], "ok": True}
SLACKISH = {"success": "body.ok == `true`", "example": OK}
RULES = [
    {"when": "contains(['bad_secret', 'bad_id'], body.error)", "code": "APPLICATION_REJECTED"},
    {"when": "body.error == 'invalid_code'", "code": "CALLBACK_INVALID"},
    {"when": "body.error == 'invalid_refresh_token'", "code": "REAUTHENTICATION_REQUIRED"},
]


async def test_a_definition_that_picks_nothing_of_its_example_is_answered_without_a_token(sandbox_of):
    driver = sandbox_of(acme_oauth(token={"accessToken": "data.access_token", "refreshToken": "rt"}))
    returned = await driver.consent()
    body = (await driver.exchange(returned["code"])).json()
    assert body["access_token"] == "acme_sample"
    assert "data" not in body
    assert "rt" not in body
    assert (await driver.call("/me", body["access_token"])).status_code == 401


async def test_the_answer_keeps_the_examples_types_and_shape(sandbox_of):
    example = {
        "data": {
            "tokens": [1],
            "access": "a",
            "scopes": ["x"],
            "ttl": "60",
            "more": {"id_token": "eyJh.eyJi.sig"},
        },
        "user_token": "xoxp-1",
        "kept": {"dc": "eu"},
    }
    token = {
        "accessToken": "data.access",
        "refreshToken": None,
        "expiresIn": "data.ttl",
        "granted": "data.scopes",
        "account": {},
        "keep": {"dc": "kept.dc"},
        "secrets": {"userToken": "user_token", "idToken": "data.more.id_token"},
        "example": example,
    }
    driver = sandbox_of(acme_oauth(token=token))
    body = await driver.signed_in()
    assert body["data"]["ttl"] == "60"
    assert body["data"]["scopes"] == ["orders.read", "orders.write", "offline_access"]
    assert body["data"]["tokens"] == [1]
    assert body["data"]["more"] == {"id_token": "eyJh.eyJi.sig"}
    assert body["kept"] == {"dc": "eu"}
    assert body["user_token"] == body["data"]["access"]
    assert (await driver.call("/me", body["user_token"])).status_code == 200


async def test_the_documented_lifetime_holds_where_none_is_sent(sandbox_of):
    driver = sandbox_of(acme_oauth(token={"expiresIn": None, "defaultExpiresIn": 100}))
    body = await driver.signed_in()
    driver.clock.advance(99)
    assert (await driver.call("/me", body["access_token"])).status_code == 200
    driver.clock.advance(1)
    assert (await driver.call("/me", body["access_token"])).status_code == 401


async def test_a_token_without_a_lifetime_does_not_expire_but_an_introspected_one_does(sandbox_of):
    endless = sandbox_of(acme_oauth({"introspectUrl": None}, token={"expiresIn": None}))
    asked = sandbox_of(acme_oauth(token={"expiresIn": None}))
    first, second = await endless.signed_in(), await asked.signed_in()
    endless.clock.advance(80 * 86_400)
    assert (await endless.call("/me", first["access_token"])).status_code == 200
    assert (await asked.call("/me", second["access_token"])).status_code == 401


async def test_a_renewal_with_a_shape_of_its_own_is_answered_in_it(sandbox_of):
    shape = {
        "accessToken": "renewed.token",
        "refreshToken": "renewed.rt",
        "example": {"renewed": {"token": "t", "rt": "r"}},
    }
    driver = sandbox_of(
        acme_oauth({"renewal": {"by": "refresh_token", "rotation": "single_use", "token": shape}})
    )
    body = await driver.signed_in()
    renewed = (await driver.refresh(body["refresh_token"])).json()["renewed"]
    assert (await driver.call("/me", renewed["token"])).status_code == 200
    assert (await driver.refresh(renewed["rt"])).status_code == 200


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        (OAuth2RefusedError("invalid_client", "d", ProblemCode.APPLICATION_REJECTED), "bad_secret"),
        (OAuth2RefusedError("invalid_grant", "d", ProblemCode.CALLBACK_INVALID), "invalid_code"),
        (
            OAuth2RefusedError(
                "invalid_grant", "d", ProblemCode.REDIRECT_URI_MISMATCH, ProblemCode.CALLBACK_INVALID
            ),
            "invalid_code",
        ),
        (
            OAuth2RefusedError("invalid_grant", "d", ProblemCode.REAUTHENTICATION_REQUIRED),
            "invalid_refresh_token",
        ),
        (OAuth2RefusedError("invalid_scope", "d"), "invalid_scope"),
    ],
)
def test_errors_use_the_definitions_words_and_fail_its_success_predicate(fault, word):
    oauth = acme_oauth({"problems": RULES}, token=SLACKISH).auth[0].oauth2
    answer = token_refusal(oauth, fault)
    assert answer.status == 200
    assert answer.body == {"ok": False, "error": word, "error_description": "d"}


def test_without_a_success_predicate_errors_are_those_of_rfc_6749():
    oauth = acme().auth[0].oauth2
    answer = token_refusal(oauth, OAuth2RefusedError("invalid_grant", "d"))
    assert (answer.status, answer.body) == (400, {"error": "invalid_grant", "error_description": "d"})
    answer = token_refusal(oauth, OAuth2RefusedError("invalid_client", "d"))
    assert (answer.status, answer.headers["www-authenticate"]) == (401, 'Basic realm="sandbox"')


@pytest.mark.parametrize(
    ("token", "body"),
    [
        (
            {"error": "error.code", "errorDescription": "error.message"},
            {"error": {"code": "x", "message": "d"}},
        ),
        ({"error": "error.code", "errorDescription": "error"}, {"error": "d"}),
        ({"error": "errors[0].code"}, {"error": "x", "error_description": "d"}),
    ],
)
def test_errors_stand_where_the_definition_looks_for_them(token, body):
    assert token_refusal(acme_oauth(token=token).auth[0].oauth2, OAuth2RefusedError("x", "d")).body == body


def test_numbers_can_be_words_too():
    rules = [
        {
            "when": "body.error.code == `190` || contains(`[191, 192]`, body.error.code)",
            "code": "CALLBACK_INVALID",
        }
    ]
    oauth = acme_oauth({"problems": rules}, token={"error": "error.code"}).auth[0].oauth2
    answer = token_refusal(oauth, OAuth2RefusedError("invalid_grant", "d", ProblemCode.CALLBACK_INVALID))
    assert answer.body["error"] == {"code": 190}


def test_a_predicate_that_no_error_fails_makes_a_plain_400():
    oauth = acme_oauth(token={"success": "status == `200`"}).auth[0].oauth2
    assert token_refusal(oauth, OAuth2RefusedError("x", "d")).status == 400


EXPIRY = "body.error == 'token_expired'"


def failing(*examples, **http):
    me = {**METHODS["me"], "examples": [METHODS["me"]["examples"][0], *examples]}
    rejected = {"when": f"{EXPIRY} || body.error == 'bad'", "code": "CREDENTIALS_REJECTED"}
    base = {**ACME["http"], "success": "body.ok == `true`", "problems": [rejected], "expiry": EXPIRY, **http}
    return acme(methods={"me": me}, http=base)


def example(word, status=200):
    response = {"status": status, "body": {"ok": False, "error": word}}
    return {"title": word, "response": response, "outcome": "CREDENTIALS_REJECTED"}


@pytest.mark.parametrize("expired", [False, True])
def test_of_the_refusals_the_one_that_means_expired_answers_expired_tokens(expired):
    definition = failing(example("bad"), example("token_expired"))
    answer = problem_answer(definition, None, ProblemCode.CREDENTIALS_REJECTED, expired=expired)
    assert answer.body["error"] == ("token_expired" if expired else "bad")


def test_a_missing_example_of_expiry_is_made_of_the_expiry_predicate():
    definition = failing(example("bad"), error={"code": "body.error"})
    answer = problem_answer(definition, None, ProblemCode.CREDENTIALS_REJECTED, expired=True)
    assert answer.body == {"ok": False, "error": "token_expired"}
    assert classify(definition.http, answer.status, {}, answer.body).expired


def test_where_it_cannot_be_made_expired_tokens_get_a_401():
    answer = problem_answer(failing(example("bad")), None, ProblemCode.CREDENTIALS_REJECTED, expired=True)
    assert answer.status == 401


def test_an_example_that_means_something_else_is_not_used():
    wrong = {**example("unheard_of"), "outcome": "CREDENTIALS_REJECTED"}
    answer = problem_answer(failing(wrong), None, ProblemCode.CREDENTIALS_REJECTED)
    assert answer.status == 401


def test_the_smallest_success_is_read_from_the_predicate():
    assert plain_success(failing().http) == {"ok": True}
    assert plain_success(acme().http) == {}
