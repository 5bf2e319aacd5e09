"""Methods say where each parameter goes, and their examples are true to the schemas and the error table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from app.catalog.classification import classify
from app.catalog.definition import Effect, Example, Http, Json, Method
from app.catalog.rules.subject import HEADER_NAME, Finding, RuleSubject, compiled, fields_of, shape_of
from app.catalog.yaml_reader import Path, path_of
from app.foundation.expressions import is_member_path, member_path
from app.foundation.problems import ProblemCode
from app.foundation.templates import Template, TemplateError

_PLACES: Final = frozenset({"path", "query", "header", "body"})
_CHANGING: Final = frozenset({"PUT", "PATCH", "DELETE"})
# By which a person may have a test call made: POST too, because many APIs read by it (searches, RPC, GraphQL).
READING: Final = ("GET", "HEAD", "OPTIONS", "POST", "PROPFIND", "REPORT", "SEARCH", "LIST", "QUERY")
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
_CODES_AT: Final = (
    "http.problems.*.code",
    "troubleshooting.*.code",
    "auth.*.problems.*.code",
    "methods.*.examples.*.outcome",
)
CODES: Final = frozenset(code.value for code in ProblemCode)


def parameters_have_places(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/parameter-place``: each parameter goes to the path, query, header or body."""
    for name, method in subject.definition.methods.items():
        for param, place in method.places.items():
            path: Path = ("methods", name, "params", "properties", param)
            if place not in _PLACES:
                yield Finding(path, "in must be path, query, header or body")
            elif place == "body" and (method.body_format == "none" or method.http_method in _BODILESS):
                yield Finding(path, "the request has no body")
            elif param == method.body_param and place != "body":
                yield Finding(path, "the whole body must have in: body")
            elif place == "body" and method.body_param not in {None, param}:
                yield Finding(path, "another parameter is the whole body")
            elif place == "header" and (param.lower() in _RESERVED or not HEADER_NAME.match(param)):
                yield Finding(path, "this header cannot be a parameter")


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
                yield Finding(path, f"{{params.{param}}} is missing in the path")
            elif method.places.get(param) != "path":
                yield Finding(path, f"the parameter {param} must have in: path")
            elif param not in method.params.get("required", ()):
                yield Finding(path, f"the parameter {param} must be required")


def headers_are_free(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/header``: headers that the hub itself sets are not set by a definition."""
    for path, _ in subject.texts("http.headers.*", "methods.*.http.headers.*"):
        header = str(path[-1])
        if header.lower() in _RESERVED or not HEADER_NAME.match(header):
            yield Finding(path, f"{header} cannot be set here")


def effects_are_plausible(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/effect``: what only reads is not sent by PUT, PATCH or DELETE."""
    for name, method in subject.definition.methods.items():
        if method.effect is Effect.READ and method.http_method in _CHANGING:
            yield Finding(("methods", name, "effect"), f"{method.http_method} is not a READ")


def scopes_exist(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/scope``: scopes that methods, triggers and upgrades name are offered by an auth method."""
    offered = {scope.name for method in subject.definition.auth for scope in method.scopes}
    for path, scope in subject.texts("methods.*.scopes.*", "triggers.*.scopes.*", "upgrade.*.scopesAdded.*"):
        if scope not in offered:
            yield Finding(path, f"no auth method offers {scope}")


def pages_can_be_turned(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/pagination``: the parameter that continues a listing exists."""
    for name, method in subject.definition.methods.items():
        paging = method.pagination
        if paging is None:
            continue
        if paging.style in {"cursor", "page"} and paging.send not in method.places:
            yield Finding(("methods", name, "pagination"), "send must name a parameter of the method")
        if paging.style == "cursor" and paging.next is None:
            yield Finding(("methods", name, "pagination"), "next is missing")


def problem_codes_are_known(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/problem-code``: every code exists."""
    for path, code in subject.texts(*_CODES_AT):
        if code not in CODES:
            yield Finding(path, f"{code} is not a problem code")


def examples_fit(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/example``: parameters and good answers fit their schemas; a good example is there."""
    for name, method in subject.definition.methods.items():
        if all(example.outcome for example in method.examples):
            yield Finding(("methods", name, "examples"), "an example of success is missing")
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
            yield Finding((*path, "outcome"), f"says {says}, but is read as {found or 'success'}")


def echoes_point_somewhere(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/echo``: an echo names a member of the body and a parameter of the method."""
    for path, method, example in _examples(subject):
        for key, param in example.echo.items():
            if param not in method.places:
                yield Finding((*path, "echo", key), f"{param} is not a parameter")
            elif is_member_path(key) and not _has_member(example.body, member_path(key)):
                yield Finding((*path, "echo", key), "the body has no such member")


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
        yield Finding((*path, *path_of(fault.path)), f"{place} does not fit ({fault.keyword})")


def _has_member(body: Json, path: tuple[str, ...]) -> bool:
    for part in path:
        if not isinstance(body, dict) or part not in body:
            return False
        body = body[part]
    return True


def required_fields(method: Method) -> frozenset[str]:
    """Return the parameters without which the method cannot be called."""
    return frozenset(method.params.get("required", ())) & frozenset(fields_of(method.params))
