"""Signs requests as OAuth 1.0 asks for (RFC 5849 3)."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit

from authlib.oauth1.rfc5849.signature import (
    construct_base_string,
    hmac_sha1_signature,
    plaintext_signature,
    rsa_sha1_signature,
)

from app.authenticators.placement import with_secret_header
from app.foundation.messages import OutRequest
from app.foundation.secret import Secret

_FORM: Final = "application/x-www-form-urlencoded"


class SignatureRefusedError(ValueError):
    """The request cannot be signed so; the message never holds a secret."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs, and how. ``key`` is the PEM private key of RSA-SHA1; ``token`` and its secret may be absent."""

    method: str
    client_id: str
    client_secret: Secret
    token: Secret | None = None
    token_secret: Secret | None = None
    realm: str | None = None
    key: Secret | None = None


def signed(
    request: OutRequest, signer: Signer, extra: Mapping[str, str], *, now: datetime, nonce: str
) -> OutRequest:
    """Return ``request`` with its ``Authorization: OAuth`` header (RFC 5849 3.5.1).

    ``extra`` are further protocol parameters (``oauth_callback``, ``oauth_verifier``). The query and a form body
    are signed too.

    Raises:
        SignatureRefusedError: PLAINTEXT without TLS (3.4.4), or a key that cannot sign.
    """
    oauth = {
        "oauth_consumer_key": signer.client_id,
        "oauth_nonce": nonce,
        "oauth_signature_method": signer.method,
        "oauth_timestamp": str(int(now.timestamp())),
        **extra,
    }
    if signer.token is not None:
        oauth["oauth_token"] = signer.token.reveal()
    oauth["oauth_signature"] = _signature(request, signer, oauth)
    parts = [f'realm="{_escaped(signer.realm)}"'] if signer.realm else []
    parts += [f'{_escaped(name)}="{_escaped(value)}"' for name, value in sorted(oauth.items())]
    secrets = (signer.client_secret, signer.token, signer.token_secret, Secret(oauth["oauth_signature"]))
    known = tuple(secret for secret in secrets if secret is not None)
    return with_secret_header(request, "Authorization", f"OAuth {', '.join(parts)}", known)


def _signature(request: OutRequest, signer: Signer, oauth: Mapping[str, str]) -> str:
    client_secret = signer.client_secret.reveal()
    token_secret = signer.token_secret.reveal() if signer.token_secret else ""
    if signer.method == "PLAINTEXT":
        if urlsplit(request.url).scheme != "https":
            raise SignatureRefusedError("PLAINTEXT needs TLS")
        return str(plaintext_signature(client_secret, token_secret))
    base = _base_string(request, oauth)
    if signer.method == "RSA-SHA1":
        return _rsa_sha1(base, signer.key)
    if signer.method == "HMAC-SHA256":
        key = f"{_escaped(client_secret)}&{_escaped(token_secret)}"
        return b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha256).digest()).decode()
    return str(hmac_sha1_signature(base, client_secret, token_secret))


def _base_string(request: OutRequest, oauth: Mapping[str, str]) -> str:
    """RFC 5849 3.4.1; the library unescapes protocol parameters, so they are given escaped."""
    params = parse_qsl(urlsplit(request.url).query, keep_blank_values=True)
    if any(name.lower() == "content-type" and value.startswith(_FORM) for name, value in request.headers):
        params += parse_qsl((request.body or b"").decode(), keep_blank_values=True)
    params += [(name, _escaped(value)) for name, value in oauth.items()]
    return str(construct_base_string(request.method, request.url, params))


def _rsa_sha1(base: str, key: Secret | None) -> str:
    try:
        return str(rsa_sha1_signature(base, (key.reveal() if key else "").replace("\\n", "\n")))
    except (ValueError, TypeError, AttributeError):
        raise SignatureRefusedError("not a private key that can sign with RSA-SHA1") from None


def _escaped(text: str) -> str:
    return quote(text, safe="-._~")  # RFC 5849 3.6
