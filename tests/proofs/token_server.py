"""A strict authorization server in a process of its own: single-use refresh tokens, a family dies with the first reuse.

Its ``mark`` stands in every code and token. It counts everything, has a clock that only a test moves, and may give a
grace: for that long a refresh token that was used gives the same successor again. Nobody consents: whoever opens the
address to authorize is sent back at once.
``python -m tests.proofs.token_server <mark>`` prints its port and serves until its standard input ends.
"""

from __future__ import annotations

import base64
import json
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from tests.canary.forms import new_mark

CLIENT_ID, CLIENT_SECRET = "client-of-proofs", "secret-of-proofs-0123456789"
LIFETIME_S = 3_600
_ROOT = Path(__file__).parents[2]
_BASIC = "Basic " + base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
_OK, _FOUND, _BAD, _REFUSED, _MISSING = 200, 302, 400, 401, 404


@dataclass
class Family:
    """All tokens that came of one consent. ``used`` says when a refresh token was used, and what it gave."""

    number: int
    access: str = ""
    refresh: str = ""
    used: dict[str, tuple[float, dict[str, Any]]] = field(default_factory=dict)
    is_revoked: bool = False


@dataclass
class Figures:
    """What the server saw. ``reused`` counts refresh tokens that came again after their grace."""

    codes: int = 0
    refreshes: int = 0
    reused: int = 0
    refused: int = 0
    revoked: int = 0


class Authority:
    """The rules. One lock guards everything: requests are judged one after the other."""

    def __init__(self, mark: str) -> None:
        self.mark = mark
        self.grace_s = 0.0
        self.figures = Figures()
        self.moved_s = 0.0
        self._families: list[Family] = []
        self._of_token: dict[str, Family] = {}
        self._codes: dict[str, Family] = {}

    def authorize(self, query: dict[str, str]) -> str:
        family = Family(len(self._families))
        self._families.append(family)
        code = f"code-{self.mark}-{secrets.token_urlsafe(24)}"
        self._codes[code] = family
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, form: dict[str, str]) -> dict[str, Any] | None:
        if form.get("grant_type") == "authorization_code":
            self.figures.codes += 1
            family = self._codes.pop(form.get("code", ""), None)
            return None if family is None else self._give(family)
        self.figures.refreshes += 1
        return self._refresh(form.get("refresh_token", ""))

    def _refresh(self, token: str) -> dict[str, Any] | None:
        family = self._of_token.get(token)
        if family is None or family.is_revoked:
            return None
        if token in family.used:
            at, answer = family.used[token]
            if self._now() - at <= self.grace_s and answer["refresh_token"] == family.refresh:
                return answer
            self.figures.reused += 1
            family.is_revoked = True
            return None
        if token != family.refresh:
            return None
        answer = self._give(family)
        family.used[token] = (self._now(), answer)
        return answer

    def forget(self, access: str) -> None:
        """Let a grant be dead, as if its person had withdrawn it at the provider."""
        self._of_token[access].is_revoked = True

    def revoke(self, form: dict[str, str]) -> None:
        self.figures.revoked += 1
        family = self._of_token.get(form.get("token", ""))
        if family is not None:
            family.is_revoked = True

    def is_good(self, access: str) -> bool:
        family = self._of_token.get(access)
        return family is not None and not family.is_revoked and family.access == access

    def inspect(self, tokens: dict[str, str]) -> dict[str, Any]:
        family = self._of_token.get(tokens.get("access", ""))
        if family is None:
            return {"family": None, "access": False, "refresh": False}
        is_newest = family.refresh == tokens.get("refresh", family.refresh)
        return {
            "family": family.number,
            "access": self.is_good(tokens["access"]),
            "refresh": is_newest and not family.is_revoked,
        }

    def _give(self, family: Family) -> dict[str, Any]:
        family.access = f"access-{self.mark}-{secrets.token_urlsafe(24)}"
        family.refresh = f"refresh-{self.mark}-{secrets.token_urlsafe(24)}"
        self._of_token[family.access] = self._of_token[family.refresh] = family
        return {
            "access_token": family.access,
            "refresh_token": family.refresh,
            "token_type": "Bearer",
            "expires_in": LIFETIME_S,
        }

    def _now(self) -> float:
        return self.moved_s


