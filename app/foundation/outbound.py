"""The only way out: every HTTP request to the outside is judged, bounded, traced and sent here."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Final

import httpx

from app.foundation import outbound_faults as faults
from app.foundation.clock import Clock
from app.foundation.egress import EgressPolicy, Resolver, SystemResolver, parse_target
from app.foundation.errors import OutsideError, PatchbayError, TransientOutsideError
from app.foundation.messages import Destination, InResponse, OutRequest, TraceEvent
from app.foundation.outbound_rules import check_binding, check_request, redirect_of, redirected, route
from app.foundation.outbound_tls import TlsContexts
from app.foundation.outbound_trace import Tracer
from app.foundation.outbound_transport import AddressGuard, GuardedTransport, Hop
from app.foundation.outbound_wire import exchange
from app.foundation.problems import ProblemCode, problem
from app.foundation.redirect import Redirect

MAX_BYTES: Final = 10 << 20
MAX_REDIRECTS: Final = 5
MAX_CALLS_AT_ONCE: Final = 200
_PLACE_TIMEOUT_S: Final = 10.0
TraceSink = Callable[[TraceEvent], None]


class Outbound:
    """Sends requests to the outside within the operator's policy.

    It keeps no cookies and nothing else of one request for another but idle connections, in one pool for the outside
    and one for the sandbox. It does not retry. ``transport`` replaces the network for tests and simulations: hosts,
    schemes and literal addresses are judged then as ever, and names too where a ``resolver`` is given. The caller
    closes a transport that it gave. ``authorities`` (PEM) are trusted beside those of ``verify``.
    """

    def __init__(
        self,
        policy: EgressPolicy,
        *,
        resolver: Resolver | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock,
        verify: ssl.SSLContext | bool = True,
        authorities: str | None = None,
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._system_resolver = SystemResolver()
        self._guard = AddressGuard(policy, resolver or self._system_resolver)
        self._judges_names_first = transport is not None and resolver is not None
        self._tls = TlsContexts(verify, authorities)
        self._places = asyncio.Semaphore(MAX_CALLS_AT_ONCE)
        self._given = transport
        self._direct = GuardedTransport(self._guard)
        self._sandbox = GuardedTransport(self._guard)

    async def send(
        self,
        request: OutRequest,
        destination: Destination,
        *,
        timeout_s: float = 30.0,
        max_bytes: int = MAX_BYTES,
        redirects: int = 0,
        fresh: bool = False,
        trace: TraceSink | None = None,
    ) -> InResponse:
        """Send the request and return the whole answer, whatever its status.

        ``timeout_s`` bounds everything together, ``max_bytes`` the body both raw and decoded. With
        ``redirects`` of 0 a redirect is an answer like any other; with 1 to 5 that many are followed, each
        judged anew. ``fresh`` opens a connection for this call alone, so that every stage really happens.
        ``trace`` is called as stages begin and end.

        Raises:
            InvalidInputError: the request cannot be written as one HTTP request.
            RefusedOutsideError: EGRESS_BLOCKED, UPSTREAM_TLS, RESPONSE_TOO_LARGE, TOO_MANY_REDIRECTS,
                UPSTREAM_BAD_RESPONSE.
            TransientOutsideError: UPSTREAM_TIMEOUT, UPSTREAM_UNREACHABLE, NAME_NOT_RESOLVED, QUOTA_EXCEEDED.
        """
        if not 0 <= redirects <= MAX_REDIRECTS:
            raise ValueError(f"redirects are 0 to {MAX_REDIRECTS}")
        check_request(request)
        tracer = Tracer(self._clock, trace)
        try:
            async with asyncio.timeout(timeout_s), self._place(timeout_s):
                hop_to = partial(Hop, tracer=tracer, max_bytes=max_bytes, fresh=fresh)
                return await self._follow(request, destination, redirects, hop_to)
        except TimeoutError:
            tracer.failed(ProblemCode.UPSTREAM_TIMEOUT.value)
            raise faults.of(ProblemCode.UPSTREAM_TIMEOUT) from None
        except PatchbayError as error:
            tracer.failed(error.problem.code.value)
            raise
        except asyncio.CancelledError:
            tracer.failed(ProblemCode.CANCELLED.value)
            raise

    async def aclose(self) -> None:
        """Close every idle connection."""
        await self._direct.aclose()
        await self._sandbox.aclose()
        self._system_resolver.close()

    @asynccontextmanager
    async def _place(self, timeout_s: float) -> AsyncIterator[None]:
        """Hold one of the hub's places for calls, waiting at most half of the call's own time for it."""
        try:
            async with asyncio.timeout(min(_PLACE_TIMEOUT_S, timeout_s / 2)):
                await self._places.acquire()
        except TimeoutError:
            raise TransientOutsideError(
                problem(ProblemCode.QUOTA_EXCEEDED, limit="open outbound connections")
            ) from None
        try:
            yield
        finally:
            self._places.release()

    async def _follow(
        self, request: OutRequest, destination: Destination, redirects: int, hop_to: Callable[..., Hop]
    ) -> InResponse:
        tls = destination.tls
        met: list[Redirect] = []
        try:
            for _ in range(redirects + 1):
                taken = route(request.url, destination, self._policy)
                check_binding(request, taken, destination)
                hop = hop_to(taken, tls=await self._tls.of(tls))
                response = await self._exchange(request, hop)
                named = redirect_of(request, taken, response, destination.sandbox)
                if named is not None:
                    hop.tracer.redirected(named.status, named.target)
                    met.append(replace(named, is_followed=redirects > 0))
                follow_up = redirected(request, taken, response, destination.sandbox) if redirects else None
                if follow_up is None:
                    return replace(response, redirects=tuple(met))
                if tls and parse_target(follow_up.url).origin != taken.logical.origin:
                    tls = tls.for_other_origin()
                request = follow_up
        except OutsideError as fault:
            fault.redirects = tuple(met)
            raise
        refusal = faults.of(ProblemCode.TOO_MANY_REDIRECTS)
        refusal.redirects = tuple(met)
        raise refusal

    async def _exchange(self, request: OutRequest, hop: Hop) -> InResponse:
        hop.tracer.begin_hop()
        if self._given is None:
            return await exchange(self._sandbox if hop.route.is_sandbox else self._direct, request, hop)
        if self._judges_names_first:
            await self._guard.addresses(hop)
        try:
            return await exchange(self._given, request, hop)
        except httpx.TransportError as error:
            raise faults.given_transport_failed(error) from None
