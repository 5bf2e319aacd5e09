"""Checks that an icon is a small drawing and nothing that acts, loads or links."""

from __future__ import annotations

import re
from typing import Final
from xml.parsers import expat

MAX_ICON_BYTES: Final = 16 * 1024
_ELEMENTS: Final = re.compile(
    "svg|g|path|circle|ellipse|rect|line|polyline|polygon|title|defs|linearGradient|radialGradient|stop"
)
_ATTRIBUTES: Final = re.compile(
    "xmlns|viewBox|width|height|x|y|x1|x2|y1|y2|cx|cy|r|rx|ry|d|points|fill|fill-rule|fill-opacity|clip-rule"
    "|stroke|stroke-width|stroke-linecap|stroke-linejoin|opacity|transform|offset|stop-color|gradientUnits"
    "|id|role|aria-label"
)


class _IconError(ValueError):
    """The drawing holds something that is not allowed."""


def icon_fault(data: bytes) -> str | None:
    """Return what is wrong with an SVG icon, or None: at most 16 KB, shapes only, no scripts or links."""
    if len(data) > MAX_ICON_BYTES:
        return f"the icon is larger than {MAX_ICON_BYTES // 1024} KB"
    parser = expat.ParserCreate()
    parser.StartElementHandler = _element
    parser.StartDoctypeDeclHandler = _doctype
    parser.ProcessingInstructionHandler = _instruction
    try:
        data.decode("utf-8")
        parser.Parse(data, True)
    except UnicodeDecodeError:
        return "the icon is not UTF-8"
    except expat.ExpatError as fault:
        return f"the icon is not well-formed: {expat.ErrorString(fault.code)}"
    except _IconError as fault:
        return str(fault)
    return None


def _element(name: str, attributes: dict[str, str]) -> None:
    if not _ELEMENTS.fullmatch(name):
        raise _IconError(f"<{name[:40]}> is not allowed in an icon")
    for key, value in attributes.items():
        outside = key != "xmlns" and ("://" in value or "url(" in value.replace("url(#", ""))
        if not _ATTRIBUTES.fullmatch(key) or outside:
            raise _IconError(f"the attribute {key[:40]} is not allowed in an icon")


def _doctype(*_: object) -> None:
    raise _IconError("a document type is not allowed in an icon")


def _instruction(*_: object) -> None:
    raise _IconError("a processing instruction is not allowed in an icon")
