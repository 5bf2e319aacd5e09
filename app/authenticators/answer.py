"""Reads the body of an authorization server's answer by what it is: a JSON object, or a form."""

from __future__ import annotations

import math
import re
from typing import Any, Final

from app.foundation.bounded_json import JsonRefusedError, parse_json
from app.foundation.charsets import decoded_anyhow, form_pairs
from app.foundation.messages import InResponse

MAX_ANSWER_BYTES: Final = 65_536
_MAX_FIELDS: Final = 200
_MAX_DIGITS: Final = 20
_PAIR: Final = r"[A-Za-z0-9_.~*+%\[\]-]+=[^&\r\n]*"
_FORM: Final = re.compile(rf"{_PAIR}(?:&{_PAIR})*&?")


def read_object(answer: InResponse) -> dict[str, Any] | None:
    """Return the answer's body as an object, or None where it is none. Never raises.

    The media type is not asked: providers send JSON as a form or ``text/html``, and forms as either. Nothing is both,
    since a form begins with a name.
    """
    if len(answer.body) > MAX_ANSWER_BYTES:
        return None
    text = decoded_anyhow(answer.body, answer.header("content-type")).strip()
    return _form(text) if _FORM.fullmatch(text) else _json(text)


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


def _json(text: str) -> dict[str, Any] | None:
    try:
        # A lifetime with a hundred digits is a very long one, not a reason to lose the token.
        value = parse_json(text.encode(), lenient=True)
    except JsonRefusedError:
        return None
    return value if isinstance(value, dict) else None


def _form(text: str) -> dict[str, Any] | None:
    pairs = form_pairs(text.encode(), _MAX_FIELDS) or []
    found = dict(pairs)
    return found if found and len(found) == len(pairs) else None
