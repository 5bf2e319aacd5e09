"""JSON Web Tokens, signed and read (RFC 7515, RFC 7519). Most hubs need none: the library is imported by the first."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.foundation.secret import Secret

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "HS256")


class SigningKeyError(ValueError):
    """The key does not fit the algorithm; the message never holds the key."""


def encode_jwt(algorithm: str, key: Secret, claims: Mapping[str, Any], key_id: str | None = None) -> Secret:
    """Return a signed JWT. ``key`` is a PEM private key, or the shared secret where the algorithm is an HMAC.

    Raises:
        SigningKeyError: the algorithm is not one of ``ALGORITHMS``, or the key does not fit it.
    """
    from joserfc import jwt
    from joserfc.errors import JoseError

    if algorithm not in ALGORITHMS:
        raise SigningKeyError("an algorithm that is not known here")
    header = {"alg": algorithm, "typ": "JWT", **({"kid": key_id} if key_id else {})}
    try:
        return Secret(jwt.encode(header, dict(claims), _key(algorithm, key.reveal()), [algorithm]))
    except (JoseError, ValueError, TypeError):
        raise SigningKeyError(f"not a private key that can sign with {algorithm}") from None


def decode_jwt(token: str, key: str, algorithms: Sequence[str]) -> dict[str, Any] | None:
    """Return the claims of a JWT that the key (as for :func:`encode_jwt`) signed with one of the algorithms, or None.

    Times, issuer and audience are the caller's to judge.
    """
    from joserfc import jwt
    from joserfc.errors import JoseError

    for kind in dict.fromkeys(algorithm[:2] for algorithm in algorithms):
        try:
            return jwt.decode(token, _key(kind, key), algorithms=list(algorithms)).claims
        except (JoseError, ValueError, TypeError):
            continue
    return None


def algorithm_of(key: Secret) -> str:
    """Return the usual algorithm for a PEM private key: ES256 for P-256, else RS256."""
    from joserfc.errors import JoseError

    try:
        return "ES256" if _key("ES256", key.reveal()).curve_name == "P-256" else "RS256"
    except (JoseError, ValueError, TypeError, AttributeError):
        return "RS256"


def _key(algorithm: str, key: str) -> Any:  # noqa: ANN401 - joserfc's keys share no useful base
    from joserfc.jwk import ECKey, OctKey, RSAKey

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the provider chose the key's size; the hub cannot mend it
        if algorithm.startswith("HS"):
            return OctKey.import_key(key)
        kind = ECKey if algorithm.startswith("ES") else RSAKey
        return kind.import_key(key.replace("\\n", "\n").strip())
