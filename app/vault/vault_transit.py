"""EXPERIMENTAL: the transit engine of HashiCorp Vault or OpenBao as the keeper of the key that wraps.

No server of theirs could be run beside the tests: requests and answers are held against the documented API by a small
stand-in (https://developer.hashicorp.com/vault/api-docs/secret/transit), and never met the real one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from app.foundation.secret import Secret
from app.vault.envelope import canonical_entries
from app.vault.errors import IntegrityCode, IntegrityError, KeyFileError
from app.vault.private_file import read_private
from app.vault.service_client import ServiceAnswer, ServiceClient, ServiceFaultError, from_base64, to_base64
from app.vault.service_key import ServiceKey

NAME: Final = re.compile(r"(?:([A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*)/)?([A-Za-z0-9_-]{1,64})")
_DEFAULT_MOUNT: Final = "transit"
_CIPHERTEXT: Final = re.compile(r"vault:v([1-9]\d{0,8}):[A-Za-z0-9+/=]+")
# Vault answers 400 or, in some versions, 500 for what does not open (hashicorp/vault issue 10842): its words decide.
_NOT_OURS: Final = ("message authentication failed", "invalid ciphertext")


class VaultTransitKey(ServiceKey):
    """A key of the transit engine, ``<mount>/<name>``; the mount is ``transit`` where only a name is given.

    The key must be of a type with associated data (``aes256-gcm96``, the default). The token is read from its file
    for every call, as an agent renews it there.

    Raises:
        ValueError: the name is not one.
    """

    def __init__(self, name: str, service: ServiceClient, token_file: Path) -> None:
        match = NAME.fullmatch(name)
        if match is None:
            raise ValueError("a transit key is named <mount>/<name>")
        self._path = f"/v1/{match[1] or _DEFAULT_MOUNT}"
        self._name = match[2]
        super().__init__(f"vault-transit:{match[1] or _DEFAULT_MOUNT}/{match[2]}")
        self._service = service
        self._token_file = token_file

    async def _encrypt(self, material: bytes, entries: Mapping[str, str]) -> tuple[str, bytes]:
        answer = await self._request("encrypt", entries, plaintext=to_base64(material))
        text = str(_data(answer).get("ciphertext", ""))
        match = _CIPHERTEXT.fullmatch(text)
        if not answer.is_ok or match is None:
            raise self._unavailable(f"HTTP_{answer.status}")
        return match[1], text.encode("ascii")

    async def _decrypt(self, wrapped: bytes, entries: Mapping[str, str]) -> bytes:
        text = wrapped.decode("ascii", "replace")
        if not _CIPHERTEXT.fullmatch(text):
            raise IntegrityError(IntegrityCode.MALFORMED)
        answer = await self._request("decrypt", entries, ciphertext=text)
        if answer.is_ok:
            return from_base64(_data(answer).get("plaintext"))
        if any(words in fault for fault in _faults(answer) for words in _NOT_OURS):
            raise IntegrityError(IntegrityCode.NOT_AUTHENTIC)
        raise self._unavailable(f"HTTP_{answer.status}")

    async def _request(self, verb: str, entries: Mapping[str, str], **body: str) -> ServiceAnswer:
        body["associated_data"] = to_base64(canonical_entries(entries))
        try:
            token = Secret(read_private(self._token_file).strip())
        except KeyFileError as fault:
            raise ServiceFaultError(f"the token file {self._token_file}: {fault}") from None
        path = f"{self._path}/{verb}/{self._name}"
        return await self._service.request("POST", path, headers={"x-vault-token": token}, body=body)


def _data(answer: ServiceAnswer) -> Mapping[str, Any]:
    data = answer.data.get("data")
    return data if isinstance(data, dict) else {}


def _faults(answer: ServiceAnswer) -> list[str]:
    faults = answer.data.get("errors")
    return [str(fault) for fault in faults] if isinstance(faults, list) else []
