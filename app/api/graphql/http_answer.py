"""Answers over HTTP: the media type that the client prefers, status, headers, and validators for GET."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app.api.http.headers import NOT_STORED, knows

_MAX_ACCEPT_CHARS: Final = 1_000
_MAX_RANGES: Final = 30
_VARY: Final = "Accept, Authorization, Cookie, Origin"


class MediaType(StrEnum):
    """What an answer can be written as."""

    GRAPHQL = "application/graphql-response+json"
    JSON = "application/json"
    STREAM = "text/event-stream"


def preferred(accept: str | None) -> MediaType | None:
    """Return what an Accept header prefers (RFC 9110 12.5.1), or None where nothing is acceptable.

    Without the header, and for wildcards, it is ``application/json`` (GraphQL over HTTP, section 6.1).
    """
    if accept is None or not accept.strip():
        return MediaType.JSON
    best: tuple[float, int, MediaType] | None = None
    for place, item in enumerate(accept[:_MAX_ACCEPT_CHARS].lower().split(",")[:_MAX_RANGES]):
        media_range, *parameters = [part.strip() for part in item.split(";")]
        found = _RANGES.get(media_range)
        weight = _weight(parameters)
        if found is not None and weight > 0 and (best is None or weight > best[0]):
            best = (weight, place, found)
    return best[2] if best else None


_RANGES: Final[Mapping[str, MediaType]] = {
    **{str(media_type): media_type for media_type in MediaType},
    "application/*": MediaType.JSON,
    "*/*": MediaType.JSON,
}


def answer(
    body: Mapping[str, Any],
    media_type: MediaType,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return the response with this body."""
    content_type = MediaType.JSON if media_type is MediaType.STREAM else media_type
    return Response(
        orjson.dumps(body),
        status_code=status,
        headers={**NOT_STORED, "vary": _VARY, **(headers or {})},
        media_type=f"{content_type}; charset=utf-8",
    )


def with_validator(response: Response, request: Request) -> Response:
    """Give a GET answer its ETag; answer 304 where the client has it already (RFC 9110 13.1.2)."""
    etag = f'"{hashlib.sha256(bytes(response.body)).hexdigest()[:32]}"'
    response.headers["etag"] = etag
    response.headers["cache-control"] = "private, no-cache"
    if not knows(request, etag):
        return response
    kept = {name: response.headers[name] for name in ("etag", "cache-control", "vary")}
    return Response(status_code=304, headers=kept)


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return min(max(float(parameter[2:]), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0
