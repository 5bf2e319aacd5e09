"""A definition's URL template read backwards: which addresses it can make, and from which values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, unquote

from app.foundation.patterns import PatternError, compile_pattern
from app.sandbox.address import canonical_path

_VARIABLE: Final = re.compile(r"\{(\+?)([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\}")
_ALONE: Final = re.compile(r"^\{\+?[\w.]+\}$")
_OPEN_TAIL: Final = re.compile(r"\{\+([\w.]+)\}$")
_CAPTURED: Final = ("params.", "credentials.")
_ANY_ADDRESS: Final = r"[^/]+(?:/.*?)??"


class UrlPattern:
    """The addresses of one template such as ``https://{config.shop}.example.com/orders/{params.id}``.

    ``is_open`` says that the whole address is configuration (``{+config.tokenUrl}``): it matches anything,
    so its match means nothing by itself. ``weight`` counts literal characters: of two that match, the
    heavier one is meant. ``tail`` names the variable that ends the template and takes all that is left, the
    query included.
    """

    def __init__(self, text: str) -> None:
        address, _, query = text.partition("?")
        address = re.sub(r"^https?://", "", address)
        self.is_open = _ALONE.match(address) is not None
        self.starts_open = address.startswith("{+")
        self.is_static = _VARIABLE.search(address) is None
        self.weight = len(_VARIABLE.sub("", address))
        tail = None if query else _OPEN_TAIL.search(address)
        self.tail = tail.group(1) if tail else None
        self._names: dict[str, str] = {}
        self._pattern = compile_pattern(f"^(?:{self._expression(address)})$")
        self._query = dict(parse_qsl(query, keep_blank_values=True))

    def match(self, host: str, path: str, query: Mapping[str, str]) -> dict[str, str] | None:
        """Return the ``params`` and ``credentials`` that make this address, by dotted name, or None."""
        found = self._pattern.match(f"{host}{path}")
        if found is None:
            return None
        values = {}
        for group, name in self._names.items():
            value = found.group(group) or ""
            values[name] = value if name == self.tail else unquote(value)
        for name, wanted in self._query.items():
            if name not in query:
                return None
            variable = _VARIABLE.fullmatch(wanted)
            if variable:
                values[variable.group(2)] = query[name]
            elif query[name] != wanted:
                return None
        return values

    def _expression(self, address: str) -> str:
        parts, end = [], 0
        for variable in _VARIABLE.finditer(address):
            parts.append(_literal(address[end : variable.start()]))
            in_host = not self.starts_open and "/" not in address[: variable.start()]
            parts.append(self._value(variable, in_host=in_host))
            end = variable.end()
        parts.append(_literal(address[end:]))
        return "".join(parts)

    def _value(self, variable: re.Match[str], *, in_host: bool) -> str:
        reserved, name = variable.group(1), variable.group(2)
        if variable.start() == 0 and reserved:
            return _ANY_ADDRESS
        form = r"[a-z0-9.:-]+" if in_host else (r".*" if reserved else r"[^/]+")
        if not name.startswith(_CAPTURED):
            return f"(?:{form})"
        group = f"v{len(self._names)}"
        self._names[group] = name
        return f"(?P<{group}>{form})"


def url_pattern(text: str) -> UrlPattern | None:
    """Return the pattern of a template, or None where it is too long to be one."""
    try:
        return UrlPattern(text)
    except PatternError:
        return None


def join_url(base: str, path: str) -> str:
    """Return ``path`` below ``base`` as the hub joins them."""
    if path.startswith("{"):
        return base.rstrip("/") + path
    return f"{base.rstrip('/')}/{path.lstrip('/')}" if path else base


def _literal(text: str) -> str:
    return re.escape(canonical_path(text))
