"""Key-encryption keys: what a provider promises, the local ones, and the ring of all keys that a hub holds."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final, NoReturn, Protocol

from app.vault.envelope import KEY_BYTES, WrapContext, unwrap_key, wrap_key
from app.vault.errors import KeyFileError

LABEL: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
EXAMPLE_KEY: Final = hashlib.sha256(b"patchbay example key").digest()
"""The key that documentation may print; it is refused."""

_MIN_DISTINCT_BYTES: Final = 16


class KeyProvider(Protocol):
    """One key that wraps data keys and never leaves its keeper.

    ``key_id`` names the key and ``version`` its version there; both are stored beside what the key wrapped.
    """

    @property
    def key_id(self) -> str:
        """The key's id, the same for as long as the key is."""
        ...

    @property
    def version(self) -> str:
        """The version that wraps now; ``1`` where a new version is a new key."""
        ...

    def version_of(self, text: str) -> str:
        """Return which version wrapped ``text``; it is not authenticated.

        Raises:
            IntegrityError: the text has not the form that this key gives.
        """
        ...

    def opens(self, version: str) -> bool:
        """Return whether this provider opens what that version of its key wrapped."""
        ...

    async def check(self) -> None:
        """Ask the keeper, where there is one, for the version that wraps now.

        Raises:
            KeyUnavailableError: the keeper cannot be reached or refuses.
        """
        ...

    async def wrap(self, material: bytes, context: WrapContext) -> str:
        """Wrap a 32-byte data key, bound to its context.

        Raises:
            KeyUnavailableError: the keeper cannot be reached.
        """
        ...

    async def unwrap(self, text: str, context: WrapContext) -> bytes:
        """Open what :meth:`wrap` made for the same context.

        Raises:
            IntegrityError: it does not open with this key in this context.
            KeyUnavailableError: the keeper cannot be reached.
        """
        ...


class LocalKeyProvider:
    """A key held in this process's memory. It does not wipe it on the way out: Python cannot.

    Raises:
        KeyFileError: the label or the key is not acceptable; the message holds no part of the key.
    """

    def __init__(self, label: str, material: bytes) -> None:
        if not LABEL.fullmatch(label):
            raise KeyFileError("a label is up to 32 lower-case letters, digits and hyphens, a letter first")
        require_strong(material)
        self.label = label
        self.key_id = local_key_id(label, material)
        self.version = "1"
        self.__material = material

    def version_of(self, text: str) -> str:  # noqa: ARG002 - every text is of the one version
        """Return the only version there is."""
        return self.version

    def opens(self, version: str) -> bool:
        """Return whether it is the only version there is."""
        return version == self.version

    async def check(self) -> None:
        """Do nothing: the key is here."""

    async def wrap(self, material: bytes, context: WrapContext) -> str:
        """Wrap a data key with AES-256-GCM under a derived, committed subkey."""
        return wrap_key(self.__material, material, context.entries(self.key_id))

    async def unwrap(self, text: str, context: WrapContext) -> bytes:
        """Open a data key wrapped by this key for the same context.

        Raises:
            IntegrityError: it was not.
        """
        return unwrap_key(self.__material, text, context.entries(self.key_id))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.key_id}>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a key cannot be pickled")


class FileKeyProvider(LocalKeyProvider):
    """A key read from the key file (see :mod:`app.vault.key_file`)."""

    def __init__(self, label: str, material: bytes, path: Path) -> None:
        super().__init__(label, material)
        self.path = path


class EnvKeyProvider(LocalKeyProvider):
    """A key whose line the settings handed in or led to; a file is better: an environment can be read from outside."""


class KeyRing:
    """All keys of a hub: the active one wraps, the others only open what they wrapped before.

    Raises:
        KeyFileError: two keys have the same id.
    """

    def __init__(self, active: KeyProvider, others: Sequence[KeyProvider] = ()) -> None:
        self._hold(active, others)

    @property
    def active(self) -> KeyProvider:
        """The key that wraps."""
        return self._active

    @property
    def others(self) -> tuple[KeyProvider, ...]:
        """The keys that only open."""
        return self._others

    @property
    def keys(self) -> tuple[KeyProvider, ...]:
        """Every key, the active one first."""
        return (self.active, *self.others)

    def get(self, key_id: str, version: str) -> KeyProvider | None:
        """Return the key that opens what this version of it wrapped, or None where the ring does not hold it."""
        key = self._by_id.get(key_id)
        return key if key is not None and key.opens(version) else None

    def refresh(self) -> None:
        """Check at once whether the keys have changed where they come from; those in memory never do."""

    def _hold(self, active: KeyProvider, others: Sequence[KeyProvider]) -> None:
        by_id = {key.key_id: key for key in (active, *others)}
        if len(by_id) != 1 + len(others):
            raise KeyFileError("the key ring holds a key twice")
        self._active, self._others, self._by_id = active, tuple(others), by_id


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
