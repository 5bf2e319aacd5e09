"""Reading JSON that nobody vouches for: bounded in depth, count and numbers, and always UTF-8."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, Final, NoReturn

MAX_DEPTH: Final = 64
MAX_VALUES: Final = 500_000
_MAX_INTEGER_DIGITS: Final = 20
_SMALLEST_INTEGER: Final = -(2**63)
_GREATEST_INTEGER: Final = 2**64 - 1
_BOM: Final = b"\xef\xbb\xbf"


class JsonRefusedError(ValueError):
    """The bytes are not JSON that the hub reads. The message names the rule and holds nothing of the text."""


def parse_json(data: bytes) -> Any:  # noqa: ANN401 - JSON edge
    """Read a JSON text (RFC 8259); a byte order mark in front is passed over.

    Of members with the same name the last counts, as the RFC says most readers do.

    Raises:
        JsonRefusedError: not UTF-8, not JSON, deeper than 64, more than 500,000 values, an integer beyond
            64 bits, a number that is not finite, or half of a surrogate pair.
    """
    if sum(data.count(mark) for mark in (b",", b"{", b"[")) > MAX_VALUES:
        raise JsonRefusedError("too many values")
    try:
        text = data.removeprefix(_BOM).decode("utf-8")
        value = json.loads(text, parse_int=_integer, parse_float=_finite, parse_constant=_refuse_constant)
    except JsonRefusedError:
        raise
    except (ValueError, RecursionError):
        raise JsonRefusedError("not JSON in UTF-8") from None
    _check_depth(value)
    if "\\ud" in text.lower():
        _check_surrogates(value)
    return value


def _integer(digits: str) -> int:
    # Python reads a number of any length, in time that grows with its square.
    if len(digits) > _MAX_INTEGER_DIGITS + 1 or not _SMALLEST_INTEGER <= int(digits) <= _GREATEST_INTEGER:
        raise JsonRefusedError("an integer beyond 64 bits")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise JsonRefusedError("a number that is not finite")
    return number


def _refuse_constant(_: str) -> NoReturn:
    raise JsonRefusedError("a number that is not finite")


def _check_depth(value: object) -> None:
    layer = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH):
        layer = [inner for outer in layer for inner in _inside(outer) if isinstance(inner, dict | list)]
        if not layer:
            return
    raise JsonRefusedError("nested too deep")


def _check_surrogates(value: object) -> None:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict | list):
            waiting.extend(_inside(one))
            waiting.extend(one if isinstance(one, dict) else ())
        elif isinstance(one, str) and not one.isascii():
            try:
                one.encode()
            except UnicodeEncodeError:
                raise JsonRefusedError("half of a surrogate pair") from None


def _inside(container: dict[str, Any] | list[Any]) -> Iterator[Any]:
    return iter(container.values() if isinstance(container, dict) else container)
