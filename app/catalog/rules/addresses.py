"""No address leaves the hosts that the definition names, whatever stands in its templates (E8)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from app.catalog.definition import Json
from app.catalog.hosts import config_field, fixed_hosts, host_allowed, host_of, is_host_entry
from app.catalog.rules.subject import Finding, RuleSubject, admits_none, fields_of
from app.catalog.yaml_reader import Path

_ADDRESSES: Final = (
    "http.baseUrl",
    "methods.*.http.baseUrl",
    "auth.*.authorizeUrl",
    "auth.*.tokenUrl",
    "auth.*.revokeUrl",
    "auth.*.introspectUrl",
    "auth.*.deviceUrl",
    "auth.*.requestUrl",
    "auth.*.accessUrl",
    "auth.*.renewal.url",
    "auth.*.login.url",
)
_WHOLE: Final = re.compile(r"\{\+(config|account)\.([A-Za-z_]\w*)\}(?=/|\Z)")
_AUTHORITY: Final = re.compile(r"https://((?:[^/?#{}\\@\s]|\{[^{}]*\})+)(?=[/?#]|\Z)")
_IN_HOST: Final = re.compile(r"\{([^{}]*)\}")
_PATH_WHOLE: Final = re.compile(r"\{\+(config|params)\.([A-Za-z_]\w*)\}")
_HOST_PROBES: Final = ("a/b", "a@b", "a#b", "a?b", "a\\b", "a:1", "a b", "evil.example/", "")
_URL_PROBES: Final = (
    "https://user@evil.example",
    "https://user:pass@evil.example/",
    "https://evil.example\\@good.example",
    "https://evil.example /",
    "javascript:alert(1)",
    "ftp://evil.example",
    "//evil.example",
    "https://",
    " https://good.example",
)
_PATH_PROBES: Final = (
    "",
    "evil",
    "@evil.example",
    ".evil.example",
    ":1",
    "\\evil",
    "//evil.example",
    "/a b",
    "/a#b",
)


def hosts_are_narrow(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/host``: each entry is a name, ``*.`` and two labels or more, or a declared address."""
    for index, entry in enumerate(subject.data["http"]["hosts"]):
        path: Path = ("http", "hosts", index)
        if not is_host_entry(entry):
            yield Finding(path, "must be a lower-case name, *. before two labels or more, or {config.x}")
        name = config_field(entry)
        if name is not None and name in fields_of(subject.definition.config):
            yield from _whole_config(subject, path, name)


def addresses_stay_home(subject: RuleSubject) -> Iterator[Finding]:
    """Check ``semantics/address-https``, ``semantics/address-host`` and ``semantics/address-escape``."""
    for path, text in subject.texts(*_ADDRESSES):
        whole, authority = _WHOLE.match(text), _AUTHORITY.match(text)
        if whole:
            yield from _whole(subject, path, whole)
        elif authority is None:
            yield Finding(path, "must begin with https:// and a host", "semantics/address-https")
        elif "{" in authority.group(1):
            yield from _templated_host(subject, path, authority.group(1))
        else:
            yield from _static_host(subject, path, authority.group(0))


