import hashlib
import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.authenticators.base import ApplicationFacts, Callback
from app.authenticators.oauth2 import OAuth2Authenticator
from app.catalog.definition import CallbackValue, TokenProblem
from app.foundation.errors import (
    ApplicationRejectedError,
    OutsideError,
    RefusedOutsideError,
    TransientOutsideError,
)
from app.foundation.secret import Secret
from tests.authenticators.flows import (
    STATE,
    answer,
    begun,
    callback,
    form_of,
    make_attempt,
    make_facts,
    run_flow,
    token_body,
)
from tests.factories.definitions import make_oauth2

OAUTH2 = OAuth2Authenticator()
CODE = "CANARY-code"
ISSUER = "https://auth.acme.example"
REALM = {"realmId": CallbackValue(r"\d{10,19}", "realmId", required=True)}
SHOP = {"shop": CallbackValue(r"[a-z0-9][a-z0-9-]*\.myshopify\.com", "shop", required=True)}


def returned(params, attempt=None, facts=None, **changes):
    """Complete an authorization; one good token answer is ready, so that a request would be answered."""
    method = make_oauth2(**changes)
    flow = OAUTH2.complete(make_facts(method, **(facts or {})), attempt or begun(), params)
    return run_flow(flow, answer(token_body()))


def signed(secret="CANARY-client-secret", signature=None, **params):
    """A return that Shopify signed."""
    params = {"code": CODE, "shop": "acme.myshopify.com", "state": STATE, "timestamp": "1337178173", **params}
    message = "&".join(f"{name}={value}" for name, value in sorted(params.items()))
    found = hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()
    return Callback((*params.items(), ("hmac", signature or found)))


def tampered(name, value, **params):
    pairs = dict(signed(**params).params)
    return Callback(tuple({**pairs, name: value}.items()))


SHOPIFY = {"callback": SHOP, "callback_hmac": "hmac"}

# Each of these must end without a request: the provider sees no token call.
REFUSED = {
    "code and error": (callback(code=CODE, error="access_denied"), {}, "CALLBACK_INVALID"),
    "neither code nor error": (callback(), {}, "CALLBACK_INVALID"),
    "code twice": (callback(("code", "other"), code=CODE), {}, "CALLBACK_INVALID"),
    "the same code twice": (callback(("code", CODE), code=CODE), {}, "CALLBACK_INVALID"),
    "state twice": (callback(("state", STATE), code=CODE), {}, "CALLBACK_INVALID"),
    "error twice": (callback(("error", "access_denied"), error="access_denied"), {}, "CALLBACK_INVALID"),
    "issuer twice": (
        callback(("iss", ISSUER), code=CODE, iss=ISSUER),
        {"issuer": ISSUER},
        "CALLBACK_INVALID",
    ),
    "an unknown parameter twice": (callback(("x", "1"), code=CODE, x="2"), {}, "CALLBACK_INVALID"),
    "no state": (callback(code=CODE, state=None), {}, "CALLBACK_INVALID"),
    "an empty state": (callback(code=CODE, state=""), {}, "CALLBACK_INVALID"),
    "another state": (callback(code=CODE, state=STATE[:-1] + "x"), {}, "CALLBACK_INVALID"),
    "a longer state": (callback(code=CODE, state=STATE + "x"), {}, "CALLBACK_INVALID"),
    "a state that is not ASCII": (callback(code=CODE, state=STATE[:-1] + "ä"), {}, "CALLBACK_INVALID"),
    "a state in another case": (callback(code=CODE, state=STATE.upper()), {}, "CALLBACK_INVALID"),
    "an empty error": (callback(error=""), {}, "CALLBACK_INVALID"),
    "an empty code": (callback(code=""), {}, "CALLBACK_INVALID"),
    "a blank code": (callback(code="  "), {}, "CALLBACK_INVALID"),
    "a code with a line break": (callback(code="CANARY\r\nx"), {}, "CALLBACK_INVALID"),
    "a code that is not ASCII": (callback(code="CANARY-ä"), {}, "CALLBACK_INVALID"),
    "another issuer": (
        callback(code=CODE, iss="https://evil.example"),
        {"issuer": ISSUER},
        "ISSUER_MISMATCH",
    ),
    "an issuer that begins the same": (
        callback(code=CODE, iss=f"{ISSUER}/"),
        {"issuer": ISSUER},
        "ISSUER_MISMATCH",
    ),
    "an empty issuer": (callback(code=CODE, iss=""), {"issuer": ISSUER}, "ISSUER_MISMATCH"),
    "no issuer where one is demanded": (callback(code=CODE), {"issuer": ISSUER}, "ISSUER_MISMATCH"),
    "an error of another issuer": (
        callback(error="access_denied", iss="https://evil.example"),
        {"issuer": ISSUER},
        "ISSUER_MISMATCH",
    ),
    "a realm that is none": (
        callback(code=CODE, realmId="12345/../x"),
        {"callback": REALM},
        "CALLBACK_INVALID",
    ),
    "a realm with a tail": (
        callback(code=CODE, realmId="1234567890x"),
        {"callback": REALM},
        "CALLBACK_INVALID",
    ),
    "a realm with a line break": (
        callback(code=CODE, realmId="1234567890\n"),
        {"callback": REALM},
        "CALLBACK_INVALID",
    ),
    "no realm": (callback(code=CODE), {"callback": REALM}, "CALLBACK_INVALID"),
    "an empty realm": (callback(code=CODE, realmId=""), {"callback": REALM}, "CALLBACK_INVALID"),
    "an unsigned return": (callback(code=CODE, shop="acme.myshopify.com"), SHOPIFY, "CALLBACK_INVALID"),
    "an empty signature": (tampered("hmac", ""), SHOPIFY, "CALLBACK_INVALID"),
    "one byte of the signature changed": (
        tampered("hmac", signed().params[-1][1][:-1] + "g"),
        SHOPIFY,
        "CALLBACK_INVALID",
    ),
    "one byte of the shop changed": (tampered("shop", "bcme.myshopify.com"), SHOPIFY, "CALLBACK_INVALID"),
    "one byte of the code changed": (tampered("code", "CANARY-codf"), SHOPIFY, "CALLBACK_INVALID"),
    "signed with another secret": (signed(secret="other"), SHOPIFY, "CALLBACK_INVALID"),
    "an added parameter": (tampered("host", "x"), SHOPIFY, "CALLBACK_INVALID"),
    "a signed shop of another domain": (signed(shop="acme.evil.example"), SHOPIFY, "CALLBACK_INVALID"),
    "a signed shop with a path": (signed(shop="acme.myshopify.com/x"), SHOPIFY, "CALLBACK_INVALID"),
}


