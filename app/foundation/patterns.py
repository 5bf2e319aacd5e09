"""Regular expressions on a linear-time engine (RE2): no input can make them slow."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import re2

MAX_PATTERN_CHARS: Final = 1_000


class PatternError(ValueError):
    """A pattern that RE2 does not accept."""


@lru_cache(maxsize=2_048)
def compile_pattern(text: str) -> Any:  # noqa: ANN401 - re2 has no types
    """Compile ``text`` with RE2 (no look-around, no back-references).

    Raises:
        PatternError: RE2 does not accept it, or it is too long.
    """
    if len(text) > MAX_PATTERN_CHARS:
        raise PatternError(f"longer than {MAX_PATTERN_CHARS} characters")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    try:
        return re2.compile(text, options)
    except re2.error as fault:
        raise PatternError(f"not an RE2 pattern: {fault}") from None


def matches(pattern: str, value: str) -> bool:
    """Return whether ``pattern`` is found in ``value``, as JSON Schema's ``pattern`` means it (not anchored)."""
    return compile_pattern(pattern).search(value) is not None
