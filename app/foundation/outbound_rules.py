"""Which requests may be sent at all, and what becomes of one that is redirected; decisions only."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import unquote_plus, urljoin, urlsplit

from app.foundation import outbound_faults as faults
from app.foundation.egress import (
    EgressCause,
    EgressPolicy,
    EgressRefusedError,
    EgressTarget,
    host_matches,
    parse_target,
)
from app.foundation.errors import InvalidInputError, OutsideError, outside_error
from app.foundation.messages import Destination, InResponse, OutRequest, SandboxRoute
from app.foundation.problems import ProblemCode, problem
from app.foundation.redirect import Redirect

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")  # RFC 9110 5.6.2
_FIELD_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")  # RFC 9110 5.5, one octet a character
# RFC 9110 9.3, RFC 5789, WebDAV (RFC 4918, 3253, 5323), and those that read in OpenBao and in HTTP's draft QUERY.
_METHODS: Final = frozenset({
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "REPORT", "SEARCH", "LIST", "QUERY",
})  # fmt: skip
# What belongs to the connection, or would let a caller speak for another host or frame the body differently.
_OWN_HEADERS: Final = frozenset({
    "connection", "content-length", "expect", "host", "http2-settings", "keep-alive", "proxy-connection",
    "te", "trailer", "transfer-encoding", "upgrade",
})  # fmt: skip
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_FREE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_SEE_OTHER: Final = 303
# What servers leave in a Location as it is: space, and the octets of UTF-8, of which a header holds one a character.
_NOT_WRITTEN: Final = re.compile(r"[ \x80-\xff]")
_METHOD_KEEPING: Final = frozenset({307, 308})
# All that a host other than the one that was asked gets to see.
_HEADERS_ACROSS_ORIGINS: Final = frozenset({"accept", "accept-language", "user-agent"})


@dataclass(frozen=True, slots=True)
class Route:
    """Where one request goes: as the caller means it, and as it goes over the wire."""

    logical: EgressTarget
    wire: EgressTarget
    is_sandbox: bool


def check_request(request: OutRequest) -> None:
    """Refuse a request that cannot be written as exactly one HTTP request (RFC 9110).

    Raises:
        InvalidInputError: the method, a header's name or a header's value. The message has no value in it.
    """
    if request.method not in _METHODS:
        raise _invalid("The HTTP method", "it is not one that the hub sends")
    for name, value in request.headers:
        if not _TOKEN.fullmatch(name):
            raise _invalid("A header's name", "it is not a token")
        if name.lower() in _OWN_HEADERS:
            raise _invalid(f"The header {name}", "the hub sets it itself")
        if not _FIELD_VALUE.fullmatch(value):
            raise _invalid(f"The header {name}", "its value holds a character that a header cannot carry")


def route(url: str, destination: Destination, policy: EgressPolicy) -> Route:
    """Decide where a URL leads, before any name is looked up.

    Raises:
        RefusedOutsideError: EGRESS_BLOCKED.
    """
    try:
        if destination.sandbox is not None:
            return Route(parse_target(url), parse_target(destination.sandbox.rewrite(url)), is_sandbox=True)
        target = policy.check_url(url)
    except EgressRefusedError as refusal:
        raise faults.of(ProblemCode.EGRESS_BLOCKED, refusal.cause) from None
    if not any(host_matches(target.host, pattern) for pattern in destination.hosts):
        raise faults.of(ProblemCode.EGRESS_BLOCKED, EgressCause.HOST)
    return Route(target, target, is_sandbox=False)


def redirect_of(
    request: OutRequest, taken: Route, response: InResponse, sandbox: SandboxRoute | None
) -> Redirect | None:
    """Return what a redirect says, for people to read; None where the answer is none, or names no web address."""
    location = response.header("location") if response.status in _REDIRECTS else None
    if not location:
        return None
    try:
        target = parse_target(_meant(location, taken, sandbox))
    except (EgressRefusedError, OutsideError):
        return None
    redactor = request.redactor()
    source, to = (one.url.partition("?")[0] for one in (taken.logical, target))
    new_base = _new_base(request.base_url, source, to)
    return Redirect(
        status=response.status,
        source=redactor.loose_text(source),
        target=redactor.loose_text(to),
        leaves_origin=target.origin != taken.logical.origin,
        is_followed=False,
        new_base=new_base and redactor.loose_text(new_base),
    )


def _new_base(base_url: str, source: str, target: str) -> str | None:
    """Return what stands in the base address's place where all behind it stayed as it was, and None elsewhere."""
    base = base_url.rstrip("/")
    tail = source.removeprefix(base)
    if not base or not source.startswith(base):
        return None
    if not tail.strip("/"):
        kept_path = urlsplit(target).path.rstrip("/") in {"", urlsplit(base).path.rstrip("/")}
        return target.rstrip("/") if kept_path else None
    for end in (tail, tail.rstrip("/"), f"{tail}/"):
        if target.endswith(end):
            return target.removesuffix(end)
    return None


