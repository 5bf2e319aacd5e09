import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.authenticators.oauth2_token import MAX_LIFETIME_S, read_token_answer
from app.authenticators.refusal import AuthStage
from app.catalog.definition import AccountPick, TokenProblem
from app.foundation.errors import (
    ApplicationRejectedError,
    CredentialsRejectedError,
    OutsideError,
    RefusedOutsideError,
    TransientOutsideError,
)
from app.foundation.messages import InResponse
from app.foundation.secret import Secret
from tests.authenticators.flows import answer, assert_safe, form_answer, make_facts, token_body
from tests.factories.definitions import make_token

SENT = (Secret("CANARY-sent-code"), Secret("CANARY-client-secret"))


def read(response, stage=AuthStage.SIGN_IN, problems=(), **token):
    return read_token_answer(make_token(**token), problems, response, make_facts(), stage, SENT)


def refused(response, stage=AuthStage.SIGN_IN, problems=(), **token):
    with pytest.raises(OutsideError) as caught:
        read(response, stage, problems, **token)
    assert_safe(caught.value)
    return caught.value


def test_a_good_answer_is_read_whole():
    found = read(answer(token_body(refresh_expires=86_400)), refresh_expires_in="refresh_expires")
    assert found.values == {
        "accessToken": Secret("CANARY-access-1"),
        "refreshToken": Secret("CANARY-refresh-1"),
    }
    assert (found.expires_in_s, found.refresh_expires_in_s) == (3600, 86_400)
    assert found.granted_scopes == ("read", "write")
    assert (found.account.id, found.account.label, dict(found.account.kept)) == (
        "acc_1",
        "Acme Ltd",
        {"team": "T1"},
    )


def test_a_form_answer_is_read():
    body = {"access_token": "CANARY-t", "token_type": "bearer", "scope": "a,b", "expires_in": "60"}
    found = read(form_answer(body), granted_separator=",")
    assert (found.values["accessToken"].reveal(), found.granted_scopes, found.expires_in_s) == (
        "CANARY-t",
        ("a", "b"),
        60,
    )


def test_tokens_stand_where_the_definition_says():
    body = {"ok": True, "authed_user": {"access_token": "CANARY-u", "token_type": "user", "scope": "a,b"}}
    example = {"authed_user": {"access_token": "x", "token_type": "user"}}
    found = read(
        answer(body),
        success="body.ok == `true`",
        access_token="authed_user.access_token",
        granted="authed_user.scope",
        granted_separator=",",
        example=example,
    )
    assert (found.values["accessToken"].reveal(), found.granted_scopes) == ("CANARY-u", ("a", "b"))


def test_further_secrets_are_sealed_beside_the_token():
    found = read(
        answer(token_body(bot={"token": "CANARY-bot"})), secrets={"botToken": "bot.token", "none": "nowhere"}
    )
    assert found.values["botToken"] == Secret("CANARY-bot")
    assert "none" not in found.values


