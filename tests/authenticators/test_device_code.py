from dataclasses import replace
from datetime import timedelta

import pytest

from app.authenticators.base import ApplicationFacts, Grant, Proceed, Waiting
from app.authenticators.oauth2 import OAuth2Authenticator
from app.authenticators.steps import DeviceCodeStep
from app.catalog.definition import GrantType
from app.foundation.errors import ApplicationRejectedError, RefusedOutsideError, TransientOutsideError
from app.foundation.problems import ProblemCode, problem
from app.foundation.secret import Secret
from tests.authenticators.flows import (
    NOW,
    answer,
    form_of,
    header_of,
    make_attempt,
    make_facts,
    run_flow,
    token_body,
)
from tests.factories.definitions import make_oauth2, make_token

OAUTH2 = OAuth2Authenticator()
DEVICE = make_oauth2(grant=GrantType.DEVICE_CODE, device_url="https://auth.acme.example/device")
GONE = TransientOutsideError(problem(ProblemCode.UPSTREAM_TIMEOUT))


def device_body(**changes):
    body = {
        "device_code": "CANARY-device",
        "user_code": "WDJB-MJHT",
        "verification_uri": "https://acme.example/device",
        "verification_uri_complete": "https://acme.example/device?user_code=WDJB-MJHT",
        "expires_in": 1800,
        "interval": 7,
    }
    return {name: value for name, value in {**body, **changes}.items() if value is not ...}


def begin(response=None, **facts):
    flow = OAUTH2.begin(make_facts(DEVICE, **facts), make_attempt())
    return run_flow(flow, response or answer(device_body()))


def poll(waiting, response, after_s=10, method=DEVICE):
    facts = make_facts(method, now=NOW + timedelta(seconds=after_s))
    attempt = make_attempt(kept=waiting.kept)
    return run_flow(OAUTH2.complete(facts, attempt, Proceed()), response)


def test_codes_are_asked_for_as_rfc_8628_says():
    ran = begin()
    (request,) = ran.requests
    assert request.url == "https://auth.acme.example/device"
    assert form_of(request) == {"client_id": "client-1", "scope": "read write"}
    assert header_of(request, "Authorization").startswith("Basic ")
    assert ran.result.step == DeviceCodeStep(
        DEVICE.title,
        "WDJB-MJHT",
        "https://acme.example/device",
        "https://acme.example/device?user_code=WDJB-MJHT",
        1800,
        7,
    )
    assert ran.result.poll_after_s == 7
    assert ran.result.kept["deviceCode"] == Secret("CANARY-device")
    assert "CANARY" not in repr(ran.result)


def test_a_public_client_names_itself():
    assert form_of(begin(application=ApplicationFacts("client-1")).requests[0])["client_id"] == "client-1"


@pytest.mark.parametrize(
    ("changes", "interval", "expires"),
    [
        ({"interval": ...}, 5, 1800),
        ({"interval": 0}, 5, 1800),
        ({"interval": -3}, 5, 1800),
        ({"interval": "8"}, 8, 1800),
        ({"interval": 10**9}, 300, 1800),
        ({"expires_in": ...}, 7, 600),
        ({"expires_in": 10**9}, 7, 3600),
    ],
)
def test_interval_and_life_are_bounded(changes, interval, expires):
    step = begin(answer(device_body(**changes))).result.step
    assert (step.interval_s, step.expires_in_s) == (interval, expires)


def test_google_s_name_for_the_address_is_read():
    body = device_body(verification_uri=..., verification_url="https://www.google.example/device")
    assert begin(answer(body)).result.step.verification_url == "https://www.google.example/device"


@pytest.mark.parametrize(
    "changes",
    [
        {"device_code": ...},
        {"device_code": ""},
        {"user_code": ...},
        {"user_code": ""},
        {"user_code": "x" * 65},
        {"verification_uri": ...},
        {"verification_uri": "javascript:alert(1)"},
        {"verification_uri": "https://acme.example@evil.example/"},
        {"verification_uri": 7},
    ],
)
def test_an_answer_without_usable_codes_is_refused(changes):
    ran = begin(answer(device_body(**changes)))
    assert ran.codes == ["TOKEN_RESPONSE_INVALID"]


