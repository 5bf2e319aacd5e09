"""The form of step 3, decided without I/O: which fields fit, which are secret, which changes touch authentication."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from app.catalog.definition import Definition
from app.foundation.canonical import storable_text
from app.foundation.certificates import certificates_fault, key_fault
from app.foundation.problems import Problem, ProblemCode, problem
from app.foundation.secret import Secret
from app.foundation.shapes import Shape, secret_paths, subschema, with_defaults

MAX_CONFIG_BYTES: Final = 64 * 1024
MAX_NAME_CHARS: Final = 120
MAX_DESCRIPTION_CHARS: Final = 2_000
_MAX_PATH_CHARS: Final = 100
_MAX_INTEGER: Final = 2**53 - 1
_MAX_DEPTH: Final = 32
Networks = tuple[IPv4Network | IPv6Network, ...]


@dataclass(frozen=True, slots=True)
class CheckedConfig:
    """A configuration split into what may be stored: the plain fields that fit and the secret ones, with every problem.

    ``plain`` holds only fields that fit. ``secrets`` holds the secret fields that were sent; ``cleared`` names
    secret fields that were sent as null.
    """

    plain: Mapping[str, Any]
    secrets: Mapping[str, Secret]
    cleared: frozenset[str]
    problems: tuple[Problem, ...]


class ConfigForm:
    """The configuration form of one definition."""

    def __init__(self, definition: Definition, plain_http: Networks = ()) -> None:
        self._schema = definition.config
        self._shape = Shape(definition.config)
        self._plain_http = plain_http
        self._tls = definition.http.tls_from_config
        self._secret_names = frozenset(path[0] for path in secret_paths(definition.config) if len(path) == 1)

    def check(self, config: Any, kept_secrets: frozenset[str] = frozenset()) -> CheckedConfig:  # noqa: ANN401 - JSON edge
        """Check a whole configuration; ``kept_secrets`` names secret fields that are stored already."""
        if not isinstance(config, Mapping):
            reason = "it must be an object"
            return self._refuse(problem(ProblemCode.INVALID_FIELD, "config", label="config", reason=reason))
        storable = {name: value for name, value in config.items() if is_storable(name) and is_storable(value)}
        if len(orjson.dumps(storable)) > MAX_CONFIG_BYTES:
            return self._refuse(problem(ProblemCode.FIELD_TOO_LONG, "config", label="config", limit="64 KiB"))
        given = {name: value for name, value in storable.items() if value is not None}
        sent = with_defaults(self._schema, given)
        stored = {name: "x" for name in kept_secrets if name not in config}
        found = [
            *self._shape.problems({**stored, **sent}, "config"),
            *self._addresses(self._schema, sent, ()),
            *self._certificates(sent),
        ]
        unseen = stored.keys() | (config.keys() - storable.keys())
        faults = [_unstorable(name) for name in config if name not in storable]
        faults += [fault for fault in found if _field_of(fault) not in unseen]
        bad = {_field_of(fault) for fault in faults if fault.code is not ProblemCode.MISSING_FIELD}
        good = {name: value for name, value in sent.items() if name[:_MAX_PATH_CHARS] not in bad}
        return CheckedConfig(
            plain={name: value for name, value in good.items() if name not in self._secret_names},
            secrets={name: Secret(str(value)) for name, value in good.items() if name in self._secret_names},
            cleared=frozenset(name for name in self._secret_names if name in config and config[name] is None),
            problems=tuple(faults),
        )

    def guarded(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return a configuration fit for hashing: its secrets as such, and nothing in it that JSON does not hold."""
        return {
            storable_text(name): (Secret(str(value)) if name in self._secret_names else value)
            for name, value in config.items()
            if is_storable(value)
        }

    def touches_authentication(self, before: Mapping[str, Any], checked: CheckedConfig) -> bool:
        """Return whether the change concerns a field that the definition says touches authentication."""
        changed = {name for name in {*before, *checked.plain} if before.get(name) != checked.plain.get(name)}
        changed |= set(checked.secrets) | checked.cleared
        return any(subschema(self._schema, (name,)).get("touchesAuthentication") is True for name in changed)

    @staticmethod
    def _refuse(fault: Problem) -> CheckedConfig:
        return CheckedConfig({}, {}, frozenset(), (fault,))

    def _addresses(
        self, schema: Mapping[str, Any], value: Mapping[str, Any], prefix: tuple[str, ...]
    ) -> list[Problem]:
        found: list[Problem] = []
        for name, item in value.items():
            field = subschema(schema, (name,))
            if isinstance(item, Mapping):
                found += self._addresses(field, item, (*prefix, name))
            elif field.get("format") == "uri" and isinstance(item, str) and not self._address_allowed(item):
                label = str(field.get("title") or name)
                found.append(problem(ProblemCode.ADDRESS_NOT_ALLOWED, "config", *prefix, name, label=label))
        return found

    def _certificates(self, sent: Mapping[str, Any]) -> list[Problem]:
        """Return what is wrong with the PEM texts that the connection brings to TLS."""
        texts = {part: text for part, name in self._tls.items() if isinstance(text := sent.get(name), str)}
        key = texts.pop("privateKey", None)
        reasons = {part: certificates_fault(text) for part, text in texts.items()}
        if key is not None and "certificate" in texts and not reasons["certificate"]:
            reasons["privateKey"] = key_fault(texts["certificate"], Secret(key))
        found = []
        for part, reason in reasons.items():
            label = str(subschema(self._schema, (self._tls[part],)).get("title") or self._tls[part])
            if reason:
                path = ("config", self._tls[part])
                found.append(problem(ProblemCode.INVALID_FIELD, *path, label=label, reason=reason))
        return found

    def _address_allowed(self, text: str) -> bool:
        try:
            parts = urlsplit(text)
            host, port = parts.hostname, parts.port
        except ValueError:
            return False
        if not host or "@" in parts.netloc or port == 0 or parts.fragment:
            return False
        if parts.scheme == "https":
            return True
        return parts.scheme == "http" and self._plain_http_allowed(host)

    def _plain_http_allowed(self, host: str) -> bool:
        # A name is looked up, and refused unless every address is in an allowed network, when it is called.
        try:
            address = ip_address(host)
        except ValueError:
            return bool(self._plain_http)
        return any(address in network for network in self._plain_http)


