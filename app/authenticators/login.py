"""Two-step login: what a person entered is turned into a session token, which is renewed like any other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Literal

from app.authenticators.base import Facts, Flow, Grant
from app.authenticators.method_request import check_base_host
from app.authenticators.oauth2_grants import renewed
from app.authenticators.oauth2_request import write_request
from app.authenticators.oauth2_token import read_token_answer
from app.authenticators.placement import with_secret_header
from app.authenticators.refusal import AuthStage
from app.authenticators.values import Values, values_of
from app.catalog.definition import Login, RenewalBy, TokenAnswer
from app.foundation.errors import ApplicationRejectedError, CredentialsRejectedError, RefusedOutsideError
from app.foundation.messages import OutRequest
from app.foundation.problems import ProblemCode

_REJECTED: Final = frozenset({400, 401, 403, 422})


def log_in(login: Login, facts: Facts, grant: Grant, stage: AuthStage) -> Flow[Grant]:
    """Log in with the entered values of ``grant``, and add the token to them.

    Raises:
        CredentialsRejectedError: the values are not accepted (400, 401, 403, 422, or the answer says so).
        OutsideError: the outside failed otherwise.
    """
    values = values_of(facts, grant)
    body = {values.text(name): text for name, text in login.body.items()}
    request = _request(login, values, values.url(login.url), body)
    token = replace(login.token, access_token=values.text(login.token.access_token))
    found = yield from _answered(token, facts, stage, request)
    check_base_host(facts.knowing(found.account.kept))
    return renewed(grant, found)


def can_renew_login(login: Login, grant: Grant) -> bool:
    """Return whether the session token can be renewed without a person."""
    if login.renewal.by is RenewalBy.REFRESH_TOKEN:
        return bool(grant.values.get("refreshToken"))
    return login.renewal.by in {RenewalBy.LOGIN, RenewalBy.EXCHANGE}


def renew_login(login: Login, facts: Facts, grant: Grant) -> Flow[Grant]:
    """Renew the session token as the definition says.

    Where a refresh token is no longer accepted, the entered values log in once more: nobody needs to come.

    Raises:
        OutsideError: the outside refused or failed.
    """
    if not can_renew_login(login, grant):
        raise facts.error(ProblemCode.REAUTHENTICATION_REQUIRED, cause="NO_REFRESH_TOKEN")
    if login.renewal.by is RenewalBy.LOGIN:
        return (yield from log_in(login, facts, grant, AuthStage.RENEWAL))
    try:
        return (yield from _renewed(login, facts, grant))
    except CredentialsRejectedError:
        return (yield from log_in(login, facts, grant, AuthStage.RENEWAL))


def _renewed(login: Login, facts: Facts, grant: Grant) -> Flow[Grant]:
    values = values_of(facts, grant)
    texts = dict(login.renewal.params)
    if login.renewal.by is RenewalBy.REFRESH_TOKEN:
        texts.setdefault("refresh_token", "{credentials.refreshToken}")
    request = _request(login, values, values.url(login.renewal.url or login.url), texts)
    spec = login.renewal.token or login.token
    return renewed(grant, (yield from _answered(spec, facts, AuthStage.RENEWAL, request)))


def _request(login: Login, values: Values, url: str, texts: Mapping[str, str]) -> OutRequest:
    headers = values.params(login.headers)
    shown = {param.name: param.value for param in headers if not param.is_secret}
    given = {"Accept": "application/json", **shown}
    request = write_request(login.http_method, url, values.params(texts), given, _body_format(login, values))
    for param in headers:
        if param.is_secret:
            secrets = values.secrets_of(login.headers[param.name])
            request = with_secret_header(request, param.name, param.value, secrets)
    return request


def _body_format(login: Login, values: Values) -> Literal["form", "json", "none"]:
    match values.text(login.body_format):
        case "form":
            return "form"
        case "none":
            return "none"
    return "json"


def _answered(spec: TokenAnswer, facts: Facts, stage: AuthStage, request: OutRequest) -> Flow[Grant]:
    answer = yield request
    try:
        return read_token_answer(spec, (), answer, facts, stage, request.secrets)
    except (RefusedOutsideError, ApplicationRejectedError) as refused:
        if answer.status not in _REJECTED and refused.problem.code is not ProblemCode.UPSTREAM_REJECTED:
            raise
        raise facts.error(ProblemCode.CREDENTIALS_REJECTED, **refused.problem.details) from None
