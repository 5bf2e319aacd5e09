"""Real servers on free ports of the loopback, for tests in which a socket matters."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import uvicorn

from app.api.graphql.limits import MAX_FRAME_BYTES
from app.http_protocol import BoundedHttp, BoundedWebSocket


@dataclass(frozen=True)
class Address:
    """Where a server answers."""

    port: int

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}"


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the test runner keeps its own."""

    @contextlib.contextmanager
    def capture_signals(self):
        yield


@contextlib.asynccontextmanager
async def running(
    app: Any, *, started: Callable[[Address], Any] | None = None, unread_ms: int = 10_000, **config: Any
) -> AsyncIterator[Address]:
    """Serve ``app`` in this event loop, with the settings that ``patchbay serve`` gives uvicorn.

    ``started`` is called with the address before the first request can come. ``unread_ms`` is how long the kernel waits
    for a peer that takes nothing.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # on Linux
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, unread_ms)
        sock.bind(("127.0.0.1", 0))
        sock.listen(512)
        address = Address(sock.getsockname()[1])
        if started is not None:
            started(address)
        server = _Server(uvicorn.Config(app, **{**DEFAULTS, **config}))
        task = asyncio.create_task(server.serve(sockets=[sock]))
        try:
            while not server.started:
                if task.done():
                    task.result()
                await asyncio.sleep(0.005)
            yield address
        finally:
            server.should_exit = True
            await task


DEFAULTS: dict[str, Any] = {
    "log_config": None,
    "access_log": False,
    "server_header": False,
    "lifespan": "off",
    "ws": BoundedWebSocket,
    "http": BoundedHttp,
    "ws_max_size": MAX_FRAME_BYTES,
    "ws_ping_interval": 20.0,
    "ws_ping_timeout": 20.0,
    "ws_per_message_deflate": False,
    "timeout_graceful_shutdown": 5,
    "proxy_headers": False,
}
