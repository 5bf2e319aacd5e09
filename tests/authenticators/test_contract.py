"""What every authenticator promises, held against every kind of auth method."""

import json

import pytest

from app.authenticators.base import (
    Callback,
    Entered,
    Grant,
    Waiting,
    entered_fields,
    grant_from_stored,
    grant_to_stored,
    secret_fields,
)
from app.authenticators.entered import blank_request
from app.authenticators.registry import authenticator_for
from app.authenticators.steps import step_from_json, step_to_json
from app.foundation.egress import parse_target
from app.foundation.errors import (
    ApplicationRejectedError,
    CredentialsRejectedError,
    InvalidInputError,
    OutsideError,
    PatchbayError,
    TransientOutsideError,
)
from app.foundation.messages import OutRequest
from app.foundation.outbound_rules import check_request
from app.foundation.problems import ProblemCode, problem
from app.foundation.secret import Secret
from tests.authenticators.cases import CASES, Case
from tests.authenticators.flows import CANARY, Ran, answer, make_facts, run_flow
from tests.factories.definitions import make_auth

every_case = pytest.mark.parametrize("case", CASES, ids=str)
TIMEOUT = TransientOutsideError(problem(ProblemCode.UPSTREAM_TIMEOUT))


def begin(case: Case) -> Waiting:
    flow = authenticator_for(case.method).begin(case.facts(), case.attempt({}))
    ran = run_flow(flow, *case.begun)
    check(ran)
    return ran.result


def complete(case: Case, given, *answers) -> Ran:
    kept = begin(case).kept
    flow = authenticator_for(case.method).complete(case.facts(), case.attempt(kept), given)
    return check(run_flow(flow, *answers))


def granted(case: Case) -> Grant:
    ran = complete(case, case.given, *case.good)
    assert isinstance(ran.result, Grant), ran
    return ran.result


def renew(case: Case, grant: Grant, *answers) -> Ran:
    return check(run_flow(authenticator_for(case.method).renew(case.facts(), grant), *answers))


def check(ran: Ran) -> Ran:
    """Every request can be sent as one HTTP request, asks for JSON and shows no secret."""
    for request in ran.requests:
        check_request(request)
        accept = next(value for name, value in request.headers if name == "Accept")
        assert accept.startswith(("application/json", "application/x-www-form-urlencoded"))
        assert_hidden(request)
    assert CANARY not in repr(ran.result)
    return ran


def assert_hidden(request: OutRequest) -> None:
    """The request's own redactor covers every secret in everything that is recorded of it."""
    redactor = request.redactor()
    assert CANARY not in repr(request)
    assert CANARY not in redactor.loose_text(request.url)
    assert all(CANARY not in redactor.header(name, value) for name, value in request.headers)
    body = (request.body or b"").decode()
    media_type = next((value for name, value in request.headers if name.lower() == "content-type"), None)
    assert CANARY not in redactor.body(body, media_type, sent=True)


def test_every_kind_of_the_format_has_its_authenticator():
    for kind in {case.method.kind for case in CASES}:
        assert authenticator_for(make_auth(kind)).kind is kind


@every_case
def test_the_first_step_can_be_stored(case):
    step = begin(case).step
    assert step_from_json(json.loads(json.dumps(step_to_json(step)))) == step


@every_case
def test_a_good_answer_is_a_grant_with_secrets_that_can_be_stored(case):
    grant = granted(case)
    assert grant.values
    assert all(isinstance(value, Secret) and value for value in grant.values.values())
    assert grant_from_stored(grant_to_stored(grant)) == grant
    assert CANARY not in repr(grant)


@every_case
def test_a_refused_answer_is_a_typed_error_with_something_to_do(case):
    assert case.refused
    for refused in case.refused:
        if isinstance(refused, Entered | Callback):
            ran = complete(case, refused)
            assert ran.requests == []
        else:
            ran = complete(case, case.given, refused, refused)
        assert isinstance(ran.error, OutsideError | InvalidInputError), refused
        assert all(fault.remediation for fault in ran.error.problems)


@every_case
def test_an_answer_to_another_step_does_nothing(case):
    for given in (Entered({"x": 1}), Callback((("code", "x"),))):
        if type(given) is not type(case.given):
            ran = complete(case, given)
            assert (ran.codes, ran.requests) == (["NOT_ALLOWED_NOW"], [])


@every_case
def test_an_outage_while_completing_can_be_tried_later(case):
    if case.good:
        for outage in (TIMEOUT, answer({}, 503), answer({"error": "invalid_grant"}, 502)):
            ran = complete(case, case.given, outage)
            is_polled = isinstance(ran.result, Waiting) and ran.result.poll_after_s
            assert is_polled or type(ran.error) is TransientOutsideError


@every_case
def test_a_grant_is_renewed_where_it_says_that_it_can_be(case):
    grant, authenticator = granted(case), authenticator_for(case.method)
    assert authenticator.can_renew(case.method, grant) is bool(case.renewed)
    if not case.renewed:
        ran = renew(case, grant)
        assert isinstance(ran.error, PatchbayError)
        assert ran.requests == []
        return
    new = renew(case, grant, *case.renewed).result
    assert new.values.keys() >= grant.values.keys()
    assert new.values != grant.values
    assert new.requested_scopes == grant.requested_scopes
    assert new.account.kept.keys() >= grant.account.kept.keys()
    assert authenticator.can_renew(case.method, new)


@every_case
def test_a_dead_grant_is_told_from_an_outage(case):
    if case.renewed:
        grant = granted(case)
        assert type(renew(case, grant, *case.dead).error) is CredentialsRejectedError
        for outage in (TIMEOUT, answer({"error": "invalid_grant"}, 500), answer({}, 429)):
            assert type(renew(case, grant, outage).error) is TransientOutsideError


@every_case
def test_a_rejected_application_is_never_the_connection_s_fault(case):
    if case.renewed and case.method.oauth2:
        rejected = answer({"ok": False, "error": "invalid_client"}, 401)
        assert type(renew(case, granted(case), rejected).error) is ApplicationRejectedError


@every_case
def test_a_revocation_says_what_is_dead_and_what_lives(case):
    grant = granted(case)
    ran = check(run_flow(authenticator_for(case.method).revoke(case.facts(), grant), *case.revoked))
    secret = {
        name
        for name in grant.values
        if name in secret_fields(case.method) or name not in entered_fields(case.method)
    }
    assert {*ran.result.revoked, *ran.result.alive} == secret
    assert not {*ran.result.revoked} & {*ran.result.alive}
    assert bool(ran.result.revoked) is bool(case.revoked)


@every_case
def test_credentials_are_placed_on_a_request_and_marked(case):
    grant = granted(case)
    before = OutRequest("POST", "https://api.acme.example/v1/things?a=1", (("X-Other", "kept"),), b"{}")
    request = authenticator_for(case.method).apply(case.facts(), grant, before)
    check_request(request)
    assert_hidden(request)
    assert request != before
    assert request.secrets
    assert (request.method, request.body) == (before.method, before.body)
    assert ("X-Other", "kept") in request.headers
    assert parse_target(request.url).origin == parse_target(before.url).origin
    assert "a=1" in request.url
    assert "/v1/things" in request.url


@every_case
def test_without_the_value_nothing_is_placed(case):
    with pytest.raises(PatchbayError) as caught:
        authenticator_for(case.method).apply(case.facts(), Grant({}), blank_request())
    assert caught.value.problem.code == "NOT_AUTHENTICATED"


@every_case
def test_facts_show_no_secret(case):
    assert CANARY not in repr(make_facts(case.method))
