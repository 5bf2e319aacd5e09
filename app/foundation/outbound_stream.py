"""One connection to the outside: it notices its end, and reports its TLS handshake."""

# ruff: noqa: ASYNC109 - httpcore gives its timeouts by these names

from __future__ import annotations

import select
import socket
import ssl
from typing import Any, Final

import httpcore

from app.foundation import outbound_faults as faults
from app.foundation.outbound_trace import Tracer

_MAX_EVIDENCE_LENGTH: Final = 200
_FIRST: Final = 16  # what tells a protocol from another


class OutboundStream(httpcore.AsyncNetworkStream):
    """Wraps a socket for an HTTP connection."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, *, is_secured: bool = False) -> None:
        self._stream = stream
        self._socket = stream.get_extra_info("socket")
        self.has_ended = False
        self.is_secured = is_secured
        self.first_bytes = b""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what is there; nothing at all means that the other side has ended the connection."""
        data = await self._stream.read(max_bytes, timeout)
        self.has_ended = not data
        if not self.first_bytes:
            self.first_bytes = data[:_FIRST]
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of it."""
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close, as often as wanted."""
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's own signature
        """Return what the socket knows."""
        if info == "is_readable":  # asked of every idle connection before each request: anyio's way is slow
            return _is_readable(self._socket)
        return self._stream.get_extra_info(info)

    async def secured(self, tls: ssl.SSLContext, name: str, tracer: Tracer) -> OutboundStream:
        """Shake hands for the name that was asked for, never for the address.

        Raises:
            RefusedOutsideError: UPSTREAM_TLS with its reason.
            TransientOutsideError: UPSTREAM_TLS where the connection ended in the handshake.
        """
        tracer.start("tls")
        try:
            stream = await self._stream.start_tls(tls, name)
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            raise faults.tls_failed(error.__cause__) from None
        tracer.done("tls", **_evidence(stream.get_extra_info("ssl_object")))
        return OutboundStream(stream, is_secured=True)


def _is_readable(sock: socket.socket | None) -> bool:
    """Return whether reading would not wait: there is data, or the connection has ended."""
    if sock is None or sock.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


def _evidence(ssl_object: ssl.SSLObject | None) -> dict[str, str | None]:
    if ssl_object is None:
        return {}
    certificate = ssl_object.getpeercert() or {}
    cipher = ssl_object.cipher()
    return {
        "version": ssl_object.version(),
        "cipher": cipher[0] if cipher else None,
        "subject": _common_name(certificate.get("subject")),
        "issuer": _common_name(certificate.get("issuer")),
        "notAfter": str(certificate["notAfter"]) if "notAfter" in certificate else None,
    }


def _common_name(name: Any) -> str | None:  # noqa: ANN401 - the ssl module's nested tuples
    parts = {key: value for part in name or () for key, value in part}
    shown = parts.get("commonName") or parts.get("organizationName")
    if shown is None:
        return None
    return "".join(c for c in str(shown) if c.isprintable())[:_MAX_EVIDENCE_LENGTH]
