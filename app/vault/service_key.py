"""What all keys of key services share: the text form, the version in it, and how faults are reported."""

from __future__ import annotations

import asyncio
import re
from abc import abstractmethod
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Mapping
from typing import Final, TypeVar

import structlog

from app.vault.envelope import KEY_BYTES, MAX_TEXT_LENGTH, WrapContext
from app.vault.errors import IntegrityCode, IntegrityError, KeyUnavailableError
from app.vault.keys import KeyProvider
from app.vault.service_client import ServiceFaultError

T = TypeVar("T")
_log = structlog.get_logger("patchbay.vault")
_FORM: Final = re.compile(r"pbs1\.([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]+)")
_TIMEOUT_S: Final = 8.0  # below what other writers wait for a database that is locked meanwhile
_CHECK: Final = WrapContext("system", "check", purpose="check")


class ServiceKey(KeyProvider):
    """A key that never leaves its key service, which wraps and opens data keys on request.

    ``wrapped := "pbs1." <key version> "." b64url(what the service answered)``. The service gets the context as
    additional data: what was wrapped for one data key opens for no other. Any version of the key opens.
    """

    def version_of(self, text: str) -> str:
        """Return which version of the key wrapped ``text``."""
        return _parts(text)[0]

    def opens(self, version: str) -> bool:  # noqa: ARG002 - the service keeps its older versions
        """Return that every version opens here."""
        return True

    async def check(self) -> None:
        """Wrap zeros, to see that the service answers, lets this hub wrap, and which version does."""
        await self.wrap(bytes(KEY_BYTES), _CHECK)

    async def wrap(self, material: bytes, context: WrapContext) -> str:
        """Have a data key wrapped for its context; ``version`` is from then on the one that did."""
        self.version, wrapped = await self._soon(self._encrypt(material, context.entries(self.key_id)))
        return f"pbs1.{self.version}.{urlsafe_b64encode(wrapped).rstrip(b'=').decode('ascii')}"

    async def unwrap(self, text: str, context: WrapContext) -> bytes:
        """Have a data key opened that was wrapped for the same context."""
        _, wrapped = _parts(text)
        material = await self._soon(self._decrypt(wrapped, context.entries(self.key_id)))
        if len(material) != KEY_BYTES:
            raise IntegrityError(IntegrityCode.MALFORMED)
        return material

    @abstractmethod
    async def _encrypt(self, material: bytes, entries: Mapping[str, str]) -> tuple[str, bytes]:
        """Return the version that encrypted, and what it made."""

    @abstractmethod
    async def _decrypt(self, wrapped: bytes, entries: Mapping[str, str]) -> bytes:
        """Return the plaintext, or raise IntegrityError where it does not open with this key and context."""

    async def _soon(self, act: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                return await act
        except TimeoutError:
            raise self._unavailable("TIMEOUT") from None
        except ServiceFaultError as fault:
            raise self._unavailable(fault.code) from None

    def _unavailable(self, reason: str) -> KeyUnavailableError:
        """Log why the service did not do it, in one of its codes and never its words; return what to raise."""
        _log.warning("the key service did not do it", key=self.key_id, reason=reason)
        return KeyUnavailableError()


def _parts(text: str) -> tuple[str, bytes]:
    match = _FORM.fullmatch(text) if len(text) <= MAX_TEXT_LENGTH else None
    if match is None or len(match[2]) % 4 == 1:
        raise IntegrityError(IntegrityCode.MALFORMED)
    return match[1], urlsafe_b64decode(match[2] + "=" * (-len(match[2]) % 4))
