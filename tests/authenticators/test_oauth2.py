import json
from base64 import b64encode

import pytest

from app.authenticators.base import (
    Chosen,
    Entered,
    Grant,
    Proceed,
)
from app.authenticators.oauth2 import OAuth2Authenticator
from app.authenticators.steps import CredentialFormStep, NoStep, RedirectStep
from app.catalog.definition import CallbackValue, GrantType, RenewalBy
from app.foundation.errors import (
    ApplicationRejectedError,
    CredentialsRejectedError,
    RefusedOutsideError,
    TransientOutsideError,
)
from app.foundation.problems import ProblemCode, problem
from app.foundation.secret import Secret
from tests.authenticators.flows import (
    REDIRECT_URI,
    answer,
    begun,
    callback,
    form_answer,
    form_of,
    header_of,
    make_attempt,
    make_facts,
    run_flow,
    token_body,
)
from tests.factories.definitions import (
    make_definition,
    make_form,
    make_http,
    make_oauth2,
    make_renewal,
    make_token,
)

OAUTH2 = OAuth2Authenticator()
GONE = TransientOutsideError(problem(ProblemCode.UPSTREAM_TIMEOUT))


def complete(method, *answers, facts=None, attempt=None, given=None):
    given = given or callback(code="CANARY-code")
    return run_flow(OAUTH2.complete(make_facts(method, **(facts or {})), attempt or begun(), given), *answers)


def renew(method, grant, *answers, facts=None):
    return run_flow(OAUTH2.renew(make_facts(method, **(facts or {})), grant), *answers)


def old_grant(**changes):
    given = {
        "values": {"accessToken": Secret("CANARY-access-0"), "refreshToken": Secret("CANARY-refresh-0")},
        "granted_scopes": ("read",),
        "requested_scopes": ("read", "write"),
        **changes,
    }
    return Grant(**given)


# -- the code


def test_a_code_is_exchanged_as_rfc_6749_and_7636_say():
    method = make_oauth2()
    waiting = run_flow(OAUTH2.begin(make_facts(method), make_attempt())).result
    assert isinstance(waiting.step, RedirectStep)
    ran = complete(method, answer(token_body()), attempt=make_attempt(kept=waiting.kept))
    (request,) = ran.requests
    assert (request.method, request.url) == ("POST", "https://auth.acme.example/token")
    assert form_of(request) == {
        "grant_type": "authorization_code",
        "code": "CANARY-code",
        "redirect_uri": REDIRECT_URI,
        "code_verifier": waiting.kept["codeVerifier"].reveal(),
    }
    assert header_of(request, "Accept") == "application/json"
    assert header_of(request, "Content-Type") == "application/x-www-form-urlencoded"
    assert (
        header_of(request, "Authorization") == f"Basic {b64encode(b'client-1:CANARY-client-secret').decode()}"
    )


def test_every_secret_of_a_token_request_is_marked():
    method = make_oauth2(client_auth="post")
    request = complete(method, answer(token_body())).requests[0]
    assert {"code", "code_verifier", "client_secret"} <= set(request.secret_fields)
    assert {"access_token", "refresh_token"} <= set(request.secret_fields)
    verifier = begun().kept["codeVerifier"].reveal()
    assert {s.reveal() for s in request.secrets} == {"CANARY-code", "CANARY-client-secret", verifier}
    assert "CANARY" not in request.redactor().body(
        request.body.decode(), header_of(request, "content-type"), sent=True
    )
    assert list(complete(make_oauth2(), answer(token_body())).requests[0].secret_headers) == ["authorization"]


def test_the_grant_holds_all_that_was_told():
    grant = complete(make_oauth2(), answer(token_body(scope="read"))).result
    assert grant.values == {
        "accessToken": Secret("CANARY-access-1"),
        "refreshToken": Secret("CANARY-refresh-1"),
    }
    assert (grant.expires_in_s, grant.refresh_expires_in_s) == (3600, None)
    assert (grant.requested_scopes, grant.granted_scopes) == (("read", "write"), ("read",))
    assert (grant.account.id, grant.account.label, dict(grant.account.kept)) == (
        "acc_1",
        "Acme Ltd",
        {"team": "T1"},
    )


