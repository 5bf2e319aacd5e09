"""The authorization endpoint: a consent page in the provider's stead, and the person's decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.responses import RedirectResponse, Response

from app.catalog.definition import Definition
from app.sandbox.accounts import Account
from app.sandbox.application import CLIENT_ID, is_loopback, return_address
from app.sandbox.authorization_request import (
    AuthorizationRequest,
    checked_scopes,
    oauth_of,
    requested_method,
    rfc_names,
)
from app.sandbox.callback import redirect, returned_values
from app.sandbox.consent_page import read_decision, returning_page
from app.sandbox.inbound import Inbound, repeated
from app.sandbox.ledger import Ledger
from app.sandbox.page import notice_page, sandbox_page, text
from app.sandbox.routing import RouteTarget
from app.sandbox.tokens import Claims, Kind, text_hash
from app.sandbox.wording import OAuth2RefusedError

CODE_LIFETIME_S: Final = 300
_REDIRECT_URIS: Final = "The redirect URI must be one absolute https address, or http on this machine."


class Consent:
    """Shows who asks for what, and sends the browser back with a code or ``access_denied``.

    An error goes back to the application by itself only where the address is this machine's or the sandbox's
    own; to any other address the person is sent by a click: the sandbox is no open redirector (RFC 9700
    4.11).
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def answer(self, definition: Definition, target: RouteTarget, inbound: Inbound) -> Response:
        """Answer ``GET`` with the page and ``POST`` with the redirect that the person decided on."""
        method = requested_method(target.auth, inbound.query_map)
        oauth = oauth_of(method)
        params = rfc_names(oauth, inbound.query)
        address = return_address(params.get("redirect_uri", ""))
        if params.get("client_id") != CLIENT_ID:
            return notice_page(
                "This application is not known here", f"The one client id here is {CLIENT_ID}."
            )
        if address is None or repeated(inbound.query):
            return notice_page("The application cannot be answered", _REDIRECT_URIS)
        request = AuthorizationRequest(definition, method, oauth, inbound.address.host, address, params)
        try:
            scopes = checked_scopes(request)
        except OAuth2RefusedError as refused:
            return _sent_back(request, inbound, refused)
        form = (inbound.form or ()) if inbound.method == "POST" else ()
        decision = read_decision(definition, method, scopes, form)
        if decision is None:
            return returning_page(definition, method, address, scopes)
        if decision.account is None:
            return _returned(request, _error("access_denied", "The person did not allow it."))
        return _returned(request, {"code": await self._code(request, decision.account, decision.scopes)})

    async def _code(self, request: AuthorizationRequest, account: Account, granted: tuple[str, ...]) -> str:
        claims = Claims(
            Kind.CODE,
            request.definition.integration,
            request.method.id,
            account=account.number,
            subject=account.id,
            scopes=granted,
            return_hash=text_hash(request.params["redirect_uri"]),
            challenge=request.params.get("code_challenge", ""),
        )
        return await self._ledger.issue(claims, CODE_LIFETIME_S)


def _error(code: str, description: str) -> dict[str, str]:
    return {"error": code, "error_description": description}


def _returned(request: AuthorizationRequest, values: Mapping[str, str]) -> RedirectResponse:
    state = {"state": request.params["state"]} if "state" in request.params else {}
    return redirect(request.address, returned_values(request.oauth, request.host, {**values, **state}))


def _sent_back(request: AuthorizationRequest, inbound: Inbound, refused: OAuth2RefusedError) -> Response:
    returned = _returned(request, _error(refused.code, refused.description))
    if is_loopback(request.address) or request.address.netloc == inbound.headers.get("host"):
        return returned
    link = f'<a class="button main" rel="noreferrer" href="{text(returned.headers["location"])}">'
    content = [
        "<h1>The request was refused</h1>",
        f"<p><code>{text(refused.code)}</code>: {text(refused.description)}</p>",
        f'<div class="acts">{link}Back to the application</a></div>',
    ]
    return sandbox_page("The request was refused", content, status=400)
