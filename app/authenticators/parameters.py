"""Writes the parameters of a method as texts: for the query, for a form, for a path (OpenAPI's styles)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from app.foundation.errors import invalid_field

_DOT_SEGMENT: Final = re.compile(r"(?:^|/)(?:\.|%2e){1,2}(?=$|[/?#])", re.IGNORECASE)


def flattened(name: str, value: Any, schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - JSON edge
    """Yield the pairs of one parameter; None yields nothing.

    Lists repeat the name, or are joined by commas with ``explode: false``; objects, lists within them and
    whatever has ``style: deepObject`` use brackets (``metadata[order]``, ``items[0][price]``).
    """
    if isinstance(value, list) and not _needs_brackets(value, schema):
        texts = [text_of(item) for item in value if item is not None]
        yield from (
            [(name, ",".join(texts))] if schema.get("explode") is False else [(name, one) for one in texts]
        )
    elif isinstance(value, list | Mapping):
        yield from _bracketed(name, value)
    elif value is not None:
        yield name, text_of(value)


def text_of(value: Any) -> str:  # noqa: ANN401 - JSON edge
    """Return a value as one text: a scalar plainly, anything else as JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def check_path_values(params: Mapping[str, Any], places: Mapping[str, str]) -> None:
    """Check that no path parameter can mean another path: none is empty or ``.`` or ``..``, in any spelling.

    Raises:
        InvalidInputError: one is, at ``("params", name)``.
    """
    for name, place in places.items():
        if place != "path":
            continue
        text = text_of(params.get(name, ""))
        if not text or _DOT_SEGMENT.search(text):
            raise invalid_field("params", name, label=name, reason="it cannot stand in a path")


def _needs_brackets(value: list[Any], schema: Mapping[str, Any]) -> bool:
    return schema.get("style") == "deepObject" or any(isinstance(item, list | Mapping) for item in value)


def _bracketed(name: str, value: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - JSON edge
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _bracketed(f"{name}[{key}]", item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _bracketed(f"{name}[{index}]", item)
    elif value is not None:
        yield name, text_of(value)
