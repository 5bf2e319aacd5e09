"""Methods say where each parameter goes, and their examples are true to the schemas and the error table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from app.catalog.classification import classify
from app.catalog.definition import Effect, Example, Http, Json, Method
from app.catalog.rules.subject import Finding, RuleSubject, compiled, fields_of, shape_of
from app.catalog.yaml_reader import Path
from app.foundation.expressions import is_member_path, member_path
from app.foundation.problems import ProblemCode
from app.foundation.templates import Template, TemplateError

_PLACES: Final = frozenset({"path", "query", "header", "body"})
_CHANGING: Final = frozenset({"PUT", "PATCH", "DELETE"})
_BODILESS: Final = frozenset({"GET", "HEAD"})
_RESERVED: Final = frozenset(
    {
        "authorization",
        "connection",
        "content-length",
        "cookie",
        "host",
        "transfer-encoding",
        "upgrade",
    }
)
CODES: Final = frozenset(code.value for code in ProblemCode)
_NAMED_PLACE: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")


def parameters_have_places(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/parameter-place``: each parameter goes to the path, query, header or body."""
    for name, method in subject.definition.methods.items():
        for param, place in method.places.items():
            path: Path = ("methods", name, "params", "properties", param)
            if place not in _PLACES:
                yield Finding(path, "semantics/parameter-place", "in must be path, query, header or body")
            elif place == "body" and (method.body_format == "none" or method.http_method in _BODILESS):
                yield Finding(path, "semantics/parameter-place", "the request has no body")
            elif param == method.body_param and place != "body":
                yield Finding(path, "semantics/parameter-place", "the whole body must have in: body")
            elif place == "body" and method.body_param not in {None, param}:
                yield Finding(path, "semantics/parameter-place", "another parameter is the whole body")
            elif place == "header" and (param.lower() in _RESERVED or not _NAMED_PLACE.match(param)):
                yield Finding(path, "semantics/parameter-place", "this header cannot be a parameter")


