"""Addresses of the hub's own pages, as a browser that sees the hub below a path has to ask for them."""

from __future__ import annotations

from starlette.requests import HTTPConnection


def below(connection: HTTPConnection, path: str) -> str:
    """Return ``path``, which begins with a slash, below the path of the public address."""
    return f"{connection.scope.get('root_path', '')}{path}"
