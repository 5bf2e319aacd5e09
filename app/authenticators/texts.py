"""Texts that are picked from answers: scalars without controls, bounded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from app.foundation.expressions import compile_pick

_MAX_CHARS: Final = 2_000
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def picked_text(path: str | None, body: Any, limit: int = _MAX_CHARS) -> str | None:  # noqa: ANN401 - JSON edge
    """Return the scalar at ``path`` as a text without controls; None where there is none or a longer one."""
    value = compile_pick(path)(body) if path else None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value).strip()
    return text if text and len(text) <= limit and not _CONTROL.search(text) else None


def picked_texts(paths: Mapping[str, str], body: Any) -> Mapping[str, str]:  # noqa: ANN401 - JSON edge
    """Return the texts at ``paths`` that are there."""
    found = {name: picked_text(path, body) for name, path in paths.items()}
    return MappingProxyType({name: text for name, text in found.items() if text is not None})
