from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.authenticators.base import Entered
from app.authenticators.basic import BasicAuthenticator
from app.authenticators.entered import blank_request
from app.foundation.errors import InvalidInputError
from app.foundation.secret import Secret
from tests.authenticators.flows import assert_safe, header_of, make_attempt, make_facts, run_flow
from tests.factories.definitions import make_basic, make_form

BASIC = BasicAuthenticator()


def completed(method, **values):
    return run_flow(BASIC.complete(make_facts(method), make_attempt(), Entered(values)))


def pair_of(method, **values):
    ran = completed(method, **values)
    request = BASIC.apply(make_facts(method), ran.result, blank_request())
    scheme, coded = header_of(request, "Authorization").split(" ")
    assert scheme == "Basic"
    assert {Secret(coded).reveal(), *(s.reveal() for s in request.secrets)} >= {coded}
    assert list(request.secret_headers) == ["authorization"]
    return b64decode(coded).decode()


def test_the_header_is_that_of_rfc_7617():
    method = make_basic()
    grant = completed(method, username="Aladdin", password="open sesame").result
    request = BASIC.apply(make_facts(method), grant, blank_request())
    assert header_of(request, "Authorization") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    assert [secret.reveal() for secret in request.secrets] == ["open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="]


def test_utf_8_is_used():
    method = make_basic()
    grant = completed(method, username="test", password="123£").result
    request = BASIC.apply(make_facts(method), grant, blank_request())
    assert header_of(request, "Authorization") == "Basic dGVzdDoxMjPCow=="  # RFC 7617 2.1


def test_templates_build_both_parts():
    form = make_form(email={}, token={"secret": True})
    method = make_basic(
        credentials=form, username="{credentials.email}/token", password="{credentials.token}"
    )
    assert pair_of(method, email="ann@acme.example", token="CANARY") == "ann@acme.example/token:CANARY"


def test_a_key_may_be_the_user_name_alone():
    method = make_basic(credentials=make_form(key={"secret": True}), username="{credentials.key}")
    assert pair_of(method, key="sk_live_CANARY") == "sk_live_CANARY:"
    assert completed(method, key="sk_live_CANARY").result.account.label is None


def test_the_user_name_labels_the_account():
    assert completed(make_basic(), username="ann", password="CANARY").result.account.label == "ann"


@pytest.mark.parametrize("user", ["a:b", ":", "ann:"])
def test_a_colon_in_the_user_name_is_a_problem_of_its_field(user):
    ran = completed(make_basic(), username=user, password="CANARY")
    assert isinstance(ran.error, InvalidInputError)
    assert ran.error.problem.path == ("credentials", "username")


@pytest.mark.parametrize("field", ["username", "password"])
def test_control_characters_are_a_problem_of_their_field(field):
    ran = completed(make_basic(), **{"username": "ann", "password": "CANARY", field: "CANARY\n"})
    assert ran.error.problem.path == ("credentials", field)
    assert_safe(ran.error)


@given(st.text(min_size=1), st.text(min_size=1))
def test_any_pair_comes_out_as_it_went_in_or_is_a_problem(user, password):
    ran = completed(make_basic(), username=user, password=password)
    if ran.error is None:
        assert pair_of(make_basic(), username=user, password=password) == f"{user}:{password}"
    else:
        assert ran.error.problem.path[0] == "credentials"
