"""An authorization server with its API, strict where the standards are, under whatever host it is asked."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode

import httpx

from tests.canary import secret

CLIENT_ID = "hub-client"
ACCOUNT = {"id": "u1", "name": "Ada", "user_id": "u1", "organization_id": "o1", "preferred_username": "ada"}
Answer = Callable[[httpx.Request], httpx.Response]


@dataclass(frozen=True)
class Code:
    """What the server remembers of a code that it gave (RFC 6749 4.1.2, RFC 7636 4.4)."""

    redirect_uri: str
    challenge: str | None
    scope: str


@dataclass
class Provider:
    """Answers every request of hub and browser that leaves the hub, and remembers them all.

    ``extras`` are added to the address that the browser returns to. ``scope`` is what is granted, None what was asked
    for. ``told`` is added to token answers. ``instead`` answers a path (or a path on one host) in place of the server.
    """

    client_secret: str = field(default_factory=lambda: secret("client-"))
    extras: Callable[[Mapping[str, str]], Mapping[str, str]] = lambda returned: {}
    scope: str | None = None
    told: dict[str, Any] = field(default_factory=dict)
    instead: dict[str, Answer] = field(default_factory=dict)
    asked: list[httpx.Request] = field(default_factory=list)
    codes: dict[str, Code] = field(default_factory=dict)
    authorizations: list[dict[str, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request of the hub."""
        self.asked.append(request)
        for place in (f"{request.url.host}{request.url.path}", request.url.path):
            if place in self.instead:
                return self.instead[place](request)
        if request.method == "POST" and "grant_type" in form_of(request):
            return self._token(request)
        if request.method == "POST" and "revoke" in request.url.path:
            return httpx.Response(200, json={})
        return httpx.Response(200, json=ACCOUNT)

    def visit(self, request: httpx.Request) -> httpx.Response:
        """Consent at once, as a person who trusts the hub, and send the browser back with a code."""
        asked = dict(request.url.params)
        self.authorizations.append(asked)
        code = secret("code-")
        scope = asked.get("scope", "") if self.scope is None else self.scope
        self.codes[code] = Code(asked["redirect_uri"], asked.get("code_challenge"), scope)
        returned = {"code": code, "state": asked["state"]}
        returned |= self.extras(returned)
        return httpx.Response(302, headers={"Location": f"{asked['redirect_uri']}?{urlencode(returned)}"})

    @property
    def token_calls(self) -> list[dict[str, str]]:
        """The forms of all requests for a token, at whatever address."""
        return [form_of(request) for request in self.asked if "grant_type" in form_of(request)]

    def asked_of(self, host: str) -> list[httpx.Request]:
        """Return the requests that went to one host."""
        return [request for request in self.asked if request.url.host == host]

    def _token(self, request: httpx.Request) -> httpx.Response:
        form = form_of(request)
        if client_of(request) != (CLIENT_ID, self.client_secret):
            return self._refuse("invalid_client", 401)
        if form["grant_type"] != "authorization_code":
            return self._tokens(form.get("scope", ""))
        known = self.codes.pop(form["code"], None)  # a code is used once (RFC 6749 4.1.2)
        if known is None or form.get("redirect_uri") != known.redirect_uri:
            return self._refuse("invalid_grant")
        if known.challenge != _challenge(form.get("code_verifier")):
            return self._refuse("invalid_grant")
        return self._tokens(known.scope)

    def _tokens(self, scope: str) -> httpx.Response:
        body = {
            "access_token": secret("access-"),
            "refresh_token": secret("refresh-"),
            "token_type": "Bearer",
            "expires_in": 3600,
            "scope": scope,
        }
        return httpx.Response(200, json={**body, **self.told})

    def _refuse(self, error: str, status: int = 400) -> httpx.Response:
        self.refused.append(error)
        return httpx.Response(status, json={"error": error})


def form_of(request: httpx.Request) -> dict[str, str]:
    """Return the form of a request, or the members of its JSON object."""
    if request.headers.get("content-type", "").startswith("application/json"):
        body = httpx.Response(200, content=request.content).json()
        return body if isinstance(body, dict) else {}
    return dict(parse_qsl(request.content.decode("utf-8", "replace"), keep_blank_values=True))


def client_of(request: httpx.Request) -> tuple[str, str]:
    """Return the client's id and secret, from the header (RFC 6749 2.3.1) or from the form."""
    header = request.headers.get("authorization", "")
    if header.startswith("Basic "):
        id_, _, password = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
        return unquote_plus(id_), unquote_plus(password)
    form = form_of(request)
    return form.get("client_id", ""), form.get("client_secret", "")


def _challenge(verifier: str | None) -> str | None:
    """Return the S256 challenge of a verifier (RFC 7636 4.2)."""
    if verifier is None:
        return None
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
