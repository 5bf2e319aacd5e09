"""The door to the switches: ``GET``, ``POST`` and ``DELETE /_switches/{integration}``, here alone."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from app.sandbox.answer import NO_STORE, SandboxAnswer, fault, to_response
from app.sandbox.inbound import InboundRefusedError, read_json, read_request_body
from app.sandbox.simulations import Simulations
from app.sandbox.switches import SCHEMA, Switchboard, to_json

MAX_ACCOUNT_CHARS: Final = 200


class Controls:
    """Reads and sets the switches of one integration, or with ``account`` of one account of it.

    A change is taken as ``application/json`` only: a foreign page cannot send that without asking first
    (CORS), and the sandbox never says yes.
    """

    def __init__(self, simulations: Simulations, switchboard: Switchboard) -> None:
        self._simulations = simulations
        self._switchboard = switchboard

    async def answer(self, request: Request) -> Response:
        """Answer a request to the switches."""
        try:
            return to_response(await self._answer(request))
        except InboundRefusedError as refused:
            return to_response(refused.answer)

    async def _answer(self, request: Request) -> SandboxAnswer:
        integration = request.path_params["integration"]
        account = request.query_params.get("account")
        if self._simulations.of(integration, None) is None or len(account or "") > MAX_ACCOUNT_CHARS:
            return fault(404, "unknown_integration", "The sandbox simulates no such integration.")
        if request.method == "POST":
            return await self._change(request, integration)
        if request.method == "DELETE":
            await self._switchboard.clear(integration, account)
        return await self._state(integration, account)

    async def _change(self, request: Request, integration: str) -> SandboxAnswer:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return fault(415, "unsupported_media_type", "Switches are set with application/json.")
        change = read_json(await read_request_body(request))
        invalid = await self._switchboard.change(integration, change)
        if invalid:
            return fault(
                400, "invalid_switches", "These fields are not valid.", fields=invalid, schema=SCHEMA
            )
        return await self._state(integration, change.get("account"))

    async def _state(self, integration: str, account: str | None) -> SandboxAnswer:
        switches = await self._switchboard.own(integration, account)
        body = {
            "integration": integration,
            "account": account,
            "switches": to_json(switches),
            "schema": SCHEMA,
        }
        return SandboxAnswer(200, body, NO_STORE)
