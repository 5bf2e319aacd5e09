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
    reauthentication,
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

    def begin(self, method: AuthMethod, facts: Facts, attempt: Attempt) -> Flow[Waiting]:
        """Send the person to the provider, ask for a form, or go on alone, as the grant needs."""
        oauth = oauth2_of(method)
        if oauth.grant is GrantType.AUTHORIZATION_CODE:
            return redirect_step(method, oauth, facts, attempt)
        if oauth.grant is GrantType.DEVICE_CODE:
            return (yield from device_step(method, oauth, facts, attempt))
        if method.credentials is not None:
            return Waiting(form_step(method, facts, attempt))
        return Waiting(NoStep(), poll_after_s=0)

    def complete(
        self, method: AuthMethod, facts: Facts, attempt: Attempt, answer: Answer
    ) -> Flow[Grant | Waiting]:
        """Turn the answer into a grant; calls that learn the account follow, and may ask to choose one."""
        oauth = oauth2_of(method)
        if isinstance(answer, Chosen):
            return (yield from apply_choice(method, oauth, facts, attempt, answer))
        grant = yield from _first_grant(method, oauth, facts, attempt, answer)
        if isinstance(grant, Waiting):
            return grant
        if oauth.renewal.by is RenewalBy.EXCHANGE and oauth.renewal.at_once:
            grant = yield from exchange_token(method, oauth, facts, grant, AuthStage.SIGN_IN)
        grant = yield from with_introspected_lifetime(method, oauth, facts, grant)
        return (yield from settle(method, oauth, facts, grant))

    def can_renew(self, method: AuthMethod, grant: Grant) -> bool:
        """Return whether there is something to renew with."""
        oauth = oauth2_of(method)
        by = oauth.renewal.by
        if by is RenewalBy.REFRESH_TOKEN:
            return bool(grant.values.get("refreshToken"))
        return by is RenewalBy.EXCHANGE or (by is RenewalBy.GRANT and oauth.grant in _OWN_GRANTS)

    def renew(self, method: AuthMethod, facts: Facts, grant: Grant) -> Flow[Grant]:
        """Use the refresh token, exchange the token, or repeat the grant, as the definition says."""
        oauth = oauth2_of(method)
        if oauth.renewal.by is RenewalBy.REFRESH_TOKEN:
            new = yield from refresh(method, oauth, facts, grant)
        elif oauth.renewal.by is RenewalBy.EXCHANGE:
            new = yield from exchange_token(method, oauth, facts, grant)
        elif oauth.renewal.by is RenewalBy.GRANT and oauth.grant in _OWN_GRANTS:
            new = yield from _own_grant(
                method, oauth, facts, grant.requested_scopes, grant, AuthStage.RENEWAL
            )
        else:
            raise reauthentication(facts, "NO_REFRESH_TOKEN")
        new = yield from with_introspected_lifetime(method, oauth, facts, new)
        check_base_host(method, facts, new.account.kept)
        return new

    def revoke(self, method: AuthMethod, facts: Facts, grant: Grant) -> Flow[RevocationReport]:
        """Revoke by RFC 7009 or the provider's own call."""
        return (yield from revoke(method, oauth2_of(method), facts, grant))

    def apply(self, method: AuthMethod, facts: Facts, grant: Grant, request: OutRequest) -> OutRequest:
        """Place the access token (RFC 6750 2.1, or where the definition says)."""
        return place_all(method, facts, grant, request)


def oauth2_of(method: AuthMethod) -> OAuth2:
    """Return the method's oauth2 part.

    Raises:
        ValueError: it has none, which the loader never lets through.
    """
    if method.oauth2 is None:
        raise ValueError(f"the auth method {method.id} has no oauth2 part")
    return method.oauth2


def _first_grant(
    method: AuthMethod, oauth: OAuth2, facts: Facts, attempt: Attempt, answer: Answer
) -> Flow[Grant | Waiting]:
    if isinstance(answer, Callback) and oauth.grant is GrantType.AUTHORIZATION_CODE:
        returned = read_callback(method, oauth, facts, attempt, answer)
        return (yield from exchange_code(method, oauth, facts, attempt, returned))
    if isinstance(answer, Proceed) and oauth.grant is GrantType.DEVICE_CODE:
        return (yield from poll(method, oauth, facts, attempt))
    if isinstance(answer, Entered | Proceed) and oauth.grant in _OWN_GRANTS:
        entered = Grant(values=_entered(method, answer))
        return (yield from _own_grant(method, oauth, facts, attempt.scopes, entered, AuthStage.ENTERED))
    raise wrong_answer()


def _own_grant(
    method: AuthMethod, oauth: OAuth2, facts: Facts, scopes: tuple[str, ...], grant: Grant, stage: AuthStage
) -> Flow[Grant]:
    run = jwt_bearer if oauth.grant is GrantType.JWT_BEARER else client_credentials
    return run(method, oauth, facts, scopes, grant, stage)


def _entered(method: AuthMethod, answer: Entered | Proceed) -> Mapping[str, Secret]:
    if isinstance(answer, Entered) is (method.credentials is None):
        raise wrong_answer()
    return read_entered(method, answer.values) if isinstance(answer, Entered) else {}
