import pytest

from app.authenticators.base import ApplicationFacts
from app.authenticators.oauth2_authorize import redirect_step
from app.authenticators.pkce import challenge_of
from app.authenticators.steps import RedirectStep
from app.foundation.errors import InvalidInputError, NotAllowedNowError
from app.foundation.secret import Secret
from tests.authenticators.flows import REDIRECT_URI, STATE, make_attempt, make_facts, query_of
from tests.factories.definitions import make_oauth2, make_scope


def waiting(*scopes, facts=None, attempt=None, **changes):
    method = make_oauth2(*scopes, **changes)
    return redirect_step(method.oauth2, make_facts(method, **(facts or {})), attempt or make_attempt())


def query(*scopes, **changes):
    return query_of(waiting(*scopes, **changes).step.authorize_url)


def test_the_address_has_everything_that_rfc_6749_and_7636_ask_for():
    found = waiting()
    verifier = found.kept["codeVerifier"]
    assert isinstance(found.step, RedirectStep)
    assert found.step.authorize_url.startswith("https://auth.acme.example/authorize?response_type=code&")
    assert query_of(found.step.authorize_url) == {
        "response_type": "code",
        "client_id": "client-1",
        "redirect_uri": REDIRECT_URI,
        "scope": "read write",
        "state": STATE,
        "code_challenge": challenge_of(verifier),
        "code_challenge_method": "S256",
    }
    assert found.step.redirect_uri == REDIRECT_URI


@pytest.mark.threat("O4")
def test_the_verifier_is_fresh_each_time_and_never_in_the_address():
    method = make_oauth2()
    facts = make_facts(method)
    first, second = (redirect_step(method.oauth2, facts, make_attempt()) for _ in range(2))
    assert first.kept["codeVerifier"] != second.kept["codeVerifier"]
    assert first.kept["codeVerifier"].reveal() not in first.step.authorize_url


def test_pkce_is_left_out_only_where_the_definition_says_so():
    found = waiting(pkce=False, pkce_reason="It is refused.")
    assert not {"code_challenge", "code_challenge_method"} & set(query_of(found.step.authorize_url))
    assert found.kept == {}


def test_spaces_are_written_as_percent_20():
    assert "scope=read%20write&" in waiting().step.authorize_url


def test_scopes_are_joined_by_the_definition_s_separator_in_its_parameter():
    assert query(scope_separator=",", scope_param="user_scope")["user_scope"] == "read,write"
    assert "scope" not in query(scope_param="user_scope")


def test_scopes_may_travel_in_parameters_of_their_own():
    scopes = (make_scope("bot:read"), make_scope("user:read", param="user_scope"))
    attempt = make_attempt(scopes=("bot:read", "user:read", "from:config", "bot:read"))
    found = query(*scopes, scope_separator=",", attempt=attempt)
    assert (found["scope"], found["user_scope"]) == ("bot:read,from:config", "user:read")


def test_without_scopes_there_is_no_scope_parameter():
    assert "scope" not in query(attempt=make_attempt(scopes=()))


def test_parameters_get_the_provider_s_names():
    found = query(names={"client_id": "client_key"})
    assert found["client_key"] == "client-1"
    assert "client_id" not in found


def test_extra_parameters_are_templates_over_configuration_and_application():
    params = {
        "prompt": "consent",
        "tenant": "{config.tenant}",
        "team": "{application.team}",
        "hd": "{config.none}",
    }
    application = ApplicationFacts("client-1", None, {"team": "T&1"})
    found = query(authorize_params=params, facts={"config": {"tenant": "a b"}, "application": application})
    assert (found["prompt"], found["tenant"], found["team"]) == ("consent", "a b", "T&1")
    assert "hd" not in found


@pytest.mark.parametrize(
    "name", ["state", "redirect_uri", "client_id", "code_challenge", "code_challenge_method"]
)
@pytest.mark.threat("O5")
def test_no_definition_can_weaken_what_protects_the_flow(name):
    assert query(authorize_params={name: "weaker"})[name] != "weaker"


def test_a_definition_may_ask_for_another_response_type_and_an_audience():
    found = query(
        authorize_params={"response_type": "code id_token"},
        audience="https://{config.api}",
        facts={"config": {"api": "x"}},
    )
    assert (found["response_type"], found["audience"]) == ("code id_token", "https://x")


def test_a_query_and_a_fragment_of_the_address_are_kept_and_dropped():
    url = waiting(authorize_url="https://auth.acme.example/a?p=1#frag").step.authorize_url
    assert url.startswith("https://auth.acme.example/a?p=1&response_type=code&")
    assert "#" not in url
    assert "/a?response_type" in waiting(authorize_url="https://auth.acme.example/a?").step.authorize_url


def test_the_address_may_come_from_the_configuration():
    found = waiting(
        authorize_url="{+config.url}", facts={"config": {"url": "http://127.0.0.1:9000/authorize"}}
    )
    assert found.step.authorize_url.startswith("http://127.0.0.1:9000/authorize?")


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)//", "https://a@evil.example", "data:text/html,x", "/authorize"]
)
def test_what_is_no_address_is_never_opened_in_a_browser(url):
    with pytest.raises(InvalidInputError) as caught:
        waiting(authorize_url="{+config.url}", facts={"config": {"url": url}})
    assert caught.value.problem.path == ("config", "url")


def test_without_an_application_or_redirect_uri_nothing_begins():
    for facts in ({"application": None}, {"redirect_uri": None}):
        with pytest.raises(NotAllowedNowError) as caught:
            waiting(facts=facts)
        assert caught.value.problem.code == "APPLICATION_MISSING"


def test_the_step_shows_no_secret_but_the_address():
    found = waiting()
    assert "CANARY-random" not in repr(found)
    assert Secret(STATE) == make_attempt().state
