import re
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import unquote

import pytest
from authlib.oauth1.rfc5849.signature import construct_base_string
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from app.authenticators.base import ApplicationFacts, Callback, Entered, Grant
from app.authenticators.oauth1 import OAuth1Authenticator
from app.authenticators.oauth1_signature import Signer, signed
from app.authenticators.steps import RedirectStep
from app.foundation.errors import ApplicationRejectedError, RefusedOutsideError, TransientOutsideError
from app.foundation.messages import OutRequest
from app.foundation.secret import Secret
from tests.authenticators.flows import (
    NOW,
    REDIRECT_URI,
    STATE,
    answer,
    form_answer,
    header_of,
    make_attempt,
    make_facts,
    query_of,
    run_flow,
)
from tests.factories.definitions import make_oauth1

OAUTH1 = OAuth1Authenticator()
PHOTOS = {"client_id": "dpf43f3p2l4k3l03", "client_secret": Secret("kd94hf93k423kf44"), "realm": "Photos"}
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)

TEMPORARY = {
    "oauth_token": "CANARY-temporary",
    "oauth_token_secret": "CANARY-temporary-secret",
    "oauth_callback_confirmed": "true",
}
LASTING = {
    "oauth_token": "CANARY-lasting",
    "oauth_token_secret": "CANARY-lasting-secret",
    "user_id": "7",
    "screen_name": "ann",
}


def begin(response=None, method=None, **facts):
    method = method or make_oauth1()
    flow = OAUTH1.begin(make_facts(method, **facts), make_attempt())
    return run_flow(flow, response or form_answer(TEMPORARY))


def returned(**changes):
    params = {
        "state": STATE,
        "oauth_token": "CANARY-temporary",
        "oauth_verifier": "CANARY-verifier",
        **changes,
    }
    return Callback(tuple((name, value) for name, value in params.items() if value is not None))


def complete(callback=None, response=None, method=None):
    method = method or make_oauth1()
    attempt = make_attempt(kept=begin(method=method).result.kept)
    flow = OAUTH1.complete(make_facts(method), attempt, callback or returned())
    return run_flow(flow, response or form_answer(LASTING))


def fields(request):
    """The parameters of the Authorization header, decoded."""
    value = header_of(request, "Authorization")
    assert value.startswith("OAuth ")
    return {name: unquote(text) for name, text in re.findall(r'(\w+)="([^"]*)"', value)}


# -- signatures


@pytest.mark.parametrize(
    ("request_", "token", "timestamp", "nonce", "extra", "expected"),
    [
        (
            OutRequest("POST", "https://photos.example.net/initiate"),
            (None, None),
            137131200,
            "wIjqoS",
            {"oauth_callback": "http://printer.example.com/ready"},
            "74KNZJeDHnMBp0EMJ9ZHt/XKycU=",
        ),
        (
            OutRequest("POST", "https://photos.example.net/token"),
            ("hh5s93j4hdidpola", "hdhd0244k9j7ao03"),
            137131201,
            "walatlh",
            {"oauth_verifier": "hfdp7dh39dks9884"},
            "gKgrFCywp7rO0OXSjdot/IHF7IU=",
        ),
        (
            OutRequest("GET", "http://photos.example.net/photos?file=vacation.jpg&size=original"),
            ("nnch734d00sl2jdk", "pfkkdhi9sl3r4s00"),
            137131202,
            "chapoH",
            {},
            "MdpQcU8iPSUjWoN/UDMsK2sui9I=",
        ),
    ],
    ids=["temporary", "token", "resource"],
)
def test_signatures_are_those_of_rfc_5849(request_, token, timestamp, nonce, extra, expected):
    known = [Secret(text) if text else None for text in token]
    signer = Signer("HMAC-SHA1", token=known[0], token_secret=known[1], **PHOTOS)
    made = signed(request_, signer, extra, now=datetime.fromtimestamp(timestamp, UTC), nonce=nonce)
    assert fields(made)["oauth_signature"] == expected
    assert fields(made)["realm"] == "Photos"


def test_a_form_body_is_signed_as_twitter_documents_it():
    # https://docs.x.com: "Creating a signature", with version 1.0 and a body of reserved characters.
    body = b"status=Hello%20Ladies%20%2B%20Gentlemen%2C%20a%20signed%20OAuth%20request%21"
    url = "https://api.twitter.com/1.1/statuses/update.json?include_entities=true"
    signer = Signer(
        "HMAC-SHA1",
        "xvz1evFS4wEEPTGEFPHBog",
        Secret("kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw"),
        Secret("370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb"),
        Secret("LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE"),
    )
    nonce, now = "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg", datetime.fromtimestamp(1318622958, UTC)
    made = signed(OutRequest("POST", url, FORM, body), signer, {"oauth_version": "1.0"}, now=now, nonce=nonce)
    assert fields(made)["oauth_signature"] == "hCtSmYh+iHYCEqBWrE7C7hYmtUk="


