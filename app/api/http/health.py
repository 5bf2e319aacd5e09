"""``/healthz`` (the process lives), ``/readyz`` (it can work), ``/metrics`` (its figures) and the front page."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from app.api.http.links import below
from app.hub import Hub

_TIMEOUT_S: Final = 3.0
_METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


def health_routes(hub: Hub) -> list[Route]:
    """Return the routes for monitoring; they disclose nothing about tenants."""

    async def healthz(request: Request) -> Response:
        del request
        return JSONResponse({"status": "ok", "version": hub.version})

    async def readyz(request: Request) -> Response:
        del request
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                await hub.database.installation_id()
        except Exception:  # noqa: BLE001 - whatever is wrong with the database, the answer is "not ready"
            return JSONResponse({"status": "unavailable", "database": "unreachable"}, status_code=503)
        return JSONResponse({"status": "ready", "database": "ok"})

    async def metrics(request: Request) -> Response:
        del request
        return Response(hub.metrics.render(), media_type=_METRICS_TYPE)

    async def front(request: Request) -> Response:
        page = "/graphiql" if hub.settings.graphiql_on else "/healthz"
        return RedirectResponse(below(request, page), status_code=307)

    return [
        Route("/healthz", healthz, methods=["GET"]),
        Route("/readyz", readyz, methods=["GET"]),
        Route("/metrics", metrics, methods=["GET"]),
        Route("/", front, methods=["GET"]),
    ]
