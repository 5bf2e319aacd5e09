"""Loopback servers that say exactly what a test wants said, and remember what they were told."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import ssl
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache

import httpx
import pytest

from app.foundation.clock import SystemClock
from app.foundation.egress import EgressPolicy
from app.foundation.errors import RefusedOutsideError, TransientOutsideError
from app.foundation.messages import Destination, OutRequest
from app.foundation.outbound import Outbound
from app.foundation.problems import ProblemCode

LOOPBACK = EgressPolicy((ipaddress.ip_network("127.0.0.0/8"),))


@dataclass
class Asked:
    """One request as it came over the wire."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    raw: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


Answer = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


def reply(status: int = 200, body: bytes = b"ok", **headers: str) -> bytes:
    """Return an answer; an underscore in a header's name stands for a hyphen."""
    lines = [f"HTTP/1.1 {status} Reason", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def always(data: bytes) -> Answer:
    async def answer(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(data)

    return answer


def closing(data: bytes) -> Answer:
    async def answer(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        writer.close()

    return answer


async def never(_: Asked, __: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


@dataclass
class Server:
    answer: Answer
    port: int = 0
    host: str = "127.0.0.1"
    greeting: bytes | None = None  # said at once, whatever is asked; without a word the connection is closed
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    tasks: set[asyncio.Task] = field(default_factory=set)

    @property
    def origin(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def open_writers(self) -> list[asyncio.StreamWriter]:
        return [writer for writer in self.writers if not writer.is_closing()]

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        if self.greeting is not None:
            writer.write(self.greeting)
            if self.greeting:
                await reader.read()
            writer.close()
            return
        task = asyncio.ensure_future(self.converse(reader, writer))
        self.tasks.add(task)
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()
        writer.close()

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing():
            try:
                asked = await read_request(reader)
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            self.asked.append(asked)
            try:
                await self.answer(asked, writer)
                await writer.drain()
            except ConnectionError:
                return


async def read_request(reader: asyncio.StreamReader) -> Asked:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    method, target, _ = first.split(" ")
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
    body = await reader.readexactly(length)
    return Asked(method, target, headers, body, head + body)


@asynccontextmanager
async def serving(answer: Answer, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None):
    server = Server(answer, host=host)
    listener = await asyncio.start_server(server.accept, host, 0, ssl=tls, limit=1 << 20)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for task in server.tasks:
            task.cancel()
        for writer in server.writers:
            writer.transport.abort()
        if server.tasks:
            await asyncio.wait(server.tasks)
        await asyncio.sleep(0)


class Names:
    """A resolver that answers from a table; a list is used up one answer a call, the last one stays."""

    def __init__(self, **names: str | list[str]) -> None:
        self.names = {name.replace("_", "."): answer for name, answer in names.items()}
        self.calls: list[tuple[str, int]] = []

    async def resolve(self, host: str, port: int):
        self.calls.append((host, port))
        answer = self.names.get(host, "")
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        return tuple(ipaddress.ip_address(part) for part in answer.split())


@cache
def public_authorities() -> ssl.SSLContext:
    """Return the default context: reading a hundred authorities takes longer than most tests."""
    return httpx.create_ssl_context(trust_env=False)


@asynccontextmanager
async def outbound(policy: EgressPolicy = LOOPBACK, **arguments):
    made = Outbound(policy, clock=SystemClock(), **{"verify": public_authorities(), **arguments})
    try:
        yield made
    finally:
        await made.aclose()


CANARY = "CANARY-7f3a9b"
HERE = Destination(("127.0.0.1", "localhost", "*.test"))
FAST = 0.3


def get(url: str, **fields) -> OutRequest:
    return OutRequest("GET", url, **fields)


async def refusal(sending, kind=RefusedOutsideError):
    with pytest.raises(kind) as fault:
        await sending
    text = json.dumps(fault.value.problem.to_json())
    assert CANARY not in text
    assert "127.0.0" not in text
    return fault.value.problem


async def refused_code(sending) -> ProblemCode:
    return (await refusal(sending)).code


async def transient_code(sending) -> ProblemCode:
    return (await refusal(sending, TransientOutsideError)).code