def test_repeated_and_empty_parameters_are_signed():
    # The request of RFC 5849 3.4.1.1, with the signature of its base string.
    url = "http://example.com/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b"
    token = (Secret("kkk9d7dh3k39sjv7"), Secret("dh893hdasih9"))
    signer = Signer("HMAC-SHA1", "9djdj82h48djs9d2", Secret("j49sk3j29djd"), *token, "Example")
    now = datetime.fromtimestamp(137131201, UTC)
    made, changed = (
        fields(signed(OutRequest("POST", url, FORM, body), signer, {}, now=now, nonce="7d8f3e4a"))
        for body in (b"c2&a3=2+q", b"c2&a3=2+r")
    )
    assert made["oauth_signature"] == "r6/TJjbCOr97/+UU0NsvSne7s5g="
    assert changed["oauth_signature"] != made["oauth_signature"]


def test_a_json_body_is_not_signed():
    signer = Signer("HMAC-SHA1", **PHOTOS)
    plain = OutRequest("POST", "https://a.example/x", (("Content-Type", "application/json"),), b"{}")
    made = [
        fields(signed(one, signer, {}, now=NOW, nonce="n")) for one in (plain, replace(plain, body=b"[]"))
    ]
    assert made[0] == made[1]


def test_plaintext_is_the_two_secrets_and_needs_tls():
    signer = Signer("PLAINTEXT", "id", Secret("a&b"), Secret("t"), Secret("c%d"))
    made = signed(OutRequest("GET", "https://a.example/"), signer, {}, now=NOW, nonce="n")
    assert fields(made)["oauth_signature"] == "a%26b&c%25d"
    with pytest.raises(ValueError, match="TLS"):
        signed(OutRequest("GET", "http://a.example/"), signer, {}, now=NOW, nonce="n")


def test_hmac_sha256_differs_from_sha1_and_is_44_characters():
    made = signed(
        OutRequest("GET", "https://a.example/"), Signer("HMAC-SHA256", **PHOTOS), {}, now=NOW, nonce="n"
    )
    assert len(fields(made)["oauth_signature"]) == 44


def test_rsa_sha1_verifies_with_the_public_key():
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    signer = Signer("RSA-SHA1", "id", Secret(""), Secret("t"), None, key=Secret(pem))
    made = signed(OutRequest("GET", "https://a.example/x?b=1"), signer, {}, now=NOW, nonce="n")
    sent = fields(made)
    signature = b64decode(sent.pop("oauth_signature"))
    base = construct_base_string("GET", made.url, [("b", "1"), *sent.items()])
    key.public_key().verify(signature, base.encode(), padding.PKCS1v15(), hashes.SHA1())


@given(
    st.text(max_size=20),
    st.text(max_size=20),
    st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=5)),
)
def test_anything_can_be_signed_and_shows_no_secret(client_id, secret, extra):
    signer = Signer("HMAC-SHA1", client_id, Secret(secret))
    made = signed(OutRequest("GET", "https://a.example/"), signer, extra, now=NOW, nonce="n")
    assert header_of(made, "Authorization").isascii()
    assert list(made.secret_headers) == ["authorization"]


# -- the flow


def test_temporary_credentials_are_asked_for_with_the_state_in_the_callback():
    ran = begin()
    (request,) = ran.requests
    sent = fields(request)
    assert (request.method, request.url) == ("POST", "https://auth.acme.example/request_token")
    assert sent["oauth_callback"] == f"{REDIRECT_URI}?state={STATE}"
    assert (sent["oauth_consumer_key"], sent["oauth_version"]) == ("client-1", "1.0")
    assert "oauth_token" not in sent
    step = ran.result.step
    assert isinstance(step, RedirectStep)
    assert query_of(step.authorize_url) == {"oauth_token": "CANARY-temporary", "perms": "read"}
    assert ran.result.kept == {
        "requestToken": Secret("CANARY-temporary"),
        "requestSecret": Secret("CANARY-temporary-secret"),
    }


def test_nonce_and_time_are_fresh():
    facts = make_facts(make_oauth1())
    sent = [
        fields(run_flow(OAUTH1.begin(facts, make_attempt()), form_answer(TEMPORARY)).requests[0])
        for _ in range(2)
    ]
    assert sent[0]["oauth_nonce"] != sent[1]["oauth_nonce"]
    assert sent[0]["oauth_timestamp"] == str(int(NOW.timestamp()))


@pytest.mark.parametrize("confirmed", ["false", "", "TRUE", None])
def test_a_callback_that_is_not_confirmed_is_refused(confirmed):
    body = {
        name: value for name, value in {**TEMPORARY, "oauth_callback_confirmed": confirmed}.items() if value
    }
    assert begin(form_answer(body)).codes == ["TOKEN_RESPONSE_INVALID"]


@pytest.mark.parametrize("missing", ["oauth_token", "oauth_token_secret"])
def test_half_an_answer_is_none(missing):
    for body, run in ((TEMPORARY, begin), (LASTING, lambda response: complete(response=response))):
        assert run(form_answer({name: body[name] for name in body if name != missing})).codes == [
            "TOKEN_RESPONSE_INVALID"
        ]


