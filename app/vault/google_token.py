"""Who the hub is to Google Cloud: a service account's key file, or the machine's own identity; EXPERIMENTAL."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from app.foundation.clock import Clock
from app.foundation.jwt import encode_jwt
from app.foundation.secret import Secret
from app.vault.errors import KeyFileError
from app.vault.private_file import read_private
from app.vault.service_client import ServiceClient, ServiceFaultError

METADATA: Final = "http://169.254.169.254"
_SCOPE: Final = "https://www.googleapis.com/auth/cloudkms"
_PATH: Final = "/computeMetadata/v1/instance/service-accounts/default/token"
_LIFETIME: Final = timedelta(hours=1)
_EARLY_S: Final = 60.0


class GoogleToken:
    """Gives the token for calls: one that the service account signs itself (AIP-4111), or one of the machine's.

    It is kept until shortly before it ends. ``metadata`` is the door to the machine's metadata server.
    """

    def __init__(self, clock: Clock, metadata: ServiceClient, account_file: Path | None = None) -> None:
        self._clock = clock
        self._metadata = metadata
        self._account_file = account_file
        self._token: Secret | None = None
        self._until = 0.0

    async def token(self) -> Secret:
        """Return a token that is valid for a minute at least.

        Raises:
            ServiceFaultError: there is none to be had.
        """
        if self._token is None or self._clock.monotonic() >= self._until:
            self._token, lifetime_s = self._signed() if self._account_file else await self._of_machine()
            self._until = self._clock.monotonic() + lifetime_s - _EARLY_S
        return self._token

    def _signed(self) -> tuple[Secret, float]:
        try:
            account = json.loads(read_private(Path(str(self._account_file))))
            key, claims = Secret(str(account["private_key"])), self._claims(account["client_email"])
            return encode_jwt("RS256", key, claims, account["private_key_id"]), _LIFETIME.total_seconds()
        except KeyFileError as fault:
            raise ServiceFaultError(f"the account file: {fault}") from None
        except (ValueError, KeyError, TypeError):
            raise ServiceFaultError("the account file is not the key of a service account") from None

    def _claims(self, email: str) -> dict[str, Any]:
        now = self._clock.now()
        return {
            "iss": email,
            "sub": email,
            "scope": _SCOPE,
            "iat": int(now.timestamp()),
            "exp": int((now + _LIFETIME).timestamp()),
        }

    async def _of_machine(self) -> tuple[Secret, float]:
        answer = await self._metadata.request("GET", _PATH, headers={"metadata-flavor": "Google"})
        token, lifetime = answer.data.get("access_token"), answer.data.get("expires_in")
        if not answer.is_ok or not isinstance(token, str) or not isinstance(lifetime, int):
            raise ServiceFaultError(f"METADATA_HTTP_{answer.status}")
        return Secret(token), float(lifetime)
