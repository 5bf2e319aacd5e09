"""The three addresses of OAuth 1.0a (RFC 5849 2): temporary credentials, consent, token credentials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import SplitResult, quote, urlencode, urlunsplit

import orjson
from starlette.responses import RedirectResponse, Response

from app.catalog.definition import AuthMethod, Definition
from app.foundation.clock import Clock
from app.foundation.ids import new_token
from app.sandbox.accounts import accounts_of, speak_of_account
from app.sandbox.answer import NO_STORE, SandboxAnswer, fault, plain
from app.sandbox.application import return_address
from app.sandbox.consent_page import account_choice
from app.sandbox.inbound import Inbound, first_values
from app.sandbox.ledger import Ledger, TokenStatus
from app.sandbox.oauth import DOWN
from app.sandbox.oauth1_check import OAuth1Check
from app.sandbox.oauth1_requests import LIFETIME_S, TemporaryTokens
from app.sandbox.oauth1_signature import OAuth1RefusedError, SignedRequest
from app.sandbox.page import form_origin, sandbox_page, text
from app.sandbox.state import SandboxState
from app.sandbox.switches import Switchboard
from app.sandbox.tokens import Claims, Kind, Seal
from app.sandbox.wording import TokenRefusedError

_FORM: Final = "application/x-www-form-urlencoded"
_VERBS: Final = frozenset({"GET", "POST"})
_WRONG_VERB: Final = replace(
    fault(405, "method_not_allowed", "This address takes POST (RFC 5849 2.1 and 2.3)."),
    headers={"allow": "GET, POST"},
)


class OAuth1Endpoints:
    """Plays the three-legged flow. A temporary token is decided on once, and used once."""

    def __init__(
        self,
        seal: Seal,
        ledger: Ledger,
        check: OAuth1Check,
        temporary: TemporaryTokens,
        state: SandboxState,
        switchboard: Switchboard,
        clock: Clock,
    ) -> None:
        self._seal = seal
        self._ledger = ledger
        self._check = check
        self._temporary = temporary
        self._state = state
        self._switchboard = switchboard
        self._clock = clock

    async def request(self, definition: Definition, method: AuthMethod, inbound: Inbound) -> SandboxAnswer:
        """Give out temporary credentials (RFC 5849 2.1)."""
        if inbound.method not in _VERBS:
            return _WRONG_VERB
        try:
            signed = await self._check.check_client(definition, method, inbound)
            callback = _callback(signed)
        except OAuth1RefusedError as refused:
            return _refusal(refused)
        epochs = await self._switchboard.epochs(definition.integration, "")
        claims = Claims(
            kind=Kind.REQUEST,
            integration=definition.integration,
            method=method.id,
            family=new_token(128),
            generation=0,
            account=1,
            subject="",
            scopes=(),
            expires_at=int(self._clock.now().timestamp()) + LIFETIME_S,
            expiry_epoch=epochs.expiry,
            revocation_epoch=epochs.revocation,
        )
        token = await self._temporary.issue(claims, callback)
        return _issued(self._seal, token, {}, {"oauth_callback_confirmed": "true"})

    async def consent(self, definition: Definition, method: AuthMethod, inbound: Inbound) -> Response:
        """Show the consent page (RFC 5849 2.2), and send the browser back as the person decided."""
        token = inbound.query_map.get("oauth_token", "")
        found = await self._temporary.find(definition.integration, token)
        address = None if found is None else return_address(found.callback)
        if found is None or address is None or found.claims.method != method.id:
            return _stop("This request is not known here", "Begin again at the application.")
        claims = found.claims
        (decided,) = await self._state.read([_decided_key(claims)])
        if decided is not None or await self._ledger.verdict(claims) is not TokenStatus.LIVE:
            return _stop(
                "This request was answered already, or has expired", "Begin again at the application."
            )
        if inbound.method == "POST":
            decision = first_values(inbound.form or ())
            if decision.get("decision") in {"allow", "deny"}:
                return await self._decided(definition, method, claims, token, address, decision)
        return _page(definition, method, address)

    async def access(self, definition: Definition, method: AuthMethod, inbound: Inbound) -> SandboxAnswer:
        """Exchange the temporary token, once, for token credentials (RFC 5849 2.3)."""
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
        epochs = await self._switchboard.epochs(definition.integration, subject)
        access = replace(
            claims,
            kind=Kind.ACCESS,
            account=number,
            subject=subject,
            expires_at=None,
            expiry_epoch=epochs.expiry,
            revocation_epoch=epochs.revocation,
        )
        oauth1 = method.oauth1
        example = plain(oauth1.example) if oauth1 is not None else {}
        if oauth1 is not None:
            speak_of_account(example, oauth1.account.id, oauth1.account.label, number)
        return _issued(self._seal, self._seal.issue(access), example, {})

    async def _decided(
        self,
        definition: Definition,
        method: AuthMethod,
        claims: Claims,
        token: str,
        address: SplitResult,
        decision: Mapping[str, str],
    ) -> Response:
        accounts = accounts_of(definition, method)
        account = next((one for one in accounts if str(one.number) == decision.get("account")), accounts[0])
        verifier = new_token(128)
        allowed = decision["decision"] == "allow"
        said = [verifier, account.number, account.id] if allowed else None
        if (
            await self._state.claim(_decided_key(claims), orjson.dumps(said).decode(), 2 * LIFETIME_S)
            is not None
        ):
            return _stop("This request was answered already", "Begin again at the application.")
        result = {"oauth_verifier": verifier} if allowed else {"oauth_problem": "user_refused"}
        own = urlencode({"oauth_token": token, **result}, quote_via=quote)
        query = f"{address.query}&{own}" if address.query else own
        url = urlunsplit((address.scheme, address.netloc, address.path or "/", query, ""))
        return RedirectResponse(url, 303, {"cache-control": "no-store", "referrer-policy": "no-referrer"})

    async def _consented(self, claims: Claims, verifier: str) -> tuple[int, str]:
        """Return the account that a person consented with; the verifier proves that it was the same person.

        Raises:
            OAuth1RefusedError: there is no such consent, or it was used.
        """
        verdict = await self._ledger.verdict(claims)
        if verdict is not TokenStatus.LIVE:
            word = "token_expired" if verdict is TokenStatus.EXPIRED else "token_revoked"
            raise OAuth1RefusedError(401, word)
        (text_,) = await self._state.read([_decided_key(claims)])
        said = None if text_ is None else orjson.loads(text_)
        if said is None:
            raise OAuth1RefusedError(401, "permission_unknown" if text_ is None else "permission_denied")
        if said[0] != verifier:
            raise OAuth1RefusedError(401, "verifier_invalid")
        try:
            await self._ledger.use_code(claims)
        except TokenRefusedError:
            raise OAuth1RefusedError(401, "token_used") from None
        return said[1], said[2]


def _callback(signed: SignedRequest) -> str:
    callback = signed.oauth.get("oauth_callback", "")
    if not callback:
        raise OAuth1RefusedError(400, "parameter_absent")
    if return_address(callback) is None:
        raise OAuth1RefusedError(400, "parameter_rejected")
    return callback


def _issued(seal: Seal, token: str, example: Mapping[str, object], more: Mapping[str, str]) -> SandboxAnswer:
    fields = {name: str(value) for name, value in example.items()}
    fields |= {"oauth_token": token, "oauth_token_secret": seal.secret_of(token), **more}
    return SandboxAnswer(200, urlencode(fields), {**NO_STORE, "content-type": _FORM})


def _refusal(refused: OAuth1RefusedError) -> SandboxAnswer:
    headers = {**NO_STORE, "content-type": _FORM}
    if refused.status == 401:  # noqa: PLR2004 - RFC 9110 11.6.1 wants a challenge with it
        headers["www-authenticate"] = 'OAuth realm="sandbox"'
    return SandboxAnswer(refused.status, urlencode({"oauth_problem": refused.word}), headers)


def _page(definition: Definition, method: AuthMethod, address: SplitResult) -> Response:
    title = f"Allow access to {definition.name}?"
    content: Sequence[str] = [
        f"<h1>{text(title)}</h1>",
        f"<p>This is a simulation of <strong>{text(definition.name)}</strong> {text(definition.version)}.",
        "No real account is involved, and nothing is sent to the real one.</p>",
        f'<p class="soft">You will return to <code>{text(address.hostname or "")}</code>.</p>',
        '<form method="post">',
        *account_choice(definition, method),
        '<div class="acts"><button class="main" name="decision" value="allow">Allow</button>',
        '<button name="decision" value="deny">Deny</button></div></form>',
    ]
    return sandbox_page(title, content, form_to=f"'self' {form_origin(address)}")


def _stop(title: str, why: str) -> Response:
    return sandbox_page(title, [f"<h1>{text(title)}</h1>", f"<p>{text(why)}</p>"], status=400)


def _decided_key(claims: Claims) -> str:
    return f"oauth1-said:{claims.family}"