@pytest.mark.parametrize(
    ("response", "why"),
    [
        (answer({"message": "nope"}, 404), "S15: 404 without a token"),
        (answer({}), "S15: an empty object"),
        (answer({"ok": True, "authed_user": {"access_token": "x"}}), "S15: the token at another path"),
        (answer(token_body(access_token=...)), "no token"),
        (answer(token_body(access_token="")), "empty"),
        (answer(token_body(access_token="   ")), "blank"),
        (answer(token_body(access_token=None)), "null"),
        (answer(token_body(access_token=7)), "a number"),
        (answer(token_body(access_token=["t"])), "a list"),
        (answer(token_body(access_token={"t": 1})), "an object"),
        (answer(token_body(access_token=True)), "a boolean"),
        (answer(token_body(access_token="a\nb")), "a line break"),
        (answer(token_body(access_token="töken")), "not ASCII"),
        (answer(token_body(access_token=" a")), "space around it"),
        (answer(token_body(access_token="a" * 16_385)), "too long"),
        (answer(token_body(refresh_token=5)), "a refresh token that is none"),
        (answer(token_body(refresh_token={"a": 1})), "a refresh token that is an object"),
        (answer(token_body(token_type="mac")), "a type that is not sent as bearer"),
        (answer(token_body(token_type="DPoP")), "bound to a key"),
        (answer([token_body()]), "a list"),
        (answer(b"<html>CANARY-access-1</html>", content_type="text/html"), "a page"),
        (answer(b"", 204), "nothing"),
        (answer(token_body(), 302, location="https://evil.example/"), "a redirect"),
        (answer(token_body(), 307, location="https://evil.example/"), "a redirect that keeps the method"),
        (answer(token_body(), 400), "a token with a status that refuses"),
        (answer(token_body(), 199), "informational"),
        (answer({"message": "no"}, 403), "no error code"),
        (form_answer({"token": "x"}), "a form without a token"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_token_is_refused(response, why):
    error = refused(response)
    assert isinstance(error, RefusedOutsideError), why
    assert error.problem.code == "TOKEN_RESPONSE_INVALID"
    assert error.problem.details["providerStatus"] == response.status


def test_an_answer_beyond_64_kilobytes_is_refused():
    assert refused(answer(token_body(padding="x" * 70_000))).problem.code == "RESPONSE_TOO_LARGE"


@pytest.mark.parametrize(
    "told",
    ["bearer", "Bearer", "BEARER ", "BearerToken", "Bearer Token", "bot", "JWT", "token", "", None, ..., 7],
)
def test_every_word_for_the_type_but_the_registered_ones_means_bearer(told):
    assert read(answer(token_body(token_type=told))).values["accessToken"]


@pytest.mark.parametrize(
    ("told", "named"), [("dpop", "DPoP"), ("PoP ", "PoP"), ("N_A", "N_A"), ("mac", "MAC")]
)
def test_a_type_that_takes_more_than_the_token_is_named(told, named):
    nested = {"token": token_body(token_type=told)}
    for error in (
        refused(answer(token_body(token_type=told))),
        refused(answer(nested), access_token="token.access_token"),
    ):
        assert f"the type {named}," in error.problem.details["providerDetail"]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (3600, 3600),
        ("3600", 3600),
        (3599.9, 3599),
        (..., None),
        (None, None),
        (0, None),
        (-5, None),
        ("soon", None),
        (10**15, MAX_LIFETIME_S),
        (True, None),
        ([], None),
    ],
)
def test_expires_in_is_bounded_or_unknown(told, expected):
    assert read(answer(token_body(expires_in=told))).expires_in_s == expected


@pytest.mark.parametrize("told", [..., None, "soon", -1])
def test_a_documented_lifetime_stands_in_for_one_that_is_not_told(told):
    assert read(answer(token_body(expires_in=told)), default_expires_in_s=7200).expires_in_s == 7200


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (3600, 60, 60),
        (60, 3600, 60),
        (..., 60, 60),
        (60, ..., 60),
        ("soon", 60, 60),
        (60, -5, 60),
        (..., ..., None),
    ],
)
def test_of_several_lifetimes_the_shortest_counts(first, second, expected):
    user = {"access_token": "CANARY-user"} | ({} if second is ... else {"expires_in": second})
    found = read(
        answer(token_body(expires_in=first, user=user, rolling=first, hard=second)),
        refresh_expires_in="rolling",
        expires_in_too=("user.expires_in",),
        refresh_expires_in_too=("hard",),
    )
    assert (found.expires_in_s, found.refresh_expires_in_s) == (expected, expected)


def test_an_expires_in_that_json_cannot_hold_does_not_lose_the_token():
    body = json.dumps(token_body(expires_in="@")).replace('"@"', "1e400").encode()
    assert read(answer(body)).expires_in_s == MAX_LIFETIME_S


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("read write", ("read", "write")),
        (" read  write read ", ("read", "write")),
        ("", ()),
        (["read", "write", 7], ("read", "write")),
        ([], ()),
        (None, None),
        (..., None),
        (7, None),
        ({"a": 1}, None),
    ],
)
def test_scopes_are_read_from_a_text_or_a_list(told, expected):
    assert read(answer(token_body(scope=told))).granted_scopes == expected


def test_scopes_may_be_separated_otherwise_than_they_are_asked_for():
    assert read(answer(token_body(scope="repo,gist")), granted_separator=",").granted_scopes == (
        "repo",
        "gist",
    )


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        ({"id": 12, "name": "Ümlaut"}, ("12", "Ümlaut")),
        ({"id": "", "name": None}, (None, None)),
        ({"id": {"a": 1}, "name": ["x"]}, (None, None)),
        ({"id": "a\u0000b", "name": "x" * 300}, (None, None)),
        ({"id": True, "name": "\ud800"}, (None, None)),
        (None, (None, None)),
    ],
)
def test_an_account_is_told_in_plain_texts_only(account, expected):
    found = read(answer(token_body(account=account))).account
    assert (found.id, found.label) == expected


