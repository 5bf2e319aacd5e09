"""Applications and users that prove themselves by a signed assertion."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from tests.sandbox.acme import acme_oauth

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_URL = "https://login.acme.example/token"


def pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


RSA = pem(rsa.generate_private_key(65537, 2048))
EC = pem(ec.generate_private_key(ec.SECP256R1()))
OTHER = pem(rsa.generate_private_key(65537, 2048))


def signed(key, algorithm, clock, **changes):
    now = int(clock.now().timestamp())
    claims = {
        "iss": "sandbox-client",
        "sub": "sandbox-client",
        "aud": TOKEN_URL,
        "exp": now + 300,
        "jti": "j1",
    }
    claims = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    return jwt.encode({"alg": algorithm}, claims, key)


def secret_jwt(clock, secret="sandbox-secret", **changes):
    return signed(OctKey.import_key(secret), "HS256", clock, **changes)


def application(key):
    return {
        "type": "object",
        "properties": {"privateKey": {"type": "string", "secret": True, "examples": [key]}},
    }


@pytest.fixture
def by_secret(sandbox_of):
    driver = sandbox_of(acme_oauth({"clientAuth": "client_secret_jwt"}))
    driver.client = {"client_id": "sandbox-client", "client_assertion_type": TYPE}
    return driver


async def test_an_assertion_under_the_secret_proves_the_application_once(by_secret):
    returned = await by_secret.consent()
    assertion = secret_jwt(by_secret.clock)
    assert (await by_secret.exchange(returned["code"], client_assertion=assertion)).status_code == 200
    again = await by_secret.exchange(returned["code"], client_assertion=assertion)
    assert again.json()["error"] == "invalid_client"


@pytest.mark.parametrize(
    "changes",
    [
        {"secret": "another-secret"},
        {"iss": "somebody"},
        {"sub": "somebody"},
        {"aud": "https://login.acme.example/other"},
        {"aud": None},
        {"aud": 7},
        {"aud": ["https://elsewhere.example"]},
        {"exp": None},
        {"exp": "soon"},
        {"exp": 1},
        {"exp": 99_999_999_999},
        {"iss": None},
    ],
)
async def test_a_wrong_assertion_is_refused(by_secret, changes):
    returned = await by_secret.consent()
    refused = await by_secret.exchange(
        returned["code"], client_assertion=secret_jwt(by_secret.clock, **changes)
    )
    assert refused.status_code == 401
    assert refused.json()["error"] == "invalid_client"


@pytest.mark.parametrize("assertion", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "x" * 20_000])
async def test_what_is_no_assertion_is_refused(by_secret, assertion):
    returned = await by_secret.consent()
    refused = await by_secret.exchange(returned["code"], client_assertion=assertion)
    assert refused.json()["error"] == "invalid_client"


async def test_the_type_of_an_assertion_must_be_said_and_a_secret_is_not_enough(by_secret):
    returned = await by_secret.consent()
    by_secret.client = {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}
    assert (await by_secret.exchange(returned["code"])).json()["error"] == "invalid_client"
    by_secret.client = {"client_id": "sandbox-client", "client_assertion": "x"}
    assert (await by_secret.exchange(returned["code"])).json()["error"] == "invalid_client"


@pytest.mark.parametrize(("key", "kind", "algorithm"), [(RSA, RSAKey, "RS256"), (EC, ECKey, "ES256")])
async def test_the_example_of_the_private_key_is_the_one_that_is_known(sandbox_of, key, kind, algorithm):
    driver = sandbox_of(acme_oauth({"clientAuth": "private_key_jwt", "application": application(key)}))
    driver.client = {"client_id": "sandbox-client", "client_assertion_type": TYPE}
    returned = await driver.consent()
    forged = signed(RSAKey.import_key(OTHER), "RS256", driver.clock)
    assert (await driver.exchange(returned["code"], client_assertion=forged)).status_code == 401
    right = signed(kind.import_key(key), algorithm, driver.clock, aud=["other", TOKEN_URL])
    assert (await driver.exchange(returned["code"], client_assertion=right)).status_code == 200


async def test_without_an_example_key_no_assertion_can_be_verified(sandbox_of):
    driver = sandbox_of(acme_oauth({"clientAuth": "private_key_jwt"}))
    driver.client = {"client_id": "sandbox-client", "client_assertion_type": TYPE}
    returned = await driver.consent()
    right = signed(RSAKey.import_key(RSA), "RS256", driver.clock)
    assert (await driver.exchange(returned["code"], client_assertion=right)).status_code == 401


async def test_a_jwt_can_be_the_grant_itself(sandbox_of):
    oauth = {
        "grant": "jwt_bearer",
        "clientAuth": "none",
        "credentials": {"type": "object", "properties": {"privateKey": {"secret": True, "examples": [RSA]}}},
        "assertion": {"algorithm": "RS256", "key": "{credentials.privateKey}", "claims": {"aud": "urn:acme"}},
    }
    driver = sandbox_of(acme_oauth(oauth))
    driver.client = {"client_id": "sandbox-client"}
    right = signed(
        RSAKey.import_key(RSA), "RS256", driver.clock, iss="robot@acme.example", sub=None, aud="urn:acme"
    )
    body = (await driver.token(grant_type=BEARER, assertion=right)).json()
    assert (await driver.call("/me", body["access_token"])).status_code == 200
    assert "refresh_token" not in body
    forged = signed(RSAKey.import_key(OTHER), "RS256", driver.clock, jti="j2")
    assert (await driver.token(grant_type=BEARER, assertion=forged)).json()["error"] == "invalid_grant"
    assert (await driver.token(grant_type=BEARER)).json()["error"] == "invalid_grant"


async def test_a_person_can_enter_the_application(sandbox_of):
    credentials = {
        "type": "object",
        "properties": {
            "clientId": {"examples": ["own-client"]},
            "clientSecret": {"examples": ["own-secret"]},
        },
    }
    driver = sandbox_of(acme_oauth({"grant": "client_credentials", "credentials": credentials}))
    driver.client = {"client_id": "own-client", "client_secret": "own-secret"}
    assert (await driver.token(grant_type="client_credentials")).status_code == 200
    driver.client = {"client_id": "own-client", "client_secret": "sandbox-secret"}
    assert (await driver.token(grant_type="client_credentials")).status_code == 401
