"""The device authorization grant (RFC 8628): a code is entered elsewhere while the hub asks for the token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from app.authenticators.answer import read_object, seconds
from app.authenticators.base import Attempt, Facts, Flow, Grant, Waiting
from app.authenticators.entered import wrong_answer
from app.authenticators.oauth2_authorize import scope_params
from app.authenticators.oauth2_client_auth import application_of, client_proof
from app.authenticators.oauth2_grants import renewed
from app.authenticators.oauth2_request import endpoint_request, token_request
from app.authenticators.oauth2_token import read_token_answer
from app.authenticators.refusal import AuthStage
from app.authenticators.steps import DeviceCodeStep, step_from_json, step_to_json
from app.authenticators.texts import picked_text
from app.authenticators.values import values_of
from app.catalog.definition import AccountPick, OAuth2
from app.foundation.egress import EgressRefusedError, parse_target
from app.foundation.errors import TransientOutsideError
from app.foundation.expressions import compile_pick
from app.foundation.messages import InResponse
from app.foundation.problems import ProblemCode
from app.foundation.secret import Secret

GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:device_code"
_DEFAULT_INTERVAL_S: Final = 5  # RFC 8628 3.2
_SLOW_DOWN_S: Final = 5  # RFC 8628 3.5
_MAX_INTERVAL_S: Final = 300
_DEFAULT_LIFE_S: Final = 600
_MAX_LIFE_S: Final = 3_600
_MAX_CODE_CHARS: Final = 64
_DEVICE_CODE: Final = "deviceCode"
_FIELD: Final = "device_code"
_STEP: Final = "step"
_EXPIRES: Final = "expiresAt"


def device_step(oauth: OAuth2, facts: Facts, attempt: Attempt) -> Flow[Waiting]:
    """Ask for a device code and a user code (RFC 8628 3.1 and 3.2).

    Raises:
        OutsideError: the provider refused, failed, or answered with codes that are none.
    """
    values = values_of(facts)
    url = values.url(oauth.device_url or "")
    client_id = application_of(facts, values).client_id
    params = {"client_id": client_id, **scope_params(facts, oauth, attempt.scopes)}
    request = endpoint_request(oauth, values, url, params, proof=client_proof(oauth, facts, values, url))
    answer = yield request
    nobody = AccountPick(None, None)
    spec = replace(oauth.token, success=None, access_token=_FIELD, refresh_token=None, account=nobody)
    found = read_token_answer(spec, oauth.problems, answer, facts, AuthStage.SIGN_IN, request.secrets)
    step = _step(read_object(answer) or {}, facts)
    expires = int(facts.now.timestamp()) + step.expires_in_s
    return _waiting(step, {_DEVICE_CODE: found.values["accessToken"], _EXPIRES: expires})


def poll(oauth: OAuth2, facts: Facts, attempt: Attempt) -> Flow[Grant | Waiting]:
    """Ask once whether the person has consented (RFC 8628 3.4 and 3.5).

    ``slow_down`` adds five seconds for good; an outage doubles the interval, because the provider must not be
    asked as often then.

    Raises:
        OutsideError: denied, expired, or refused otherwise.
    """
    code, step = attempt.kept.get(_DEVICE_CODE), step_from_json(attempt.kept.get(_STEP))
    if not isinstance(code, Secret) or not isinstance(step, DeviceCodeStep):
        raise wrong_answer()
    if facts.now.timestamp() >= attempt.kept[_EXPIRES]:
        raise facts.error(ProblemCode.AUTHORIZATION_EXPIRED)
    values = values_of(facts)
    params = {
        "grant_type": GRANT_TYPE,
        "device_code": code.reveal(),
        "client_id": application_of(facts, values).client_id,
    }
    request = token_request(oauth, facts, values, params)
    try:
        answer = yield request
        pending = _pending(oauth, step, answer, facts)
        if pending is not None:
            return _waiting(pending, attempt.kept)
        found = read_token_answer(
            oauth.token, oauth.problems, answer, facts, AuthStage.SIGN_IN, request.secrets
        )
    except TransientOutsideError as away:
        wait_s = max(2 * step.interval_s, int(away.problem.retry_after_s or 0))
        return _waiting(_slower(step, wait_s), attempt.kept)
    return renewed(Grant({}, requested_scopes=attempt.scopes), found)


def _pending(oauth: OAuth2, step: DeviceCodeStep, answer: InResponse, facts: Facts) -> DeviceCodeStep | None:
    """Return the step to go on with where the person has not consented yet, or None."""
    match compile_pick(oauth.token.error)(read_object(answer)):
        case "authorization_pending":
            return step
        case "slow_down":
            return _slower(step, step.interval_s + _SLOW_DOWN_S)
        case "expired_token":
            raise facts.error(ProblemCode.AUTHORIZATION_EXPIRED)
    return None


def _slower(step: DeviceCodeStep, interval_s: int) -> DeviceCodeStep:
    return replace(step, interval_s=min(interval_s, _MAX_INTERVAL_S))


def _waiting(step: DeviceCodeStep, kept: Mapping[str, Any]) -> Waiting:
    return Waiting(step, {**kept, _STEP: step_to_json(step)}, poll_after_s=step.interval_s)


def _step(body: Mapping[str, Any], facts: Facts) -> DeviceCodeStep:
    user_code = picked_text("user_code", body, _MAX_CODE_CHARS)
    address = _address(body, "verification_uri") or _address(body, "verification_url")  # Google's name for it
    if user_code is None or address is None:
        raise facts.error(ProblemCode.TOKEN_RESPONSE_INVALID)
    return DeviceCodeStep(
        title=facts.method.title,
        user_code=user_code,
        verification_url=address,
        verification_url_complete=_address(body, "verification_uri_complete"),
        expires_in_s=seconds(body.get("expires_in"), _MAX_LIFE_S) or _DEFAULT_LIFE_S,
        interval_s=seconds(body.get("interval"), _MAX_INTERVAL_S) or _DEFAULT_INTERVAL_S,
    )


def _address(body: Mapping[str, Any], name: str) -> str | None:
    """Return an address that a browser may open: http or https, and nothing that hides where it leads."""
    url = picked_text(name, body)
    try:
        return url if url is not None and parse_target(url) else None
    except EgressRefusedError:
        return None