def test_kept_values_are_texts():
    body = token_body(a=1, b=None, c={"x": 1}, d="https://acme.example")
    kept = read(answer(body), keep={"a": "a", "b": "b", "c": "c", "d": "d"}).account.kept
    assert dict(kept) == {"a": "1", "d": "https://acme.example"}


# -- refusals


@pytest.mark.parametrize(
    ("code", "stage", "error", "problem"),
    [
        ("invalid_grant", AuthStage.RENEWAL, CredentialsRejectedError, "REAUTHENTICATION_REQUIRED"),
        ("invalid_grant", AuthStage.SIGN_IN, RefusedOutsideError, "PROVIDER_REFUSED_AUTHORIZATION"),
        ("invalid_grant", AuthStage.ENTERED, CredentialsRejectedError, "CREDENTIALS_REJECTED"),
        ("bad_refresh_token", AuthStage.RENEWAL, CredentialsRejectedError, "REAUTHENTICATION_REQUIRED"),
        ("interaction_required", AuthStage.RENEWAL, CredentialsRejectedError, "REAUTHENTICATION_REQUIRED"),
        ("access_denied", AuthStage.RENEWAL, CredentialsRejectedError, "REAUTHENTICATION_REQUIRED"),
        ("consent_required", AuthStage.RENEWAL, CredentialsRejectedError, "ADMIN_CONSENT_REQUIRED"),
        ("consent_required", AuthStage.SIGN_IN, RefusedOutsideError, "ADMIN_CONSENT_REQUIRED"),
        ("invalid_client", AuthStage.RENEWAL, ApplicationRejectedError, "APPLICATION_REJECTED"),
        ("invalid_client", AuthStage.SIGN_IN, ApplicationRejectedError, "APPLICATION_REJECTED"),
        ("unauthorized_client", AuthStage.ENTERED, ApplicationRejectedError, "APPLICATION_REJECTED"),
        ("redirect_uri_mismatch", AuthStage.SIGN_IN, RefusedOutsideError, "REDIRECT_URI_MISMATCH"),
        ("invalid_scope", AuthStage.SIGN_IN, RefusedOutsideError, "PROVIDER_REFUSED_AUTHORIZATION"),
        ("invalid_scope", AuthStage.ENTERED, RefusedOutsideError, "PROVIDER_REFUSED_AUTHORIZATION"),
        ("server_error", AuthStage.RENEWAL, TransientOutsideError, "UPSTREAM_UNAVAILABLE"),
        ("temporarily_unavailable", AuthStage.RENEWAL, TransientOutsideError, "UPSTREAM_UNAVAILABLE"),
        ("slow_down", AuthStage.RENEWAL, TransientOutsideError, "RATE_LIMITED"),
        ("invalid_request", AuthStage.SIGN_IN, RefusedOutsideError, "PROVIDER_REFUSED_AUTHORIZATION"),
        ("invalid_request", AuthStage.RENEWAL, RefusedOutsideError, "UPSTREAM_REJECTED"),
        ("unsupported_grant_type", AuthStage.RENEWAL, RefusedOutsideError, "UPSTREAM_REJECTED"),
        ("something_new", AuthStage.RENEWAL, RefusedOutsideError, "UPSTREAM_REJECTED"),
    ],
)
def test_the_error_s_type_says_whose_move_it_is(code, stage, error, problem):
    raised = refused(answer({"error": code, "error_description": "Because."}, 400), stage)
    assert type(raised) is error
    assert raised.problem.code == problem
    assert raised.problem.details["providerCode"] == code
    assert raised.problem.details["providerDetail"] == "Because."


@pytest.mark.parametrize("status", [400, 401, 200])
def test_invalid_grant_is_read_whatever_the_status(status):
    raised = refused(answer({"error": "invalid_grant"}, status), AuthStage.RENEWAL)
    assert (type(raised), raised.problem.details["cause"]) == (CredentialsRejectedError, "UNKNOWN")


