"""The documented answers of well-known providers, read by their definitions: each means what it means there."""

from __future__ import annotations

import copy
import json
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.authenticators.oauth2_token import MAX_LIFETIME_S, read_token_answer
from app.authenticators.refusal import AuthStage
from app.catalog.catalog import load_catalog
from app.catalog.classification import classify
from app.catalog.loader import load_text
from app.foundation.errors import OutsideError
from app.foundation.messages import InResponse
from app.foundation.secret import Secret
from tests.authenticators.flows import CANARY, assert_safe, make_facts
from tests.catalog.quirk_answers import ACCESS, ANSWERS, KINDS, NEW_ACCESS, NEW_REFRESH, REFRESH
from tests.catalog.quirks import QUIRKS, document_of

CATALOG = load_catalog()
# The table of providers in the threat model, word for word where it has a definition each.
PROVIDERS = {
    "Slack", "GitHub", "Salesforce", "Xero", "QuickBooks", "Shopify", "Notion", "Google", "Microsoft", "X", "Reddit",
    "TikTok", "Facebook/Instagram", "Threads", "LinkedIn", "Pinterest", "Tumblr", "Telegram", "Stripe", "Zoho", "Box",
    "Atlassian", "HubSpot", "Dropbox", "Zoom", "Asana",
}  # fmt: skip
FIXTURES = [(name, kind) for name, answers in ANSWERS.items() for kind in KINDS if answers[kind] is not None]
SENT = (Secret(REFRESH), Secret(f"{CANARY}-client-secret"))


@cache
def definition_of(name):
    """Return the definition that reads a provider's answers, and its auth method."""
    of = ANSWERS[name]["of"]
    if of in QUIRKS:
        definition = load_text(document_of(QUIRKS[of]).encode(), "acme/1.0.0.yaml").definition
        return definition, definition.auth[0]
    integration, _, method = of.partition("/")
    definition = CATALOG.definition(integration)
    return definition, definition.auth_method(method)


def response(status, body):
    """A string is a form, everything else JSON."""
    form = isinstance(body, str)
    media_type = "application/x-www-form-urlencoded; charset=utf-8" if form else "application/json"
    return InResponse(status, (("Content-Type", media_type),), (body if form else json.dumps(body)).encode())


def read(name, kind, status, body):
    """Read an answer as the hub does: a token answer, or for providers without one an answer to a call."""
    definition, method = definition_of(name)
    oauth = method.oauth2
    if oauth is None or (kind == "revoked" and ANSWERS[name]["refresh"] is None):
        return classify(definition.http, status, {}, body)
    stage = AuthStage.SIGN_IN if kind in {"success", "error"} else AuthStage.RENEWAL
    spec = (oauth.renewal.token if stage is AuthStage.RENEWAL else None) or oauth.token
    facts = make_facts(definition=definition)
    return read_token_answer(spec, oauth.problems, response(status, body), facts, stage, SENT)


def is_call(name, kind):
    return definition_of(name)[1].oauth2 is None or (kind == "revoked" and ANSWERS[name]["refresh"] is None)


def test_every_provider_of_the_table_has_its_answers():
    assert {name.partition(" (")[0] for name in ANSWERS} == PROVIDERS
    for name, answers in ANSWERS.items():
        assert answers.keys() == {"of", *KINDS}, name
        renews = (
            definition_of(name)[1].oauth2 is not None and definition_of(name)[1].oauth2.renewal.by != "none"
        )
        assert (answers["refresh"] is not None) == renews, name


@pytest.mark.parametrize("name", [name for name in ANSWERS if not is_call(name, "success")])
def test_a_good_answer_is_a_token(name):
    found = read(name, "success", *ANSWERS[name]["success"])
    assert found.values["accessToken"].reveal() == ACCESS
    assert found.values.get("refreshToken") is None or found.values.get("refreshToken").reveal() == REFRESH
    assert (found.values.get("refreshToken") is None) == (REFRESH not in json.dumps(ANSWERS[name]["success"]))


@pytest.mark.parametrize("name", [name for name, kind in FIXTURES if kind == "refresh"])
def test_a_refreshed_answer_is_a_token_that_replaces_the_old_one(name):
    status, body = ANSWERS[name]["refresh"]
    found = read(name, "refresh", status, body)
    assert found.values["accessToken"].reveal() == NEW_ACCESS
    if found.values.get("refreshToken") is not None:
        assert found.values.get("refreshToken").reveal() == (
            NEW_REFRESH if NEW_REFRESH in json.dumps(body) else REFRESH
        )


