"""What can go wrong on the way out, in constant words: no address, no banner, no text of the other side."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, Protocol

import h11
import httpcore
import httpx

from app.foundation.errors import OutsideError, TransientOutsideError, outside_error
from app.foundation.misunderstanding import SPEAKS_HTTP2, SPEAKS_PLAIN, WANTS_CERTIFICATE, protocol_of
from app.foundation.problems import Problem, ProblemCode, problem

_HANDSHAKE: Final = "the handshake failed"
_ENDED: Final = "the connection ended in the handshake"
# Parts of OpenSSL's names for what the other side, or the hub's own side, complains of.
_HANDSHAKE_REASONS: Final = (
    ("CERTIFICATE_REQUIRED", WANTS_CERTIFICATE),
    (
        "ALERT_HANDSHAKE_FAILURE",
        "the server refused the handshake: it wants a client certificate, or has no cipher in common with the hub",
    ),
    ("PROTOCOL_VERSION", "the server and the hub have no version of TLS in common"),
    ("UNSUPPORTED_PROTOCOL", "the server and the hub have no version of TLS in common"),
    ("UNRECOGNIZED_NAME", "the server does not know this host name"),
)
_OTHER_PROTOCOLS: Final = (
    ("NO_APPLICATION_PROTOCOL", SPEAKS_HTTP2),
    ("WRONG_VERSION_NUMBER", SPEAKS_PLAIN),
    ("HTTP_REQUEST", SPEAKS_PLAIN),
    ("RECORD_LAYER_FAILURE", SPEAKS_PLAIN),
)
_BEFORE: Final = "before it answered"
_AMID: Final = "in the middle of its answer"
_BEFORE_PLAIN: Final = (
    "before it answered; a server that speaks https does so when it is spoken to by plain http"
)
_REFUSED: Final = "the connection was refused, so that nothing listens at this port"
_SILENT: Final = "nothing answers at this address and port, or a firewall is in between"
_NO_WAY: Final = "there is no way from here to this network"
_UNKNOWN_NAME: Final = "there is no such name"
_NO_NAME_SERVER: Final = "the name server did not answer"
_NOT_TRUSTED: Final = "the certificate is not trusted"
# OpenSSL's X509_V_ERR_* numbers; every other one means that no trusted authority vouches for it.
_CERTIFICATE_REASONS: Final = {
    9: "the certificate is not valid yet",
    10: "the certificate has expired",
    23: "the certificate was revoked",
    62: "the certificate is for another name",
    64: "the certificate is for another name",
}
_HEADERS_TOO_LARGE: Final = 431  # h11's hint for a head beyond its buffer


class Received(Protocol):
    """What is known of a connection that failed."""

    @property
    def first_bytes(self) -> bytes:
        """What came first, up to a bound."""

    @property
    def has_ended(self) -> bool:
        """Whether the other side ended it."""

    @property
    def is_secured(self) -> bool:
        """Whether TLS was spoken."""


def of(code: ProblemCode, cause: str | None = None) -> OutsideError:
    """Return the error of a code, the same words whatever stands behind it; ``cause`` is one constant word."""
    return outside_error(problem(code, details={"cause": str(cause)} if cause else None))


def _because(code: ProblemCode, cause: str, reason: str) -> OutsideError:
    return outside_error(problem(code, details={"cause": cause, "reason": reason}, reason=reason))


def name_not_resolved(error: BaseException | None) -> OutsideError:
    """The look-up failed: there is no such name, or nobody could be asked."""
    if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
        return _because(ProblemCode.NAME_NOT_RESOLVED, "NAME_SERVER", _NO_NAME_SERVER)
    return _because(ProblemCode.NAME_NOT_RESOLVED, "NO_SUCH_NAME", _UNKNOWN_NAME)


def not_connected(errors: Sequence[BaseException]) -> OutsideError:
    """No address could be connected to; where they failed in several ways, the clearest is said."""
    numbers = {number for error in errors for number in _errnos(error)}
    if errno.ECONNREFUSED in numbers:
        return _because(ProblemCode.UPSTREAM_UNREACHABLE, "REFUSED", _REFUSED)
    if numbers & {errno.ENETUNREACH, errno.EHOSTUNREACH}:
        return _because(ProblemCode.UPSTREAM_UNREACHABLE, "NO_ROUTE", _NO_WAY)
    return _because(ProblemCode.UPSTREAM_UNREACHABLE, "SILENT", _SILENT)


def cut_off(stream: Received) -> OutsideError:
    """The connection ended or broke before the answer was whole."""
    spoken = protocol_of(stream.first_bytes)
    if spoken is not None:
        return _because(ProblemCode.UPSTREAM_PROTOCOL, "PROTOCOL", spoken)
    if stream.first_bytes:
        return _because(ProblemCode.UPSTREAM_CUT_OFF, "AMID_ANSWER", _AMID)
    return _because(
        ProblemCode.UPSTREAM_CUT_OFF, "BEFORE_ANSWER", _BEFORE if stream.is_secured else _BEFORE_PLAIN
    )


def not_decodable(codings: str) -> OutsideError:
    """The body could not be read in its content codings, which are words that the hub knows."""
    said = f'The answer says that it is in the content coding "{codings}"; the hub asked for gzip or deflate, or none.'
    return outside_error(
        problem(ProblemCode.UPSTREAM_BAD_RESPONSE, details={"cause": "ENCODING", "providerDetail": said})
    )


def tls_failed(error: BaseException | None) -> OutsideError:
    """The handshake or the certificate failed, for one of a handful of reasons.

    Where TLS itself did not complain, the connection ended in the handshake: that may pass, as with a restart.
    """
    if not isinstance(error, ssl.SSLError):
        return TransientOutsideError(replace(_tls(_ENDED), retryable=True))
    said = str(error).upper().replace(" ", "_")  # where Python has no name for it, OpenSSL's words are there
    spoken = next((words for part, words in _OTHER_PROTOCOLS if part in said), None)
    if spoken is not None:
        return _because(ProblemCode.UPSTREAM_PROTOCOL, "PROTOCOL", spoken)
    reason = next((words for part, words in _HANDSHAKE_REASONS if part in said), _HANDSHAKE)
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = _CERTIFICATE_REASONS.get(error.verify_code, _NOT_TRUSTED)
    return outside_error(_tls(reason))


def _tls(reason: str) -> Problem:
    return problem(ProblemCode.UPSTREAM_TLS, reason=reason, details={"reason": reason})


def protocol_broken(error: httpcore.ProtocolError, stream: Received) -> OutsideError:
    """The answer is not HTTP.

    Where the other side ended the connection, what h11 calls a protocol error is an answer cut short, which another
    try may mend.
    """
    if stream.has_ended or protocol_of(stream.first_bytes) is not None:
        return cut_off(stream)
    if _is_head_too_large(error):
        return of(ProblemCode.RESPONSE_TOO_LARGE)
    return of(ProblemCode.UPSTREAM_BAD_RESPONSE, "PROTOCOL")


def given_transport_failed(error: httpx.TransportError) -> OutsideError:
    """Translate what a transport in the network's place raises, in httpx's words."""
    if isinstance(error, httpx.TimeoutException):
        return of(ProblemCode.UPSTREAM_TIMEOUT)
    if isinstance(error, httpx.ProtocolError):
        return of(ProblemCode.UPSTREAM_BAD_RESPONSE, "PROTOCOL")
    return not_connected((error,))


def _is_head_too_large(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, h11.RemoteProtocolError):
        cause = cause.__cause__
    return cause is not None and cause.error_status_hint == _HEADERS_TOO_LARGE


def _errnos(error: BaseException | None) -> Iterator[int]:
    while error is not None:
        if isinstance(error, BaseExceptionGroup):
            for one in error.exceptions:
                yield from _errnos(one)
        if isinstance(error, OSError) and error.errno is not None:
            yield error.errno
        error = error.__cause__
