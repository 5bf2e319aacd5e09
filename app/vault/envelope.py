"""The sealing format: what a sealed value and a wrapped data key look like, byte for byte; pure.

::

    sealed  := "pb1." <data key id> "." b64url( blob )
    wrapped := "pbw1." b64url( blob )
    blob    := suite(1) | salt(32) | commitment(32) | nonce(12) | ciphertext | tag(16)
    okm     := HKDF-SHA512(ikm = key, salt, info = label | SHA-512(AAD), L = 64)       RFC 5869
    key     := okm[:32], commitment := okm[32:]                                        AES-256-GCM, SP 800-38D

The AAD of a sealed value is the list version, suite, data key, workspace, table, row, field, generation,
each behind its length as four big-endian bytes; that of a wrapped key is its context as canonical JSON.
Everything that names the place goes into the derivation too, so a value under another key or in another
place fails at the commitment, before any decryption.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
from base64 import urlsafe_b64encode
from binascii import a2b_base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512, Hash
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.vault.errors import IntegrityCode, IntegrityError

KEY_BYTES: Final = 32
MAX_PLAINTEXT_BYTES: Final = 1 << 20
MAX_TEXT_LENGTH: Final = 1_500_000

_VERSION: Final = "pb1"
_WRAP_VERSION: Final = "pbw1"
_SUITE: Final = b"\x01"  # HKDF-SHA512, 32-byte commitment, AES-256-GCM
_SALT_BYTES: Final = 32
_COMMITMENT_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_HEAD_BYTES: Final = 1 + _SALT_BYTES + _COMMITMENT_BYTES + _NONCE_BYTES
_RECORD_LABEL: Final = b"patchbay/rec/v1"
_WRAP_LABEL: Final = b"patchbay/wrap/v1"
_KEY_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TO_STANDARD: Final = bytes.maketrans(b"-_+/=", b"+/...")  # base64url has no +, / and =


@dataclass(frozen=True, slots=True, eq=False)
class DataKey:
    """One workspace's 32-byte key, unwrapped; it is neither printed nor pickled."""

    id: str
    material: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not _KEY_ID.fullmatch(self.id) or len(self.material) != KEY_BYTES:
            raise ValueError("a data key has an id of up to 64 letters, digits, - and _ and holds 32 bytes")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a data key cannot be pickled")


@dataclass(frozen=True, slots=True)
class SealContext:
    """Where a sealed value belongs; it opens nowhere else and in no other generation."""

    workspace_id: str
    table: str
    row_id: str
    field: str
    generation: int


@dataclass(frozen=True, slots=True)
class WrapContext:
    """Which data key of which workspace a wrapped key is; key services get it as encryption context."""

    workspace_id: str
    data_key_id: str
    purpose: str = "data-key"

    def entries(self, kek_id: str) -> dict[str, str]:
        """Return the context of wrapping under the key ``kek_id``, as plain names and values."""
        return {
            "app": "patchbay",
            "purpose": self.purpose,
            "v": "1",
            "workspace": self.workspace_id,
            "data_key": self.data_key_id,
            "kek": kek_id,
        }


def seal(key: DataKey, context: SealContext, plaintext: bytes) -> str:
    """Seal up to 1 MiB for one place, under a fresh salt and nonce.

    Raises:
        ValueError: ``plaintext`` is larger; the message holds none of it.
    """
    if len(plaintext) > MAX_PLAINTEXT_BYTES:
        raise ValueError(f"at most {MAX_PLAINTEXT_BYTES} bytes can be sealed")
    blob = _seal_blob(key.material, _RECORD_LABEL, _record_aad(key.id, context), plaintext)
    return f"{_VERSION}.{key.id}.{_encode(blob)}"


def open_sealed(key: DataKey, context: SealContext, text: str) -> bytes:
    """Open what :func:`seal` made for the same key and place.

    Raises:
        IntegrityError: whatever else; it holds a code and no text from the input.
    """
    key_id, encoded = _split_sealed(text)
    if key_id != key.id:
        raise IntegrityError(IntegrityCode.OTHER_KEY)
    return _open_blob(key.material, _RECORD_LABEL, _record_aad(key.id, context), _decode(encoded))


def wrap_key(kek: bytes, material: bytes, entries: Mapping[str, str]) -> str:
    """Wrap a 32-byte data key under a local 32-byte key, bound to ``entries`` (see :class:`WrapContext`)."""
    _require_key(kek)
    _require_key(material)
    return f"{_WRAP_VERSION}.{_encode(_seal_blob(kek, _WRAP_LABEL, canonical_entries(entries), material))}"


