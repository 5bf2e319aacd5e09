"""Checks AWS Signature Version 4, computed anew from what was received; decisions only.

Source: "Create a signed AWS API request" in the AWS documentation on Signature Version 4.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from app.sandbox.inbound import Inbound

ALGORITHM: Final = "AWS4-HMAC-SHA256"
MAX_SKEW: Final = timedelta(minutes=15)
_UNRESERVED: Final = "-_.~"
_STAMP: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_FORM: Final = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=([^\s,/]{1,200})/([0-9]{8})/([^\s,/]{1,64})/([^\s,/]{1,64})/aws4_request *, *"
    r"SignedHeaders=([a-z0-9;-]{1,2000}) *, *Signature=([0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class AwsSignature:
    """What the header ``Authorization`` says."""

    access_key_id: str
    day: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str


def read_signature(inbound: Inbound) -> AwsSignature | None:
    """Return what the header says, None where it is not of the form."""
    match = _FORM.fullmatch(inbound.headers.get("authorization", "").strip())
    if match is None:
        return None
    names = tuple(match.group(5).split(";"))
    return AwsSignature(match[1], match[2], match[3], match[4], names, match[6])


def is_right(inbound: Inbound, signature: AwsSignature, secret: str, now: datetime) -> bool:
    """Return whether the request was signed with ``secret``, not long ago, in all that must be signed.

    That is the host, the time and every other ``x-amz-`` header, the path, the query and the body.
    """
    stamp = inbound.headers.get("x-amz-date", "")
    return (
        _is_in_time(stamp, signature.day, now)
        and _signs_enough(inbound, signature.signed_headers)
        and hmac.compare_digest(
            _signature(inbound, signature, secret, stamp).encode(), signature.signature.encode()
        )
    )


def _is_in_time(stamp: str, day: str, now: datetime) -> bool:
    if not _STAMP.fullmatch(stamp) or stamp[:8] != day:
        return False
    try:
        at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return False
    return abs(now - at) <= MAX_SKEW


def _signs_enough(inbound: Inbound, names: tuple[str, ...]) -> bool:
    needed = {"host", "x-amz-date", *(name for name in inbound.headers if name.startswith("x-amz-"))}
    present = {"host", *inbound.headers}
    return needed <= set(names) <= present and list(names) == sorted(set(names))


def _signature(inbound: Inbound, signature: AwsSignature, secret: str, stamp: str) -> str:
    payload = hashlib.sha256(inbound.body).hexdigest()
    stated = inbound.headers.get("x-amz-content-sha256", payload)
    if stated not in {payload, "UNSIGNED-PAYLOAD"}:
        return ""
    canonical = "\n".join(
        [
            inbound.method,
            _canonical_path(inbound.address.sent_path, signature.service),
            _canonical_query(inbound.raw_query),
            *(f"{name}:{_header(inbound, name)}" for name in signature.signed_headers),
            "",
            ";".join(signature.signed_headers),
            stated,
        ]
    )
    scope = f"{signature.day}/{signature.region}/{signature.service}/aws4_request"
    digest = hashlib.sha256(canonical.encode(errors="replace")).hexdigest()
    key = f"AWS4{secret}".encode()
    for part in (signature.day, signature.region, signature.service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    text = f"{ALGORITHM}\n{stamp}\n{scope}\n{digest}"
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _header(inbound: Inbound, name: str) -> str:
    """Return a header trimmed, inner spaces made one; the host is the simulated one."""
    return inbound.address.host if name == "host" else " ".join(inbound.headers.get(name, "").split())


def _canonical_path(path: str, service: str) -> str:
    """S3 takes the path as it was sent; every other service resolves its dots and encodes it once more."""
    if service == "s3":
        return path
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in {"", "."}:
            kept.append(segment)
    tail = "/" if path.endswith("/") and kept else ""
    return quote(f"/{'/'.join(kept)}{tail}", safe=f"/{_UNRESERVED}")


def _canonical_query(raw: str) -> str:
    pairs = (part.partition("=") for part in raw.split("&") if part)
    coded = sorted((_coded(name), _coded(value)) for name, _, value in pairs)
    return "&".join(f"{name}={value}" for name, value in coded)


def _coded(text: str) -> str:
    return quote(unquote_to_bytes(text), safe=_UNRESERVED)
