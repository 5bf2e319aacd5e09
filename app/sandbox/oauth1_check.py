"""Checks who signed a request of OAuth 1.0, that it is in time, and that it comes for the first time."""

from __future__ import annotations

import re
from typing import Final

from app.catalog.definition import AuthMethod, Definition
from app.foundation.clock import Clock
from app.sandbox.application import sample_application
from app.sandbox.client_proof import known_clients
from app.sandbox.inbound import Inbound
from app.sandbox.oauth1_requests import TemporaryTokens
from app.sandbox.oauth1_signature import OAuth1RefusedError, SignedRequest, is_signed_with, read_signed
from app.sandbox.state import SandboxState
from app.sandbox.tokens import Claims, Kind, Seal

SKEW_S: Final = 300
_NUMBER: Final = re.compile(r"[0-9]{1,12}")
_MAX_NONCE_CHARS: Final = 200


class OAuth1Check:
    """Accepts a request that the sandbox application signed with a token's secret, once."""

    def __init__(self, seal: Seal, temporary: TemporaryTokens, state: SandboxState, clock: Clock) -> None:
        self._seal = seal
        self._temporary = temporary
        self._state = state
        self._clock = clock

    async def check_client(
        self, definition: Definition, method: AuthMethod, inbound: Inbound
    ) -> SignedRequest:
        """Return a request that the application signed without a token (RFC 5849 2.1).

        Raises:
            OAuth1RefusedError: RFC 5849 3.2 says with which status.
        """
        request = _read(method, inbound)
        if request.oauth.get("oauth_token"):
            raise OAuth1RefusedError(401, "token_rejected")
        await self._check_signature(definition, method, request, "")
        return request

    async def check_token(
        self, definition: Definition, method: AuthMethod, inbound: Inbound, kind: Kind
    ) -> tuple[SignedRequest, Claims]:
        """Return a request that was signed with a token of this kind, and what the token says.

        Raises:
            OAuth1RefusedError: RFC 5849 3.2 says with which status.
        """
        request = _read(method, inbound)
        token = request.oauth.get("oauth_token", "")
        claims = await self._opened(definition, token, kind)
        if claims is None or claims.method != method.id:
            raise OAuth1RefusedError(401, "token_rejected")
        await self._check_signature(definition, method, request, self._seal.secret_of(token))
        return request, claims

    async def _opened(self, definition: Definition, token: str, kind: Kind) -> Claims | None:
        if kind is not Kind.REQUEST:
            return self._seal.open(token, definition.integration, kind)
        found = await self._temporary.find(definition.integration, token)
        return None if found is None else found.claims

    async def _check_signature(
        self, definition: Definition, method: AuthMethod, request: SignedRequest, token_secret: str
    ) -> None:
        client_secret = known_clients(method).get(request.oauth["oauth_consumer_key"])
        if client_secret is None:
            raise OAuth1RefusedError(401, "consumer_key_unknown")
        key = sample_application(method).get("privateKey", "")
        if not is_signed_with(request, client_secret, token_secret, key):
            raise OAuth1RefusedError(401, "signature_invalid")
        await self._check_first(definition, request)

    async def _check_first(self, definition: Definition, request: SignedRequest) -> None:
        """Refuse a replay (RFC 5849 3.3); PLAINTEXT may leave out time and nonce (3.1)."""
        timestamp, nonce = request.oauth.get("oauth_timestamp", ""), request.oauth.get("oauth_nonce", "")
        if request.oauth["oauth_signature_method"] == "PLAINTEXT" and not timestamp and not nonce:
            return
        if not nonce or len(nonce) > _MAX_NONCE_CHARS:
            raise OAuth1RefusedError(400, "parameter_absent" if not nonce else "parameter_rejected")
        if not _NUMBER.fullmatch(timestamp) or abs(int(timestamp) - self._clock.now().timestamp()) > SKEW_S:
            raise OAuth1RefusedError(401, "timestamp_refused")
        who = f"{definition.integration}:{request.oauth['oauth_consumer_key']}"
        key = f"nonce:{who}:{timestamp}:{request.oauth.get('oauth_token', '')[-43:]}:{nonce}"
        if await self._state.claim(key, "1", 2 * SKEW_S + 60) is not None:
            raise OAuth1RefusedError(401, "nonce_used")


def _read(method: AuthMethod, inbound: Inbound) -> SignedRequest:
    request = read_signed(inbound)
    if request is None:
        raise OAuth1RefusedError(401, "parameter_absent")
    if method.oauth1 is None or request.oauth["oauth_signature_method"] != method.oauth1.signature:
        raise OAuth1RefusedError(400, "signature_method_rejected")
    return request
