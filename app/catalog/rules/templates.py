"""Templates use only variables that are declared, and secrets only where an authenticator places them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final, NamedTuple

from app.catalog.definition import AuthMethod, Json
from app.catalog.rules.subject import Finding, RuleSubject, fields_of, texts_at
from app.catalog.yaml_reader import Path
from app.foundation.templates import Template, TemplateError

_SINGLE_WORD: Final = re.compile(r"\{[^{}\n]{1,60}\}")
_TEXT_NAMES: Final = frozenset({"{redirectUri}", "{webhookUrl}"})


class Place(NamedTuple):
    """A template in a definition: where it stands, its text and the variables that it may use by group."""

    path: Path
    text: str
    known: Mapping[str, Collection[str]]
    may_hold_secrets: bool = False


class _Templates(NamedTuple):
    """Templates of one kind: where they stand in an auth method, and the groups of variables that they may use."""

    at: tuple[str, ...]
    groups: tuple[str, ...]
    may_hold_secrets: bool = False


_BEFORE_TOKEN: Final = ("config", "application")
_AFTER_TOKEN: Final = (*_BEFORE_TOKEN, "account")
_CARRIERS: Final = ("place.value", "place.*.value", "username", "password", "sign.*")
_URLS_BEFORE: Final = ("authorizeUrl", "deviceUrl", "issuer", "requestUrl", "accessUrl")
_URLS_AFTER: Final = ("revokeUrl", "introspectUrl", "renewal.url", "login.renewal.url")
_OF_AUTH_METHODS: Final = (
    _Templates(_CARRIERS, ("config", "account", "credentials"), may_hold_secrets=True),
    _Templates(("place.name", "place.*.name"), ("config", "credentials")),
    _Templates(("clientAuth", "login.url"), ("config",)),
    _Templates(("login.bodyFormat", "login.token.accessToken"), ("credentials",)),
    _Templates((*_URLS_BEFORE, "audience", "authorizeParams.*", "tokenHeaders.*"), _BEFORE_TOKEN),
    _Templates(("tokenParams.*",), _BEFORE_TOKEN, may_hold_secrets=True),
    _Templates(("tokenUrl",), (*_BEFORE_TOKEN, "callback")),
    _Templates(_URLS_AFTER, _AFTER_TOKEN),
    _Templates(("revokeParams.*",), _AFTER_TOKEN, may_hold_secrets=True),
    _Templates(("assertion.key", "assertion.keyId"), (*_BEFORE_TOKEN, "credentials"), may_hold_secrets=True),
    _Templates(("assertion.claims.*",), (*_BEFORE_TOKEN, "credentials")),
    _Templates(("login.headers.*", "login.body.*"), ("config", "credentials"), may_hold_secrets=True),
)
_RENEWAL: Final = _Templates(
    ("renewal.params.*", "login.renewal.params.*"), _AFTER_TOKEN, may_hold_secrets=True
)
_EXCHANGE: Final = _RENEWAL._replace(groups=(*_AFTER_TOKEN, "credentials"))


def variables_are_declared(subject: RuleSubject) -> Iterator[Finding]:
    """Check ``semantics/template``, ``semantics/template-variable`` and ``semantics/template-secret``."""
    for place in template_places(subject):
        try:
            compiled = Template(place.text)
        except TemplateError as fault:
            yield Finding(place.path, str(fault), "semantics/template")
            continue
        for variable in sorted(compiled.variables):
            yield from _variable(place, variable)


def instructions_name_known_addresses(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/template-variable``: instructions use {redirectUri} and {webhookUrl} only."""
    for base, auth in subject.auth():
        for word in _SINGLE_WORD.findall(auth.get("prepare", "")):
            if word not in _TEXT_NAMES:
                yield Finding((*base, "prepare"), f"{word} is not known here")


def template_places(subject: RuleSubject) -> Iterator[Place]:
    """Yield every template of the definition with the variables that are known there."""
    config = fields_of(subject.definition.config)
    everywhere = {"config": config, "account": set[str]().union(*map(_kept, subject.definition.auth))}
    for path, text in subject.texts("http.baseUrl", "http.headers.*", "methods.*.http.baseUrl"):
        yield Place(path, text, everywhere)
    for path, text in subject.texts("http.hosts.*"):
        yield Place(path, text, {"config": config})
    for path, text in subject.texts(
        "methods.*.http.method", "methods.*.http.path", "methods.*.http.headers.*"
    ):
        params = fields_of(subject.data["methods"][path[1]]["params"])
        yield Place(path, text, {**everywhere, "params": params})
    for (base, auth), method in zip(subject.auth(), subject.definition.auth, strict=True):
        yield from _of_auth_method(base, auth, {"config": config, **_names_of(method)})


def _of_auth_method(
    base: Path, auth: Mapping[str, Json], names: Mapping[str, Collection[str]]
) -> Iterator[Place]:
    is_exchanged = "exchange" in {text for _, text in texts_at(auth, "renewal.by", "login.renewal.by")}
    for row in (*_OF_AUTH_METHODS, _EXCHANGE if is_exchanged else _RENEWAL):
        # A return address has brought nothing else of the account yet.
        known = {"account" if group == "callback" else group: names[group] for group in row.groups}
        for path, text in texts_at(auth, *row.at, base=base):
            yield Place(path, text, known, row.may_hold_secrets)


def _names_of(method: AuthMethod) -> dict[str, Collection[str]]:
    """Return the names that an auth method declares, by group."""
    credentials = set(fields_of(method.credentials))
    for answer in [part.token for part in (method.oauth2, method.login) if part]:
        credentials.update({"accessToken", "refreshToken"}, answer.secrets)
    return {
        "account": _kept(method),
        "callback": _kept_by_callback(method),
        "application": {"clientId", "clientSecret", *fields_of(method.application)},
        "credentials": credentials,
    }


def _kept(method: AuthMethod) -> set[str]:
    names = _kept_by_callback(method)
    if method.oauth2:
        names.update(method.oauth2.token.keep, *(step.keep for step in method.oauth2.after_token))
    if method.oauth1:
        names.update(method.oauth1.keep)
    if method.login:
        names.update(method.login.token.keep)
    return names


def _kept_by_callback(method: AuthMethod) -> set[str]:
    callback = method.oauth2.callback.values() if method.oauth2 else ()
    return {value.keep for value in callback if value.keep}


def _variable(place: Place, variable: str) -> Iterator[Finding]:
    group, _, name = variable.partition(".")
    if group not in place.known:
        rule = "semantics/template-secret" if group == "credentials" else "semantics/template-variable"
        yield Finding(place.path, f"{{{variable}}} may not be used here", rule)
    elif name not in place.known[group]:
        yield Finding(place.path, f"{{{variable}}} is not declared")
    elif variable == "application.clientSecret" and not place.may_hold_secrets:
        yield Finding(place.path, f"{{{variable}}} may not be used here", "semantics/template-secret")
