"""Places values of the credentials on a request and marks the positions, so that records can hide them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final
from urllib.parse import quote, unquote_plus

from app.authenticators.values import Values, field_of
from app.catalog.definition import Placement
from app.foundation.errors import invalid_field
from app.foundation.messages import OutRequest
from app.foundation.secret import Secret

_HEADER: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?")
_COOKIE: Final = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+")  # RFC 6265 4.1.1, cookie-octet

_TAIL: Final = re.compile(r"[/?#]")


def place(request: OutRequest, placement: Placement, values: Values) -> OutRequest:
    """Return ``request`` with one placement carried out.

    Raises:
        InvalidInputError: the value may not stand there (a line break in a header, a comma in a cookie).
        NotAllowedNowError: a value is missing.
    """
    marked = replace(request, secrets=request.secrets + values.secrets_of(placement.value))
    if placement.at == "path":
        return _in_path(marked, placement.value, values)
    name = values.text(placement.name or "")
    if placement.at == "query":
        return _in_query(marked, name, placement.value, values)
    value = values.text(placement.value)
    if placement.at == "cookie":
        _require(_COOKIE, value, placement.value)
        return with_secret_header(marked, "Cookie", _joined(marked, f"{name}={value}"), ())
    if field_of(placement.value) and not values.has_all(placement.value):
        value = value.strip(
            " "
        )  # a word before the value is empty, and the space after it means nothing then
    _require(_HEADER, value, placement.value)
    return with_secret_header(marked, name, value, ())


def with_header(request: OutRequest, name: str, value: str) -> OutRequest:
    """Return ``request`` with the header set; one of the same name is replaced."""
    others = tuple(item for item in request.headers if item[0].lower() != name.lower())
    return replace(request, headers=(*others, (name, value)))


def with_secret_header(request: OutRequest, name: str, value: str, secrets: tuple[Secret, ...]) -> OutRequest:
    """Set a header whose value must not be shown."""
    marked = with_header(request, name, value)
    lower = name.lower()
    names = (*request.secret_headers, *(() if lower in request.secret_headers else (lower,)))
    return replace(marked, secret_headers=names, secrets=marked.secrets + secrets)


def _in_path(request: OutRequest, text: str, values: Values) -> OutRequest:
    return replace(
        request,
        url=_prefixed(request.url, values.path(text)),
        shown_url=_prefixed(request.shown_url, values.shown(text)),
    )


def _prefixed(url: str, prefix: str) -> str:
    scheme, _, rest = url.partition("://")
    tail = _TAIL.search(rest)
    start = tail.start() if tail else len(rest)
    return f"{scheme}://{rest[:start]}{prefix.rstrip('/')}{rest[start:]}"


def _in_query(request: OutRequest, name: str, text: str, values: Values) -> OutRequest:
    return replace(
        request,
        url=_with_query(request.url, name, quote(values.text(text), safe="")),
        shown_url=_with_query(request.shown_url, name, values.shown(text)),
        secret_query=(*request.secret_query, name) if values.hides(text) else request.secret_query,
    )


def _with_query(url: str, name: str, encoded: str) -> str:
    bare, _, query = url.partition("?")
    kept = [part for part in query.split("&") if part and unquote_plus(part.partition("=")[0]) != name]
    kept.append(f"{quote(name, safe='')}={encoded}")
    return f"{bare}?{'&'.join(kept)}"


def _joined(request: OutRequest, pair: str) -> str:
    present = [value for name, value in request.headers if name.lower() == "cookie"]
    return "; ".join([*present, pair])


def _require(pattern: re.Pattern[str], value: str, text: str) -> None:
    if not pattern.fullmatch(value):
        path = field_of(text) or ("credentials",)
        raise invalid_field(*path, reason="it holds a character that may not stand there")
