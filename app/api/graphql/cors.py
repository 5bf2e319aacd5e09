"""Which other origins may use the API from a browser: none but those that the operator allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.requests import Request
from starlette.responses import Response

from app.api.graphql.http_request import PREFLIGHT_HEADER
from app.api.identity import is_allowed_origin

if TYPE_CHECKING:
    from app.hub import Hub

_MAX_AGE_S: Final = 600
_REQUEST_HEADERS: Final = f"accept, authorization, content-type, if-none-match, {PREFLIGHT_HEADER}"
_EXPOSED: Final = "etag, retry-after, x-request-id"


def preflight(hub: Hub, request: Request) -> Response:
    """Answer a browser that asks whether a page of another origin may send its request."""
    response = Response(status_code=204, headers={"allow": "GET, POST, OPTIONS"})
    if shared(hub, request, response):
        response.headers["access-control-allow-methods"] = "GET, POST"
        response.headers["access-control-allow-headers"] = _REQUEST_HEADERS
        response.headers["access-control-max-age"] = str(_MAX_AGE_S)
    return response


def shared(hub: Hub, request: Request, response: Response) -> bool:
    """Let the page that asked read the response, if its origin is allowed; return whether it is."""
    origin = request.headers.get("origin")
    response.headers.setdefault("vary", "Origin")
    if origin is None or not is_allowed_origin(hub, request, origin):
        return False
    response.headers["access-control-allow-origin"] = origin
    response.headers["access-control-allow-credentials"] = "true"
    response.headers["access-control-expose-headers"] = _EXPOSED
    return True