def test_a_complete_address_that_is_none_is_left_out():
    body = device_body(verification_uri_complete="javascript:alert(1)")
    assert begin(answer(body)).result.step.verification_url_complete is None


def test_a_refused_application_is_told_at_once():
    assert type(begin(answer({"error": "invalid_client"}, 401)).error) is ApplicationRejectedError
    assert type(begin(answer({}, 503)).error) is TransientOutsideError


def test_the_token_is_asked_for_as_rfc_8628_says():
    ran = poll(begin().result, answer(token_body()))
    assert form_of(ran.requests[0]) == {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "device_code": "CANARY-device",
        "client_id": "client-1",
    }
    assert "device_code" in ran.requests[0].secret_fields
    assert isinstance(ran.result, Grant)
    assert ran.result.values["accessToken"] == Secret("CANARY-access-1")
    assert ran.result.requested_scopes == ("read", "write")


@pytest.mark.parametrize("status", [200, 400, 403, 428])
def test_the_hub_keeps_asking_until_somebody_consents(status):
    waiting = begin().result
    for _ in range(3):
        waiting = poll(waiting, answer({"error": "authorization_pending"}, status)).result
        assert isinstance(waiting, Waiting)
        assert (waiting.step.interval_s, waiting.poll_after_s) == (7, 7)
    assert isinstance(poll(waiting, answer(token_body())).result, Grant)


@pytest.mark.threat("O13")
def test_slow_down_adds_five_seconds_for_good():
    waiting = poll(begin().result, answer({"error": "slow_down"}, 400)).result
    assert waiting.poll_after_s == 12
    waiting = poll(waiting, answer({"error": "authorization_pending"}, 400)).result
    assert waiting.poll_after_s == 12
    waiting = poll(waiting, answer({"error": "slow_down"}, 400)).result
    assert (waiting.poll_after_s, waiting.step.interval_s) == (17, 17)


@pytest.mark.parametrize("outage", [GONE, answer({}, 500), answer({}, 503)])
def test_an_outage_doubles_the_interval(outage):
    waiting = poll(begin().result, outage).result
    assert waiting.poll_after_s == 14
    assert poll(waiting, outage).result.poll_after_s == 28


def test_an_asked_for_pause_is_kept():
    assert poll(begin().result, answer({}, 429, retry_after="90")).result.poll_after_s == 90
    assert poll(begin().result, answer({}, 429, retry_after="9000")).result.poll_after_s == 300


@pytest.mark.threat("O13")
def test_the_interval_never_shrinks():
    waiting, last = begin().result, 7
    for response in (
        answer({"error": "slow_down"}),
        GONE,
        answer({"error": "authorization_pending"}),
        GONE,
    ) * 3:
        waiting = poll(waiting, response).result
        assert waiting.poll_after_s >= last
        last = waiting.poll_after_s
    assert last == 300


def test_an_expired_code_is_told_by_the_provider_or_by_the_clock():
    waiting = begin().result
    ran = poll(waiting, answer({"error": "expired_token"}, 400))
    assert (ran.codes, type(ran.error)) == (["AUTHORIZATION_EXPIRED"], RefusedOutsideError)
    ran = poll(waiting, answer(token_body()), after_s=1800)
    assert (ran.codes, ran.requests) == (["AUTHORIZATION_EXPIRED"], [])


def test_a_denial_ends_it():
    assert poll(begin().result, answer({"error": "access_denied"}, 400)).codes == ["CONSENT_DENIED"]


def test_without_a_device_code_there_is_nothing_to_ask():
    waiting = begin().result
    ran = poll(replace(waiting, kept={}), answer(token_body()))
    assert (ran.codes, ran.requests) == (["NOT_ALLOWED_NOW"], [])


def test_errors_stand_where_the_definition_says():
    method = make_oauth2(
        grant=GrantType.DEVICE_CODE, device_url="https://a.example/d", token=make_token(error="error.code")
    )
    flow = OAUTH2.begin(make_facts(method), make_attempt())
    waiting = run_flow(flow, answer(device_body())).result
    ran = poll(waiting, answer({"error": {"code": "authorization_pending"}}, 400), method=method)
    assert isinstance(ran.result, Waiting)
