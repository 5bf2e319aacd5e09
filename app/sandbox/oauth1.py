"""The three addresses of OAuth 1.0a (RFC 5849 2): temporary credentials, consent, token credentials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from app.catalog.definition import Definition
from app.foundation.clock import Clock
from app.foundation.ids import new_token
from app.sandbox.accounts import speak_of_account
from app.sandbox.answer import NO_STORE, SandboxAnswer, plain, wrong_method
from app.sandbox.application import return_address
from app.sandbox.callback import redirect
from app.sandbox.consent_page import read_decision, returning_page
from app.sandbox.inbound import Inbound
from app.sandbox.ledger import Ledger, TokenStatus
from app.sandbox.oauth import DOWN
from app.sandbox.oauth1_check import OAuth1Check
from app.sandbox.oauth1_requests import LIFETIME_S, TemporaryTokens
from app.sandbox.oauth1_signature import OAuth1RefusedError, SignedRequest
from app.sandbox.page import notice_page
from app.sandbox.routing import RouteTarget
from app.sandbox.switches import Switchboard
from app.sandbox.tokens import Claims, Kind, Seal
from app.sandbox.wording import OAuth2RefusedError

_FORM: Final = "application/x-www-form-urlencoded"
_VERBS: Final = frozenset({"GET", "POST"})
_WRONG_VERB: Final = wrong_method("This address takes POST (RFC 5849 2.1 and 2.3).", "GET", "POST")
_BEGIN_AGAIN: Final = "Begin again at the application."


class OAuth1Endpoints:
    """Plays the three-legged flow. A temporary token is decided on once, and used once."""

    def __init__(
        self,
        ledger: Ledger,
        check: OAuth1Check,
        temporary: TemporaryTokens,
        switchboard: Switchboard,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._check = check
        self._temporary = temporary
        self._switchboard = switchboard
        self._clock = clock

    async def request(self, definition: Definition, target: RouteTarget, inbound: Inbound) -> SandboxAnswer:
        """Give out temporary credentials (RFC 5849 2.1)."""
        method = target.auth[0]
        if inbound.method not in _VERBS:
            return _WRONG_VERB
        try:
            signed = await self._check.check_client(definition, method, inbound)
            callback = _callback(signed)
        except OAuth1RefusedError as refused:
            return _refusal(refused)
        claims = Claims(Kind.REQUEST, definition.integration, method.id)
        token = await self._temporary.issue(await self._ledger.dated(claims, LIFETIME_S), callback)
        return _issued(self._ledger.seal, token, {"oauth_callback_confirmed": "true"})

    async def consent(self, definition: Definition, target: RouteTarget, inbound: Inbound) -> Response:
        """Show the consent page (RFC 5849 2.2), and send the browser back as the person decided."""
        method = target.auth[0]
        token = inbound.query_map.get("oauth_token", "")
        found = await self._temporary.find(definition.integration, token)
        address = None if found is None else return_address(found.callback)
        if found is None or address is None or found.claims.method != method.id:
            return notice_page("This request is not known here", _BEGIN_AGAIN)
        claims = found.claims
        if (
            await self._ledger.decision(claims) is not None
            or await self._ledger.verdict(claims) is not TokenStatus.LIVE
        ):
            return notice_page("This request was answered already, or has expired", _BEGIN_AGAIN)
        form = (inbound.form or ()) if inbound.method == "POST" else ()
        decision = read_decision(definition, method, (), form)
        if decision is None:
            return returning_page(definition, method, address)
        account, verifier = decision.account, new_token(128)
        said = [] if account is None else [verifier, account.number, account.id]
        if not await self._ledger.decide(claims, said):
            return notice_page("This request was answered already", _BEGIN_AGAIN)
        result = {"oauth_problem": "user_refused"} if account is None else {"oauth_verifier": verifier}
        return redirect(address, {"oauth_token": token, **result})

    async def access(self, definition: Definition, target: RouteTarget, inbound: Inbound) -> SandboxAnswer:
        """Exchange the temporary token, once, for token credentials (RFC 5849 2.3)."""
        method = target.auth[0]
        if inbound.method not in _VERBS:
            return _WRONG_VERB
        switches = await self._switchboard.of(definition.integration, None)
        await self._clock.sleep(switches.delay_s)
        if switches.token_endpoint_down and await self._switchboard.struck(switches):
            return DOWN
        try:
            signed, claims = await self._check.check_token(definition, method, inbound, Kind.REQUEST)
            number, subject = await self._consented(claims, signed.oauth.get("oauth_verifier", ""))
        except OAuth1RefusedError as refused:
            return _refusal(refused)
        granted = replace(claims, kind=Kind.ACCESS, account=number, subject=subject)
        access = await self._ledger.issue(granted, None)
        example = {}
        if method.oauth1 is not None:
            example = plain(method.oauth1.example)
            speak_of_account(example, method.oauth1.account, number)
        return _issued(self._ledger.seal, access, example)

    async def _consented(self, claims: Claims, verifier: str) -> tuple[int, str]:
        """Return the account that a person consented with; the verifier proves that it was the same person.

        Raises:
            OAuth1RefusedError: there is no such consent, or it was used.
        """
        verdict = await self._ledger.verdict(claims)
        if verdict is not TokenStatus.LIVE:
            word = "token_expired" if verdict is TokenStatus.EXPIRED else "token_revoked"
            raise OAuth1RefusedError(401, word)
        said = await self._ledger.decision(claims)
        if not said:
            raise OAuth1RefusedError(401, "permission_unknown" if said is None else "permission_denied")
        if said[0] != verifier:
            raise OAuth1RefusedError(401, "verifier_invalid")
        try:
            await self._ledger.use_code(claims)
        except OAuth2RefusedError:
            raise OAuth1RefusedError(401, "token_used") from None
        return said[1], said[2]


def _callback(signed: SignedRequest) -> str:
    callback = signed.oauth.get("oauth_callback", "")
    if not callback:
        raise OAuth1RefusedError(400, "parameter_absent")
    if return_address(callback) is None:
        raise OAuth1RefusedError(400, "parameter_rejected")
    return callback


def _issued(seal: Seal, token: str, more: Mapping[str, object]) -> SandboxAnswer:
    fields = {**more, "oauth_token": token, "oauth_token_secret": seal.secret_of(token)}
    return SandboxAnswer(200, urlencode(fields), {**NO_STORE, "content-type": _FORM})


def _refusal(refused: OAuth1RefusedError) -> SandboxAnswer:
    headers = {**NO_STORE, "content-type": _FORM}
    if refused.status == 401:  # noqa: PLR2004 - RFC 9110 11.6.1 wants a challenge with it
        headers["www-authenticate"] = 'OAuth realm="sandbox"'
    return SandboxAnswer(refused.status, urlencode({"oauth_problem": refused.word}), headers)
