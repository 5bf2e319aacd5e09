"""Templates use only variables that are declared, and secrets only where an authenticator places them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from app.catalog.definition import AuthKind, AuthMethod, Json
from app.catalog.rules.subject import Finding, RuleSubject, fields_of
from app.catalog.yaml_reader import Path
from app.foundation.templates import Template, TemplateError

_SINGLE_WORD: Final = re.compile(r"\{[^{}\n]{1,60}\}")
_TEXT_NAMES: Final = frozenset({"{redirectUri}", "{webhookUrl}"})
_BEFORE_TOKEN: Final = ("config", "application")
_AFTER_TOKEN: Final = ("config", "application", "account")
_URLS_BEFORE: Final = ("authorizeUrl", "deviceUrl", "issuer", "requestUrl", "accessUrl")
_URLS_AFTER: Final = ("revokeUrl", "introspectUrl")


@dataclass(frozen=True, slots=True)
class Place:
    """A template in a definition: where it stands, its text and the variables that it may use by group."""

    path: Path
    text: str
    known: Mapping[str, frozenset[str]]
    may_hold_secrets: bool = False


def variables_are_declared(subject: RuleSubject) -> Iterator[Finding]:
    """Check ``semantics/template``, ``semantics/template-variable`` and ``semantics/template-secret``."""
    for place in template_places(subject):
        try:
            compiled = Template(place.text)
        except TemplateError as fault:
            yield Finding(place.path, "semantics/template", str(fault))
            continue
        for variable in sorted(compiled.variables):
            yield from _variable(place, variable)


def instructions_name_known_addresses(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/template-variable``: instructions use {redirectUri} and {webhookUrl} only."""
    for base, auth in subject.auth():
        for word in _SINGLE_WORD.findall(auth.get("prepare", "")):
            if word not in _TEXT_NAMES:
                yield Finding((*base, "prepare"), "semantics/template-variable", f"{word} is not known here")


def template_places(subject: RuleSubject) -> Iterator[Place]:
    """Yield every template of the definition with the variables that are known there."""
    scope = _Scope(subject)
    yield from _http(subject, scope)
    for name, method in subject.data["methods"].items():
        yield from _method(("methods", name, "http"), method, scope)
    for (base, auth), built in zip(subject.auth(), subject.definition.auth, strict=True):
        yield from _auth(base, auth, built, scope)


class _Scope:
    """The names that the groups of a definition declare."""

    def __init__(self, subject: RuleSubject) -> None:
        self.config = frozenset(fields_of(subject.definition.config))
        self.account = frozenset().union(*(_kept(method) for method in subject.definition.auth))

    def known(self, method: AuthMethod | None, *groups: str) -> dict[str, frozenset[str]]:
        names = {
            "config": self.config,
            "account": self.account if method is None else _kept(method),
            "application": frozenset() if method is None else _application(method),
            "credentials": frozenset() if method is None else _credentials(method),
        }
        return {group: names[group] for group in groups}


def _kept(method: AuthMethod) -> frozenset[str]:
    names: set[str] = set()
    if method.oauth2:
        names.update(method.oauth2.token.keep, _kept_by_callback(method))
        for step in method.oauth2.after_token:
            names.update(step.keep)
    if method.oauth1:
        names.update(method.oauth1.keep)
    if method.login:
        names.update(method.login.token.keep)
    return frozenset(names)


def _kept_by_callback(method: AuthMethod) -> frozenset[str]:
    callback = method.oauth2.callback.values() if method.oauth2 else ()
    return frozenset(value.keep for value in callback if value.keep)


def _application(method: AuthMethod) -> frozenset[str]:
    return frozenset({"clientId", "clientSecret", *fields_of(method.application)})


def _credentials(method: AuthMethod) -> frozenset[str]:
    names = set(fields_of(method.credentials))
    if method.oauth2:
        names.update({"accessToken", "refreshToken"}, method.oauth2.token.secrets)
    if method.login:
        names.update({"accessToken", "refreshToken"}, method.login.token.secrets)
    return frozenset(names)


def _variable(place: Place, variable: str) -> Iterator[Finding]:
    group, _, name = variable.partition(".")
    if group not in place.known:
        rule = "semantics/template-secret" if group == "credentials" else "semantics/template-variable"
        yield Finding(place.path, rule, f"{{{variable}}} may not be used here")
    elif name not in place.known[group]:
        yield Finding(place.path, "semantics/template-variable", f"{{{variable}}} is not declared")
    elif variable == "application.clientSecret" and not place.may_hold_secrets:
        yield Finding(place.path, "semantics/template-secret", f"{{{variable}}} may not be used here")


def _http(subject: RuleSubject, scope: _Scope) -> Iterator[Place]:
    http, known = subject.data["http"], scope.known(None, "config", "account")
    yield Place(("http", "baseUrl"), http["baseUrl"], known)
    for name, text in http.get("headers", {}).items():
        yield Place(("http", "headers", name), text, known)
    for index, entry in enumerate(http["hosts"]):
        if "{" in entry:
            yield Place(("http", "hosts", index), entry, scope.known(None, "config"))


