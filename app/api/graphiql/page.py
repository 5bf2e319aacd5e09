"""The GraphiQL door: the page and the files it loads, all from this origin, under a strict content policy."""

from collections.abc import Awaitable, Callable, Mapping
from secrets import token_urlsafe
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from app.api.graphiql.assets import Asset, Assets, page_html
from app.api.http.headers import knows

SignedIn = Callable[[Request], Awaitable[bool]]

PAGE_POLICY: Final = (
    "default-src 'none'; "
    "script-src 'self'; "
    "style-src 'self' 'nonce-{style_nonce}'; "  # GraphiQL's dialogs add one style element of their own
    "img-src 'self' data:; "
    "font-src 'self' data:; "
    "connect-src 'self'; "  # in CSP Level 3 that is ws: and wss: of the same host and port too
    "base-uri 'none'; "
    "form-action 'self'; "
    "frame-ancestors 'none'"
)
ASSET_POLICY: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
SECURITY_HEADERS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin-allow-popups",  # it hears of the sign-ins that it opens
    "Cross-Origin-Resource-Policy": "same-origin",
}


def graphiql_routes(signed_in: SignedIn) -> list[Route]:
    """Return the routes of the GraphiQL door.

    `signed_in` says whether a request carries a valid session. It decides one line on the page and protects
    nothing: the page holds no data, and what its documents may see is decided by /graphql.
    """
    door = _Door(signed_in)
    return [
        Route("/graphiql", door.page, methods=["GET"]),
        Route("/graphiql/assets/{file}", door.asset, methods=["GET"]),
    ]


class _Door:
    def __init__(self, signed_in: SignedIn) -> None:
        self._signed_in = signed_in
        self._assets = Assets()

    async def page(self, request: Request) -> Response:
        nonce = token_urlsafe(16)
        html = page_html(signed_in=await self._signed_in(request), style_nonce=nonce)
        headers = {**_headers(PAGE_POLICY.format(style_nonce=nonce)), "Cache-Control": "no-store"}
        return HTMLResponse(html, headers=headers)

    async def asset(self, request: Request) -> Response:
        found = await self._assets.find(request.path_params["file"])
        if found is None:
            return PlainTextResponse("Not found\n", status_code=404, headers=_headers(ASSET_POLICY))
        return _answer(found, request)


def _answer(asset: Asset, request: Request) -> Response:
    compressed = asset.gzipped if _takes_gzip(request) else None
    etag = f'"{asset.digest}-gz"' if compressed else f'"{asset.digest}"'
    caching = {"ETag": etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    headers = {**_headers(ASSET_POLICY), **caching}
    if knows(request, etag):
        return Response(status_code=304, headers=headers)
    if compressed:
        headers["Content-Encoding"] = "gzip"
    return Response(compressed or asset.body, headers=headers, media_type=asset.media_type)


def _headers(policy: str) -> dict[str, str]:
    return {**SECURITY_HEADERS, "Content-Security-Policy": policy}


def _takes_gzip(request: Request) -> bool:
    """Return whether gzip is listed and not refused by a weight of zero (RFC 9110, section 12.5.3)."""
    for item in request.headers.get("accept-encoding", "").lower().split(","):
        coding, _, weight = item.replace(" ", "").partition(";q=")
        if coding == "gzip":
            return weight.strip("0.") != "" or not weight
    return False
