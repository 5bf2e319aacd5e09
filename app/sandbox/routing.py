"""Decides what a request is for: its address compared with the definition's addresses."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.catalog.definition import AuthMethod, Definition, Method, OAuth2
from app.catalog.hosts import host_allowed
from app.sandbox.application import expanded, sandbox_credentials
from app.sandbox.inbound import Inbound
from app.sandbox.url_pattern import UrlPattern, join_url, url_pattern

MAX_READINGS: Final = 16
_HOST_END: Final = re.compile(r"^(?:https?://[^/]+|\{\+?[\w.]+\})")


class EndpointKind(StrEnum):
    """What an address is for, in the order in which addresses are tried."""

    AUTHORIZE = "AUTHORIZE"
    DEVICE = "DEVICE"
    OAUTH1_CONSENT = "OAUTH1_CONSENT"
    OAUTH1_REQUEST = "OAUTH1_REQUEST"
    OAUTH1_ACCESS = "OAUTH1_ACCESS"
    TOKEN = "TOKEN"  # noqa: S105 - a role's name
    REVOKE = "REVOKE"
    INTROSPECT = "INTROSPECT"
    LOGIN = "LOGIN"
    METHOD = "METHOD"
    UNKNOWN = "UNKNOWN"


_CALLED: Final = frozenset({EndpointKind.METHOD, EndpointKind.REVOKE})
# The protocol's own parameter of each step of OAuth 1.0a, where several share an address (RFC 5849 2).
_OAUTH1: Final[Mapping[EndpointKind, str]] = {
    EndpointKind.OAUTH1_REQUEST: "oauth_callback",
    EndpointKind.OAUTH1_CONSENT: "oauth_token",
    EndpointKind.OAUTH1_ACCESS: "oauth_verifier",
}


@dataclass(frozen=True, slots=True)
class Call:
    """A method that the address fits, with the values of ``params`` and ``credentials`` that stand in it.

    ``takes_query`` says that the query is a part of the address and no parameters of its own.
    """

    method: Method
    values: Mapping[str, str]
    weight: int
    takes_query: bool = False


@dataclass(frozen=True, slots=True)
class RouteTarget:
    """What a request is for: the auth methods that share the address, and the calls that it can be."""

    kind: EndpointKind
    auth: tuple[AuthMethod, ...] = ()
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class _Endpoint:
    kind: EndpointKind
    auth: AuthMethod
    pattern: UrlPattern
    verbs: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class _Route:
    method: Method
    pattern: UrlPattern


class Router:
    """The addresses of one definition, compiled once.

    Static addresses go first, then those with variables. Where an address is wholly configuration
    (``{+config.tokenUrl}``) any address could be meant, and the protocol's own parameters decide.
    """

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        endpoints = sorted(_endpoints(definition), key=lambda endpoint: not endpoint.pattern.is_static)
        self._endpoints = [endpoint for endpoint in endpoints if not endpoint.pattern.is_open]
        self._open_endpoints = [endpoint for endpoint in endpoints if endpoint.pattern.is_open]
        self._routes = list(_routes(definition))

    def target(self, inbound: Inbound) -> RouteTarget:
        """Return what the request is for."""
        endpoints = [endpoint for endpoint in self._endpoints if _fits(endpoint, inbound)]
        if len({endpoint.kind for endpoint in endpoints}) != 1:
            endpoints = [
                endpoint for endpoint in (*endpoints, *self._open_endpoints) if _speaks(endpoint, inbound)
            ]
        kind = endpoints[0].kind if endpoints else EndpointKind.METHOD
        auth = tuple(endpoint.auth for endpoint in endpoints if endpoint.kind is kind)
        calls = self._calls(inbound) if kind in _CALLED else ()
        return RouteTarget(kind if auth or calls else EndpointKind.UNKNOWN, auth, calls)

    def _calls(self, inbound: Inbound) -> tuple[Call, ...]:
        """Return the calls that the address and the HTTP method fit, the closest first.

        What takes GET takes HEAD, and a form by POST too: Slack has it so, and its own client relies on it.
        """
        matches = list(self._matches(inbound))
        is_form = inbound.method == "POST" and inbound.form is not None
        for verb in (inbound.method, "GET" if inbound.method == "HEAD" or is_form else None):
            fitting = [call for own, call in matches if own == verb]
            if fitting:
                return tuple(sorted(fitting, key=lambda call: -call.weight))
        return ()

    def verbs(self, inbound: Inbound) -> list[str]:
        """Return the HTTP methods that the address takes."""
        return sorted({verb for verb, _ in self._matches(inbound)})

    def _matches(self, inbound: Inbound) -> Iterator[tuple[str, Call]]:
        address = inbound.address
        if not self._knows_host(address.host):
            return
        for route in self._routes:
            values = route.pattern.match(address.host, address.path, inbound.query_map)
            if values is not None:
                has_more = self.definition.http.query_from_config is not None
                calls = _readings(route, values, _queries(inbound.raw_query, has_more=has_more))
                own = route.method.http_method
                yield from ((inbound.method if own.startswith("{") else own.upper(), call) for call in calls)

    def _knows_host(self, host: str) -> bool:
        hosts = self.definition.http.hosts
        return any("{" in entry for entry in hosts) or host_allowed(host.partition(":")[0], hosts)


def _queries(raw_query: str, *, has_more: bool) -> list[str]:
    """Return what of a query can belong to the address: all, or less where the configuration may add to its end."""
    pairs = raw_query.split("&") if raw_query else []
    ends = range(len(pairs), -1, -1) if has_more else [len(pairs)]
    return [f"?{'&'.join(pairs[:end])}" if end else "" for end in list(ends)[:MAX_READINGS]]


def _readings(route: _Route, values: Mapping[str, str], queries: Sequence[str]) -> Iterator[Call]:
    """Return the ways to read the address: behind an open base, any part of the path can be the tail."""
    pattern = route.pattern
    if pattern.tail is None or not pattern.tail.startswith("params."):
        yield Call(route.method, values, pattern.weight, takes_query=pattern.tail is not None)
        return
    segments = values[pattern.tail].split("/")
    last = min(len(segments), MAX_READINGS + 1) if pattern.starts_open else 2
    for start in range(1, max(last, 2)):
        tail = "/" + "/".join(segments[start:])
        for query in queries:
            yield Call(route.method, {**values, pattern.tail: tail + query}, pattern.weight, takes_query=True)


def _fits(endpoint: _Endpoint, inbound: Inbound) -> bool:
    address = inbound.address
    if endpoint.verbs is not None and inbound.method not in endpoint.verbs:
        return False
    return endpoint.pattern.match(address.host, address.path, inbound.query_map) is not None


def _speaks(endpoint: _Endpoint, inbound: Inbound) -> bool:
    """Return whether the request has the parameters that the protocol gives to this role."""
    names = {name for name, _ in inbound.fields}
    match endpoint.kind:
        case EndpointKind.AUTHORIZE:
            return "response_type" in inbound.query_map
        case EndpointKind.DEVICE:
            return _asks_for_device(inbound, names)
        case EndpointKind.TOKEN:
            return inbound.method == "POST" and "grant_type" in names
        case EndpointKind.REVOKE:
            return inbound.form is not None and "token" in names and "grant_type" not in names
        case EndpointKind.INTROSPECT:
            return inbound.form is not None and "token" in names and "introspect" in inbound.address.path
        case EndpointKind.LOGIN:
            return _logs_in(endpoint.auth, names)
    own = _OAUTH1.get(endpoint.kind)
    return own is not None and own in {*names, *inbound.query_map, *_header_names(inbound)}


def _logs_in(method: AuthMethod, names: Collection[str]) -> bool:
    """Return whether a body has every member of the login's."""
    known = sandbox_credentials(method)
    wanted = {expanded(name, known) for name in (method.login.body if method.login else ())}
    return bool(wanted) and wanted <= set(names)


