"""The JWT bearer grant (RFC 7523 2.1): a signed assertion is exchanged for an access token."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from app.authenticators.base import Facts, Flow, Grant, required
from app.authenticators.oauth2_authorize import scope_params
from app.authenticators.oauth2_grants import answered, renewed
from app.authenticators.oauth2_request import token_request
from app.authenticators.refusal import AuthStage
from app.authenticators.signed_jwt import signed_jwt
from app.authenticators.values import Values, values_of
from app.catalog.definition import Assertion, ClientAuth, OAuth2
from app.foundation.errors import PatchbayError, invalid_field
from app.foundation.jwt import SigningKeyError
from app.foundation.problems import ProblemCode
from app.foundation.secret import Secret
from app.foundation.templates import template

GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def jwt_bearer(
    oauth: OAuth2, facts: Facts, scopes: tuple[str, ...], grant: Grant, stage: AuthStage
) -> Flow[Grant]:
    """Exchange an assertion for a token; ``grant`` holds what a person entered (a service account's key).

    The scopes stand in the assertion (Google, DocuSign) and in the request (RFC 7521 4.1).

    Raises:
        InvalidInputError: the entered key cannot sign.
        OutsideError: the provider refused or failed, or the stored or registered key cannot sign.
    """
    values = values_of(facts, grant)
    scope = scope_params(facts, oauth, scopes)
    assertion = _assertion(oauth, required(oauth.assertion), facts, values, scope.get("scope"), stage)
    params = {"grant_type": GRANT_TYPE, "assertion": assertion.reveal(), **scope}
    request = token_request(oauth, facts, values, params, is_anonymous=oauth.client_auth == ClientAuth.NONE)
    found = yield from answered(oauth, facts, request, stage)
    return renewed(replace(grant, requested_scopes=scopes), found)


def _assertion(
    oauth: OAuth2, spec: Assertion, facts: Facts, values: Values, scope: str | None, stage: AuthStage
) -> Secret:
    claims = {param.name: param.value for param in values.params(spec.claims)}
    claims.setdefault("aud", values.url(oauth.token_url))
    if scope:
        claims.setdefault("scope", scope)
    key_id = values.text(spec.key_id) if spec.key_id is not None and values.has_all(spec.key_id) else None
    try:
        return signed_jwt(facts, spec.algorithm, values.whole(spec.key), claims, key_id, spec.lifetime_s)
    except SigningKeyError:
        raise _unusable_key(spec, facts, stage) from None


def _unusable_key(spec: Assertion, facts: Facts, stage: AuthStage) -> PatchbayError:
    name = template(spec.key).only_variable() or "credentials"
    if name.startswith("application."):
        return facts.error(ProblemCode.APPLICATION_REJECTED, cause="SIGNING_KEY")
    if stage is AuthStage.RENEWAL:
        return facts.error(ProblemCode.CREDENTIALS_REJECTED)
    reason = f"it is not a private key that can sign with {spec.algorithm}"
    return invalid_field(*name.split("."), reason=reason)
