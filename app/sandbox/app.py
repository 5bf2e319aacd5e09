"""The sandbox's ASGI app: whatever the catalog describes, simulated over real HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from app.catalog.definition import Definition
from app.foundation.clock import Clock
from app.sandbox.answer import SandboxAnswer, fault, to_response, wrong_method
from app.sandbox.client_proof import ClientProofCheck
from app.sandbox.consent import Consent
from app.sandbox.controls import Controls
from app.sandbox.device import DeviceEndpoint
from app.sandbox.device_codes import DeviceCodes
from app.sandbox.inbound import Inbound, InboundRefusedError, read_inbound
from app.sandbox.index import Index
from app.sandbox.ledger import Ledger
from app.sandbox.login import LoginEndpoint
from app.sandbox.methods import MethodCalls
from app.sandbox.oauth import TokenEndpoint
from app.sandbox.oauth1 import OAuth1Endpoints
from app.sandbox.oauth1_check import OAuth1Check
from app.sandbox.oauth1_requests import TemporaryTokens
from app.sandbox.page import sandbox_page
from app.sandbox.revocation import Revocation
from app.sandbox.routing import EndpointKind, RouteTarget
from app.sandbox.signed_calls import SignedCalls
from app.sandbox.simulations import Definitions, Simulations
from app.sandbox.state import SandboxState
from app.sandbox.switches import Switchboard
from app.sandbox.tokens import Seal

_Handler: TypeAlias = Callable[[Definition, RouteTarget, Inbound], Awaitable[SandboxAnswer | Response]]
_PAGES: Final = frozenset({EndpointKind.AUTHORIZE, EndpointKind.DEVICE, EndpointKind.OAUTH1_CONSENT})
_PAGE_VERBS: Final = frozenset({"GET", "HEAD", "POST"})
_POLICY_VIOLATION: Final = 1008


def build_sandbox(catalog: Definitions, *, secret: bytes, state: SandboxState, clock: Clock) -> Starlette:
    """Build the app that is mounted at ``/sandbox``.

    ``secret`` signs codes and tokens: with the same one, what was issued before a restart works after it.
    ``state`` holds what was used up and how the switches stand; a :class:`Switchboard` on the same state
    drives it.
    """
    simulations = Simulations(catalog)
    switchboard = Switchboard(state)
    controls = Controls(simulations, switchboard)
    return Starlette(
        routes=[
            Route("/", Index(simulations).answer, methods=["GET"]),
            Route("/_switches/{integration}", controls.answer, methods=["GET", "POST", "DELETE"]),
            Mount("/", Outside(simulations, _handlers(secret, state, switchboard, clock))),
        ]
    )


def _handlers(
    secret: bytes, state: SandboxState, switchboard: Switchboard, clock: Clock
) -> Mapping[EndpointKind, _Handler]:
    seal = Seal(secret)
    ledger = Ledger(seal, state, switchboard, clock)
    proof = ClientProofCheck(state, clock)
    devices = DeviceCodes(ledger, state, clock)
    temporary = TemporaryTokens(seal, state)
    check = OAuth1Check(seal, temporary, state, clock)
    oauth1 = OAuth1Endpoints(ledger, check, temporary, switchboard, clock)
    revocation = Revocation(ledger, proof)
    signed = SignedCalls(check, clock)
    return {
        EndpointKind.AUTHORIZE: Consent(ledger).answer,
        EndpointKind.DEVICE: DeviceEndpoint(devices, proof, switchboard, clock).answer,
        EndpointKind.OAUTH1_CONSENT: oauth1.consent,
        EndpointKind.OAUTH1_REQUEST: oauth1.request,
        EndpointKind.OAUTH1_ACCESS: oauth1.access,
        EndpointKind.TOKEN: TokenEndpoint(ledger, switchboard, proof, devices, clock).answer,
        EndpointKind.REVOKE: revocation.revoke,
        EndpointKind.INTROSPECT: revocation.introspect,
        EndpointKind.LOGIN: LoginEndpoint(ledger, switchboard).answer,
        EndpointKind.METHOD: MethodCalls(ledger, signed, switchboard, clock).answer,
    }


class Outside:
    """Answers in the stead of every outside system: finds the definition, then what the address is for."""

    def __init__(self, simulations: Simulations, handlers: Mapping[EndpointKind, _Handler]) -> None:
        self._simulations = simulations
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a websocket is refused."""
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return
        try:
            answer = await self._answer(await read_inbound(Request(scope, receive)))
        except InboundRefusedError as refused:
            answer = refused.answer
        except ClientDisconnect:
            return
        response = to_response(answer) if isinstance(answer, SandboxAnswer) else answer
        await response(scope, receive, send)

    async def _answer(self, inbound: Inbound) -> SandboxAnswer | Response:
        router = self._simulations.of(inbound.address.integration, inbound.address.version)
        if router is None:
            return fault(404, "unknown_integration", "The sandbox simulates no such integration or version.")
        target = router.target(inbound)
        if target.kind in _PAGES and inbound.method not in _PAGE_VERBS:
            return sandbox_page("Not allowed", ["<h1>This address takes GET and POST</h1>"], status=405)
        if target.kind in self._handlers:
            return await self._handlers[target.kind](router.definition, target, inbound)
        verbs = router.verbs(inbound)
        if verbs:
            return wrong_method("The definition has no method with this HTTP method here.", *verbs)
        return fault(404, "no_such_method", "The definition has no method at this address.")
