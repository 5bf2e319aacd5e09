"""Revokes tokens and reports what they are: RFC 7009, the providers' own ways, and RFC 7662."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from app.catalog.definition import Definition
from app.foundation.problems import ProblemCode
from app.sandbox.answer import NO_STORE, SandboxAnswer
from app.sandbox.application import CLIENT_ID
from app.sandbox.authorization_request import oauth_of, rfc_names
from app.sandbox.client_proof import ClientProofCheck
from app.sandbox.inbound import Inbound
from app.sandbox.ledger import Ledger, TokenStatus
from app.sandbox.methods import best_example, example_answer
from app.sandbox.routing import RouteTarget
from app.sandbox.tokens import Claims, Kind
from app.sandbox.wording import OAuth2RefusedError, plain_success, problem_answer, token_refusal

_TOKENS: Final = (Kind.ACCESS, Kind.REFRESH)


class Revocation:
    """Revokes the whole family of a token, wherever in the request it stands, and introspects tokens."""

    def __init__(self, ledger: Ledger, proof: ClientProofCheck) -> None:
        self._ledger = ledger
        self._proof = proof

    async def revoke(self, definition: Definition, target: RouteTarget, inbound: Inbound) -> SandboxAnswer:
        """Revoke; a token that is not ours or was revoked before is a success too (RFC 7009 2.2).

        Only where the token is the caller's own credential must it be a live one. The application need not
        prove itself, for several providers do not ask for it, but what it proves must be right.
        """
        method = target.auth[0]
        oauth = oauth_of(method)
        call = target.calls[0].method if target.calls else None
        found = list(self._tokens(definition, inbound))
        if oauth.revoke_with == "bearer":
            if not found or await self._ledger.verdict(found[0]) is not TokenStatus.LIVE:
                return problem_answer(definition, call, ProblemCode.CREDENTIALS_REJECTED)
        elif _proves_application(inbound):
            try:
                proven = replace(oauth, client_auth=oauth.revoke_client_auth or oauth.client_auth)
                await self._proof.check(method, proven, inbound)
            except OAuth2RefusedError as refused:
                return replace(token_refusal(oauth, refused), status=401)
        for claims in found:
            await self._ledger.revoke(claims)
        example = None if call is None else best_example(call, {})
        if example is None:
            return SandboxAnswer(200, plain_success(definition.http), NO_STORE)
        return example_answer(example, {})

    async def introspect(
        self, definition: Definition, target: RouteTarget, inbound: Inbound
    ) -> SandboxAnswer:
        """Report what a token is (RFC 7662 2.2); one that does not count is only ``active: false``."""
        method = target.auth[0]
        oauth = oauth_of(method)
        try:
            await self._proof.check(method, oauth, inbound)
        except OAuth2RefusedError as refused:
            return token_refusal(oauth, refused)
        token = rfc_names(oauth, inbound.fields).get("token", "")
        claims = self._ledger.seal.open(token, definition.integration, *_TOKENS)
        if claims is None or await self._ledger.verdict(claims) is not TokenStatus.LIVE:
            return SandboxAnswer(200, {"active": False}, NO_STORE)
        description = {
            "active": True,
            "client_id": CLIENT_ID,
            "scope": " ".join(claims.scopes),
            "sub": claims.subject,
            "token_type": f"{claims.kind}_token",
        }
        expiry = {} if claims.expires_at is None else {"exp": claims.expires_at}
        return SandboxAnswer(200, {**description, **expiry}, NO_STORE)

    def _tokens(self, definition: Definition, inbound: Inbound) -> Iterator[Claims]:
        texts = [inbound.headers.get("authorization", "").rpartition(" ")[2]]
        texts += [value for _, value in (*inbound.fields, *inbound.query)]
        for text in texts:
            claims = self._ledger.seal.open(text, definition.integration, *_TOKENS)
            if claims is not None:
                yield claims


def _proves_application(inbound: Inbound) -> bool:
    is_basic = inbound.headers.get("authorization", "").lower().startswith("basic ")
    return is_basic or bool({"client_secret", "client_assertion"} & {name for name, _ in inbound.fields})
