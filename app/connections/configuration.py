"""The form of step 3, decided without I/O: which fields fit, which are secret, which changes touch authentication."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from app.catalog.definition import Definition
from app.foundation.addresses import IpAddress
from app.foundation.ascii_url import ascii_url
from app.foundation.canonical import storable_text
from app.foundation.certificates import certificates_fault, key_fault
from app.foundation.egress import EgressRefusedError, parse_target
from app.foundation.names import too_long
from app.foundation.problems import Problem, ProblemCode, problem
from app.foundation.secret import Secret
from app.foundation.shapes import Shape, secret_paths, subschema, with_defaults

MAX_CONFIG_BYTES: Final = 64 * 1024
MAX_NAME_CHARS: Final = 120
MAX_DESCRIPTION_CHARS: Final = 2_000
_MAX_PATH_CHARS: Final = 100
_MAX_INTEGER: Final = 2**53 - 1
_MAX_DEPTH: Final = 32
_SCHEMES: Final = frozenset({"http", "https"})
_USER: Final = re.compile(r"(//)[^/?#\s]*@")
Networks = tuple[IPv4Network | IPv6Network, ...]


@dataclass(frozen=True, slots=True)
class CheckedConfig:
    """A configuration split into what may be stored: the plain fields that fit and the secret ones, with every problem.

    ``plain`` holds only fields that fit; ``typed`` also those that do not, as a draft keeps them: every plain field
    that the form knows, without user name and password in addresses. ``secrets`` holds the secret fields that fit;
    ``refused`` says of the others why not; ``cleared`` names secret fields that were sent as null.
    """

    plain: Mapping[str, Any]
    typed: Mapping[str, Any]
    secrets: Mapping[str, Secret]
    refused: Mapping[str, Problem]
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
        sent = with_defaults(self._schema, _with_ascii_addresses(self._schema, given))
        stored = {name: "x" for name in kept_secrets if name not in config}
        faults = self._faults(config, storable, sent, stored)
        bad = {_field_of(fault) for fault in faults if not _is_missing(fault)}
        good = {name: value for name, value in sent.items() if name[:_MAX_PATH_CHARS] not in bad}
        unknown = {_field_of(fault) for fault in faults if fault.code is ProblemCode.UNKNOWN_FIELD}
        return CheckedConfig(
            plain={name: value for name, value in good.items() if name not in self._secret_names},
            typed={
                name: value if name in good else _without_user(given.get(name, value))
                for name, value in sent.items()
                if name not in self._secret_names and name[:_MAX_PATH_CHARS] not in unknown
            },
            secrets={name: Secret(str(value)) for name, value in good.items() if name in self._secret_names},
            refused={
                name: fault
                for fault in faults
                if (name := _field_of(fault)) in self._secret_names and not _is_missing(fault)
            },
            cleared=frozenset(name for name in self._secret_names if name in config and config[name] is None),
            problems=tuple(faults),
        )

    def _faults(
        self,
        config: Mapping[str, Any],
        storable: Mapping[str, Any],
        sent: Mapping[str, Any],
        stored: Mapping[str, str],
    ) -> list[Problem]:
        """Return one problem for each field that is wrong: what cannot be stored, the schema's faults, values."""
        found: dict[tuple[str, ...], Problem] = {}
        for name in config.keys() - storable.keys():
            fault = _unstorable(name)
            found[fault.path] = fault
        unseen = stored.keys() | {_field_of(fault) for fault in found.values()}
        shape = self._shape.problems({**stored, **sent}, "config")
        values = [*self._addresses(self._schema, sent, ()), *self._certificates(sent)]
        better = {fault.path: fault for fault in values}
        for fault in shape:
            if _field_of(fault) in unseen:
                continue
            closer = better.pop(fault.path, fault)
            found[fault.path] = fault if _is_wrong_kind(fault) else closer
        return [*found.values(), *better.values()]

    def guarded(self, config: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON edge
        """Return a configuration fit for hashing: its secrets as such, and nothing in it that JSON does not hold."""
        if not isinstance(config, Mapping):
            return {"": type(config).__name__}  # it is refused as a whole
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
        return CheckedConfig({}, {}, {}, {}, frozenset(), (fault,))

    def _addresses(
        self, schema: Mapping[str, Any], value: Mapping[str, Any], prefix: tuple[str, ...]
    ) -> Iterator[Problem]:
        for name, item in value.items():
            field = subschema(schema, (name,))
            if isinstance(item, Mapping):
                yield from self._addresses(field, item, (*prefix, name))
            elif field.get("format") == "uri" and isinstance(item, str):
                fault = self._address_fault(item, str(field.get("title") or name))
                if fault is not None:
                    yield fault.at("config", *prefix, name)

    def _certificates(self, sent: Mapping[str, Any]) -> Iterator[Problem]:
        """Yield what is wrong with the PEM texts that the connection brings to TLS."""
        texts = {part: text for part, name in self._tls.items() if isinstance(text := sent.get(name), str)}
        key = texts.pop("privateKey", None)
        reasons = {part: certificates_fault(text) for part, text in texts.items()}
        if key is not None and "certificate" in texts and not reasons["certificate"]:
            reasons["privateKey"] = key_fault(texts["certificate"], Secret(key))
        for part, reason in reasons.items():
            label = str(subschema(self._schema, (self._tls[part],)).get("title") or self._tls[part])
            if reason:
                path = ("config", self._tls[part])
                yield problem(ProblemCode.INVALID_FIELD, *path, label=label, reason=reason)

    def _address_fault(self, text: str, label: str) -> Problem | None:
        """Return the first thing about an address that must change, or None."""
        try:
            parts = urlsplit(text)
            host, port = parts.hostname, parts.port
        except ValueError:
            return _unfit(label, "the part behind // is no host with a port")
        if not parts.scheme or (not host and parts.scheme in _SCHEMES):
            return _unfit(label, "it must be a whole address, such as https://api.example.com")
        if parts.username is not None or parts.password is not None:
            return _unfit(label, "leave user name and password out of the address")
        if port == 0:
            return _unfit(label, "there is no port 0")
        if parts.fragment:
            return _unfit(label, "leave out the part from # on")
        fault = problem(ProblemCode.ADDRESS_NOT_ALLOWED, label=label)
        if parts.scheme not in _SCHEMES:
            return replace(fault, remediation=fault.remediation[:1])  # no setting allows another scheme
        try:
            literal = parse_target(text).literal
        except EgressRefusedError:
            return _unfit(label, "its host is neither a name nor an address as they are written in a URL")
        return None if parts.scheme == "https" or self._plain_http_allowed(literal) else fault

    def _plain_http_allowed(self, literal: IpAddress | None) -> bool:
        # A name is looked up, and refused unless every address is in an allowed network, when it is called.
        if literal is None:
            return bool(self._plain_http)
        return any(literal in network for network in self._plain_http)


def _with_ascii_addresses(schema: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``value`` with each address in it as it is judged and sent."""
    found: dict[str, Any] = {}
    for name, item in value.items():
        field = subschema(schema, (name,))
        if isinstance(item, Mapping):
            found[name] = _with_ascii_addresses(field, item)
        else:
            is_address = field.get("format") == "uri" and isinstance(item, str)
            found[name] = ascii_url(item) if is_address else item
    return found


def _field_of(fault: Problem) -> str | None:
    """Return the field of the configuration that a problem is about; None for one of the whole."""
    return next(iter(fault.path[1:]), None)


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


def _is_missing(fault: Problem) -> bool:
    return fault.code is ProblemCode.MISSING_FIELD


def _is_wrong_kind(fault: Problem) -> bool:
    """Return whether a fault says more than one of the address could: what is there is no text at all."""
    return _is_missing(fault) or fault.details.get("keyword") == "type"


def _unfit(label: str, reason: str) -> Problem:
    return problem(ProblemCode.INVALID_FIELD, label=label, reason=reason)


def _without_user(value: Any) -> Any:  # noqa: ANN401 - JSON edge
    """Return a value without what stands for user name and password in the addresses in it."""
    if isinstance(value, str):
        return _USER.sub(r"\1***@", value)
    if isinstance(value, Mapping):
        return {name: _without_user(item) for name, item in value.items()}
    return [_without_user(item) for item in value] if isinstance(value, list) else value


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