def check_binding(request: OutRequest, taken: Route, destination: Destination) -> None:
    """Refuse a request that bears a secret which is bound to other places, wherever its address came from.

    Raises:
        ApplicationRejectedError: APPLICATION_NOT_FOR_ADDRESS.
    """
    binding = destination.binding
    if binding is None or taken.is_sandbox or not binding.holds_back(request, taken.logical):
        return
    raise outside_error(
        problem(
            ProblemCode.APPLICATION_NOT_FOR_ADDRESS,
            application=binding.owner,
            origin=taken.logical.origin_text,
        )
    )


def redirected(
    request: OutRequest, taken: Route, response: InResponse, sandbox: SandboxRoute | None
) -> OutRequest | None:
    """Return the request that a redirect asks for, or None where the answer is no redirect.

    Within the origin, 303 and a POST answered by 301 or 302 become GET, 307 and 308 repeat the request. To another
    origin goes a bare GET, HEAD or OPTIONS: no header that might be a credential, no secret parameter, no body.

    Raises:
        RefusedOutsideError: EGRESS_BLOCKED for a step from https to http, for a body that would go to another
            origin, and for an address with one of the request's secrets in it; or a malformed address.
    """
    location = response.header("location") if response.status in _REDIRECTS else None
    if not location:
        return None
    url = _meant(location, taken, sandbox)
    try:
        target = parse_target(url)
    except EgressRefusedError as refusal:
        raise faults.of(ProblemCode.EGRESS_BLOCKED, refusal.cause) from None
    if taken.logical.scheme == "https" and target.scheme != "https":
        raise faults.of(ProblemCode.EGRESS_BLOCKED, EgressCause.SCHEME)
    follow_up = _follow_up(request, response.status)
    if target.origin == taken.logical.origin:
        return replace(follow_up, url=target.url, shown_url="")
    return _across_origins(follow_up, target)


def _meant(location: str, taken: Route, sandbox: SandboxRoute | None) -> str:
    """Resolve a Location (RFC 9110 10.2.2); the sandbox may name its own addresses or those that it plays."""
    try:
        if sandbox is not None:
            played = sandbox.original(urljoin(taken.wire.url, location))
            if played is not None:
                return played
        written = _NOT_WRITTEN.sub(lambda octet: f"%{ord(octet[0]):02X}", location)
        return urljoin(taken.logical.url, written)
    except ValueError:
        raise faults.of(ProblemCode.UPSTREAM_BAD_RESPONSE, "LOCATION") from None


def _follow_up(request: OutRequest, status: int) -> OutRequest:
    becomes_get = request.method not in _FREE_METHODS and (
        status == _SEE_OTHER or (request.method == "POST" and status not in _METHOD_KEEPING)
    )
    if not becomes_get:
        return request
    kept = tuple(one for one in request.headers if not one[0].lower().startswith("content-"))
    return replace(request, method="GET", headers=kept, body=None)


def _across_origins(request: OutRequest, target: EgressTarget) -> OutRequest:
    if request.method not in _FREE_METHODS or request.body:
        raise faults.of(ProblemCode.EGRESS_BLOCKED, EgressCause.REDIRECT)
    bare = replace(target, path=_without_parameters(target.path, request.secret_query))
    if request.redactor().text(bare.url) != bare.url:
        raise faults.of(ProblemCode.EGRESS_BLOCKED, EgressCause.REDIRECT)
    headers = tuple(one for one in request.headers if one[0].lower() in _HEADERS_ACROSS_ORIGINS)
    return replace(request, url=bare.url, shown_url="", headers=headers, body=None)


def _without_parameters(path_and_query: str, names: Collection[str]) -> str:
    path, _, query = path_and_query.partition("?")
    hidden = {name.lower() for name in names}
    kept = [pair for pair in query.split("&") if unquote_plus(pair.partition("=")[0]).lower() not in hidden]
    return f"{path}?{'&'.join(kept)}" if any(kept) else path


def _invalid(label: str, reason: str) -> InvalidInputError:
    return InvalidInputError(problem(ProblemCode.INVALID_FIELD, label=label, reason=reason))
