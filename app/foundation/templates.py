"""RFC 6570 templates over dotted names such as ``{config.subdomain}``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from uritemplate import URITemplate

_EXPRESSION: Final = re.compile(r"\{([^{}]*)\}")
_VARIABLE: Final = re.compile(r"^[+]?[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$")
_FORBIDDEN: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class TemplateError(ValueError):
    """A template that is not valid, or a value that may not stand in it; the message never holds the value."""


class Template:
    """A text with dotted variables: ``{a.b}`` percent-encodes, ``{+a.b}`` keeps what is reserved (RFC 6570 3.2.3)."""

    __slots__ = ("_uri", "text", "variables")

    def __init__(self, text: str) -> None:
        names = []
        for match in _EXPRESSION.finditer(text):
            expression = match.group(1)
            if not _VARIABLE.match(expression):
                raise TemplateError(f"{{{expression[:40]}}} is not a variable of the form {{group.name}}")
            names.append(expression.lstrip("+"))
        if re.search(r"[{}]", _EXPRESSION.sub("", text)):
            raise TemplateError("a brace is not closed")
        self.text = text
        self.variables: frozenset[str] = frozenset(names)
        self._uri = URITemplate(text)

    def expand(self, values: Mapping[str, Mapping[str, Any]]) -> str:
        """Expand into a URL.

        Raises:
            TemplateError: a variable has no value, or its value is not a plain scalar.
        """
        return self._uri.expand({name: self._scalar(values, name) for name in self.variables})

    def expand_text(self, values: Mapping[str, Mapping[str, Any]]) -> str:
        """Expand without percent-encoding, for headers and bodies.

        Raises:
            TemplateError: a variable has no value, is no plain scalar, or holds CR, LF, NUL or another control.
        """

        def fill(match: re.Match[str]) -> str:
            name = match.group(1).lstrip("+")
            value = self._scalar(values, name)
            if _FORBIDDEN.search(value):
                raise TemplateError(f"the value of {name} holds a control character")
            return value

        return _EXPRESSION.sub(fill, self.text)

    def only_variable(self) -> str | None:
        """Return the one variable that is the whole template, or None."""
        match = _EXPRESSION.fullmatch(self.text)
        return match.group(1).lstrip("+") if match else None

    @staticmethod
    def _scalar(values: Mapping[str, Mapping[str, Any]], name: str) -> str:
        current: Any = values
        for part in name.split("."):
            if not isinstance(current, Mapping) or current.get(part) is None:
                raise TemplateError(f"{name} has no value")
            current = current[part]
        if isinstance(current, bool):
            return "true" if current else "false"
        if not isinstance(current, str | int | float):
            raise TemplateError(f"{name} is not a plain value")
        return str(current)


@lru_cache(maxsize=4_096)
def template(text: str) -> Template:
    """Compile ``text`` once.

    Raises:
        TemplateError: the template is not valid.
    """
    return Template(text)
