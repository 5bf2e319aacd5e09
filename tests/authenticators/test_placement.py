import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.authenticators.base import Grant
from app.authenticators.placement import place
from app.authenticators.values import values_of
from app.catalog.definition import Placement
from app.foundation.egress import parse_target
from app.foundation.errors import InvalidInputError, NotAllowedNowError
from app.foundation.messages import OutRequest
from app.foundation.outbound_rules import check_request
from app.foundation.secret import Secret
from tests.authenticators.flows import assert_safe, header_of, make_facts, query_of
from tests.factories.definitions import make_api_key, make_form

URL = "https://api.acme.example/me"
TOKEN = "CANARY-token"


def placed(at, value, *, name=None, request=None, token=TOKEN, config=None, **entered):
    method = make_api_key(credentials=make_form(token={"secret": True}, account={}))
    facts = make_facts(method, config=config or {})
    values = values_of(facts, Grant({"token": Secret(token), **entered}))
    return place(request or OutRequest("GET", URL), Placement(at, name, value), values)


def test_a_header_is_set_and_hidden():
    request = placed("header", "Bearer {credentials.token}", name="Authorization")
    assert header_of(request, "authorization") == "Bearer CANARY-token"
    assert list(request.secret_headers) == ["authorization"]
    assert request.secrets == (Secret(TOKEN),)
    assert TOKEN not in repr(request)


def test_a_header_of_the_same_name_is_replaced_whatever_its_case():
    before = OutRequest("GET", URL, (("AUTHORIZATION", "old"), ("Accept", "*/*")))
    request = placed("header", "{credentials.token}", name="authorization", request=before)
    assert request.headers == (("Accept", "*/*"), ("authorization", TOKEN))


def test_a_query_parameter_is_added_encoded_and_hidden():
    before = OutRequest("GET", f"{URL}?q=a%20b")
    request = placed("query", "{credentials.token}", name="api key", request=before, token="CANARY &=#+ä")
    assert request.url == f"{URL}?q=a%20b&api%20key=CANARY%20%26%3D%23%2B%C3%A4"
    assert query_of(request.url) == {"q": "a b", "api key": "CANARY &=#+ä"}
    assert request.shown_url == f"{URL}?q=a%20b&api%20key={{credentials.token}}"
    assert list(request.secret_query) == ["api key"]


def test_a_query_parameter_of_the_same_name_is_replaced():
    before = OutRequest("GET", f"{URL}?key=theirs&a=1&key=again")
    request = placed("query", "{credentials.token}", name="key", request=before)
    assert request.url == f"{URL}?a=1&key=CANARY-token"


def test_a_query_parameter_that_is_no_secret_is_shown():
    request = placed("query", "{credentials.account}", name="account", account="12")
    assert (request.shown_url, list(request.secret_query), request.secrets) == (f"{URL}?account=12", [], ())


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.telegram.org/getMe", "https://api.telegram.org/bot1:CANARY-x_y/getMe"),
        ("https://api.telegram.org/getMe?a=/b", "https://api.telegram.org/bot1:CANARY-x_y/getMe?a=/b"),
        ("https://api.telegram.org", "https://api.telegram.org/bot1:CANARY-x_y"),
        ("https://api.telegram.org?a=1", "https://api.telegram.org/bot1:CANARY-x_y?a=1"),
    ],
)
def test_a_path_gets_a_prefix_and_shows_the_variable_s_name(url, expected):
    request = placed("path", "/bot{credentials.token}", request=OutRequest("GET", url), token="1:CANARY-x_y")
    assert request.url == expected
    assert request.shown_url == expected.replace("1:CANARY-x_y", "{credentials.token}")
    assert request.secrets == (Secret("1:CANARY-x_y"),)


@pytest.mark.parametrize("token", ["a/b", "a?b", "a#b", "../x", "a\\b", "a%2Fb", "ä", "a b"])
def test_a_path_cannot_be_left_by_a_token(token):
    request = placed("path", "/bot{credentials.token}", token=token)
    path = parse_target(request.url).path
    assert path.startswith("/bot")
    assert path.endswith("/me")
    assert path.count("/") == 2
    assert not {"?", "#", "\\", " "} & set(path)


def test_a_cookie_joins_those_that_are_there():
    before = OutRequest("GET", URL, (("cookie", "a=1"),))
    request = placed("cookie", "{credentials.token}", name="sid", request=before)
    assert request.headers == (("Cookie", "a=1; sid=CANARY-token"),)
    assert list(request.secret_headers) == ["cookie"]


def test_the_configuration_may_name_the_header():
    request = placed("header", "{credentials.token}", name="{config.header}", config={"header": "X-Key"})
    assert header_of(request, "X-Key") == TOKEN


@pytest.mark.parametrize("at", ["header", "query", "path", "cookie"])
@pytest.mark.parametrize("token", ["CANARY\r\nX-Evil: 1", "CANARY\n", "CANARY\x00", "\x7fCANARY"])
def test_no_control_character_gets_anywhere(at, token):
    with pytest.raises(InvalidInputError) as caught:
        placed(at, "/x{credentials.token}", name="Name", token=token)
    assert caught.value.problem.path == ("credentials", "token")
    assert_safe(caught.value)


@pytest.mark.parametrize(
    ("at", "token"),
    [("header", " CANARY"), ("header", "CANARY "), ("header", "CANARYä"), ("header", "")]
    + [("cookie", f"CANARY{mark}") for mark in '; ,"\\ ä'],
)
def test_what_a_header_or_cookie_cannot_carry_is_a_problem_of_the_field(at, token):
    with pytest.raises(InvalidInputError) as caught:
        placed(at, "{credentials.token}", name="Name", token=token)
    assert caught.value.problem.path == ("credentials", "token")
    assert_safe(caught.value)


def test_a_missing_value_means_not_authenticated():
    with pytest.raises(NotAllowedNowError) as caught:
        placed("header", "{credentials.other}", name="X-Key")
    assert caught.value.problem.code == "NOT_AUTHENTICATED"


@given(st.text(min_size=1, max_size=40), st.sampled_from(["header", "query", "path", "cookie"]))
def test_any_token_gives_one_request_to_the_same_host_or_a_problem(token, at):
    try:
        request = placed(at, "/a{credentials.token}b", name="X-Name", token=token)
    except InvalidInputError:
        return
    check_request(request)
    assert parse_target(request.url).origin == ("https", "api.acme.example", 443)
    assert request.shown_url.isascii()
    assert request.headers == () or all(value.isascii() for _, value in request.headers)