def _method(base: Path, method: Mapping[str, Json], scope: _Scope) -> Iterator[Place]:
    http, known = method["http"], scope.known(None, "config", "account")
    with_params = {**known, "params": frozenset(fields_of(method["params"]))}
    yield Place((*base, "path"), http["path"], with_params)
    if "baseUrl" in http:
        yield Place((*base, "baseUrl"), http["baseUrl"], known)
    for name, text in http.get("headers", {}).items():
        yield Place((*base, "headers", name), text, with_params)


def _auth(base: Path, auth: Mapping[str, Json], method: AuthMethod, scope: _Scope) -> Iterator[Place]:
    yield from _carriers(base, auth, method, scope)
    if method.kind in {AuthKind.OAUTH2, AuthKind.OAUTH1}:
        yield from _oauth(base, auth, method, scope)
    if "login" in auth:
        yield from _login((*base, "login"), auth["login"], method, scope)


def _carriers(base: Path, auth: Mapping[str, Json], method: AuthMethod, scope: _Scope) -> Iterator[Place]:
    known = scope.known(method, "credentials", "config", "account")
    place = auth.get("place", [])
    entries = (
        [((*base, "place"), place)] if isinstance(place, Mapping) else _numbered((*base, "place"), place)
    )
    for path, entry in entries:
        yield Place((*path, "value"), entry["value"], known, may_hold_secrets=True)
        if "{" in entry.get("name", ""):
            yield Place((*path, "name"), entry["name"], scope.known(method, "config"))
    for key in ("username", "password"):
        if key in auth:
            yield Place((*base, key), auth[key], known, may_hold_secrets=True)
    for key, text in auth.get("sign", {}).items():
        yield Place((*base, "sign", key), text, known, may_hold_secrets=True)


def _oauth(base: Path, auth: Mapping[str, Json], method: AuthMethod, scope: _Scope) -> Iterator[Place]:
    before, after = scope.known(method, *_BEFORE_TOKEN), scope.known(method, *_AFTER_TOKEN)
    for key in (*_URLS_BEFORE, "audience"):
        if key in auth:
            yield Place((*base, key), auth[key], before)
    for key in _URLS_AFTER:
        if key in auth:
            yield Place((*base, key), auth[key], after)
    if "tokenUrl" in auth:
        from_return = {**before, "account": _kept_by_callback(method)}
        yield Place((*base, "tokenUrl"), auth["tokenUrl"], from_return)
    if "{" in auth.get("clientAuth", ""):
        yield Place((*base, "clientAuth"), auth["clientAuth"], scope.known(method, "config"))
    yield from _texts((*base, "authorizeParams"), auth, before)
    yield from _texts((*base, "tokenHeaders"), auth, before)
    yield from _texts((*base, "tokenParams"), auth, before, secrets=True)
    yield from _texts((*base, "revokeParams"), auth, after, secrets=True)
    yield from _renewal((*base, "renewal"), auth.get("renewal", {}), method, scope)
    yield from _assertion((*base, "assertion"), auth.get("assertion", {}), method, scope)


def _renewal(base: Path, renewal: Mapping[str, Json], method: AuthMethod, scope: _Scope) -> Iterator[Place]:
    if "url" in renewal:
        yield Place((*base, "url"), renewal["url"], scope.known(method, *_AFTER_TOKEN))
    groups = (*_AFTER_TOKEN, "credentials") if renewal.get("by") == "exchange" else _AFTER_TOKEN
    yield from _texts((*base, "params"), renewal, scope.known(method, *groups), secrets=True)


def _assertion(
    base: Path, assertion: Mapping[str, Json], method: AuthMethod, scope: _Scope
) -> Iterator[Place]:
    known = scope.known(method, "config", "application", "credentials")
    for key in ("key", "keyId"):
        if key in assertion:
            yield Place((*base, key), assertion[key], known, may_hold_secrets=True)
    yield from _texts((*base, "claims"), assertion, known)


def _login(base: Path, login: Mapping[str, Json], method: AuthMethod, scope: _Scope) -> Iterator[Place]:
    known = scope.known(method, "config", "credentials")
    yield Place((*base, "url"), login["url"], scope.known(method, "config"))
    yield from _texts((*base, "headers"), login, known, secrets=True)
    yield from _texts((*base, "body"), login, known, secrets=True)
    yield from _renewal((*base, "renewal"), login.get("renewal", {}), method, scope)


def _numbered(path: Path, entries: list[Json]) -> list[tuple[Path, Json]]:
    return [((*path, index), entry) for index, entry in enumerate(entries)]


def _texts(
    path: Path, data: Mapping[str, Json], known: Mapping[str, frozenset[str]], *, secrets: bool = False
) -> Iterator[Place]:
    """Yield the templates of the map at ``path``, whose last name is its key in ``data``."""
    for name, text in data.get(str(path[-1]), {}).items():
        yield Place((*path, name), text, known, may_hold_secrets=secrets)