@pytest.mark.parametrize(("params", "changes", "code"), REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.threat("O1", "O3", "O9")
def test_a_return_that_is_not_right_sends_nothing(params, changes, code):
    ran = returned(params, **changes)
    assert ran.codes == [code]
    assert isinstance(ran.error, RefusedOutsideError)
    assert ran.requests == []


def test_at_least_thirty_negative_cases_are_tried():
    assert len(REFUSED) >= 30


@pytest.mark.parametrize("configured", ["other.myshopify.com", "other", "acm"])
def test_a_signed_shop_other_than_the_configured_one_sends_nothing(configured):
    ran = returned(signed(), facts={"config": {"shop": configured}}, **SHOPIFY)
    assert ran.codes == ["CALLBACK_INVALID"]
    assert ran.requests == []


@pytest.mark.parametrize("configured", ["acme.myshopify.com", "ACME.myshopify.com", "acme"])
def test_the_configured_shop_is_accepted(configured):
    ran = returned(signed(), facts={"config": {"shop": configured}}, **SHOPIFY)
    assert ran.result.account.kept["shop"] == "acme.myshopify.com"


def test_without_a_client_secret_no_signature_is_right():
    ran = returned(signed(), facts={"application": ApplicationFacts("client-1")}, **SHOPIFY)
    assert (ran.codes, ran.requests) == (["CALLBACK_INVALID"], [])


def test_a_lost_code_verifier_sends_nothing():
    for kept in ({}, {"codeVerifier": Secret("")}, {"codeVerifier": "no secret"}):
        ran = returned(callback(code=CODE), attempt=make_attempt(kept=kept))
        assert (ran.codes, ran.requests) == (["CALLBACK_INVALID"], [])


@pytest.mark.parametrize(
    ("error", "detail", "kind", "code"),
    [
        ("access_denied", "The user denied", RefusedOutsideError, "CONSENT_DENIED"),
        ("access_denied", "AADSTS65004: User declined to consent.", RefusedOutsideError, "CONSENT_DENIED"),
        ("user_cancelled_login", None, RefusedOutsideError, "CONSENT_DENIED"),
        ("consent_required", None, RefusedOutsideError, "ADMIN_CONSENT_REQUIRED"),
        (
            "access_denied",
            "AADSTS90094: Admin consent is required.",
            RefusedOutsideError,
            "ADMIN_CONSENT_REQUIRED",
        ),
        ("invalid_client", "AADSTS65001: not consented", RefusedOutsideError, "ADMIN_CONSENT_REQUIRED"),
        ("invalid_scope", "Unknown scope", RefusedOutsideError, "PROVIDER_REFUSED_AUTHORIZATION"),
        ("redirect_uri_mismatch", None, RefusedOutsideError, "REDIRECT_URI_MISMATCH"),
        ("invalid_request", "AADSTS50011: reply URL", RefusedOutsideError, "REDIRECT_URI_MISMATCH"),
        ("unauthorized_client", None, ApplicationRejectedError, "APPLICATION_REJECTED"),
        ("invalid_client", None, ApplicationRejectedError, "APPLICATION_REJECTED"),
        ("server_error", None, TransientOutsideError, "UPSTREAM_UNAVAILABLE"),
        ("temporarily_unavailable", None, TransientOutsideError, "UPSTREAM_UNAVAILABLE"),
        ("unsupported_response_type", None, RefusedOutsideError, "PROVIDER_REFUSED_AUTHORIZATION"),
        ("invalid_request", None, RefusedOutsideError, "PROVIDER_REFUSED_AUTHORIZATION"),
        ("something_new", None, RefusedOutsideError, "PROVIDER_REFUSED_AUTHORIZATION"),
        ('"><script>', "<b>x</b>", RefusedOutsideError, "PROVIDER_REFUSED_AUTHORIZATION"),
        ("x" * 5_000, "y" * 8_000, RefusedOutsideError, "PROVIDER_REFUSED_AUTHORIZATION"),
    ],
)
def test_an_error_on_the_return_is_named_and_sends_nothing(error, detail, kind, code):
    ran = returned(callback(error=error, error_description=detail))
    assert ran.codes == [code]
    assert type(ran.error) is kind
    assert ran.requests == []


def test_an_invalid_scope_points_to_the_scopes():
    problem = returned(callback(error="invalid_scope")).error.problem
    assert problem.path == ("scopes",)
    assert problem.remediation[0].kind == "ADD_SCOPE"


def test_the_definition_s_rules_read_errors_on_the_return_too():
    rules = (TokenProblem("body.error == 'app_not_approved'", "ADMIN_CONSENT_REQUIRED"),)
    assert returned(callback(error="app_not_approved"), problems=rules).codes == ["ADMIN_CONSENT_REQUIRED"]


def test_the_state_is_not_shown_where_the_provider_echoes_it():
    detail = returned(
        callback(error="invalid_request", error_description=f"bad {STATE}")
    ).error.problem.details
    assert detail["providerDetail"] == "bad ********"


@pytest.mark.parametrize("iss", [None, "https://anything.example"])
def test_an_issuer_that_nobody_knows_is_no_reason_to_refuse(iss):
    assert returned(callback(code=CODE, iss=iss)).error is None


def test_the_right_issuer_is_accepted_also_from_the_configuration():
    ran = returned(
        callback(code=CODE, iss=ISSUER), issuer="{+config.issuer}", facts={"config": {"issuer": ISSUER}}
    )
    assert ran.error is None
    assert returned(callback(code=CODE), issuer="{+config.issuer}").error is None


def test_extra_values_are_kept_and_usable_in_the_token_address():
    ran = returned(
        callback(code=CODE, dc="eu"),
        callback={"dc": CallbackValue("eu|us", "dc", required=False)},
        token_url="https://auth.{account.dc}.acme.example/token",
    )
    assert ran.requests[0].url == "https://auth.eu.acme.example/token"
    assert dict(ran.result.account.kept) == {"dc": "eu", "team": "T1"}


def test_an_optional_value_may_be_absent():
    ran = returned(callback(code=CODE), callback={"dc": CallbackValue("eu|us", "dc", required=False)})
    assert dict(ran.result.account.kept) == {"team": "T1"}


def test_a_value_that_is_only_checked_is_not_kept():
    ran = returned(
        callback(code=CODE, realmId="1234567890"), callback={"realmId": CallbackValue(r"\d+", None, True)}
    )
    assert "realmId" not in ran.result.account.kept


def test_a_signed_return_is_accepted_with_the_signature_in_either_case():
    upper = tuple((name, value.upper() if name == "hmac" else value) for name, value in signed().params)
    for params in (signed(), Callback(upper)):
        ran = returned(params, **SHOPIFY)
        assert form_of(ran.requests[0])["code"] == CODE


def test_shopify_s_documented_signature_holds():
    # https://shopify.dev/docs/apps/build/authentication-authorization: secret hush, this message and digest.
    params = {
        "code": "0907a61c0c8d55e99db179b68161bc00",
        "shop": "some-shop.myshopify.com",
        "state": "0.6784241404160823",
        "timestamp": "1337178173",
        "hmac": "700e2dadb827fcc8609e9d5ce208b2e9cdaab9df07390d2cbca10d7c328fc4bf",
    }
    ran = returned(
        Callback(tuple(params.items())),
        attempt=begun(state=Secret(params["state"])),
        facts={"application": ApplicationFacts("client-1", Secret("hush"))},
        **SHOPIFY,
    )
    assert ran.error is None


names = st.sampled_from(
    ["code", "state", "error", "error_description", "iss", "shop", "hmac", "x"]
) | st.text(max_size=5)
told = st.sampled_from([STATE, CODE, ISSUER, "acme.myshopify.com", ""]) | st.text(max_size=40)


@settings(max_examples=300)
@given(st.lists(st.tuples(names, told), max_size=8), st.sampled_from([{}, {"issuer": ISSUER}, SHOPIFY]))
@pytest.mark.threat("O1", "O3", "O9")
def test_no_return_makes_a_request_without_this_state_and_one_code(pairs, changes):
    ran = returned(Callback(tuple(pairs)), **changes)
    if ran.requests:
        assert sorted(name for name, _ in pairs) == sorted(dict(pairs))
        found = dict(pairs)
        assert found["state"] == STATE
        assert found["code"].strip()
        assert "error" not in found
        assert "issuer" not in changes or found["iss"] == ISSUER
        assert changes is not SHOPIFY
    else:
        assert isinstance(ran.error, OutsideError)
