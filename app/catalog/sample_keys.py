"""Private keys to try with: what a connection in sandbox mode signs with, and the sandbox checks against.

Anybody can read them here, so they open nothing. A definition cannot hold one as its example, because no text of it
may look like a real key.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.catalog.definition import AuthMethod, ClientAuth
from app.foundation.templates import template

_P: Final = int(
    "df00c3b81a288191fa784bc5c57d78e93c0346a146653255e017cafeb8459f50c23d658839d02970acdaf0c4d55e5ca9"
    "42a6cc7020b0434522aef73757d9ba2b55ab27ba0d25cea5489a8ef0651a23fbc2aa10770a8393b32f6e4a1fafe401f1"
    "6c9f1f6e9a1255de306fd4b7a546a3bb615fbee99b76f420f8c802cfbac0f3f5",
    16,
)
_Q: Final = int(
    "ba07eb4d58b9f7e938d182c1c6b4cbc11de896b85cd41a55b1b1d3ff99f4e9f5233993856e1fc19124626554770b0eef"
    "c3b6b5fc18adb330fc4c268153a49072c2027475a81d331ad74ce91ff6ae5321c21594c0a354a67ee59d60cef671417d"
    "ecb63d191e293b5d92814cc38e5a806ca67d6c4ab8a275f7d86d04499b7d6d51",
    16,
)
_E: Final = 65_537
_CURVES: Final[Mapping[str, ec.EllipticCurve]] = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1()}
_SHARED: Final = frozenset({"HS256"})
_APPLICATION_KEY: Final = "application.privateKey"


def sample_keys(method: AuthMethod) -> Mapping[str, str]:
    """Return the key (PEM) of each field that holds a private key, by dotted name (``credentials.privateKey``)."""
    found: dict[str, str] = {}
    oauth2, oauth1 = method.oauth2, method.oauth1
    if (oauth2 is not None and _proves_by_key(oauth2.client_auth)) or (
        oauth1 is not None and oauth1.signature == "RSA-SHA1"
    ):
        found[_APPLICATION_KEY] = sample_key("RS256")
    if oauth2 is not None and oauth2.assertion is not None and oauth2.assertion.algorithm not in _SHARED:
        name = template(oauth2.assertion.key).only_variable()
        if name is not None:
            found[name] = sample_key(oauth2.assertion.algorithm)
    return found


def is_private_key(text: object) -> bool:
    """Return whether a text is a PEM private key (RFC 7468 10 and 13, and the forms before it)."""
    return isinstance(text, str) and "PRIVATE KEY-----" in text


@lru_cache(maxsize=8)
def sample_key(algorithm: str) -> str:
    """Return a PEM private key that signs with this algorithm (RS*, PS*, ES256 or ES384)."""
    curve = _CURVES.get(algorithm)
    key = _rsa_key() if curve is None else ec.derive_private_key(_P % 2**255, curve)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _rsa_key() -> rsa.RSAPrivateKey:
    d = pow(_E, -1, (_P - 1) * (_Q - 1))
    numbers = rsa.RSAPrivateNumbers(
        p=_P,
        q=_Q,
        d=d,
        dmp1=rsa.rsa_crt_dmp1(d, _P),
        dmq1=rsa.rsa_crt_dmq1(d, _Q),
        iqmp=rsa.rsa_crt_iqmp(_P, _Q),
        public_numbers=rsa.RSAPublicNumbers(_E, _P * _Q),
    )
    return numbers.private_key()


def _proves_by_key(client_auth: str) -> bool:
    """Whether the application signs; one that the configuration chooses may."""
    return client_auth == ClientAuth.PRIVATE_KEY_JWT or "{" in client_auth
