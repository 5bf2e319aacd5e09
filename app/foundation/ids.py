"""Opaque, type-prefixed, time-sortable, URL-safe identifiers."""

from __future__ import annotations

import re
import secrets
from typing import Final

from ulid import ULID

_ID_PATTERN: Final = re.compile(r"^([a-z]{2,6})_([0-9a-hjkmnp-tv-z]{26})\Z")
MAX_ID_LENGTH: Final = 40


def new_id(prefix: str) -> str:
    """Return a fresh id such as ``conn_01j...``: a prefix and a lower-case ULID (48-bit time, 80 random bits)."""
    return f"{prefix}_{str(ULID()).lower()}"


def prefix_of(value: str) -> str | None:
    """Return the type prefix of a well-formed id, or None for anything else, however long."""
    if len(value) > MAX_ID_LENGTH:
        return None
    match = _ID_PATTERN.match(value)
    return match.group(1) if match else None


def new_token(bits: int = 256) -> str:
    """Return an URL-safe random secret of at least ``bits`` bits."""
    return secrets.token_urlsafe(bits // 8)
