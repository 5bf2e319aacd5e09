"""Auth methods are complete; their token answers, choices and placements hold on the samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from app.catalog.classification import facts_of
from app.catalog.definition import (
    AfterToken,
    AuthKind,
    ClientAuth,
    Effect,
    Json,
    Placement,
    RenewalBy,
    TokenAnswer,
)
from app.catalog.rules.expressions import TOKEN_PICKS
from app.catalog.rules.methods import required_fields
from app.catalog.rules.subject import (
    HEADER_NAME,
    Finding,
    RuleSubject,
    admits_none,
    compiled,
    fields_of,
    first_good,
    texts_at,
)
from app.catalog.yaml_reader import Path
from app.foundation.templates import Template, TemplateError

_NOT_IN_HEADER_NAMES: Final = ("", "a b", "a:", "a\r\nb", "a\n", "\u00e4")
_HOP: Final = frozenset({"connection", "content-length", "host", "transfer-encoding", "upgrade"})
_OURS: Final = frozenset(
    {
        "client_id",
        "code_challenge",
        "code_challenge_method",
        "nonce",
        "redirect_uri",
        "response_type",
        "scope",
        "state",
    }
)


def ids_are_unique(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/unique``: auth ids, scope names within one and error table rows are not repeated."""
    ids: set[str] = set()
    for (base, _), method in zip(subject.auth(), subject.definition.auth, strict=True):
        if method.id in ids:
            yield Finding((*base, "id"), f"the id {method.id} appears twice")
        ids.add(method.id)
        names: set[tuple[str, str | None]] = set()
        for index, scope in enumerate(method.scopes):
            if (scope.name, scope.param) in names:
                yield Finding((*base, "scopes", index), f"the scope {scope.name} appears twice")
            names.add((scope.name, scope.param))


