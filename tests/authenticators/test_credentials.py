import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.authenticators.base import Grant
from app.authenticators.credentials import (
    credential_problems,
    form_step,
    prefilled,
    read_entered,
    secret_hints,
)
from app.foundation.errors import InvalidInputError
from app.foundation.secret import Secret
from tests.authenticators.flows import assert_safe, make_attempt, make_facts
from tests.factories.definitions import make_api_key, make_basic, make_form

KEY = make_api_key(
    credentials=make_form(
        token={"secret": True, "pattern": "^xoxb-[a-z]+$", "title": "Bot token"},
        user={"maxLength": 10},
    )
)


def told(values, method=KEY):
    return {(p.path, p.code.value) for p in credential_problems(method, values)}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"token": "xoxb-abc", "user": "ann"}, set()),
        ({"token": Secret("xoxb-abc"), "user": "ann"}, set()),
        ({"user": "ann"}, {(("credentials", "token"), "MISSING_FIELD")}),
        ({"token": None, "user": "ann"}, {(("credentials", "token"), "MISSING_FIELD")}),
        ({"token": "CANARY", "user": "ann"}, {(("credentials", "token"), "PATTERN_MISMATCH")}),
        ({"token": "xoxb-abc", "user": "a" * 11}, {(("credentials", "user"), "FIELD_TOO_LONG")}),
        ({"token": "xoxb-abc", "user": ""}, {(("credentials", "user"), "INVALID_FIELD")}),
        ({"token": 7, "user": "ann"}, {(("credentials", "token"), "INVALID_FIELD")}),
        ({"token": [Secret("CANARY")], "user": "ann"}, {(("credentials", "token"), "INVALID_FIELD")}),
        ({"token": {"v": Secret("CANARY")}, "user": "ann"}, {(("credentials", "token"), "INVALID_FIELD")}),
        ({"token": "xoxb-abc", "user": "ann", "x": 1}, {(("credentials", "x"), "UNKNOWN_FIELD")}),
        ({}, {(("credentials", "token"), "MISSING_FIELD"), (("credentials", "user"), "MISSING_FIELD")}),
    ],
)
def test_problems_stand_at_their_field(values, expected):
    assert told(values) == expected


@given(
    st.dictionaries(
        st.sampled_from(["token", "user", "x"]), st.sampled_from(["CANARY", 7, "", ["CANARY"], None])
    )
)
def test_no_problem_holds_a_value(values):
    try:
        read_entered(KEY, values)
    except InvalidInputError as error:
        assert_safe(error)


def test_entered_values_become_secrets_with_defaults_and_without_white_space_around_them():
    form = make_form(token={"secret": True})
    form["properties"]["region"] = {"type": "string", "default": "eu"}
    form["properties"]["test"] = {"type": "boolean"}
    entered = read_entered(make_api_key(credentials=form), {"token": " CANARY\n", "test": True})
    assert dict(entered) == {"token": Secret("CANARY"), "region": Secret("eu"), "test": Secret("true")}


def test_a_password_keeps_its_white_space():
    entered = read_entered(make_basic(), {"username": "ann", "password": " CANARY "})
    assert entered["password"] == Secret(" CANARY ")


def test_only_white_space_is_no_key():
    with pytest.raises(InvalidInputError) as caught:
        read_entered(make_api_key(), {"token": "  "})
    assert caught.value.problem.path == ("credentials", "token")


def test_hints_tell_of_secret_values_only():
    values = {
        "user": Secret("ann"),
        "accessToken": Secret("x" * 20),
        "token": Secret("CANARY-0123456789-wxyz"),
    }
    assert list(secret_hints(KEY, Grant(values)).items()) == [("token", "…wxyz"), ("accessToken", "…xxxx")]


def test_a_short_secret_has_no_hint():
    assert secret_hints(KEY, Grant({"token": Secret("short")})) == {"token": None}


def test_example_values_are_filled_in_for_the_sandbox_only():
    assert prefilled(KEY) == {"token": "sandbox-token", "user": "sandbox-user"}
    step = form_step(make_facts(KEY), make_attempt())
    assert (step.prefilled, step.schema) == ({}, KEY.credentials)
    assert form_step(make_facts(KEY), make_attempt(prefill=True)).prefilled == prefilled(KEY)
