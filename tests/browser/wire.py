"""The DevTools wire: commands with their answers, and the events of each page, over one websocket."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import websockets


class BrowserError(Exception):
    """The browser refused a command, or the page's script failed."""


class Wire:
    """One DevTools socket. Events go to whoever listens to their session, and nowhere if nobody does."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._listeners: dict[str, Callable[[str, dict[str, Any]], None]] = {}

    @classmethod
    @asynccontextmanager
    async def to(cls, address: str) -> AsyncIterator["Wire"]:
        async with websockets.connect(address, max_size=None, ping_interval=None, proxy=None) as socket:
            wire = cls(socket)
            reader = asyncio.create_task(wire._read())
            try:
                yield wire
            finally:
                reader.cancel()
                await asyncio.gather(reader, return_exceptions=True)

    def listen(self, session: str, listener: Callable[[str, dict[str, Any]], None]) -> None:
        self._listeners[session] = listener

    async def send(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": params}
        await self._socket.send(json.dumps(message | ({"sessionId": session} if session else {})))
        return await answer

    async def _read(self) -> None:
        with suppress(websockets.ConnectionClosed):
            async for text in self._socket:
                self._take(json.loads(text))
        for answer in self._answers.values():
            if not answer.done():
                answer.set_result({})

    def _take(self, message: dict[str, Any]) -> None:
        if "id" not in message:
            listener = self._listeners.get(message.get("sessionId", ""))
            if listener:
                listener(message["method"], message["params"])
            return
        answer = self._answers.pop(message["id"])
        if answer.done():
            return
        if "error" in message:
            answer.set_exception(BrowserError(message["error"]["message"]))
        else:
            answer.set_result(message["result"])