def hosts_touch_authentication(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/address-touches``: credentials do not follow a field that names another host.

    An editor of the configuration could send them to a host of his own otherwise.
    """
    names = {config_field(entry) for entry in subject.data["http"]["hosts"]}
    for _, text in subject.texts(*_ADDRESSES):
        whole, authority = _WHOLE.match(text), _AUTHORITY.match(text)
        host = whole.group(0) if whole else authority.group(1) if authority else ""
        variables = [expression.lstrip("+").partition(".") for expression in _IN_HOST.findall(host)]
        names |= {name for group, _, name in variables if group == "config"}
    for name, field in fields_of(subject.definition.config).items():
        if name in names and field.get("touchesAuthentication") is not True:
            yield Finding(
                ("config", "properties", name), "needs touchesAuthentication: true: it names a host"
            )


def base_address_has_no_end(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/base-url``: paths begin with a slash, so a base address does not end with one."""
    if subject.definition.http.base_url.endswith("/"):
        yield Finding(("http", "baseUrl"), "must not end with a slash")


def paths_begin_with_slash(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/path``: a path cannot run on from the host (``https://good`` + ``.evil``)."""
    for name, method in subject.definition.methods.items():
        path: Path = ("methods", name, "http", "path")
        whole = _PATH_WHOLE.match(method.path)
        if whole:
            source = subject.definition.config if whole.group(1) == "config" else method.params
            field = fields_of(source).get(whole.group(2), {})
            if not _is_guarded(field, _PATH_PROBES):
                yield Finding(path, "the field needs a pattern that begins with ^/ and admits no // or #")
        elif not method.path.startswith("/") or method.path.startswith("//"):
            yield Finding(path, "must begin with one slash")
    for (base, _), auth_method in zip(subject.auth(), subject.definition.auth, strict=True):
        if any(place.at == "path" and not place.value.startswith("/") for place in auth_method.place):
            yield Finding((*base, "place"), "must begin with one slash")


def _static_host(subject: RuleSubject, path: Path, url: str) -> Iterator[Finding]:
    host = host_of(url)
    if host is None or not host_allowed(host, _names(subject)):
        yield Finding(path, f"{host or url} is not among http.hosts")


def _whole(subject: RuleSubject, path: Path, match: re.Match[str]) -> Iterator[Finding]:
    group, name = match.groups()
    if group == "account":
        if not _names(subject):
            yield Finding(path, "http.hosts must say which hosts an answer may name")
        return
    if f"{{config.{name}}}" not in subject.data["http"]["hosts"]:
        yield Finding(path, f"{{config.{name}}} is not among http.hosts")
    yield from _whole_config(subject, path, name)


def _whole_config(subject: RuleSubject, path: Path, name: str) -> Iterator[Finding]:
    field = fields_of(subject.definition.config).get(name, {})
    if field.get("format") != "uri" or not _is_guarded(field, _URL_PROBES):
        needs = "needs format: uri and a pattern that admits https://host/path and nothing else"
        yield Finding(path, f"config.{name} {needs}", "semantics/address-escape")


def _templated_host(subject: RuleSubject, path: Path, authority: str) -> Iterator[Finding]:
    samples = [authority]
    for expression in _IN_HOST.findall(authority):
        group, _, name = expression.partition(".")
        if group not in {"config", "account"}:
            yield Finding(path, f"{{{expression}}} may not stand in a host", "semantics/address-escape")
            return
        if group == "account":
            samples = []
            continue
        field = fields_of(subject.definition.config).get(name, {})
        if not _is_guarded(field, _HOST_PROBES):
            yield Finding(
                path, f"config.{name} needs a pattern or enum of host characters", "semantics/address-escape"
            )
            return
        values = _samples(field)
        samples = [sample.replace(f"{{{expression}}}", value) for sample in samples for value in values]
    yield from _sample_hosts(subject, path, samples)


def _sample_hosts(subject: RuleSubject, path: Path, samples: list[str]) -> Iterator[Finding]:
    for sample in samples:
        host = host_of(f"https://{sample}")
        if "{" not in sample and (host is None or not host_allowed(host, _names(subject))):
            yield Finding(path, f"{sample} is not among http.hosts")


def _names(subject: RuleSubject) -> list[str]:
    return list(fixed_hosts(subject.data["http"]["hosts"]))


def _samples(field: Mapping[str, Json]) -> list[str]:
    values = [*field.get("enum", ()), *field.get("examples", ())]
    values += [field["default"]] if "default" in field else []
    return [value for value in values if isinstance(value, str)]


def _is_guarded(field: Mapping[str, Json], probes: tuple[str, ...]) -> bool:
    """Return whether the field admits none of the probes: by enum, const or an anchored pattern."""
    if "enum" in field or "const" in field:
        values = field.get("enum", [field.get("const")])
        return not any(probe in values for probe in probes)
    return admits_none(field, probes)
