"""A small GraphQL client: queries and mutations over HTTP, subscriptions over ``graphql-transport-ws``."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx
import websockets

from app.demo.processes import DemoError

_PROTOCOL: Final = websockets.Subprotocol("graphql-transport-ws")
_TIMEOUT_S: Final = 40.0


class DemoClient:
    """Speaks to one hub with one access token, as a script would."""

    def __init__(self, address: str, token: str) -> None:
        self._address = address
        self._authorization = f"Bearer {token}"
        self._http = httpx.AsyncClient(trust_env=False, timeout=_TIMEOUT_S)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def run(self, document: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Run a query or mutation and return its data.

        Raises:
            DemoError: the answer has errors.
        """
        answer = await self._http.post(
            f"{self._address}/graphql",
            json={"query": document, "variables": dict(variables or {})},
            headers={"Authorization": self._authorization, "Accept": "application/graphql-response+json"},
        )
        return _data(answer.json())

    @asynccontextmanager
    async def follow(
        self, document: str, variables: Mapping[str, Any]
    ) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """Subscribe and yield an iterator over the data of each message."""
        address = self._address.replace("http", "ws", 1) + "/graphql"
        async with websockets.connect(address, subprotocols=[_PROTOCOL], proxy=None) as socket:
            await socket.send(
                json.dumps({"type": "connection_init", "payload": {"authorization": self._authorization}})
            )
            acknowledged = json.loads(await socket.recv())
            if acknowledged["type"] != "connection_ack":
                raise DemoError(f"expected connection_ack, got {acknowledged['type']}")
            payload = {"query": document, "variables": dict(variables)}
            await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
            yield _messages(socket)


async def _messages(socket: websockets.ClientConnection) -> AsyncIterator[dict[str, Any]]:
    async for text in socket:
        message = json.loads(text)
        match message["type"]:
            case "next":
                yield _data(message["payload"])
            case "ping":
                await socket.send(json.dumps({"type": "pong"}))
            case "error":
                raise DemoError(message["payload"][0]["message"])
            case "complete":
                return


def _data(answer: Mapping[str, Any]) -> dict[str, Any]:
    if answer.get("errors"):
        raise DemoError("; ".join(error["message"] for error in answer["errors"]))
    data: dict[str, Any] = answer["data"]
    return data
