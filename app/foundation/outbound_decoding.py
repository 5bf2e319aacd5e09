"""Reading an answer's body in pieces and undoing gzip or deflate, within bounds that a bomb cannot pass."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterable, Iterator, Sequence
from typing import Final

ACCEPT_ENCODING: Final = "gzip, deflate"
_FREE_BYTES: Final = 1 << 20  # below this, any ratio will do: small repetitive answers are honest
_MAX_RATIO: Final = 100
_PIECE_BYTES: Final = 1 << 16
_MAX_MEMBERS: Final = 1_000
_MAX_NAMED: Final = 5
_READ: Final = frozenset({"gzip", "deflate"})
# The other codings of IANA's registry, and those that are in use without being in it. Every further word is none:
# servers write a charset, a media type or MIME's transfer encodings there (UTF-8, application/json, binary).
_NOT_READ: Final = frozenset({
    "aes128gcm", "br", "brotli", "bzip2", "compress", "dcb", "dcz", "exi", "lz4", "lzma", "pack200-gzip", "sdch",
    "snappy", "xz", "zstd",
})  # fmt: skip
_GZIP_MAGIC: Final = b"\x1f\x8b"
_ZLIB_METHOD: Final = 8


class BodyTooLargeError(Exception):
    """The body passes the cap, or grows a hundredfold when it is unpacked."""


class BodyNotDecodableError(Exception):
    """The body is in a coding that was not asked for, or is not what its coding says; ``codings`` names them."""

    def __init__(self, codings: Sequence[str]) -> None:
        self.codings = ", ".join(codings[:_MAX_NAMED])
        super().__init__(self.codings)


async def read_response_body(
    pieces: AsyncIterable[bytes], encodings: Sequence[str], *, declared: int | None, max_bytes: int
) -> bytes:
    """Return the decoded body.

    ``encodings`` are the content codings as the answer lists them; ``declared`` is its length where it says
    one. Neither the raw nor the decoded body is ever held beyond ``max_bytes``, give or take one piece.

    Raises:
        BodyTooLargeError: more than ``max_bytes``, or above 1 MiB more than 100 times what came in.
        BodyNotDecodableError: another real coding than gzip or deflate, several of them, or data that is damaged.
    """
    if declared is not None and declared > max_bytes:
        raise BodyTooLargeError
    codings = _codings(encodings)
    inflater = _Inflater(codings[0]) if len(codings) == 1 and codings[0] in _READ else None
    raw_bytes, decoded = 0, bytearray()
    async for raw in pieces:
        raw_bytes += len(raw)
        if raw_bytes > max_bytes:
            raise BodyTooLargeError
        if codings and inflater is None and raw:
            raise BodyNotDecodableError(codings)
        for plain in inflater.pieces(raw) if inflater else (raw,):
            decoded += plain
            if len(decoded) > min(max_bytes, max(_FREE_BYTES, _MAX_RATIO * raw_bytes)):
                raise BodyTooLargeError
    if inflater and not inflater.is_complete:
        raise BodyNotDecodableError(codings)
    return bytes(decoded)


class _Inflater:
    """Undoes one coding, a bounded piece at a time. Gzip may have several members (RFC 1952 2.2)."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._is_gzip = coding == "gzip"
        self._engine: zlib._Decompress | None = None
        self._members = 0
        self._held = b""
        self._saw_data = False

    @property
    def is_complete(self) -> bool:
        """Whether the data ended where its coding ends; no data at all is complete (HEAD)."""
        return not self._saw_data or (self._members > 0 and self._engine is None)

    def pieces(self, raw: bytes) -> Iterator[bytes]:
        data, self._held = self._held + raw, b""
        self._saw_data = self._saw_data or bool(data)
        more = bool(data)
        while more:
            engine = self._engine or self._begin(data)
            if engine is None:
                return
            try:
                plain = engine.decompress(data, _PIECE_BYTES)
            except zlib.error:
                raise BodyNotDecodableError([self._coding]) from None
            yield plain
            self._engine = None if engine.eof else engine
            self._members += engine.eof
            data = engine.unused_data if engine.eof else engine.unconsumed_tail
            # Without input left the engine may still hold output: only a short piece says that it does not.
            more = bool(data) or (not engine.eof and len(plain) == _PIECE_BYTES)

    def _begin(self, data: bytes) -> zlib._Decompress | None:
        """Return an engine for the stream that begins here, or None where none does (yet)."""
        if self._members and not self._is_gzip:
            return None
        if len(data) < len(_GZIP_MAGIC):
            self._held = data
            return None
        if self._is_gzip and self._members and not data.startswith(_GZIP_MAGIC):
            return None  # padding after the last member
        if self._members >= _MAX_MEMBERS:
            raise BodyNotDecodableError([self._coding])
        return zlib.decompressobj(_window_bits(data, is_gzip=self._is_gzip))


def _window_bits(data: bytes, *, is_gzip: bool) -> int:
    if is_gzip:
        return 16 + zlib.MAX_WBITS
    # "deflate" means zlib (RFC 9110 8.4.1.2); some servers send it without zlib's two bytes of header.
    is_zlib = data[0] & 0x0F == _ZLIB_METHOD and int.from_bytes(data[:2], "big") % 31 == 0
    return zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS


def _codings(encodings: Sequence[str]) -> list[str]:
    """Return the real codings among the words of ``Content-Encoding`` (RFC 9110 8.4)."""
    words = [word.strip(" \t\"'").lower() for line in encodings for word in line.split(",")]
    return [word for word in (one.removeprefix("x-") for one in words) if word in _READ or word in _NOT_READ]
