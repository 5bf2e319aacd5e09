"""Reads a signed request of OAuth 1.0 and computes what its signature must be (RFC 5849 3); decisions only."""

from __future__ import annotations

import binascii
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from app.sandbox.inbound import Inbound

_PAIR: Final = re.compile(r"\s*([^\s=\",]{1,200})=\"([^\"]*)\"\s*(?:,|$)")
_SCHEME: Final = re.compile(r"oauth(?:\s+|$)", re.IGNORECASE)
_NEEDED: Final = ("oauth_consumer_key", "oauth_signature_method", "oauth_signature")
_MAX_HEADER_CHARS: Final = 16_384
_HASHES: Final[Mapping[str, str]] = {"HMAC-SHA1": "sha1", "HMAC-SHA256": "sha256"}


class OAuth1RefusedError(Exception):
    """A request that is refused: its status (RFC 5849 3.2) and the word of the problem reporting extension."""

    def __init__(self, status: int, word: str) -> None:
        super().__init__(word)
        self.status = status
        self.word = word


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request taken apart: its ``oauth_`` parameters, and all that is signed with them."""

    oauth: Mapping[str, str]
    signed: Sequence[tuple[str, str]]
    verb: str
    host: str
    path: str

    def base_strings(self) -> Iterator[bytes]:
        """Yield the signature base string (RFC 5849 3.4.1) for https, and for http: a sandbox address has no scheme."""
        pairs = sorted((_escaped(name), _escaped(value)) for name, value in self.signed)
        params = "&".join(f"{name}={value}" for name, value in pairs)
        for scheme in ("https", "http"):
            parts = (self.verb, f"{scheme}://{self.host}{self.path}", params)
            yield "&".join(_escaped(part) for part in parts).encode()


def read_signed(inbound: Inbound) -> SignedRequest | None:
    """Return the signed request, None where it says nothing of OAuth 1.0.

    Raises:
        OAuth1RefusedError: it does, but not as RFC 5849 3.1 and 3.5 have it.
    """
    header = inbound.headers.get("authorization", "")
    in_header = _header_pairs(header) if _SCHEME.match(header) else []
    everything = [*in_header, *inbound.query, *(inbound.form or ())]
    oauth = [(name, value) for name, value in everything if name.startswith("oauth_")]
    given = dict(oauth)
    if not in_header and "oauth_signature" not in given:
        return None
    if len(given) != len(oauth):
        raise OAuth1RefusedError(400, "parameter_rejected")
    if any(not given.get(name) for name in _NEEDED):
        raise OAuth1RefusedError(400, "parameter_absent")
    if given.get("oauth_version", "1.0") != "1.0":
        raise OAuth1RefusedError(400, "version_rejected")
    signed = [(name, value) for name, value in everything if name != "oauth_signature"]
    return SignedRequest(given, signed, inbound.method, inbound.address.host, inbound.address.sent_path)


def is_signed_with(request: SignedRequest, client_secret: str, token_secret: str, private_key: str) -> bool:
    """Return whether the signature is right by the method that the request names."""
    method, given = request.oauth["oauth_signature_method"], request.oauth["oauth_signature"]
    key = f"{_escaped(client_secret)}&{_escaped(token_secret)}"
    if method == "PLAINTEXT":
        return _same(given, key)
    if method == "RSA-SHA1":
        return any(_is_rsa_signed(base, given, private_key) for base in request.base_strings())
    digest = _HASHES.get(method)
    if digest is None:
        return False
    made = (hmac.new(key.encode(), base, digest).digest() for base in request.base_strings())
    return any(_same(given, b64encode(signature).decode()) for signature in made)


def _header_pairs(header: str) -> list[tuple[str, str]]:
    """Read ``OAuth realm="...", oauth_token="..."`` (RFC 5849 3.5.1) strictly; the realm is left out."""
    if len(header) > _MAX_HEADER_CHARS:
        raise OAuth1RefusedError(400, "parameter_rejected")
    start = _SCHEME.match(header)
    position = start.end() if start else 0
    found: list[tuple[str, str]] = []
    while position < len(header):
        pair = _PAIR.match(header, position)
        if pair is None:
            raise OAuth1RefusedError(400, "parameter_rejected")
        found.append((unquote(pair.group(1)), unquote(pair.group(2))))
        position = pair.end()
    if not found:
        raise OAuth1RefusedError(400, "parameter_absent")
    return [(name, value) for name, value in found if name.lower() != "realm"]


def _is_rsa_signed(base: bytes, given: str, private_key: str) -> bool:
    try:
        key = load_pem_private_key(private_key.encode(), password=None)
        signature = b64decode(given, validate=True)
    except (ValueError, TypeError, binascii.Error):
        return False
    if not isinstance(key, rsa.RSAPrivateKey):
        return False
    try:
        key.public_key().verify(signature, base, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 - RFC 5849 3.4.3
    except InvalidSignature:
        return False
    return True


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), right.encode())


def _escaped(text: str) -> str:
    return quote(text, safe="-._~", errors="replace")  # RFC 5849 3.6
