"""AWS Signature Version 4: a signature over each request, made of the request itself and the secret key."""

from __future__ import annotations

import hashlib
import hmac
import posixpath
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from app.authenticators.placement import with_header, with_secret_header
from app.foundation.egress import parse_target
from app.foundation.messages import OutRequest
from app.foundation.secret import Secret

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_SIGNED: Final = frozenset({"content-type", "content-md5", "range"})
_UNRESERVED: Final = "-_.~"


@dataclass(frozen=True, slots=True)
class AwsKey:
    """An access key, and the service and region that it is used for."""

    access_key_id: str
    secret_access_key: Secret
    service: str
    region: str
    session_token: Secret | None = None


def aws_signed(request: OutRequest, key: AwsKey, *, now: datetime) -> OutRequest:
    """Return ``request`` with its date, session token and ``Authorization`` header.

    Signed are the host, the ``x-amz-`` headers, the content type and range, the query and the body. It must be
    complete: a later change makes the signature wrong.
    """
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    request = with_header(request, "X-Amz-Date", stamp)
    payload = hashlib.sha256(request.body or b"").hexdigest()
    if key.session_token:
        token = key.session_token
        request = with_secret_header(request, "X-Amz-Security-Token", token.reveal(), (token,))
    if key.service == "s3":
        request = with_header(request, "X-Amz-Content-Sha256", payload)
    headers = _headers(request)
    names = ";".join(name for name, _ in headers)
    canonical = "\n".join(
        [
            request.method,
            _path(request.url, key.service),
            _query(request.url),
            *(f"{name}:{value}" for name, value in headers),
            "",
            names,
            payload,
        ]
    )
    scope = f"{stamp[:8]}/{key.region}/{key.service}/aws4_request"
    text = "\n".join([_ALGORITHM, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    signature = _hmac(_signing_key(key, stamp[:8]), text).hex()
    signed = f"Credential={key.access_key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    secrets = (key.secret_access_key, Secret(signature))
    return with_secret_header(request, "Authorization", f"{_ALGORITHM} {signed}", secrets)


def _signing_key(key: AwsKey, day: str) -> bytes:
    derived = f"AWS4{key.secret_access_key.reveal()}".encode()
    for part in (day, key.region, key.service, "aws4_request"):
        derived = _hmac(derived, part)
    return derived


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _headers(request: OutRequest) -> list[tuple[str, str]]:
    merged: dict[str, list[str]] = {"host": [parse_target(request.url).authority]}
    for name, value in request.headers:
        lower = name.lower()
        if lower in _SIGNED or lower.startswith("x-amz-"):
            merged.setdefault(lower, []).append(" ".join(value.split()))
    return sorted((name, ",".join(values)) for name, values in merged.items())


def _path(url: str, service: str) -> str:
    """S3 takes the path as it is now; all other services take it normalised and encoded once more."""
    path = urlsplit(url).path or "/"
    if service == "s3":
        return path
    plain = posixpath.normpath(path)
    plain = f"/{plain.lstrip('/')}"
    if path.endswith("/") and plain != "/":
        plain += "/"
    return quote(plain, safe=f"/{_UNRESERVED}")


def _query(url: str) -> str:
    pairs = [part.partition("=") for part in urlsplit(url).query.split("&") if part]
    coded = sorted((_coded(name), _coded(value)) for name, _, value in pairs)
    return "&".join(f"{name}={value}" for name, value in coded)


def _coded(text: str) -> str:
    return quote(unquote(text), safe=_UNRESERVED)
