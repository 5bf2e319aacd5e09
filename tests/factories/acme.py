"""Acme for whole hubs: a made-up system with secret and touching configuration, and parameters at every place."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from app.catalog.build import build_definition
from app.catalog.catalog import Catalog
from app.catalog.entry import IntegrationEntry
from tests.sandbox.acme import ACME as SIMULATED
from tests.sandbox.acme import OAUTH

CONFIG: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["shop"],
    "properties": {
        "shop": {
            "title": "Shop",
            "type": "string",
            "minLength": 1,
            "maxLength": 40,
            "examples": ["north"],
            "touchesAuthentication": True,
        },
        "signing": {"title": "Signing secret", "type": "string", "minLength": 8, "secret": True},
        "note": {"title": "Note", "type": "string", "maxLength": 200},
        "size": {"title": "Page size", "type": "integer", "minimum": 1, "default": 20},
        "kind": {"title": "Kind", "type": "string", "enum": ["plain", "special"]},
        "extra": {"title": "Extra", "type": "string"},
        "home": {"title": "Home", "type": "string", "format": "uri"},
    },
    "if": {"properties": {"kind": {"const": "special"}}, "required": ["kind"]},
    "then": {"required": ["extra"]},
}
SECRET = {"key", "session", "token", "secret", "password"}
APPLICATION: dict[str, Any] = {
    "type": "object",
    "properties": {
        "tenant": {"title": "Tenant", "type": "string", "maxLength": 40},
        "hookKey": {"title": "Webhook key", "type": "string", "secret": True, "minLength": 4},
    },
}
EVERYWHERE: dict[str, Any] = {
    "title": "Parameters at every place",
    "effect": "READ",
    "http": {"method": "POST", "path": "/things/{params.id}", "body": "json"},
    "params": {
        "type": "object",
        "additionalProperties": False,
        "required": ["id"],
        "properties": {
            "id": {"type": "string", "in": "path"},
            "page": {"type": "integer", "in": "query", "minimum": 1, "default": 1},
            "X-Trace": {"type": "string", "in": "header"},
            "name": {"type": "string", "in": "body"},
            "tags": {"type": "array", "items": {"type": "string"}, "in": "body"},
            "pin": {"type": "string", "in": "body", "secret": True},
        },
    },
    "examples": [{"title": "Done", "params": {"id": "1"}, "response": {"body": {"done": True}}}],
}
FORM: dict[str, Any] = {
    "title": "A form",
    "effect": "WRITE",
    "http": {"method": "POST", "path": "/forms", "body": "form"},
    "params": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}}},
    },
    "examples": [{"title": "Done", "response": {"status": 201, "body": {}}}],
}
REMOVE: dict[str, Any] = {
    "title": "Remove",
    "effect": "DESTRUCTIVE",
    "http": {"method": "DELETE", "path": "/orders/{params.id}"},
    "params": {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}},
    "examples": [{"title": "Gone", "params": {"id": 1}, "response": {"status": 204}}],
}
TROUBLES: list[dict[str, Any]] = [
    {
        "code": "CREDENTIALS_REJECTED",
        "looksLike": "Acme says no.",
        "do": ["Ask Acme for a new key.", "Enter it again."],
        "who": "PROVIDER_ADMIN",
    },
    {
        "code": "UPSTREAM_UNREACHABLE",
        "looksLike": "Nothing.",
        "do": ["Call the Acme hotline."],
        "who": "USER",
    },
]


def acme(version: str = "1.0.0", **changes: Any) -> Any:
    """Return Acme; ``changes`` replace top-level parts of its file."""
    oauth = {**deepcopy(OAUTH), "application": APPLICATION}
    oauth["scopes"] = [scope for scope in oauth["scopes"] if scope["name"] != "offline_access"]
    others = [deepcopy(method) for method in SIMULATED["auth"] if method["id"] != "oauth"]
    for method in others:
        fields = (method.get("credentials") or {"properties": {}})["properties"]
        for name in fields.keys() & SECRET:
            fields[name] |= {"secret": True}
    http = {
        **SIMULATED["http"],
        "expiry": "body.error == 'token_expired'",
        "problems": [
            {
                "when": "contains(['token_expired', 'bad_key'], body.error)",
                "code": "CREDENTIALS_REJECTED",
                "details": {"providerCode": "body.error"},
            },
            {"when": "body.error == 'scope'", "code": "MISSING_SCOPE", "details": {"missing": "body.needed"}},
        ],
    }
    methods = {**SIMULATED["methods"], "everywhere": EVERYWHERE, "form": FORM, "orders.remove": REMOVE}
    parts = {
        "version": version,
        "config": CONFIG,
        "auth": [oauth, *others],
        "http": http,
        "methods": methods,
        "troubleshooting": TROUBLES,
        "changelog": [{"version": version, "date": "2026-01-01", "impact": "MAJOR", "summary": "First."}],
        **changes,
    }
    return build_definition({**deepcopy(SIMULATED), **deepcopy(parts)})


def with_acme(catalog: Catalog, *definitions: Any) -> Catalog:
    """Return ``catalog`` and Acme beside it."""
    return Catalog([*catalog.all(), IntegrationEntry("acme", definitions or (acme(),))])
