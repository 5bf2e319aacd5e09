"""The token endpoint: codes, refresh tokens and assertions become tokens, as the definition says."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.catalog.definition import AuthMethod, ClientAuth, Definition, GrantType, OAuth2, RenewalBy, Rotation
from app.foundation.clock import Clock
from app.foundation.patterns import matches
from app.foundation.problems import ProblemCode
from app.sandbox.answer import DROPPED, NO_STORE, SandboxAnswer, wrong_method
from app.sandbox.authorization_request import (
    oauth_of,
    permitted_scopes,
    refuse_repeated,
    requested_scopes,
    rfc_names,
)
from app.sandbox.client_proof import ClientProofCheck
from app.sandbox.device_codes import DeviceCodes
from app.sandbox.inbound import Inbound, first_values
from app.sandbox.issuer import fresh_grant, issued_answer
from app.sandbox.ledger import Ledger, TokenStatus
from app.sandbox.routing import RouteTarget
from app.sandbox.switches import Switchboard, Switches
from app.sandbox.tokens import CODES, Claims, Kind, text_hash
from app.sandbox.wording import OAuth2RefusedError, bad_code, dead_grant, token_refusal

JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_VERIFIER: Final = r"^[A-Za-z0-9._~-]{43,128}$"
_GRANTS: Final[Mapping[str, GrantType]] = {
    "authorization_code": GrantType.AUTHORIZATION_CODE,
    "client_credentials": GrantType.CLIENT_CREDENTIALS,
    JWT_BEARER: GrantType.JWT_BEARER,
    "urn:ietf:params:oauth:grant-type:device_code": GrantType.DEVICE_CODE,
}
DOWN: Final = SandboxAnswer(503, {"error": "temporarily_unavailable"}, {**NO_STORE, "retry-after": "1"})


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A token request under RFC names, its auth method, and the code or token that it brings."""

    definition: Definition
    method: AuthMethod
    oauth: OAuth2
    inbound: Inbound
    fields: Mapping[str, str]
    supplied: Claims | None
    switches: Switches

    @property
    def grant_type(self) -> str:
        """What is asked for; a code alone is enough, as several providers have it."""
        return self.fields.get("grant_type") or ("authorization_code" if "code" in self.fields else "")


