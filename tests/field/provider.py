"""A provider that a test scripts: sign-in, tokens, userinfo and revocation over real HTTP on the loopback."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.canary import secret
from tests.servers import Address, running

Answer = Response | Exception
CLIENT_ID = "client-of-the-hub"
_ACCESS_TOKEN = re.compile(rb'access_token"?[:=]\s*"?([^"&\s]+)')


class Reset(Exception):  # noqa: N818 - what a script says, no fault of the test
    """The connection breaks instead of an answer."""


def token_answer(**changes: Any) -> JSONResponse:
    """Return a good token answer; a change to ``...`` leaves a member out."""
    body = {
        "access_token": secret("access-"),
        "token_type": "Bearer",
        "expires_in": 3600,
        "refresh_token": secret("refresh-"),
        "scope": "read write",
    }
    return JSONResponse({name: value for name, value in {**body, **changes}.items() if value is not ...})


def id_token(**claims: Any) -> str:
    """Return an unsigned ID token, as a token endpoint may answer over TLS (OpenID Connect Core 3.1.3.7)."""
    parts = ({"alg": "none"}, {"aud": CLIENT_ID, **claims})
    coded = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)
    return f"{'.'.join(coded)}."


class Provider:
    """What the provider answers at ``/token``, ``/me`` and ``/revoke``: the next of a script, else the usual.

    The usual answer of ``/me`` goes to those alone whose credentials are in ``issued``.
    """

    def __init__(self) -> None:
        self.address: Address | None = None
        self.scripts: dict[str, list[Answer]] = {"/token": [], "/me": [], "/revoke": []}
        self.usual: dict[str, Callable[[], Answer]] = {
            "/token": token_answer,
            "/me": lambda: JSONResponse({"sub": "248289761001", "name": "Ada Example"}),
            "/revoke": lambda: Response(status_code=200),
        }
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.issued: set[bytes] = set()
        self.app = Starlette(
            routes=[Route(path, self._answer, methods=["GET", "POST"]) for path in self.scripts]
        )

    def will(self, path: str, *answers: Answer) -> None:
        """Answer the next requests at ``path`` so."""
        self.scripts[path] += answers

    def count(self, path: str) -> int:
        return sum(asked == path for asked, _ in self.asked)

    @property
    def config(self) -> dict[str, str]:
        """The configuration of ``generic-oauth2`` that leads here."""
        at = self.address.http
        return {
            "authorizeUrl": f"{at}/authorize",
            "tokenUrl": f"{at}/token",
            "revokeUrl": f"{at}/revoke",
            "baseUrl": at,
            "testPath": "/me",
            "scopes": "read write",
        }

    def returned(self, launched: str, code: str = "the-code") -> list[tuple[str, str]]:
        """Return the parameters with which a person who consented comes back."""
        state = parse_qs(urlsplit(launched).query)["state"][0]
        return [("code", code), ("state", state)]

    def has_issued(self, authorization: str | None) -> bool:
        """Return whether a header bears credentials that were issued here: what is made up is refused."""
        return (authorization or "").partition(" ")[2].encode() in self.issued

    async def _answer(self, request: Request) -> Response:
        path = request.url.path
        body = dict(parse_qsl((await request.body()).decode()))
        self.asked.append((path, {**body, **{f"header:{k}": v for k, v in request.headers.items()}}))
        script = self.scripts[path]
        is_usual = not script
        answer = script.pop(0) if script else self.usual[path]()
        if path == "/me" and is_usual and not self.has_issued(request.headers.get("authorization")):
            answer = JSONResponse({"error": "invalid_token"}, status_code=401)
        if path == "/token" and isinstance(answer, Response):
            self.issued |= set(_ACCESS_TOKEN.findall(bytes(answer.body)))
        return _Broken() if isinstance(answer, Reset) else answer


class _Broken(Response):
    """Promises more than it sends, so that the connection ends in the middle of the answer."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"500")]})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})
        await asyncio.sleep(0)
        raise ConnectionResetError


@asynccontextmanager
async def running_provider() -> AsyncIterator[Provider]:
    provider = Provider()
    async with running(provider.app) as address:
        provider.address = address
        yield provider
