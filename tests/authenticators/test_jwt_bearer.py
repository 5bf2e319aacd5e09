from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from app.authenticators.base import ApplicationFacts, Entered, Proceed
from app.authenticators.oauth2 import OAuth2Authenticator
from app.authenticators.signed_jwt import signed_jwt
from app.catalog.definition import Assertion, GrantType, RenewalBy
from app.foundation.errors import ApplicationRejectedError, CredentialsRejectedError, InvalidInputError
from app.foundation.jwt import ALGORITHMS, SigningKeyError
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
from tests.factories.definitions import make_form, make_oauth2, make_renewal

OAUTH2 = OAuth2Authenticator()
RSA = rsa.generate_private_key(65537, 2048)
EC = {"ES256": ec.generate_private_key(ec.SECP256R1()), "ES384": ec.generate_private_key(ec.SECP384R1())}
HMAC = "CANARY-shared-secret-of-64-characters-0123456789-0123456789-01234"


def pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def key_for(algorithm):
    """The private key as text, and what verifies its signatures."""
    if algorithm == "HS256":
        return HMAC, OctKey.import_key(HMAC)
    if algorithm in EC:
        return pem(EC[algorithm]), ECKey.import_key(public(EC[algorithm]))
    return pem(RSA), RSAKey.import_key(public(RSA))


def google(**changes):
    """A Google service account."""
    given = {
        "grant": GrantType.JWT_BEARER,
        "client_auth": "none",
        "renewal": make_renewal(RenewalBy.GRANT),
        "assertion": Assertion(
            "RS256",
            "{credentials.privateKey}",
            "{credentials.privateKeyId}",
            {"iss": "{credentials.clientEmail}", "sub": "{config.subject}"},
            3600,
        ),
        **changes,
    }
    form = make_form(clientEmail={}, privateKeyId={}, privateKey={"secret": True})
    return make_oauth2(method={"credentials": form}, **given)


ENTERED = {"clientEmail": "robot@acme.example", "privateKeyId": "kid-1", "privateKey": pem(RSA)}


def complete(method, *answers, entered=None, **facts):
    flow = OAUTH2.complete(
        make_facts(method, **{"application": None, **facts}),
        make_attempt(),
        Entered(entered or ENTERED),
    )
    return run_flow(flow, *answers)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.threat("O14")
def test_an_assertion_is_signed_and_short_lived(algorithm):
    key, verifier = key_for(algorithm)
    token = signed_jwt(make_facts(), algorithm, Secret(key), {"iss": "i", "aud": "a"}, "k", 300)
    read = jwt.decode(token.reveal(), verifier, [algorithm])
    assert read.header == {"alg": algorithm, "typ": "JWT", "kid": "k"}
    assert read.claims["iss"] == "i"
    assert read.claims["exp"] == read.claims["iat"] + 300
    assert NOW.timestamp() - 60 <= read.claims["iat"] <= NOW.timestamp()


def test_a_key_whose_line_breaks_were_written_out_is_read():
    key = Secret(pem(RSA).replace("\n", "\\n"))
    assert signed_jwt(make_facts(), "RS256", key, {}, None, 60)


def test_no_assertion_lives_longer_than_an_hour():
    token = signed_jwt(make_facts(), "RS256", Secret(pem(RSA)), {}, None, 10**9)
    claims = jwt.decode(token.reveal(), RSAKey.import_key(public(RSA))).claims
    assert claims["exp"] - claims["iat"] == 3600


@pytest.mark.parametrize("algorithm", ["none", "NONE", "RS1", "", "HS512", "rs256"])
@pytest.mark.threat("O14")
def test_no_other_algorithm_is_used(algorithm):
    with pytest.raises(SigningKeyError):
        signed_jwt(make_facts(), algorithm, Secret(HMAC), {}, None, 60)


@pytest.mark.parametrize("algorithm", [name for name in ALGORITHMS if not name.startswith("HS")])
@pytest.mark.parametrize(
    "key", ["", "CANARY", "-----BEGIN PRIVATE KEY-----\nCANARY\n-----END PRIVATE KEY-----"]
)
def test_a_key_that_cannot_sign_is_refused_without_showing_it(algorithm, key):
    with pytest.raises(SigningKeyError) as caught:
        signed_jwt(make_facts(), algorithm, Secret(key), {}, None, 60)
    assert "CANARY" not in f"{caught.value!r}{caught.value.__cause__!r}"


def test_a_key_of_another_kind_is_refused():
    for algorithm, key in (("RS256", EC["ES256"]), ("ES256", RSA), ("ES384", EC["ES256"])):
        with pytest.raises(SigningKeyError):
            signed_jwt(make_facts(), algorithm, Secret(pem(key)), {}, None, 60)


