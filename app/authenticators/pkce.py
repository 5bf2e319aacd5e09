"""Proof Key for Code Exchange with S256 (RFC 7636)."""

from __future__ import annotations

import re
from typing import Final

from authlib.oauth2.rfc7636 import create_s256_code_challenge

from app.foundation.secret import Secret

_VERIFIER: Final = re.compile(r"[A-Za-z0-9\-._~]{43,128}")  # RFC 7636 4.1


def challenge_of(verifier: Secret) -> str:
    """Return the S256 challenge of a code verifier (RFC 7636 4.2).

    Raises:
        ValueError: it is not a verifier of 43 to 128 unreserved characters.
    """
    if not _VERIFIER.fullmatch(verifier.reveal()):
        raise ValueError("not a code verifier (RFC 7636 4.1)")
    return str(create_s256_code_challenge(verifier.reveal()))
