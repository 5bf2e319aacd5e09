import json

import pytest

from app.authenticators.base import Entered
from app.authenticators.custom import CustomAuthenticator
from app.catalog.definition import AccountPick, Login, Placement, RenewalBy
from app.foundation.errors import CredentialsRejectedError, RefusedOutsideError, TransientOutsideError
from app.foundation.messages import OutRequest
from app.foundation.secret import Secret
from tests.authenticators.flows import answer, form_of, header_of, make_attempt, make_facts, run_flow
from tests.factories.definitions import make_custom, make_form, make_renewal, make_token

CUSTOM = CustomAuthenticator()
ENTERED = {"user": "ann", "password": "CANARY-password"}


def two_step(renewal=None, **changes):
    login = {
        "http_method": "POST",
        "url": "https://{config.site}.acme.example/login",
        "body_format": "json",
        "headers": {"X-Api-Version": "2"},
        "body": {
            "username": "{credentials.user}",
            "password": "{credentials.password}",
            "site": "{config.none}",
        },
        "token": make_token(
            access_token="data.token",
            refresh_token="data.refresh",
            expires_in="data.ttl",
            account=AccountPick("data.userId", "data.name"),
            keep={},
        ),
        "renewal": renewal or make_renewal(RenewalBy.LOGIN),
        **changes,
    }
    return make_custom(
        credentials=make_form(user={}, password={"secret": True}),
        place=(Placement("header", "X-Session", "{credentials.accessToken}"),),
        login=Login(**login),
    )


def facts(method):
    return make_facts(method, config={"site": "eu"})


def session(**changes):
    return answer({"data": {"token": "CANARY-session-1", "ttl": 1800, "userId": 7, "name": "Ann", **changes}})


def complete(method, *answers, entered=None):
    return run_flow(CUSTOM.complete(facts(method), make_attempt(), Entered(entered or ENTERED)), *answers)


def renew(method, grant, *answers):
    return run_flow(CUSTOM.renew(facts(method), grant), *answers)


def test_what_was_entered_is_turned_into_a_session_token():
    ran = complete(two_step(), session())
    (request,) = ran.requests
    assert (request.method, request.url) == ("POST", "https://eu.acme.example/login")
    assert json.loads(request.body) == {"username": "ann", "password": "CANARY-password"}
    assert (header_of(request, "Accept"), header_of(request, "X-Api-Version")) == ("application/json", "2")
    assert "password" in request.secret_fields
    assert ran.result.values == {
        "user": Secret("ann"),
        "password": Secret("CANARY-password"),
        "accessToken": Secret("CANARY-session-1"),
    }
    assert (ran.result.expires_in_s, ran.result.account.id, ran.result.account.label) == (1800, "7", "Ann")


def test_a_form_a_query_and_secret_headers_are_written_and_hidden():
    request = complete(two_step(body_format="form"), session()).requests[0]
    assert form_of(request)["password"] == "CANARY-password"
    get = two_step(
        http_method="GET", body_format="none", body={}, headers={"X-Key": "{credentials.password}"}
    )
    request = complete(get, session()).requests[0]
    assert (header_of(request, "X-Key"), request.body) == ("CANARY-password", None)
    assert "x-key" in request.secret_headers
    assert Secret("CANARY-password") in request.secrets


def test_the_session_token_is_placed():
    method = two_step()
    grant = complete(method, session()).result
    request = CUSTOM.apply(facts(method), grant, OutRequest("GET", "https://eu.acme.example/x"))
    assert header_of(request, "X-Session") == "CANARY-session-1"
    assert "CANARY" not in repr(request)


@pytest.mark.parametrize("status", [400, 401, 403, 422])
@pytest.mark.parametrize("body", [{}, {"error": "bad password CANARY-password"}, {"message": "no"}])
def test_values_that_are_not_accepted_are_the_person_s_to_correct(status, body):
    ran = complete(two_step(), answer(body, status, www_authenticate="Basic"))
    assert (type(ran.error), ran.codes) == (CredentialsRejectedError, ["CREDENTIALS_REJECTED"])


def test_a_refusal_with_status_200_is_read_too():
    assert complete(two_step(), answer({"error": "bad_login"})).codes == ["CREDENTIALS_REJECTED"]
    assert complete(two_step(), answer({"data": {}})).codes == ["TOKEN_RESPONSE_INVALID"]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (500, TransientOutsideError),
        (429, TransientOutsideError),
        (302, RefusedOutsideError),
        (404, RefusedOutsideError),
    ],
)
def test_an_outage_is_not_taken_for_a_wrong_password(status, error):
    assert type(complete(two_step(), answer({}, status)).error) is error


def test_a_form_that_is_not_filled_in_sends_nothing():
    ran = complete(two_step(), entered={"user": "ann"})
    assert (ran.error.problem.path, ran.requests) == (("credentials", "password"), [])


def test_logging_in_again_renews_the_session():
    method = two_step()
    grant = complete(method, session()).result
    assert CUSTOM.can_renew(method, grant)
    ran = renew(method, grant, session(token="CANARY-session-2"))
    assert json.loads(ran.requests[0].body)["password"] == "CANARY-password"
    assert ran.result.values["accessToken"] == Secret("CANARY-session-2")
    assert ran.result.values["password"] == Secret("CANARY-password")
    assert type(renew(method, grant, answer({}, 401)).error) is CredentialsRejectedError


def test_a_refresh_token_renews_the_session_and_a_dead_one_logs_in_again():
    method = two_step(
        make_renewal(url="https://{config.site}.acme.example/refresh", params={"kind": "session"})
    )
    grant = complete(method, session(refresh="CANARY-refresh")).result
    ran = renew(method, grant, session(token="CANARY-2"))
    assert ran.requests[0].url == "https://eu.acme.example/refresh"
    assert json.loads(ran.requests[0].body) == {"kind": "session", "refresh_token": "CANARY-refresh"}
    assert "refresh_token" in ran.requests[0].secret_fields
    ran = renew(method, grant, answer({}, 401), session(token="CANARY-3"))
    assert [request.url.rpartition("/")[2] for request in ran.requests] == ["refresh", "login"]
    assert ran.result.values["accessToken"] == Secret("CANARY-3")
    assert type(renew(method, grant, answer({}, 503)).error) is TransientOutsideError


def test_an_exchange_renews_the_session_by_the_definition_s_own_request():
    renewal = make_renewal(RenewalBy.EXCHANGE, params={"old": "{credentials.accessToken}"})
    method = two_step(renewal)
    grant = complete(method, session()).result
    ran = renew(method, grant, session(token="CANARY-2"))
    assert json.loads(ran.requests[0].body) == {"old": "CANARY-session-1"}
    assert "old" in ran.requests[0].secret_fields


@pytest.mark.parametrize("renewal", [make_renewal(RenewalBy.NONE), make_renewal(RenewalBy.REFRESH_TOKEN)])
def test_what_cannot_be_renewed_says_so(renewal):
    method = two_step(renewal)
    grant = complete(method, session()).result
    assert not CUSTOM.can_renew(method, grant)
    assert renew(method, grant).codes == ["REAUTHENTICATION_REQUIRED"]


def test_a_revocation_says_that_session_and_password_live_on():
    method = two_step()
    grant = complete(method, session()).result
    report = run_flow(CUSTOM.revoke(facts(method), grant)).result
    assert set(report.alive) == {"password", "accessToken"}
