"""A standard OAuth 2.0 and OpenID Connect server that we did not write (npm ``oidc-provider``), on loopback.

Authorization code with PKCE required, refresh tokens that are used once (a second use revokes the family),
revocation (RFC 7009), userinfo as the API to call, dynamic registration of clients (RFC 7591 and 7592).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
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


@dataclass(frozen=True)
class TokenCalls:
    """What is under way at the token endpoint: calls that are held, and calls not yet answered that it works on."""

    waiting: int
    in_hand: int


class OAuthServer:
    """The server: its addresses, its clients, its figures and what its operator can do, which is to restart it too."""

    def __init__(self, environment: Mapping[str, str], http: httpx.Client) -> None:
        self.http = http
        self.issuer = ""
        self._environment = dict(environment)
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it and return once it listens; after an end it has the same address as before."""
        assert self._process is None, "it runs already"
        self._process = subprocess.Popen(
            ["node", str(_HERE / "server.mjs")],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        self.issuer = json.loads(self._process.stdout.readline())["issuer"]
        self._environment["OAUTH_SERVER_PORT"] = self.issuer.rpartition(":")[2]

    def end(self, signum: signal.Signals = signal.SIGTERM) -> None:
        """End it: SIGTERM lets it answer what it has begun with, SIGKILL nothing."""
        if self._process is not None:
            with self._process as process:
                process.send_signal(signum)
            self._process = None

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

    def uses(self) -> list[tuple[float, float]]:
        """Return when access tokens came to userinfo, in seconds since the epoch, and their age then, in seconds."""
        told = self.http.get(f"{self.issuer}/control/uses").json()
        return [(at_ms / 1_000, age_ms / 1_000) for at_ms, age_ms in told]

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

    def answer_api_with(self, status: int | None) -> None:
        """Answer every userinfo request with this status from now on; None goes back to normal."""
        self._control("settings", {"apiStatus": status or 0})

    def hold_tokens(self) -> None:
        """Let token requests wait, unseen by the server, until :meth:`let_go`; those whose client ends are dropped."""
        self._control("settings", {"held": 1})

    def hold_answers(self) -> None:
        """Let the server do what token requests ask for, but keep its answers until :meth:`let_go`."""
        self._control("settings", {"answersHeld": 1})

    def let_go(self) -> None:
        """Let the token requests and answers that wait go on, and all later ones."""
        self._control("settings", {"held": 0, "answersHeld": 0})

    def token_calls(self) -> TokenCalls:
        """Return what is under way at the token endpoint now."""
        told = self.http.get(f"{self.issuer}/control/token").json()
        return TokenCalls(told["waiting"], told["inHand"])

    def forget_grants(self) -> None:
        """Take the access of all clients away, as a person does in their account at the provider."""
        self._control("forget-grants")

    def _control(self, what: str, settings: dict[str, int] | None = None) -> None:
        self.http.post(f"{self.issuer}/control/{what}", json=settings or {}).raise_for_status()


@contextmanager
def running_oauth_server(kept_in: Path | None = None, **environment: str) -> Iterator[OAuthServer]:
    """Run the server until the context ends; ``environment`` as in ``server.mjs``.

    With a file ``kept_in`` it can be restarted: clients, grants, tokens and figures stay; settings do not.
    """
    more = {"OAUTH_SERVER_PACKAGES": str(node_packages(_HERE)), **environment}
    if kept_in is not None:
        more["OAUTH_SERVER_STATE"] = str(kept_in)
    with httpx.Client(trust_env=False, timeout=10) as http:
        server = OAuthServer({**os.environ, **more}, http)
        server.start()
        try:
            yield server
        finally:
            server.end()
