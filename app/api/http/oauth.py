"""``/oauth/start/{authorization}`` and ``/oauth/return/{application}``: the browser's part of an authorization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from app.api.http.cookies import BROWSER, read_cookie, set_cookie
from app.api.http.headers import NOT_STORED
from app.api.http.pages import addressed
from app.api.http.popup import popup_page, still_page
from app.connections.snapshot import AuthorizationSnapshot, AuthorizationStateName
from app.foundation.charsets import form_pairs
from app.foundation.ids import new_token
from app.foundation.problems import Problem
from app.foundation.secret import Secret
from app.hub import Hub

_BROWSER_FOR_S: Final = 3_600
_MAX_BYTES: Final = 32_768
_MAX_PAIRS: Final = 1_000
_POPUP: Final = "POPUP"


def oauth_routes(hub: Hub) -> list[Route]:
    """Return the two routes; the return door takes GET and, for ``response_mode=form_post``, POST.

    The cookie that binds the browser is ``SameSite=Lax``, so that it comes along with addresses that are opened. A form
    that the provider's page posts brings it only as ``SameSite=None``, which browsers take under https alone
    (RFC 6265bis 5.7): a flow with ``response_mode=form_post`` gets it so.
    """

    async def start(request: Request) -> Response:
        browser = read_cookie(request, BROWSER, hub.public_url) or Secret(new_token())
        started = await hub.browser.start(request.path_params["authorization"], browser)
        if started.url is None:
            return _refused(hub, started.problem, None, started.authorization)
        response = RedirectResponse(started.url, status_code=303, headers=NOT_STORED)
        comes_by_post = ("response_mode", "form_post") in parse_qsl(urlsplit(started.url).query)
        set_cookie(response, BROWSER, browser, hub.public_url, _BROWSER_FOR_S, crosses_sites=comes_by_post)
        return response

    async def oauth_return(request: Request) -> Response:
        params = await _params(request)
        if params is None:
            return still_page(
                "The answer cannot be read", ["The address that the provider sent is not valid."], status=400
            )
        browser = read_cookie(request, BROWSER, hub.public_url)
        returned = await hub.browser.returned(request.path_params["application"], params, browser)
        if returned.authorization is None:
            return _refused(hub, returned.problem, returned.integration)
        return _answer(hub, returned.authorization, returned.integration)

    return [
        Route("/oauth/start/{authorization}", start, methods=["GET"]),
        Route("/oauth/return/{application}", oauth_return, methods=["GET", "POST"]),
    ]


async def _params(request: Request) -> list[tuple[str, str]] | None:
    """Return the parameters: bounded in their length together, as an address is, and in what reading them costs."""
    if request.method == "GET":
        query: bytes = request.scope["query_string"]
        return form_pairs(query, _MAX_PAIRS) if len(query) <= _MAX_BYTES else None
    if not _is_form(request):
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BYTES:
            return None
    return form_pairs(bytes(body), _MAX_PAIRS)


def _is_form(request: Request) -> bool:
    """Return whether the body is what ``response_mode=form_post`` sends (OAuth 2.0 Form Post Response Mode 2)."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return request.method == "POST" and media_type == "application/x-www-form-urlencoded"


def _answer(hub: Hub, authorization: AuthorizationSnapshot, integration: str | None) -> Response:
    if authorization.return_to is not None:
        # A clean address: neither code nor state goes on to the page that the flow returns to.
        outcome = urlencode({"authorization": authorization.id, "state": authorization.state.value})
        address = f"{authorization.return_to}{'&' if '?' in authorization.return_to else '?'}{outcome}"
        if address.startswith(f"{hub.public_url}/"):
            return RedirectResponse(address, status_code=303, headers=NOT_STORED)
        # A redirect to another origin would break on a provider's page whose form-action policy covers the whole
        # chain of redirects (CSP 3, 6.4.2); a page that goes on by itself does not belong to that chain.
        return still_page("Going back", ["You are returned to where you came from."], onward=address)
    name = integration or "The provider"
    if authorization.state is AuthorizationStateName.AUTHENTICATED:
        partly = [authorization.problem.message] if authorization.problem else []
        said = [*partly, "You can close this window and go back to where you came from."]
        return _page(hub, authorization, f"{name} is authorized", said)
    if authorization.state is AuthorizationStateName.AWAITING_INPUT:
        said = ["Close this window and choose an account where you came from."]
        return _page(hub, authorization, f"{name} needs one more step", said)
    return _refused(hub, authorization.problem, integration, authorization)


def _refused(
    hub: Hub,
    problem: Problem | None,
    integration: str | None,
    authorization: AuthorizationSnapshot | None = None,
) -> Response:
    title = f"{integration} was not authorized" if integration else "This did not work"
    if problem is None:
        said = ["The sign-in did not succeed. Start it again."]
        return _page(hub, authorization, title, said, status=400)
    steps = [addressed(step) for step in problem.remediation]
    page = f"{urlsplit(hub.public_url).path}/docs/problems/{problem.code.value}"
    link = (page, "What this means")
    said = [problem.message, *_in_its_words(problem)]
    return _page(hub, authorization, title, said, steps, status=400, link=link)


def _page(
    hub: Hub,
    authorization: AuthorizationSnapshot | None,
    title: str,
    paragraphs: Sequence[str],
    items: Sequence[str] = (),
    *,
    status: int = 200,
    link: tuple[str, str] | None = None,
) -> Response:
    """Return the page that ends a sign-in: one that was opened as a popup notifies its opener and closes itself."""
    if authorization is None or authorization.presentation != _POPUP:
        return still_page(title, paragraphs, items, status=status, link=link)
    return popup_page(
        title,
        paragraphs,
        items,
        authorization=authorization,
        origins=hub.return_origins,
        status=status,
        link=link,
    )


def _in_its_words(problem: Problem) -> list[str]:
    """Return what the provider itself said, where it said something."""
    status, words = problem.details.get("providerStatus"), problem.details.get("providerDetail")
    heard = f" (HTTP {status})" if status else ""
    wait = f" It asks to wait {problem.retry_after_s:g} seconds." if problem.retry_after_s else ""
    return [f"The provider said: “{words}”{heard}.{wait}"] if words else [wait.strip()] if wait else []
