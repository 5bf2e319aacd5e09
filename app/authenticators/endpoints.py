"""Where the secrets of an application may be sent, by the definition and the configuration: decisions only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.catalog.definition import AuthKind, AuthMethod, Definition
from app.catalog.hosts import config_field
from app.foundation.egress import EgressRefusedError, parse_target
from app.foundation.templates import Template, TemplateError, template

_KNOWN_BEFORE: Final = ("config.", "application.")
_PLACEHOLDER: Final = "x"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The addresses at which an application proves itself.

    ``is_open``: the configuration decides on which host some of them are, and the definition vouches for none.
    ``origins`` are theirs with this configuration; addresses that only an answer will name are not among them.
    """

    is_open: bool
    origins: tuple[str, ...]


def needs_application(method: AuthMethod) -> bool:
    """Return whether an auth method is carried out under an application; one that asks for its own is not."""
    return method.kind in {AuthKind.OAUTH2, AuthKind.OAUTH1} and method.credentials is None


def is_open(definition: Definition, method: AuthMethod) -> bool:
    """Return whether the configuration may name any host for an address at which the application proves itself."""
    if not any(config_field(entry) for entry in definition.http.hosts):
        return False
    return any(_has_variable_host(text) for text in _addresses(definition, method))


def endpoints_of(definition: Definition, method: AuthMethod, config: Mapping[str, Any]) -> Endpoints:
    """Return where the method's application would prove itself with this configuration."""
    found = (_origin(template(text), config) for text in _addresses(definition, method))
    return Endpoints(is_open(definition, method), tuple(dict.fromkeys(origin for origin in found if origin)))


def _addresses(definition: Definition, method: AuthMethod) -> Iterator[str]:
    if method.oauth2 is not None:
        oauth = method.oauth2
        found = (oauth.token_url, oauth.device_url, oauth.introspect_url, oauth.revoke_url, oauth.renewal.url)
        yield from filter(None, found)
    if method.oauth1 is not None:
        # Every call is signed with the application's secret; PLAINTEXT even sends it.
        yield from (method.oauth1.request_url, method.oauth1.access_url, definition.http.base_url)
        yield from filter(None, (called.base_url for called in definition.methods.values()))


def _has_variable_host(text: str) -> bool:
    scheme, mark, rest = text.partition("://")
    return "{" in scheme or not mark or "{" in rest.partition("/")[0]


def _origin(text: Template, config: Mapping[str, Any]) -> str | None:
    if not all(name.startswith(_KNOWN_BEFORE) for name in text.variables):
        return None
    # What stands in for the application's own fields can be in a path only: the loader lets them into no host.
    names = {name.partition(".")[2] for name in text.variables if name.startswith("application.")}
    try:
        url = text.expand({"config": config, "application": dict.fromkeys(names, _PLACEHOLDER)})
        return parse_target(url).origin_text
    except (TemplateError, EgressRefusedError):
        return None  # an optional address that is not configured