@pytest.mark.parametrize("stage", AuthStage)
@pytest.mark.parametrize(
    ("status", "code"),
    [
        (408, "UPSTREAM_TIMEOUT"),
        (429, "RATE_LIMITED"),
        (500, "UPSTREAM_UNAVAILABLE"),
        (503, "UPSTREAM_UNAVAILABLE"),
    ],
)
def test_an_outage_is_never_taken_for_a_dead_grant(stage, status, code):
    raised = refused(answer({"error": "invalid_grant"}, status, retry_after="120"), stage)
    assert (type(raised), raised.problem.code, raised.problem.retry_after_s) == (
        TransientOutsideError,
        code,
        120,
    )


@pytest.mark.parametrize("told", ["-1", "soon", "", "9" * 80])
def test_a_retry_after_that_makes_no_sense_is_not_told(told):
    assert refused(answer({}, 503, retry_after=told)).problem.retry_after_s is None


def test_a_401_with_a_challenge_answers_the_application():
    assert type(refused(answer(b"", 401, www_authenticate="Basic"))) is ApplicationRejectedError
    assert refused(answer(b"", 401)).problem.code == "TOKEN_RESPONSE_INVALID"


def test_github_tells_errors_with_status_200():
    body = {"error": "bad_verification_code", "error_description": "The code passed is incorrect or expired."}
    raised = refused(answer(body))
    assert (raised.problem.code, raised.problem.details["providerCode"]) == (
        "PROVIDER_REFUSED_AUTHORIZATION",
        "bad_verification_code",
    )
    assert refused(form_answer(body)).problem.code == "PROVIDER_REFUSED_AUTHORIZATION"


def test_an_error_beside_a_token_is_an_error_where_no_predicate_says_otherwise():
    assert (
        refused(answer(token_body(error="invalid_grant")), AuthStage.RENEWAL).problem.code
        == "REAUTHENTICATION_REQUIRED"
    )
    found = read(answer(token_body(error={"code": "ok"})), success="body.error.code == 'ok'")
    assert found.values["accessToken"]


def test_slack_refuses_with_status_200():
    body = {"ok": False, "error": "invalid_refresh_token"}
    raised = refused(answer(body), AuthStage.RENEWAL, success="body.ok == `true`")
    assert raised.problem.code == "REAUTHENTICATION_REQUIRED"


def test_a_token_without_the_success_predicate_is_none():
    for ok in (False, None, "true", 1, ...):
        assert refused(answer(token_body(ok=ok)), success="body.ok == `true`")


def test_facebook_s_error_is_an_object():
    error = {
        "message": "Error validating access token CANARY-sent-code",
        "type": "OAuthException",
        "code": 190,
    }
    raised = refused(answer({"error": error}, 400), AuthStage.RENEWAL)
    assert raised.problem.details["providerCode"] == "OAuthException"
    rules = (TokenProblem("body.error.code == `190`", "REAUTHENTICATION_REQUIRED"),)
    raised = refused(answer({"error": error}, 400), AuthStage.RENEWAL, rules, error="error.code")
    assert (raised.problem.code, raised.problem.details["providerCode"]) == (
        "REAUTHENTICATION_REQUIRED",
        "190",
    )


def test_the_definition_s_rules_come_first_and_the_first_match_wins():
    rules = (
        TokenProblem("body.error == 'other'", "RATE_LIMITED"),
        TokenProblem("status == `400`", "ADMIN_CONSENT_REQUIRED"),
        TokenProblem("body.error == 'invalid_grant'", "CREDENTIALS_REJECTED"),
    )
    assert (
        refused(answer({"error": "invalid_grant"}, 400), problems=rules).problem.code
        == "ADMIN_CONSENT_REQUIRED"
    )


