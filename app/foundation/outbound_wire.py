"""Writing one request for a transport, and reading its whole answer."""

from __future__ import annotations

import re
from typing import Final

import httpx

from app.foundation import outbound_faults as faults
from app.foundation.egress import DEFAULT_PORTS, EgressCause, EgressTarget
from app.foundation.messages import InResponse, OutRequest
from app.foundation.outbound_decoding import (
    ACCEPT_ENCODING,
    BodyNotDecodableError,
    BodyTooLargeError,
    read_response_body,
)
from app.foundation.outbound_trace import Tracer
from app.foundation.outbound_transport import HOP, Hop
from app.foundation.problems import ProblemCode

_OWN_HEADERS: Final = (("accept", "*/*"), ("user-agent", "Patchbay"))
_LENGTH: Final = re.compile(r"[0-9]{1,18}")


async def exchange(transport: httpx.AsyncBaseTransport, request: OutRequest, hop: Hop) -> InResponse:
    """Send one request over the transport and return its whole answer.

    Raises:
        OutsideError: EGRESS_BLOCKED, RESPONSE_TOO_LARGE, UPSTREAM_BAD_RESPONSE, and what the transport raises.
    """
    answer = await transport.handle_async_request(_written(request, hop))
    try:
        hop.tracer.first_byte()
        _trace_request(request, hop)
        _trace_response(hop.tracer)
        body = await _body(request, answer, hop.max_bytes)
    finally:
        await answer.aclose()
    hop.tracer.done("response", status=answer.status_code, bytes=len(body))
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers.raw)
    return InResponse(answer.status_code, headers, body, hop.tracer.timings(), request.shown_url)


async def _body(request: OutRequest, answer: httpx.Response, max_bytes: int) -> bytes:
    if not isinstance(answer.stream, httpx.AsyncByteStream):
        raise TypeError("the transport answered with a stream that is not asynchronous")
    length = answer.headers.get("content-length", "")
    is_declared = request.method != "HEAD" and _LENGTH.fullmatch(length)
    codings = answer.headers.get_list("content-encoding")
    try:
        return await read_response_body(
            answer.stream, codings, declared=int(length) if is_declared else None, max_bytes=max_bytes
        )
    except BodyTooLargeError:
        raise faults.of(ProblemCode.RESPONSE_TOO_LARGE) from None
    except BodyNotDecodableError as error:
        raise faults.not_decodable(error.codings) from None


def _written(request: OutRequest, hop: Hop) -> httpx.Request:
    async def listen(name: str, _: object) -> None:
        if name == "http11.send_request_headers.started":
            _trace_request(request, hop)
        elif name == "http11.receive_response_headers.started":
            _trace_response(hop.tracer)

    return httpx.Request(
        request.method,
        _url(hop.route.wire),
        headers=_headers(request),
        content=request.body,
        extensions={HOP: hop, "trace": listen},
    )


def _url(target: EgressTarget) -> httpx.URL:
    """Return the URL as httpx reads it, which must be as it was judged."""
    try:
        url = httpx.URL(target.url)
    except httpx.InvalidURL:
        raise faults.of(ProblemCode.EGRESS_BLOCKED, EgressCause.URL) from None
    if (url.scheme, url.raw_host.decode(), url.port or DEFAULT_PORTS[url.scheme]) != target.origin:
        raise faults.of(ProblemCode.EGRESS_BLOCKED, EgressCause.URL)
    return url


def _headers(request: OutRequest) -> list[tuple[bytes, bytes]]:
    given = [(name, value) for name, value in request.headers if name.lower() != "accept-encoding"]
    names = {name.lower() for name, _ in given}
    own = [one for one in _OWN_HEADERS if one[0] not in names]
    every = [*given, *own, ("accept-encoding", ACCEPT_ENCODING)]
    return [(name.encode("ascii"), value.strip(" \t").encode("latin-1")) for name, value in every]


def _trace_request(request: OutRequest, hop: Hop) -> None:
    """Note that the request goes out; reported once, and late by a transport that does not say when."""
    if not hop.tracer.has_seen("request"):
        hop.tracer.start("request", method=request.method, host=hop.route.logical.host)


def _trace_response(tracer: Tracer) -> None:
    """Note that the request is out and its answer awaited; reported once, whichever way it is noticed."""
    if tracer.done("request"):
        tracer.start("response")
