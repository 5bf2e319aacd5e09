"""Small systems, one for each way to authenticate that Acme does not have, as definition files would describe them."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from app.catalog.build import build_definition
from app.catalog.definition import Definition

_TOKEN: dict[str, Any] = {
    "refreshToken": "refresh_token",
    "expiresIn": "expires_in",
    "granted": "scope",
    "account": {"id": "user.id", "label": "user.name"},
    "example": {
        "access_token": "sample",
        "refresh_token": "sample",
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "read write",
        "user": {"id": "u-1", "name": "Ada"},
    },
}
_MACHINE_TOKEN: dict[str, Any] = {
    "expiresIn": "expires_in",
    "example": {"access_token": "sample", "token_type": "Bearer", "expires_in": 3600},
}
_LOGIN = "https://login.ways.example"
_KEY = {"type": "string", "title": "Private key", "secret": True, "examples": ["a private key (PEM)"]}
DEVICE: dict[str, Any] = {
    "id": "device",
    "kind": "oauth2",
    "grant": "device_code",
    "title": "On another device",
    "deviceUrl": f"{_LOGIN}/device",
    "tokenUrl": f"{_LOGIN}/token",
    "clientAuth": "post",
    "pkce": "off",
    "pkceReason": "There is no redirect.",
    "scopes": [
        {"name": "read", "label": "Read", "required": True},
        {"name": "write", "label": "Write"},
    ],
    "token": _TOKEN,
    "renewal": {"by": "refresh_token", "rotation": "single_use"},
}
OAUTH1: dict[str, Any] = {
    "id": "oauth1",
    "kind": "oauth1",
    "title": "Sign in",
    "requestUrl": f"{_LOGIN}/oauth/request_token",
    "authorizeUrl": f"{_LOGIN}/oauth/authorize",
    "accessUrl": f"{_LOGIN}/oauth/access_token",
    "signature": "HMAC-SHA1",
    "account": {"id": "user_id", "label": "screen_name"},
    "keep": {"userId": "user_id"},
    "example": {
        "oauth_token": "sample",
        "oauth_token_secret": "sample",
        "user_id": "7",
        "screen_name": "ada",
    },
}
RSA_APPLICATION: dict[str, Any] = {"type": "object", "properties": {"privateKey": _KEY}}
AWS: dict[str, Any] = {
    "id": "aws",
    "kind": "custom",
    "title": "Access key",
    "credentials": {
        "type": "object",
        "required": ["accessKeyId", "secretAccessKey", "region"],
        "properties": {
            "accessKeyId": {"type": "string", "title": "Access key id", "examples": ["SANDBOXKEY"]},
            "secretAccessKey": {
                "type": "string",
                "title": "Secret access key",
                "secret": True,
                "examples": ["sandbox/secret+access-key"],
            },
            "region": {"type": "string", "title": "Region", "examples": ["eu-central-1"]},
        },
    },
    "sign": {
        "scheme": "aws4",
        "service": "execute-api",
        "region": "{credentials.region}",
        "accessKeyId": "{credentials.accessKeyId}",
        "secretAccessKey": "{credentials.secretAccessKey}",
    },
}
SERVICE: dict[str, Any] = {
    "id": "service",
    "kind": "oauth2",
    "grant": "jwt_bearer",
    "title": "Service account",
    "tokenUrl": f"{_LOGIN}/token",
    "clientAuth": "none",
    "scopes": [{"name": "read", "label": "Read"}],
    "credentials": {
        "type": "object",
        "required": ["email", "privateKey"],
        "properties": {
            "email": {"type": "string", "title": "E-mail", "examples": ["robot@ways.example"]},
            "privateKey": _KEY,
        },
    },
    "assertion": {
        "algorithm": "RS256",
        "key": "{credentials.privateKey}",
        "claims": {"iss": "{credentials.email}"},
    },
    "token": _MACHINE_TOKEN,
}
SIGNING_APPLICATION: dict[str, Any] = {
    "id": "signing",
    "kind": "oauth2",
    "grant": "client_credentials",
    "title": "Application with a key",
    "tokenUrl": f"{_LOGIN}/token",
    "clientAuth": "private_key_jwt",
    "scopes": [{"name": "read", "label": "Read"}],
    "application": RSA_APPLICATION,
    "token": _MACHINE_TOKEN,
}
SECRET_APPLICATION: dict[str, Any] = {
    **SIGNING_APPLICATION,
    "id": "secret",
    "title": "Application with a secret",
    "clientAuth": "basic",
}
del SECRET_APPLICATION["application"]
EXCHANGED: dict[str, Any] = {
    "id": "exchanged",
    "kind": "oauth2",
    "title": "Sign in for sixty days",
    "authorizeUrl": f"{_LOGIN}/authorize",
    "tokenUrl": f"{_LOGIN}/token",
    "clientAuth": "post",
    "scopes": [{"name": "read", "label": "Read", "required": True}],
    "token": {"example": {"access_token": "sample"}, "defaultExpiresIn": 3600},
    "renewal": {
        "by": "exchange",
        "atOnce": True,
        "params": {
            "grant_type": "long_lived",
            "client_secret": "{application.clientSecret}",
            "client_id": "{application.clientId}",
            "exchange_token": "{credentials.accessToken}",
        },
        "token": {"example": {"access_token": "sample", "expires_in": 5_184_000}, "expiresIn": "expires_in"},
    },
}
SESSION: dict[str, Any] = {
    "id": "session",
    "kind": "custom",
    "title": "User and password",
    "credentials": {
        "type": "object",
        "required": ["user", "password"],
        "properties": {
            "user": {"type": "string", "title": "User", "examples": ["ada"]},
            "password": {"type": "string", "title": "Password", "secret": True, "examples": ["made-up"]},
        },
    },
    "login": {
        "url": f"{_LOGIN}/session",
        "body": {"login": "{credentials.user}", "pass": "{credentials.password}"},
        "token": {
            "accessToken": "token",
            "expiresIn": "ttl",
            "example": {"token": "sample", "ttl": 900},
        },
    },
    "place": {"in": "cookie", "name": "sid", "value": "{credentials.accessToken}"},
}
_METHODS: dict[str, Any] = {
    "me": {
        "title": "Who am I",
        "effect": "READ",
        "http": {"method": "GET", "path": "/me"},
        "params": {"type": "object", "properties": {"q": {"type": "string", "in": "query"}}},
        "scopes": ["read"],
        "examples": [
            {"title": "Me", "response": {"body": {"id": 7}}},
            {
                "title": "No",
                "response": {"status": 401, "body": {"error": "denied"}},
                "outcome": "CREDENTIALS_REJECTED",
            },
        ],
    },
    "files.get": {
        "title": "Get a file",
        "effect": "READ",
        "http": {"method": "GET", "path": "/files/{params.name}"},
        "params": {
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": {"type": "string", "in": "path"},
                "q": {"type": "array", "items": {"type": "string"}, "in": "query"},
            },
        },
        "examples": [
            {
                "title": "File",
                "params": {"name": "a"},
                "response": {"body": {"name": "a"}},
                "echo": {"name": "name"},
            }
        ],
    },
    "notes.create": {
        "title": "Write a note",
        "effect": "WRITE",
        "http": {"method": "POST", "path": "/notes", "body": "form"},
        "params": {"type": "object", "properties": {"text": {"type": "string"}}},
        "scopes": ["write"],
        "examples": [
            {"title": "Written", "response": {"status": 201, "body": {"text": ""}}, "echo": {"text": "text"}}
        ],
    },
    "notes.put": {
        "title": "Write a note as JSON",
        "effect": "WRITE",
        "http": {"method": "PUT", "path": "/notes", "body": "json"},
        "params": {"type": "object", "properties": {"text": {"type": "string", "in": "body"}}},
        "examples": [{"title": "Written", "response": {"body": {"text": ""}}, "echo": {"text": "text"}}],
    },
}


def ways_file(*auth: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return the system with these ways to authenticate as its file says it; ``changes`` replace parts of it."""
    offered = {scope["name"] for method in auth for scope in method.get("scopes", ())}
    methods = deepcopy(_METHODS)
    for method in methods.values():
        method["scopes"] = [scope for scope in method.get("scopes", ()) if scope in offered]
    return {
        "format": "patchbay/1",
        "integration": "ways",
        "version": "1.0.0",
        "name": "Ways",
        "summary": "A made-up service.",
        "stage": "AVAILABLE",
        "categories": ["custom"],
        "useCases": ["Try the sandbox"],
        "config": {"type": "object", "properties": {}},
        "http": {"baseUrl": "https://api.ways.example", "hosts": ["api.ways.example", "login.ways.example"]},
        "auth": [deepcopy(method) for method in auth],
        "methods": methods,
        "test": {"method": "me", "verifies": "The credentials work.", "expect": ["status == `200`"]},
        "changelog": [{"version": "1.0.0", "date": "2026-01-01", "impact": "MAJOR", "summary": "First."}],
        **deepcopy(changes),
    }


