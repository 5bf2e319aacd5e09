import json

import pytest

from app.authenticators.base import ApplicationFacts, Grant, RevocationReport
from app.authenticators.oauth2 import OAuth2Authenticator
from app.foundation.errors import ApplicationRejectedError, TransientOutsideError
from app.foundation.secret import Secret
from tests.authenticators.flows import answer, form_of, header_of, make_facts, query_of, run_flow
from tests.factories.definitions import make_oauth2, make_token

OAUTH2 = OAuth2Authenticator()
BOTH = Grant({"accessToken": Secret("CANARY-access"), "refreshToken": Secret("CANARY-refresh")})
ACCESS = Grant({"accessToken": Secret("CANARY-access")})
DONE = answer(b"", 200)


def revoke(*answers, grant=BOTH, facts=None, **changes):
    method = make_oauth2(**changes)
    return run_flow(OAUTH2.revoke(make_facts(method, **(facts or {})), grant), *answers)


@pytest.mark.threat("O15")
def test_the_refresh_token_goes_first_then_the_access_token():
    ran = revoke(DONE, DONE)
    assert [form_of(request) for request in ran.requests] == [
        {"token": "CANARY-refresh", "token_type_hint": "refresh_token"},
        {"token": "CANARY-access", "token_type_hint": "access_token"},
    ]
    assert {request.url for request in ran.requests} == {"https://auth.acme.example/revoke"}
    assert all(header_of(request, "Authorization").startswith("Basic ") for request in ran.requests)
    assert all("token" in request.secret_fields for request in ran.requests)
    assert ran.result == RevocationReport(("refreshToken", "accessToken"), ())


@pytest.mark.parametrize("url", [None, "{+config.revokeUrl}"])
def test_where_nothing_can_be_revoked_it_is_said_what_stays_alive(url):
    ran = revoke(revoke_url=url)
    assert (ran.requests, ran.result) == ([], RevocationReport((), ("accessToken", "refreshToken")))


def test_an_address_of_the_configuration_is_used_where_it_is_given():
    ran = revoke(DONE, grant=ACCESS, revoke_url="{+config.u}", facts={"config": {"u": "https://x.example/r"}})
    assert ran.requests[0].url == "https://x.example/r"


def test_a_type_that_the_provider_does_not_revoke_leaves_that_token_alive():
    ran = revoke(answer({"error": "unsupported_token_type"}, 400), DONE)
    assert (ran.result.revoked, ran.result.alive) == (("accessToken",), ("refreshToken",))
    assert ran.result.problem.details["providerCode"] == "unsupported_token_type"


@pytest.mark.parametrize("error", ["invalid_token", "token_revoked", "invalid_grant"])
def test_a_token_that_is_already_dead_counts_as_revoked(error):
    ran = revoke(answer({"error": error}, 400), grant=ACCESS)
    assert ran.result == RevocationReport(("accessToken",), ())


@pytest.mark.parametrize("status", [408, 429, 500, 503])
@pytest.mark.threat("O15")
def test_an_outage_can_be_tried_again(status):
    ran = revoke(answer(b"", status, retry_after="60"))
    assert isinstance(ran.error, TransientOutsideError)
    assert ran.error.problem.retry_after_s == 60


def test_a_rejected_application_is_its_own_fault():
    assert type(revoke(answer({"error": "invalid_client"}, 401)).error) is ApplicationRejectedError


@pytest.mark.parametrize("response", [answer({"error": "whatever"}, 400), answer(b"", 401), answer(b"", 302)])
def test_what_is_not_revoked_is_said_to_be_alive(response):
    report = revoke(response, grant=ACCESS).result
    assert (report.revoked, report.alive) == ((), ("accessToken",))
    assert report.problem.details["providerStatus"] == response.status


def test_slack_revokes_by_the_token_itself():
    slack = {"revoke_with": "bearer", "token": make_token(success="body.ok == `true`")}
    ran = revoke(answer({"ok": True, "revoked": True}), revoke_params={"test": "false"}, **slack)
    (request,) = ran.requests
    assert header_of(request, "Authorization") == "Bearer CANARY-access"
    assert form_of(request) == {"test": "false"}
    assert ran.result == RevocationReport(("accessToken", "refreshToken"), ())
    assert revoke(answer({"ok": False, "error": "token_revoked"}), **slack).result.alive == ()
    assert revoke(answer({"ok": False, "error": "not_allowed"}), **slack).result.revoked == ()
    assert revoke(answer(b"", 401), **slack).result.alive == ()


def test_github_deletes_the_grant():
    github = {
        "revoke_url": "https://api.acme.example/applications/{application.clientId}/grant",
        "revoke_method": "DELETE",
        "revoke_body": "json",
        "names": {"token": "access_token"},
    }
    ran = revoke(answer(b"", 204), **github)
    (request,) = ran.requests
    assert (request.method, request.url) == ("DELETE", "https://api.acme.example/applications/client-1/grant")
    assert json.loads(request.body) == {"access_token": "CANARY-access"}
    assert header_of(request, "Authorization").startswith("Basic ")
    assert "access_token" in request.secret_fields
    assert ran.result.alive == ()
    assert revoke(answer({"message": "Not Found"}, 404), **github).result.alive == ()


def test_a_token_in_the_query_is_hidden():
    ran = revoke(DONE, grant=ACCESS, revoke_method="GET", client_auth="none")
    (request,) = ran.requests
    assert query_of(request.url) == {"client_id": "client-1", "token": "CANARY-access"}
    assert request.body is None
    assert list(request.secret_query) == ["token"]
    assert "CANARY" not in request.shown_url


def test_a_public_client_names_itself():
    ran = revoke(DONE, grant=ACCESS, facts={"application": ApplicationFacts("client-1")})
    assert form_of(ran.requests[0])["client_id"] == "client-1"
