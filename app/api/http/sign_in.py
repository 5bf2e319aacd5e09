"""``/sign-in``: redeems the one-time link that the hub prints, and signs out."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from app.api.http.cookies import SESSION, clear_cookie, read_cookie, set_cookie
from app.api.http.headers import NOT_STORED
from app.api.http.links import below
from app.api.http.pages import html_page
from app.api.identity import ip_hash_of, request_id_of
from app.hub import Hub

_SESSION_FOR_S: Final = 12 * 3_600
_MAX_CODE_CHARS: Final = 200


def sign_in_routes(hub: Hub) -> list[Route]:
    """Return the sign-in and sign-out routes."""

    async def sign_in(request: Request) -> Response:
        code = request.query_params.get("code", "")
        session = None
        if 0 < len(code) <= _MAX_CODE_CHARS:
            ip_hash = await ip_hash_of(hub, request)
            session = await hub.sign_in.redeem(code, request_id=request_id_of(request), ip_hash=ip_hash)
        if session is None:
            words = [
                "This sign-in link was already used, or it is older than ten minutes.",
                "The operator gets a new one with: patchbay sign-in",
            ]
            return html_page("The link does not work any more", words, status=400)
        address = below(request, "/graphiql" if hub.settings.graphiql_on else "/")
        response = RedirectResponse(address, status_code=303, headers=NOT_STORED)
        set_cookie(response, SESSION, session.token, hub.public_url, _SESSION_FOR_S)
        return response

    async def sign_out(request: Request) -> Response:
        session = read_cookie(request, SESSION, hub.public_url)
        if session is not None:
            ip_hash = await ip_hash_of(hub, request)
            await hub.sign_in.sign_out(session.reveal(), request_id=request_id_of(request), ip_hash=ip_hash)
        response = html_page("Signed out", ["You are signed out of this browser."])
        clear_cookie(response, SESSION, hub.public_url)
        return response

    return [
        Route("/sign-in", sign_in, methods=["GET"]),
        Route("/sign-out", sign_out, methods=["POST"]),
    ]
