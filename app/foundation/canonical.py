"""Canonical JSON (RFC 8785) for hashes, and text that both databases can store; pure."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

_MAX_SAFE_INTEGER: Final = 2**53 - 1
_MAX_DEPTH: Final = 64
_MAX_NAME_KEY: Final = 240
_PLAIN_POINTS: Final = range(-5, 22)  # where ECMA-262 Number::toString writes no exponent
_quoted = json.JSONEncoder(ensure_ascii=False).encode


def canonical_json(value: object) -> bytes:
    """Return the canonical bytes of plain JSON: sorted names, no spaces, one form per number (RFC 8785 3.2).

    Raises:
        TypeError: the value holds something that is not JSON, such as a secret; the message never holds it.
        ValueError: a number is not finite or beyond 2**53 - 1, a string holds half a surrogate pair, or the
            value is nested deeper than 64 levels.
    """
    try:
        return _written(value, 0).encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("a string holds half a surrogate pair") from None


def storable_text(text: str) -> str:
    """Return ``text`` with what a database refuses (NUL, halves of surrogate pairs) replaced by U+FFFD."""
    if "\x00" not in text and text.isprintable():
        return text
    return "".join("\ufffd" if c == "\x00" or "\ud800" <= c <= "\udfff" else c for c in text)


def name_key(name: str) -> str:
    """Return what makes two names equal: compatibility forms and case are ignored."""
    return unicodedata.normalize("NFKC", name).casefold()[:_MAX_NAME_KEY]


def findable(texts: Iterable[str], max_chars: int) -> list[str]:
    """Return, sorted, the texts that a column of ``max_chars`` may be asked for.

    The ORM and PostgreSQL raise for the others; what cannot be stored cannot be found.
    """
    return sorted(text for text in texts if len(text) <= max_chars and storable_text(text) == text)


def storable_json(value: Any) -> Any:  # noqa: ANN401 - JSON edge
    """Return plain JSON in which every string is :func:`storable_text`; other leaves stay as they are."""
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, Mapping):
        return {storable_text(name): storable_json(leaf) for name, leaf in value.items()}
    if isinstance(value, list | tuple):
        return [storable_json(leaf) for leaf in value]
    return value


def _written(value: object, depth: int) -> str:
    if depth > _MAX_DEPTH:
        raise ValueError(f"canonical JSON is nested at most {_MAX_DEPTH} levels deep")
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Mapping):
        return _object(value, depth)
    if isinstance(value, list | tuple):
        return "[" + ",".join(_written(leaf, depth + 1) for leaf in value) + "]"
    raise TypeError(f"canonical JSON does not hold a {type(value).__name__}")


def _object(value: Mapping[Any, object], depth: int) -> str:
    if not all(isinstance(name, str) for name in value):
        raise TypeError("canonical JSON has strings as names")
    names = sorted(value, key=lambda name: name.encode("utf-16-be"))  # RFC 8785 3.2.3: by UTF-16 code units
    return "{" + ",".join(f"{_quoted(name)}:{_written(value[name], depth + 1)}" for name in names) + "}"


def _integer(value: int) -> str:
    if abs(value) > _MAX_SAFE_INTEGER:
        raise ValueError("canonical JSON holds integers up to 2**53 - 1")
    return str(int(value))


def _number(value: float) -> str:
    """Write a double as ECMA-262 does; Python finds the same shortest digits and writes them otherwise."""
    if not math.isfinite(value):
        raise ValueError("canonical JSON holds finite numbers only")
    if value == 0:
        return "0"
    exact = Decimal(repr(abs(value))).normalize()
    digits = "".join(map(str, exact.as_tuple().digits))
    return ("-" if value < 0 else "") + _placed(digits, exact.adjusted() + 1)


def _placed(digits: str, point: int) -> str:
    """Write ``0.digits * 10**point`` as ECMA-262 does (6.1.6.1.20)."""
    if point not in _PLAIN_POINTS:
        head = digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "")
        return f"{head}e{point - 1:+d}"
    if point <= 0:
        return "0." + "0" * -point + digits
    if len(digits) <= point:
        return digits + "0" * (point - len(digits))
    return f"{digits[:point]}.{digits[point:]}"
