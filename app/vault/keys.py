"""Key-encryption keys: what a provider promises, the local ones, and the ring of all keys that a hub holds."""

from __future__ import annotations

import hashlib
import hmac
import re
from abc import ABC, abstractmethod
from itertools import pairwise
from typing import Final, NoReturn

from app.vault.envelope import KEY_BYTES, WrapContext, unwrap_key, wrap_key
from app.vault.errors import KeyFileError

LABEL: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
EXAMPLE_KEY: Final = hashlib.sha256(b"patchbay example key").digest()
"""The key that documentation may print; it is refused."""

_MIN_DISTINCT_BYTES: Final = 16


class KeyProvider(ABC):
    """One key that wraps data keys and never leaves its keeper.

    ``key_id`` names the key for as long as it is, and ``version`` the version of it that wraps now: ``1`` where a new
    version is a new key. Both are stored beside what the key wrapped.
    """

    def __init__(self, key_id: str) -> None:
        self.key_id = key_id
        self.version = "1"

    def version_of(self, text: str) -> str:  # noqa: ARG002 - for keys of several versions
        """Return which version wrapped ``text``; it is not authenticated.

        Raises:
            IntegrityError: the text has not the form that this key gives.
        """
        return self.version

    def opens(self, version: str) -> bool:
        """Return whether this provider opens what that version of its key wrapped."""
        return version == self.version

    @abstractmethod
    async def check(self) -> None:
        """Ask the keeper, where there is one, for the version that wraps now.

        Raises:
            KeyUnavailableError: the keeper cannot be reached or refuses.
        """

    @abstractmethod
    async def wrap(self, material: bytes, context: WrapContext) -> str:
        """Wrap a 32-byte data key, bound to its context.

        Raises:
            KeyUnavailableError: the keeper cannot be reached or refuses.
        """

    @abstractmethod
    async def unwrap(self, text: str, context: WrapContext) -> bytes:
        """Open what :meth:`wrap` made for the same context.

        Raises:
            IntegrityError: it does not open with this key in this context.
            KeyUnavailableError: the keeper cannot be reached or refuses.
        """

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.key_id}>"


class LocalKeyProvider(KeyProvider):
    """A key held in this process's memory. It does not wipe it on the way out: Python cannot.

    Raises:
        KeyFileError: the label or the key is not acceptable; the message holds no part of the key.
    """

    def __init__(self, label: str, material: bytes) -> None:
        if not LABEL.fullmatch(label):
            raise KeyFileError("a label is up to 32 lower-case letters, digits and hyphens, a letter first")
        require_strong(material)
        super().__init__(local_key_id(label, material))
        self.label = label
        self.__material = material

    async def check(self) -> None:
        """Do nothing: the key is here."""

    async def wrap(self, material: bytes, context: WrapContext) -> str:
        """Wrap a data key with AES-256-GCM under a derived, committed subkey."""
        return wrap_key(self.__material, material, context.entries(self.key_id))

    async def unwrap(self, text: str, context: WrapContext) -> bytes:
        """Open a data key wrapped by this key for the same context."""
        return unwrap_key(self.__material, text, context.entries(self.key_id))

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a key cannot be pickled")


class FileKeyProvider(LocalKeyProvider):
    """A key of the key file (see :mod:`app.vault.key_file`), which commands change."""


class KeyRing:
    """All keys of a hub: the active one wraps, the others only open what they wrapped before.

    Raises:
        KeyFileError: two keys have the same id.
    """

    def __init__(self, active: KeyProvider, *others: KeyProvider) -> None:
        self._hold(active, *others)

    @property
    def keys(self) -> tuple[KeyProvider, ...]:
        """Every key, the active one first."""
        return self._keys

    @property
    def active(self) -> KeyProvider:
        """The key that wraps."""
        return self.keys[0]

    @property
    def others(self) -> tuple[KeyProvider, ...]:
        """The keys that only open."""
        return self.keys[1:]

    def get(self, key_id: str, version: str) -> KeyProvider | None:
        """Return the key that opens what this version of it wrapped, or None where the ring does not hold it."""
        key = self._by_id.get(key_id)
        return key if key is not None and key.opens(version) else None

    def refresh(self) -> None:
        """Check at once whether the keys have changed where they come from; those in memory never do."""

    def _hold(self, *keys: KeyProvider) -> None:
        by_id = {key.key_id: key for key in keys}
        if len(by_id) != len(keys):
            raise KeyFileError("the key ring holds a key twice")
        self._keys, self._by_id = keys, by_id


def local_key_id(label: str, material: bytes) -> str:
    """Return ``<label>:<8 hex digits>``; the digits name the key and give nothing of it away."""
    return f"{label}:{hmac.new(material, b'patchbay/kek-id/v1', hashlib.sha256).hexdigest()[:8]}"


def require_strong(material: bytes) -> None:
    """Refuse what cannot be 32 bytes of a random source.

    Raises:
        KeyFileError: saying how it is weak, never what it is.
    """
    if len(material) != KEY_BYTES:
        raise KeyFileError(f"a key is {KEY_BYTES} bytes in base64; this one has {len(material)}")
    if not any(material):
        raise KeyFileError("a key of zeros is no key")
    if hmac.compare_digest(material, EXAMPLE_KEY):
        raise KeyFileError("this is the example key of the documentation; make one of your own")
    steps = {(after - before) % 256 for before, after in pairwise(material)}
    text = all(0x20 <= byte < 0x7F for byte in material)  # noqa: PLR2004 - printable ASCII
    if len(set(material)) < _MIN_DISTINCT_BYTES or len(steps) == 1 or text:
        raise KeyFileError("this key is not random; make one with: openssl rand -base64 32")
