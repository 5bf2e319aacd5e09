"""Every way to authenticate is played from its definition alone: right credentials work, and no others."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from app.authenticators.credentials import prefilled
from app.authenticators.registry import authenticator_for
from app.catalog.definition import AuthKind, GrantType, RenewalBy
from app.catalog.loader import load_text
from app.foundation.errors import CredentialsRejectedError, PatchbayError
from app.foundation.problems import ProblemCode
from app.foundation.secret import Secret
from app.sandbox.application import sandbox_credentials
from tests.sandbox.acme import acme
from tests.sandbox.hub_side import Hub
from tests.sandbox.ways import ALL, DEVICE, SESSION, ways, ways_file

SIGNED = [name for name, method in ALL.items() if "sign" in method or method["kind"] == "oauth1"]


@pytest.fixture(params=ALL)
def side(request, sandbox_of):
    return hub_of(sandbox_of, request.param)


def hub_of(sandbox_of, name):
    definition = ways(ALL[name])
    driver = sandbox_of(definition, integration="ways")
    return Hub(driver, definition, definition.auth[0], {})


@pytest.mark.parametrize("name", ALL)
def test_the_systems_of_these_tests_are_sound_definitions(name):
    loaded = load_text(json.dumps(ways_file(ALL[name])).encode(), f"{name}.yaml")
    assert loaded.faults == ()


def test_every_kind_and_every_grant_is_played_somewhere_here():
    methods = [*(ways(method).auth[0] for method in ALL.values()), *acme().auth]
    assert {method.kind for method in methods} == set(AuthKind)
    assert {method.oauth2.grant for method in methods if method.oauth2} == set(GrantType)
    assert all(authenticator_for(method).kind is method.kind for method in methods)


@pytest.mark.parametrize("name", ALL)
def test_what_is_prefilled_in_sandbox_mode_is_what_the_sandbox_takes(name):
    method = ways(ALL[name]).auth[0]
    assert prefilled(method) == sandbox_credentials(method)


async def test_the_whole_way_is_played_and_calls_of_every_form_are_accepted(side):
    grant = await side.connect()
    for name, params in (
        ("me", {}),
        ("me", {"q": "a b+c/ä~*'&=%"}),
        ("files.get", {"name": "a b:c,d'(e)~*ä", "q": ["x", "y z", "x"]}),
        ("notes.create", {"text": "a b+c&d=ä"}),
        ("notes.put", {"text": "ä"}),
    ):
        answer, outcome = await side.call(grant, name, params)
        assert outcome.code is None, (name, answer.body)
        if "text" in params:
            assert answer.json()["text"] == params["text"]


async def test_what_was_changed_on_the_way_is_refused(side):
    grant = await side.connect()
    entered = sandbox_credentials(side.method) if "accessToken" in grant.values else {}
    signs_with_key = side.method.oauth1 is not None and side.method.oauth1.signature == "RSA-SHA1"
    in_no_call = {"refreshToken", *entered, *(["tokenSecret"] if signs_with_key else [])}
    for name in set(grant.values) - in_no_call:
        text = grant.values[name].reveal()
        spoiled = text[:-1] + ("1" if text[-1] == "0" else "0")
        wrong = replace(grant, values={**grant.values, name: Secret(spoiled)})
        answer, outcome = await side.call(wrong, "me", {})
        assert (answer.status, outcome.code) == (401, ProblemCode.CREDENTIALS_REJECTED), name


async def test_the_grant_is_renewed_where_it_can_be_and_then_accepted(side):
    grant = await side.connect()
    if not authenticator_for(side.method).can_renew(side.method, grant):
        return
    oauth2 = side.method.oauth2
    if oauth2 is None or oauth2.renewal.by is not RenewalBy.EXCHANGE:  # only a living token can be exchanged
        await side.outside.switches.expire_tokens("ways")
        _, outcome = await side.call(grant, "me", {})
        assert outcome.expired
    renewed = await side.renew(grant)
    _, outcome = await side.call(renewed, "me", {})
    assert outcome.code is None


@pytest.mark.parametrize("name", [name for name in ALL if "secret" not in name and name not in SIGNED])
async def test_a_system_that_rejects_credentials_says_so_in_its_own_words(sandbox_of, name):
    side = hub_of(sandbox_of, name)
    grant = await side.connect()
    await side.outside.switches.change("ways", {"rejectCredentials": True})
    answer, outcome = await side.call(grant, "me", {})
    assert (answer.json(), outcome.code) == ({"error": "denied"}, ProblemCode.CREDENTIALS_REJECTED)


@pytest.mark.parametrize("name", ["service-account-rs256", "service-account-es384", "service-account-hs256"])
async def test_an_assertion_under_another_key_is_refused(sandbox_of, name):
    side = hub_of(sandbox_of, name)
    grant = await side.connect()
    other = {
        "service-account-rs256": "service-account-es256",
        "service-account-es384": "service-account-rs256",
    }
    key = "another shared secret of a robot"
    if name in other:
        key = prefilled(ways(ALL[other[name]]).auth[0])["privateKey"]
    wrong = replace(grant, values={**grant.values, "privateKey": Secret(key)})
    with pytest.raises(PatchbayError):
        await side.renew(wrong)


async def test_a_login_with_a_wrong_password_is_refused(sandbox_of):
    side = hub_of(sandbox_of, "session-cookie")
    grant = await side.connect()
    wrong = replace(grant, values={**grant.values, "password": Secret("not-made-up")})
    with pytest.raises(CredentialsRejectedError):
        await side.renew(wrong)


async def test_a_session_token_needs_no_scopes_beside_a_sign_in_that_has_some(sandbox_of):
    definition = ways(DEVICE, SESSION)
    side = Hub(sandbox_of(definition, integration="ways"), definition, definition.auth[1], {})
    answer, outcome = await side.call(await side.connect(), "me", {})
    assert outcome.code is None, answer.body