def tokens_are_found(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/token-example``: the sample answer is a success, and every pick finds its value in it."""
    for (base, auth), method in zip(subject.auth(), subject.definition.auth, strict=True):
        if method.oauth2:
            yield from _token((*base, "token"), method.oauth2.token, auth["token"])
            if method.oauth2.renewal.token:
                answer = auth["renewal"]["token"]
                yield from _token((*base, "renewal", "token"), method.oauth2.renewal.token, answer)
        if method.login:
            yield from _token((*base, "login", "token"), method.login.token, auth["login"]["token"])


def renewals_are_possible(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/renewal``: what renewal needs is there."""
    for (base, _), method in zip(subject.auth(), subject.definition.auth, strict=True):
        oauth2 = method.oauth2
        if oauth2 is None:
            continue
        if oauth2.renewal.by is RenewalBy.REFRESH_TOKEN and oauth2.token.refresh_token is None:
            yield Finding((*base, "renewal"), "token.refreshToken is missing")
        if oauth2.renewal.by is RenewalBy.EXCHANGE and not oauth2.renewal.params:
            yield Finding((*base, "renewal"), "an exchange needs params")
        if oauth2.renewal.by is RenewalBy.LOGIN:
            yield Finding((*base, "renewal"), "login belongs to a custom auth method")


def choices_can_be_offered(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/after-token``: following calls are READ, need nothing, and their picks find something."""
    for (base, _), method in zip(subject.auth(), subject.definition.auth, strict=True):
        for index, step in enumerate(method.oauth2.after_token if method.oauth2 else ()):
            yield from _after_token(subject, (*base, "afterToken", index), step)


def config_fields_exist(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/config-field``: what an auth method reads from the configuration is a field of it."""
    fields = fields_of(subject.definition.config)
    for part, name in subject.definition.http.tls_from_config.items():
        if (fields.get(name, {}).get("type"), fields.get(name, {}).get("secret")) != ("string", True):
            yield Finding(("http", "tlsFromConfig", part), "must name a secret text field of config")
    for (base, _), method in zip(subject.auth(), subject.definition.auth, strict=True):
        if method.scopes_from_config and fields.get(method.scopes_from_config, {}).get("type") != "string":
            yield Finding((*base, "scopesFromConfig"), "must name a text field of config")
        if method.oauth2 and method.oauth2.client_auth.startswith("{"):
            name = method.oauth2.client_auth.strip("{}").partition(".")[2]
            allowed = [kind.value for kind in ClientAuth]
            if not all(choice in allowed for choice in fields.get(name, {}).get("enum", ["?"])):
                yield Finding((*base, "clientAuth"), f"config.{name} needs an enum of client auths")


def parameters_are_free(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/reserved``: a definition does not override state, PKCE and the like."""
    for (base, auth), method in zip(subject.auth(), subject.definition.auth, strict=True):
        for key in ("authorizeParams", "callback"):
            for name in auth.get(key, {}):
                if name in _OURS or name in {"code", "error", "iss"}:
                    yield Finding((*base, key, name), f"{name} is set by the hub")
        if method.oauth2 and set(method.oauth2.names) & {"state", "redirect_uri", "code_challenge"}:
            yield Finding((*base, "names"), "these parameters keep their names")


def placements_are_whole(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/placement``: each placement has a usable name and carries a credential."""
    for (base, auth), method in zip(subject.auth(), subject.definition.auth, strict=True):
        for index, place in enumerate(method.place):
            path: Path = (
                (*base, "place") if isinstance(auth.get("place"), Mapping) else (*base, "place", index)
            )
            for message in _placement(place, fields_of(subject.definition.config)):
                yield Finding(path, message)
        if method.kind is AuthKind.CUSTOM and not (method.place or method.sign):
            yield Finding(base, "a custom auth method needs place or sign")


def _token(base: Path, token: TokenAnswer, data: Json) -> Iterator[Finding]:
    success = compiled(token.success) if token.success else None
    if success and not success.holds(facts_of(200, {}, token.example)):
        yield Finding((*base, "example"), "does not meet token.success")
    picks = texts_at(data, *TOKEN_PICKS, base=base)
    for path, text in (((*base, "accessToken"), token.access_token), *picks):
        yield from _found(path, text, token.example)
    access = compiled(token.access_token)
    if access and not isinstance(access(token.example) or "", str):
        yield Finding((*base, "accessToken"), "the access token is not a text")


def _found(path: Path, text: str, body: Json) -> Iterator[Finding]:
    pick = compiled(text)
    if pick is not None and pick(body) in (None, ""):
        yield Finding(path, f"{text} is not in the example")


def _after_token(subject: RuleSubject, path: Path, step: AfterToken) -> Iterator[Finding]:
    method = subject.definition.methods.get(step.method)
    if method is None or method.effect is not Effect.READ or required_fields(method):
        yield Finding((*path, "method"), "must name a READ method without required parameters")
        return
    good, items = first_good(method), compiled(step.items)
    if good is None or items is None:
        return
    found = items(good[1].body)
    if not isinstance(found, list) or not found:
        yield Finding((*path, "items"), "picks no list from the method's example")
        return
    for key, text in (("id", step.id), ("label", step.label), *step.keep.items()):
        pick = compiled(text)
        if pick is not None and pick(found[0]) in (None, ""):
            yield Finding(path, f"{key}: {text} is not in the method's example")


def _placement(place: Placement, config: Mapping[str, Mapping[str, Json]]) -> Iterator[str]:
    if place.at == "path":
        if place.name is not None:
            yield "a path prefix has no name"
    elif place.name is None:
        yield "name is missing"
    elif place.name.startswith("{"):
        if not admits_none(
            config.get(place.name.strip("{}").removeprefix("config."), {}), _NOT_IN_HEADER_NAMES
        ):
            yield "the field that says the name needs a pattern of header names, such as ^X-[A-Za-z0-9-]+$"
    elif not HEADER_NAME.match(place.name) or (place.at == "header" and place.name.lower() in _HOP):
        yield f"{place.name} cannot be used as a name here"
    try:
        variables = Template(place.value).variables
    except TemplateError:
        return
    if not any(variable.startswith("credentials.") for variable in variables):
        yield "the value carries no credential"
