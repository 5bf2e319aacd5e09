"""Says errors as the definition expects to hear them: its predicates read backwards."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

import orjson

from app.catalog.classification import Classification, classify, facts_of
from app.catalog.definition import Definition, Example, Http, Json, Method, OAuth2, TokenAnswer
from app.foundation.expressions import compile_pick
from app.foundation.problems import ProblemCode
from app.sandbox import paths
from app.sandbox.answer import NO_STORE, SandboxAnswer, fault, plain

_LITERAL: Final = re.compile(r"'([^'\\]*)'|`([^`]*)`")
_MADE_TRUE: Final = re.compile(r"body\.([A-Za-z_][\w.]*)\s*==\s*`true`")
_PLAIN: Final[Mapping[str, tuple[int, str, str]]] = {
    ProblemCode.CREDENTIALS_REJECTED: (401, "unauthorized", "The credentials are missing or not accepted."),
    ProblemCode.MISSING_SCOPE: (
        403,
        "insufficient_scope",
        "The token lacks a permission that this call needs.",
    ),
    ProblemCode.RATE_LIMITED: (429, "rate_limited", "Too many calls."),
    ProblemCode.UPSTREAM_UNAVAILABLE: (500, "server_error", "The sandbox was set to fail."),
}


class OAuth2RefusedError(Exception):
    """A refused request: a code of RFC 6749 4.1.2.1 or 5.2 and a constant description.

    ``meanings`` are the problem codes under which a definition may have a word of its own for it.
    """

    def __init__(self, code: str, description: str, *meanings: ProblemCode) -> None:
        super().__init__(code)
        self.code = code
        self.description = description
        self.meanings = meanings


def bad_code(description: str, *closer: ProblemCode) -> OAuth2RefusedError:
    """Return ``invalid_grant`` for an authorization code that does not count; ``closer`` meanings go first."""
    meanings = (*closer, ProblemCode.CALLBACK_INVALID, ProblemCode.REAUTHENTICATION_REQUIRED)
    return OAuth2RefusedError("invalid_grant", description, *meanings)


def dead_grant(description: str) -> OAuth2RefusedError:
    """Return ``invalid_grant`` for a token or assertion that does not count."""
    meanings = (ProblemCode.REAUTHENTICATION_REQUIRED, ProblemCode.CREDENTIALS_REJECTED)
    return OAuth2RefusedError("invalid_grant", description, *meanings)


def token_refusal(oauth: OAuth2, refused: OAuth2RefusedError) -> SandboxAnswer:
    """Return the error answer of a token endpoint in the definition's shape.

    Where the definition has a success predicate the answer is a 200 that fails it (Slack, GitHub); else 400,
    or 401 for a refused client (RFC 6749 5.2). The word for the error is one of the definition's own, where
    it has one.
    """
    body = _said(oauth, refused)
    if oauth.token.success is None and refused.code == "invalid_client":
        return SandboxAnswer(401, body, {**NO_STORE, "www-authenticate": 'Basic realm="sandbox"'})
    if oauth.token.success is None:
        return SandboxAnswer(400, body, NO_STORE)
    body = {**_switched_off(oauth.token), **body}
    holds = compile_pick(oauth.token.success).holds(facts_of(200, {}, body))
    return SandboxAnswer(400 if holds else 200, body, NO_STORE)


def problem_answer(
    definition: Definition, method: Method | None, code: ProblemCode, *, expired: bool = False
) -> SandboxAnswer:
    """Return an answer that this definition understands as ``code``: an example of it, else a plain status.

    The method's own examples come first. ``expired`` asks for one that also means "renew once and repeat".
    """
    http = definition.http
    read = [(example, _read(http, example)) for example in _examples(definition, method, code)]
    fitting = [example for example, meaning in read if meaning.code == code]
    wanted = [example for example, meaning in read if meaning.code == code and meaning.expired is expired]
    if expired and not wanted:
        return _expiry_answer(http, fitting) or _plain(code)
    chosen = next(iter(wanted or fitting), None)
    return _plain(code) if chosen is None else SandboxAnswer(chosen.status, chosen.body, chosen.headers)


def missing_scope_answer(definition: Definition, method: Method, missing: Sequence[str]) -> SandboxAnswer:
    """Return the definition's answer for a missing permission, naming the scope where it names one."""
    answer = problem_answer(definition, method, ProblemCode.MISSING_SCOPE)
    known = {scope.name for auth in definition.auth for scope in auth.scopes}
    body = plain(answer.body)
    if isinstance(body, dict):
        named = [name for name, value in body.items() if isinstance(value, str) and value in known]
        body.update(dict.fromkeys(named, missing[0]))
    return replace(answer, body=body)


def plain_success(http: Http) -> Json:
    """Return the smallest body that meets the definition's success predicate, as far as it can be read."""
    body: dict[str, Json] = {}
    for name in _MADE_TRUE.findall(http.success or ""):
        paths.create(body, name, value=True)
    return body


def _said(oauth: OAuth2, refused: OAuth2RefusedError) -> dict[str, Json]:
    for rule in sorted(oauth.problems, key=lambda rule: _rank(rule.code, refused.meanings)):
        if rule.code not in refused.meanings:
            break
        for word in _literals(rule.when):
            said = _body(oauth.token, word, refused.description)
            if _first_meaning(oauth, said) == rule.code:
                return said
    return _body(oauth.token, refused.code, refused.description)


def _rank(code: str, meanings: Sequence[str]) -> int:
    return meanings.index(code) if code in meanings else len(meanings)


def _body(token: TokenAnswer, word: Json, description: str) -> dict[str, Json]:
    body: dict[str, Json] = {}
    if not paths.create(body, token.error, word):
        body["error"] = word
    paths.create(body, token.error_description, description)
    return body


def _first_meaning(oauth: OAuth2, said: Mapping[str, Json]) -> str | None:
    facts = facts_of(200, {}, {**_switched_off(oauth.token), **said})
    return next((rule.code for rule in oauth.problems if compile_pick(rule.when).holds(facts)), None)


def _switched_off(token: TokenAnswer) -> dict[str, Json]:
    text = token.success or ""
    return {name: False for name, value in token.example.items() if value is True and f"body.{name}" in text}


def _literals(expression: str) -> Iterator[Json]:
    for raw, json in _LITERAL.findall(expression):
        if raw:
            yield raw
            continue
        try:
            values = orjson.loads(json)
        except orjson.JSONDecodeError:
            continue
        yield from values if isinstance(values, list) else [values]


def _examples(definition: Definition, method: Method | None, code: ProblemCode) -> Iterator[Example]:
    others = [other for other in definition.methods.values() if other is not method]
    for source in [*([method] if method else []), *others]:
        yield from (example for example in source.examples if example.outcome == code)


def _read(http: Http, example: Example) -> Classification:
    return classify(http, example.status, example.headers, example.body)


def _expiry_answer(http: Http, fitting: list[Example]) -> SandboxAnswer | None:
    if http.expiry is None:
        return None
    for word in _literals(http.expiry):
        for example in fitting:
            changed = replace(example, body=plain(example.body))
            path = (http.error.code or "").removeprefix("body.")
            if paths.replace_at(changed.body, path or None, word) and _read(http, changed).expired:
                return SandboxAnswer(changed.status, changed.body, changed.headers)
    return None


def _plain(code: ProblemCode) -> SandboxAnswer:
    return fault(*_PLAIN[code])
