"""JMESPath picks and predicates, compiled once and bounded in what they may return."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, cast

import jmespath
from jmespath import exceptions as jmespath_errors

MAX_EXPRESSION_CHARS: Final = 2_000
_MEMBER_PATH: Final = re.compile(r'^(?:[A-Za-z_]\w*|"[^"\\.]+")(?:\.(?:[A-Za-z_]\w*|"[^"\\.]+"))*$')

_BUILDING: Final = frozenset({"multi_select_list", "multi_select_dict", "flatten", "expref"})
_PLAIN_FUNCTIONS: Final = frozenset({
    "abs", "avg", "ceil", "contains", "ends_with", "floor", "keys", "length", "max", "min", "not_null", "starts_with",
    "sum", "to_number", "type", "values",
})  # fmt: skip


class ExpressionError(ValueError):
    """An expression that does not compile; the message says why and holds no data."""


class Pick:
    """A compiled JMESPath expression. Applying it never raises: what cannot be picked is None."""

    __slots__ = ("_compiled", "text")

    def __init__(self, text: str) -> None:
        if len(text) > MAX_EXPRESSION_CHARS:
            raise ExpressionError(f"longer than {MAX_EXPRESSION_CHARS} characters")
        try:
            self._compiled = jmespath.compile(text)
        except (jmespath_errors.JMESPathError, RecursionError) as fault:
            raise ExpressionError(f"not a JMESPath expression: {type(fault).__name__}") from None
        self.text = text

    @property
    def tree(self) -> Mapping[str, Any]:
        """The parsed expression: nodes with ``type``, ``children`` and perhaps ``value``."""
        return cast("Mapping[str, Any]", self._compiled.parsed)

    def __call__(self, data: Any) -> Any:  # noqa: ANN401 - JSON edge
        """Return what the expression picks from ``data``, or None where it picks nothing or does not fit."""
        try:
            return self._compiled.search(data)
        except (jmespath_errors.JMESPathError, TypeError, ValueError, RecursionError):
            return None

    def holds(self, facts: Mapping[str, Any]) -> bool:
        """Return whether the expression, read as a predicate over ``facts``, is exactly true."""
        return self(facts) is True


@lru_cache(maxsize=4_096)
def compile_pick(text: str) -> Pick:
    """Compile ``text``.

    Raises:
        ExpressionError: it is not JMESPath or too long.
    """
    return Pick(text)


def is_person_predicate(text: str) -> bool:
    """Return whether ``text`` compiles and is plain enough to be taken from a person.

    What can make much out of little is left out: lists and objects that are built, flattening, joining and writing as
    text (each of which doubles what it is given, as often as it stands there). What remains is linear.
    """
    try:
        parsed = compile_pick(text).tree
    except ExpressionError:
        return False
    left = [parsed]
    while left:
        node = left.pop()
        if node["type"] in _BUILDING:
            return False
        if node["type"] == "function_expression" and node["value"] not in _PLAIN_FUNCTIONS:
            return False
        left.extend(child for child in node["children"] if isinstance(child, dict))
    return True


def is_member_path(text: str) -> bool:
    """Return whether ``text`` is a plain member path (``team.id``), which can be read backwards."""
    return _MEMBER_PATH.match(text) is not None


def member_path(text: str) -> tuple[str, ...]:
    """Split a plain member path into its names.

    Raises:
        ExpressionError: ``text`` is more than a plain member path.
    """
    if not is_member_path(text):
        raise ExpressionError("not a plain member path")
    return tuple(part.strip('"') for part in re.findall(r'"[^"]+"|[^.]+', text))
