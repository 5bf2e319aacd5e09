"""Opaque, type-prefixed, time-sortable, URL-safe identifiers."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import Final

from app.foundation.clock import SystemClock

_DIGITS: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS: Final = tuple(a + b for a in _DIGITS for b in _DIGITS)  # two digits at a time: ten bits
_SHIFTS: Final = range(120, -1, -10)
_RANDOM_BYTES: Final = 10
_ID_PATTERN: Final = re.compile(rf"([a-z]{{2,6}})_[{_DIGITS}]{{26}}")
_CLOCK: Final = SystemClock()
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
MAX_ID_LENGTH: Final = 40


def new_id(prefix: str) -> str:
    """Return a fresh id such as ``conn_01j...``: a prefix and a lower-case ULID (48-bit time, 80 random bits)."""
    milliseconds = (_CLOCK.now() - _EPOCH) // _MILLISECOND
    return id_of(prefix, milliseconds << 80 | int.from_bytes(secrets.token_bytes(_RANDOM_BYTES)))


def id_of(prefix: str, number: int) -> str:
    """Return the id that a number of 128 bits stands for: in Crockford's base 32, as ULIDs are written."""
    return f"{prefix}_{''.join([_PAIRS[number >> shift & 1_023] for shift in _SHIFTS])}"


def prefix_of(value: str) -> str | None:
    """Return the type prefix of a well-formed id, or None for anything else, however long."""
    match = _ID_PATTERN.fullmatch(value)
    return match.group(1) if match else None


def new_token(bits: int = 256) -> str:
    """Return an URL-safe random secret of at least ``bits`` bits."""
    return secrets.token_urlsafe(bits // 8)
