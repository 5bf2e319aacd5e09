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
from app.sandbox.answer import DROPPED, NO_STORE, SandboxAnswer, fault
from app.sandbox.authorization_request import oauth_of, requested_scopes, rfc_names
from app.sandbox.client_proof import ClientProofCheck
from app.sandbox.device_codes import DeviceCodes
from app.sandbox.inbound import Inbound, first_values, repeated
from app.sandbox.issuer import Issuer
from app.sandbox.ledger import Ledger, TokenStatus
from app.sandbox.switches import Switchboard, Switches
from app.sandbox.tokens import CODES, Claims, Kind, Seal, text_hash
from app.sandbox.wording import BAD_CODE, DEAD_GRANT, TokenRefusedError, token_refusal

JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
DEVICE: Final = "urn:ietf:params:oauth:grant-type:device_code"
_VERIFIER: Final = r"^[A-Za-z0-9._~-]{43,128}$"
_GRANTS: Final[Mapping[str, GrantType]] = {
    "authorization_code": GrantType.AUTHORIZATION_CODE,
    "client_credentials": GrantType.CLIENT_CREDENTIALS,
    JWT_BEARER: GrantType.JWT_BEARER,
    DEVICE: GrantType.DEVICE_CODE,
}
DOWN: Final = SandboxAnswer(503, {"error": "temporarily_unavailable"}, {**NO_STORE, "retry-after": "1"})
_POST_ONLY: Final = replace(
    fault(405, "method_not_allowed", "A token endpoint takes POST."), headers={"allow": "POST"}
)


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
        seal: Seal,
        ledger: Ledger,
        switchboard: Switchboard,
        proof: ClientProofCheck,
        issuer: Issuer,
        devices: DeviceCodes,
        clock: Clock,
    ) -> None:
        self._seal = seal
        self._ledger = ledger
        self._switchboard = switchboard
        self._proof = proof
        self._issuer = issuer
        self._devices = devices
        self._clock = clock

    async def answer(
        self, definition: Definition, methods: Sequence[AuthMethod], inbound: Inbound
    ) -> SandboxAnswer:
        """Answer one request to the token endpoint of ``methods``."""
        request = await self._read(definition, methods, inbound)
        switches = request.switches
        if inbound.method != "POST" and not _is_exchange(request):
            return _POST_ONLY
        await self._clock.sleep(switches.delay_s)
        if switches.token_endpoint_down and await self._switchboard.struck(switches):
            return DOWN
        try:
            answer = await self._granted(request)
        except TokenRefusedError as refused:
            answer = token_refusal(request.oauth, refused)
        if switches.drop_token_answer and await self._switchboard.struck(switches):
            return DROPPED
        return answer

    async def _read(
        self, definition: Definition, methods: Sequence[AuthMethod], inbound: Inbound
    ) -> TokenRequest:
        given = first_values(inbound.fields)
        supplied = next(
            (claims for text in given.values() if (claims := self._opened(definition, text))), None
        )
        method = _method_of(methods, given, supplied)
        oauth = oauth_of(method)
        subject = supplied.subject if supplied is not None else None
        switches = await self._switchboard.of(definition.integration, subject)
        return TokenRequest(
            definition, method, oauth, inbound, rfc_fields(oauth, inbound), supplied, switches
        )

    def _opened(self, definition: Definition, text: str) -> Claims | None:
        opened = (self._seal.open(text, kind) for kind in Kind)
        return next(
            (found for found in opened if found and found.integration == definition.integration), None
        )

    async def _granted(self, request: TokenRequest) -> SandboxAnswer:
        if _is_exchange(request):
            return await self._exchanged(request)
        _require_form(request)
        if not _is_anonymous(request):
            await self._proof.check(request.method, request.oauth, request.inbound, request.fields)
        match request.grant_type:
            case "authorization_code" if request.oauth.grant is GrantType.AUTHORIZATION_CODE:
                return await self._code(request)
            case "refresh_token" if request.oauth.token.refresh_token is not None:
                return await self._refresh(request)
            case "client_credentials" if request.oauth.grant is GrantType.CLIENT_CREDENTIALS:
                return await self._issue(request, self._fresh(request))
            case "urn:ietf:params:oauth:grant-type:jwt-bearer" if request.oauth.grant is GrantType.JWT_BEARER:
                assertion = request.fields.get("assertion", "")
                await self._proof.check_assertion(request.method, request.oauth, request.inbound, assertion)
                return await self._issue(request, self._fresh(request))
            case "urn:ietf:params:oauth:grant-type:device_code" if (
                request.oauth.grant is GrantType.DEVICE_CODE
            ):
                code = self._seal.open(request.fields.get("device_code", ""), Kind.DEVICE)
                is_ours = code is not None and code.integration == request.definition.integration
                return await self._issue(request, await self._devices.granted(code if is_ours else None))
        raise TokenRefusedError("unsupported_grant_type", "This grant type is not offered.")

    async def _code(self, request: TokenRequest) -> SandboxAnswer:
        fields = request.fields
        code = await self._live(request, "code", Kind.CODE)
        if not hmac.compare_digest(code.return_hash, text_hash(fields.get("redirect_uri", ""))):
            raise TokenRefusedError(
                "invalid_grant",
                "The redirect_uri is not that of the authorization request.",
                ProblemCode.REDIRECT_URI_MISMATCH,
                *BAD_CODE,
            )
        if code.challenge and not _verifies(fields.get("code_verifier", ""), code.challenge):
            raise TokenRefusedError(
                "invalid_grant", "The code_verifier does not fit the code_challenge.", *BAD_CODE
            )
        if not code.challenge and "code_verifier" in fields:
            raise TokenRefusedError(
                "invalid_grant", "There was no code_challenge for this code_verifier.", *BAD_CODE
            )
        await self._ledger.use_code(code)
        return await self._issue(request, code)

    async def _refresh(self, request: TokenRequest) -> SandboxAnswer:
        if request.switches.refuse_refresh and await self._switchboard.struck(request.switches):
            raise TokenRefusedError(
                "invalid_grant", "The sandbox was set to refuse refresh tokens.", *DEAD_GRANT
            )
        refresh = await self._live(request, "refresh_token", Kind.REFRESH)
        scopes = requested_scopes(request.method, request.oauth, request.fields) or refresh.scopes
        if not set(refresh.scopes).issuperset(scopes):
            raise TokenRefusedError("invalid_scope", "A refresh cannot ask for more than was granted.")
        renewal = request.oauth.renewal
        if renewal.rotation is Rotation.SINGLE_USE:
            await self._ledger.use_refresh_token(refresh, renewal.grace_s)
        return await self._issue(request, replace(refresh, generation=refresh.generation + 1), scopes)

    async def _exchanged(self, request: TokenRequest) -> SandboxAnswer:
        if any("application." in text for text in request.oauth.renewal.params.values()):
            await self._proof.check(request.method, request.oauth, request.inbound, request.fields)
        access = request.supplied
        if (
            access is None
            or access.kind is not Kind.ACCESS
            or await self._ledger.verdict(access) is not TokenStatus.LIVE
        ):
            raise TokenRefusedError(
                "invalid_grant", "The token is not valid any more, or never was.", *DEAD_GRANT
            )
        return await self._issue(request, replace(access, generation=access.generation + 1))

    async def _live(self, request: TokenRequest, name: str, kind: Kind) -> Claims:
        """Return what ``name`` brings where it is of this kind, of this application, and still counts."""
        claims = self._seal.open(request.fields.get(name, ""), kind)
        is_ours = claims is not None and claims.integration == request.definition.integration
        if claims is None or not is_ours or await self._ledger.verdict(claims) is not TokenStatus.LIVE:
            meanings = BAD_CODE if kind is Kind.CODE else DEAD_GRANT
            raise TokenRefusedError(
                "invalid_grant", f"The {name} is not valid any more, or never was.", *meanings
            )
        return claims

    def _fresh(self, request: TokenRequest) -> Claims:
        known = tuple(scope.name for scope in request.method.scopes)
        requested = requested_scopes(request.method, request.oauth, request.fields)
        if known and request.method.scopes_from_config is None and not set(known).issuperset(requested):
            raise TokenRefusedError("invalid_scope", "A scope is not one that this integration knows.")
        return self._issuer.fresh(request.definition, request.method, requested or known)

    async def _issue(
        self, request: TokenRequest, grant: Claims, scopes: Sequence[str] | None = None
    ) -> SandboxAnswer:
        lifetime_s = request.switches.token_lifetime_s
        is_renewal = grant.kind not in CODES and request.supplied is not None
        token = (request.oauth.renewal.token if is_renewal else None) or request.oauth.token
        return await self._issuer.answer(request.method, token, grant, lifetime_s=lifetime_s, scopes=scopes)