def _header_names(inbound: Inbound) -> Iterator[str]:
    """Yield the names of the parameters that stand in an ``Authorization: OAuth`` header."""
    for part in inbound.headers.get("authorization", "").split(","):
        yield part.partition("=")[0].strip().rpartition(" ")[2]


def _asks_for_device(inbound: Inbound, names: Collection[str]) -> bool:
    if inbound.method != "POST" or "user_code" in names:
        return "user_code" in names
    return "client_id" in names and not {"grant_type", "token"} & set(names)


def _endpoints(definition: Definition) -> Iterator[_Endpoint]:
    for auth in definition.auth:
        for kind, verbs, text in _addresses(auth):
            pattern = url_pattern(text) if text else None
            if pattern is not None:
                yield _Endpoint(kind, auth, pattern, frozenset(verbs) if verbs else None)


def _addresses(auth: AuthMethod) -> Iterator[tuple[EndpointKind, set[str] | None, str | None]]:
    oauth = auth.oauth2
    if oauth is not None:
        yield EndpointKind.AUTHORIZE, None, oauth.authorize_url
        yield EndpointKind.DEVICE, None, oauth.device_url
        yield EndpointKind.TOKEN, None, oauth.token_url
        yield EndpointKind.TOKEN, None, oauth.renewal.url
        yield EndpointKind.INTROSPECT, {"POST"}, oauth.introspect_url
        yield EndpointKind.REVOKE, _revoke_verbs(oauth), oauth.revoke_url
    if auth.oauth1 is not None:
        yield EndpointKind.OAUTH1_REQUEST, None, auth.oauth1.request_url
        yield EndpointKind.OAUTH1_CONSENT, None, auth.oauth1.authorize_url
        yield EndpointKind.OAUTH1_ACCESS, None, auth.oauth1.access_url
    if auth.login is not None:
        yield EndpointKind.LOGIN, {auth.login.http_method}, auth.login.url


def _revoke_verbs(oauth: OAuth2) -> set[str]:
    """Return how a revocation can come; without a body GET is as good as POST (Slack's own client)."""
    verb = oauth.revoke_method
    return {"GET", "POST"} if oauth.revoke_with == "bearer" and verb != "DELETE" else {verb}


def _routes(definition: Definition) -> Iterator[_Route]:
    prefixes = [place.value for auth in definition.auth for place in auth.place if place.at == "path"]
    default_first = sorted(
        definition.methods.values(), key=lambda method: method.name != definition.test.method
    )
    for method in default_first:
        url = join_url(method.base_url or definition.http.base_url, method.path)
        patterns = map(url_pattern, (url, *(_prefixed(url, prefix) for prefix in prefixes)))
        yield from (_Route(method, pattern) for pattern in patterns if pattern is not None)


def _prefixed(url: str, prefix: str) -> str:
    """Put the credentials' path prefix where the authenticator puts it: in front of the whole path."""
    start = _HOST_END.match(url)
    end = start.end() if start else 0
    return f"{url[:end]}{prefix.rstrip('/')}{url[end:]}"