def test_token_requests_may_be_json_with_other_names_headers_and_parameters():
    method = make_oauth2(
        body="json",
        client_auth="post",
        names={"client_id": "client_key", "client_secret": "client_pass"},
        token_params={"grant_kind": "{config.kind}", "missing": "{config.none}"},
        token_headers={"Notion-Version": "2022-06-28"},
    )
    request = complete(method, answer(token_body()), facts={"config": {"kind": "k"}}).requests[0]
    body = json.loads(request.body)
    assert (body["client_key"], body["client_pass"], body["grant_kind"]) == (
        "client-1",
        "CANARY-client-secret",
        "k",
    )
    assert not {"client_id", "client_secret", "missing"} & set(body)
    assert header_of(request, "Content-Type") == "application/json"
    assert header_of(request, "Notion-Version") == "2022-06-28"
    assert "client_pass" in request.secret_fields


def test_without_pkce_no_verifier_is_sent_or_needed():
    ran = complete(make_oauth2(pkce=False), answer(token_body()), attempt=make_attempt())
    assert "code_verifier" not in form_of(ran.requests[0])


def test_a_form_encoded_answer_is_a_grant_too():
    body = {"access_token": "CANARY-t", "scope": "repo,gist", "token_type": "bearer"}
    grant = complete(make_oauth2(token=make_token(granted_separator=",")), form_answer(body)).result
    assert (grant.values["accessToken"].reveal(), grant.granted_scopes) == ("CANARY-t", ("repo", "gist"))
    assert grant.expires_in_s is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.threat("O16")
def test_a_redirect_of_the_token_call_is_not_followed(status):
    ran = complete(make_oauth2(), answer(token_body(), status, location="https://evil.example/token"))
    assert ran.codes == ["TOKEN_RESPONSE_INVALID"]
    assert isinstance(ran.error, RefusedOutsideError)
    assert len(ran.requests) == 1


def test_a_failed_send_ends_the_flow_as_it_is():
    assert complete(make_oauth2(), GONE).error is GONE
    assert renew(make_oauth2(), old_grant(), GONE).error is GONE


@pytest.mark.parametrize("given", [Proceed(), Entered({}), Chosen("1")])
def test_an_answer_to_another_step_is_refused(given):
    ran = complete(make_oauth2(), given=given)
    assert (ran.codes, ran.requests) == (["NOT_ALLOWED_NOW"], [])


# -- O10: what an answer names as a host

SALESFORCE = {
    "token": make_token(keep={"instanceUrl": "instance_url"}),
}
HTTP = make_http(
    base_url="{+account.instanceUrl}/services", hosts=("*.my.salesforce.com", "auth.acme.example")
)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254",
        "https://evil.example",
        "https://my.salesforce.com.evil.example",
        "https://evil.example/.my.salesforce.com",
        "https://acme.my.salesforce.com@evil.example",
        "https://acme.my.salesforce.com\\@evil.example",
        "javascript:alert(1)",
        "",
        None,
        ...,
    ],
)
@pytest.mark.threat("O10")
def test_an_answer_that_names_a_foreign_host_is_no_grant(url):
    method = make_oauth2(**SALESFORCE)
    facts = {"definition": make_definition(method, http=HTTP)}
    ran = complete(method, answer(token_body(instance_url=url)), facts=facts)
    assert ran.codes == ["TOKEN_RESPONSE_INVALID"]
    assert ran.error.problem.details["cause"] == "HOST"
    grant = old_grant()
    ran = renew(method, grant, answer(token_body(instance_url=url)), facts=facts)
    assert ran.codes == ["TOKEN_RESPONSE_INVALID"]


def test_an_answer_that_names_an_allowed_host_is_a_grant():
    method = make_oauth2(**SALESFORCE)
    facts = {"definition": make_definition(method, http=HTTP)}
    url = "https://acme.my.salesforce.com"
    assert (
        complete(method, answer(token_body(instance_url=url)), facts=facts).result.account.kept["instanceUrl"]
        == url
    )


# -- renewal


def test_a_refresh_sends_no_scope_and_keeps_what_the_answer_does_not_mention():
    ran = renew(make_oauth2(), old_grant(), answer({"access_token": "CANARY-access-2", "expires_in": 60}))
    assert form_of(ran.requests[0]) == {"grant_type": "refresh_token", "refresh_token": "CANARY-refresh-0"}
    assert "refresh_token" in ran.requests[0].secret_fields
    assert ran.result == old_grant(
        values={"accessToken": Secret("CANARY-access-2"), "refreshToken": Secret("CANARY-refresh-0")},
        expires_in_s=60,
    )


