"""GraphQL over server-sent events, in distinct-connections mode: one operation, one response."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Final, NoReturn

import orjson
import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.api.graphql.access_watch import access_ends
from app.api.graphql.operations import OperationResult
from app.api.graphql.timeouts import TransportTimeouts

_log = structlog.get_logger("patchbay.graphql")
_HEADERS: Final = {
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
    "x-content-type-options": "nosniff",
}


class _EndedError(Exception):
    """The response is over, for whichever reason."""


class EventStreamResponse(Response):
    """Streams answers until they end, the client goes, access is revoked or a send stalls.

    A stream that is cut off has no ``complete`` event: the client comes back with its last cursor.
    """

    def __init__(
        self,
        answers: AsyncGenerator[OperationResult, None],
        may_continue: Callable[[], Awaitable[bool]],
        timeouts: TransportTimeouts,
    ) -> None:
        super().__init__(status_code=200, headers=_HEADERS, media_type="text/event-stream; charset=utf-8")
        del self.headers["content-length"]
        self._answers = answers
        self._may_continue = may_continue
        self._timeouts = timeouts
        self._sending = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream."""
        del scope
        async with aclosing(self._answers):
            with contextlib.suppress(_EndedError):
                await self._stream(receive, send)

    async def _stream(self, receive: Receive, send: Send) -> None:
        head = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        await self._send(send, head)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_watch(receive))
                group.create_task(self._beat(send))
                group.create_task(self._revalidate())
                await self._pump(send)
                _end()
        except* _EndedError:
            pass
        except* Exception as faults:  # noqa: BLE001 - nothing of it may reach the client, nor its text the log
            _log.error("stream failed", faults=[type(fault).__name__ for fault in faults.exceptions])
        with contextlib.suppress(_EndedError):
            await self._send(send, {"type": "http.response.body", "body": b"", "more_body": False})

    async def _pump(self, send: Send) -> None:
        async for answer in self._answers:
            await self._write(send, b"event: next\ndata: " + orjson.dumps(answer.to_json()) + b"\n\n")
        await self._write(send, b"event: complete\ndata: \n\n")

    async def _beat(self, send: Send) -> None:
        while True:
            await asyncio.sleep(self._timeouts.heartbeat_s)
            await self._write(send, b":\n\n")

    async def _revalidate(self) -> None:
        await access_ends(self._may_continue, self._timeouts.revalidate_s)
        raise _EndedError

    async def _write(self, send: Send, chunk: bytes) -> None:
        async with self._sending:
            await self._send(send, {"type": "http.response.body", "body": chunk, "more_body": True})

    async def _send(self, send: Send, message: dict[str, object]) -> None:
        try:
            async with asyncio.timeout(self._timeouts.send_s):
                await send(message)
        except (TimeoutError, OSError):
            raise _EndedError from None


async def _watch(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    raise _EndedError


def _end() -> NoReturn:
    raise _EndedError
