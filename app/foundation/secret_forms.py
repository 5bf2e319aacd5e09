"""Finding a secret by its value in bytes, whatever it was wrapped in: URL, JSON, HTML, base64 or hex."""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode, urlsafe_b64encode
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final, NamedTuple
from urllib.parse import quote, quote_plus

MIN_SECRET_LENGTH: Final = 4
_MAX_UNWRAPPINGS: Final = 2
_BASE64_CHARACTERS: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-_")
_SIMPLE_ESCAPES: Final = {
    b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t",
}  # fmt: skip
_ESCAPE: Final = re.compile(
    rb"\\(?:u([0-9a-fA-F]{4}(?:\\u[dD][c-fC-F][0-9a-fA-F]{2})?)|x([0-9a-fA-F]{2})|([\"'\\/bfnrt]))"
)
_Unwrap = tuple[re.Pattern[bytes], Callable[[re.Match[bytes]], bytes]]


class _Escape(NamedTuple):
    """Where an escape's meaning stands in a view, and where its text stands in the view's parent."""

    start: int
    end: int
    parent_start: int
    parent_end: int


@dataclass(frozen=True, slots=True)
class View:
    """The bytes as they read once their escapes are undone, and where each byte came from."""

    data: bytes
    parent: View | None = None
    escapes: Sequence[_Escape] = ()

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """Return where the bytes from ``start`` to ``end`` stand in the original."""
        if self.parent is None:
            return start, end
        return self.parent.original_span(self._origin(start)[0], self._origin(end - 1)[1])

    def _origin(self, position: int) -> tuple[int, int]:
        index = bisect_right(self.escapes, position, key=itemgetter(0)) - 1
        if index < 0:
            return position, position + 1
        _, end, parent_start, parent_end = self.escapes[index]
        if position < end:
            return parent_start, parent_end
        moved = parent_end + position - end
        return moved, moved + 1


def views(data: bytes) -> Iterator[View]:
    """Yield the bytes themselves, and every reading of them with up to two layers of escapes undone."""
    seen = {data}
    layer = [View(data)]
    for _ in range(_MAX_UNWRAPPINGS + 1):
        yield from layer
        unwrapped = []
        for view in layer:
            for unwrap in _UNWRAPS:
                inner = _unwrapped(view, unwrap)
                if inner.data not in seen:
                    seen.add(inner.data)
                    unwrapped.append(inner)
        layer = unwrapped


class SecretForms:
    """One secret in the forms that no unwrapping undoes: plain, hex, base64 at any place of a blob.

    A value shorter than four characters has no forms: hiding it everywhere would hide ordinary text, and disclose it.
    """

    __slots__ = ("needles",)

    def __init__(self, value: str) -> None:
        self.needles: tuple[bytes, ...] = tuple(dict.fromkeys(_needles(value)))

    def spans(self, view: View) -> Iterator[tuple[int, int]]:
        """Yield where the secret stands in the view, each in the original's positions."""
        for index, needle in enumerate(self.needles):
            start = view.data.find(needle)
            while start >= 0:
                span = (start, start + len(needle))
                if index:
                    span = _whole_blob(view.data, *span)
                yield view.original_span(*span)
                start = view.data.find(needle, span[1])


def covered(data: bytes, forms: Iterable[SecretForms], cover: bytes) -> bytes:
    """Return the data with every secret replaced by the cover."""
    known = tuple(forms)
    if not known:
        return data
    spans = sorted({span for view in views(data) for one in known for span in one.spans(view)})
    pieces, done = [], 0
    for start, end in spans:
        if start >= done:
            pieces += [data[done:start], cover]
        done = max(done, end)
    return b"".join([*pieces, data[done:]]) if spans else data


def _unwrapped(view: View, unwrap: _Unwrap) -> View:
    pattern, meaning = unwrap
    pieces, escapes, size, done = [], [], 0, 0
    for match in pattern.finditer(view.data):
        plain = meaning(match)
        pieces += [view.data[done : match.start()], plain]
        start = size + match.start() - done
        size, done = start + len(plain), match.end()
        escapes.append(_Escape(start, size, match.start(), done))
    return View(b"".join([*pieces, view.data[done:]]), view, escapes)


def _percent(match: re.Match[bytes]) -> bytes:
    return b" " if match[0] == b"+" else bytes.fromhex(match[0][1:].decode())


def _backslash(match: re.Match[bytes]) -> bytes:
    units, octet, simple = match.groups()
    if units:
        utf16 = bytes.fromhex(units.replace(rb"\u", b"").decode())
        return utf16.decode("utf-16-be", "surrogatepass").encode("utf-8", "surrogatepass")
    if octet:
        return bytes.fromhex(octet.decode())
    return _SIMPLE_ESCAPES.get(simple, simple)


def _entity(match: re.Match[bytes]) -> bytes:
    return html.unescape(match[0].decode()).encode("utf-8", "surrogatepass")


_UNWRAPS: Final[tuple[_Unwrap, ...]] = (
    (re.compile(rb"%[0-9a-fA-F]{2}"), _percent),
    (re.compile(rb"%[0-9a-fA-F]{2}|\+"), _percent),
    (_ESCAPE, _backslash),
    (re.compile(rb"&(?:[a-z]{2,6}|#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6});"), _entity),
)


def _needles(value: str) -> Iterator[bytes]:
    if len(value) < MIN_SECRET_LENGTH:
        return
    plain = value.encode("utf-8", "surrogatepass")
    yield plain
    # What goes into a blob may be escaped before: Basic form-encodes id and secret (RFC 6749 2.3.1).
    sources = (plain, quote_plus(plain).encode(), quote(plain).encode(), json.dumps(value)[1:-1].encode())
    for source in sources:
        yield from _base64_needles(source)
    yield plain.hex().encode()
    yield plain.hex().upper().encode()


def _base64_needles(source: bytes) -> Iterator[bytes]:
    """Yield the characters that depend on the source alone, for each of the three places it can begin at."""
    for before in range(3):
        first, last = -(-8 * before // 6), 8 * (before + len(source)) // 6
        padded = bytes(before) + source
        yield b64encode(padded)[first:last]
        yield urlsafe_b64encode(padded)[first:last]


def _whole_blob(data: bytes, start: int, end: int) -> tuple[int, int]:
    """Widen to the whole run: its edge characters carry bits of the secret. A slash ends it, as in paths."""
    while start > 0 and data[start - 1] in _BASE64_CHARACTERS:
        start -= 1
    while end < len(data) and data[end] in _BASE64_CHARACTERS:
        end += 1
    while end < len(data) and data[end] == ord("="):
        end += 1
    return start, end
