"""A small GraphQL client for journeys: queries and mutations over HTTP, subscriptions over graphql-transport-ws."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self

import httpx
import websockets
from websockets.asyncio.client import ClientConnection

from tests.journeys.documents import VERBS

Json = dict[str, Any]
PATIENCE_S = 20.0


class Client:
    """Speaks to one hub with one access token. Whatever is not an answer fails the test.

    ``network`` stands in for sockets, where the hub lives in the test's own process.
    """

    def __init__(self, address: str, token: str, network: httpx.AsyncBaseTransport | None = None) -> None:
        self.address = address
        self.made: list[str] = []
        self._headers = {"Authorization": f"Bearer {token}"}
        self.http = httpx.AsyncClient(
            transport=network,
            trust_env=False,
            timeout=PATIENCE_S,
            headers={**self._headers, "Accept": "application/graphql-response+json"},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *fault: object) -> None:
        await self.http.aclose()

    async def ask(self, document: str, **variables: Any) -> Json:
        """Run a query or mutation and return its data."""
        body = {"query": document, "variables": variables}
        answer = await self.http.post(f"{self.address}/graphql", json=body)
        content = answer.json()
        assert "errors" not in content, content["errors"]
        data: Json = content["data"]
        made = data.get("createConnection")
        self.made += [made["connection"]["id"]] if made and made["connection"] else []
        return data

    async def clean_up(self) -> None:
        """Delete the connections that it made, so that they are not in the way of the next test's."""
        for id_ in self.made:
            await self.ask(VERBS["deleteConnection"], input={"connectionId": id_})

    async def verb(self, mutation: str, /, **given: Any) -> Json:
        """Run a mutation that must succeed and return its payload."""
        payload = await self._run(mutation, given)
        assert payload["userErrors"] == [], payload["userErrors"]
        return payload

    async def refused(self, mutation: str, /, **given: Any) -> list[str]:
        """Run a mutation that must be refused and return the codes of its problems."""
        payload = await self._run(mutation, given)
        codes = [problem["code"] for problem in payload["userErrors"]]
        assert codes, payload
        return codes

    async def _run(self, mutation: str, given: Mapping[str, Any]) -> Json:
        payload: Json = (await self.ask(VERBS[mutation], input=dict(given)))[mutation]
        return payload

    @asynccontextmanager
    async def follow(self, document: str, **variables: Any) -> AsyncIterator[Stream]:
        """Subscribe; the hub has accepted the subscription when the block begins."""
        address = self.address.replace("http", "ws", 1) + "/graphql"
        protocol = websockets.Subprotocol("graphql-transport-ws")
        async with websockets.connect(address, subprotocols=[protocol], proxy=None) as socket:
            stream = Stream(socket)
            init = {"type": "connection_init", "payload": {"authorization": self._headers["Authorization"]}}
            await stream.say(init)
            await stream.hear("connection_ack")
            payload = {"query": document, "variables": variables}
            await stream.say({"id": "1", "type": "subscribe", "payload": payload})
            # The answer to a ping comes after the subscription was taken in.
            await stream.say({"type": "ping"})
            await stream.hear("pong")
            yield stream


class Stream:
    """One subscription. What arrives is kept until it is asked for."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._early: list[Json] = []
        self.is_complete = False

    async def say(self, message: Json) -> None:
        await self._socket.send(json.dumps(message))

    async def hear(self, kind: str) -> None:
        """Wait for a message of the protocol; answers that come before it are kept."""
        while True:
            message = await self._receive()
            if message["type"] == kind:
                return
            self._early.append(message)

    async def next(self) -> Json:
        """Return the data of the next message.

        Raises:
            StopAsyncIteration: the subscription is complete.
            websockets.ConnectionClosed: the hub closed the socket; its ``rcvd.code`` says why.
        """
        while True:
            message = self._early.pop(0) if self._early else await self._receive()
            if message["type"] == "ping":
                await self.say({"type": "pong"})
            elif message["type"] == "complete":
                self.is_complete = True
                raise StopAsyncIteration
            else:
                assert message["type"] == "next", message
                assert "errors" not in message["payload"], message["payload"]
                data: Json = message["payload"]["data"]
                return data

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Json:
        return await self.next()

    async def until(self, is_last: Callable[[Json], bool]) -> list[Json]:
        """Return the data of all messages up to the one that ``is_last``."""
        seen: list[Json] = []
        async for data in self:
            seen.append(data)
            if is_last(data):
                return seen
        raise AssertionError(f"the stream ended before: {seen}")

    async def _receive(self) -> Json:
        async with asyncio.timeout(PATIENCE_S):
            message: Json = json.loads(await self._socket.recv())
            return message
