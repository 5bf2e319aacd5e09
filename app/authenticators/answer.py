"""Reads the body of an authorization server's answer: JSON, or a form, as the media type says."""

from __future__ import annotations

import math
from typing import Any, Final
from urllib.parse import parse_qsl

from app.foundation.bounded_json import JsonRefusedError, parse_json
from app.foundation.messages import InResponse

MAX_ANSWER_BYTES: Final = 65_536
_MAX_FIELDS: Final = 200
_MAX_DIGITS: Final = 20
_FORM: Final = "application/x-www-form-urlencoded"
_MAYBE_FORM: Final = frozenset({_FORM, "text/plain", ""})


def read_object(answer: InResponse) -> dict[str, Any] | None:
    """Return the answer's body as an object, or None where it is none.

    JSON is tried first, whatever the media type says, because some providers call it ``text/html``; a form is
    read where the type is that of a form, plain text or missing. Never raises.
    """
    if len(answer.body) > MAX_ANSWER_BYTES:
        return None
    media_type = (answer.header("content-type") or "").partition(";")[0].strip().lower()
    found = None if media_type == _FORM else _json(answer.body)
    if found is None and media_type in _MAYBE_FORM:
        found = _form(answer.body)
    return found


def seconds(value: Any, ceiling_s: int) -> int | None:  # noqa: ANN401 - JSON edge
    """Read a lifetime in seconds: an integer, a float or a text of one, at most ``ceiling_s``.

    What is absent, zero, negative or not a number is None: unknown, never "endless" and never "now".
    """
    if isinstance(value, str):
        try:
            value = float(value.strip()) if len(value) <= _MAX_DIGITS else None
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value) or value < 1:
        return None
    return int(min(value, ceiling_s))


def _json(data: bytes) -> dict[str, Any] | None:
    try:
        # A lifetime with a hundred digits is a very long one, not a reason to lose the token.
        value = parse_json(data, lenient=True)
    except JsonRefusedError:
        return None
    return value if isinstance(value, dict) else None


def _form(data: bytes) -> dict[str, Any] | None:
    try:
        text = data.decode("utf-8")
        pairs = parse_qsl(
            text, keep_blank_values=True, strict_parsing=True, max_num_fields=_MAX_FIELDS, errors="strict"
        )
    except ValueError:
        return None
    found = dict(pairs)
    return found if found and len(found) == len(pairs) else None
