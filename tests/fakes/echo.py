"""An outside that tells everything it was told, wrapped in every way that real services wrap things in."""

from __future__ import annotations

import html
import json
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, quote_plus, urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tests.canary import secret
from tests.servers import running

_FORM = "application/x-www-form-urlencoded"
_ESCAPES = (quote, quote_plus, html.escape)
WAYS = ("json", "html", "form", "text", "broken json", "headers")


@dataclass
class Echo:
    """An authorization server and an API in one. ``status`` and ``way`` say how it answers from now on.

    At ``/authorize`` everybody consents; ``/token`` issues secrets that the watch knows.
    """

    address: str = ""
    status: int = 200
    way: str = "json"
    tells_tokens: bool = True
    issued: list[str] = field(default_factory=list)
    asked: int = 0

    def answers(self, status: int, way: str = "json", *, tells_tokens: bool = True) -> None:
        """Answer like this from now on; with ``tells_tokens`` a good token request is answered with tokens."""
        self.status, self.way, self.tells_tokens = status, way, tells_tokens

    async def authorize(self, request: Request) -> Response:
        """Send the browser back with a code."""
        given = dict(request.query_params)
        back = urlencode({"code": self._issue(), "state": given["state"]})
        return RedirectResponse(f"{given['redirect_uri']}?{back}")

    async def token(self, request: Request) -> Response:
        """Issue tokens, and tell the application's secret besides."""
        told = await self._told(request)
        if self.status != 200 or not self.tells_tokens:
            return self._answer({"error": "invalid_request", "error_description": json.dumps(told), **told})
        tokens = {"access_token": self._issue(), "refresh_token": self._issue(), "expires_in": 3600}
        return self._answer({"token_type": "Bearer", **tokens, "debug": told}, "json")

    async def everything(self, request: Request) -> Response:
        """Tell what was asked."""
        return self._answer(await self._told(request))

    async def _told(self, request: Request) -> dict[str, object]:
        self.asked += 1
        body = (await request.body()).decode()
        credentials = [value for name, value in request.headers.items() if name != "host"]
        for value in list(credentials):
            with suppress(ValueError):
                credentials.append(b64decode(value.partition(" ")[2]).decode())
        credentials += [value for _, value in parse_qsl(body)]
        return {
            "method": request.method,
            "url": str(request.url),
            "headers": dict(request.headers),
            "body": body,
            "seen": credentials,
            "encoded": [b64encode(value.encode()).decode() for value in credentials],
            "encoded for urls": [urlsafe_b64encode(f"x:{value}".encode()).decode() for value in credentials],
            "hex": [value.encode().hex() for value in credentials],
            "escaped": [write(value) for value in credentials for write in _ESCAPES] if self._is_flat else [],
            "sentence": f"We do not know {' and '.join(credentials)}.",
        }

    def _answer(self, told: dict[str, object], way: str | None = None) -> Response:
        text, kind, headers = json.dumps(told), "application/json", {}
        match way or self.way:
            case "html":
                text, kind = (
                    f"<h1>Sorry</h1><pre>{html.escape(text)}</pre><p>{told['sentence']}</p>",
                    "text/html",
                )
            case "form":
                text, kind = urlencode(told, doseq=True), _FORM
            case "text":
                text, kind = "\n".join(str(value) for value in told.values()), "text/plain"
            case "broken json":
                text = text[:-2]
            case "headers":
                seen = quote(str(told["seen"])[:900])
                headers = {"x-debug": seen, "www-authenticate": f'Bearer error_description="{seen}"'}
        if 300 <= self.status < 400:
            headers["location"] = f"{self.address}/elsewhere?seen={quote_plus(str(told['seen'])[:900])}"
        return Response(text, self.status, headers, kind)

    @property
    def _is_flat(self) -> bool:
        """Whether the answer's own way leaves room for one more escape: hubs undo two, as real services make them."""
        return self.way not in {"html", "form", "headers"}

    def _issue(self) -> str:
        self.issued.append(secret("tok-"))
        return self.issued[-1]


@asynccontextmanager
async def running_echo() -> AsyncIterator[Echo]:
    """Run the outside on loopback, in this event loop."""
    echo = Echo()
    methods = ["GET", "POST", "PUT", "DELETE"]
    routes = [
        Route("/authorize", echo.authorize),
        Route("/token", echo.token, methods=["POST"]),
        Route("/{path:path}", echo.everything, methods=methods),
    ]
    async with running(Starlette(routes=routes)) as address:
        echo.address = address.http
        yield echo
