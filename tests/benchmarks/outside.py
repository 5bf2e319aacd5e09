"""The outside of benchmarks: a token endpoint and an API in a process of its own, over real sockets.

As little as can be called HTTP, so that the server bounds neither side of a comparison. It keeps to one rule of
providers: a refresh token works once.
``python tests/benchmarks/outside.py`` prints its port and serves until its standard input ends.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import uvloop

LIFETIME_S = 3_600
CLIENT_ID, CLIENT_SECRET = "client-of-the-fleet", "secret-of-the-fleet"
_BASIC = b"Basic " + base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode())
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PERSON = json.dumps(
    {"id": 1, "name": "Olive", "email": "olive@acme.example", "teams": ["north"] * 20}
).encode()


@dataclass
class Book:
    """What the server knows: its latency, which refresh tokens are used up, and what it counted."""

    latency_s: float = 0.0
    refreshes: int = 0
    refused: int = 0
    used: set[str] | None = None

    def answer(self, head: bytes, body: bytes) -> tuple[int, bytes]:
        path = head.split(b" ", 2)[1]
        if path == b"/me":
            return 200, _PERSON
        if path == b"/figures":
            return 200, json.dumps({"refreshes": self.refreshes, "refused": self.refused}).encode()
        if path.startswith(b"/begin/"):
            self.latency_s = int(path.rpartition(b"/")[2]) / 1_000
            self.refreshes, self.refused, self.used = 0, 0, set()
            return 200, b"{}"
        return self._token(head, body)

    def _token(self, head: bytes, body: bytes) -> tuple[int, bytes]:
        token = parse_qs(body.decode()).get("refresh_token", [""])[0]
        used = self.used if self.used is not None else set()
        if not token or token in used or _BASIC not in head:
            self.refused += 1
            return 400, b'{"error":"invalid_grant"}'
        used.add(token)
        self.refreshes += 1
        answer = {
            "access_token": f"access-{self.refreshes:09}-0123456789-0123456789",
            "refresh_token": f"refresh-{self.refreshes:09}-0123456789-0123456789",
            "token_type": "Bearer",
            "expires_in": LIFETIME_S,
        }
        return 200, json.dumps(answer).encode()


class Answering(asyncio.Protocol):
    """One connection, kept alive; requests come one after the other."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._data = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, end, rest = self._data.partition(b"\r\n\r\n")
        declared = _LENGTH.search(head)
        length = int(declared[1]) if declared else 0
        if not end or len(rest) < length:
            return
        self._data = rest[length:]
        status, body = self._book.answer(head, rest[:length])
        reason = b"200 OK" if status == 200 else b"400 Bad Request"
        wire = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
        answer = wire % (reason, len(body), body)
        if self._book.latency_s:
            asyncio.get_running_loop().call_later(self._book.latency_s, self._transport.write, answer)
        else:
            self._transport.write(answer)


class Outside:
    """The server as a benchmark sees it."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.token_url = f"{self.address}/token"

    def begin(self, latency_ms: int) -> None:
        """Begin a measurement: count from nothing and answer so late."""
        httpx.get(f"{self.address}/begin/{latency_ms}", trust_env=False).raise_for_status()

    def figures(self) -> dict[str, int]:
        return httpx.get(f"{self.address}/figures", trust_env=False).json()


@contextmanager
def outside() -> Iterator[Outside]:
    """Yield the server, started as a process of its own."""
    with subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Outside(int(process.stdout.readline()))
        finally:
            process.stdin.close()
            process.wait(10)


def machine() -> str:
    """Return what figures depend on: processor, cores, Python."""
    info = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.*)", info.read_text()) if info.exists() else []
    version = ".".join(map(str, sys.version_info[:3]))
    return f"{names[0] if names else 'unknown processor'}, {len(names) or '?'} cores, Python {version}"


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    book = Book(used=set())
    server = await loop.create_server(lambda: Answering(book), "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve())
