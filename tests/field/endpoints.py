"""Simulated endpoints of APIs, each labelled with what a test of it may say: combinations of how servers behave."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, product

from tests.foundation.servers import Asked, reply

KEY = "k-Right-4711-aBcDeF"
USER, PASSWORD = "ada", "p-Right-0815"
HTML = {"Content_Type": "text/html"}
JSON = {"Content_Type": "application/json"}
ACCOUNT = {"X_Account": "acme"}


@dataclass(frozen=True)
class Endpoint:
    """An endpoint, the key that it takes, what the configuration expects, and the verdict that is true of it."""

    guard: str  # open, checks, any, optional
    good: str
    bad: str
    method: str
    is_right: bool
    expects: str
    label: str

    @property
    def name(self) -> str:
        key = "right" if self.is_right else "wrong"
        return f"{self.guard}: {self.good}, else {self.bad}; {self.method} {key}; expects {self.expects}"


def goods() -> dict[str, bytes]:
    """Good answers; all but ``bare`` of one kind bear the account's header."""
    return {
        "json": reply(200, b'{"ok": true, "id": 7}', **JSON, **ACCOUNT),
        "list": reply(200, b"[1, 2]", **JSON, **ACCOUNT),
        "html": reply(200, b"<h1>Welcome</h1>", **HTML, **ACCOUNT),
        "text": reply(200, b"fine", Content_Type="text/plain", **ACCOUNT),
        "nothing": reply(204, b"", **ACCOUNT),
        "slash": b"",  # the path with a slash at its end has it: see ``answer``
    }


def bads(other: str) -> dict[str, bytes]:
    """Refusals; ``other`` is another origin."""
    return {
        "401": reply(401, b""),
        "401 json": reply(401, b'{"error": "unauthorized"}', WWW_Authenticate="Bearer", **JSON),
        "401 html": reply(401, b"<h1>Sign in</h1>", **HTML),
        "403": reply(403, b'{"message": "no"}', **JSON),
        "404": reply(404, b""),
        "400": reply(400, b'{"error": "malformed token"}', **JSON),
        "302 away": reply(302, b"", Location=f"{other}/login?from=x"),
        "302 login": reply(302, b"", Location="/login?from=x"),
        "200 html": reply(200, b"<form>Sign in</form>", **HTML),
        "200 ok false": reply(200, b'{"ok": false, "error": "invalid_auth"}', **JSON),
        "200 error": reply(200, b'{"error": {"code": 401}}', **JSON),
        "204": reply(204, b""),
        "500": reply(500, b"oops"),
        "503": reply(503, b""),
        "429": reply(429, b"", Retry_After="1"),
    }


CLEAR = ("401", "401 json", "401 html", "403", "404", "400", "302 away")
QUIET = ("200 html", "200 ok false", "200 error", "204")
PASSING = ("500", "503", "429")
METHODS = ("api-key", "bearer", "basic")


def endpoints() -> Iterator[Endpoint]:
    """Yield every endpoint with its label: green, amber (proves nothing) or red."""
    for guard, good, method, is_right in product(("open", "any"), goods(), METHODS, (True, False)):
        yield Endpoint(guard, good, "401", method, is_right, "nothing", "amber")
    refusals = (*CLEAR, "302 login", *QUIET, *PASSING)
    turns = cycle(METHODS)
    for good, bad, guard in product(goods(), refusals, ("checks", "optional")):
        method = next(turns)
        for is_right in (True, False):
            label = _label(good, bad, is_right=is_right)
            yield Endpoint(guard, good, bad, method, is_right, "nothing", label)
    expecting = [*product(goods(), QUIET, ("header",)), *product(("json",), QUIET, ("body",))]
    for good, bad, expects in (*expecting, ("json", "204", "status")):
        for is_right in (True, False):
            label = "green" if is_right else "red"
            yield Endpoint("checks", good, bad, "api-key", is_right, expects, label)


def _label(good: str, bad: str, *, is_right: bool) -> str:
    if bad in CLEAR:
        return "green" if is_right else "red"
    if bad in PASSING:
        return "amber" if is_right else "red"  # that it fails may pass by itself
    if bad == "302 login" and is_right:
        return "amber" if good == "slash" else "green"  # redirected in either case, and then answered well
    return "amber"


def answer(endpoint: Endpoint, asked: Asked, other: str) -> bytes:
    """Return what the endpoint answers."""
    path = asked.target.partition("?")[0]
    if path == "/login":
        return reply(200, b"<form>Sign in</form>", **HTML)
    given = _given(asked)
    right = ("ada", PASSWORD) if endpoint.method == "basic" else (None, KEY)
    accepted = right if endpoint.is_right else (None, "another key")
    lets_in = {
        "open": True,
        "any": given is not None,
        "checks": given == accepted,
        "optional": given is None or given == accepted,
    }[endpoint.guard]
    if not lets_in:
        return bads(other)[endpoint.bad]
    if endpoint.good != "slash":
        return goods()[endpoint.good]
    return goods()["json"] if path.endswith("/") else reply(301, b"", Location=f"{path}/")


def _given(asked: Asked) -> tuple[str | None, str] | None:
    key, header = asked.header("x-api-key"), asked.header("authorization")
    if key is not None:
        return None, key
    if header is None:
        return None
    scheme, _, value = header.partition(" ")
    if scheme == "Bearer":
        return None, value
    user, _, password = b64decode(value).decode().partition(":")
    return user, password


EXPECTS = {
    "nothing": {},
    "header": {"expectedHeader": "X-Account: acme"},
    "status": {"expectedStatus": "200"},
    "body": {"expectedBody": "body.ok == `true`"},
}
CREDENTIALS = {
    "api-key": {"key": KEY},
    "bearer": {"token": KEY},
    "basic": {"username": USER, "password": PASSWORD},
}


def told(problems: list[str]) -> str:
    return json.dumps(problems[:20], indent=1)