def test_a_service_account_is_exchanged_as_google_says():
    ran = complete(google(), answer(token_body(refresh_token=...)))
    (request,) = ran.requests
    form = form_of(request)
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert "client_id" not in form
    assert header_of(request, "Authorization") is None
    assert "assertion" in request.secret_fields
    read = jwt.decode(form["assertion"], RSAKey.import_key(public(RSA)))
    assert read.header["kid"] == "kid-1"
    assert read.claims["iss"] == "robot@acme.example"
    assert read.claims["aud"] == "https://auth.acme.example/token"
    assert read.claims["scope"] == form["scope"] == "read write"
    assert "sub" not in read.claims
    assert set(ran.result.values) == {"clientEmail", "privateKeyId", "privateKey", "accessToken"}
    assert ran.result.account.id == "acc_1"


def test_a_subject_of_the_configuration_is_named():
    ran = complete(google(), answer(token_body()), config={"subject": "ann@acme.example"})
    claims = jwt.decode(form_of(ran.requests[0])["assertion"], RSAKey.import_key(public(RSA))).claims
    assert claims["sub"] == "ann@acme.example"


def test_salesforce_s_key_belongs_to_the_application():
    assertion = Assertion(
        "RS256",
        "{application.privateKey}",
        None,
        {"iss": "{application.clientId}", "sub": "{config.user}", "aud": "https://login.salesforce.com"},
        180,
    )
    method = make_oauth2(
        grant=GrantType.JWT_BEARER,
        client_auth="none",
        assertion=assertion,
        renewal=make_renewal(RenewalBy.GRANT),
    )
    application = ApplicationFacts("client-1", None, {"privateKey": Secret(pem(RSA))})
    facts = make_facts(method, application=application, config={"user": "ann"})
    attempt = make_attempt(scopes=())
    ran = run_flow(OAUTH2.complete(facts, attempt, Proceed()), answer(token_body()))
    form = form_of(ran.requests[0])
    assert set(form) == {"grant_type", "assertion"}
    claims = jwt.decode(form["assertion"], RSAKey.import_key(public(RSA))).claims
    assert (claims["iss"], claims["sub"], claims["aud"]) == (
        "client-1",
        "ann",
        "https://login.salesforce.com",
    )
    bad = make_facts(method, application=ApplicationFacts("client-1", None, {"privateKey": Secret("CANARY")}))
    ran = run_flow(OAUTH2.complete(bad, attempt, Proceed()))
    assert (type(ran.error), ran.requests) == (ApplicationRejectedError, [])


def test_the_client_proves_itself_where_the_definition_says_so():
    ran = complete(
        google(client_auth="post"), answer(token_body()), application=ApplicationFacts("c", Secret("s"))
    )
    assert form_of(ran.requests[0])["client_secret"] == "s"


def test_an_entered_key_that_cannot_sign_is_a_problem_of_its_field():
    ran = complete(google(), entered={**ENTERED, "privateKey": "CANARY"})
    assert isinstance(ran.error, InvalidInputError)
    assert (ran.error.problem.path, ran.requests) == (("credentials", "privateKey"), [])


def test_a_new_assertion_renews_the_token():
    method = google()
    grant = complete(method, answer(token_body(refresh_token=...))).result
    assert OAUTH2.can_renew(method, grant)
    facts = make_facts(method, application=None, now=NOW + timedelta(hours=1))
    ran = run_flow(OAUTH2.renew(facts, grant), answer(token_body(access_token="CANARY-2", refresh_token=...)))
    claims = jwt.decode(form_of(ran.requests[0])["assertion"], RSAKey.import_key(public(RSA))).claims
    assert claims["iat"] >= NOW.timestamp() + 3_500
    assert claims["scope"] == "read write"
    assert ran.result.values["accessToken"] == Secret("CANARY-2")


@pytest.mark.parametrize("renewing", [False, True])
def test_a_key_that_is_no_longer_accepted_needs_a_person(renewing):
    method, refused = (
        google(),
        answer({"error": "invalid_grant", "error_description": "Invalid JWT Signature."}, 400),
    )
    if renewing:
        grant = complete(method, answer(token_body(refresh_token=...))).result
        ran = run_flow(OAUTH2.renew(make_facts(method, application=None), grant), refused)
        assert ran.codes == ["REAUTHENTICATION_REQUIRED"]
    else:
        ran = complete(method, refused)
        assert ran.codes == ["CREDENTIALS_REJECTED"]
    assert type(ran.error) is CredentialsRejectedError
