"""Keeps count of what was used up and revoked: single-use codes and refresh tokens, and whole families."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from app.foundation.clock import Clock
from app.sandbox.state import SandboxState
from app.sandbox.switches import Switchboard
from app.sandbox.tokens import Claims, Kind
from app.sandbox.wording import BAD_CODE, DEAD_GRANT, TokenRefusedError

REFRESH_LIFETIME_S: Final = 90 * 86_400
_EXPIRED_BY_HAND: Final = frozenset({Kind.ACCESS, Kind.DEVICE})
_KEPT_S: Final = REFRESH_LIFETIME_S + 86_400


class TokenStatus(StrEnum):
    """Whether a code or token still counts."""

    LIVE = "LIVE"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"


class Ledger:
    """Judges signed values by time, switches and what happened to their family."""

    def __init__(self, state: SandboxState, switchboard: Switchboard, clock: Clock) -> None:
        self._state = state
        self._switchboard = switchboard
        self._clock = clock

    async def verdict(self, claims: Claims) -> TokenStatus:
        """Say whether the value still counts; revoked goes before expired."""
        epochs = await self._switchboard.epochs(claims.integration, claims.subject)
        (revoked,) = await self._state.read([_family(claims)])
        if revoked is not None or claims.revocation_epoch < epochs.revocation:
            return TokenStatus.REVOKED
        by_hand = claims.kind in _EXPIRED_BY_HAND and claims.expiry_epoch < epochs.expiry
        by_time = claims.expires_at is not None and claims.expires_at <= self._clock.now().timestamp()
        return TokenStatus.EXPIRED if by_hand or by_time else TokenStatus.LIVE

    async def use_code(self, code: Claims) -> None:
        """Use a code (of whatever kind) up; a second use revokes all that came of the first (RFC 6749 4.1.2).

        Raises:
            TokenRefusedError: ``invalid_grant``, it was used before.
        """
        if await self._state.claim(f"code:{code.family}", "used", _KEPT_S) is not None:
            await self.revoke(code)
            raise TokenRefusedError(
                "invalid_grant", "The code was used before; its tokens are revoked.", *BAD_CODE
            )

    async def use_refresh_token(self, refresh: Claims, grace_s: int) -> None:
        """Use the refresh token up; a second use, after ``grace_s``, revokes the family (RFC 9700 4.14).

        Raises:
            TokenRefusedError: ``invalid_grant``, it was used before.
        """
        now = self._clock.now().timestamp()
        first = await self._state.claim(f"refresh:{refresh.family}:{refresh.generation}", str(now), _KEPT_S)
        if first is not None and now - float(first) >= grace_s:
            await self.revoke(refresh)
            raise TokenRefusedError(
                "invalid_grant", "The refresh token was used before; its family is revoked.", *DEAD_GRANT
            )

    async def revoke(self, claims: Claims) -> None:
        """Revoke everything that came of the same consent."""
        await self._state.put(_family(claims), "revoked", _KEPT_S)


def _family(claims: Claims) -> str:
    return f"family:{claims.family}"
