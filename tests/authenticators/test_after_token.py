from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.authenticators.base import Chosen, Grant, Waiting
from app.authenticators.oauth2 import OAuth2Authenticator
from app.authenticators.steps import AccountChoiceStep
from app.catalog.definition import ProblemRule
from app.foundation.errors import (
    CredentialsRejectedError,
    InvalidInputError,
    RefusedOutsideError,
    TransientOutsideError,
)
from app.foundation.messages import OutRequest
from app.foundation.problems import ProblemCode, problem
from tests.authenticators.flows import (
    answer,
    begun,
    callback,
    header_of,
    make_attempt,
    make_facts,
    run_flow,
    token_body,
)
from tests.factories.definitions import (
    make_after_token,
    make_definition,
    make_http,
    make_method,
    make_oauth2,
)

OAUTH2 = OAuth2Authenticator()
XERO = make_oauth2(
    after_token=(
        make_after_token(items="[*]", id="tenantId", label="tenantName", keep={"tenantId": "tenantId"}),
    )
)
TENANTS = [{"tenantId": "t1", "tenantName": "One"}, {"tenantId": "t2", "tenantName": "Two"}]


def complete(method, *answers, **facts):
    flow = OAUTH2.complete(make_facts(method, **facts), begun(), callback(code="c"))
    return run_flow(flow, answer(token_body()), *answers)


def choose(method, waiting, option, *answers):
    attempt = make_attempt(kept=waiting.kept)
    return run_flow(OAUTH2.complete(make_facts(method), attempt, Chosen(option)), *answers)


def test_the_call_is_a_method_of_the_definition_with_the_new_token():
    definition = make_definition(
        XERO,
        http=make_http(headers={"Accept": "application/json"}),
        methods={
            "accounts.list": make_method("accounts.list", path="/accounts", headers={"X-A": "{config.a}"})
        },
    )
    request = complete(XERO, answer(TENANTS[:1]), definition=definition, config={"a": "1"}).requests[1]
    assert (request.method, request.url) == ("GET", "https://api.acme.example/accounts")
    assert header_of(request, "Authorization") == "Bearer CANARY-access-1"
    assert (header_of(request, "Accept"), header_of(request, "X-A")) == ("application/json", "1")
    assert "CANARY" not in repr(request)


def test_one_account_is_taken_without_asking():
    account = complete(XERO, answer(TENANTS[:1])).result.account
    assert (account.id, account.label, account.kept["tenantId"]) == ("t1", "One", "t1")


def test_several_accounts_are_offered_and_the_chosen_one_is_kept():
    waiting = complete(XERO, answer(TENANTS)).result
    assert isinstance(waiting, Waiting)
    assert isinstance(waiting.step, AccountChoiceStep)
    assert [(option.id, option.label) for option in waiting.step.options] == [("t1", "One"), ("t2", "Two")]
    assert "CANARY" not in repr(waiting)
    ran = choose(XERO, waiting, "t2")
    assert isinstance(ran.result, Grant)
    assert (ran.result.account.id, ran.result.account.kept["tenantId"]) == ("t2", "t2")
    assert ran.result.values["accessToken"].reveal() == "CANARY-access-1"
    assert ran.result.expires_in_s == 3600


@pytest.mark.parametrize("option", ["t3", "", "T1"])
def test_an_account_that_was_not_offered_cannot_be_chosen(option):
    ran = choose(XERO, complete(XERO, answer(TENANTS)).result, option)
    assert isinstance(ran.error, InvalidInputError)
    assert ran.requests == []


def test_the_first_is_taken_where_nobody_is_asked():
    method = make_oauth2(after_token=(make_after_token(choose=False),))
    body = {"accounts": [{"id": 1, "name": "One"}, {"id": 2, "name": "Two"}]}
    assert complete(method, answer(body)).result.account.id == "1"


def test_the_answer_itself_may_be_the_account():
    step = make_after_token(method="me", items="[@]", id="sub", label="email", keep={}, choose=False)
    account = complete(
        make_oauth2(after_token=(step,)), answer({"sub": "u1", "email": "ann@acme.example"})
    ).result.account
    assert (account.id, account.label, account.kept["team"]) == ("u1", "ann@acme.example", "T1")


def test_calls_after_a_choice_go_on_with_what_was_chosen():
    me = make_after_token(
        method="me", items="[@]", id="sub", label="email", keep={"user": "sub"}, choose=False
    )
    method = make_oauth2(after_token=(make_after_token(), me))
    body = {"accounts": [{"id": "a", "name": "A"}, {"id": "b", "name": "B"}]}
    ran = choose(method, complete(method, answer(body)).result, "b", answer({"sub": "u1", "email": "e"}))
    assert len(ran.requests) == 1
    assert dict(ran.result.account.kept) == {"team": "T1", "accountId": "b", "user": "u1"}


