"""Issues access and refresh tokens and answers with them in the definition's shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from app.catalog.definition import AuthMethod, Definition, RenewalBy, Rotation, TokenAnswer
from app.sandbox import paths
from app.sandbox.accounts import accounts_of
from app.sandbox.answer import NO_STORE, SandboxAnswer
from app.sandbox.ledger import REFRESH_LIFETIME_S, Ledger
from app.sandbox.token_answer import IssuedTokens, build_token_answer, gives_refresh_token, lifetime_of
from app.sandbox.tokens import CODES, Claims, Kind

INTROSPECTED_LIFETIME_S: Final = 7_200


async def issued_answer(
    ledger: Ledger,
    method: AuthMethod,
    token: TokenAnswer,
    grant: Claims,
    *,
    lifetime_s: int | None,
    scopes: Sequence[str] | None = None,
) -> SandboxAnswer:
    """Answer with tokens for ``grant``.

    ``lifetime_s`` is what the switches say; ``scopes`` narrows the access token (RFC 6749 6).
    """
    lives_s = lifetime_of(token, lifetime_s) or _introspected_s(method)
    narrowed = grant.scopes if scopes is None else tuple(scopes)
    bare = replace(grant, kind=Kind.ACCESS, scopes=narrowed, return_hash="", challenge="")
    access = await ledger.dated(bare, lives_s)
    refresh = None
    if _sends_refresh_token(method, token, grant):
        expires_at = ledger.expiry(REFRESH_LIFETIME_S)
        kept = replace(access, kind=Kind.REFRESH, scopes=grant.scopes, expires_at=expires_at)
        refresh = ledger.seal.issue(kept, paths.present(token.example, token.refresh_token))
    issued = IssuedTokens(
        access=ledger.seal.issue(access, paths.present(token.example, token.access_token)),
        refresh=refresh,
        lifetime_s=lives_s,
        scopes=narrowed,
        account=grant.account,
    )
    return SandboxAnswer(200, build_token_answer(token, issued), NO_STORE)


def fresh_grant(definition: Definition, method: AuthMethod, scopes: Sequence[str] = ()) -> Claims:
    """Return a new grant that no person consented to."""
    subject = accounts_of(definition, method)[0].id
    return Claims(Kind.ACCESS, definition.integration, method.id, subject=subject, scopes=tuple(scopes))


def _introspected_s(method: AuthMethod) -> int | None:
    """Return the lifetime of tokens that must be asked about it (RFC 7662), or None."""
    is_introspected = method.oauth2 is not None and method.oauth2.introspect_url is not None
    return INTROSPECTED_LIFETIME_S if is_introspected else None


def _sends_refresh_token(method: AuthMethod, token: TokenAnswer, grant: Claims) -> bool:
    oauth = method.oauth2
    if oauth is None or oauth.renewal.by is not RenewalBy.REFRESH_TOKEN:
        return False
    is_first = grant.kind in CODES
    rotates = oauth.renewal.rotation is Rotation.SINGLE_USE and grant.kind is Kind.REFRESH
    return (is_first or rotates) and gives_refresh_token(method, token, grant.scopes)
