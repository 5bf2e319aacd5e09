"""Codes and tokens as signed values: nothing of them is stored, so nothing is lost with the process."""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import astuple, dataclass, field, fields
from enum import StrEnum
from functools import partial
from typing import Final

import orjson

from app.foundation.ids import new_token

_INFO: Final = b"patchbay/sandbox/token/v1"
_FORM: Final = re.compile(r"(?:[A-Za-z0-9_-]{1,24})?sbx1\.([A-Za-z0-9_-]{1,4096})\.([A-Za-z0-9_-]{43})")
_WORD: Final = re.compile(r"^[A-Za-z]{2,10}[-_]")


class Kind(StrEnum):
    """What a signed value is good for; ``REQUEST`` is the temporary token of OAuth 1.0."""

    CODE = "code"
    ACCESS = "access"
    REFRESH = "refresh"
    DEVICE = "device"
    REQUEST = "request"


CODES: Final = (Kind.CODE, Kind.DEVICE)


@dataclass(frozen=True, slots=True)
class Claims:
    """What a code or a token says of itself.

    ``family`` is one consent and all that came of it; ``generation`` counts its renewals. ``account`` is the
    number of the simulated account, ``subject`` the id under which the switches know it. ``expires_at`` is
    in seconds since 1970, None is "never". The epochs count how often the switches expired tokens and
    revoked grants before this value was issued. Only a code has ``return_hash`` (of the redirect URI) and
    ``challenge`` (RFC 7636 4.2).
    """

    kind: Kind
    integration: str
    method: str
    family: str = field(default_factory=partial(new_token, 128))
    generation: int = 0
    account: int = 1
    subject: str = ""
    scopes: tuple[str, ...] = ()
    expires_at: int | None = None
    expiry_epoch: int = 0
    revocation_epoch: int = 0
    return_hash: str = ""
    challenge: str = ""


_SECRET: Final = "WyJzZWNyZXQiXQ"  # noqa: S105 - ["secret"] in base64url, the form of all that is issued here
_FIELDS: Final = tuple(one.name for one in fields(Claims))


class Seal:
    """Signs and opens values with one key; it does not hide what they say, nor judge their expiry."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.new(secret, _INFO, hashlib.sha256).digest()

    def issue(self, claims: Claims, like: object = None) -> str:
        """Return the signed text, beginning with the word that ``like`` begins with (``xoxb-``)."""
        payload = _encode(orjson.dumps(astuple(claims)))
        return f"{_word_of(like)}sbx1.{payload}.{self._mac(payload)}"

    def open(self, text: str, integration: str, *kinds: Kind) -> Claims | None:
        """Return the claims of a value of these kinds that this seal signed for the integration, else None."""
        match = _FORM.fullmatch(text)
        if match is None or not hmac.compare_digest(self._mac(match.group(1)), match.group(2)):
            return None
        values = dict(zip(_FIELDS, orjson.loads(_decode(match.group(1))), strict=True))
        values |= {"kind": Kind(values["kind"]), "scopes": tuple(values["scopes"])}
        claims = Claims(**values)
        return claims if claims.kind in kinds and claims.integration == integration else None

    def secret_of(self, token: str) -> str:
        """Return the secret that goes with a token of OAuth 1.0; it is kept nowhere."""
        return f"sbx1.{_SECRET}.{self._mac(f'{_SECRET}.{token}')}"

    def _mac(self, payload: str) -> str:
        return _encode(hmac.new(self._key, payload.encode(), hashlib.sha256).digest())


def text_hash(text: str) -> str:
    """Return the base64url SHA-256 of ``text`` (RFC 7636 4.2, without padding)."""
    return _encode(hashlib.sha256(text.encode()).digest())


def _word_of(like: object) -> str:
    match = _WORD.match(like) if isinstance(like, str) else None
    return match.group(0) if match else ""


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
