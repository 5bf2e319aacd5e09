"""Which hosts a definition may call: exact names, patterns, and the hosts that a configuration names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

from app.catalog.definition import Json

_LABEL: Final = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})+\Z")
_PATTERN: Final = re.compile(rf"\*(?:\.{_LABEL}){{2,}}\Z")
_FROM_CONFIG: Final = re.compile(r"\{config\.([A-Za-z_]\w*)\}\Z")


def is_host_entry(text: str) -> bool:
    """Return whether ``text`` may stand in ``http.hosts``: a name, ``*.`` before it, or ``{config.x}``."""
    return bool(_NAME.match(text) or _PATTERN.match(text) or _FROM_CONFIG.match(text))


def config_field(entry: str) -> str | None:
    """Return the configuration field that an entry of ``http.hosts`` refers to, or None."""
    match = _FROM_CONFIG.match(entry)
    return match.group(1) if match else None


def allowed_hosts(hosts: Iterable[str], config: Mapping[str, Json]) -> tuple[str, ...]:
    """Return the names and patterns for a configuration: ``{config.x}`` becomes the host of its address."""
    found: list[str] = []
    for entry in hosts:
        name = config_field(entry)
        host = entry if name is None else host_of(str(config.get(name) or ""))
        if host:
            found.append(host)
    return tuple(found)


def fixed_hosts(hosts: Iterable[str]) -> tuple[str, ...]:
    """Return the names and patterns for which the definition itself answers, whatever the configuration says."""
    return tuple(entry for entry in hosts if config_field(entry) is None)


def host_of(url: str) -> str | None:
    """Return the lower-case host of an http(s) address, or None where it has none or hides one (``a@b``)."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or "@" in parts.netloc or "\\" in url:
        return None
    return host.lower().rstrip(".") or None if host else None


def host_allowed(host: str, allowed: Iterable[str]) -> bool:
    """Return whether ``host`` is one of the names or fits a pattern (``*`` stands for one label or more)."""
    host = host.lower().rstrip(".")
    return any(_fits(host, entry.lower()) for entry in allowed)


def _fits(host: str, entry: str) -> bool:
    if not entry.startswith("*."):
        return host == entry
    return host.endswith(entry[1:]) and len(host) > len(entry[1:]) and not host.startswith(".")
