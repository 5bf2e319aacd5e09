"""The temporary credentials of OAuth 1.0a: a short token that travels through the browser, and what it stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import orjson

from app.foundation.ids import new_token
from app.sandbox.state import SandboxState
from app.sandbox.tokens import Claims, Kind, Seal

LIFETIME_S: Final = 600
_MAX_TOKEN_CHARS: Final = 100


@dataclass(frozen=True, slots=True)
class TemporaryToken:
    """What was asked for under a temporary token, and where its answer goes."""

    claims: Claims
    callback: str


class TemporaryTokens:
    """Gives temporary tokens out and finds them again, also after they have expired, so that this can be reported."""

    def __init__(self, seal: Seal, state: SandboxState) -> None:
        self._seal = seal
        self._state = state

    async def issue(self, claims: Claims, callback: str) -> str:
        """Keep ``claims`` and return the token that stands for them; it is no secret."""
        token = new_token(128)
        kept = orjson.dumps([self._seal.issue(claims), callback]).decode()
        await self._state.put(_key(claims.integration, token), kept, 2 * LIFETIME_S)
        return token

    async def find(self, integration: str, token: str) -> TemporaryToken | None:
        """Return what a token stands for, or None."""
        if len(token) > _MAX_TOKEN_CHARS:
            return None
        (kept,) = await self._state.read([_key(integration, token)])
        if kept is None:
            return None
        sealed, callback = orjson.loads(kept)
        claims = self._seal.open(sealed, integration, Kind.REQUEST)
        return None if claims is None else TemporaryToken(claims, callback)


def _key(integration: str, token: str) -> str:
    return f"oauth1:{integration}:{token}"
