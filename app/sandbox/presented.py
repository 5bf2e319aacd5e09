"""Reads the credentials of a call backwards: from where the definition places them to whose they are."""

from __future__ import annotations

import binascii
import hmac
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from app.catalog.definition import AuthKind, AuthMethod, Definition, Placement
from app.foundation.patterns import PatternError, compile_pattern
from app.sandbox.application import sandbox_credentials
from app.sandbox.inbound import Inbound
from app.sandbox.tokens import Claims, Kind, Seal

_VARIABLE: Final = re.compile(r"\{\+?([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+)\}")
_MAX_CREDENTIAL_CHARS: Final = 16_384


@dataclass(frozen=True, slots=True)
class Presented:
    """The right credentials of a call, before time and revocation; ``claims`` is what a token among them says."""

    method: AuthMethod
    claims: Claims | None = None


def read_presented(
    definition: Definition, inbound: Inbound, in_path: Mapping[str, str], seal: Seal
) -> Presented | None:
    """Find the auth method whose placements this call fits with right credentials; None where there is none.

    ``in_path`` holds what the address itself carried, by dotted name (``credentials.token``).
    """
    for method in definition.auth:
        values = _values(method, inbound, in_path)
        if values is None:
            continue
        if method.oauth2 is not None or method.login is not None:
            claims = _claims(definition, method, values, seal)
            if claims is not None:
                return Presented(method, claims)
        elif are_right(method, values):
            return Presented(method)
    return None


def _claims(
    definition: Definition, method: AuthMethod, values: Mapping[str, str], seal: Seal
) -> Claims | None:
    wanted = _wanted(method)
    credentials = {name: value for name, value in values.items() if name.startswith("credentials.")}
    given = {name: value for name, value in credentials.items() if name in wanted}
    tokens = [value for name, value in credentials.items() if name not in wanted]
    opened = [seal.open(token, definition.integration, Kind.ACCESS) for token in tokens]
    if not opened or None in opened or (given and not are_right(method, given)):
        return None
    return opened[0]


def are_right(method: AuthMethod, values: Mapping[str, str]) -> bool:
    """Return whether ``values`` (by dotted name) hold test credentials, and no wrong ones."""
    wanted = _wanted(method)
    pairs = [(wanted[name], value) for name, value in values.items() if name in wanted]
    equal = [hmac.compare_digest(value.encode(), right.encode()) for right, value in pairs]
    return bool(equal) and all(equal)


def _wanted(method: AuthMethod) -> dict[str, str]:
    return {f"credentials.{name}": value for name, value in sandbox_credentials(method).items()}


def _values(method: AuthMethod, inbound: Inbound, in_path: Mapping[str, str]) -> dict[str, str] | None:
    if method.kind is AuthKind.BASIC:
        return _basic_values(method, inbound.headers.get("authorization", ""))
    if not method.place or method.is_signed:
        return None
    return placed_values(method, inbound, in_path)


def placed_values(method: AuthMethod, inbound: Inbound, in_path: Mapping[str, str]) -> dict[str, str] | None:
    """Return what stands at all places of the method, by dotted name, or None where one is empty."""
    found: dict[str, str] = {}
    for placement in method.place:
        values = _placed(method, placement, inbound, in_path)
        if values is None:
            return None
        found |= values
    return found or None


def _placed(
    method: AuthMethod, placement: Placement, inbound: Inbound, in_path: Mapping[str, str]
) -> dict[str, str] | None:
    if placement.at == "path":
        names = list(_VARIABLE.findall(placement.value))
        return {name: in_path[name] for name in names if name in in_path} or None
    places = {"header": inbound.headers, "query": inbound.query_map, "cookie": inbound.cookies}
    place, name = places[placement.at], placement.name or ""
    if _VARIABLE.search(name):  # the place's name is configuration: right credentials count under any
        found = (read_template(placement.value, text) for text in place.values())
        return next((values for values in found if values and are_right(method, values)), None)
    text = place.get(name.lower() if placement.at == "header" else name)
    return None if text is None else read_template(placement.value, text)


def _basic_values(method: AuthMethod, header: str) -> dict[str, str] | None:
    pair = parse_basic(header)
    if pair is None:
        return None
    templates = (method.username or "", method.password or "")
    if method.username is None and method.password is None:
        templates = ("{credentials.username}", "{credentials.password}")
    user, password = map(read_template, templates, pair)
    return None if user is None or password is None else {**user, **password}


def parse_basic(header: str) -> tuple[str, str] | None:
    """Return user name and password of ``Authorization: Basic`` (RFC 7617), or None."""
    scheme, _, coded = header.partition(" ")
    if scheme.lower() != "basic" or len(coded) > _MAX_CREDENTIAL_CHARS:
        return None
    try:
        user, colon, password = b64decode(coded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return (user, password) if colon else None


def read_template(text: str, value: str) -> dict[str, str] | None:
    """Return the values that make ``value`` of the template, by dotted name, or None if none do."""
    if len(value) > _MAX_CREDENTIAL_CHARS:
        return None
    pattern, names = _reader(text)
    match = None if pattern is None else pattern.match(value)
    if match is None:
        return None
    return {name: match.group(f"v{index}") for index, name in enumerate(names)}


@lru_cache(maxsize=1_024)
def _reader(text: str) -> tuple[Any, tuple[str, ...]]:
    """Compile a placement's template; words before a value are read in any case (RFC 9110 11.1)."""
    names = tuple(match.group(1) for match in _VARIABLE.finditer(text))
    try:
        return compile_pattern(f"^{''.join(_pieces(text))}$"), names
    except PatternError:
        return None, ()


def _pieces(text: str) -> Iterator[str]:
    end = 0
    for index, match in enumerate(_VARIABLE.finditer(text)):
        yield f"(?i:{re.escape(text[end : match.start()])})(?P<v{index}>.*)"
        end = match.end()
    yield re.escape(text[end:])
