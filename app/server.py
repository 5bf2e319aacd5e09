"""Runs the hub's processes: the web server, and the worker; both end cleanly on SIGTERM and SIGINT."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final

import structlog
import uvicorn
import uvloop

from app.foundation.telemetry import configure_logs
from app.hub import Hub, build_hub
from app.settings import Settings
from app.worker import background_work

_log = structlog.get_logger("patchbay")
GRACE_S: Final = 20
_BACKLOG: Final = 512
_UNREAD_MS: Final = 10_000
Announce = Callable[[Hub, str], Coroutine[Any, Any, None]]


class HubServer(uvicorn.Server):
    """uvicorn, but a signal ends it with exit code 0 once everything has ended."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Let SIGTERM and SIGINT begin the graceful end; uvicorn itself would raise them again afterwards."""
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signum, self.handle_exit, signum, None)
        try:
            yield
        finally:
            for signum in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(signum)


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run ``main`` on uvloop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


def listening_socket(host: str, port: int) -> socket.socket:
    """Bind before anything else starts: a taken port is reported at once, and port 0 becomes a real one.

    Raises:
        OSError: the address cannot be bound.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Accepted sockets inherit it: without it a peer that takes nothing keeps its socket for as long as it likes.
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # on Linux
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNREAD_MS)
        sock.bind((host, port))
        sock.listen(_BACKLOG)
    except OSError:
        sock.close()
        raise
    sock.set_inheritable(True)
    return sock


async def serve(settings: Settings, sock: socket.socket, announce: Announce) -> None:
    """Serve the doors on ``sock``; in the embedded arrangement the background work runs here too."""
    # The doors' types take half a second; a worker has no doors.
    from app.api.graphql.limits import MAX_FRAME_BYTES
    from app.http_protocol import BoundedHttp
    from app.main import build_app

    local_url = settings.local_url(sock.getsockname()[1])
    async with contextlib.AsyncExitStack() as stack:
        hub = await stack.enter_async_context(build_hub(settings, local_url=local_url))
        configure_logs(settings.log_level, settings.log_format, hub.secrets.redact)
        application = await stack.enter_async_context(build_app(hub))
        config = uvicorn.Config(
            application,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            loop="none",
            http=BoundedHttp,
            ws="websockets-sansio",
            ws_max_size=MAX_FRAME_BYTES,
            ws_ping_interval=20.0,
            ws_ping_timeout=20.0,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=GRACE_S,
            proxy_headers=False,
        )
        if not settings.is_scaled:
            await stack.enter_async_context(background_work(hub))
        await announce(hub, local_url)
        await HubServer(config).serve(sockets=[sock])


async def work(settings: Settings) -> None:
    """Do the background work alone until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    async with build_hub(settings) as hub:
        configure_logs(settings.log_level, settings.log_format, hub.secrets.redact)
        async with background_work(hub):
            _log.info("worker is ready", version=hub.version)
            await stop.wait()
