"""Runs the hub's processes: the web server, and the worker; SIGTERM and SIGINT end both within two seconds."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final

import structlog
import uvicorn
import uvloop

from app.foundation.database import place_of_database
from app.foundation.reachable import place_of_server
from app.foundation.redaction import SecretRegistry
from app.foundation.telemetry import configure_logs
from app.hub import Hub, build_hub
from app.settings import Settings
from app.worker import background_work

if TYPE_CHECKING:
    from app.api.open_requests import OpenRequests

_log = structlog.get_logger("patchbay")
GRACE_S: Final = 0.8  # what is open when the end begins may end by itself for so long
LIMIT_S: Final = 1.8  # then the process is gone, whatever is open: a kill loses nothing that was acknowledged
_ABORT_S: Final = 1.0
_UVICORN_GRACE_S: Final = 1
_BACKLOG: Final = 512
_UNREAD_MS: Final = 10_000


class Shutdown:
    """The end of this process. SIGTERM and SIGINT begin it; a process that still starts is just cancelled."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self._starting: asyncio.Task[None] | None = None

    async def ends(self, main: Main) -> None:
        """Run ``main`` to its end, which signals begin."""
        loop = asyncio.get_running_loop()
        self._starting = task = asyncio.create_task(main(self))
        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signum, self._begin)
        try:
            await task
        except asyncio.CancelledError:
            if not self.begun.is_set():
                raise

    def is_started(self) -> None:
        """From now on ``begun`` alone says that the end has begun; ``main`` ends by itself then."""
        self._starting = None

    def _begin(self) -> None:
        if self.begun.is_set():
            return
        self.begun.set()
        last = threading.Timer(LIMIT_S, _leave)
        last.daemon = True
        last.start()
        if self._starting is not None:
            self._starting.cancel()


Main = Callable[[Shutdown], Coroutine[Any, Any, None]]
Announce = Callable[[Hub, str], Coroutine[Any, Any, None]]


def _leave() -> None:
    _log.warning("something did not end in time and is cut off; the next start goes on with it")
    os._exit(0)


class HubServer(uvicorn.Server):
    """uvicorn, but it ends with the process, with exit code 0, and waits for nobody who takes nothing."""

    def __init__(self, config: uvicorn.Config, shutdown: Shutdown) -> None:
        super().__init__(config)
        self._shutdown = shutdown

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to :class:`Shutdown`; uvicorn itself would raise them again afterwards."""
        yield

    async def on_tick(self, counter: int) -> bool:
        """Return whether to end."""
        return await super().on_tick(counter) or self._shutdown.begun.is_set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End every connection: what is idle at once, the rest once it has been answered or the time is over."""
        abort = asyncio.get_running_loop().call_later(_ABORT_S, self._abort)
        try:
            await super().shutdown(sockets)
        finally:
            abort.cancel()

    def _abort(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()


def run(main: Main) -> None:
    """Run ``main`` on uvloop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(Shutdown().ends(main))


def listening_socket(host: str, port: int) -> socket.socket:
    """Bind before anything else starts: a taken port is reported at once, and port 0 becomes a real one.

    Raises:
        OSError: the address cannot be bound.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Accepted sockets inherit it: without it a peer that takes nothing keeps its socket for as long as it likes.
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # on Linux
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNREAD_MS)
        if family == socket.AF_INET6:  # ``::`` is every address of the machine, those of IPv4 too
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not _is_every_address(host))
        sock.bind(address)
        sock.listen(_BACKLOG)
    except OSError:
        sock.close()
        raise
    sock.set_inheritable(True)
    return sock


def _is_every_address(host: str) -> bool:
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False


async def serve(settings: Settings, sock: socket.socket, announce: Announce, shutdown: Shutdown) -> None:
    """Serve the doors on ``sock``; in the embedded arrangement the background work runs here too."""
    # The doors' types take half a second; a worker has no doors.
    from app.api.graphql.limits import MAX_FRAME_BYTES
    from app.http_protocol import BoundedHttp, BoundedWebSocket
    from app.main import build_app

    local_url = settings.local_url(sock.getsockname()[1])
    async with contextlib.AsyncExitStack() as stack:
        hub = await stack.enter_async_context(_logged_hub(settings, local_url))
        application = await stack.enter_async_context(build_app(hub))
        config = uvicorn.Config(
            application,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            loop="none",
            http=BoundedHttp,
            ws=BoundedWebSocket,
            ws_max_size=MAX_FRAME_BYTES,
            ws_ping_interval=20.0,
            ws_ping_timeout=20.0,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=_UVICORN_GRACE_S,
            proxy_headers=False,
        )
        if not settings.is_scaled:
            await stack.enter_async_context(background_work(hub, GRACE_S))
        await announce(hub, local_url)
        shutdown.is_started()
        async with asyncio.TaskGroup() as group:
            ending = group.create_task(_end(application.open_requests, shutdown))
            stopping = group.create_task(_stop_work(hub, shutdown))
            await HubServer(config, shutdown).serve(sockets=[sock])
            ending.cancel()
            await stopping


async def _end(open_requests: OpenRequests, shutdown: Shutdown) -> None:
    """Once the end has begun, end streams at once and everything else that is open after a moment."""
    await shutdown.begun.wait()
    open_requests.end_streams()
    await asyncio.sleep(GRACE_S)
    open_requests.end_all()


async def _stop_work(hub: Hub, shutdown: Shutdown) -> None:
    await shutdown.begun.wait()
    await hub.dispatcher.stop(GRACE_S)


def where_things_are(hub: Hub, local_url: str) -> Iterator[tuple[str, str]]:
    """Say where a hub that serves keeps its data and its key, and where its pages are: what it is, and where."""
    settings, public = hub.settings, hub.public_url
    yield "", f"Patchbay {hub.version} serves {public}"
    if public != local_url:
        yield "on this machine", local_url
    yield "data", place_of_database(settings.database)
    if settings.redis is not None:
        yield "wake-ups", place_of_server("Redis", settings.redis)
    if settings.key is not None:
        yield "key", "in PATCHBAY_KEY"
    elif settings.key_provider == "file":
        yield "key", str(settings.key_path)
    else:
        yield "key", f"{settings.key_provider} {settings.key_id}"
    yield "GraphQL", f"{public}/graphql"
    if settings.graphiql_on:
        yield "GraphiQL", f"{public}/graphiql"
    if settings.sandbox_on:
        yield "sandbox", f"{public}/sandbox/"
    yield "problem codes", f"{public}/docs/problems"
    yield "health, figures", f"{local_url}/readyz, {local_url}/metrics"


async def work(settings: Settings, shutdown: Shutdown) -> None:
    """Do the background work alone until SIGTERM or SIGINT."""
    async with _logged_hub(settings) as hub, background_work(hub, GRACE_S):
        shutdown.is_started()
        _log.info("worker is ready", version=hub.version)
        await shutdown.begun.wait()


@contextlib.asynccontextmanager
async def _logged_hub(settings: Settings, local_url: str | None = None) -> AsyncIterator[Hub]:
    """Build the hub with logs from the first moment on: who waits for a database is to see it."""
    configure_logs(settings.log_level, settings.log_format, SecretRegistry().redact)
    if settings.passed_over:
        _log.info(
            "variables that Kubernetes sets for Services of this name are no settings",
            names=settings.passed_over,
        )
    async with build_hub(settings, local_url=local_url) as hub:
        configure_logs(settings.log_level, settings.log_format, hub.secrets.redact)
        yield hub