class Handler(BaseHTTPRequestHandler):
    """The protocol: OAuth for hubs, and ``/control`` for tests."""

    protocol_version = "HTTP/1.1"
    authority: Authority
    lock: threading.Lock

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        with self.lock:
            if parts.path == "/authorize":
                self._answer(_FOUND, {}, location=self.authority.authorize(query))
            elif parts.path == "/control/figures":
                self._answer(_OK, asdict(self.authority.figures))
            else:
                token = (self.headers["authorization"] or "").removeprefix("Bearer ")
                is_good = self.authority.is_good(token)
                self._answer(
                    _OK if is_good else _REFUSED, {"id": 1} if is_good else {"error": "invalid_token"}
                )

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"] or 0)).decode()
        with self.lock:
            if self.path.startswith("/control"):
                self._answer(_OK, self._control(json.loads(body)))
            elif self.headers["authorization"] != _BASIC:
                self._answer(_REFUSED, {"error": "invalid_client"})
            elif self.path == "/revoke":
                self.authority.revoke(dict(parse_qsl(body)))
                self._answer(_OK, {})
            else:
                answer = self.authority.token(dict(parse_qsl(body)))
                if answer is None:
                    self.authority.figures.refused += 1
                self._answer(_BAD if answer is None else _OK, answer or {"error": "invalid_grant"})

    def _control(self, wish: dict[str, Any]) -> dict[str, Any]:
        if self.path == "/control/inspect":
            return self.authority.inspect(wish)
        if "forget" in wish:
            self.authority.forget(wish["forget"])
        self.authority.grace_s = wish.get("grace_s", self.authority.grace_s)
        self.authority.moved_s += wish.get("advance_s", 0.0)
        return {}

    def _answer(self, status: int, value: object, *, location: str | None = None) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        if location is not None:
            self.send_header("location", location)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing: tokens stand in requests."""


class Server(ThreadingHTTPServer):
    """A thread per connection; they end with the process."""

    daemon_threads = True
    request_queue_size = 256


class TokenServer:
    """The server as tests see it."""

    def __init__(self, port: int, mark: str, pid: int = 0) -> None:
        self.port = port
        self.mark = mark
        self.pid = pid
        self.address = f"http://127.0.0.1:{port}"
        self._http = httpx.Client(base_url=self.address, trust_env=False, verify=False, timeout=30)

    @property
    def config(self) -> dict[str, str]:
        """The configuration of a connection to it."""
        return {
            "authorizeUrl": f"{self.address}/authorize",
            "tokenUrl": f"{self.address}/token",
            "revokeUrl": f"{self.address}/revoke",
            "baseUrl": self.address,
            "testPath": "/me",
        }

    def figures(self) -> Figures:
        return Figures(**self._http.get("/control/figures").json())

    def inspect(self, access: str, refresh: str) -> dict[str, Any]:
        return self._http.post("/control/inspect", json={"access": access, "refresh": refresh}).json()

    def set(self, **wish: float | str) -> None:
        self._http.post("/control/set", json=wish)

    def close(self) -> None:
        self._http.close()


@contextmanager
def running_token_server() -> Iterator[TokenServer]:
    """Yield the server, started as a process of its own."""
    mark = new_mark()
    command = [sys.executable, "-m", "tests.proofs.token_server", mark]
    with subprocess.Popen(
        command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        server = TokenServer(int(process.stdout.readline()), mark, process.pid)
        try:
            yield server
        finally:
            server.close()
            process.stdin.close()
            process.wait(10)
            process.stdout.close()


def main() -> None:
    Handler.authority, Handler.lock = Authority(sys.argv[1]), threading.Lock()
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
