"""Revokes tokens and reports what they are: RFC 7009, the providers' own ways, and RFC 7662."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from app.catalog.definition import AuthMethod, Definition
from app.foundation.problems import ProblemCode
from app.sandbox.answer import NO_STORE, SandboxAnswer
from app.sandbox.application import CLIENT_ID
from app.sandbox.authorization_request import oauth_of
from app.sandbox.client_proof import ClientProofCheck
from app.sandbox.inbound import Inbound
from app.sandbox.ledger import Ledger, TokenStatus
from app.sandbox.methods import best_example, example_answer
from app.sandbox.oauth import rfc_fields
from app.sandbox.routing import Call
from app.sandbox.tokens import Claims, Kind, Seal
from app.sandbox.wording import TokenRefusedError, plain_success, problem_answer, token_refusal


class Revocation:
    """Revokes the whole family of a token, wherever in the request it stands, and introspects tokens."""

    def __init__(self, seal: Seal, ledger: Ledger, proof: ClientProofCheck) -> None:
        self._seal = seal
        self._ledger = ledger
        self._proof = proof

    async def revoke(
        self, definition: Definition, methods: Sequence[AuthMethod], calls: Sequence[Call], inbound: Inbound
    ) -> SandboxAnswer:
        """Revoke; a token that is not ours or was revoked before is a success too (RFC 7009 2.2).

        Only where the token is the caller's own credential must it be a live one. The application need not
        prove itself, for several providers do not ask for it, but what it proves must be right.
        """
        method = methods[0]
        oauth = oauth_of(method)
        found = list(self._tokens(definition, inbound))
        if oauth.revoke_with == "bearer":
            if not found or await self._ledger.verdict(found[0]) is not TokenStatus.LIVE:
                return problem_answer(
                    definition, calls[0].method if calls else None, ProblemCode.CREDENTIALS_REJECTED
                )
        elif _proves_application(inbound):
            try:
                proven = replace(oauth, client_auth=oauth.revoke_client_auth or oauth.client_auth)
                await self._proof.check(method, proven, inbound, rfc_fields(oauth, inbound))
            except TokenRefusedError as refused:
                return replace(token_refusal(oauth, refused), status=401)
        for claims in found:
            await self._ledger.revoke(claims)
        example = best_example(calls[0].method, {}) if calls else None
        return (
            SandboxAnswer(200, plain_success(definition.http), NO_STORE)
            if example is None
            else example_answer(example, {})
        )

    async def introspect(
        self, definition: Definition, methods: Sequence[AuthMethod], inbound: Inbound
    ) -> SandboxAnswer:
        """Report what a token is (RFC 7662 2.2); one that does not count is only ``active: false``."""
        method = methods[0]
        fields = rfc_fields(oauth_of(method), inbound)
        try:
            await self._proof.check(method, oauth_of(method), inbound, fields)
        except TokenRefusedError as refused:
            return token_refusal(oauth_of(method), refused)
        claims = self._opened(definition, fields.get("token", ""))
        if claims is None or await self._ledger.verdict(claims) is not TokenStatus.LIVE:
            return SandboxAnswer(200, {"active": False}, NO_STORE)
        description = {
            "active": True,
            "client_id": CLIENT_ID,
            "scope": " ".join(claims.scopes),
            "sub": claims.subject,
        }
        expiry = {} if claims.expires_at is None else {"exp": claims.expires_at}
        kind = "access_token" if claims.kind is Kind.ACCESS else "refresh_token"
        return SandboxAnswer(200, {**description, **expiry, "token_type": kind}, NO_STORE)

    def _tokens(self, definition: Definition, inbound: Inbound) -> Iterator[Claims]:
        texts = [inbound.headers.get("authorization", "").rpartition(" ")[2]]
        texts += [value for _, value in (*inbound.fields, *inbound.query)]
        for text in texts:
            claims = self._opened(definition, text)
            if claims is not None:
                yield claims

    def _opened(self, definition: Definition, text: str) -> Claims | None:
        opened = (self._seal.open(text, kind) for kind in (Kind.ACCESS, Kind.REFRESH))
        return next(
            (found for found in opened if found and found.integration == definition.integration), None
        )


def _proves_application(inbound: Inbound) -> bool:
    is_basic = inbound.headers.get("authorization", "").lower().startswith("basic ")
    return is_basic or bool({"client_secret", "client_assertion"} & {name for name, _ in inbound.fields})
