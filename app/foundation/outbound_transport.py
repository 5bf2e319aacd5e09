"""The sockets under outbound HTTP: resolve once, judge every answer, connect to what was judged."""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import httpcore
import httpx

from app.foundation import outbound_faults as faults
from app.foundation.addresses import IpAddress, is_public
from app.foundation.egress import EgressPolicy, EgressRefusedError, EgressTarget, Resolver
from app.foundation.outbound_rules import Route
from app.foundation.outbound_stream import OutboundStream
from app.foundation.outbound_trace import Tracer
from app.foundation.problems import ProblemCode

HOP: Final = "patchbay.hop"  # where a request carries its Hop, among its extensions
_MAX_IDLE: Final = 40
_KEEP_ALIVE_S: Final = 30.0
_MAX_TRIED_ADDRESSES: Final = 4
_CONNECT_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Hop:
    """One request of a call. It may connect to its route alone, which is judged unless it is the hub's own sandbox."""

    route: Route
    tracer: Tracer
    max_bytes: int
    fresh: bool
    tls: ssl.SSLContext


@dataclass(frozen=True, slots=True)
class AddressGuard:
    """Turns a target into addresses that may be connected to."""

    policy: EgressPolicy
    resolver: Resolver

    async def addresses(self, hop: Hop) -> Sequence[IpAddress]:
        """Resolve the hop's target, once, and judge every answer.

        Raises:
            TransientOutsideError: NAME_NOT_RESOLVED.
            RefusedOutsideError: EGRESS_BLOCKED.
        """
        target = hop.route.wire
        hop.tracer.start("resolve", host=target.host)
        found = (target.literal,) if target.literal else await self._ask(target)
        if not hop.route.is_sandbox:
            try:
                self.policy.check_answers(target, found)
            except EgressRefusedError as refusal:
                raise faults.of(ProblemCode.EGRESS_BLOCKED, refusal.cause) from None
        public = [str(address) for address in found if is_public(address)]
        hop.tracer.done("resolve", host=target.host, addresses=len(found), publicAddresses=public)
        return found

    async def _ask(self, target: EgressTarget) -> Sequence[IpAddress]:
        try:
            found = await self.resolver.resolve(target.host, target.port)
        except (OSError, UnicodeError) as error:
            raise faults.name_not_resolved(error) from None
        if not found:
            raise faults.name_not_resolved(None)
        return found


