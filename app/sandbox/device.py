"""The device authorization endpoint (RFC 8628), and the page at the same address where a person enters the code."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from starlette.responses import Response

from app.catalog.definition import AuthMethod, Definition
from app.foundation.clock import Clock
from app.foundation.egress import EgressRefusedError, parse_target
from app.sandbox.answer import NO_STORE, SandboxAnswer
from app.sandbox.authorization_request import oauth_of, permitted_scopes, refuse_repeated, rfc_names
from app.sandbox.client_proof import ClientProofCheck
from app.sandbox.consent_page import consent_page, read_decision, simulation_note
from app.sandbox.device_codes import INTERVAL_S, LIFETIME_S, DeviceCodes
from app.sandbox.inbound import Inbound, Pairs, first_values
from app.sandbox.oauth import DOWN
from app.sandbox.page import notice_page, sandbox_page, text
from app.sandbox.routing import RouteTarget
from app.sandbox.switches import Switchboard
from app.sandbox.wording import OAuth2RefusedError, token_refusal

_MAX_SHOWN_CHARS: Final = 32


class DeviceEndpoint:
    """Gives out codes to applications, and asks a person to allow what waits under a code.

    What brings a ``user_code`` is the page's own form: no application ever sends one. The code stands on the page
    for the person to compare (RFC 8628 3.3.1), and an address that holds it decides nothing by itself.
    """

    def __init__(
        self, codes: DeviceCodes, proof: ClientProofCheck, switchboard: Switchboard, clock: Clock
    ) -> None:
        self._codes = codes
        self._proof = proof
        self._switchboard = switchboard
        self._clock = clock

    async def answer(
        self, definition: Definition, target: RouteTarget, inbound: Inbound
    ) -> SandboxAnswer | Response:
        """Answer an application's request, or a person's browser."""
        if inbound.method != "POST":
            return await self._page(definition, inbound.query_map.get("user_code", ""), ())
        form = inbound.form or ()
        user_code = first_values(form).get("user_code")
        if user_code is not None:
            return await self._page(definition, user_code, form)
        return await self._given_out(definition, target.auth[0], inbound)

    async def _given_out(self, definition: Definition, method: AuthMethod, inbound: Inbound) -> SandboxAnswer:
        oauth = oauth_of(method)
        switches = await self._switchboard.of(definition.integration, None)
        await self._clock.sleep(switches.delay_s)
        if switches.token_endpoint_down and await self._switchboard.struck(switches):
            return DOWN
        try:
            await self._proof.check(method, oauth, inbound)
            refuse_repeated(inbound.fields)
            scopes = permitted_scopes(method, oauth, rfc_names(oauth, inbound.fields))
        except OAuth2RefusedError as refused:
            return token_refusal(oauth, refused)
        device_code, user_code = await self._codes.issue(definition.integration, method.id, scopes)
        address = _own_address(inbound)
        body = {
            "device_code": device_code,
            "user_code": user_code,
            "verification_uri": address,
            "verification_uri_complete": f"{address}?user_code={quote(user_code)}",
            "expires_in": LIFETIME_S,
            "interval": INTERVAL_S,
        }
        return SandboxAnswer(200, body, NO_STORE)

    async def _page(self, definition: Definition, user_code: str, form: Pairs) -> Response:
        """Show what waits under the code, and carry out what the form says of it."""
        code = await self._codes.find(definition.integration, user_code)
        method = None if code is None else definition.auth_method(code.method)
        if code is None or method is None:
            return _entry(definition, user_code)
        decision = read_decision(definition, method, code.scopes, form)
        if decision is None:
            return _question(definition, method, code.scopes, user_code)
        if not await self._codes.decide(code, decision):
            return _entry(definition, user_code)
        title = "Not allowed" if decision.account is None else "Allowed"
        return notice_page(title, "You can close this page and return to the device.", 200)


def _entry(definition: Definition, typed: str) -> Response:
    title = f"Connect a device to {definition.name}"
    shown = text(typed[:_MAX_SHOWN_CHARS])
    content = [
        f"<h1>{text(title)}</h1>",
        *simulation_note(definition),
        "<p><strong>No device waits with this code.</strong></p>" if typed else "",
        '<form method="get"><fieldset><legend>Code on the device</legend>',
        '<input name="user_code" aria-label="Code on the device" autocomplete="off" required',
        f'autocapitalize="characters" maxlength="{_MAX_SHOWN_CHARS}" value="{shown}"></fieldset>',
        '<div class="acts"><button class="main">Continue</button></div></form>',
    ]
    return sandbox_page(title, content, status=404 if typed else 200, form_to="'self'")


def _question(definition: Definition, method: AuthMethod, scopes: tuple[str, ...], typed: str) -> Response:
    shown = text(typed[:_MAX_SHOWN_CHARS])
    note = (
        f"<p>The device must show the code <code>{shown}</code>.</p>"
        f'<input type="hidden" name="user_code" value="{shown}">'
    )
    return consent_page(definition, method, scopes, note)


def _own_address(inbound: Inbound) -> str:
    """Return the sandbox's own address of the page; a caller that names no usable host gets the simulated one."""
    try:
        return parse_target(inbound.own_url).url
    except EgressRefusedError:
        return inbound.address.url
