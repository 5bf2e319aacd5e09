"""OAuth 2.0: every grant, renewal and revocation, selected by the definition's data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from app.authenticators.after_token import apply_choice, settle
from app.authenticators.api_key import place_all
from app.authenticators.base import (
    Answer,
    Attempt,
    Authenticator,
    Callback,
    Chosen,
    Entered,
    Facts,
    Flow,
    Grant,
    Proceed,
    RevocationReport,
    Waiting,
    required,
)
from app.authenticators.credentials import form_step, read_entered
from app.authenticators.device_code import device_step, poll
from app.authenticators.entered import wrong_answer
from app.authenticators.jwt_bearer import jwt_bearer
from app.authenticators.method_request import check_base_host
from app.authenticators.oauth2_authorize import redirect_step
from app.authenticators.oauth2_callback import read_callback
from app.authenticators.oauth2_grants import (
    client_credentials,
    exchange_code,
    exchange_token,
    refresh,
    with_introspected_lifetime,
)
from app.authenticators.oauth2_revoke import revoke
from app.authenticators.refusal import AuthStage
from app.authenticators.steps import NoStep
from app.catalog.definition import AuthKind, AuthMethod, GrantType, OAuth2, RenewalBy
from app.foundation.messages import OutRequest
from app.foundation.secret import Secret

_OWN_GRANTS = frozenset({GrantType.CLIENT_CREDENTIALS, GrantType.JWT_BEARER})


class OAuth2Authenticator(Authenticator):
    """Carries out every grant of an oauth2 auth method; the definition says what differs by provider."""

    kind: ClassVar[AuthKind] = AuthKind.OAUTH2

    def begin(self, facts: Facts, attempt: Attempt) -> Flow[Waiting]:
        """Send the person to the provider, ask for a form, or go on alone, as the grant needs."""
        oauth = required(facts.method.oauth2)
        if oauth.grant is GrantType.AUTHORIZATION_CODE:
            return redirect_step(oauth, facts, attempt)
        if oauth.grant is GrantType.DEVICE_CODE:
            return (yield from device_step(oauth, facts, attempt))
        if facts.method.credentials is not None:
            return Waiting(form_step(facts, attempt))
        return Waiting(NoStep(), poll_after_s=0)

    def complete(self, facts: Facts, attempt: Attempt, answer: Answer) -> Flow[Grant | Waiting]:
        """Turn the answer into a grant; calls that learn the account follow, and may ask to choose one."""
        oauth = required(facts.method.oauth2)
        if isinstance(answer, Chosen):
            return (yield from apply_choice(oauth, facts, attempt, answer))
        grant = yield from _first_grant(oauth, facts, attempt, answer)
        if isinstance(grant, Waiting):
            return grant
        if oauth.renewal.by is RenewalBy.EXCHANGE and oauth.renewal.at_once:
            grant = yield from exchange_token(oauth, facts, grant, AuthStage.SIGN_IN)
        grant = yield from with_introspected_lifetime(oauth, facts, grant)
        return (yield from settle(oauth, facts, grant))

    def can_renew(self, method: AuthMethod, grant: Grant) -> bool:
        """Return whether there is something to renew with."""
        oauth = required(method.oauth2)
        by = oauth.renewal.by
        if by is RenewalBy.REFRESH_TOKEN:
            return bool(grant.values.get("refreshToken"))
        return by is RenewalBy.EXCHANGE or (by is RenewalBy.GRANT and oauth.grant in _OWN_GRANTS)

    def renew(self, facts: Facts, grant: Grant) -> Flow[Grant]:
        """Use the refresh token, exchange the token, or repeat the grant, as the definition says."""
        oauth = required(facts.method.oauth2)
        if oauth.renewal.by is RenewalBy.REFRESH_TOKEN:
            new = yield from refresh(oauth, facts, grant)
        elif oauth.renewal.by is RenewalBy.EXCHANGE:
            new = yield from exchange_token(oauth, facts, grant)
        elif oauth.renewal.by is RenewalBy.GRANT and oauth.grant in _OWN_GRANTS:
            new = yield from _own_grant(oauth, facts, grant.requested_scopes, grant, AuthStage.RENEWAL)
        else:
            return (yield from super().renew(facts, grant))
        new = yield from with_introspected_lifetime(oauth, facts, new)
        check_base_host(facts.knowing(new.account.kept))
        return new

    def revoke(self, facts: Facts, grant: Grant) -> Flow[RevocationReport]:
        """Revoke by RFC 7009 or the provider's own call."""
        return (yield from revoke(required(facts.method.oauth2), facts, grant))

    def apply(self, facts: Facts, grant: Grant, request: OutRequest) -> OutRequest:
        """Place the access token (RFC 6750 2.1, or where the definition says)."""
        return place_all(facts, grant, request)


def _first_grant(oauth: OAuth2, facts: Facts, attempt: Attempt, answer: Answer) -> Flow[Grant | Waiting]:
    if isinstance(answer, Callback) and oauth.grant is GrantType.AUTHORIZATION_CODE:
        returned = read_callback(oauth, facts, attempt, answer)
        return (yield from exchange_code(oauth, facts, attempt, returned))
    if isinstance(answer, Proceed) and oauth.grant is GrantType.DEVICE_CODE:
        return (yield from poll(oauth, facts, attempt))
    if isinstance(answer, Entered | Proceed) and oauth.grant in _OWN_GRANTS:
        entered = Grant(values=_entered(facts.method, answer))
        return (yield from _own_grant(oauth, facts, attempt.scopes, entered, AuthStage.ENTERED))
    raise wrong_answer()


def _own_grant(
    oauth: OAuth2, facts: Facts, scopes: tuple[str, ...], grant: Grant, stage: AuthStage
) -> Flow[Grant]:
    run = jwt_bearer if oauth.grant is GrantType.JWT_BEARER else client_credentials
    return run(oauth, facts, scopes, grant, stage)


def _entered(method: AuthMethod, answer: Entered | Proceed) -> Mapping[str, Secret]:
    if isinstance(answer, Entered) is (method.credentials is None):
        raise wrong_answer()
    return read_entered(method, answer.values) if isinstance(answer, Entered) else {}
