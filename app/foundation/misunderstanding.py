"""Servers that say, or show, that they speak another protocol than the one in which they were spoken to."""

from __future__ import annotations

from typing import Final

from app.foundation.messages import InResponse
from app.foundation.problems import ProblemCode

SPEAKS_TLS: Final = "the address begins with http, and the server speaks https there"
SPEAKS_PLAIN: Final = "the address begins with https, and the server does not speak TLS there"
SPEAKS_HTTP2: Final = "the server speaks only HTTP/2, and the hub speaks HTTP/1.1"
WANTS_CERTIFICATE: Final = "the server wants a client certificate, and the hub presented none"

# What servers answer to plain http at an https port: nginx, Apache, Go, Tomcat, in their sources.
_PLAIN_WORDS: Final = (
    "the plain http request was sent to https port",
    "speaking plain http to an ssl-enabled server port",
    "client sent an http request to an https server",
    "this combination of host and port requires tls",
)
_CERTIFICATE_WORDS: Final = ("no required ssl certificate was sent",)  # nginx
_BAD_REQUEST: Final = 400
_UPGRADE_REQUIRED: Final = 426
_READ_CHARS: Final = 4_000
_FRAME_HEAD: Final = 9  # RFC 9113 4.1
_OF_THE_CONNECTION: Final = frozenset({4, 7})  # SETTINGS and GOAWAY, which stand on stream 0
_MAX_FIRST_FRAME: Final = 16_384


def misunderstanding(response: InResponse) -> tuple[ProblemCode, str] | None:
    """Return what a server complains of in its answer, as a problem code and its reason, or None."""
    if response.status == _UPGRADE_REQUIRED and "h2" in (response.header("upgrade") or "").lower():
        return ProblemCode.UPSTREAM_PROTOCOL, SPEAKS_HTTP2
    if response.status != _BAD_REQUEST:
        return None
    text = response.text(_READ_CHARS).lower()
    if response.url.startswith("http:") and any(words in text for words in _PLAIN_WORDS):
        return ProblemCode.UPSTREAM_PROTOCOL, SPEAKS_TLS
    if response.url.startswith("https:") and any(words in text for words in _CERTIFICATE_WORDS):
        return ProblemCode.UPSTREAM_TLS, WANTS_CERTIFICATE
    return None


def protocol_of(first: bytes) -> str | None:
    """Return the reason that the first bytes of an answer show: a TLS alert, or a frame of HTTP/2; else None."""
    if first[:2] == b"\x15\x03":  # an alert (RFC 8446 5.1 and 6)
        return SPEAKS_TLS
    if len(first) >= _FRAME_HEAD and int.from_bytes(first[:3]) <= _MAX_FIRST_FRAME:
        kind, stream = first[3], int.from_bytes(first[5:9])
        return SPEAKS_HTTP2 if kind in _OF_THE_CONNECTION and stream == 0 else None
    return None
