"""The front entrance: the ASGI application with its doors, and the server around it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import structlog
from prometheus_client import Counter, Histogram
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.graphiql.page import graphiql_routes
from app.api.graphql.endpoint import graphql_routes
from app.api.http.health import health_routes
from app.api.http.links import below
from app.api.http.oauth import oauth_routes
from app.api.http.pages import storage_is_away
from app.api.http.problem_docs import problem_docs_routes
from app.api.http.sign_in import sign_in_routes
from app.api.identity import signed_in
from app.api.open_requests import OpenRequests
from app.foundation.errors import StorageBusyError
from app.foundation.ids import new_id
from app.hub import Hub
from app.sandbox.app import build_sandbox
from app.sandbox.state import MemoryState, RedisState, SandboxState
from app.settings import SettingsError

_LOGGER: Final = logging.getLogger("patchbay.access")
_log = structlog.get_logger(_LOGGER.name)
_DOORS: Final = (
    "/graphql",
    "/graphiql",
    "/oauth",
    "/sandbox",
    "/hooks",
    "/docs",
    "/healthz",
    "/readyz",
    "/metrics",
)
_CLIENT_GONE: Final = 499  # for the figures alone: nobody receives it
_SHUTTING_DOWN: Final = PlainTextResponse(
    "The hub is shutting down. Send the request again.\n", 503, {"Retry-After": "1", "Connection": "close"}
)


@asynccontextmanager
async def build_app(hub: Hub) -> AsyncIterator[AroundRequests]:
    """Yield the application with every door of ``hub``.

    Raises:
        SettingsError: the path of the public address is that of a door.
    """
    _check_public_path(hub.settings.public_path)
    routes: list[BaseRoute] = [
        *graphql_routes(hub),
        *oauth_routes(hub),
        *sign_in_routes(hub),
        *health_routes(hub),
        *problem_docs_routes(hub.catalog),
    ]
    if hub.settings.graphiql_on:
        routes += graphiql_routes(lambda request: signed_in(hub, request))
    async with AsyncExitStack() as stack:
        if hub.settings.sandbox_on:
            routes += [Mount("/sandbox", app=await _sandbox(hub, stack)), Route("/sandbox", _with_slash)]
        routes.append(Route("/{door}/", _without_slash))
        handlers = {StorageBusyError: storage_is_away}
        application = Starlette(routes=routes, exception_handlers=handlers)
        # It would name the scheme that the proxy speaks with the hub, not the public one.
        application.router.redirect_slashes = False
        yield AroundRequests(application, hub)


def _check_public_path(begin: str) -> None:
    # A proxy may take the path away or leave it: "/graphql" must not mean both the door and the hub below a path.
    if any(begin == door or begin.startswith(f"{door}/") for door in (*_DOORS, "/sign-in", "/sign-out")):
        raise SettingsError(
            ["PATCHBAY_PUBLIC_URL: its path is one of the hub's own; choose another, such as /hub"]
        )


async def _with_slash(request: Request) -> Response:
    return RedirectResponse(below(request, "/sandbox/"), status_code=307)


async def _sandbox(hub: Hub, stack: AsyncExitStack) -> ASGIApp:
    """Return the simulated outside; its tokens outlive a restart, and all web processes share what was used up."""
    state: SandboxState = MemoryState(hub.clock)
    if hub.settings.redis is not None:
        from redis.asyncio import Redis

        from app.foundation.reconnect import redis_retry

        redis = Redis.from_url(hub.settings.redis, retry=redis_retry())
        stack.push_async_callback(redis.aclose)
        state = RedisState(redis)
    secret = await hub.vault.system_key("sandbox/v1")
    return build_sandbox(hub.catalog, secret=secret, state=state, clock=hub.clock)


async def _without_slash(request: Request) -> Response:
    door = f"/{request.path_params['door']}"
    if door not in _DOORS or door == "/sandbox":  # which has a slash, where it is served at all
        return PlainTextResponse("Not Found", status_code=404)
    return RedirectResponse(below(request, door), status_code=307)


class AroundRequests:
    """Gives every request the ORM context, a request id, a log line without its query, and its figures."""

    def __init__(self, app: ASGIApp, hub: Hub) -> None:
        self._app = app
        self._hub = hub
        self._figures: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self._public_path = hub.settings.public_path
        self.open_requests = OpenRequests()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        scope = self._below_public_path(scope)
        request_id = new_id("req")
        scope["patchbay.request_id"] = request_id
        with self._hub.database.bind(), structlog.contextvars.bound_contextvars(request_id=request_id):
            if scope["type"] == "http":
                await self._http(scope, receive, send, request_id)
            else:
                with self.open_requests.opened(receive):
                    await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        began = self._hub.clock.monotonic()
        status, is_begun = 500, False

        async def note(message: Message) -> None:
            nonlocal status, is_begun
            if message["type"] == "http.response.start":
                is_begun = True
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
            try:
                await send(message)
            except RuntimeError:  # the server writes to a connection that its end has cut off
                if not self.open_requests.are_ended:
                    raise
                raise ClientDisconnect from None

        try:
            with self.open_requests.opened(receive) as request:
                try:
                    await self._app(scope, request.receive, note)
                except ClientDisconnect:
                    status = _CLIENT_GONE
            if request.is_cut and not is_begun:
                await _SHUTTING_DOWN(scope, receive, note)
        finally:
            took_s = self._hub.clock.monotonic() - began
            door = _door(scope["path"].removeprefix(self._public_path))
            requests, seconds = self._figures.get((door, status)) or self._figures_of(door, status)
            requests.inc()
            seconds.observe(took_s)
            if _LOGGER.isEnabledFor(logging.INFO):
                # The path of a start or return door names an object, never its query: codes and states stay out.
                ms = round(took_s * 1_000, 1)
                _log.info("request", method=scope["method"], door=door, status=status, ms=ms)

    def _below_public_path(self, scope: Scope) -> Scope:
        """Return the scope with the path that browsers see, whether or not a proxy in front has taken its begin away.

        ``root_path`` is that begin (ASGI, HTTP connection scope), so that pages can link to each other.
        """
        begin, path = self._public_path, scope["path"]
        if not begin:
            return scope
        if path == begin or path.startswith(f"{begin}/"):
            return {**scope, "root_path": begin, "path": f"{begin}/" if path == begin else path}
        raw_path = scope.get("raw_path")
        return {
            **scope,
            "root_path": begin,
            "path": begin + path,
            "raw_path": begin.encode() + raw_path if raw_path is not None else None,
        }

    def _figures_of(self, door: str, status: int) -> tuple[Counter, Histogram]:
        metrics = self._hub.metrics
        found = metrics.requests.labels(door, str(status)), metrics.request_seconds.labels(door)
        self._figures[door, status] = found
        return found


def _door(path: str) -> str:
    return next((door for door in _DOORS if path == door or path.startswith(f"{door}/")), "other")