def rfc_fields(oauth: OAuth2, inbound: Inbound) -> dict[str, str]:
    """Return the parameters of a request to an endpoint of the authorization server."""
    return rfc_names(oauth, first_values(inbound.fields))


def _method_of(
    methods: Sequence[AuthMethod], given: Mapping[str, str], supplied: Claims | None
) -> AuthMethod:
    """Return the auth method that is meant: by what is brought, else by the grant type."""
    if supplied is not None:
        return next((method for method in methods if method.id == supplied.method), methods[0])
    grant = _GRANTS.get(given.get("grant_type", ""))
    return next((method for method in methods if oauth_of(method).grant is grant), methods[0])


def _is_exchange(request: TokenRequest) -> bool:
    renewal = request.oauth.renewal
    fixed = {name: text for name, text in renewal.params.items() if "{" not in text}
    requested = all(request.fields.get(name) == text for name, text in fixed.items())
    return (
        renewal.by is RenewalBy.EXCHANGE
        and requested
        and request.supplied is not None
        and request.supplied.kind is Kind.ACCESS
    )


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
        raise TokenRefusedError("invalid_request", f"A token request is {words}.")
    if repeated(inbound.fields):
        raise TokenRefusedError("invalid_request", "A parameter stands there more than once.")


def _verifies(verifier: str, challenge: str) -> bool:
    return matches(_VERIFIER, verifier) and hmac.compare_digest(text_hash(verifier), challenge)
