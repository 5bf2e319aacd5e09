"""JMESPath expressions compile, and picks that the sandbox reads backwards are plain member paths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from app.catalog.definition import Json
from app.catalog.rules.schemas import walk_schemas
from app.catalog.rules.subject import Finding, RuleSubject
from app.catalog.yaml_reader import Path
from app.foundation.expressions import ExpressionError, compile_pick, is_member_path

_TOKEN_PATHS: Final = (
    "accessToken",
    "refreshToken",
    "expiresIn",
    "refreshExpiresIn",
    "granted",
    "error",
    "errorDescription",
)


def expressions_compile(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/expression``: every JMESPath expression compiles."""
    for path, text in _expressions(subject):
        try:
            compile_pick(text)
        except ExpressionError as fault:
            yield Finding(path, "semantics/expression", str(fault))


def picks_are_member_paths(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/member-path``: picks of token answers and echoes can be read backwards."""
    for path, text in _member_paths(subject):
        if not is_member_path(text):
            yield Finding(path, "semantics/member-path", "must be a plain member path such as team.id")


def _expressions(subject: RuleSubject) -> Iterator[tuple[Path, str]]:
    yield from _http(subject.data["http"])
    for base, auth in subject.auth():
        yield from _auth(base, auth)
    for name, method in subject.data["methods"].items():
        yield from _pagination(("methods", name, "pagination"), method.get("pagination", {}))
    webhooks = subject.data.get("webhooks", {})
    yield from _texts(("webhooks",), webhooks, "eventId", "eventType")
    yield from _texts(("webhooks", "challenge"), webhooks.get("challenge", {}), "when", "answer")
    for index, text in enumerate(subject.data["test"]["expect"]):
        yield ("test", "expect", index), text
    for path, schema in walk_schemas(subject):
        options = schema.get("options")
        if isinstance(options, Mapping) and isinstance(options.get("pick"), str):
            yield (*path, "options", "pick"), options["pick"]


def _http(http: Mapping[str, Json]) -> Iterator[tuple[Path, str]]:
    yield from _texts(("http",), http, "success", "expiry", "retryAfter")
    yield from _texts(("http", "error"), http.get("error", {}), "code", "message", "requestId")
    yield from _pagination(("http", "pagination"), http.get("pagination", {}))
    for index, rule in enumerate(http.get("problems", ())):
        yield from _texts(("http", "problems", index), rule, "when")
        yield from _texts(("http", "problems", index, "details"), rule.get("details", {}))


def _auth(base: Path, auth: Mapping[str, Json]) -> Iterator[tuple[Path, str]]:
    yield from _texts(base, auth, "when")
    yield from _texts((*base, "token"), auth.get("token", {}), "success")
    for holder in ("login", "renewal"):
        answer = auth.get(holder, {}).get("token", {})
        yield from _texts((*base, holder, "token"), answer, "success")
    for index, rule in enumerate(auth.get("problems", ())):
        yield from _texts((*base, "problems", index), rule, "when")
    for index, step in enumerate(auth.get("afterToken", ())):
        yield from _texts((*base, "afterToken", index), step, "items", "id", "label")
        yield from _texts((*base, "afterToken", index, "keep"), step.get("keep", {}))


def _pagination(base: Path, pagination: Mapping[str, Json]) -> Iterator[tuple[Path, str]]:
    yield from _texts(base, pagination, "next", "items")


def _member_paths(subject: RuleSubject) -> Iterator[tuple[Path, str]]:
    for base, auth in subject.auth():
        yield from _token_paths((*base, "token"), auth.get("token", {}))
        for holder in ("login", "renewal"):
            yield from _token_paths((*base, holder, "token"), auth.get(holder, {}).get("token", {}))
        yield from _texts((*base, "account"), auth.get("account", {}))
        yield from _texts((*base, "keep"), auth.get("keep", {}))
    for name, method in subject.data["methods"].items():
        for index, example in enumerate(method["examples"]):
            for key in example.get("echo", {}):
                yield ("methods", name, "examples", index, "echo", key), key


def _token_paths(base: Path, token: Mapping[str, Json]) -> Iterator[tuple[Path, str]]:
    yield from _texts(base, token, *_TOKEN_PATHS)
    for key in ("expiresInToo", "refreshExpiresInToo"):
        yield from (((*base, key, index), text) for index, text in enumerate(token.get(key, ())))
    for part in ("account", "keep", "secrets"):
        yield from _texts((*base, part), token.get(part, {}))


def _texts(base: Path, data: Mapping[str, Json], *keys: str) -> Iterator[tuple[Path, str]]:
    """Yield the texts under ``keys`` (all where none is named) with their paths."""
    for key in keys or tuple(data):
        if isinstance(data.get(key), str):
            yield (*base, key), data[key]
