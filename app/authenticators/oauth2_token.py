"""Reads token answers strictly: an answer is a token only if all that must hold does (RFC 6749 5.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from app.authenticators.account import account_at, account_in_id_token
from app.authenticators.answer import MAX_ANSWER_BYTES, read_object, seconds
from app.authenticators.base import AccountFound, Facts, Grant
from app.authenticators.judge import picked_detail, stated_wait_s, wait_s, words_in
from app.authenticators.refusal import AuthStage, Refusal, numbers_in, refusal_error
from app.authenticators.scopes import scopes_in
from app.authenticators.texts import picked_texts
from app.catalog.classification import facts_of, passing_code
from app.catalog.definition import TokenAnswer, TokenProblem
from app.foundation.errors import OutsideError
from app.foundation.expressions import compile_pick
from app.foundation.messages import InResponse
from app.foundation.problems import ProblemCode
from app.foundation.secret import Secret

MAX_LIFETIME_S: Final = 10 * 365 * 86_400
MAX_TOKEN_CHARS: Final = 16_384
_TOKEN: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")  # RFC 6749 A.12, not blank
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_SUCCESS: Final = range(200, 300)
_REDIRECT: Final = range(300, 400)
_TOO_LARGE: Final = ProblemCode.RESPONSE_TOO_LARGE
_UNAUTHORIZED: Final = 401
_NOTHING: Final = (None, "", False)
# The OAuth Access Token Types of IANA's registry but Bearer, and the MAC draft's, each as it is written.
_NOT_BEARER: Final = {"dpop": "DPoP", "pop": "PoP", "n_a": "N_A", "mac": "MAC"}


def read_token_answer(
    spec: TokenAnswer,
    problems: Sequence[TokenProblem],
    answer: InResponse,
    facts: Facts,
    stage: AuthStage,
    sent: Iterable[Secret] = (),
) -> Grant:
    """Return what an answer grants; without a refresh token in it the former one stays valid.

    It is one only if the status is 2xx, the definition's success predicate holds (without one: no error is
    stated), the token at the definition's path is a non-blank string, and its type is none that needs more than to
    be sent along. ``sent`` are the secrets of the request, kept out of every error.

    Raises:
        OutsideError: the subclass says who has to act.
    """
    if len(answer.body) > MAX_ANSWER_BYTES:
        raise refusal_error(Refusal(None, None, answer.status), facts, stage, code=_TOO_LARGE)
    body = read_object(answer)
    seen = facts_of(answer.status, dict(answer.headers), body)
    if _is_refused(spec, answer, seen):
        raise _refused(spec, problems, answer, seen, facts, stage, (*sent, *_secrets_in(spec, body)))
    if body is None:
        raise _invalid(answer, facts, stage)
    token_type = _proof_of_possession(spec, body)
    if token_type is not None:
        said = f"Its tokens are of the type {token_type}, which takes a proof that the hub cannot give."
        raise _invalid(answer, facts, stage, said)
    tokens = {name: _token(compile_pick(path)(body)) for name, path in _token_paths(spec).items()}
    if tokens["accessToken"] is None or _is_spoiled(spec.refresh_token, body):
        raise _invalid(answer, facts, stage)
    return Grant(
        values=MappingProxyType({name: token for name, token in tokens.items() if token is not None}),
        expires_in_s=_lifetime((spec.expires_in, *spec.expires_in_too), body) or spec.default_expires_in_s,
        refresh_expires_in_s=_lifetime((spec.refresh_expires_in, *spec.refresh_expires_in_too), body),
        granted_scopes=scopes_in(compile_pick(spec.granted)(body), spec.granted_separator)
        if spec.granted
        else None,
        account=replace(_account(spec, body, facts), kept=picked_texts(spec.keep, body)),
    )


def _account(spec: TokenAnswer, body: Mapping[str, Any], facts: Facts) -> AccountFound:
    return account_at(spec.account, body) if spec.account.id else account_in_id_token(body, facts)


def _is_refused(spec: TokenAnswer, answer: InResponse, seen: Mapping[str, Any]) -> bool:
    if answer.status not in _SUCCESS:
        return True
    if spec.success is not None:
        return not compile_pick(spec.success).holds(seen)
    return compile_pick(spec.error)(seen["body"]) not in _NOTHING


def _refused(
    spec: TokenAnswer,
    problems: Sequence[TokenProblem],
    answer: InResponse,
    seen: Mapping[str, Any],
    facts: Facts,
    stage: AuthStage,
    secrets: tuple[Secret, ...],
) -> OutsideError:
    refusal = refusal_of(spec, answer, seen, facts)
    rule = next((rule for rule in problems if compile_pick(rule.when).holds(seen)), None)
    code = ProblemCode[rule.code] if rule is not None else passing_code(answer.status)
    if code is None and (refusal.code is None or answer.status in _REDIRECT):
        # RFC 6749 5.2: a 401 with a challenge answers the client's own authentication.
        is_challenge = answer.status == _UNAUTHORIZED and answer.header("www-authenticate")
        code = ProblemCode.APPLICATION_REJECTED if is_challenge else ProblemCode.TOKEN_RESPONSE_INVALID
    return refusal_error(refusal, facts, stage, secrets=secrets, code=code)


def refusal_of(spec: TokenAnswer, answer: InResponse, seen: Mapping[str, Any], facts: Facts) -> Refusal:
    """Return what a token endpoint said where it refused; ``seen`` are the facts of its answer."""
    body = seen["body"]
    error = compile_pick(spec.error)(body)
    detail = compile_pick(spec.error_description)(body)
    if isinstance(error, Mapping):  # Facebook: the error is an object of its own
        detail = error.get("message") if detail is None else detail
        error = error.get("type") or error.get("code")
    if detail is None and words_in(body) != error:  # RFC 9457: a gateway in front answers in words of its own
        detail = words_in(body)
    text = str(detail) if isinstance(detail, str | int) else None
    stated = passing_code(answer.status) or ProblemCode.RATE_LIMITED
    return Refusal(
        code=str(error) if isinstance(error, str | int) and error not in _NOTHING else None,
        detail=text,
        status=answer.status,
        retry_after_s=wait_s(facts.definition, stated, answer, seen, facts.now),
        stated_wait_s=stated_wait_s(answer, facts.now),
        numbers=numbers_in(body, text),
        request_id=picked_detail(facts.definition.http.error.request_id, seen),
    )


def _proof_of_possession(spec: TokenAnswer, body: Mapping[str, Any]) -> str | None:
    """Return the token's type where it is one that a bearer cannot use (RFC 6749 7.1), else None.

    Those are few and registered. Every other word is a provider's own for bearer: BearerToken, JWT, token, user.
    """
    stated = compile_pick(".".join((*spec.access_token.split(".")[:-1], "token_type")))(body)
    return _NOT_BEARER.get(stated.strip().lower()) if isinstance(stated, str) else None


def _token(value: Any) -> Secret | None:  # noqa: ANN401 - JSON edge
    fits = isinstance(value, str) and len(value) <= MAX_TOKEN_CHARS and _TOKEN.fullmatch(value)
    return Secret(value) if fits else None


def _is_spoiled(path: str | None, body: Any) -> bool:  # noqa: ANN401 - JSON edge
    """Return whether something else stands where a token may stand: losing it silently would cost later."""
    value = compile_pick(path)(body) if path else None
    return value not in _NOTHING and _token(value) is None


def _token_paths(spec: TokenAnswer) -> dict[str, str]:
    """Return where an answer holds tokens, by the names that placements use."""
    refresh = {"refreshToken": spec.refresh_token} if spec.refresh_token else {}
    return {**spec.secrets, "accessToken": spec.access_token, **refresh}


def _secrets_in(spec: TokenAnswer, body: Any) -> list[Secret]:  # noqa: ANN401 - JSON edge
    values = [compile_pick(path)(body) for path in _token_paths(spec).values()]
    return [Secret(value) for value in values if isinstance(value, str)]


def _lifetime(paths: Iterable[str | None], body: Any) -> int | None:  # noqa: ANN401 - JSON edge
    """Return the shortest of the lifetimes that are stated: with the first of its tokens a grant stops to work."""
    stated = [seconds(compile_pick(path)(body), MAX_LIFETIME_S) for path in paths if path]
    return min((lifetime_s for lifetime_s in stated if lifetime_s is not None), default=None)


def _invalid(answer: InResponse, facts: Facts, stage: AuthStage, detail: str | None = None) -> OutsideError:
    refusal = Refusal(None, detail, answer.status)
    return refusal_error(refusal, facts, stage, code=ProblemCode.TOKEN_RESPONSE_INVALID)
