"""EXPERIMENTAL: Google Cloud KMS as the keeper of the key that wraps, over its REST API.

No stand-in that others made could be run beside the tests: requests and answers are held against the documented API
(https://cloud.google.com/kms/docs/reference/rest/v1/projects.locations.keyRings.cryptoKeys) by a small one of ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from app.foundation.secret import Secret
from app.vault.envelope import canonical_entries
from app.vault.errors import IntegrityCode, IntegrityError
from app.vault.google_token import GoogleToken
from app.vault.service_client import ServiceAnswer, ServiceClient, from_base64, to_base64
from app.vault.service_key import ServiceKey

ENDPOINT: Final = "https://cloudkms.googleapis.com"
NAME: Final = re.compile(
    r"projects/[a-z0-9:.-]{1,80}/locations/[a-z0-9-]{1,40}/keyRings/[A-Za-z0-9_-]{1,63}/cryptoKeys/[A-Za-z0-9_-]{1,63}"
)
_VERSION: Final = re.compile(r"/cryptoKeyVersions/([1-9]\d{0,8})$")


class GcpKmsKey(ServiceKey):
    """A symmetric key, named in full; its primary version wraps, every enabled one opens.

    Raises:
        ValueError: the name is not one.
    """

    def __init__(self, name: str, service: ServiceClient, token: GoogleToken) -> None:
        if not NAME.fullmatch(name):
            raise ValueError("a KMS key is named projects/<p>/locations/<l>/keyRings/<r>/cryptoKeys/<k>")
        super().__init__(f"gcp-kms:{name}")
        self._path = f"/v1/{name}"
        self._service = service
        self._token = token

    async def _encrypt(self, material: bytes, entries: Mapping[str, str]) -> tuple[str, bytes]:
        answer = await self._request("encrypt", entries, plaintext=to_base64(material))
        version = _VERSION.search(str(answer.data.get("name", "")))
        wrapped = from_base64(answer.data.get("ciphertext"))
        if not answer.is_ok or version is None or not wrapped:
            raise self._unavailable(_status(answer))
        return version[1], wrapped

    async def _decrypt(self, wrapped: bytes, entries: Mapping[str, str]) -> bytes:
        answer = await self._request("decrypt", entries, ciphertext=to_base64(wrapped))
        if answer.is_ok:
            return from_base64(answer.data.get("plaintext"))
        if _status(answer) == "INVALID_ARGUMENT":  # a disabled key is a FAILED_PRECONDITION
            raise IntegrityError(IntegrityCode.NOT_AUTHENTIC)
        raise self._unavailable(_status(answer))

    async def _request(self, verb: str, entries: Mapping[str, str], **body: str) -> ServiceAnswer:
        body["additionalAuthenticatedData"] = to_base64(canonical_entries(entries))
        token = (await self._token.token()).reveal()
        headers = {"authorization": Secret(f"Bearer {token}")}
        return await self._service.request("POST", f"{self._path}:{verb}", headers=headers, body=body)


def _status(answer: ServiceAnswer) -> str:
    fault = answer.data.get("error")
    status = str(fault.get("status", "")) if isinstance(fault, dict) else ""
    return status if re.fullmatch(r"[A-Z_]{1,40}", status) else f"HTTP_{answer.status}"
