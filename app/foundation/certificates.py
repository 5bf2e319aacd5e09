"""Certificates and keys in PEM as connections and operators bring them along: read, checked, put into TLS contexts."""

from __future__ import annotations

import hashlib
import os
import re
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from tempfile import TemporaryFile
from typing import Final

from app.foundation.secret import Secret

_BLOCK: Final = re.compile(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")
_MISMATCH: Final = "KEY_VALUES_MISMATCH"


@dataclass(frozen=True, slots=True)
class TlsMaterial:
    """What one connection brings along, all in PEM: further authorities, and a client certificate with its key."""

    authorities: str | None = None
    certificate: str | None = None
    private_key: Secret | None = field(default=None, hash=False)

    def for_other_origin(self) -> TlsMaterial:
        """Return what may be used for another origin: a client certificate is a credential, an authority is none."""
        return replace(self, certificate=None, private_key=None)

    @property
    def digest(self) -> bytes:
        """What distinguishes two materials."""
        key = self.private_key.reveal() if self.private_key else ""
        parts = (self.authorities or "", self.certificate or "", key)
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()


def trust(context: ssl.SSLContext, pem: str) -> None:
    """Trust the authorities of a text, whatever stands between them.

    Raises:
        ValueError: there is none, or one cannot be read (``ssl.SSLError`` is an ``OSError`` and a ``ValueError``).
    """
    blocks = _BLOCK.findall(pem)
    if not blocks:
        raise ValueError("no certificate")
    context.load_verify_locations(cadata="\n".join(blocks))
    # Companies hand out the authority that signs, which need not be the root above it.
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN


def show(context: ssl.SSLContext, certificate: str, key: Secret) -> None:
    """Show the client certificate of a text to servers that ask for one.

    Raises:
        OSError, ValueError: they cannot be read, or do not belong together.
    """
    with _readable(certificate) as chain, _readable(key.reveal()) as private:
        context.load_cert_chain(chain, private, password=lambda: b"")


def certificates_fault(pem: str) -> str | None:
    """Return why a text is not one or more certificates in PEM, or None where it is."""
    try:
        trust(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), pem)
    except (OSError, ValueError):
        return "it must be certificates in PEM, from BEGIN CERTIFICATE to END CERTIFICATE"
    return None


def key_fault(certificate: str, key: Secret) -> str | None:
    """Return why a text is not the private key of a certificate in PEM, or None where it is."""
    if "ENCRYPTED" in key.reveal():
        return "it is protected by a password: take the password off it"
    try:
        show(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), certificate, key)
    except ssl.SSLError as fault:
        if fault.reason == _MISMATCH:
            return "it does not belong to the first client certificate"
        return "it must be a private key in PEM, from BEGIN PRIVATE KEY to END PRIVATE KEY"
    return None


@contextmanager
def _readable(pem: str) -> Iterator[str]:
    """Give the ssl module, which reads files alone, a name from which it reads the text; on Linux no disk sees it."""
    is_linux = sys.platform == "linux"
    with os.fdopen(os.memfd_create("pem"), "w+b") if is_linux else TemporaryFile() as file:
        file.write(pem.encode())
        file.flush()
        file.seek(0)
        yield f"/dev/fd/{file.fileno()}"
