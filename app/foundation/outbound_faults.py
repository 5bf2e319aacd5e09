"""What can go wrong on the way out, in constant words: no address, no banner, no text of the other side."""

from __future__ import annotations

import ssl
from dataclasses import replace
from typing import Final

import h11
import httpcore
import httpx

from app.foundation.errors import OutsideError, TransientOutsideError, outside_error
from app.foundation.problems import ProblemCode, problem

_HANDSHAKE: Final = "the handshake failed"
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


def of(code: ProblemCode, cause: str | None = None) -> OutsideError:
    """Return the error of a code, the same words whatever stands behind it; ``cause`` is one constant word."""
    return outside_error(problem(code, details={"cause": str(cause)} if cause else None))


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
        fault = problem(ProblemCode.UPSTREAM_TLS, reason=_HANDSHAKE)
        return TransientOutsideError(replace(fault, retryable=True))
    reason = _HANDSHAKE
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = _CERTIFICATE_REASONS.get(error.verify_code, _NOT_TRUSTED)
    return outside_error(problem(ProblemCode.UPSTREAM_TLS, reason=reason))


def protocol_broken(error: httpcore.ProtocolError, *, peer_ended: bool) -> OutsideError:
    """The answer is not HTTP.

    ``peer_ended`` says that the other side ended the connection: what h11 calls a protocol error is then an
    answer cut short, which another try may mend.
    """
    if peer_ended:
        return of(ProblemCode.UPSTREAM_UNREACHABLE)
    if _is_head_too_large(error):
        return of(ProblemCode.RESPONSE_TOO_LARGE)
    return of(ProblemCode.UPSTREAM_BAD_RESPONSE, "PROTOCOL")


def given_transport_failed(error: httpx.TransportError) -> OutsideError:
    """Translate what a transport in the network's place raises, in httpx's words."""
    if isinstance(error, httpx.TimeoutException):
        return of(ProblemCode.UPSTREAM_TIMEOUT)
    if isinstance(error, httpx.ProtocolError):
        return of(ProblemCode.UPSTREAM_BAD_RESPONSE, "PROTOCOL")
    return of(ProblemCode.UPSTREAM_UNREACHABLE)


def _is_head_too_large(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, h11.RemoteProtocolError):
        cause = cause.__cause__
    return cause is not None and cause.error_status_hint == _HEADERS_TOO_LARGE
