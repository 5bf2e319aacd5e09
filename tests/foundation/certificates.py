"""A certificate authority for loopback TLS servers, and the ways in which a certificate can be wrong."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


class Authority:
    def __init__(self, name: str = "Test Authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = named(name)
        builder = self._builder(self._name, self._name, self._key.public_key(), NOW - 9 * DAY, NOW + 9 * DAY)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self._certificate = builder.sign(self._key, hashes.SHA256())

    @property
    def pem(self) -> str:
        return self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.pem)

    def client(self, name: str) -> tuple[str, str]:
        """Return a client certificate of this authority and its key, both in PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(named(name), self._name, key.public_key(), NOW - DAY, NOW + DAY)
        certificate = builder.sign(self._key, hashes.SHA256())
        return certificate.public_bytes(serialization.Encoding.PEM).decode(), pem_of(key)

    def server(
        self,
        folder: Path,
        host: str,
        *,
        begins: datetime = NOW - DAY,
        ends: datetime = NOW + DAY,
        own: bool = False,
    ) -> ssl.SSLContext:
        """Return a server's context for a host; ``own`` signs the certificate with its own key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = named(host)
        builder = self._builder(subject, subject if own else self._name, key.public_key(), begins, ends)
        builder = builder.add_extension(x509.SubjectAlternativeName([general_name(host)]), critical=False)
        certificate = builder.sign(key if own else self._key, hashes.SHA256())
        path = folder / f"{host}-{own}-{ends:%j}.pem"
        path.write_bytes(pem_of(key).encode() + certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    @staticmethod
    def _builder(subject, issuer, key, begins: datetime, ends: datetime) -> x509.CertificateBuilder:
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
        return (
            builder.serial_number(x509.random_serial_number()).not_valid_before(begins).not_valid_after(ends)
        )


def general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def pem_of(key: ec.EllipticCurvePrivateKey) -> str:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()


def named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