def test_a_form_is_read_whatever_its_type_is_called():
    assert isinstance(begin(form_answer(TEMPORARY, media_type="text/html")).result.step, RedirectStep)


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (answer(b"bad consumer", 401), ApplicationRejectedError),
        (answer(b"", 403), ApplicationRejectedError),
        (form_answer({"oauth_problem": "consumer_key_unknown"}, 400), ApplicationRejectedError),
        (answer(b"", 503), TransientOutsideError),
        (answer(b"", 429), TransientOutsideError),
        (answer(b"", 302), RefusedOutsideError),
        (answer(b"", 404), RefusedOutsideError),
    ],
)
def test_a_refused_beginning_says_whose_move_it_is(response, error):
    assert type(begin(response).error) is error


def test_the_verifier_is_exchanged_for_token_credentials():
    ran = complete()
    (request,) = ran.requests
    sent = fields(request)
    assert request.url == "https://auth.acme.example/access_token"
    assert (sent["oauth_token"], sent["oauth_verifier"]) == ("CANARY-temporary", "CANARY-verifier")
    assert ran.result.values == {
        "accessToken": Secret("CANARY-lasting"),
        "tokenSecret": Secret("CANARY-lasting-secret"),
    }
    assert (ran.result.account.id, ran.result.account.label, dict(ran.result.account.kept)) == (
        "7",
        "ann",
        {"user": "7"},
    )


REFUSED = {
    "no state": returned(state=None),
    "another state": returned(state=STATE[:-1] + "x"),
    "an empty state": returned(state=""),
    "another token": returned(oauth_token="CANARY-other"),
    "no token": returned(oauth_token=None),
    "an empty token": returned(oauth_token=""),
    "no verifier": returned(oauth_verifier=None),
    "an empty verifier": returned(oauth_verifier=""),
    "a verifier with a line break": returned(oauth_verifier="a\nb"),
    "an endless verifier": returned(oauth_verifier="a" * 2_001),
    "a verifier that is not ASCII": returned(oauth_verifier="ä"),
    "a parameter twice": Callback((*returned().params, ("oauth_verifier", "again"))),
}


@pytest.mark.parametrize("callback", REFUSED.values(), ids=REFUSED.keys())
def test_a_return_that_is_not_right_sends_nothing(callback):
    ran = complete(callback)
    assert (ran.codes, ran.requests) == (["CALLBACK_INVALID"], [])


@pytest.mark.parametrize("changes", [{"denied": "CANARY-temporary"}, {"oauth_problem": "user_refused"}])
def test_a_denial_is_named(changes):
    ran = complete(returned(oauth_verifier=None, **changes))
    assert (ran.codes, ran.requests) == (["CONSENT_DENIED"], [])


def test_a_lost_temporary_token_sends_nothing():
    method = make_oauth1()
    ran = run_flow(OAUTH1.complete(make_facts(method), make_attempt(), returned()))
    assert (ran.codes, ran.requests) == (["CALLBACK_INVALID"], [])


def test_a_refused_verifier_is_the_authorization_s_fault():
    assert complete(response=answer(b"", 401)).codes == ["PROVIDER_REFUSED_AUTHORIZATION"]
    assert type(complete(response=answer(b"", 500)).error) is TransientOutsideError


def test_every_request_is_signed_with_the_token():
    method, grant = make_oauth1(), complete().result
    before = OutRequest("POST", "https://api.acme.example/x?a=1", FORM, b"b=2")
    request = OAUTH1.apply(make_facts(method), grant, before)
    assert fields(request)["oauth_token"] == "CANARY-lasting"
    assert (request.url, request.body) == (before.url, before.body)
    assert "CANARY" not in request.redactor().header("authorization", header_of(request, "Authorization"))


def test_a_key_that_cannot_sign_is_the_application_s_fault():
    ran = begin(
        method=make_oauth1(signature="RSA-SHA1"),
        application=ApplicationFacts("id", None, {"privateKey": Secret("CANARY")}),
    )
    assert (type(ran.error), ran.requests) == (ApplicationRejectedError, [])


def test_nothing_is_renewed_or_revoked():
    method, grant = make_oauth1(), Grant({"accessToken": Secret("CANARY"), "tokenSecret": Secret("CANARY")})
    assert not OAUTH1.can_renew(method, grant)
    assert run_flow(OAUTH1.renew(make_facts(method), grant)).codes == ["REAUTHENTICATION_REQUIRED"]
    report = run_flow(OAUTH1.revoke(make_facts(method), grant)).result
    assert report.alive == ("accessToken", "tokenSecret")


def test_an_answer_to_another_step_is_refused():
    method = make_oauth1()
    ran = run_flow(OAUTH1.complete(make_facts(method), make_attempt(), Entered({})))
    assert ran.codes == ["NOT_ALLOWED_NOW"]
