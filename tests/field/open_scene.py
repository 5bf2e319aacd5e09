"""A hub with everything open that can be open: a websocket, a stream, halves of requests, a test run, a renewal."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from tests.journeys import documents
from tests.journeys.client import Client, Stream
from tests.journeys.hub_process import HubProcess
from tests.journeys.journey import Journey

EVENTS = {"query": "subscription { events { __typename } }"}


class Open:
    """A plain socket to the hub, with whatever of a request was sent so far."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def with_sent(cls, hub: HubProcess, *lines: str) -> Open:
        reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
        sent = cls(reader, writer)
        await sent.send("\r\n".join(lines))
        return sent

    async def send(self, text: str) -> None:
        self._writer.write(text.encode())
        await self._writer.drain()

    async def until(self, end: bytes) -> bytes:
        return await self._reader.readuntil(end)

    async def rest(self) -> bytes:
        """Return everything up to the end of the connection, however it ends."""
        try:
            return await self._reader.read()
        except ConnectionResetError:
            return b""
        finally:
            self._writer.close()


def post(hub: HubProcess, path: str, length: int, *more: str) -> list[str]:
    head = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{hub.port}", f"Content-Length: {length}"]
    return [*head, f"Authorization: Bearer {hub.token}", *more]


async def ended(hub: HubProcess) -> tuple[list[int], float]:
    """Send SIGTERM and return the exit codes and how long it took."""
    began = time.monotonic()
    hub.signal(signal.SIGTERM)
    codes = await asyncio.to_thread(hub.wait)
    return codes, time.monotonic() - began


def switch(hub: HubProcess, **values: object) -> None:
    with httpx.Client(trust_env=False) as http:
        url = f"{hub.address}/sandbox/_switches/salesforce"
        assert (http.post(url, json=values) if values else http.delete(url)).is_success


@dataclass(frozen=True)
class Scene:
    """What is open; ``refreshing`` is the request whose renewal waits for the provider."""

    events: Stream
    stream: httpx.Response
    refreshing: asyncio.Task[httpx.Response]
    half_body: Open
    half_form: Open
    half_head: Open
    idle: Open


async def _half_post(hub: HubProcess, path: str, content_type: str) -> Open:
    """Send the head and the begin of a body, and return once the hub waits for the rest."""
    lines = post(hub, path, 500, f"Content-Type: {content_type}", "Expect: 100-continue", "", "")
    half = await Open.with_sent(hub, *lines)
    await half.until(b"100 Continue\r\n\r\n")
    await half.send('{"query": "')
    return half


@asynccontextmanager
async def everything_open(hub: HubProcess, client: Client, journey: Journey) -> AsyncIterator[Scene]:
    """Open everything at a running hub; the connection of ``journey`` is on its way against a slow provider."""
    switch(hub, delaySeconds=30)
    half_body = await _half_post(hub, "/graphql", "application/json")
    half_form = await _half_post(hub, "/oauth/return/app_1", "application/x-www-form-urlencoded")
    half_head = await Open.with_sent(hub, "GET /graphiql HTTP/1.1", "Host:")
    idle = await Open.with_sent(hub, "GET /healthz HTTP/1.1", f"Host: 127.0.0.1:{hub.port}", "", "")
    await idle.until(b"\r\n\r\n")
    run = await journey.test()
    door, heads = f"{hub.address}/graphql", {"Accept": "text/event-stream"}
    async with (
        client.follow(documents.FOLLOW_EVENTS) as events,
        client.follow(documents.PROGRESS, runId=run["id"]) as progress,
        client.http.stream("POST", door, json=EVENTS, headers=heads) as stream,
    ):
        await progress.until(lambda data: data["testProgress"]["step"]["kind"] == "CREDENTIALS")
        refresh = {
            "query": documents.VERBS["refreshCredentials"],
            "variables": {"input": {"connectionId": journey.id}},
        }
        refreshing = asyncio.create_task(client.http.post(door, json=refresh))
        for _ in range(3):  # once later requests have been answered, the earlier one is in the hub's hands
            await client.ask("{ hub { version } }")
        yield Scene(events, stream, refreshing, half_body, half_form, half_head, idle)
