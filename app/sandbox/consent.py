"""The authorization endpoint: a consent page in the provider's stead, and the person's decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import SplitResult

from starlette.responses import RedirectResponse, Response

from app.catalog.definition import AuthMethod, Definition, OAuth2
from app.foundation.clock import Clock
from app.foundation.ids import new_token
from app.sandbox.accounts import Account, accounts_of
from app.sandbox.application import CLIENT_ID, is_loopback, return_address
from app.sandbox.authorization_request import (
    AuthorizationRefusedError,
    AuthorizationRequest,
    checked_request,
    oauth_of,
    requested_method,
    rfc_names,
)
from app.sandbox.callback import return_url
from app.sandbox.consent_page import consent_page
from app.sandbox.inbound import Inbound, first_values, repeated
from app.sandbox.page import sandbox_page, text
from app.sandbox.switches import Switchboard
from app.sandbox.tokens import Claims, Kind, Seal, text_hash

CODE_LIFETIME_S: Final = 300
_REDIRECT_URIS: Final = "The redirect URI must be one absolute https address, or http on this machine."


class Consent:
    """Shows who asks for what, and sends the browser back with a code or ``access_denied``.

    An error goes back to the application by itself only where the address is this machine's or the sandbox's
    own; to any other address the person is sent by a click: the sandbox is no open redirector (RFC 9700
    4.11).
    """

    def __init__(self, seal: Seal, switchboard: Switchboard, clock: Clock) -> None:
        self._seal = seal
        self._switchboard = switchboard
        self._clock = clock

    async def answer(
        self, definition: Definition, methods: Sequence[AuthMethod], inbound: Inbound
    ) -> Response:
        """Answer ``GET`` with the page and ``POST`` with the redirect that the person decided on."""
        given = first_values(inbound.query)
        method = requested_method(methods, given)
        oauth = oauth_of(method)
        params = rfc_names(oauth, given)
        address = return_address(params.get("redirect_uri", ""))
        if params.get("client_id") != CLIENT_ID:
            return _stop("This application is not known here", f"The one client id here is {CLIENT_ID}.")
        if address is None or repeated(inbound.query):
            return _stop("The application cannot be answered", _REDIRECT_URIS)
        try:
            request = checked_request(definition, method, oauth, inbound, address)
        except AuthorizationRefusedError as refused:
            return _sent_back(oauth, inbound, address, refused)
        if inbound.method == "POST":
            return await self._decided(request, inbound)
        return consent_page(request)

    async def _decided(self, request: AuthorizationRequest, inbound: Inbound) -> Response:
        form = inbound.form or ()
        decision = first_values(form)
        if decision.get("decision") == "deny":
            params = {"error": "access_denied", "error_description": "The person did not allow it."}
        elif decision.get("decision") == "allow":
            chosen = {value for name, value in form if name == "scope"}
            granted = tuple(scope for scope in request.scopes if scope in chosen)
            params = {"code": await self._code(request, granted, _account(request, decision))}
        else:
            return consent_page(request)
        return _redirect(request.oauth, request.host, request.address, params, request.state)

    async def _code(self, request: AuthorizationRequest, granted: tuple[str, ...], account: Account) -> str:
        integration = request.definition.integration
        epochs = await self._switchboard.epochs(integration, account.id)
        return self._seal.issue(
            Claims(
                kind=Kind.CODE,
                integration=integration,
                method=request.method.id,
                family=new_token(128),
                generation=0,
                account=account.number,
                subject=account.id,
                scopes=granted,
                expires_at=int(self._clock.now().timestamp()) + CODE_LIFETIME_S,
                expiry_epoch=epochs.expiry,
                revocation_epoch=epochs.revocation,
                return_hash=text_hash(request.redirect_uri),
                challenge=request.challenge,
            )
        )


def _account(request: AuthorizationRequest, decision: Mapping[str, str]) -> Account:
    accounts = accounts_of(request.definition, request.method)
    return next((one for one in accounts if str(one.number) == decision.get("account")), accounts[0])


def _redirect(
    oauth: OAuth2, host: str, address: SplitResult, params: Mapping[str, str], state: str | None
) -> Response:
    returned = {**params, **({} if state is None else {"state": state})}
    headers = {"cache-control": "no-store", "referrer-policy": "no-referrer"}
    return RedirectResponse(return_url(address, oauth, host, returned), 303, headers)


def _sent_back(
    oauth: OAuth2, inbound: Inbound, address: SplitResult, refused: AuthorizationRefusedError
) -> Response:
    returned = {"error": refused.code, "error_description": refused.description}
    redirect = _redirect(oauth, inbound.address.host, address, returned, inbound.query_map.get("state"))
    if is_loopback(address) or address.netloc == inbound.headers.get("host"):
        return redirect
    link = f'<a class="button main" rel="noreferrer" href="{text(redirect.headers["location"])}">'
    content = [
        "<h1>The request was refused</h1>",
        f"<p><code>{text(refused.code)}</code>: {text(refused.description)}</p>",
        f'<div class="acts">{link}Back to the application</a></div>',
    ]
    return sandbox_page("The request was refused", content, status=400)


def _stop(title: str, why: str) -> Response:
    return sandbox_page(title, [f"<h1>{text(title)}</h1>", f"<p>{text(why)}</p>"], status=400)
