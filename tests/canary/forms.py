"""Every form in which a secret may stand in an output, and finding them fast. Pure; independent of the redactor."""

from __future__ import annotations

import html
import re
import secrets
import string
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

_ALPHABET = string.ascii_lowercase + string.digits
_MARK_CHARS = 20
_HALVED_CHARS = 20
LEAST_CHARS = 8
_MAX_UNESCAPINGS = 3
_NOT_ALPHANUMERIC = bytes(set(range(256)) - set((string.ascii_letters + string.digits).encode()))
_TERMINAL_CODE = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_UNICODE_ESCAPE = re.compile(rb"\\u00([0-9a-fA-F]{2})|\\x([0-9a-fA-F]{2})")
# Not in the middle of a long base64 text: one in 17 million places of sealed values looks like a token by chance.
HUB_TOKEN = re.compile(rb"(?<![A-Za-z0-9_-]{16})pbt_[A-Za-z0-9_-]{43}")


def new_mark() -> str:
    """Return a word that stands nowhere else: 20 small letters and digits, so that no escaping changes it."""
    return secrets.choice(string.ascii_lowercase) + "".join(
        secrets.choice(_ALPHABET) for _ in range(_MARK_CHARS - 1)
    )


@dataclass(frozen=True, slots=True)
class Needle:
    """A byte string whose presence betrays a secret, and the form it betrays it in."""

    data: bytes
    form: str


def needles(value: str) -> tuple[Needle, ...]:
    """Return what betrays ``value``: plain, reversed, hex, base64 at any place of a blob; and halves of them.

    A long value is looked for by its halves, so that one cut anywhere leaves one of them whole.

    Raises:
        ValueError: the value has less than eight characters; it would be found in ordinary text.
    """
    plain = value.encode("utf-8", "surrogatepass")
    if len(plain) < LEAST_CHARS:
        raise ValueError("a secret to look for needs at least eight characters")
    parts = _halves(plain) if len(plain) >= _HALVED_CHARS else (plain,)
    found: dict[bytes, Needle] = {}
    for part in parts:
        for form, data in _forms(part):
            for written in (data, data.translate(None, _NOT_ALPHANUMERIC)):
                if len(written) >= LEAST_CHARS - 1:
                    found.setdefault(written, Needle(written, form))
    return tuple(found.values())


def readings(data: bytes) -> Iterator[bytes]:
    """Yield the data as it is now, in small letters, without escapes, and squeezed to letters and digits."""
    yield data
    plain = _TERMINAL_CODE.sub(b"", data) if b"\x1b" in data else data
    unescaped = _unescaped(plain)
    if unescaped != data:
        yield unescaped
    yield unescaped.lower()
    yield unescaped.translate(None, _NOT_ALPHANUMERIC)


def first_form(data: bytes, looked_for: Iterable[Needle]) -> str | None:
    """Return the form of the first needle that stands in any reading of the data, or None."""
    known = tuple(looked_for)
    for reading in readings(data):
        for needle in known:
            if needle.data in reading:
                return needle.form
    return None


def _halves(plain: bytes) -> tuple[bytes, bytes]:
    middle = len(plain) // 2
    return plain[:middle], plain[middle:]


def _forms(plain: bytes) -> Iterator[tuple[str, bytes]]:
    yield "plain", plain
    yield "reversed", plain[::-1]
    yield "hex", plain.hex().encode()
    for before in range(3):
        # Only the characters that no neighbour has a bit in.
        first, last = -(-8 * before // 6), 8 * (before + len(plain)) // 6
        yield "base64", b64encode(bytes(before) + plain)[first:last]
        yield "base64url", urlsafe_b64encode(bytes(before) + plain)[first:last]


def _unescaped(data: bytes) -> bytes:
    for _ in range(_MAX_UNESCAPINGS):
        before = data
        if b"%" in data:
            data = unquote_to_bytes(data)
        if b"\\" in data:
            data = _UNICODE_ESCAPE.sub(lambda found: bytes.fromhex((found[1] or found[2]).decode()), data)
        if b"&#" in data:
            data = html.unescape(data.decode("latin-1")).encode("latin-1", "replace")
        if data == before:
            break
    return data