def test_an_account_without_a_name_is_called_by_its_id_and_one_without_an_id_is_none():
    body = {
        "accounts": [
            {"name": "x"},
            7,
            None,
            {"id": "a"},
            {"id": "a", "name": "again"},
            {"id": "b", "name": ""},
        ]
    }
    method = make_oauth2(after_token=(make_after_token(),))
    options = complete(method, answer(body)).result.step.options
    assert [(option.id, option.label) for option in options] == [("a", "a"), ("b", "b")]


@pytest.mark.parametrize(
    "body", [{"accounts": []}, {}, [], None, {"accounts": {"id": 1}}, {"accounts": [{}]}]
)
def test_without_any_account_there_is_no_grant(body):
    method = make_oauth2(after_token=(make_after_token(),))
    ran = complete(method, answer(body))
    assert ran.codes == ["PROVIDER_REFUSED_AUTHORIZATION"]
    assert ran.error.problem.details["cause"] == "NO_ACCOUNT"


@pytest.mark.parametrize(
    ("response", "error", "code"),
    [
        (answer({}, 401), CredentialsRejectedError, "CREDENTIALS_REJECTED"),
        (answer({}, 403), RefusedOutsideError, "MISSING_SCOPE"),
        (answer({}, 404), RefusedOutsideError, "UPSTREAM_NOT_FOUND"),
        (answer({}, 302), RefusedOutsideError, "UPSTREAM_BAD_RESPONSE"),
        (answer(b"<html>", 200), RefusedOutsideError, "PROVIDER_REFUSED_AUTHORIZATION"),
        (answer({}, 429, retry_after="9"), TransientOutsideError, "RATE_LIMITED"),
        (answer({}, 503), TransientOutsideError, "UPSTREAM_UNAVAILABLE"),
    ],
)
def test_a_failed_call_says_whose_move_it_is(response, error, code):
    ran = complete(XERO, response, response)
    assert (type(ran.error), ran.codes) == (error, [code])
    assert ran.error.problem.retry_after_s == (9 if response.status == 429 else None)


@pytest.mark.parametrize(
    "outage", [answer({}, 503), TransientOutsideError(problem(ProblemCode.UPSTREAM_TIMEOUT))]
)
def test_a_call_is_repeated_after_an_outage_because_the_code_is_spent(outage):
    ran = complete(XERO, outage, answer(TENANTS[:1]))
    assert ran.result.account.id == "t1"
    assert ran.requests[2] == replace(ran.requests[1], wait_s=1.0)
    lasting = complete(XERO, outage)
    assert lasting.codes[0].startswith("UPSTREAM_")
    assert [request.wait_s for request in lasting.requests[1:]] == [0.0, 1.0, 2.0, 4.0, 8.0]


def test_a_call_is_repeated_when_the_provider_asks_to_and_not_where_that_is_too_late():
    soon = complete(XERO, answer({}, 429, retry_after="7"), answer(TENANTS[:1]))
    assert [request.wait_s for request in soon.requests[1:]] == [0.0, 7.0]
    assert len(complete(XERO, answer({}, 429, retry_after="31")).requests) == 2


def test_the_definition_s_error_table_holds_here_too():
    http = make_http(
        success="body.ok == `true`", problems=(ProblemRule("body.error == 'x'", "MISSING_SCOPE", {}, None),)
    )
    definition = make_definition(XERO, http=http)
    assert complete(XERO, answer({"ok": False, "error": "x"}), definition=definition).codes == [
        "MISSING_SCOPE"
    ]


def test_a_method_keeps_its_defaults():
    method = make_method(
        "accounts.list",
        path="/accounts/{params.kind}",
        http_method="POST",
        params={
            "type": "object",
            "properties": {"kind": {"default": "all"}, "limit": {"default": 5}, "deep": {"default": True}},
        },
        places={"kind": "path", "limit": "query", "deep": "body"},
        body_format="json",
    )
    definition = make_definition(XERO, methods={"accounts.list": method})
    request: OutRequest = complete(XERO, answer(TENANTS[:1]), definition=definition).requests[1]
    assert (request.method, request.url) == ("POST", "https://api.acme.example/accounts/all?limit=5")
    assert request.body == b'{"deep": true}'


bodies = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["accounts", "id", "name", "x"]), inner, max_size=3)
    ),
)


@given(st.fixed_dictionaries({"accounts": st.lists(bodies, max_size=4)}) | bodies)
def test_whatever_the_call_answers_it_is_a_grant_a_choice_or_a_typed_error(body):
    ran = complete(make_oauth2(after_token=(make_after_token(),)), answer(body))
    if isinstance(ran.result, Grant):
        assert ran.result.account.id
    elif isinstance(ran.result, Waiting):
        ids = [option.id for option in ran.result.step.options]
        assert len(ids) == len(set(ids)) > 1
    else:
        assert isinstance(ran.error, RefusedOutsideError)