def unwrap_key(kek: bytes, text: str, entries: Mapping[str, str]) -> bytes:
    """Open what :func:`wrap_key` made for the same key and entries.

    Raises:
        IntegrityError: whatever else; it holds a code and no text from the input.
    """
    _require_key(kek)
    version, _, encoded = text.partition(".")
    if version != _WRAP_VERSION or len(text) > MAX_TEXT_LENGTH:
        raise IntegrityError(IntegrityCode.MALFORMED)
    material = _open_blob(kek, _WRAP_LABEL, canonical_entries(entries), _decode(encoded))
    if len(material) != KEY_BYTES:
        raise IntegrityError(IntegrityCode.MALFORMED)
    return material


def canonical_entries(entries: Mapping[str, str]) -> bytes:
    """Return the one spelling of a mapping of names to strings: sorted, without spaces, ASCII only."""
    return json.dumps(dict(entries), sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def framed(*texts: str) -> bytes:
    """Return texts as bytes, each behind its length as four big-endian bytes: no two lists give the same."""
    parts = (text.encode("utf-8", "surrogatepass") for text in texts)
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _seal_blob(key: bytes, label: bytes, aad: bytes, plaintext: bytes) -> bytes:
    salt = secrets.token_bytes(_SALT_BYTES)
    nonce = secrets.token_bytes(_NONCE_BYTES)
    subkey, commitment = _derive(key, salt, label, aad)
    return b"".join((_SUITE, salt, commitment, nonce, AESGCM(subkey).encrypt(nonce, plaintext, aad)))


def _open_blob(key: bytes, label: bytes, aad: bytes, blob: bytes) -> bytes:
    if len(blob) < _HEAD_BYTES + _TAG_BYTES:
        raise IntegrityError(IntegrityCode.MALFORMED)
    if blob[:1] != _SUITE:
        raise IntegrityError(IntegrityCode.UNSUPPORTED)
    salt, rest = blob[1 : 1 + _SALT_BYTES], blob[1 + _SALT_BYTES :]
    claimed, nonce = rest[:_COMMITMENT_BYTES], rest[_COMMITMENT_BYTES : _COMMITMENT_BYTES + _NONCE_BYTES]
    subkey, commitment = _derive(key, salt, label, aad)
    if not hmac.compare_digest(commitment, claimed):
        raise IntegrityError(IntegrityCode.NOT_COMMITTED)
    try:
        return AESGCM(subkey).decrypt(nonce, blob[_HEAD_BYTES:], aad)
    except InvalidTag:
        raise IntegrityError(IntegrityCode.NOT_AUTHENTIC) from None


def _derive(key: bytes, salt: bytes, label: bytes, aad: bytes) -> tuple[bytes, bytes]:
    digest = Hash(SHA512())
    digest.update(aad)
    length = KEY_BYTES + _COMMITMENT_BYTES
    okm = HKDF(algorithm=SHA512(), length=length, salt=salt, info=label + digest.finalize()).derive(key)
    return okm[:KEY_BYTES], okm[KEY_BYTES:]


def _record_aad(key_id: str, context: SealContext) -> bytes:
    place = (context.workspace_id, context.table, context.row_id, context.field, str(context.generation))
    return framed(_VERSION, _SUITE.decode("ascii"), key_id, *place)


def _split_sealed(text: str) -> tuple[str, str]:
    parts = text.split(".", 2) if len(text) <= MAX_TEXT_LENGTH else []
    if len(parts) != 3 or parts[0] != _VERSION or not _KEY_ID.fullmatch(parts[1]):  # noqa: PLR2004 - version, key, blob
        raise IntegrityError(IntegrityCode.MALFORMED)
    return parts[1], parts[2]


def _encode(blob: bytes) -> str:
    return urlsafe_b64encode(blob).rstrip(b"=").decode("ascii")


def _decode(encoded: str) -> bytes:
    try:
        standard = encoded.encode("ascii").translate(_TO_STANDARD) + b"=" * (-len(encoded) % 4)
        blob = a2b_base64(standard, strict_mode=True)
    except ValueError:
        raise IntegrityError(IntegrityCode.MALFORMED) from None
    # One spelling per blob: a text whose spare last bits were changed must not open.
    tail = len(blob) % 3 or 3
    if not encoded or not encoded.endswith(_encode(blob[-tail:])):
        raise IntegrityError(IntegrityCode.MALFORMED)
    return blob


def _require_key(material: bytes) -> None:
    if len(material) != KEY_BYTES:
        raise ValueError("a key holds 32 bytes")
