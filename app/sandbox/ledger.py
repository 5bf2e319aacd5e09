"""Keeps count of what was used up and revoked: single-use codes and refresh tokens, and whole families."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Final

import orjson

from app.catalog.definition import Json
from app.foundation.clock import Clock
from app.sandbox.state import SandboxState
from app.sandbox.switches import Switchboard
from app.sandbox.tokens import Claims, Kind, Seal
from app.sandbox.wording import bad_code, dead_grant

REFRESH_LIFETIME_S: Final = 90 * 86_400
_EXPIRED_BY_HAND: Final = frozenset({Kind.ACCESS, Kind.DEVICE})
_KEPT_S: Final = REFRESH_LIFETIME_S + 86_400
_DECISION_KEPT_S: Final = 1_200  # longer than what is decided on lives


class TokenStatus(StrEnum):
    """Whether a code or token still counts."""

    LIVE = "LIVE"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"


class Ledger:
    """Dates what its seal signs, and judges it later: by time, switches and what happened to its family."""

    def __init__(self, seal: Seal, state: SandboxState, switchboard: Switchboard, clock: Clock) -> None:
        self.seal = seal
        self._state = state
        self._switchboard = switchboard
        self._clock = clock

    async def issue(self, claims: Claims, lifetime_s: int | None) -> str:
        """Return the signed text of the claims, dated."""
        return self.seal.issue(await self.dated(claims, lifetime_s))

    async def dated(self, claims: Claims, lifetime_s: int | None) -> Claims:
        """Return the claims as issued now, for ``lifetime_s`` or for ever, with the switches' epochs of this moment."""
        expired, revoked = await self._switchboard.epochs(claims.integration, claims.subject)
        expires_at = None if lifetime_s is None else self.expiry(lifetime_s)
        return replace(claims, expires_at=expires_at, expiry_epoch=expired, revocation_epoch=revoked)

    def expiry(self, lifetime_s: int) -> int:
        """Return when a lifetime that begins now is over."""
        return int(self._clock.now().timestamp()) + lifetime_s

    async def verdict(self, claims: Claims) -> TokenStatus:
        """Say whether the value still counts; revoked goes before expired."""
        expired, revoked = await self._switchboard.epochs(claims.integration, claims.subject)
        (family,) = await self._state.read([_family(claims)])
        if family is not None or claims.revocation_epoch < revoked:
            return TokenStatus.REVOKED
        by_hand = claims.kind in _EXPIRED_BY_HAND and claims.expiry_epoch < expired
        by_time = claims.expires_at is not None and claims.expires_at <= self._clock.now().timestamp()
        return TokenStatus.EXPIRED if by_hand or by_time else TokenStatus.LIVE

    async def use_code(self, code: Claims) -> None:
        """Use a code (of whatever kind) up; a second use revokes all that came of the first (RFC 6749 4.1.2).

        Raises:
            OAuth2RefusedError: ``invalid_grant``, it was used before.
        """
        if await self._state.claim(f"code:{code.family}", "used", _KEPT_S) is not None:
            await self.revoke(code)
            raise bad_code("The code was used before; its tokens are revoked.")

    async def use_refresh_token(self, refresh: Claims, grace_s: int) -> None:
        """Use the refresh token up; a second use, after ``grace_s``, revokes the family (RFC 9700 4.14).

        Raises:
            OAuth2RefusedError: ``invalid_grant``, it was used before.
        """
        now = self._clock.now().timestamp()
        first = await self._state.claim(f"refresh:{refresh.family}:{refresh.generation}", str(now), _KEPT_S)
        if first is not None and now - float(first) >= grace_s:
            await self.revoke(refresh)
            raise dead_grant("The refresh token was used before; its family is revoked.")

    async def decide(self, claims: Claims, said: Sequence[Json]) -> bool:
        """Keep what a person decided on a code, nothing for a refusal; False where it was decided before."""
        kept = orjson.dumps(said).decode()
        return await self._state.claim(_decision(claims), kept, _DECISION_KEPT_S) is None

    async def decision(self, claims: Claims) -> list[Json] | None:
        """Return what a person decided, or None where nobody has."""
        (kept,) = await self._state.read([_decision(claims)])
        return None if kept is None else list(orjson.loads(kept))

    async def revoke(self, claims: Claims) -> None:
        """Revoke everything that came of the same consent."""
        await self._state.put(_family(claims), "revoked", _KEPT_S)


def _family(claims: Claims) -> str:
    return f"family:{claims.family}"


def _decision(claims: Claims) -> str:
    return f"decided:{claims.family}"
