"""Signed JSON Web Tokens as assertions (RFC 7519, RFC 7523)."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, RSAKey

from app.authenticators.base import Facts
from app.foundation.secret import Secret

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "HS256")
MAX_LIFETIME_S: Final = 3_600
_SKEW_S: Final = 30


class SigningKeyError(ValueError):
    """The key cannot sign with the algorithm; the message never holds the key."""


def signed_jwt(
    facts: Facts, algorithm: str, key: Secret, claims: Mapping[str, Any], key_id: str | None, lifetime_s: int
) -> Secret:
    """Return a signed JWT with ``iat``, ``exp`` and ``jti`` added to ``claims``.

    ``key`` is a PEM private key, or the shared secret for HS256. ``iat`` lies 30 seconds back, because
    providers refuse tokens from the future; the life counts from there, so it is never longer than asked.

    Raises:
        SigningKeyError: the algorithm is not one of ``ALGORITHMS``, or the key does not fit it.
    """
    if algorithm not in ALGORITHMS:
        raise SigningKeyError("an algorithm that is not known here")
    issued = int(facts.now.timestamp()) - _SKEW_S
    times = {"iat": issued, "exp": issued + min(lifetime_s, MAX_LIFETIME_S), "jti": facts.random()}
    header = {"alg": algorithm, "typ": "JWT", **({"kid": key_id} if key_id else {})}
    try:
        return Secret(jwt.encode(header, {**claims, **times}, _key(algorithm, key), [algorithm]))
    except (JoseError, ValueError, TypeError):
        raise SigningKeyError(f"not a private key that can sign with {algorithm}") from None


def algorithm_of(key: Secret) -> str:
    """Return the usual algorithm for a PEM private key: ES256 for P-256, else RS256."""
    try:
        return "ES256" if _key("ES256", key).curve_name == "P-256" else "RS256"
    except (JoseError, ValueError, TypeError, AttributeError):
        return "RS256"


def _key(algorithm: str, key: Secret) -> Any:  # noqa: ANN401 - joserfc's keys share no useful base
    text = key.reveal().replace("\\n", "\n").strip()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the provider chose the key's size; the hub cannot mend it
        if algorithm.startswith("HS"):
            return OctKey.import_key(key.reveal())
        if algorithm.startswith("ES"):
            return ECKey.import_key(text)
        return RSAKey.import_key(text)