@pytest.mark.parametrize(
    ("number", "stage", "code", "cause"),
    [
        (65001, AuthStage.SIGN_IN, "ADMIN_CONSENT_REQUIRED", None),
        (90094, AuthStage.SIGN_IN, "ADMIN_CONSENT_REQUIRED", None),
        (65004, AuthStage.SIGN_IN, "CONSENT_DENIED", None),
        (50011, AuthStage.SIGN_IN, "REDIRECT_URI_MISMATCH", None),
        (7000215, AuthStage.RENEWAL, "APPLICATION_REJECTED", None),
        (50173, AuthStage.RENEWAL, "REAUTHENTICATION_REQUIRED", "PASSWORD_CHANGED"),
        (700082, AuthStage.RENEWAL, "REAUTHENTICATION_REQUIRED", "EXPIRED"),
    ],
)
def test_microsoft_s_numbers_are_read_from_the_list_and_from_the_text(number, stage, code, cause):
    for body in (
        {"error": "invalid_grant", "error_codes": [number]},
        {"error": "invalid_grant", "error_description": f"AADSTS{number}: Something. Trace ID: 1"},
    ):
        raised = refused(answer(body, 400), stage)
        assert (raised.problem.code, raised.problem.details.get("cause")) == (code, cause)


def test_the_redirect_url_to_register_is_named():
    raised = refused(answer({"error": "redirect_uri_mismatch"}, 400))
    assert "https://hub.example/oauth/return/app_1" in raised.problem.message


@pytest.mark.parametrize(
    ("detail", "shown"),
    [
        ("The code CANARY-sent-code is wrong", "The code ******** is wrong"),
        ("x" * 20 + "1" + "y" * 400 + " was bad", "******** was bad"),
        ("a\r\nb\u202ec\x00d", "a b c d"),
        ("word " * 100, ("word " * 100)[:300]),
        ("client_secret=hunter2 is wrong", "client_secret=******** is wrong"),
        ({"a": 1}, None),
        (None, None),
        ("", None),
        ("\x00", None),
    ],
)
def test_the_provider_s_text_is_made_safe(detail, shown):
    raised = refused(answer({"error": "invalid_request", "error_description": detail}, 400))
    assert raised.problem.details.get("providerDetail") == shown


@pytest.mark.parametrize(
    "code", ["CANARY-client-secret", "<script>", "a b", "x" * 61, "a\nb", 'q"', "Zz9" * 10]
)
def test_a_provider_s_code_that_is_none_is_not_shown(code):
    assert "providerCode" not in refused(answer({"error": code}, 400)).problem.details


def test_an_echoed_token_is_not_shown():
    body = {"error": "invalid_request", "access_token": "CANARY", "error_description": "got CANARY"}
    assert refused(answer(body, 400)).problem.details["providerDetail"] == "got ********"


# -- whatever is mutated

leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30)
    | st.sampled_from(["CANARY-leaf-0123456789-abcdef", "", " ", "bearer", "invalid_grant", "read write"])
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)
names = st.sampled_from([*token_body(), "error", "error_description", "ok", "error_codes", "authed_user"])
mutations = st.dictionaries(names, values | st.just(...), max_size=5)
statuses = st.sampled_from([199, 200, 200, 200, 201, 204, 301, 307, 400, 401, 403, 404, 429, 500, 503])
specs = st.sampled_from(
    [
        make_token(),
        make_token(success="body.ok == `true`", access_token="authed_user.access_token"),
        make_token(
            secrets={"other": "ok"}, account=AccountPick("error", "scope"), keep={"a": "error_description"}
        ),
        make_token(error="error.code", error_description="error.message"),
    ]
)


@settings(max_examples=400)
@given(mutations, statuses, specs, st.sampled_from(AuthStage))
def test_no_mutated_answer_yields_a_token_that_is_none_or_leaks(mutation, status, spec, stage):
    judge(answer(token_body(**mutation), status), spec, stage)


@settings(max_examples=200)
@given(st.data(), statuses, st.sampled_from(AuthStage))
def test_no_mutated_bytes_yield_a_token_that_is_none_or_leak(data, status, stage):
    body = bytearray(json.dumps(token_body()).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    judge(answer(bytes(body), status), make_token(), stage)


def judge(response: InResponse, spec, stage):
    try:
        found = read_token_answer(spec, (), response, make_facts(), stage, SENT)
    except OutsideError as error:
        assert_safe(error)
        return
    assert 200 <= response.status < 300
    assert isinstance(found.values["accessToken"], Secret)
    assert found.values["accessToken"].reveal().strip()
    assert found.values.get("refreshToken") is None or found.values.get("refreshToken").reveal().strip()
    assert found.expires_in_s is None or 1 <= found.expires_in_s <= MAX_LIFETIME_S
    assert "CANARY-access" not in repr(found)
    assert replace(found)