class GuardedTransport(httpx.AsyncBaseTransport):
    """HTTP/1.1 over connections of its own, each opened through the guard, kept alive up to a bound.

    It has no proxy, no unix sockets, no environment, no cookies and no retries. It stands on httpcore's connection and
    not on its pool: that one loses a place for good when a caller is cancelled at the wrong moment.
    """

    def __init__(self, guard: AddressGuard) -> None:
        self._guard = guard
        self._sockets = httpcore.AnyIOBackend()
        self._idle: list[_Connection] = []
        # At DEBUG httpcore writes header values into the log, cookies and tokens among them.
        logging.getLogger("httpcore").setLevel(logging.WARNING)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request for its hop and return the answer, its body still to be read.

        Raises:
            OutsideError: whatever kept it from being answered.
        """
        hop: Hop = request.extensions[HOP]
        connection = await self._reused(hop) or await self._opened(hop)
        try:
            with _translated(connection.stream):
                answer = await connection.http.handle_async_request(_core_request(request, connection.origin))
        except BaseException:
            await connection.stream.aclose()
            raise
        body = _Body(self, connection, answer, may_keep=not hop.fresh)
        return httpx.Response(answer.status, headers=answer.headers, stream=body)

    async def aclose(self) -> None:
        """Close every idle connection."""
        idle, self._idle = self._idle, []
        for connection in idle:
            await connection.stream.aclose()

    async def release(self, connection: _Connection, *, may_keep: bool) -> None:
        """Keep a connection whose exchange is over, or close it."""
        if not may_keep or not connection.is_clean or len(self._idle) >= _MAX_IDLE:
            await connection.stream.aclose()
        else:
            self._idle.append(connection)

    async def _reused(self, hop: Hop) -> _Connection | None:
        while expired := next((one for one in self._idle if one.http.has_expired()), None):
            self._idle.remove(expired)
            await expired.stream.aclose()
        wanted = (hop.route.wire.origin, hop.tls)
        fits = [one for one in self._idle if (one.target, one.tls) == wanted and not hop.fresh]
        if fits:
            self._idle.remove(fits[-1])
        return fits[-1] if fits else None

    async def _opened(self, hop: Hop) -> _Connection:
        target = hop.route.wire
        stream = await self._connected(hop, await self._guard.addresses(hop))
        try:
            if target.scheme == "https":
                stream = await stream.secured(hop.tls, target.host, hop.tracer)
        except BaseException:
            await stream.aclose()
            raise
        origin = httpcore.Origin(target.scheme.encode(), target.host.encode(), target.port)
        http = httpcore.AsyncHTTP11Connection(origin, stream, keepalive_expiry=_KEEP_ALIVE_S)
        return _Connection(target.origin, hop.tls, origin, stream, http)

    async def _connected(self, hop: Hop, addresses: Sequence[IpAddress]) -> OutboundStream:
        hop.tracer.start("connect")
        failed: list[BaseException] = []
        for address in addresses[:_MAX_TRIED_ADDRESSES]:
            try:
                stream = await self._sockets.connect_tcp(
                    str(address), hop.route.wire.port, _CONNECT_TIMEOUT_S
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed.append(error)
                continue
            hop.tracer.done("connect")
            return OutboundStream(stream)
        raise faults.not_connected(failed)


@dataclass(frozen=True, slots=True, eq=False)
class _Connection:
    target: tuple[str, str, int]
    tls: ssl.SSLContext  # of one client certificate, so that nobody is taken for another
    origin: httpcore.Origin
    stream: OutboundStream
    http: httpcore.AsyncHTTP11Connection

    @property
    def is_clean(self) -> bool:
        """Whether nothing of one exchange is left that the next one could take for its own answer."""
        # An answer that nobody asked for would be taken for the next one's; httpcore does not look for it.
        surplus, _ = self.http._h11_state.trailing_data  # noqa: SLF001 - httpcore has no public word for it
        return self.http.is_idle() and not surplus


@dataclass(eq=False)
class _Body(httpx.AsyncByteStream):
    """An answer's body; closing it gives the connection back."""

    transport: GuardedTransport
    connection: _Connection | None
    answer: httpcore.Response
    may_keep: bool

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self.connection is None or not isinstance(self.answer.stream, AsyncIterable):
            return
        with _translated(self.connection.stream):
            async for piece in self.answer.stream:
                yield piece

    async def aclose(self) -> None:
        """Give the connection back once."""
        connection, self.connection = self.connection, None
        if connection is None:
            return
        try:
            await self.answer.aclose()
        except BaseException:
            await connection.stream.aclose()
            raise
        await self.transport.release(connection, may_keep=self.may_keep)


def _core_request(request: httpx.Request, origin: httpcore.Origin) -> httpcore.Request:
    url = httpcore.URL(
        scheme=origin.scheme, host=origin.host, port=request.url.port, target=request.url.raw_path
    )
    return httpcore.Request(
        request.method.encode(),
        url,
        headers=request.headers.raw,
        content=request.stream,
        extensions=request.extensions,
    )


@contextmanager
def _translated(stream: OutboundStream) -> Iterator[None]:
    """Translate what breaks in an exchange into the hub's errors."""
    try:
        yield
    except httpcore.ProtocolError as error:
        raise faults.protocol_broken(error, stream) from None
    except ssl.SSLError as error:  # an alert after the handshake, such as a client certificate missing
        raise faults.tls_failed(error) from None
    except (httpcore.NetworkError, httpcore.TimeoutException, OSError):
        raise faults.cut_off(stream) from None
