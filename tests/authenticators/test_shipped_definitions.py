"""The same promises, held against every auth method of every definition that ships."""

import pytest

from app.authenticators.base import Callback, Chosen, Entered, Grant, Proceed, Waiting
from app.authenticators.credentials import prefilled
from app.authenticators.entered import blank_request
from app.authenticators.registry import authenticator_for
from app.authenticators.steps import AccountChoiceStep
from app.catalog.catalog import load_catalog
from app.catalog.definition import AuthMethod, Definition, OAuth2
from app.foundation.egress import host_matches, parse_target
from app.foundation.errors import CredentialsRejectedError, OutsideError, TransientOutsideError
from app.foundation.outbound_rules import check_request
from app.foundation.secret import Secret
from app.foundation.shapes import with_defaults
from tests.authenticators.flows import STATE, Ran, answer, make_attempt, make_facts, run_flow

METHODS = [
    pytest.param(definition, method, id=f"{definition.integration}@{definition.version}/{method.id}")
    for entry in load_catalog().all()
    for definition in entry.versions
    for method in definition.auth
]
every_method = pytest.mark.parametrize(("definition", "method"), METHODS)


def facts_of(definition: Definition, method: AuthMethod):
    properties = definition.config.get("properties", {})
    examples = {name: field["examples"][0] for name, field in properties.items() if field.get("examples")}
    return make_facts(method, definition=definition, config=with_defaults(definition.config, examples))


DEVICE = {
    "device_code": "CANARY-device-code",
    "user_code": "WDJB-MJHT",
    "verification_uri": "https://login.example.com/device",
    "expires_in": 900,
}


def is_device(method: AuthMethod) -> bool:
    return method.oauth2 is not None and method.oauth2.grant == "device_code"


def scopes_of(method: AuthMethod) -> tuple[str, ...]:
    return tuple(scope.name for scope in method.scopes)


def begin(definition, method) -> Waiting:
    attempt = make_attempt(scopes=scopes_of(method), prefill=True)
    answers = [answer(DEVICE)] if is_device(method) else []
    return run_flow(authenticator_for(method).begin(facts_of(definition, method), attempt), *answers).result


def complete(definition, method, waiting, given, *answers) -> Ran:
    attempt = make_attempt(scopes=scopes_of(method), kept=waiting.kept)
    flow = authenticator_for(method).complete(facts_of(definition, method), attempt, given)
    return run_flow(flow, *answers)


def first_answer(method: AuthMethod):
    """What a person, or nobody, answers to the first step."""
    oauth = method.oauth2
    if method.credentials is not None:
        return Entered(prefilled(method))
    if oauth is None or oauth.grant != "authorization_code":
        return Proceed()
    given = {"state": STATE, "code": "CANARY-code"}
    if oauth.issuer:
        given["iss"] = oauth.issuer
    return Callback(tuple(given.items()))


def answers_of(definition: Definition, method: AuthMethod):
    oauth = method.oauth2
    if method.login is not None:
        return [answer(dict(method.login.token.example))]
    if oauth is None:
        return []
    found = [answer(dict(oauth.token.example))]
    if oauth.introspect_url and not oauth.token.expires_in:
        found.append(answer({"active": True, "exp": 1767272400}))
    for step in oauth.after_token:
        example = next(one for one in definition.methods[step.method].examples if one.outcome is None)
        found.append(answer(example.body, example.status))
    return found


def granted(definition, method) -> tuple[Grant, Ran]:
    waiting = begin(definition, method)
    ran = complete(definition, method, waiting, first_answer(method), *answers_of(definition, method))
    requests = ran.requests
    while isinstance(ran.result, Waiting) and isinstance(ran.result.step, AccountChoiceStep):
        ran = complete(definition, method, ran.result, Chosen(ran.result.step.options[0].id))
        requests = [*requests, *ran.requests]
    assert ran.error is None, ran.codes
    assert isinstance(ran.result, Grant)
    return ran.result, Ran(ran.result, None, requests)


@every_method
def test_the_whole_flow_runs_on_the_definition_s_own_examples(definition, method):
    grant, ran = granted(definition, method)
    assert grant.values
    allowed = [host for host in definition.http.hosts if "{" not in host]
    for request in ran.requests:
        check_request(request)
        if len(allowed) == len(definition.http.hosts):
            assert any(host_matches(parse_target(request.url).host, entry) for entry in allowed)
    if method.oauth2 and method.oauth2.token.granted:
        assert grant.granted_scopes


@every_method
def test_the_credentials_can_be_placed(definition, method):
    grant, _ = granted(definition, method)
    request = authenticator_for(method).apply(facts_of(definition, method), grant, blank_request())
    check_request(request)
    assert request != blank_request()
    assert request.secrets


@every_method
def test_refused_answers_are_typed_errors(definition, method):
    if method.oauth2 is None:
        return
    for response in (
        answer({}),
        answer({"ok": False, "error": "invalid_client"}, 401),
        answer({"error": "invalid_grant"}, 400),
        answer({"error": {"code": 190, "message": "x"}}, 400),
        answer(b"<html>"),
        answer({"access_token": ""}),
        answer(dict(method.oauth2.token.example), 307),
    ):
        ran = complete(definition, method, begin(definition, method), first_answer(method), response)
        assert isinstance(ran.error, OutsideError)
        assert len(ran.requests) == 1
    ran = complete(definition, method, begin(definition, method), first_answer(method), answer({}, 503))
    if is_device(method):  # which asks again by itself
        assert isinstance(ran.result, Waiting)
    else:
        assert isinstance(ran.error, TransientOutsideError)


@every_method
def test_what_can_be_renewed_is_renewed_and_a_dead_grant_is_seen(definition, method):
    grant, _ = granted(definition, method)
    authenticator, facts = authenticator_for(method), facts_of(definition, method)
    if not authenticator.can_renew(method, grant) or method.oauth2 is None:
        return
    example = dict(renewed_example(method.oauth2))
    extra = [one for one in answers_of(definition, method)[1:2] if method.oauth2.introspect_url]
    new = run_flow(authenticator.renew(facts, grant), answer(example), *extra)
    assert new.error is None, new.codes
    assert all(isinstance(value, Secret) and value for value in new.result.values.values())
    dead = run_flow(authenticator.renew(facts, grant), answer({"error": "invalid_grant"}, 400))
    assert isinstance(dead.error, CredentialsRejectedError)


def renewed_example(oauth: OAuth2):
    return (oauth.renewal.token or oauth.token).example


@every_method
def test_a_revocation_ends_with_a_report(definition, method):
    grant, _ = granted(definition, method)
    done = [answer({"ok": True})] * 2
    ran = run_flow(authenticator_for(method).revoke(facts_of(definition, method), grant), *done)
    assert ran.error is None
    assert {*ran.result.revoked, *ran.result.alive} <= set(grant.values)
    if method.oauth2 and method.oauth2.revoke_url and "config" not in method.oauth2.revoke_url:
        assert ran.result.revoked
