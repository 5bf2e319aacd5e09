"""The sandbox's ASGI app: whatever the catalog describes, simulated over real HTTP."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from app.foundation.clock import Clock
from app.sandbox.answer import SandboxAnswer, fault, to_response
from app.sandbox.client_proof import ClientProofCheck
from app.sandbox.consent import Consent
from app.sandbox.controls import Controls
from app.sandbox.device import DeviceEndpoint
from app.sandbox.device_codes import DeviceCodes
from app.sandbox.inbound import Inbound, InboundRefusedError, read_inbound
from app.sandbox.index import Index
from app.sandbox.issuer import Issuer
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
from app.sandbox.simulations import Definitions, Simulation, Simulations
from app.sandbox.state import SandboxState
from app.sandbox.switches import Switchboard
from app.sandbox.tokens import Seal

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
    outside = Outside(simulations, secret, state, clock, switchboard)
    controls = Controls(simulations, switchboard)
    return Starlette(
        routes=[
            Route("/", Index(simulations).answer, methods=["GET"]),
            Route("/_switches/{integration}", controls.answer, methods=["GET", "POST", "DELETE"]),
            Mount("/", outside),
        ]
    )


class Outside:
    """Answers in the stead of every outside system: finds the definition, then what the address is for."""

    def __init__(
        self,
        simulations: Simulations,
        secret: bytes,
        state: SandboxState,
        clock: Clock,
        switchboard: Switchboard,
    ) -> None:
        seal = Seal(secret)
        ledger = Ledger(state, switchboard, clock)
        proof = ClientProofCheck(state, clock)
        issuer = Issuer(seal, switchboard, clock)
        devices = DeviceCodes(seal, ledger, state, switchboard, clock)
        temporary = TemporaryTokens(seal, state)
        check = OAuth1Check(seal, temporary, state, clock)
        self._simulations = simulations
        self._consent = Consent(seal, switchboard, clock)
        self._tokens = TokenEndpoint(seal, ledger, switchboard, proof, issuer, devices, clock)
        self._devices = DeviceEndpoint(devices, proof, switchboard, clock)
        self._oauth1 = OAuth1Endpoints(seal, ledger, check, temporary, state, switchboard, clock)
        self._revocation = Revocation(seal, ledger, proof)
        self._login = LoginEndpoint(switchboard, issuer)
        self._methods = MethodCalls(seal, ledger, SignedCalls(check, clock), switchboard, clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a websocket is refused."""
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return
        try:
            response = await self._response(await read_inbound(Request(scope, receive)))
        except InboundRefusedError as refused:
            response = to_response(refused.answer)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _response(self, inbound: Inbound) -> Response:
        simulation = self._simulations.of(inbound.address.integration, inbound.address.version)
        if simulation is None:
            return to_response(
                fault(404, "unknown_integration", "The sandbox simulates no such integration or version.")
            )
        target = simulation.router.target(inbound)
        if target.kind is EndpointKind.DEVICE:
            return await self._devices.answer(simulation.definition, target.auth, inbound)
        if target.kind not in {EndpointKind.AUTHORIZE, EndpointKind.OAUTH1_CONSENT}:
            return to_response(await self._answer(simulation, target, inbound))
        if inbound.method not in _PAGE_VERBS:
            return sandbox_page("Not allowed", ["<h1>This address takes GET</h1>"], status=405)
        if target.kind is EndpointKind.OAUTH1_CONSENT:
            return await self._oauth1.consent(simulation.definition, target.auth[0], inbound)
        return await self._consent.answer(simulation.definition, target.auth, inbound)

    async def _answer(self, simulation: Simulation, target: RouteTarget, inbound: Inbound) -> SandboxAnswer:
        definition = simulation.definition
        match target.kind:
            case EndpointKind.TOKEN:
                return await self._tokens.answer(definition, target.auth, inbound)
            case EndpointKind.REVOKE:
                calls = simulation.router.calls(inbound)
                return await self._revocation.revoke(definition, target.auth, calls, inbound)
            case EndpointKind.INTROSPECT:
                return await self._revocation.introspect(definition, target.auth, inbound)
            case EndpointKind.OAUTH1_REQUEST:
                return await self._oauth1.request(definition, target.auth[0], inbound)
            case EndpointKind.OAUTH1_ACCESS:
                return await self._oauth1.access(definition, target.auth[0], inbound)
            case EndpointKind.LOGIN:
                return await self._login.answer(definition, target.auth[0], inbound)
            case EndpointKind.METHOD:
                return await self._methods.answer(definition, target.calls, inbound)
        return _nothing_here(simulation, inbound)


def _nothing_here(simulation: Simulation, inbound: Inbound) -> SandboxAnswer:
    verbs = simulation.router.verbs(inbound)
    if verbs:
        refused = fault(405, "method_not_allowed", "The definition has no method with this HTTP method here.")
        return replace(refused, headers={**refused.headers, "allow": ", ".join(verbs)})
    return fault(404, "no_such_method", "The definition has no method at this address.")