def test_a_rotated_refresh_token_replaces_the_old_one():
    grant = renew(make_oauth2(), old_grant(), answer(token_body())).result
    assert grant.values["refreshToken"] == Secret("CANARY-refresh-1")
    assert grant.granted_scopes == ("read", "write")


def test_a_refresh_may_go_elsewhere_with_extra_parameters_and_another_answer():
    renewal = make_renewal(
        url="https://auth.acme.example/renew/{account.dc}",
        params={"client": "{config.c}"},
        token=make_token(access_token="data.token"),
    )
    method = make_oauth2(renewal=renewal)
    grant = old_grant(
        account=complete(
            make_oauth2(callback={"dc": CallbackValue("eu", "dc", required=True)}),
            answer(token_body()),
            given=callback(code="c", dc="eu"),
        ).result.account
    )
    ran = renew(method, grant, answer({"data": {"token": "CANARY-new"}}), facts={"config": {"c": "1"}})
    assert ran.requests[0].url == "https://auth.acme.example/renew/eu"
    assert form_of(ran.requests[0])["client"] == "1"
    assert ran.result.values["accessToken"].reveal() == "CANARY-new"


def test_without_a_refresh_token_a_person_is_needed_and_nothing_is_sent():
    grant = old_grant(values={"accessToken": Secret("CANARY-access-0")})
    ran = renew(make_oauth2(), grant)
    assert isinstance(ran.error, CredentialsRejectedError)
    assert (ran.error.problem.code, ran.error.problem.details["cause"]) == (
        "REAUTHENTICATION_REQUIRED",
        "NO_REFRESH_TOKEN",
    )
    assert not OAUTH2.can_renew(make_oauth2(), grant)
    assert OAUTH2.can_renew(make_oauth2(), old_grant())


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (answer({"error": "invalid_grant"}, 400), CredentialsRejectedError),
        (answer({"error": "invalid_client"}, 401), ApplicationRejectedError),
        (answer({"error": "invalid_grant"}, 503), TransientOutsideError),
        (answer({}, 200), RefusedOutsideError),
    ],
)
def test_a_refused_refresh_says_whose_move_it_is(response, error):
    assert type(renew(make_oauth2(), old_grant(), response).error) is error


def test_what_cannot_be_renewed_says_so():
    method = make_oauth2(renewal=make_renewal(RenewalBy.NONE))
    assert not OAUTH2.can_renew(method, old_grant())
    assert renew(method, old_grant()).codes == ["REAUTHENTICATION_REQUIRED"]


# -- long-lived tokens by exchange

FACEBOOK = {
    "client_auth": "post",
    "token": make_token(refresh_token=None, default_expires_in_s=5_184_000),
    "renewal": make_renewal(
        RenewalBy.EXCHANGE,
        at_once=True,
        params={
            "grant_type": "fb_exchange_token",
            "client_id": "{application.clientId}",
            "client_secret": "{application.clientSecret}",
            "fb_exchange_token": "{credentials.accessToken}",
        },
    ),
}


def test_a_short_token_is_exchanged_at_once_by_the_definition_s_own_request():
    long = {"access_token": "CANARY-long", "token_type": "bearer"}
    ran = complete(make_oauth2(**FACEBOOK), answer(token_body()), answer(long))
    assert form_of(ran.requests[1]) == {
        "grant_type": "fb_exchange_token",
        "client_id": "client-1",
        "client_secret": "CANARY-client-secret",
        "fb_exchange_token": "CANARY-access-1",
    }
    assert {"fb_exchange_token", "client_secret"} <= set(ran.requests[1].secret_fields)
    assert ran.result.values == {"accessToken": Secret("CANARY-long")}
    assert ran.result.expires_in_s == 5_184_000
    assert ran.result.account.id == "acc_1"


def test_a_long_token_is_renewed_by_the_same_exchange():
    method = make_oauth2(**FACEBOOK)
    grant = old_grant(values={"accessToken": Secret("CANARY-long")})
    assert OAUTH2.can_renew(method, grant)
    ran = renew(method, grant, answer({"access_token": "CANARY-longer"}))
    assert form_of(ran.requests[0])["fb_exchange_token"] == "CANARY-long"
    assert ran.result.values["accessToken"] == Secret("CANARY-longer")


