import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.authenticators.base import ApplicationFacts, Grant
from app.authenticators.values import Param, values_of
from app.foundation.egress import parse_target
from app.foundation.errors import InvalidInputError, NotAllowedNowError
from app.foundation.secret import Secret
from tests.authenticators.flows import make_facts
from tests.factories.definitions import make_api_key, make_form


def values(config=None, account=None, application=None, **entered):
    method = make_api_key(credentials=make_form(token={"secret": True}, user={}))
    facts = make_facts(method, config=config or {}, account=account or {}, application=application)
    return values_of(facts, Grant(entered))


def test_all_groups_are_seen():
    seen = values(
        {"a": 1, "deep": {"b": True}},
        {"c": "kept"},
        ApplicationFacts("id", Secret("CANARY"), {"tenant": "t"}),
        token=Secret("CANARY-token"),
    )
    text = "{config.a} {config.deep.b} {account.c} {application.clientId} {application.tenant}"
    assert seen.text(text) == "1 true kept id t"
    assert seen.text("Bearer {credentials.token}") == "Bearer CANARY-token"


def test_secrets_stand_under_their_names_where_they_are_shown():
    application = ApplicationFacts("id", Secret("CANARY"), {"key": Secret("CANARY")})
    seen = values(
        {"s": Secret("CANARY")}, {}, application, token=Secret("CANARY"), user=Secret("ann"), other="CANARY"
    )
    names = [
        "config.s",
        "application.clientSecret",
        "application.key",
        "credentials.token",
        "credentials.other",
    ]
    text = "".join(f"{{{name}}}" for name in names)
    assert seen.shown(text) == text
    assert seen.shown("{credentials.user}") == "ann"
    assert len(seen.secrets_of(text)) == 5
    assert seen.hides("{config.s}")
    assert not seen.hides("{application.clientId}")


def test_parameters_whose_value_is_missing_are_left_out():
    texts = {"a": "{config.a}", "b": "{config.b}", "c": "c", "d": "{credentials.token}", "e": "{config.e}"}
    assert values({"a": "1", "e": ""}, token=Secret("t")).params(texts) == [
        Param("a", "1"),
        Param("c", "c"),
        Param("d", "t", True),
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{config.x}", "CONFIG_INCOMPLETE"),
        ("{application.clientId}", "APPLICATION_MISSING"),
        ("{credentials.token}", "NOT_AUTHENTICATED"),
        ("{account.x}", "NOT_AUTHENTICATED"),
    ],
)
def test_a_missing_value_says_what_is_missing(text, code):
    with pytest.raises(NotAllowedNowError) as caught:
        values().text(text)
    assert caught.value.problem.code == code


def test_a_whole_address_may_come_from_the_configuration():
    assert values({"url": "https://a.example/x?y=1"}).url("{+config.url}/z") == "https://a.example/x?y=1/z"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "https://user@evil.example",
        "//evil.example",
        "evil",
        "",
        "https://",
        "ftp://a.example",
    ],
)
def test_what_is_no_http_address_is_a_problem_of_its_field(url):
    with pytest.raises(InvalidInputError) as caught:
        values({"url": url}).url("{+config.url}")
    assert caught.value.problem.path == ("config", "url")
    assert caught.value.problem.code == "ADDRESS_NOT_ALLOWED"


@given(st.text(min_size=1, max_size=20))
def test_a_label_can_change_neither_scheme_nor_parent_domain(text):
    try:
        url = values({"shop": text}).url("https://{config.shop}.acme.example/token")
    except InvalidInputError:
        return
    target = parse_target(url)
    assert (target.scheme, target.path) == ("https", "/token")
    assert target.host.endswith(".acme.example")
