"""Acme, a made-up outside system with every way to authenticate, as a definition file would describe it."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from app.catalog.build import build_definition
from app.catalog.definition import Definition

TOKEN = {
    "refreshToken": "refresh_token",
    "expiresIn": "expires_in",
    "granted": "scope",
    "account": {"id": "org.id", "label": "org.name"},
    "example": {
        "access_token": "acme_sample",
        "refresh_token": "acmer_sample",
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "orders.read orders.write",
        "org": {"id": "org-77", "name": "Acme <Ltd>"},
    },
}
OAUTH = {
    "id": "oauth",
    "kind": "oauth2",
    "title": "Sign in",
    "authorizeUrl": "https://login.acme.example/authorize",
    "tokenUrl": "https://login.acme.example/token",
    "revokeUrl": "https://login.acme.example/revoke",
    "introspectUrl": "https://login.acme.example/introspect",
    "clientAuth": "post",
    "scopes": [
        {"name": "orders.read", "label": "Read orders", "required": True},
        {"name": "orders.write", "label": "Write orders"},
        {"name": "offline_access", "label": "Stay signed in"},
    ],
    "token": TOKEN,
    "renewal": {"by": "refresh_token", "rotation": "single_use", "graceSeconds": 0},
}
MACHINE = {
    "id": "machine",
    "kind": "oauth2",
    "grant": "client_credentials",
    "title": "As the application",
    "tokenUrl": "https://login.acme.example/token",
    "clientAuth": "basic",
    "scopes": [{"name": "orders.read", "label": "Read orders"}],
    "token": {"expiresIn": "expires_in", "example": {"access_token": "acme_sample", "expires_in": "600"}},
}
KEYS: list[dict[str, Any]] = [
    {
        "id": "key",
        "kind": "api_key",
        "title": "Key",
        "credentials": {
            "type": "object",
            "required": ["key"],
            "properties": {"key": {"type": "string", "secret": True, "examples": ["right-key", "other-key"]}},
        },
        "place": {"in": "query", "name": "api_key", "value": "{credentials.key}"},
    },
    {
        "id": "cookie",
        "kind": "api_key",
        "title": "Cookie",
        "credentials": {"type": "object", "properties": {"session": {"examples": ["right-session"]}}},
        "place": {"in": "cookie", "name": "sid", "value": "{credentials.session}"},
    },
    {
        "id": "path",
        "kind": "api_key",
        "title": "Path",
        "credentials": {"type": "object", "properties": {"token": {"examples": ["12:right"]}}},
        "place": {"in": "path", "value": "/bot{credentials.token}"},
    },
    {
        "id": "basic",
        "kind": "basic",
        "title": "User",
        "credentials": {
            "type": "object",
            "properties": {"email": {"examples": ["ada@acme.example"]}, "key": {"examples": ["right-pass"]}},
        },
        "username": "{credentials.email}/token",
        "password": "{credentials.key}",
    },
    {
        "id": "two",
        "kind": "custom",
        "title": "Two fields",
        "credentials": {
            "type": "object",
            "properties": {"app": {"examples": ["app-1"]}, "secret": {"examples": ["sec-1"]}},
        },
        "place": [
            {"in": "header", "name": "X-App", "value": "{credentials.app}"},
            {"in": "header", "name": "X-Secret", "value": "Key {credentials.secret}"},
        ],
    },
]
LOGIN = {
    "id": "login",
    "kind": "custom",
    "title": "Session",
    "credentials": {
        "type": "object",
        "properties": {"user": {"examples": ["ada"]}, "password": {"examples": ["right-pass"]}},
    },
    "login": {
        "url": "https://login.acme.example/session",
        "body": {"login": "{credentials.user}", "pass": "{credentials.password}"},
        "token": {
            "accessToken": "session.token",
            "expiresIn": "session.ttl",
            "example": {"session": {"token": "sample", "ttl": 60}},
        },
    },
    "place": {"in": "header", "name": "X-Session", "value": "{credentials.accessToken}"},
}
METHODS: dict[str, Any] = {
    "me": {
        "title": "Who am I",
        "effect": "READ",
        "http": {"method": "GET", "path": "/me"},
        "params": {"type": "object", "properties": {}},
        "examples": [
            {"title": "Me", "response": {"body": {"id": 7, "name": "Ada"}}},
            {
                "title": "Unknown key",
                "response": {"status": 401, "body": {"error": {"code": "bad_key"}}},
                "outcome": "CREDENTIALS_REJECTED",
            },
            {
                "title": "Slow down",
                "response": {"status": 429, "headers": {"Retry-After": "9"}, "body": {"error": "slow"}},
                "outcome": "RATE_LIMITED",
            },
        ],
    },
    "orders.get": {
        "title": "Get an order",
        "effect": "READ",
        "http": {"method": "GET", "path": "/orders/{params.id}"},
        "params": {
            "type": "object",
            "additionalProperties": False,
            "required": ["id"],
            "properties": {
                "id": {"type": "integer", "minimum": 1},
                "expand": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
                "X-Trace": {"type": "string", "in": "header"},
            },
        },
        "scopes": ["orders.read"],
        "examples": [
            {
                "title": "Open",
                "params": {"id": 1},
                "response": {"body": {"id": 1, "state": "open"}},
                "echo": {"id": "id"},
            },
            {
                "title": "Expanded",
                "params": {"id": 1, "expand": ["lines"]},
                "response": {"body": {"id": 1, "lines": []}},
            },
            {
                "title": "Gone",
                "params": {"id": 404},
                "response": {"status": 404, "body": {"error": "not_found"}},
                "outcome": "UPSTREAM_NOT_FOUND",
            },
            {
                "title": "Not allowed",
                "response": {"status": 403, "body": {"error": "scope", "needed": "orders.read"}},
                "outcome": "MISSING_SCOPE",
            },
        ],
    },
    "orders.create": {
        "title": "Create an order",
        "effect": "WRITE",
        "http": {"method": "POST", "path": "/orders"},
        "params": {
            "type": "object",
            "additionalProperties": False,
            "required": ["product"],
            "properties": {
                "product": {"type": "string", "maxLength": 20},
                "quantity": {"type": "integer", "minimum": 1},
                "gift": {"type": "boolean"},
                "tags": {"type": "array", "items": {"type": "string"}},
                "address": {"type": "object", "properties": {"zip": {"type": "string"}}},
            },
        },
        "scopes": ["orders.write"],
        "examples": [
            {
                "title": "Created",
                "params": {"product": "A-1"},
                "response": {"status": 201, "body": {"id": 2, "product": "A-1", "quantity": 1}},
                "echo": {"product": "product", "quantity": "quantity", "nowhere": "product"},
            },
        ],
    },
    "orders.replace": {
        "title": "Replace everything",
        "effect": "WRITE",
        "http": {"method": "PUT", "path": "/orders", "bodyParam": "body"},
        "params": {"type": "object", "properties": {"body": {"in": "body", "type": "array"}}},
        "examples": [{"title": "Replaced", "response": {"status": 204}}],
    },
}
ACME: dict[str, Any] = {
    "format": "patchbay/1",
    "integration": "acme",
    "version": "1.0.0",
    "name": "Acme & <Sons>",
    "summary": "A made-up service.",
    "stage": "AVAILABLE",
    "categories": ["custom"],
    "useCases": ["Try the sandbox"],
    "config": {"type": "object", "properties": {}},
    "http": {"baseUrl": "https://api.acme.example/v1", "hosts": ["api.acme.example", "login.acme.example"]},
    "auth": [OAUTH, MACHINE, *KEYS, LOGIN],
    "methods": METHODS,
    "test": {"method": "me", "verifies": "The credentials work.", "expect": ["status == `200`"]},
    "changelog": [],
}


def acme(**changes: Any) -> Definition:
    """Return Acme with top-level parts of its file replaced."""
    return build_definition({**deepcopy(ACME), **changes})


def acme_oauth(
    oauth: dict[str, Any] | None = None, token: dict[str, Any] | None = None, **changes: Any
) -> Definition:
    """Return Acme with its sign-in changed: parts of the auth method, and of its token answer."""
    method = {**deepcopy(OAUTH), **(oauth or {})}
    method["token"] = {**method["token"], **(token or {})}
    others = [deepcopy(other) for other in ACME["auth"] if other["id"] != "oauth"]
    return acme(auth=[method, *others], **changes)


@dataclass(frozen=True)
class FakeEntry:
    key: str


class FakeCatalog:
    """A catalog of the definitions that a test gives; the last one of a key is its latest."""

    def __init__(self, *definitions: Definition) -> None:
        self.definitions = definitions

    def all(self) -> list[FakeEntry]:
        return [FakeEntry(key) for key in dict.fromkeys(one.integration for one in self.definitions)]

    def definition(self, key: str, version: str | None = None) -> Definition | None:
        found = [
            one for one in self.definitions if one.integration == key and version in {None, str(one.version)}
        ]
        return found[-1] if found else None
