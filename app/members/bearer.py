"""Bearer secrets: tokens, session tokens and sign-in codes, of which only a hash is ever stored; pure."""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from typing import Final

from app.foundation.ids import new_token
from app.foundation.secret import Secret

TOKEN_PREFIX: Final = "pbt_"  # noqa: S105 - the mark of a token, so that scanners find leaked ones; not a token
_RANDOM: Final = "[A-Za-z0-9_-]{43}"
_FORM: Final = {prefix: re.compile(prefix + _RANDOM) for prefix in (TOKEN_PREFIX, "")}


def new_bearer(prefix: str = "") -> Secret:
    """Return a fresh secret of 256 random bits: the prefix and 43 URL-safe characters."""
    return Secret(prefix + new_token())


def bearer_of(nonce: str, key: bytes, prefix: str = "") -> Secret:
    """Return the secret that a nonce of 256 random bits stands for under the hub's key; it has the same form.

    Who forgets the nonce cannot make the secret again, with the key neither.
    """
    digest = hmac.digest(key, f"{prefix}{nonce}".encode(), "sha256")
    return Secret(prefix + urlsafe_b64encode(digest).decode().rstrip("="))


def bearer_hash(text: str, prefix: str = "") -> str | None:
    """Return the hash under which a secret is stored, or None if the text cannot be one of ours.

    SHA-256 without salt or stretching is enough: 256 random bits cannot be guessed. Looking the hash up leaks
    nothing useful by its time.
    """
    if not _FORM[prefix].fullmatch(text):
        return None
    return hashlib.sha256(text.encode("ascii")).hexdigest()