def _field_of(fault: Problem) -> str | None:
    """Return the field of the configuration that a problem is about; None for one of the whole."""
    return next(iter(fault.path[1:]), None)


def checked_name(name: str) -> tuple[str, list[Problem]]:
    """Return the trimmed name and its problems at path ``name``."""
    trimmed = unicodedata.normalize("NFC", name).strip()
    if not trimmed:
        return trimmed, [problem(ProblemCode.MISSING_FIELD, "name", label="The name")]
    if len(trimmed) > MAX_NAME_CHARS:
        return trimmed, [too_long("name", "The name", MAX_NAME_CHARS)]
    if any(unicodedata.category(char).startswith("C") for char in trimmed):
        reason = "it holds a character that cannot be seen"
        return trimmed, [problem(ProblemCode.INVALID_FIELD, "name", label="The name", reason=reason)]
    return trimmed, []


def is_storable(value: Any, depth: int = 0) -> bool:  # noqa: ANN401 - JSON edge
    """Return whether both databases store a value, and any reader of JSON reads it as it is (RFC 8259 6 and 8.2)."""
    if isinstance(value, str):
        return storable_text(value) == value
    if isinstance(value, bool) or value is None:
        return True
    if isinstance(value, int | float):
        return math.isfinite(value) and (isinstance(value, float) or abs(value) <= _MAX_INTEGER)
    if depth > _MAX_DEPTH:
        return False
    if isinstance(value, Mapping):
        return all(
            isinstance(name, str) and is_storable(name) and is_storable(leaf, depth + 1)
            for name, leaf in value.items()
        )
    return isinstance(value, list | tuple) and all(is_storable(leaf, depth + 1) for leaf in value)


def _unstorable(name: str) -> Problem:
    label = storable_text(name)[:_MAX_PATH_CHARS] or "A field without a name"
    reason = "it holds a character or a number that cannot be stored"
    return problem(ProblemCode.INVALID_FIELD, "config", label, label=label, reason=reason)


def checked_description(description: str) -> list[Problem]:
    """Return the problems of a description at path ``description``."""
    if not is_storable(description):
        reason = "it holds a character that cannot be stored"
        label = "The description"
        return [problem(ProblemCode.INVALID_FIELD, "description", label=label, reason=reason)]
    if len(description) > MAX_DESCRIPTION_CHARS:
        return [too_long("description", "The description", MAX_DESCRIPTION_CHARS)]
    return []


def too_long(path: str, label: str, most: int) -> Problem:
    """Return the problem of a text that has more than ``most`` characters."""
    return problem(ProblemCode.FIELD_TOO_LONG, path, label=label, limit=f"{most} characters")


def name_key(name: str) -> str:
    """Return what makes two names equal: compatibility forms and case are ignored."""
    return unicodedata.normalize("NFKC", name).casefold()[:240]
