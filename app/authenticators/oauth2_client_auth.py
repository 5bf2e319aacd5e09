"""How an application proves itself at the token endpoint (RFC 6749 2.3, RFC 7523 2.2)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote_plus

from app.authenticators.base import ApplicationFacts, Facts
from app.authenticators.signed_jwt import signed_jwt
from app.authenticators.values import Values
from app.catalog.definition import ClientAuth, OAuth2
from app.foundation.errors import NotAllowedNowError
from app.foundation.jwt import SigningKeyError, algorithm_of
from app.foundation.problems import ProblemCode, problem
from app.foundation.secret import Secret

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_LIFETIME_S: Final = 300


@dataclass(frozen=True, slots=True)
class ClientProof:
    """What the proof adds to a request. ``secrets`` are its secret values, also in encoded form."""

    params: Mapping[str, str] = field(default_factory=dict)
    authorization: str | None = None
    secrets: tuple[Secret, ...] = ()


NO_PROOF: Final = ClientProof()


def client_proof(
    oauth: OAuth2, facts: Facts, values: Values, endpoint: str, way: str | None = None
) -> ClientProof:
    """Return the proof that the method asks for at ``endpoint``, or that of another ``way``.

    A client without a secret is a public one: it names itself only (RFC 6749 2.3.1, RFC 8252 8.5).

    Raises:
        NotAllowedNowError: there is no application, or the configured way does not exist.
        ApplicationRejectedError: the application's private key cannot sign.
    """
    application = application_of(facts, values)
    try:
        how = ClientAuth(values.text(way or oauth.client_auth))
    except ValueError:
        raise NotAllowedNowError(problem(ProblemCode.CONFIG_INCOMPLETE, "config")) from None
    if how is ClientAuth.PRIVATE_KEY_JWT:
        return _private_key_jwt(facts, application, endpoint)
    secret = application.client_secret
    if how is ClientAuth.NONE or secret is None:
        return ClientProof({"client_id": application.client_id})
    if how is ClientAuth.POST:
        params = {"client_id": application.client_id, "client_secret": secret.reveal()}
        return ClientProof(params, secrets=(secret,))
    if how is ClientAuth.CLIENT_SECRET_JWT:
        return _assertion(facts, application, endpoint, "HS256", secret)
    if how is ClientAuth.BASIC_SECRET:
        return _basic(f"{secret.reveal()}:", secret)
    parts = (application.client_id, secret.reveal())
    return _basic(":".join(map(quote_plus, parts) if how is ClientAuth.BASIC else parts), secret)


def application_of(facts: Facts, values: Values) -> ApplicationFacts:
    """Return the registered application, or the one that a person entered as ``clientId``/``clientSecret``.

    Raises:
        NotAllowedNowError: there is neither.
    """
    if facts.application is not None:
        return facts.application
    entered = values.groups["credentials"]
    if not entered.get("clientId"):
        raise facts.not_ready(ProblemCode.APPLICATION_MISSING)
    secret = entered.get("clientSecret")
    return ApplicationFacts(str(entered["clientId"]), Secret(str(secret)) if secret else None, entered)


def _basic(pair: str, secret: Secret) -> ClientProof:
    """RFC 6749 2.3.1 form-encodes both parts first; ``basic_raw`` is for providers that never read it.

    ``basic_secret`` is Stripe's way: the secret key is the user name, and the password is empty.
    """
    coded = b64encode(pair.encode()).decode()
    return ClientProof(authorization=f"Basic {coded}", secrets=(secret, Secret(coded)))


def _private_key_jwt(facts: Facts, application: ApplicationFacts, endpoint: str) -> ClientProof:
    field = application.fields.get("privateKey")
    if not field:
        raise facts.not_ready(ProblemCode.APPLICATION_MISSING)
    key = field if isinstance(field, Secret) else Secret(str(field))
    return _assertion(facts, application, endpoint, algorithm_of(key), key)


def _assertion(
    facts: Facts, application: ApplicationFacts, endpoint: str, algorithm: str, key: Secret
) -> ClientProof:
    """RFC 7523 3: issuer and subject are the client, the audience is the endpoint."""
    claims = {"iss": application.client_id, "sub": application.client_id, "aud": endpoint}
    key_id = str(application.fields.get("keyId") or "") or None
    try:
        token = signed_jwt(facts, algorithm, key, claims, key_id, _ASSERTION_LIFETIME_S)
    except SigningKeyError:
        raise facts.error(ProblemCode.APPLICATION_REJECTED, cause="SIGNING_KEY") from None
    params = {
        "client_id": application.client_id,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": token.reveal(),
    }
    return ClientProof(params, secrets=(key, token))
