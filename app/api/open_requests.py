"""Requests that are open when the process is to end: streams end at once, everything else after a moment."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from starlette.types import Message, Receive

_GONE: Final[Message] = {"type": "http.disconnect"}


class OpenRequests:
    """Knows every open request and websocket of this process, and ends them without a traceback."""

    def __init__(self) -> None:
        self._open: dict[OpenRequest, asyncio.Task[object]] = {}
        self._is_ending = False
        self.are_ended = False

    @contextmanager
    def opened(self, receive: Receive) -> Iterator[OpenRequest]:
        """Count the present task's request as open while the block runs; ``is_cut`` says afterwards if it was ended."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a request is served by a task")
        request = OpenRequest(receive, is_ending=self._is_ending)
        self._open[request] = task
        try:
            yield request
        except asyncio.CancelledError:
            if not request.is_cut or task.uncancel() > 0:
                raise
        finally:
            del self._open[request]

    def end_streams(self) -> None:
        """End every response that only waits for its client to go, and every one that begins to from now on."""
        self._is_ending = True
        for request in self._open:
            request.end_stream()

    def end_all(self) -> None:
        """End every request, whatever it waits for."""
        self.are_ended = True
        for request in self._open:
            request.is_cut = True
        for task in set(self._open.values()):
            task.cancel()


class OpenRequest:
    """One open request; its ``receive`` says that the client is gone when a stream is to end."""

    def __init__(self, receive: Receive, *, is_ending: bool) -> None:
        self.is_cut = False
        self._receive = receive
        self._is_ending = is_ending
        self._has_body = False
        self._waiting: asyncio.Task[object] | None = None

    async def receive(self) -> Message:
        """Return the next message of the client, as ASGI's ``receive``."""
        if self._is_ending and self._has_body:
            return _GONE
        self._waiting = task = asyncio.current_task()
        try:
            message = await self._receive()
        except asyncio.CancelledError:
            if not (self._is_ending and self._has_body) or task is None or task.uncancel() > 0:
                raise
            return _GONE
        finally:
            self._waiting = None
        self._has_body = message["type"] == "http.request" and not message.get("more_body", False)
        return message

    def end_stream(self) -> None:
        """Let the client seem gone to who waits for that."""
        self._is_ending = True
        if self._has_body and self._waiting is not None:
            self._waiting.cancel()
