"""Builds the request of a method from its parameters; credentials are placed on it afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote, urlencode

from app.authenticators.base import NOTHING, Facts
from app.authenticators.parameters import check_path_values, flattened, text_of
from app.authenticators.placement import with_header, with_secret_header
from app.authenticators.values import Values, values_of
from app.catalog.definition import Method
from app.catalog.hosts import allowed_hosts, host_allowed, host_of
from app.foundation.errors import InvalidInputError, NotAllowedNowError
from app.foundation.messages import OutRequest
from app.foundation.problems import ProblemCode, problem
from app.foundation.secret import Secret
from app.foundation.shapes import secret_paths, with_defaults
from app.foundation.templates import template

_QUERY_SAFE: Final = "[]"  # brackets name members of objects and stand for themselves in queries


def method_request(facts: Facts, name: str, params: Mapping[str, Any] = NOTHING) -> OutRequest:
    """Return the request of a method, without credentials; absent parameters get their defaults.

    ``params`` have been checked against the method's schema; whatever it lets through, they cannot leave the
    host or the path that the definition gives.

    Raises:
        KeyError: the definition has no such method.
        InvalidInputError: a parameter cannot stand at its place.
        NotAllowedNowError: a value of the address is missing.
        RefusedOutsideError: the host is not one that the definition allows (an answer or a value named it).
    """
    method = facts.definition.methods[name]
    params = with_defaults(method.params, params)
    check_path_values(params, method.places)
    plain = values_of(facts)
    in_path = {key: text_of(value) for key, value in params.items() if method.places.get(key) == "path"}
    values = replace(plain, groups={**plain.groups, "params": in_path})
    url, shown_url = _addresses(facts, method, values, params)
    base_url = values.url(method.base_url or facts.definition.http.base_url)
    request = OutRequest(values.text(method.http_method), url, shown_url=shown_url, base_url=base_url)
    for header, text in {**facts.definition.http.headers, **method.headers}.items():
        if values.hides(text):
            request = with_secret_header(request, header, values.text(text), values.secrets_of(text))
        elif values.has_all(text):
            request = with_header(request, header, values.text(text))
    for field in (facts.definition.http.headers_from_config, method.headers_from_config):
        for header, text in lines(facts.config, field, ":"):
            request = with_header(request, header, text)
    for header, text in _placed(method, params, "header"):
        request = with_header(request, header, text)
    return _marked(_with_body(request, method, params, facts.config), method, params)


def check_base_host(facts: Facts) -> None:
    """Check the host of the base address where an answer named it: it must be one that the definition allows.

    Raises:
        RefusedOutsideError: it is another one, or the answer named none; nothing is ever sent there.
    """
    http = facts.definition.http
    if not any(name.startswith("account.") for name in template(http.base_url).variables):
        return
    try:
        host = host_of(values_of(facts).url(http.base_url))
    except (InvalidInputError, NotAllowedNowError):
        host = None
    if host is None or not host_allowed(host, allowed_hosts(http.hosts, facts.config)):
        raise facts.error(ProblemCode.TOKEN_RESPONSE_INVALID, cause="HOST")


def _addresses(facts: Facts, method: Method, values: Values, params: Mapping[str, Any]) -> tuple[str, str]:
    """Return the URL to call and the one to show."""
    base_text = method.base_url or facts.definition.http.base_url
    base = values.url(base_text).rstrip("/")
    path = values.expanded(method.path)
    host = host_of(base + path)
    if not path.startswith("/") or host is None or host != host_of(base):
        raise InvalidInputError(problem(ProblemCode.ADDRESS_NOT_ALLOWED, "params", label="The path"))
    if not host_allowed(host, allowed_hosts(facts.definition.http.hosts, values.groups["config"])):
        raise facts.error(ProblemCode.EGRESS_BLOCKED, cause="HOST")
    fixed = lines(facts.config, facts.definition.http.query_from_config, "=")
    query = urlencode([*fixed, *_placed(method, params, "query")], quote_via=quote, safe=_QUERY_SAFE)
    tail = f"{'&' if '?' in path else '?'}{query}" if query else ""
    if not values.hides(base_text) and not values.hides(method.path):
        return base + path + tail, ""
    return base + path + tail, f"{values.shown(base_text).rstrip('/')}{values.shown(method.path)}{tail}"


def _placed(method: Method, params: Mapping[str, Any], place: str) -> Iterator[tuple[str, str]]:
    schemas = method.params.get("properties", {})
    for name, value in params.items():
        if method.places.get(name) == place:
            yield from flattened(name, value, schemas.get(name, {}))


def lines(config: Mapping[str, Any], field: str | None, mark: str) -> list[tuple[str, str]]:
    """Return the pairs in a text field of the configuration: a line each, name and value with ``mark`` between them."""
    text = str(config.get(field or "") or "")
    parts = (line.partition(mark) for line in text.splitlines() if line.strip())
    return [(name.strip(), value.strip()) for name, _, value in parts]


def _with_body(
    request: OutRequest, method: Method, params: Mapping[str, Any], config: Mapping[str, Any]
) -> OutRequest:
    own = str(config.get(method.body_from_config or "") or "")
    if own:
        return replace(_typed(request, "application/json"), body=own.encode())
    members = {key: value for key, value in params.items() if method.places.get(key) == "body"}
    if method.body_format == "none" or not members:
        return request
    if method.body_format == "form":
        body = urlencode(list(_placed(method, params, "body")), safe=_QUERY_SAFE)
        return replace(_typed(request, "application/x-www-form-urlencoded"), body=body.encode())
    content = members[method.body_param] if method.body_param else members
    return replace(_typed(request, "application/json"), body=json.dumps(content).encode())


def _typed(request: OutRequest, media_type: str) -> OutRequest:
    named = any(name.lower() == "content-type" for name, _ in request.headers)
    return request if named else with_header(request, "Content-Type", media_type)


def _marked(request: OutRequest, method: Method, params: Mapping[str, Any]) -> OutRequest:
    """Mark the parameters that the schema calls secret, so that records hide them."""
    names = tuple(path[-1] for path in secret_paths(method.params))
    values = tuple(Secret(params[name]) for name in names if isinstance(params.get(name), str))
    return replace(
        request,
        secret_query=(*request.secret_query, *names),
        secret_fields=(*request.secret_fields, *names),
        secret_headers=(*request.secret_headers, *(name.lower() for name in names)),
        secrets=request.secrets + values,
    )
