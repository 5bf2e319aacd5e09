"""Device codes (RFC 8628): given out with a user code, decided on by a person, and polled in between."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Final

import orjson

from app.foundation.clock import Clock
from app.sandbox.consent_page import Decision
from app.sandbox.ledger import Ledger, TokenStatus
from app.sandbox.state import SandboxState
from app.sandbox.tokens import Claims, Kind
from app.sandbox.wording import OAuth2RefusedError, dead_grant

LIFETIME_S: Final = 600
INTERVAL_S: Final = 5
_SLOW_DOWN_S: Final = 5  # RFC 8628 3.5
_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"  # RFC 8628 6.1: no vowels, so no words
_CODE_CHARS: Final = 8
_MAX_TYPED_CHARS: Final = 32


class DeviceCodes:
    """Gives codes out, keeps what a person decided, and judges each poll."""

    def __init__(self, ledger: Ledger, state: SandboxState, clock: Clock) -> None:
        self._ledger = ledger
        self._state = state
        self._clock = clock

    async def issue(self, integration: str, method_id: str, scopes: tuple[str, ...]) -> tuple[str, str]:
        """Give out the code that the application polls with and the one that a person types (RFC 8628 3.2)."""
        claims = Claims(Kind.DEVICE, integration, method_id, scopes=scopes)
        device_code = await self._ledger.issue(claims, LIFETIME_S)
        while True:
            letters = "".join(secrets.choice(_LETTERS) for _ in range(_CODE_CHARS))
            if await self._state.claim(_typed(integration, letters), device_code, LIFETIME_S) is None:
                return device_code, f"{letters[:4]}-{letters[4:]}"

    async def find(self, integration: str, user_code: str) -> Claims | None:
        """Return what waits under a user code, in whatever case and with or without its dash (RFC 8628 6.1)."""
        letters = "".join(char for char in user_code[:_MAX_TYPED_CHARS].upper() if char in _LETTERS)
        if len(letters) != _CODE_CHARS:
            return None
        (device_code,) = await self._state.read([_typed(integration, letters)])
        claims = (
            None if device_code is None else self._ledger.seal.open(device_code, integration, Kind.DEVICE)
        )
        if claims is None or await self._ledger.verdict(claims) is not TokenStatus.LIVE:
            return None
        return claims if await self._ledger.decision(claims) is None else None

    async def decide(self, code: Claims, decision: Decision) -> bool:
        """Keep what a person decided; False where it was decided before."""
        account = decision.account
        said = [] if account is None else [account.number, account.id, decision.scopes]
        return await self._ledger.decide(code, said)

    async def granted(self, code: Claims | None) -> Claims:
        """Judge one poll (RFC 8628 3.5): the grant, used up by this, where a person has consented.

        Raises:
            OAuth2RefusedError: ``authorization_pending``, ``slow_down``, ``expired_token``, ``access_denied``, or
                ``invalid_grant`` for a code that is none or was used.
        """
        verdict = TokenStatus.REVOKED if code is None else await self._ledger.verdict(code)
        if code is None or verdict is TokenStatus.REVOKED:
            raise dead_grant("The device_code is not one that counts.")
        if verdict is TokenStatus.EXPIRED:
            raise OAuth2RefusedError("expired_token", "The device_code has expired.")
        said = await self._ledger.decision(code)
        if said is None:
            raise await self._pending(code)
        if not said:
            raise OAuth2RefusedError("access_denied", "The person did not allow it.")
        await self._ledger.use_code(code)
        number, subject, scopes = said
        return replace(code, account=number, subject=subject, scopes=tuple(scopes))

    async def _pending(self, code: Claims) -> OAuth2RefusedError:
        """Return the answer to a poll that comes before the decision; one too early makes the interval longer."""
        now = self._clock.now().timestamp()
        (text,) = await self._state.read([_polled(code)])
        last, interval_s = orjson.loads(text) if text else (None, INTERVAL_S)
        is_early = last is not None and now - last < interval_s
        interval_s += _SLOW_DOWN_S if is_early else 0
        await self._state.put(_polled(code), orjson.dumps([now, interval_s]).decode(), LIFETIME_S)
        if is_early:
            return OAuth2RefusedError("slow_down", "Asked sooner than the interval allows.")
        return OAuth2RefusedError("authorization_pending", "The person has not decided yet.")


def _typed(integration: str, letters: str) -> str:
    return f"device:{integration}:{letters}"


def _polled(code: Claims) -> str:
    return f"device-polled:{code.family}"
