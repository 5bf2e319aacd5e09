import json
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.authenticators.method_request import method_request
from app.foundation.egress import parse_target
from app.foundation.errors import InvalidInputError, NotAllowedNowError, RefusedOutsideError
from app.foundation.outbound_rules import check_request
from app.foundation.secret import Secret
from tests.authenticators.flows import assert_safe, header_of, make_facts
from tests.factories.definitions import make_api_key, make_definition, make_http, make_method

AUTH = make_api_key()


def request(params=None, *, http=None, config=None, account=None, properties=None, **method):
    places = method.setdefault("places", {})
    schema = {"type": "object", "properties": {name: {} for name in places} | (properties or {})}
    made = make_method("call", params=schema, **method)
    facts = make_facts(
        AUTH,
        definition=make_definition(AUTH, http=http or make_http(), methods={"call": made}),
        config=config or {},
        account=account or {},
    )
    return method_request(facts, "call", params or {})


def pairs(text):
    return parse_qsl(text, keep_blank_values=True)


def test_a_path_parameter_is_percent_encoded():
    made = request({"id": "a b/ä?#"}, path="/users/{params.id}/x", places={"id": "path"})
    assert made.url == "https://api.acme.example/users/a%20b%2F%C3%A4%3F%23/x"


@pytest.mark.parametrize("value", ["", ".", "..", "%2e%2e", "a/..", "../b", ".%2E"])
@pytest.mark.parametrize("path", ["/users/{params.id}", "/users/{+params.id}"])
def test_a_path_parameter_cannot_mean_another_path(value, path):
    with pytest.raises(InvalidInputError) as caught:
        request({"id": value}, path=path, places={"id": "path"})
    assert caught.value.problem.path == ("params", "id")


def test_a_path_with_dots_in_its_names_is_fine():
    assert request({"id": "v1.2/..x/a...b"}, path="/{+params.id}", places={"id": "path"}).url.endswith(
        "/v1.2/..x/a...b"
    )


@pytest.mark.parametrize(
    "path", ["@evil.example/", ".evil.example", "//evil.example", "\\evil", "", "x", ":8443/"]
)
def test_a_whole_path_from_outside_cannot_change_the_host(path):
    try:
        made = request({"path": path}, path="{+params.path}", places={"path": "path"})
    except InvalidInputError:
        return
    assert parse_target(made.url).origin == ("https", "api.acme.example", 443)


def test_query_parameters_are_written_as_openapi_says():
    places = dict.fromkeys(["q", "n", "flag", "none", "list", "joined", "deep", "items"], "query")
    params = {
        "q": "a b&c=ä",
        "n": 1.5,
        "flag": True,
        "none": None,
        "list": ["x", "y"],
        "joined": ["x", "y"],
        "deep": {"a": {"b": 1}, "c": None},
        "items": [{"price": "p", "n": 1}],
    }
    made = request(params, places=places, properties={"joined": {"explode": False}})
    assert pairs(made.url.partition("?")[2]) == [
        ("q", "a b&c=ä"),
        ("n", "1.5"),
        ("flag", "true"),
        ("list", "x"),
        ("list", "y"),
        ("joined", "x,y"),
        ("deep[a][b]", "1"),
        ("items[0][price]", "p"),
        ("items[0][n]", "1"),
    ]
    assert "deep[a][b]=1" in made.url


def test_a_query_follows_one_that_the_path_has():
    assert request({"q": 1}, path="/me?a=1", places={"q": "query"}).url.endswith("/me?a=1&q=1")


def test_a_json_body_holds_the_body_parameters_and_defaults():
    made = request(
        {"a": {"b": [1]}},
        http_method="POST",
        body_format="json",
        places={"a": "body", "c": "body"},
        properties={"c": {"default": "d"}},
    )
    assert json.loads(made.body) == {"a": {"b": [1]}, "c": "d"}
    assert header_of(made, "Content-Type") == "application/json"


@pytest.mark.parametrize("value", [{"x": 1}, [1], "text", 0, False, None])
def test_one_parameter_may_be_the_whole_body(value):
    made = request(
        {"body": value}, http_method="POST", body_format="json", body_param="body", places={"body": "body"}
    )
    assert json.loads(made.body) == value


