"""A standard OAuth 2.0 and OpenID Connect server that we did not write (npm ``oidc-provider``), on loopback.

Authorization code with PKCE required, refresh tokens that are used once (a second use revokes the family),
revocation (RFC 7009), userinfo as the API to call, dynamic registration of clients (RFC 7591 and 7592).
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.node_packages import node_packages

_HERE = Path(__file__).parent
_GRANTS = ["authorization_code", "refresh_token"]


@dataclass
class Client:
    """A client that the server knows; its redirect address can be changed until people sign in."""

    server: OAuthServer
    metadata: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.metadata["client_id"])

    @property
    def secret(self) -> str | None:
        return self.metadata.get("client_secret")

    def redirect_to(self, uri: str) -> None:
        """Enter the redirect address, as a developer does at a provider (RFC 7592)."""
        address = self.metadata["registration_client_uri"]
        token = self.metadata["registration_access_token"]
        own = {
            name: value
            for name, value in self.metadata.items()
            if not name.startswith("registration_")
            and name not in {"client_id_issued_at", "client_secret_expires_at"}
        }
        answer = self.server.http.put(
            address, json={**own, "redirect_uris": [uri]}, headers={"Authorization": f"Bearer {token}"}
        )
        answer.raise_for_status()
        self.metadata = answer.json()


class OAuthServer:
    """The running server: its addresses, its clients, its figures and what its operator can do."""

    def __init__(self, issuer: str, http: httpx.Client) -> None:
        self.issuer = issuer
        self.http = http

    @property
    def config(self) -> dict[str, str]:
        """What a person enters for ``generic-oauth2``: offline access needs ``prompt=consent`` here."""
        return {
            "authorizeUrl": f"{self.issuer}/auth?prompt=consent",
            "tokenUrl": f"{self.issuer}/token",
            "revokeUrl": f"{self.issuer}/token/revocation",
            "scopes": "openid profile offline_access",
            "baseUrl": self.issuer,
            "testPath": "/me",
        }

    def register(self, auth_method: str = "client_secret_basic") -> Client:
        """Register a client (RFC 7591) by ``client_secret_basic``, ``client_secret_post`` or ``none``."""
        wanted = {
            "redirect_uris": ["http://127.0.0.1:1/not-yet"],
            "grant_types": _GRANTS,
            "response_types": ["code"],
            "token_endpoint_auth_method": auth_method,
        }
        answer = self.http.post(f"{self.issuer}/reg", json=wanted)
        answer.raise_for_status()
        return Client(self, answer.json())

    def figures(self) -> dict[str, int]:
        """Return what the server counted since the last reset; the names are explained in ``server.mjs``."""
        figures: dict[str, int] = self.http.get(f"{self.issuer}/control/figures").json()
        return figures

    def issued(self) -> list[str]:
        """Return every client secret and token that the server gave away since the last reset."""
        secrets: list[str] = self.http.get(f"{self.issuer}/control/issued").json()
        return secrets

    def reset(self) -> None:
        """Set the figures to zero and the settings to those of the start; clients and grants stay."""
        self._control("reset")

    def tokens_last(self, access_s: int, refresh_s: int = 86_400) -> None:
        """Set the lifetimes of tokens issued from now on."""
        self._control("settings", {"accessS": access_s, "refreshS": refresh_s})

    def answer_tokens_with(self, status: int | None) -> None:
        """Answer every token request with this status from now on; None goes back to normal."""
        self._control("settings", {"tokenStatus": status or 0})

    def forget_grants(self) -> None:
        """Take the access of all clients away, as a person does in their account at the provider."""
        self._control("forget-grants")

    def _control(self, what: str, settings: dict[str, int] | None = None) -> None:
        self.http.post(f"{self.issuer}/control/{what}", json=settings or {}).raise_for_status()


@contextmanager
def running_oauth_server(**environment: str) -> Iterator[OAuthServer]:
    """Run the server until the context ends; ``environment`` as in ``server.mjs``."""
    packages = node_packages(_HERE)
    process = subprocess.Popen(
        ["node", str(_HERE / "server.mjs")],
        env={**os.environ, "OAUTH_SERVER_PACKAGES": str(packages), **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            issuer = json.loads(process.stdout.readline())["issuer"]
            with httpx.Client(trust_env=False, timeout=10) as http:
                yield OAuthServer(issuer, http)
        finally:
            process.terminate()
