"""Every shipped definition goes the whole way against its own simulation, driven by the authenticators."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from app.catalog.classification import facts_of
from app.catalog.definition import AuthMethod, Definition, GrantType, RenewalBy
from app.foundation.clock import FrozenClock
from app.foundation.errors import CredentialsRejectedError, RefusedOutsideError
from app.foundation.expressions import compile_pick
from app.foundation.problems import ProblemCode
from app.foundation.secret import Secret
from app.foundation.shapes import Shape
from tests.sandbox.hub_side import Hub, body_of, sample_config
from tests.sandbox.outside import outside
from tests.sandbox.shipped import CATALOG

DEFINITIONS = [definition for entry in CATALOG.all() for definition in entry.versions]
AUTH = [(definition, method) for definition in DEFINITIONS for method in definition.auth]
OAUTH = [(definition, method) for definition, method in AUTH if method.oauth2]
CODE = [(d, m) for d, m in OAUTH if m.oauth2.grant is GrantType.AUTHORIZATION_CODE]
EXAMPLES = [
    (definition, method, example)
    for definition in DEFINITIONS
    for method in definition.methods.values()
    for example in method.examples
]


def named(value):
    if isinstance(value, Definition):
        return f"{value.integration}-{value.version}"
    return getattr(value, "id", None) or getattr(value, "name", None) or getattr(value, "title", None)


@asynccontextmanager
async def hub(definition: Definition, method: AuthMethod, **changes):
    driver = outside(CATALOG, FrozenClock(), integration=definition.integration)
    config = {**sample_config(definition), **changes}
    async with driver.http:
        yield Hub(driver, definition, method, config)


@pytest.mark.parametrize(("definition", "method"), AUTH, ids=named)
async def test_the_default_test_passes_with_the_right_credentials(definition, method):
    async with hub(definition, method) as side:
        grant = await side.connect()
        test = definition.test
        answer, outcome = await side.call(grant, test.method, test.params)
        assert outcome.code is None, (outcome, answer.body)
        facts = facts_of(answer.status, dict(answer.headers), body_of(answer))
        assert [expected for expected in test.expect if not compile_pick(expected).holds(facts)] == []
        shape = definition.methods[test.method].result
        assert shape is None or Shape(shape).fits(body_of(answer))


@pytest.mark.parametrize(("definition", "method"), OAUTH, ids=named)
async def test_all_picks_of_the_token_answer_hold(definition, method):
    token = method.oauth2.token
    async with hub(definition, method) as side:
        grant = await side.connect()
        assert grant.values["accessToken"]
        assert set(token.secrets) <= set(grant.values)
        assert set(token.keep) <= set(grant.account.kept)
        assert token.account.id is None or grant.account.id
        assert token.account.label is None or grant.account.label
        assert token.expires_in is None or grant.expires_in_s
        if token.granted is not None:
            assert set(grant.granted_scopes or ()) == {scope.name for scope in method.scopes}
        if method.oauth2.renewal.by is RenewalBy.REFRESH_TOKEN:
            assert grant.values.get("refreshToken")


@pytest.mark.parametrize(("definition", "method"), CODE, ids=named)
async def test_a_partial_consent_is_told_and_missing_scopes_are_refused_as_such(definition, method):
    calls = {name: call for name, call in definition.methods.items() if call.scopes}
    async with hub(definition, method) as side:
        for name, call in calls.items():
            if not {scope.name for scope in method.scopes}.issuperset(call.scopes):
                continue
            if any(definition.methods[step.method].scopes for step in method.oauth2.after_token):
                continue  # without that scope nobody can be connected: see the next test
            grant = await side.connect(untick=call.scopes)
            if method.oauth2.token.granted is not None:
                assert not set(call.scopes) & set(grant.granted_scopes or ())
            example = next(example for example in call.examples if example.outcome is None)
            _, outcome = await side.call(grant, name, example.params)
            assert outcome.code is ProblemCode.MISSING_SCOPE, name


@pytest.mark.parametrize(("definition", "method"), CODE, ids=named)
async def test_without_the_scope_that_tells_the_account_the_sign_in_fails_as_missing_scope(
    definition, method
):
    for step in method.oauth2.after_token:
        needed = definition.methods[step.method].scopes
        if needed:
            async with hub(definition, method) as side:
                with pytest.raises(RefusedOutsideError) as refused:
                    await side.connect(untick=needed)
                assert refused.value.problem.code is ProblemCode.MISSING_SCOPE


@pytest.mark.parametrize(("definition", "method"), OAUTH, ids=named)
async def test_the_grant_is_renewed_and_an_expired_token_is_told_as_expired(definition, method):
    if method.oauth2.renewal.by is RenewalBy.NONE:
        return
    async with hub(definition, method) as side:
        grant = await side.connect()
        await side.outside.switches.expire_tokens(definition.integration)
        answer, outcome = await side.call(grant, definition.test.method, definition.test.params)
        assert outcome.code is ProblemCode.CREDENTIALS_REJECTED
        assert outcome.expired, answer.body
        renewed = await side.renew(grant)
        assert renewed.values["accessToken"] != grant.values["accessToken"]
        _, outcome = await side.call(renewed, definition.test.method, definition.test.params)
        assert outcome.code is None


@pytest.mark.parametrize(("definition", "method"), OAUTH, ids=named)
async def test_a_dead_grant_is_told_from_a_wrong_application(definition, method):
    if method.oauth2.renewal.by is not RenewalBy.REFRESH_TOKEN:
        return
    async with hub(definition, method) as side:
        grant = await side.connect()
        await side.outside.switches.revoke_grants(definition.integration)
        with pytest.raises(CredentialsRejectedError) as refused:
            await side.renew(grant)
        assert refused.value.problem.code is ProblemCode.REAUTHENTICATION_REQUIRED


@pytest.mark.parametrize(("definition", "method"), OAUTH, ids=named)
async def test_revocation_ends_the_grant(definition, method):
    if method.oauth2.revoke_url is None:
        return
    async with hub(definition, method) as side:
        grant = await side.connect()
        report = await side.revoke(grant)
        assert report.alive == ()
        _, outcome = await side.call(grant, definition.test.method, definition.test.params)
        assert outcome.code is ProblemCode.CREDENTIALS_REJECTED


@pytest.mark.parametrize(("definition", "method"), AUTH, ids=named)
async def test_wrong_credentials_are_refused_in_the_definitions_words(definition, method):
    async with hub(definition, method) as side:
        grant = await side.connect()
        name = next(name for name in grant.values if name == "accessToken" or not method.oauth2)
        spoiled = {**grant.values, name: Secret(f"{grant.values[name].reveal()}0")}
        wrong = type(grant)(values=spoiled, account=grant.account)
        answer, outcome = await side.call(wrong, definition.test.method, definition.test.params)
        assert outcome.code is ProblemCode.CREDENTIALS_REJECTED, answer.body


@pytest.mark.parametrize(("definition", "method", "example"), EXAMPLES, ids=named)
async def test_every_example_can_be_reached(definition, method, example):
    async with hub(definition, definition.auth[0]) as side:
        grant = await side.connect()
        if not _stands_alone(method, example):
            await side.outside.switches.change(
                definition.integration, {"answers": {method.name: example.title}}
            )
        answer, outcome = await side.call(grant, method.name, example.params)
        assert answer.status == example.status
        assert body_of(answer) == example.body
        assert (outcome.code.value if outcome.code else None) == example.outcome


def _stands_alone(method, example) -> bool:
    """Whether the example's own parameters lead to it and to no other example."""
    others = [other for other in method.examples if other is not example]
    if example.outcome is None and not example.params:
        return next(other for other in method.examples if other.outcome is None) is example
    return bool(example.params) and all(example.params != other.params for other in others)
