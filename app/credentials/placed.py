"""Which values a call places on its requests, found in the definition's templates: nothing else need be opened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from app.catalog.definition import AuthKind, AuthMethod, Definition
from app.foundation.templates import template

_SIGNING: Final = frozenset(f"application.{name}" for name in ("clientId", "clientSecret", "privateKey"))


def placed_names(definition: Definition, method: AuthMethod) -> frozenset[str]:
    """Return the dotted names (``config.key``, ``application.clientId``) that calls of a method may place."""
    found = {name for text in _texts(definition, method) for name in template(text).variables}
    found |= {f"config.{name}" for name in definition.http.tls_from_config.values()}
    if method.kind is AuthKind.OAUTH1:
        found |= _SIGNING
    return frozenset(found)


def _texts(definition: Definition, method: AuthMethod) -> Iterator[str]:
    http = definition.http
    yield from (http.base_url, *http.hosts, *http.headers.values(), *method.sign.values())
    yield from filter(None, (method.username, method.password))
    for placement in method.place:
        yield from filter(None, (placement.name, placement.value))
    for called in definition.methods.values():
        yield from filter(None, (called.path, called.base_url))
        yield from called.headers.values()
