"""Signed JSON Web Tokens as assertions (RFC 7523)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.authenticators.base import Facts
from app.foundation.jwt import encode_jwt
from app.foundation.secret import Secret

MAX_LIFETIME_S: Final = 3_600
_SKEW_S: Final = 30


def signed_jwt(
    facts: Facts, algorithm: str, key: Secret, claims: Mapping[str, Any], key_id: str | None, lifetime_s: int
) -> Secret:
    """Return a signed JWT with ``iat``, ``exp`` and ``jti`` added to ``claims``; ``key`` is as for :func:`encode_jwt`.

    ``iat`` lies 30 seconds back, because providers refuse tokens from the future; the life counts from there, so it is
    never longer than asked.

    Raises:
        SigningKeyError: the algorithm is not known, or the key does not fit it.
    """
    issued = int(facts.now.timestamp()) - _SKEW_S
    times = {"iat": issued, "exp": issued + min(lifetime_s, MAX_LIFETIME_S), "jti": facts.random()}
    return encode_jwt(algorithm, key, {**claims, **times}, key_id)
