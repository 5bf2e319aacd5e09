"""The front entrance: the ASGI application with its doors, and the server around it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import structlog
from prometheus_client import Counter, Histogram
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.graphiql.page import graphiql_routes
from app.api.graphql.endpoint import graphql_routes
from app.api.http.health import health_routes
from app.api.http.oauth import oauth_routes
from app.api.http.problem_docs import problem_docs_routes
from app.api.http.sign_in import sign_in_routes
from app.api.identity import signed_in
from app.foundation.ids import new_id
from app.hub import Hub
from app.sandbox.app import build_sandbox
from app.sandbox.state import MemoryState, RedisState, SandboxState

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


@asynccontextmanager
async def build_app(hub: Hub) -> AsyncIterator[ASGIApp]:
    """Yield the application with every door of ``hub``."""
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
            routes.append(Mount("/sandbox", app=await _sandbox(hub, stack)))
        yield AroundRequests(Starlette(routes=routes), hub)


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


class AroundRequests:
    """Gives every request the ORM context, a request id, a log line without its query, and its figures."""

    def __init__(self, app: ASGIApp, hub: Hub) -> None:
        self._app = app
        self._hub = hub
        self._figures: dict[tuple[str, int], tuple[Counter, Histogram]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        request_id = new_id("req")
        scope["patchbay.request_id"] = request_id
        with self._hub.database.bind(), structlog.contextvars.bound_contextvars(request_id=request_id):
            if scope["type"] == "http":
                await self._http(scope, receive, send, request_id)
            else:
                await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        began = self._hub.clock.monotonic()
        status = 500

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, note)
        finally:
            took_s = self._hub.clock.monotonic() - began
            door = _door(scope["path"])
            requests, seconds = self._figures.get((door, status)) or self._figures_of(door, status)
            requests.inc()
            seconds.observe(took_s)
            if _LOGGER.isEnabledFor(logging.INFO):
                # The path of a start or return door names an object, never its query: codes and states stay out.
                ms = round(took_s * 1_000, 1)
                _log.info("request", method=scope["method"], door=door, status=status, ms=ms)

    def _figures_of(self, door: str, status: int) -> tuple[Counter, Histogram]:
        metrics = self._hub.metrics
        found = metrics.requests.labels(door, str(status)), metrics.request_seconds.labels(door)
        self._figures[door, status] = found
        return found


def _door(path: str) -> str:
    return next((door for door in _DOORS if path == door or path.startswith(f"{door}/")), "other")
