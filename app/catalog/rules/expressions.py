"""JMESPath expressions compile, and picks that the sandbox reads backwards are plain member paths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from app.catalog.rules.schemas import walk_schemas
from app.catalog.rules.subject import Finding, RuleSubject, texts_at
from app.catalog.yaml_reader import Path
from app.foundation.expressions import ExpressionError, compile_pick, is_member_path

_EXPRESSIONS: Final = (
    "http.success",
    "http.expiry",
    "http.retryAfter",
    "http.error.*",
    "http.pagination.next",
    "http.pagination.items",
    "http.problems.*.when",
    "http.problems.*.details.*",
    "auth.*.when",
    "auth.*.token.success",
    "auth.*.login.token.success",
    "auth.*.renewal.token.success",
    "auth.*.problems.*.when",
    "auth.*.afterToken.*.items",
    "auth.*.afterToken.*.id",
    "auth.*.afterToken.*.label",
    "auth.*.afterToken.*.keep.*",
    "methods.*.pagination.next",
    "methods.*.pagination.items",
    "webhooks.eventId",
    "webhooks.eventType",
    "webhooks.challenge.*",
    "test.expect.*",
    "test.account.*",
)
TOKEN_PICKS: Final = (
    "refreshToken",
    "expiresIn",
    "expiresInToo.*",
    "refreshExpiresIn",
    "refreshExpiresInToo.*",
    "granted",
    "account.*",
    "keep.*",
    "secrets.*",
)
"""What is read from a token answer where the definition says so; ``accessToken`` always is."""
_OF_TOKENS: Final = ("accessToken", *TOKEN_PICKS, "error", "errorDescription")
_MEMBER_PATHS: Final = (
    *(
        f"auth.*.{answer}.{name}"
        for answer in ("token", "login.token", "renewal.token")
        for name in _OF_TOKENS
    ),
    "auth.*.account.*",
    "auth.*.keep.*",
)


def expressions_compile(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/expression``: every JMESPath expression compiles."""
    for path, text in _expressions(subject):
        try:
            compile_pick(text)
        except ExpressionError as fault:
            yield Finding(path, str(fault))


def picks_are_member_paths(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/member-path``: picks of token answers and echoes can be read backwards."""
    for path, text in _member_paths(subject):
        if not is_member_path(text):
            yield Finding(path, "must be a plain member path such as team.id")


def _expressions(subject: RuleSubject) -> Iterator[tuple[Path, str]]:
    yield from subject.texts(*_EXPRESSIONS)
    for path, schema in walk_schemas(subject):
        yield from texts_at(schema, "options.pick", base=path)


def _member_paths(subject: RuleSubject) -> Iterator[tuple[Path, str]]:
    yield from subject.texts(*_MEMBER_PATHS)
    for path, _ in subject.texts("methods.*.examples.*.echo.*"):
        yield path, str(path[-1])
