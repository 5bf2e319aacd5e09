"""Checks how an application proves itself, and the signed assertions that stand for it or for a user."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote_plus

from app.catalog.definition import AuthMethod, ClientAuth, OAuth2
from app.foundation.clock import Clock
from app.foundation.jwt import decode_jwt
from app.foundation.problems import ProblemCode
from app.foundation.templates import template
from app.sandbox.application import CLIENT_ID, CLIENT_SECRET, sample_application, sandbox_credentials
from app.sandbox.authorization_request import rfc_names
from app.sandbox.inbound import Inbound
from app.sandbox.presented import parse_basic
from app.sandbox.state import SandboxState
from app.sandbox.wording import OAuth2RefusedError, dead_grant

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MAX_ASSERTION_LIFE_S: Final = 3_600
_LEEWAY_S: Final = 60
_MAX_ASSERTION_CHARS: Final = 16_384
_SIGNED: Final = frozenset({ClientAuth.PRIVATE_KEY_JWT, ClientAuth.CLIENT_SECRET_JWT})
_HMAC: Final = ["HS256", "HS384", "HS512"]
_PUBLIC: Final = ["RS256", "RS384", "RS512", "PS256", "ES256"]


class ClientProofCheck:
    """Accepts the sandbox application proven as the definition says, and nothing else.

    Where a definition sends the secret in the form, Basic is accepted too: every server must offer it (RFC
    6749 2.3.1), and official clients use it.
    """

    def __init__(self, state: SandboxState, clock: Clock) -> None:
        self._state = state
        self._clock = clock

    async def check(self, method: AuthMethod, oauth: OAuth2, inbound: Inbound) -> None:
        """Check the application of a token request.

        Raises:
            OAuth2RefusedError: ``invalid_client``, or ``invalid_request`` where two proofs are given at once.
        """
        fields = rfc_names(oauth, inbound.fields)
        allowed, clients = _allowed(oauth), known_clients(method)
        basic = parse_basic(inbound.headers.get("authorization", ""))
        given = [basic is not None, "client_secret" in fields, "client_assertion" in fields]
        if sum(given) > 1:
            raise OAuth2RefusedError("invalid_request", "The application proves itself in more than one way.")
        client_id = fields.get("client_id")
        if client_id is not None and client_id not in clients:
            accepted = False
        elif basic is not None:
            accepted = bool(allowed - _SIGNED - {ClientAuth.NONE}) and _is_one_of(clients, basic)
        elif "client_assertion" in fields:
            accepted = bool(allowed & _SIGNED) and await self._asserted(method, oauth, inbound, fields)
        elif "client_secret" in fields:
            pair = (client_id or "", fields["client_secret"])
            accepted = ClientAuth.POST in allowed and _is_one_of(clients, pair)
        else:
            accepted = ClientAuth.NONE in allowed and client_id is not None
        if not accepted:
            said = "The application is not known or not proven as it should be."
            raise OAuth2RefusedError("invalid_client", said, ProblemCode.APPLICATION_REJECTED)

    async def check_assertion(
        self, method: AuthMethod, oauth: OAuth2, inbound: Inbound, assertion: str
    ) -> None:
        """Check an authorization grant that is a JWT (RFC 7523 2.1).

        Raises:
            OAuth2RefusedError: ``invalid_grant``.
        """
        algorithm = oauth.assertion.algorithm if oauth.assertion is not None else ""
        if await self._claims(oauth, inbound, assertion, _signing_field(method, oauth), [algorithm]) is None:
            raise dead_grant("The assertion is not accepted.")

    async def _asserted(
        self, method: AuthMethod, oauth: OAuth2, inbound: Inbound, fields: Mapping[str, str]
    ) -> bool:
        if fields.get("client_assertion_type") != ASSERTION_TYPE:
            return False
        secret = ClientAuth.CLIENT_SECRET_JWT in _allowed(oauth)
        key = CLIENT_SECRET if secret else _signing_field(method, oauth)
        algorithms = _HMAC if secret else _PUBLIC
        claims = await self._claims(oauth, inbound, fields["client_assertion"], key, algorithms)
        client_id = fields.get("client_id", CLIENT_ID)
        return claims is not None and claims.get("iss") == claims.get("sub") == client_id

    async def _claims(
        self, oauth: OAuth2, inbound: Inbound, assertion: str, key: str, algorithms: list[str]
    ) -> dict[str, Any] | None:
        claims = decode_jwt(assertion, key, algorithms) if len(assertion) <= _MAX_ASSERTION_CHARS else None
        if claims is None:
            return None
        counts = self._in_time(claims) and _is_for(claims, oauth, inbound) and await self._first(claims)
        return claims if counts else None

    def _in_time(self, claims: Mapping[str, Any]) -> bool:
        now, expires_at = self._clock.now().timestamp(), claims.get("exp")
        if not isinstance(expires_at, int | float) or not claims.get("iss"):
            return False
        return now - _LEEWAY_S < expires_at <= now + MAX_ASSERTION_LIFE_S + _LEEWAY_S

    async def _first(self, claims: Mapping[str, Any]) -> bool:
        jti = claims.get("jti")
        return jti is None or await self._state.claim(f"jti:{jti}"[:200], "1", MAX_ASSERTION_LIFE_S) is None


def _allowed(oauth: OAuth2) -> frozenset[str]:
    """Return the way in which the definition proves the application, or all where the configuration chooses it."""
    return frozenset({oauth.client_auth} if oauth.client_auth in set(ClientAuth) else ClientAuth)


def known_clients(method: AuthMethod) -> Mapping[str, str]:
    """Return the secret of each known client by its id: the sandbox application, and the one that a person enters."""
    entered = sandbox_credentials(method)
    own = {entered["clientId"]: entered.get("clientSecret", CLIENT_SECRET)} if "clientId" in entered else {}
    return {CLIENT_ID: CLIENT_SECRET, **own}


def _is_one_of(clients: Mapping[str, str], pair: tuple[str, str]) -> bool:
    """Return whether ``pair`` is a known client, form-encoded (RFC 6749 2.3.1) or raw."""
    spelled = (pair, (unquote_plus(pair[0]), unquote_plus(pair[1])))
    return any(client in clients and _same(secret, clients[client]) for client, secret in spelled)


def _is_for(claims: Mapping[str, Any], oauth: OAuth2, inbound: Inbound) -> bool:
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    stated = oauth.assertion.claims.get("aud") if oauth.assertion is not None else None
    return any(
        item in {inbound.address.url, oauth.issuer, stated} for item in audiences if isinstance(item, str)
    )


def _signing_field(method: AuthMethod, oauth: OAuth2) -> str:
    """Return what the field holds that assertions are signed with: its example, or the sample key."""
    values = {"credentials": sandbox_credentials(method), "application": sample_application(method)}
    key = oauth.assertion.key if oauth.assertion is not None else "{application.privateKey}"
    group, _, name = (template(key).only_variable() or "").partition(".")
    return values.get(group, {}).get(name, "")


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(), right.encode())