def test_a_form_body_uses_brackets_for_objects():
    made = request(
        {"amount": 4200, "metadata": {"order": "1001"}, "items": [{"price": "p"}], "tags": ["a", "b"]},
        http_method="POST",
        body_format="form",
        places=dict.fromkeys(["amount", "metadata", "items", "tags"], "body"),
        properties={"tags": {"style": "deepObject"}},
    )
    assert pairs(made.body.decode()) == [
        ("amount", "4200"),
        ("metadata[order]", "1001"),
        ("items[0][price]", "p"),
        ("tags[0]", "a"),
        ("tags[1]", "b"),
    ]
    assert header_of(made, "Content-Type") == "application/x-www-form-urlencoded"


@pytest.mark.parametrize("body_format", ["json", "form", "none"])
def test_without_body_parameters_there_is_no_body(body_format):
    made = request(http_method="POST", body_format=body_format)
    assert made.body is None
    assert header_of(made, "Content-Type") is None


def test_headers_come_from_the_definition_the_method_and_the_parameters():
    made = request(
        {"X-Version": 2},
        http=make_http(
            headers={"Accept": "application/json", "X-Tenant": "{account.tenant}", "X-Opt": "{config.o}"}
        ),
        headers={"accept": "text/plain"},
        account={"tenant": "t1"},
        places={"X-Version": "header"},
    )
    assert dict(made.headers) == {"X-Tenant": "t1", "accept": "text/plain", "X-Version": "2"}


def test_a_secret_of_the_configuration_is_hidden_wherever_it_stands():
    made = request(
        http=make_http(base_url="https://api.acme.example/{config.key}", headers={"X-Key": "{config.key}"}),
        config={"key": Secret("CANARY-key")},
    )
    assert made.url == "https://api.acme.example/CANARY-key/me"
    assert "CANARY" not in repr(made)
    assert "x-key" in made.secret_headers


def test_parameters_that_the_schema_calls_secret_are_hidden():
    made = request(
        {"pin": "CANARY-pin"},
        http_method="POST",
        body_format="json",
        places={"pin": "body"},
        properties={"pin": {"type": "string", "secret": True}},
    )
    assert "pin" in made.secret_fields
    assert made.secrets == (Secret("CANARY-pin"),)


def test_a_method_may_have_an_address_of_its_own():
    made = request(base_url="https://auth.acme.example/v2/", path="/userinfo")
    assert made.url == "https://auth.acme.example/v2/userinfo"


@pytest.mark.parametrize("host", ["evil.example", "169.254.169.254", "api.acme.example.evil.example"])
def test_no_request_is_made_for_a_host_that_the_definition_does_not_allow(host):
    with pytest.raises(RefusedOutsideError) as caught:
        request(http=make_http(base_url="https://{account.host}"), account={"host": host})
    assert caught.value.problem.code == "EGRESS_BLOCKED"


def test_a_host_of_the_configuration_is_allowed_where_the_definition_says_so():
    http = make_http(base_url="{+config.url}", hosts=("{config.url}",))
    assert request(http=http, config={"url": "http://127.0.0.1:9/x"}).url == "http://127.0.0.1:9/x/me"


def test_a_value_that_is_missing_is_named():
    with pytest.raises(NotAllowedNowError) as caught:
        request(http=make_http(base_url="{+config.url}"))
    assert caught.value.problem.path == ("config", "url")


@pytest.mark.parametrize("value", ["CANARY\r\nX: 1", "CANARY\x00"])
def test_no_line_break_gets_into_a_header_or_path(value):
    for place, path in (("header", "/me"), ("path", "/{params.v}")):
        with pytest.raises(InvalidInputError) as caught:
            check_request(request({"v": value}, path=path, places={"v": place}))
        assert_safe(caught.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
)


@given(json_values, st.sampled_from(["path", "query", "header", "body"]), st.sampled_from(["json", "form"]))
def test_any_value_gives_one_request_to_the_same_host_or_a_problem(value, place, body_format):
    path = "/a/{params.v}/b" if place == "path" else "/a/b"
    try:
        made = request(
            {"v": value}, path=path, http_method="POST", body_format=body_format, places={"v": place}
        )
        check_request(made)
    except InvalidInputError:
        return
    target = parse_target(made.url)
    assert target.origin == ("https", "api.acme.example", 443)
    assert target.path.partition("?")[0].startswith("/a/")
    assert target.path.partition("?")[0].endswith("/b")
