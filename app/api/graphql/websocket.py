"""One websocket that speaks graphql-transport-ws: messages, operations, and every way it can end."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

import orjson
import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from app.access.actor import Actor
from app.api.graphql.access_watch import Ending, access_ends
from app.api.graphql.frames import (
    SUBPROTOCOL,
    CloseCode,
    CloseError,
    Complete,
    Frame,
    Init,
    Ping,
    Subscribe,
    read_frame,
)
from app.api.graphql.limits import (
    FRAME_BURST,
    FRAMES_PER_S,
    MAX_FRAME_BYTES,
    MAX_OPERATIONS_PER_SOCKET,
    SIGNED_OUT_FRAME_BYTES,
)
from app.api.graphql.operations import Operations
from app.api.graphql.timeouts import TransportTimeouts
from app.api.graphql.top_level import Code, WireError
from app.api.http.cookies import BROWSER, read_cookie
from app.api.identity import actor_of_header, identify
from app.foundation.errors import StorageBusyError
from app.foundation.ids import new_id

if TYPE_CHECKING:
    from app.hub import Hub

SIGNED_IN: Final = "patchbay.signed_in"
"""The extension of the scope with which a server learns that the client of a websocket has signed in."""
_log = structlog.get_logger("patchbay.graphql")


class _GoneError(Exception):
    """The client is gone; there is nobody to answer."""


class Socket:
    """Serves one websocket until it ends. Every refusal has the protocol's code and a constant reason."""

    def __init__(
        self, hub: Hub, operations: Operations, websocket: WebSocket, timeouts: TransportTimeouts
    ) -> None:
        self._hub = hub
        self._operations = operations
        self._websocket = websocket
        self._timeouts = timeouts
        self._sending = asyncio.Lock()
        self._initialised = asyncio.Event()
        self._actor: Actor | None = None
        self._running: dict[str, asyncio.Task[None]] = {}
        self._allowance = float(FRAME_BURST)
        self._counted_at = hub.clock.monotonic()

    async def serve(self) -> None:
        """Speak with the client until one of the two has enough."""
        await self._websocket.accept(subprotocol=SUBPROTOCOL)
        ended: CloseError | None = None
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._await_init())
                group.create_task(self._revalidate())
                await self._read(group)
        except* _GoneError:
            pass
        except* CloseError as faults:
            ended = next(fault for fault in faults.exceptions if isinstance(fault, CloseError))
        if ended is not None:
            await close(self._websocket, ended, self._timeouts)

    # -- what the client says

    async def _read(self, group: asyncio.TaskGroup) -> None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                raise _GoneError
            self._count()
            limit = SIGNED_OUT_FRAME_BYTES if self._actor is None else MAX_FRAME_BYTES
            await self._handle(read_frame(message.get("text"), limit), group)

    async def _handle(self, frame: Frame, group: asyncio.TaskGroup) -> None:
        match frame:
            case Init():
                await self._init(frame)
            case Ping():
                await self._send({"type": "pong"})
            case Subscribe():
                await self._subscribe(frame, group)
            case Complete():
                task = self._running.pop(frame.id, None)
                if task is not None:
                    task.cancel()

    async def _init(self, frame: Init) -> None:
        if self._initialised.is_set():
            raise CloseError(CloseCode.TOO_MANY, "Too many initialisation requests")
        self._initialised.set()
        try:
            if frame.authorization is not None:
                self._actor = await actor_of_header(self._hub, self._websocket, frame.authorization)
            else:
                self._actor = (await identify(self._hub, self._websocket)).actor
        except StorageBusyError:
            raise CloseError(CloseCode.TRY_AGAIN_LATER, "Try again later") from None
        if self._actor is None:
            raise CloseError(CloseCode.FORBIDDEN, "Forbidden")
        server = self._websocket.scope.get("extensions", {}).get(SIGNED_IN)
        if server is not None:  # one that takes little of a stranger
            server["allow"]()
        await self._send({"type": "connection_ack"})

    async def _subscribe(self, frame: Subscribe, group: asyncio.TaskGroup) -> None:
        if self._actor is None:
            raise CloseError(CloseCode.UNAUTHORIZED, "Unauthorized")
        if frame.id in self._running:
            raise CloseError(CloseCode.DUPLICATE_ID, "An operation with this id is running")
        request_id = new_id("req")
        if frame.refusal is not None:
            await self._refuse(frame.id, frame.refusal.code, frame.refusal.message, request_id)
        elif len(self._running) >= MAX_OPERATIONS_PER_SOCKET:
            message = f"Too many operations on this socket; {MAX_OPERATIONS_PER_SOCKET} are allowed."
            await self._refuse(frame.id, Code.QUOTA_EXCEEDED, message, request_id)
        else:
            self._running[frame.id] = group.create_task(self._operate(frame, self._actor, request_id))

    # -- operations

    async def _operate(self, frame: Subscribe, actor: Actor, request_id: str) -> None:
        try:
            is_complete = await self._answers(frame, actor, request_id)
            self._forget(frame.id)
            if is_complete:
                await self._send({"type": "complete", "id": frame.id})
        except (CloseError, _GoneError):
            raise
        except Exception as fault:  # noqa: BLE001 - whatever fails in one operation must not end the others
            _log.error("operation failed", request_id=request_id, fault=type(fault).__name__)
            self._forget(frame.id)
            await self._refuse(frame.id, Code.INTERNAL, "Something failed on our side.", request_id)
        finally:
            self._forget(frame.id)

    async def _answers(self, frame: Subscribe, actor: Actor, request_id: str) -> bool:
        """Send the operation's answers; return False where it was refused, which also completes it."""
        browser = read_cookie(self._websocket, BROWSER, self._hub.public_url)
        context = self._operations.context(actor, request_id, browser)
        if frame.operation is None:
            return False
        async with aclosing(self._operations.stream(frame.operation, context)) as answers:
            async for answer in answers:
                if answer.is_refused:
                    self._forget(frame.id)
                    await self._send({"type": "error", "id": frame.id, "payload": answer.errors_json()})
                    return False
                await self._send({"type": "next", "id": frame.id, "payload": answer.to_json()})
        return True

    async def _refuse(self, id_: str, code: Code, message: str, request_id: str) -> None:
        error = WireError(code, message, request_id).to_json()
        await self._send({"type": "error", "id": id_, "payload": [error]})

    def _forget(self, id_: str) -> None:
        # An id is free again before the client hears of the end. It may already belong to another operation.
        if self._running.get(id_) is asyncio.current_task():
            del self._running[id_]

    # -- watching

    async def _await_init(self) -> None:
        try:
            async with asyncio.timeout(self._timeouts.init_s):
                await self._initialised.wait()
        except TimeoutError:
            raise CloseError(CloseCode.INIT_TIMEOUT, "Connection initialisation timeout") from None

    async def _revalidate(self) -> None:
        ending = await access_ends(self._may_continue, self._timeouts.revalidate_s)
        if ending is Ending.REVOKED:
            raise CloseError(CloseCode.FORBIDDEN, "Access was revoked")
        raise CloseError(CloseCode.INTERNAL, "Access could not be checked")

    async def _may_continue(self) -> bool:
        session = self._actor.session_id if self._actor else None
        return session is None or await self._hub.sign_in.still_valid(session)

    def _count(self) -> None:
        now = self._hub.clock.monotonic()
        self._allowance = min(self._allowance + (now - self._counted_at) * FRAMES_PER_S, float(FRAME_BURST))
        self._counted_at = now
        self._allowance -= 1
        if self._allowance < 0:
            raise CloseError(CloseCode.TOO_MANY, "Too many messages")

    async def _send(self, message: dict[str, Any]) -> None:
        text = orjson.dumps(message).decode()
        async with self._sending:
            try:
                async with asyncio.timeout(self._timeouts.send_s):
                    await self._websocket.send_text(text)
            except TimeoutError:
                raise CloseError(CloseCode.SLOW_CONSUMER, "Slow consumer") from None
            except (WebSocketDisconnect, OSError, RuntimeError):
                raise _GoneError from None


async def close(websocket: WebSocket, fault: CloseError, timeouts: TransportTimeouts) -> None:
    """Close a websocket; one whose client takes nothing is left to the server to cut off."""
    with contextlib.suppress(TimeoutError, WebSocketDisconnect, OSError, RuntimeError):
        async with asyncio.timeout(timeouts.close_s):
            await websocket.close(code=int(fault.code), reason=fault.reason)
