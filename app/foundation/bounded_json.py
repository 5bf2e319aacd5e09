"""Reading JSON that nobody vouches for: bounded in depth, count and numbers, and always UTF-8."""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

import orjson

MAX_DEPTH: Final = 64
MAX_VALUES: Final = 500_000
_BEYOND_64_BITS: Final = 2.0**63  # as a float, no smaller one was written as an integer beyond 64 bits
_FEW_DIGITS: Final = 19
_BOM: Final = b"\xef\xbb\xbf"
_STRING_OR_INTEGER: Final = re.compile(
    rb'"(?:[^"\\]|\\.)*+"|(?<![0-9.eE+-])(-?[0-9]{19,}+)(?![.eE])', re.DOTALL
)


class JsonRefusedError(ValueError):
    """The bytes are not JSON that the hub reads. The message names the rule and holds nothing of the text."""


def parse_json(data: bytes, *, lenient: bool = False) -> Any:  # noqa: ANN401 - JSON edge
    """Read a JSON text (RFC 8259); a byte order mark in front is passed over.

    Of members with the same name the last counts, as the RFC says most readers do. A ``lenient`` reader, for answers
    that cannot be had again, takes an integer beyond 64 bits for a float, and leaves infinite numbers and halves of
    surrogate pairs as they are.

    Raises:
        JsonRefusedError: not UTF-8, not JSON, deeper than 64, more than 500,000 values, an integer beyond
            64 bits, a number that is not finite, or half of a surrogate pair.
    """
    if sum(data.count(mark) for mark in (b",", b"{", b"[")) > MAX_VALUES:
        raise JsonRefusedError("too many values")
    text = data.removeprefix(_BOM)
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        if not lenient:
            raise JsonRefusedError("not JSON in UTF-8 with finite numbers and whole characters") from None
        value = _leniently(text)
    has_great_number = _check_inside(value)
    if has_great_number and not lenient:
        _check_integers(text)
    return value


def _check_inside(value: object) -> bool:
    """Return whether a number may have been written as an integer beyond 64 bits; refuse what is nested too deep."""
    has_great_number = False
    layer: list[Any] = [[value]]
    for _ in range(MAX_DEPTH + 1):
        below = []
        for outer in layer:
            for inner in outer.values() if type(outer) is dict else outer:
                kind = type(inner)
                if kind is dict or kind is list:
                    below.append(inner)
                elif kind is float and not -_BEYOND_64_BITS < inner < _BEYOND_64_BITS:
                    has_great_number = True
        if not below:
            return has_great_number
        layer = below
    raise JsonRefusedError("nested too deep")


def _check_integers(text: bytes) -> None:
    """Refuse a text with an integer beyond 64 bits, which was read as a float."""
    for found in _STRING_OR_INTEGER.finditer(text):
        digits = found.group(1)
        if digits is not None and type(orjson.loads(digits)) is float:
            raise JsonRefusedError("an integer beyond 64 bits")


def _leniently(text: bytes) -> Any:  # noqa: ANN401 - JSON edge
    try:
        return json.loads(text.decode("utf-8"), parse_int=_integer, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise JsonRefusedError("not JSON in UTF-8") from None


def _integer(digits: str) -> int | float:
    # Python reads an integer of any length, in time that grows with its square.
    return int(digits) if len(digits) < _FEW_DIGITS else float(digits)


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)
