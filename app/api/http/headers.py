"""Headers that several doors send or compare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request

NOT_STORED: Final[Mapping[str, str]] = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""Of what is for one reader: kept by nobody, named to nobody, taken for nothing else."""


def knows(request: Request, etag: str) -> bool:
    """Return whether the client has the answer with this ETag already, compared weakly (RFC 9110 13.1.2)."""
    tags = request.headers.get("if-none-match", "").split(",")
    return not {etag, "*"}.isdisjoint(tag.strip().removeprefix("W/") for tag in tags)
