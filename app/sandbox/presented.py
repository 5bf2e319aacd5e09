"""Reads the credentials of a call backwards: from where the definition places them to whose they are."""

from __future__ import annotations

import binascii
import hmac
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from app.catalog.definition import AuthKind, AuthMethod, Definition, Placement
from app.foundation.patterns import PatternError, compile_pattern
from app.sandbox.application import sandbox_credentials
from app.sandbox.inbound import Inbound
from app.sandbox.tokens import Claims, Kind, Seal

_VARIABLE: Final = re.compile(r"\{\+?([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+)\}")
_MAX_CREDENTIAL_CHARS: Final = 16_384


class CredentialStatus(StrEnum):
    """What is to be thought of the credentials of a call, before time and revocation."""

    MISSING = "MISSING"
    WRONG = "WRONG"
    ENTERED = "ENTERED"
    TOKEN = "TOKEN"  # noqa: S105 - a word, not a secret


@dataclass(frozen=True, slots=True)
class Presented:
    """The credentials of one call; ``claims`` is set with ``TOKEN``, ``method`` with it and ``ENTERED``."""

    status: CredentialStatus
    method: AuthMethod | None = None
    claims: Claims | None = None


def read_presented(
    definition: Definition, inbound: Inbound, in_path: Mapping[str, str], seal: Seal
) -> Presented:
    """Find the auth method whose placements this call fits, and check what they carry.

    ``in_path`` holds what the address itself carried, by dotted name (``credentials.token``).
    """
    was_read = False
    for method in definition.auth:
        values = _values(method, inbound, in_path)
        if values is None:
            continue
        was_read = True
        if _issues_tokens(method):
            claims = _claims(definition, method, values, seal)
            if claims is not None:
                return Presented(CredentialStatus.TOKEN, method, claims)
        elif are_right(method, values):
            return Presented(CredentialStatus.ENTERED, method)
    return Presented(CredentialStatus.WRONG if was_read else CredentialStatus.MISSING)


def _issues_tokens(method: AuthMethod) -> bool:
    return method.oauth2 is not None or method.login is not None


def _claims(
    definition: Definition, method: AuthMethod, values: Mapping[str, str], seal: Seal
) -> Claims | None:
    entered = sandbox_credentials(method)
    tokens = [
        value for name, value in values.items() if _field(name) is not None and _field(name) not in entered
    ]
    opened = [seal.open(token, definition.integration, Kind.ACCESS) for token in tokens]
    if not opened or None in opened:
        return None
    given = {name: value for name, value in values.items() if _field(name) in entered}
    return opened[0] if not given or are_right(method, given) else None


def _field(name: str) -> str | None:
    return name.removeprefix("credentials.") if name.startswith("credentials.") else None


def are_right(method: AuthMethod, values: Mapping[str, str]) -> bool:
    """Return whether ``values`` (by dotted name) hold test credentials, and no wrong ones."""
    wanted = sandbox_credentials(method)
    pairs = [(wanted.get(_field(name) or ""), value) for name, value in values.items()]
    equal = [
        hmac.compare_digest(value.encode(), right.encode()) for right, value in pairs if right is not None
    ]
    return bool(equal) and all(equal)


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
    name = placement.name or ""
    if _VARIABLE.search(name):
        return _under_any_name(method, placement, inbound)
    sources: Mapping[str, str | None] = {
        "header": inbound.headers.get(name.lower()),
        "query": inbound.query_map.get(name),
        "cookie": inbound.cookies.get(name),
    }
    text = sources[placement.at]
    return None if text is None else read_template(placement.value, text)


def _under_any_name(method: AuthMethod, placement: Placement, inbound: Inbound) -> dict[str, str] | None:
    """Return the right credentials from wherever they stand, for the place's name is configuration."""
    places = {"header": inbound.headers, "query": inbound.query_map, "cookie": inbound.cookies}
    for text in places[placement.at].values():
        values = read_template(placement.value, text)
        if values is not None and are_right(method, values):
            return values
    return None


def _basic_values(method: AuthMethod, header: str) -> dict[str, str] | None:
    pair = parse_basic(header)
    if pair is None:
        return None
    both_absent = method.username is None and method.password is None
    templates = (
        ("{credentials.username}", "{credentials.password}")
        if both_absent
        else (method.username, method.password)
    )
    found: dict[str, str] = {}
    for text, value in zip(templates, pair, strict=True):
        values = read_template(text or "", value)
        if values is None:
            return None
        found |= values
    return found


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
