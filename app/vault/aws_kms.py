"""AWS KMS as the keeper of the key that wraps: the extra ``aws``, by the SDK in threads.

The SDK is the one HTTP client that the hub does not make itself: it finds its credentials and its region's endpoint in
ways that nobody should write again (instance and container roles, web identity). It calls what the operator named.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Final

from app.vault.errors import IntegrityCode, IntegrityError
from app.vault.service_key import ServiceKey

ARN: Final = re.compile(r"arn:aws[a-z-]*:kms:([a-z0-9-]+):\d{12}:key/[A-Za-z0-9-]{1,64}")
_CONNECT_S: Final = 3
_READ_S: Final = 5
_ATTEMPTS: Final = 3
_NOT_OURS: Final = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})


class AwsKmsKey(ServiceKey):
    """A symmetric KMS key, named by its ARN: an alias may come to mean another key.

    AWS keeps the older material of a key that it rotates and states no version of it: the version is always 1.

    Raises:
        ValueError: it is not the ARN of a key.
    """

    def __init__(self, arn: str, *, endpoint: str | None = None) -> None:
        match = ARN.fullmatch(arn)
        if match is None:
            raise ValueError("a KMS key is named by its ARN: arn:aws:kms:<region>:<account>:key/<id>")
        super().__init__(f"aws-kms:{arn}")
        self._arn = arn
        self._region = match[1]
        self._endpoint = endpoint
        self._lock = Lock()
        self._made: Any = None

    def close(self) -> None:
        """Close the SDK's idle connections."""
        if self._made is not None:
            self._made.close()

    async def _encrypt(self, material: bytes, entries: Mapping[str, str]) -> tuple[str, bytes]:
        try:
            answer = await self._call("encrypt", Plaintext=material, EncryptionContext=dict(entries))
        except IntegrityError:
            raise self._unavailable("it cannot encrypt") from None
        return "1", answer["CiphertextBlob"]

    async def _decrypt(self, wrapped: bytes, entries: Mapping[str, str]) -> bytes:
        answer = await self._call("decrypt", CiphertextBlob=wrapped, EncryptionContext=dict(entries))
        plaintext: bytes = answer["Plaintext"]
        return plaintext

    async def _call(self, operation: str, **arguments: Any) -> Mapping[str, Any]:  # noqa: ANN401 - the SDK's own names
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return await asyncio.to_thread(lambda: self._operation(operation)(KeyId=self._arn, **arguments))
        except ClientError as fault:
            code = str(fault.response.get("Error", {}).get("Code", ""))
            if code in _NOT_OURS:
                raise IntegrityError(IntegrityCode.NOT_AUTHENTIC) from None
            raise self._unavailable(code) from None
        except BotoCoreError as fault:
            raise self._unavailable(type(fault).__name__) from None

    def _operation(self, name: str) -> Callable[..., Mapping[str, Any]]:
        with self._lock:
            if self._made is None:
                self._made = _client(self._region, self._endpoint)
        operation: Callable[..., Mapping[str, Any]] = getattr(self._made, name)
        return operation


def _client(region: str, endpoint: str | None) -> Any:  # noqa: ANN401 - boto3 makes its clients without types
    import boto3
    from botocore.config import Config

    # Its debug lines hold requests and answers whole, data keys in plain text among them.
    for name in ("botocore", "boto3", "urllib3"):
        logger = logging.getLogger(name)
        logger.setLevel(max(logging.INFO, logger.level))
    config = Config(
        connect_timeout=_CONNECT_S,
        read_timeout=_READ_S,
        retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
    )
    return boto3.session.Session().client("kms", region_name=region, endpoint_url=endpoint, config=config)