# -- the client's own grant

OWN = {"grant": GrantType.CLIENT_CREDENTIALS, "renewal": make_renewal(RenewalBy.GRANT)}


def test_client_credentials_need_nobody():
    method = make_oauth2(**OWN, audience="https://api.acme.example")
    waiting = run_flow(OAUTH2.begin(make_facts(method), make_attempt())).result
    assert (waiting.step, waiting.poll_after_s) == (NoStep(), 0)
    ran = complete(method, answer(token_body(refresh_token=...)), given=Proceed(), attempt=make_attempt())
    assert form_of(ran.requests[0]) == {
        "grant_type": "client_credentials",
        "scope": "read write",
        "audience": "https://api.acme.example",
    }
    assert OAUTH2.can_renew(method, ran.result)
    again = renew(method, ran.result, answer(token_body(access_token="CANARY-2")))
    assert form_of(again.requests[0]) == form_of(ran.requests[0])
    assert again.result.values["accessToken"] == Secret("CANARY-2")


def test_client_credentials_may_be_entered():
    form = make_form(clientId={}, clientSecret={"secret": True})
    method = make_oauth2(**OWN, client_auth="post", method={"credentials": form})
    facts = {"application": None}
    waiting = run_flow(OAUTH2.begin(make_facts(method, **facts), make_attempt())).result
    assert isinstance(waiting.step, CredentialFormStep)
    entered = Entered({"clientId": "mine", "clientSecret": "CANARY-mine"})
    ran = complete(method, answer(token_body()), given=entered, facts=facts, attempt=make_attempt())
    assert form_of(ran.requests[0])["client_secret"] == "CANARY-mine"
    assert set(ran.result.values) == {"clientId", "clientSecret", "accessToken", "refreshToken"}
    again = renew(method, ran.result, answer(token_body()), facts=facts)
    assert form_of(again.requests[0])["client_id"] == "mine"
    wrong = complete(method, answer({"error": "invalid_client"}, 401), given=entered, facts=facts)
    assert wrong.codes == ["APPLICATION_REJECTED"]


def test_a_form_that_is_not_filled_in_is_a_problem_before_anything_is_sent():
    form = make_form(clientId={}, clientSecret={"secret": True})
    method = make_oauth2(**OWN, method={"credentials": form})
    ran = complete(method, given=Entered({"clientId": "mine"}))
    assert ran.error.problem.path == ("credentials", "clientSecret")
    assert complete(method, given=Proceed()).codes == ["NOT_ALLOWED_NOW"]


def test_without_an_application_nothing_is_sent():
    ran = complete(make_oauth2(**OWN), given=Proceed(), facts={"application": None})
    assert (ran.codes, ran.requests) == (["APPLICATION_MISSING"], [])


# -- introspection


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (answer({"active": True, "exp": 1767268800 + 1800}), 1800),
        (answer({"active": True, "exp": "soon"}), None),
        (answer({"active": True, "exp": 5}), None),
        (answer({"active": True}), None),
        (answer([], 200), None),
        (answer({"exp": 1767268800 + 1800}, 500), None),
        (GONE, None),
    ],
)
def test_a_lifetime_that_is_not_told_is_asked_for_and_a_failure_changes_nothing(response, expected):
    method = make_oauth2(introspect_url="https://auth.acme.example/introspect")
    ran = complete(method, answer(token_body(expires_in=...)), response)
    assert ran.result.expires_in_s == expected
    assert form_of(ran.requests[1]) == {"token": "CANARY-access-1", "token_type_hint": "access_token"}
    assert "token" in ran.requests[1].secret_fields


def test_a_lifetime_that_was_told_is_not_asked_for():
    method = make_oauth2(introspect_url="https://auth.acme.example/introspect")
    assert complete(method, answer(token_body())).result.expires_in_s == 3600


# -- placing the token


def test_the_access_token_goes_along_as_bearer():
    method = make_oauth2()
    grant = complete(method, answer(token_body())).result
    request = OAUTH2.apply(make_facts(method), grant, complete(method, GONE).requests[0])
    assert header_of(request, "Authorization") == "Bearer CANARY-access-1"
