import pytest

from app.catalog.classification import classify, facts_of, general_code
from app.catalog.loader import load_text
from app.foundation.problems import ProblemCode
from tests.catalog.drafts import DRAFT, changed

HTTP = load_text(DRAFT.encode(), "a").definition.http


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, {"ok": True}, None),
        (204, {"ok": True}, None),
        (200, {"ok": False}, ProblemCode.UPSTREAM_REJECTED),
        (200, None, ProblemCode.UPSTREAM_REJECTED),
        (200, {"ok": False, "error": "no_scope"}, ProblemCode.MISSING_SCOPE),
        (403, {"error": "no_scope"}, ProblemCode.MISSING_SCOPE),
        (200, {"ok": True, "error": "no_scope"}, None),
        (401, None, ProblemCode.CREDENTIALS_REJECTED),
        (403, None, ProblemCode.MISSING_SCOPE),
        (404, None, ProblemCode.UPSTREAM_NOT_FOUND),
        (410, None, ProblemCode.UPSTREAM_NOT_FOUND),
        (408, None, ProblemCode.UPSTREAM_TIMEOUT),
        (418, None, ProblemCode.UPSTREAM_REJECTED),
        (429, None, ProblemCode.RATE_LIMITED),
        (500, None, ProblemCode.UPSTREAM_UNAVAILABLE),
        (503, ["text"], ProblemCode.UPSTREAM_UNAVAILABLE),
        (504, None, ProblemCode.UPSTREAM_TIMEOUT),
        (302, None, ProblemCode.UPSTREAM_BAD_RESPONSE),
        (101, None, ProblemCode.UPSTREAM_BAD_RESPONSE),
    ],
)
def test_an_answer_is_good_or_has_one_code(status, body, code):
    outcome = classify(HTTP, status, {}, body)

    assert outcome.code == code


def test_the_row_that_decided_is_told():
    assert classify(HTTP, 200, {}, {"error": "no_scope"}).rule is HTTP.problems[0]
    assert classify(HTTP, 500, {}, None).rule is None


def test_a_401_or_the_definitions_own_sign_means_that_credentials_ran_out():
    text = changed("hosts: [api", "expiry: \"body.error == 'expired'\"\n  hosts: [api")
    http = load_text(text.encode(), "a").definition.http

    assert classify(http, 401, {}, None).expired is True
    assert classify(http, 200, {}, {"ok": False, "error": "expired"}).expired is True
    assert classify(http, 200, {}, {"ok": False, "error": "expired"}).code is ProblemCode.CREDENTIALS_REJECTED
    assert classify(http, 200, {}, {"ok": False}).expired is False
    assert classify(http, 200, {}, {"ok": True, "error": "expired"}).expired is False


def test_a_401_that_the_table_reads_as_something_else_is_no_reason_to_renew():
    outcome = classify(HTTP, 401, {}, {"error": "no_scope"})

    assert outcome.code is ProblemCode.MISSING_SCOPE
    assert outcome.expired is False


def test_predicates_see_headers_under_lower_case_names():
    assert facts_of(200, {"X-Rate": "0"}, {}) == {"status": 200, "headers": {"x-rate": "0"}, "body": {}}


def test_every_status_has_a_general_code():
    assert all(isinstance(general_code(status), ProblemCode) for status in range(100, 600))