def ways(*auth: dict[str, Any], **changes: Any) -> Definition:
    """Return the system as the catalog would load it."""
    return build_definition(ways_file(*auth, **changes))


def but(method: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return an auth method with parts of it replaced."""
    return {**deepcopy(method), **changes}


ALL: dict[str, dict[str, Any]] = {
    "device": DEVICE,
    "oauth1-hmac-sha1": OAUTH1,
    "oauth1-hmac-sha256": but(OAUTH1, signature="HMAC-SHA256"),
    "oauth1-rsa-sha1": but(OAUTH1, signature="RSA-SHA1", application=RSA_APPLICATION),
    "oauth1-plaintext": but(OAUTH1, signature="PLAINTEXT"),
    "aws": AWS,
    "service-account-rs256": SERVICE,
    "service-account-es256": but(SERVICE, assertion={**SERVICE["assertion"], "algorithm": "ES256"}),
    "service-account-es384": but(SERVICE, assertion={**SERVICE["assertion"], "algorithm": "ES384"}),
    "service-account-hs256": but(SERVICE, assertion={**SERVICE["assertion"], "algorithm": "HS256"}),
    "private-key-jwt": SIGNING_APPLICATION,
    "client-credentials": SECRET_APPLICATION,
    "exchanged": EXCHANGED,
    "session-cookie": SESSION,
}
