"""A plain websocket client that sees every frame and every close, for tests of the protocol."""

from __future__ import annotations

import asyncio
import contextlib
import json
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.api.graphql.fake_hub import TOKEN

PROTOCOL = "graphql-transport-ws"
PATIENCE_S = 10.0


class Peer:
    """One end of a socket."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, message: Any) -> None:
        await self.connection.send(message if isinstance(message, str | bytes) else json.dumps(message))

    async def receive(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_S):
            text = await self.connection.recv()
        assert isinstance(text, str), "frames are text"
        return json.loads(text)

    async def closed(self) -> tuple[int, str]:
        """Return code and reason of the close, whatever else arrives before it."""
        async with asyncio.timeout(PATIENCE_S):
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await self.connection.recv()
        frame = self.connection.protocol.close_rcvd
        assert frame is not None, "the socket was dropped without a close frame"
        return frame.code, frame.reason

    async def init(self, token: str | None = TOKEN) -> None:
        payload = {"authorization": f"Bearer {token}"} if token else None
        await self.send({"type": "connection_init", "payload": payload})
        assert await self.receive() == {"type": "connection_ack"}

    async def subscribe(self, id_: str, query: str, **variables: Any) -> None:
        await self.send({"type": "subscribe", "id": id_, "payload": {"query": query, "variables": variables}})


@asynccontextmanager
async def peer(address: Any, *, protocols: Any = (PROTOCOL,), **more: Any):
    """Connect to the door at ``address``."""
    async with connect(
        f"{address.ws}/graphql", subprotocols=list(protocols) or None, compression=None, **more
    ) as one:
        yield Peer(one)
