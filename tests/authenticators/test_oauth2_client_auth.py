from base64 import b64decode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from app.authenticators.base import ApplicationFacts, Grant
from app.authenticators.oauth2_client_auth import ASSERTION_TYPE, client_proof
from app.authenticators.values import values_of
from app.foundation.errors import ApplicationRejectedError, NotAllowedNowError
from app.foundation.secret import Secret
from tests.authenticators.flows import assert_safe, make_facts
from tests.factories.definitions import make_form, make_oauth2

ENDPOINT = "https://auth.acme.example/token"


def proof(how, application=None, credentials=None, config=None, **method):
    auth = make_oauth2(client_auth=how, method=method)
    facts = make_facts(auth, config=config or {}, **({"application": application} if application else {}))
    return client_proof(auth.oauth2, facts, values_of(facts, Grant(credentials or {})), ENDPOINT)


def application(client_id="client-1", secret="CANARY-secret", **fields):
    return ApplicationFacts(client_id, Secret(secret) if secret is not None else None, fields)


def params(found):
    return dict(found.params)


def pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    ("client_id", "secret", "pair"),
    [
        ("s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw", b"s6BhdRkqt3:7Fjfp0ZBr1KtDRbnfVdmIw"),
        (" %&+", "£€", b"+%25%26%2B:%C2%A3%E2%82%AC"),  # RFC 6749 appendix B
        ("a:b", "c:d/e", b"a%3Ab:c%3Ad%2Fe"),
        ("id", "", b"id:"),
    ],
)
def test_basic_form_encodes_id_and_secret_first(client_id, secret, pair):
    found = proof("basic", application(client_id, secret))
    scheme, coded = found.authorization.split(" ")
    assert (scheme, b64decode(coded)) == ("Basic", pair)
    assert found.params == {}


def test_basic_is_the_example_of_rfc_6749():
    found = proof("basic", application("s6BhdRkqt3", "gX1fBat3bV"))
    assert found.authorization == "Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW"


def test_basic_raw_does_not_encode():
    assert (
        b64decode(proof("basic_raw", application("a+b", "c/d ")).authorization.split(" ")[1]) == b"a+b:c/d "
    )


def test_basic_secret_sends_the_secret_as_the_user_name_alone():
    found = proof("basic_secret", application("ca_1", "CANARY-sk"))
    assert b64decode(found.authorization.split(" ")[1]) == b"CANARY-sk:"
    assert found.params == {}
    assert Secret(found.authorization.split(" ")[1]) in found.secrets


def test_basic_marks_the_secret_and_its_encoded_form():
    found = proof("basic", application())
    assert Secret("CANARY-secret") in found.secrets
    assert Secret(found.authorization.split(" ")[1]) in found.secrets


def test_post_sends_both_in_the_body():
    found = proof("post", application())
    assert params(found) == {"client_id": "client-1", "client_secret": "CANARY-secret"}
    assert found.authorization is None
    assert found.secrets == (Secret("CANARY-secret"),)


@pytest.mark.parametrize("how", ["none", "basic", "post", "client_secret_jwt"])
def test_a_public_client_names_itself_only(how):
    found = proof(how, application(secret=None))
    assert (params(found), found.authorization) == ({"client_id": "client-1"}, None)


def test_none_never_sends_the_secret():
    assert params(proof("none", application())) == {"client_id": "client-1"}


def test_client_secret_jwt_is_signed_with_the_secret_for_the_endpoint():
    secret = "CANARY-secret-of-thirty-two-bytes-or-more"
    found = params(proof("client_secret_jwt", application(secret=secret)))
    assert found["client_assertion_type"] == ASSERTION_TYPE
    claims = jwt.decode(found["client_assertion"], OctKey.import_key(secret), ["HS256"]).claims
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("client-1", "client-1", ENDPOINT)
    assert 0 < claims["exp"] - claims["iat"] <= 300
    assert claims["jti"]


@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_private_key_jwt_is_signed_with_the_application_s_key(kind):
    key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
    found = params(
        proof("private_key_jwt", application(secret=None, privateKey=Secret(pem(key)), keyId="kid-1"))
    )
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    algorithm, importer = ("RS256", RSAKey) if kind == "rsa" else ("ES256", ECKey)
    token = jwt.decode(found["client_assertion"], importer.import_key(public), [algorithm])
    assert token.header == {"alg": algorithm, "typ": "JWT", "kid": "kid-1"}
    assert token.claims["aud"] == ENDPOINT


def test_two_assertions_never_have_the_same_id():
    auth = make_oauth2(client_auth="client_secret_jwt")
    facts = make_facts(auth, application=application(secret="CANARY-secret-of-thirty-two-bytes-or-more"))
    tokens = {
        params(client_proof(auth.oauth2, facts, values_of(facts), ENDPOINT))["client_assertion"]
        for _ in range(2)
    }
    assert len(tokens) == 2


def test_a_key_that_cannot_sign_is_the_application_s_fault():
    with pytest.raises(ApplicationRejectedError) as caught:
        proof("private_key_jwt", application(privateKey=Secret("CANARY-no-key")))
    assert caught.value.problem.details["cause"] == "SIGNING_KEY"
    assert_safe(caught.value)


def test_private_key_jwt_without_a_key_asks_for_the_application():
    with pytest.raises(NotAllowedNowError) as caught:
        proof("private_key_jwt", application())
    assert caught.value.problem.code == "APPLICATION_MISSING"


def test_the_configuration_chooses_the_way():
    assert (
        params(proof("{config.auth}", application(), config={"auth": "post"}))["client_secret"]
        == "CANARY-secret"
    )


@pytest.mark.parametrize("config", [{}, {"auth": "magic"}, {"auth": ""}])
def test_a_way_that_does_not_exist_asks_for_the_configuration(config):
    with pytest.raises(NotAllowedNowError) as caught:
        proof("{config.auth}", application(), config=config)
    assert caught.value.problem.code == "CONFIG_INCOMPLETE"


def test_without_an_application_the_entered_client_is_used():
    auth = make_oauth2(
        client_auth="post", method={"credentials": make_form(clientId={}, clientSecret={"secret": True})}
    )
    facts = make_facts(auth, application=None)
    entered = {"clientId": Secret("mine"), "clientSecret": Secret("CANARY-mine")}
    found = client_proof(auth.oauth2, facts, values_of(facts, Grant(entered)), ENDPOINT)
    assert params(found) == {"client_id": "mine", "client_secret": "CANARY-mine"}


def test_without_any_application_it_is_said_so():
    auth = make_oauth2()
    facts = make_facts(auth, application=None)
    with pytest.raises(NotAllowedNowError) as caught:
        client_proof(auth.oauth2, facts, values_of(facts), ENDPOINT)
    assert caught.value.problem.code == "APPLICATION_MISSING"
