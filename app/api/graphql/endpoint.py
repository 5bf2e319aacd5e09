"""The mount: /graphql over HTTP, server-sent events and websockets, with guards in front of the parser."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Final

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from app.api.graphql.context import RequestContext
from app.api.graphql.cors import preflight, shared
from app.api.graphql.frames import SUBPROTOCOL, CloseCode, CloseError
from app.api.graphql.http_answer import MediaType, answer, preferred, with_validator
from app.api.graphql.http_request import RequestRefusedError, check_head, read_operation
from app.api.graphql.operations import EVERYTHING, NO_CHANGES, ONE_ANSWER, READ_ONLY, Operations
from app.api.graphql.schema import NODE_LOADERS, build_schema
from app.api.graphql.sse import EventStreamResponse
from app.api.graphql.timeouts import TransportTimeouts
from app.api.graphql.top_level import Code, refusal
from app.api.graphql.websocket import Socket, close
from app.api.http.cookies import BROWSER, read_cookie
from app.api.identity import identify, is_allowed_origin, request_id_of
from app.foundation.errors import StorageBusyError

if TYPE_CHECKING:
    from app.hub import Hub

PATH: Final = "/graphql"
_log = structlog.get_logger("patchbay.graphql")


def graphql_routes(hub: Hub, timeouts: TransportTimeouts | None = None) -> list[BaseRoute]:
    """Return the routes of the GraphQL door."""
    operations = Operations(hub, build_schema(), NODE_LOADERS)
    times = timeouts or TransportTimeouts()
    return [
        Route(PATH, HttpDoor(hub, operations, times)),
        WebSocketRoute(PATH, SocketDoor(hub, operations, times)),
    ]


class HttpDoor:
    """Answers operations over HTTP. Whatever comes in, the answer is JSON and never a fault of the parser."""

    def __init__(self, hub: Hub, operations: Operations, timeouts: TransportTimeouts) -> None:
        self._hub = hub
        self._operations = operations
        self._timeouts = timeouts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        if request.method == "OPTIONS":
            response = preflight(self._hub, request)
        else:
            response = await self._respond(request)
            shared(self._hub, request, response)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        request_id = request_id_of(request)
        media_type = preferred(request.headers.get("accept"))
        try:
            return await self._operate(request, _acceptable(media_type), request_id)
        except RequestRefusedError as fault:
            body = refusal(fault.code, fault.message, request_id)
            status, headers = fault.status, fault.headers
        except StorageBusyError as fault:
            wait_s = fault.retry_after_s
            body = refusal(Code.UNAVAILABLE, fault.problem.message, request_id, wait_s)
            status, headers = 503, {"retry-after": str(ceil(wait_s))}
        except Exception as fault:  # noqa: BLE001 - the last guard: nothing of it may reach the client
            _log.error("request failed", request_id=request_id, fault=type(fault).__name__)
            body = refusal(Code.INTERNAL, "Something failed on our side.", request_id)
            status, headers = 500, {}
        return answer(body, media_type or MediaType.JSON, status=status, headers=headers)

    async def _operate(self, request: Request, media_type: MediaType, request_id: str) -> Response:
        check_head(request)
        context = await self._context(
            request, request_id
        )  # before the body: strangers get little of our memory
        operation = await read_operation(request, signed_in=context.signed_in is not None)
        if media_type is MediaType.STREAM:
            allowed = NO_CHANGES if request.method == "GET" else EVERYTHING
            answers = self._operations.stream(operation, context, allowed)
            return EventStreamResponse(answers, context.guard, self._timeouts)
        allowed = READ_ONLY if request.method == "GET" else ONE_ANSWER
        result = await self._operations.run(operation, context, allowed)
        status = 400 if result.is_refused and media_type is MediaType.GRAPHQL else 200
        response = answer(result.to_json(), media_type, status=status)
        is_cacheable = request.method == "GET" and not result.errors
        return with_validator(response, request) if is_cacheable else response

    async def _context(self, request: Request, request_id: str) -> RequestContext:
        found = await identify(self._hub, request)
        if found.is_refused:
            headers = {"www-authenticate": 'Bearer error="invalid_token"'}
            raise RequestRefusedError(401, Code.UNAUTHENTICATED, "The access token is not valid.", headers)
        browser = read_cookie(request, BROWSER, self._hub.public_url) if found.actor else None
        return self._operations.context(found.actor, request_id, browser)


class SocketDoor:
    """Judges handshakes; what is accepted goes to a :class:`Socket`."""

    def __init__(self, hub: Hub, operations: Operations, timeouts: TransportTimeouts) -> None:
        self._hub = hub
        self._operations = operations
        self._timeouts = timeouts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one handshake and what follows."""
        websocket = WebSocket(scope, receive, send)
        origin = websocket.headers.get("origin")
        if origin is not None and not is_allowed_origin(self._hub, websocket, origin):
            await websocket.close(code=1008)  # before it is accepted: the handshake is answered with 403
            return
        if SUBPROTOCOL not in scope["subprotocols"]:
            await websocket.accept()
            fault = CloseError(CloseCode.BAD_SUBPROTOCOL, "Subprotocol not acceptable")
            await close(websocket, fault, self._timeouts)
            return
        await Socket(self._hub, self._operations, websocket, self._timeouts).serve()


def _acceptable(media_type: MediaType | None) -> MediaType:
    if media_type is None:
        message = "The answer is application/graphql-response+json or application/json."
        raise RequestRefusedError(406, Code.BAD_REQUEST, message)
    return media_type