def path_parameters_match(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/path-parameter``: path parameters and the path's variables are the same, and required."""
    for name, method in subject.definition.methods.items():
        try:
            variables = Template(method.path).variables
        except TemplateError:
            continue
        used = {text.partition(".")[2] for text in variables if text.startswith("params.")}
        for param in sorted(used | {key for key, place in method.places.items() if place == "path"}):
            path: Path = ("methods", name, "http", "path")
            if param not in used:
                yield Finding(path, "semantics/path-parameter", f"{{params.{param}}} is missing in the path")
            elif method.places.get(param) != "path":
                yield Finding(path, "semantics/path-parameter", f"the parameter {param} must have in: path")
            elif param not in method.params.get("required", ()):
                yield Finding(path, "semantics/path-parameter", f"the parameter {param} must be required")


def headers_are_free(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/header``: headers that the hub itself sets are not set by a definition."""
    places: list[tuple[Path, dict[str, str]]] = [
        (("http", "headers"), subject.data["http"].get("headers", {}))
    ]
    places += [
        (("methods", name, "http", "headers"), method["http"].get("headers", {}))
        for name, method in subject.data["methods"].items()
    ]
    for path, headers in places:
        for header in headers:
            if header.lower() in _RESERVED or not _NAMED_PLACE.match(header):
                yield Finding((*path, header), "semantics/header", f"{header} cannot be set here")


def effects_are_plausible(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/effect``: what only reads is not sent by PUT, PATCH or DELETE."""
    for name, method in subject.definition.methods.items():
        if method.effect is Effect.READ and method.http_method in _CHANGING:
            yield Finding(
                ("methods", name, "effect"), "semantics/effect", f"{method.http_method} is not a READ"
            )


def scopes_exist(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/scope``: scopes that methods, triggers and upgrades name are offered by an auth method."""
    offered = {scope.name for method in subject.definition.auth for scope in method.scopes}
    for group in ("methods", "triggers"):
        for name, entry in subject.data.get(group, {}).items():
            for index, scope in enumerate(entry.get("scopes", ())):
                if scope not in offered:
                    yield Finding(
                        (group, name, "scopes", index), "semantics/scope", f"no auth method offers {scope}"
                    )
    for index, rule in enumerate(subject.definition.upgrade):
        for place, scope in enumerate(rule.scopes_added):
            if scope not in offered:
                yield Finding(
                    ("upgrade", index, "scopesAdded", place),
                    "semantics/scope",
                    f"no auth method offers {scope}",
                )


def pages_can_be_turned(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/pagination``: the parameter that continues a listing exists."""
    for name, method in subject.definition.methods.items():
        paging = method.pagination
        if paging is None:
            continue
        if paging.style in {"cursor", "page"} and paging.send not in method.places:
            yield Finding(
                ("methods", name, "pagination"),
                "semantics/pagination",
                "send must name a parameter of the method",
            )
        if paging.style == "cursor" and paging.next is None:
            yield Finding(("methods", name, "pagination"), "semantics/pagination", "next is missing")


def problem_codes_are_known(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/problem-code``: every code exists."""
    codes: list[tuple[Path, str]] = [
        (("http", "problems", i, "code"), rule.code)
        for i, rule in enumerate(subject.definition.http.problems)
    ]
    codes += [
        (("troubleshooting", i, "code"), entry.code)
        for i, entry in enumerate(subject.definition.troubleshooting)
    ]
    for base, auth in subject.auth():
        codes += [
            ((*base, "problems", i, "code"), rule["code"]) for i, rule in enumerate(auth.get("problems", ()))
        ]
    for path, _, example in _examples(subject):
        codes += [((*path, "outcome"), example.outcome)] if example.outcome else []
    for path, code in codes:
        if code not in CODES:
            yield Finding(path, "semantics/problem-code", f"{code} is not a problem code")


def examples_fit(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/example``: parameters and good answers fit their schemas; a good example is there."""
    for name, method in subject.definition.methods.items():
        if all(example.outcome for example in method.examples):
            yield Finding(
                ("methods", name, "examples"), "semantics/example", "an example of success is missing"
            )
    for path, method, example in _examples(subject):
        yield from _fits((*path, "params"), method.params, example.params)
        if example.outcome is None and method.result is not None:
            yield from _fits((*path, "response", "body"), method.result, example.body)


def examples_mean_what_they_say(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/example-outcome``: the error table reads each example's answer as the example says."""
    http = subject.definition.http
    if not _is_readable(http):
        return
    for path, _, example in _examples(subject):
        found = classify(http, example.status, example.headers, example.body).code
        if found != example.outcome:
            says = example.outcome or "success"
            yield Finding(
                (*path, "outcome"),
                "semantics/example-outcome",
                f"says {says}, but is read as {found or 'success'}",
            )


def echoes_point_somewhere(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/echo``: an echo names a member of the body and a parameter of the method."""
    for path, method, example in _examples(subject):
        for key, param in example.echo.items():
            if param not in method.places:
                yield Finding((*path, "echo", key), "semantics/echo", f"{param} is not a parameter")
            elif is_member_path(key) and not _has_member(example.body, member_path(key)):
                yield Finding((*path, "echo", key), "semantics/echo", "the body has no such member")


def _examples(subject: RuleSubject) -> Iterator[tuple[Path, Method, Example]]:
    for name, method in subject.definition.methods.items():
        for index, example in enumerate(method.examples):
            yield ("methods", name, "examples", index), method, example


def _is_readable(http: Http) -> bool:
    """Return whether answers can be classified at all; other rules say why not."""
    expressions = [http.success, http.expiry, *(rule.when for rule in http.problems)]
    codes_known = all(rule.code in CODES for rule in http.problems)
    return codes_known and all(compiled(text) for text in expressions if text is not None)


def _fits(path: Path, schema: Json, value: Json) -> Iterator[Finding]:
    shape = shape_of(schema)
    for fault in shape.faults(value) if shape else ():
        place = "/".join(fault.path) or "the value"
        yield Finding(
            (*path, *_steps(fault.path)), "semantics/example", f"{place} does not fit ({fault.keyword})"
        )


def _steps(path: tuple[str, ...]) -> Path:
    return tuple(int(part) if part.isdigit() else part for part in path)


def _has_member(body: Json, path: tuple[str, ...]) -> bool:
    for part in path:
        if not isinstance(body, dict) or part not in body:
            return False
        body = body[part]
    return True


def required_fields(method: Method) -> frozenset[str]:
    """Return the parameters without which the method cannot be called."""
    return frozenset(method.params.get("required", ())) & frozenset(fields_of(method.params))