class TokenEndpoint:
    """Answers token requests; every refusal has the definition's shape."""

    def __init__(
        self,
        ledger: Ledger,
        switchboard: Switchboard,
        proof: ClientProofCheck,
        devices: DeviceCodes,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._switchboard = switchboard
        self._proof = proof
        self._devices = devices
        self._clock = clock

    async def answer(self, definition: Definition, target: RouteTarget, inbound: Inbound) -> SandboxAnswer:
        """Answer one request to the token endpoint of the target's auth methods."""
        request = await self._read(definition, target.auth, inbound)
        switches = request.switches
        if inbound.method != "POST" and _exchanged_token(request) is None:
            return wrong_method("A token endpoint takes POST.", "POST")
        await self._clock.sleep(switches.delay_s)
        if switches.token_endpoint_down and await self._switchboard.struck(switches):
            return DOWN
        try:
            answer = await self._granted(request)
        except OAuth2RefusedError as refused:
            answer = token_refusal(request.oauth, refused)
        if switches.drop_token_answer and await self._switchboard.struck(switches):
            return DROPPED
        return answer

    async def _read(
        self, definition: Definition, methods: Sequence[AuthMethod], inbound: Inbound
    ) -> TokenRequest:
        given = first_values(inbound.fields)
        opened = (self._ledger.seal.open(text, definition.integration, *Kind) for text in given.values())
        supplied = next((claims for claims in opened if claims is not None), None)
        method = _method_of(methods, given, supplied)
        oauth = oauth_of(method)
        subject = supplied.subject if supplied is not None else None
        switches = await self._switchboard.of(definition.integration, subject)
        fields = rfc_names(oauth, inbound.fields)
        return TokenRequest(definition, method, oauth, inbound, fields, supplied, switches)

    async def _granted(self, request: TokenRequest) -> SandboxAnswer:
        access = _exchanged_token(request)
        if access is not None:
            return await self._exchange(request, access)
        _require_form(request)
        if not _is_anonymous(request):
            await self._proof.check(request.method, request.oauth, request.inbound)
        grant = _GRANTS.get(request.grant_type)
        if request.grant_type == "refresh_token" and request.oauth.token.refresh_token is not None:
            return await self._refresh(request)
        if grant is None or grant is not request.oauth.grant:
            raise OAuth2RefusedError("unsupported_grant_type", "This grant type is not offered.")
        if grant is GrantType.AUTHORIZATION_CODE:
            return await self._code(request)
        if grant is GrantType.DEVICE_CODE:
            code = self._opened(request, "device_code", Kind.DEVICE)
            return await self._issue(request, await self._devices.granted(code))
        if grant is GrantType.JWT_BEARER:
            assertion = request.fields.get("assertion", "")
            await self._proof.check_assertion(request.method, request.oauth, request.inbound, assertion)
        requested = permitted_scopes(request.method, request.oauth, request.fields)
        scopes = requested or [scope.name for scope in request.method.scopes]
        return await self._issue(request, fresh_grant(request.definition, request.method, scopes))

    async def _code(self, request: TokenRequest) -> SandboxAnswer:
        fields = request.fields
        code = self._opened(request, "code", Kind.CODE)
        if code is None or await self._ledger.verdict(code) is not TokenStatus.LIVE:
            raise bad_code("The code is not valid any more, or never was.")
        if not hmac.compare_digest(code.return_hash, text_hash(fields.get("redirect_uri", ""))):
            said = "The redirect_uri is not that of the authorization request."
            raise bad_code(said, ProblemCode.REDIRECT_URI_MISMATCH)
        if code.challenge and not _verifies(fields.get("code_verifier", ""), code.challenge):
            raise bad_code("The code_verifier does not fit the code_challenge.")
        if not code.challenge and "code_verifier" in fields:
            raise bad_code("There was no code_challenge for this code_verifier.")
        await self._ledger.use_code(code)
        return await self._issue(request, code)

    async def _refresh(self, request: TokenRequest) -> SandboxAnswer:
        if request.switches.refuse_refresh and await self._switchboard.struck(request.switches):
            raise dead_grant("The sandbox was set to refuse refresh tokens.")
        refresh = self._opened(request, "refresh_token", Kind.REFRESH)
        if refresh is None or await self._ledger.verdict(refresh) is not TokenStatus.LIVE:
            raise dead_grant("The refresh_token is not valid any more, or never was.")
        scopes = requested_scopes(request.method, request.oauth, request.fields) or refresh.scopes
        if not set(refresh.scopes).issuperset(scopes):
            raise OAuth2RefusedError("invalid_scope", "A refresh cannot ask for more than was granted.")
        renewal = request.oauth.renewal
        if renewal.rotation is Rotation.SINGLE_USE:
            await self._ledger.use_refresh_token(refresh, renewal.grace_s)
        return await self._issue(request, replace(refresh, generation=refresh.generation + 1), scopes)

    async def _exchange(self, request: TokenRequest, access: Claims) -> SandboxAnswer:
        if any("application." in text for text in request.oauth.renewal.params.values()):
            await self._proof.check(request.method, request.oauth, request.inbound)
        if await self._ledger.verdict(access) is not TokenStatus.LIVE:
            raise dead_grant("The token is not valid any more, or never was.")
        return await self._issue(request, replace(access, generation=access.generation + 1))

    def _opened(self, request: TokenRequest, name: str, kind: Kind) -> Claims | None:
        return self._ledger.seal.open(request.fields.get(name, ""), request.definition.integration, kind)

    async def _issue(
        self, request: TokenRequest, grant: Claims, scopes: Sequence[str] | None = None
    ) -> SandboxAnswer:
        lifetime_s = request.switches.token_lifetime_s
        is_renewal = grant.kind not in CODES and request.supplied is not None
        token = (request.oauth.renewal.token if is_renewal else None) or request.oauth.token
        return await issued_answer(
            self._ledger, request.method, token, grant, lifetime_s=lifetime_s, scopes=scopes
        )


def _method_of(
    methods: Sequence[AuthMethod], given: Mapping[str, str], supplied: Claims | None
) -> AuthMethod:
    """Return the auth method that is meant: by what is brought, else by the grant type."""
    if supplied is not None:
        return next((method for method in methods if method.id == supplied.method), methods[0])
    grant = _GRANTS.get(given.get("grant_type", ""))
    return next((method for method in methods if oauth_of(method).grant is grant), methods[0])


def _exchanged_token(request: TokenRequest) -> Claims | None:
    """Return the access token that the request renews by exchanging it, or None where it asks for something else."""
    renewal, supplied = request.oauth.renewal, request.supplied
    if renewal.by is not RenewalBy.EXCHANGE or supplied is None or supplied.kind is not Kind.ACCESS:
        return None
    fixed = {name: text for name, text in renewal.params.items() if "{" not in text}
    return supplied if all(request.fields.get(name) == text for name, text in fixed.items()) else None


def _is_anonymous(request: TokenRequest) -> bool:
    """Return whether the assertion speaks for itself (RFC 7521 4.1): there is no application beside it."""
    names = {"client_id", "client_secret", "client_assertion"}
    no_client = not names & set(request.fields) and "authorization" not in request.inbound.headers
    is_allowed = request.oauth.grant is GrantType.JWT_BEARER and request.oauth.client_auth == ClientAuth.NONE
    return is_allowed and no_client and request.grant_type == JWT_BEARER


def _require_form(request: TokenRequest) -> None:
    inbound = request.inbound
    takes_json = request.oauth.body == "json"
    if not (isinstance(inbound.json, Mapping) if takes_json else inbound.form):
        words = "a JSON object" if takes_json else "a form"
        raise OAuth2RefusedError("invalid_request", f"A token request is {words}.")
    refuse_repeated(inbound.fields)


def _verifies(verifier: str, challenge: str) -> bool:
    return matches(_VERIFIER, verifier) and hmac.compare_digest(text_hash(verifier), challenge)
