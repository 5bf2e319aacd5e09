"""Drives the sandbox as a person, an application and a caller would."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode, urlsafe_b64encode
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from starlette.applications import Starlette
from starlette.routing import Mount

from app.foundation.clock import FrozenClock
from app.sandbox.app import build_sandbox
from app.sandbox.application import CLIENT_ID, CLIENT_SECRET
from app.sandbox.state import MemoryState, SandboxState
from app.sandbox.switches import Switchboard

SECRET = b"k" * 32
REDIRECT = "http://127.0.0.1:9/oauth/return/app_1"
VERIFIER = "v" * 43
CHALLENGE = urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


def mounted(catalog: Any, clock: Any, state: SandboxState | None = None, secret: bytes = SECRET) -> Starlette:
    """Return the sandbox where main mounts it."""
    sandbox = build_sandbox(catalog, secret=secret, state=state or MemoryState(clock), clock=clock)
    return Starlette(routes=[Mount("/sandbox", sandbox)])


@dataclass
class Outside:
    """One sandbox and a client of it; addresses are given as they are outside."""

    http: httpx.AsyncClient
    switches: Switchboard
    clock: FrozenClock
    integration: str = "acme"
    redirect: str = REDIRECT
    client: dict[str, str] = field(
        default_factory=lambda: {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    )

    async def send(self, verb: str, url: str, **options: Any) -> httpx.Response:
        return await self.http.request(verb, inside(url, self.integration), **options)

    async def call(
        self, path: str, token: str | None = None, verb: str = "GET", **options: Any
    ) -> httpx.Response:
        headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **options.pop("headers", {})}
        return await self.send(verb, f"https://api.acme.example/v1{path}", headers=headers, **options)

    async def ask(
        self, url: str = "https://login.acme.example/authorize", **params: str | None
    ) -> httpx.Response:
        return await self.send("GET", url, params=self.asked(**params))

    async def consent(
        self,
        url: str = "https://login.acme.example/authorize",
        *,
        untick: tuple[str, ...] = (),
        decision: str = "allow",
        account: str = "1",
        **params: str | None,
    ) -> dict[str, str]:
        """Go through the consent page and return what comes back to the redirect URI."""
        asked = self.asked(**params)
        shown = await self.send("GET", url, params=asked)
        assert shown.status_code == 200, shown.text
        scopes = [scope for scope in ticked_scopes(shown.text) if scope not in untick]
        form = {"decision": decision, "account": account, "scope": scopes}
        decided = await self.send("POST", url, params=asked, data=form)
        assert decided.status_code == 303, decided.text
        assert decided.headers["location"].startswith(str(asked["redirect_uri"]))
        return dict(parse_qsl(urlsplit(decided.headers["location"]).query))

    def asked(self, **params: str | None) -> dict[str, str]:
        asked = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": self.redirect,
            "scope": "orders.read orders.write offline_access",
            "state": "st 1&é",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **params,
        }
        return {name: value for name, value in asked.items() if value is not None}

    async def token(self, **fields: str | None) -> httpx.Response:
        form = {**self.client, **fields}
        return await self.send("POST", "https://login.acme.example/token", data=_given(form))

    async def exchange(self, code: str, **fields: str | None) -> httpx.Response:
        wanted = {
            "grant_type": "authorization_code",
            "redirect_uri": self.redirect,
            "code_verifier": VERIFIER,
        }
        return await self.token(**{**wanted, "code": code, **fields})

    async def refresh(self, token: str, **fields: str | None) -> httpx.Response:
        return await self.token(grant_type="refresh_token", refresh_token=token, **fields)

    async def signed_in(self, **consent: Any) -> dict[str, Any]:
        """Return the token answer of a whole sign-in."""
        returned = await self.consent(**consent)
        answer = await self.exchange(returned["code"])
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def switch(self, **change: Any) -> httpx.Response:
        return await self.http.post(f"/sandbox/_switches/{self.integration}", json=change)


def outside(catalog: Any, clock: FrozenClock, state: SandboxState | None = None, **options: Any) -> Outside:
    """Return a driver of a fresh sandbox, without a socket."""
    state = state or MemoryState(clock)
    transport = httpx.ASGITransport(mounted(catalog, clock, state))
    http = httpx.AsyncClient(transport=transport, base_url="http://sandbox.test")
    return Outside(http, Switchboard(state), clock, **options)


def ticked_scopes(markup: str) -> list[str]:
    """Return the permissions that a consent page offers, all of them ticked at first."""
    return [
        unescape(value) for value in re.findall(r'name="scope" id="s\d+" value="([^"]*)" checked>', markup)
    ]


def inside(url: str, integration: str) -> str:
    """Return where the sandbox simulates an outside address."""
    return f"/sandbox/{integration}/{url.partition('://')[2]}"


def basic(user: str, password: str) -> str:
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def _given(fields: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value is not None}
