"""The device authorization endpoint (RFC 8628), and the page at the same address where a person enters the code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote

from starlette.responses import Response

from app.catalog.definition import AuthMethod, Definition
from app.foundation.clock import Clock
from app.foundation.egress import EgressRefusedError, parse_target
from app.sandbox.accounts import accounts_of
from app.sandbox.answer import NO_STORE, SandboxAnswer, to_response
from app.sandbox.authorization_request import is_requestable, oauth_of, requested_scopes, rfc_names
from app.sandbox.client_proof import ClientProofCheck
from app.sandbox.consent_page import account_choice, scope_choice
from app.sandbox.device_codes import INTERVAL_S, LIFETIME_S, DeviceCodes
from app.sandbox.inbound import Inbound, first_values, repeated
from app.sandbox.oauth import DOWN
from app.sandbox.page import sandbox_page, text
from app.sandbox.switches import Switchboard
from app.sandbox.tokens import Claims
from app.sandbox.wording import TokenRefusedError, token_refusal

_PAGE_VERBS: Final = frozenset({"GET", "HEAD"})
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
        self, definition: Definition, methods: Sequence[AuthMethod], inbound: Inbound
    ) -> Response:
        """Answer an application's request, or a person's browser."""
        if inbound.method in _PAGE_VERBS:
            return await self._page(definition, inbound.query_map.get("user_code", ""))
        if inbound.method != "POST":
            return sandbox_page("Not allowed", ["<h1>This address takes GET and POST</h1>"], status=405)
        form = first_values(inbound.form or ())
        if "user_code" in form:
            return await self._decided(definition, form, inbound)
        return to_response(await self._given_out(definition, methods[0], inbound))

    async def _given_out(self, definition: Definition, method: AuthMethod, inbound: Inbound) -> SandboxAnswer:
        oauth = oauth_of(method)
        switches = await self._switchboard.of(definition.integration, None)
        await self._clock.sleep(switches.delay_s)
        if switches.token_endpoint_down and await self._switchboard.struck(switches):
            return DOWN
        fields = rfc_names(oauth, first_values(inbound.fields))
        try:
            await self._proof.check(method, oauth, inbound, fields)
            scopes = _scopes(method, inbound, fields)
        except TokenRefusedError as refused:
            return token_refusal(oauth, refused)
        issued = await self._codes.issue(definition.integration, method.id, scopes)
        address = _own_address(inbound)
        body = {
            "device_code": issued.device_code,
            "user_code": issued.user_code,
            "verification_uri": address,
            "verification_uri_complete": f"{address}?user_code={quote(issued.user_code)}",
            "expires_in": LIFETIME_S,
            "interval": INTERVAL_S,
        }
        return SandboxAnswer(200, body, NO_STORE)

    async def _page(self, definition: Definition, user_code: str) -> Response:
        found = await self._codes.find(definition.integration, user_code)
        method = None if found is None else definition.auth_method(found.method)
        if found is None or method is None:
            return _entry(definition, user_code)
        return _question(definition, method, found, user_code)

    async def _decided(self, definition: Definition, form: dict[str, str], inbound: Inbound) -> Response:
        code = await self._codes.find(definition.integration, form["user_code"])
        method = None if code is None else definition.auth_method(code.method)
        if code is None or method is None or form.get("decision") not in {"allow", "deny"}:
            return await self._page(definition, form["user_code"])
        accounts = accounts_of(definition, method)
        account = next((one for one in accounts if str(one.number) == form.get("account")), accounts[0])
        ticked = {value for name, value in inbound.form or () if name == "scope"}
        scopes = tuple(scope for scope in code.scopes if scope in ticked)
        allowed = form["decision"] == "allow"
        if not await self._codes.decide(code, account if allowed else None, scopes):
            return _entry(definition, form["user_code"])
        title = "Allowed" if allowed else "Not allowed"
        return sandbox_page(
            title, [f"<h1>{title}</h1>", "<p>You can close this page and return to the device.</p>"]
        )


def _scopes(method: AuthMethod, inbound: Inbound, fields: Mapping[str, str]) -> tuple[str, ...]:
    if repeated(inbound.fields):
        raise TokenRefusedError("invalid_request", "A parameter stands there more than once.")
    scopes = requested_scopes(method, oauth_of(method), fields)
    if not is_requestable(method, scopes):
        raise TokenRefusedError("invalid_scope", "A scope is not one that this integration knows.")
    return scopes


def _entry(definition: Definition, typed: str) -> Response:
    title = f"Connect a device to {definition.name}"
    shown = text(typed[:_MAX_SHOWN_CHARS])
    content = [
        f"<h1>{text(title)}</h1>",
        *_whose(definition),
        "<p><strong>No device waits with this code.</strong></p>" if typed else "",
        '<form method="get"><fieldset><legend>Code on the device</legend>',
        '<input name="user_code" aria-label="Code on the device" autocomplete="off" required',
        f'autocapitalize="characters" maxlength="{_MAX_SHOWN_CHARS}" value="{shown}"></fieldset>',
        '<div class="acts"><button class="main">Continue</button></div></form>',
    ]
    return sandbox_page(title, content, status=404 if typed else 200, form_to="'self'")


def _question(definition: Definition, method: AuthMethod, code: Claims, typed: str) -> Response:
    title, shown = f"Allow access to {definition.name}?", text(typed[:_MAX_SHOWN_CHARS])
    content = [
        f"<h1>{text(title)}</h1>",
        *_whose(definition),
        f"<p>The device must show the code <code>{shown}</code>.</p>",
        f'<form method="post"><input type="hidden" name="user_code" value="{shown}">',
        *account_choice(definition, method),
        *scope_choice(method, code.scopes),
        '<div class="acts"><button class="main" name="decision" value="allow">Allow</button>',
        '<button name="decision" value="deny">Deny</button></div></form>',
    ]
    return sandbox_page(title, content, form_to="'self'")


def _whose(definition: Definition) -> Sequence[str]:
    name, version = text(definition.name), text(definition.version)
    return [
        f"<p>This is a simulation of <strong>{name}</strong> {version}.",
        "No real account is involved, and nothing is sent to the real one.</p>",
    ]


def _own_address(inbound: Inbound) -> str:
    """Return the sandbox's own address of the page; a caller that names no usable host gets the simulated one."""
    try:
        return parse_target(inbound.own_url).url
    except EgressRefusedError:
        return inbound.address.url