@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for name, kind in FIXTURES if kind in {"error", "revoked"}]
)
def test_a_refusal_is_told_by_its_code(name, kind):
    status, body, code = ANSWERS[name][kind]
    if is_call(name, kind):
        assert read(name, kind, status, body).code == code
        return
    with pytest.raises(OutsideError) as caught:
        read(name, kind, status, body)
    assert caught.value.problem.code == code
    assert_safe(caught.value)


@pytest.mark.parametrize("name", [name for name in ANSWERS if is_call(name, "success")])
def test_a_good_call_is_good(name):
    assert read(name, "success", *ANSWERS[name]["success"]).code is None


def test_lifetimes_are_those_of_the_first_token_to_die():
    both = read("Slack (bot and person)", "success", *ANSWERS["Slack (bot and person)"]["success"])
    hard = read("QuickBooks", "refresh", *ANSWERS["QuickBooks"]["refresh"])
    unknown = read("Salesforce", "success", *ANSWERS["Salesforce"]["success"])
    assert both.expires_in_s == 7_200
    assert (hard.expires_in_s, hard.refresh_expires_in_s) == (3_600, 86_400)
    assert unknown.expires_in_s is None  # unknown, not never


# -- whatever is mutated

leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(
        [f"{CANARY}-leaf-0123456789-abcdef", "", " ", "\t\n", [], {}, "invalid_grant", [[ACCESS]]]
    )
)
statuses = st.sampled_from(
    [None, None, None, 199, 200, 201, 204, 301, 307, 400, 401, 403, 404, 429, 500, 503]
)
TOKENS = [(name, kind) for name, kind in FIXTURES if not is_call(name, kind)]


def places(body, base=()):
    """Yield the path of every member of an answer."""
    if isinstance(body, dict):
        for key, value in body.items():
            yield (*base, key)
            yield from places(value, (*base, key))


def mutated(body, path, value, removes):
    body = copy.deepcopy(body)
    holder = body
    for key in path[:-1]:
        holder = holder[key]
        if not isinstance(holder, dict):
            return body
    if removes:
        holder.pop(path[-1], None)
    else:
        holder[path[-1]] = value
    return body


@settings(max_examples=600)
@given(st.sampled_from(TOKENS), statuses, st.data())
def test_no_answer_however_mutated_is_a_grant_without_a_token_or_leaks(fixture, status, data):
    name, kind = fixture
    told, body = ANSWERS[name][kind][:2]
    if isinstance(body, str):
        cut = data.draw(st.integers(0, len(body)))
        body = body[:cut] + data.draw(st.text(st.characters(codec="ascii"), max_size=10)) + body[cut + 1 :]
    else:
        for _ in range(data.draw(st.integers(1, 3))):
            path = data.draw(st.sampled_from(sorted(places(body)) or [("x",)]))
            body = mutated(body, path, data.draw(leaves), data.draw(st.booleans()))
    try:
        found = read(name, kind, status or told, body)
    except OutsideError as error:
        assert_safe(error)
        return
    assert 200 <= (status or told) < 300
    assert isinstance(found.values["accessToken"], Secret)
    assert found.values["accessToken"].reveal().strip()
    assert all(isinstance(value, Secret) and value.reveal().strip() for value in found.values.values())
    assert found.expires_in_s is None or 1 <= found.expires_in_s <= MAX_LIFETIME_S
    assert ACCESS not in repr(found)
    assert REFRESH not in repr(found)


@pytest.mark.parametrize("name", [name for name, kind in TOKENS if kind == "success"])
@pytest.mark.parametrize("value", ["", " ", None, 0, False, [], {}, [ACCESS], {"token": ACCESS}, ...])
def test_without_a_token_that_is_a_text_there_is_none(name, value):
    for kind in ("success", "refresh"):
        if ANSWERS[name][kind] is None or isinstance(ANSWERS[name][kind][1], str):
            continue
        status, body = ANSWERS[name][kind]
        path = tuple(definition_of(name)[1].oauth2.token.access_token.split("."))
        assert path in set(places(body))
        with pytest.raises(OutsideError) as caught:
            read(name, kind, status, mutated(body, path, value, removes=value is ...))
        assert_safe(caught.value)
