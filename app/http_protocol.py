"""uvicorn's protocols, bounded: how long a request may take to come, and how much of it is kept while it comes."""

from __future__ import annotations

from asyncio import TimerHandle, Transport
from http import HTTPStatus
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from app.api.graphql.frames import CloseCode
from app.api.graphql.limits import FRAME_BURST, SIGNED_OUT_FRAME_BYTES
from app.api.graphql.websocket import SIGNED_IN

MAX_HEAD_BYTES: Final = 65_536
HEAD_S: Final = 10.0
BODY_S: Final = 30.0
SIGNED_OUT_MESSAGE_BYTES: Final = 4 * SIGNED_OUT_FRAME_BYTES
"""How much of a message is kept before sign-in: as many characters as are read then, in UTF-8 (RFC 3629 3)."""
STEP_BYTES: Final = 4_096
"""How much of a websocket is read before its frames are counted: 682 of the smallest (RFC 6455 5.2)."""


class BoundedHttp(HttpToolsProtocol):
    """A connection whose requests come in time, or is closed.

    The clock runs from the first byte (for a new connection from the start) to the end of the head, and then to the end
    of the body. It does not run while an answer is made or sent, nor on a websocket.
    """

    head_s = HEAD_S
    body_s = BODY_S

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - passed on
        super().__init__(*args, **kwargs)
        self._deadline: TimerHandle | None = None
        self._in_head = True
        self._head_bytes = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn declares it
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._wait(self.head_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._wait(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came; refuse a head without an end."""
        if self.transport.is_closing():
            return
        if self._in_head and self._deadline is None:
            self._wait(self.head_s)
        self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_headers_complete(self) -> None:
        """Begin to wait for the body."""
        super().on_headers_complete()
        self._in_head = False
        self._wait(self.body_s)

    def on_message_complete(self) -> None:
        """Wait no more; what comes next is another request's head."""
        self._in_head, self._head_bytes = True, 0
        self._wait(None)
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Leave the connection to the websocket's own times."""
        self._wait(None)
        super().handle_websocket_upgrade()

    def _wait(self, seconds: float | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self._late)

    def _late(self) -> None:
        self._deadline = None
        if self._in_head and self._head_bytes == 0:
            self.transport.close()  # it never asked for anything
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _refuse(self, status: HTTPStatus) -> None:
        self._wait(None)
        if self.transport.is_closing():
            return
        is_answering = self.cycle is not None and not self.cycle.response_complete
        # An answer that has begun cannot be taken back, and one that is over is not to be followed by a second.
        has_begun = self.cycle is not None and self.cycle.response_started
        if (self._in_head and not is_answering) or not (self._in_head or has_begun):
            head = (
                f"HTTP/1.1 {status.value} {status.phrase}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            )
            self.transport.write(head.encode())
        self.transport.close()


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """A websocket that takes little of its client until the application says that it has signed in.

    The application says so by calling ``allow`` of the scope's extension :data:`SIGNED_IN`. A message that is too long
    is answered with 1009 (RFC 6455 7.4.1), by the length that its frame announces and before the payload is taken; too
    many frames, of whatever kind, with 4429.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - passed on
        super().__init__(*args, **kwargs)
        self._is_signed_in = False
        self._frames = 0
        self.conn.max_message_size = SIGNED_OUT_MESSAGE_BYTES

    def data_received(self, data: bytes) -> None:
        """Take what came, in steps: too many frames are seen before all of them are read."""
        for start in range(0, len(data), STEP_BYTES):
            if not self.transport.is_closing():
                super().data_received(data[start : start + STEP_BYTES])

    def handle_events(self) -> None:
        """Hand on what was read, or refuse it."""
        self._frames += len(self.conn.events)
        if self._is_signed_in or self._frames <= FRAME_BURST:
            super().handle_events()
            return
        self.conn.fail(CloseCode.TOO_MANY, "Too many messages")
        self.handle_parser_exception()

    def handle_parser_exception(self) -> None:
        """Close; a client that did not wait for the answer to its handshake gets none."""
        if self.conn.close_sent is None:
            self.transport.close()
        else:
            super().handle_parser_exception()

    def handle_connect(self, event: Request) -> None:
        """Take the handshake, and give the application the means to allow more."""
        super().handle_connect(event)
        if self.response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            self.scope["extensions"][SIGNED_IN] = {"allow": self._signed_in}

    def _signed_in(self) -> None:
        self._is_signed_in = True
        self.conn.max_message_size = self.config.ws_max_size
