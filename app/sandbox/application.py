"""What the sandbox knows in advance: its one application, its test credentials and its return addresses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from app.catalog.definition import AuthMethod, JsonSchema
from app.catalog.sample_keys import is_private_key, sample_keys
from app.foundation.patterns import matches

CLIENT_ID: Final = "sandbox-client"
CLIENT_SECRET: Final = "sandbox-secret"  # noqa: S105 - a published test value of a simulated outside
MAX_RETURN_ADDRESS_CHARS: Final = 2_000
_HOST: Final = r"^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$"
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_PRINTABLE: Final = r"^[!-~]+$"


def sandbox_credentials(method: AuthMethod) -> dict[str, str]:
    """Return the values that the sandbox accepts for what a person enters: each property's first example.

    A property without an example takes its default, constant or first option, else ``sandbox-<name>``; one that
    holds a private key takes the sample key, unless its example is a key itself.
    """
    return _samples("credentials", method, method.credentials)


def expanded(text: str, credentials: Mapping[str, str]) -> str:
    """Return a template over ``credentials`` with their values in it."""
    for name, value in credentials.items():
        text = text.replace(f"{{credentials.{name}}}", value)
    return text


def sample_application(method: AuthMethod) -> dict[str, str]:
    """Return the sandbox application: its id and secret, and the first example of each extra field."""
    fields = _samples("application", method, method.application)
    return {**fields, "clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET}


def return_address(text: str) -> SplitResult | None:
    """Return the parsed redirect URI where it is one the sandbox application has registered, else None.

    Registered is every absolute https address, and plain http on the loopback (RFC 8252 7.3), without a
    fragment (RFC 6749 3.1.2) and without user information.
    """
    if len(text) > MAX_RETURN_ADDRESS_CHARS or not matches(_PRINTABLE, text):
        return None
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    if not host or "@" in parts.netloc or "#" in text or "\\" in text:
        return None
    if host != "::1" and not matches(_HOST, host):
        return None
    allowed = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    return parts if allowed else None


def is_loopback(address: SplitResult) -> bool:
    """Return whether the address stays on this machine."""
    return address.hostname in _LOOPBACK


def _samples(group: str, method: AuthMethod, schema: JsonSchema | None) -> dict[str, str]:
    keys, found = sample_keys(method), {}
    for name, field in _properties(schema or {}):
        sample, key = _sample(name, field), keys.get(f"{group}.{name}")
        found[name] = sample if key is None or is_private_key(sample) else key
    return found


def _properties(schema: JsonSchema) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, field in (schema.get("properties") or {}).items():
        if isinstance(field, Mapping):
            yield name, field
    branches = [schema.get("then"), schema.get("else")]
    for key in ("allOf", "anyOf", "oneOf"):
        branches.extend(schema.get(key) or ())
    for branch in branches:
        if isinstance(branch, Mapping):
            yield from _properties(branch)


def _sample(name: str, field: Mapping[str, Any]) -> str:
    options = [
        *(field.get("examples") or ()),
        field.get("default"),
        field.get("const"),
        *(field.get("enum") or ()),
    ]
    found = next((value for value in options if isinstance(value, str | int | float)), None)
    return f"sandbox-{name}" if found is None else str(found)
