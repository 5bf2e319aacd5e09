"""Scopes as providers state them: which names an answer grants, and which of those wanted are not among them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

MAX_SCOPES: Final = 500
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_BETWEEN: Final = re.compile(r"[\s,]+")


def scopes_in(stated: Any, separator: str) -> tuple[str, ...] | None:  # noqa: ANN401 - JSON edge
    """Return the names in a text or a list of texts, each once; None where it is neither.

    No name holds a space (RFC 6749 3.3). A comma may stand in one, and does between them at GitHub and Strava: it
    separates, unless the definition's ``separator`` is another character.
    """
    texts = [stated] if isinstance(stated, str) else stated
    if not isinstance(texts, list):
        return None
    own = separator.strip() or ","
    names = [name for text in texts if isinstance(text, str) for name in text.replace(own, " ").split()]
    return tuple(dict.fromkeys(name for name in names if name and not _CONTROL.search(name)))[:MAX_SCOPES]


def missing_scopes(wanted: Iterable[str], granted: Iterable[str]) -> tuple[str, ...]:
    """Return the names of ``wanted`` that are not granted; several in one, with commas, are so if each of them is.

    A provider may name a scope by its resource (``https://graph.microsoft.com/User.Read``) and in another case.
    """
    names = {name.lower() for name in granted}
    names |= {part for name in names for part in _BETWEEN.split(name)}
    names |= {name.rpartition("/")[2] for name in names if "://" in name}
    return tuple(
        name
        for name in dict.fromkeys(wanted)
        if name.lower() not in names
        and not names.issuperset(part for part in _BETWEEN.split(name.lower()) if part)
    )
