"""Calls made once the token is there: to learn which account it is, or to let the person choose one."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from app.authenticators.api_key import place_all
from app.authenticators.base import (
    AccountFound,
    Attempt,
    Chosen,
    Facts,
    Flow,
    Grant,
    Waiting,
    grant_from_stored,
    grant_to_stored,
)
from app.authenticators.entered import wrong_answer
from app.authenticators.judge import body_of, read_answer
from app.authenticators.method_request import check_base_host, method_request
from app.authenticators.retries import later, with_retries
from app.authenticators.steps import AccountChoiceStep, AccountOption
from app.authenticators.texts import picked_text, picked_texts
from app.catalog.definition import AfterToken, OAuth2
from app.foundation.errors import invalid_field
from app.foundation.expressions import compile_pick
from app.foundation.messages import OutRequest
from app.foundation.plain_data import from_data, to_data
from app.foundation.problems import ProblemCode

MAX_OPTIONS: Final = 200
_OPTIONS: Final = "options"


def settle(oauth: OAuth2, facts: Facts, grant: Grant, start: int = 0) -> Flow[Grant | Waiting]:
    """Make the definition's calls from number ``start`` on; wait where a person has to choose.

    Raises:
        OutsideError: a call failed, there is no account, or an answer named a host that is not allowed.
    """
    for position in range(start, len(oauth.after_token)):
        step = oauth.after_token[position]
        request = place_all(facts, grant, method_request(facts.knowing(grant.account.kept), step.method))
        body = yield from with_retries(partial(_answered, request, facts))
        options = _options(step, body, facts)
        if step.choose and len(options) > 1:
            return _waiting(facts, grant, options, position + 1)
        grant = _with_account(grant, options[0])
    check_base_host(facts.knowing(grant.account.kept))
    return grant


def apply_choice(oauth: OAuth2, facts: Facts, attempt: Attempt, answer: Chosen) -> Flow[Grant | Waiting]:
    """Go on with the account that a person chose among those that were offered.

    Raises:
        InvalidInputError: it was not offered.
    """
    kept = attempt.kept
    if _OPTIONS not in kept:
        raise wrong_answer()
    offered = [from_data(AccountOption, item) for item in kept[_OPTIONS]]
    chosen = next((option for option in offered if option.id == answer.option_id), None)
    if chosen is None:
        raise invalid_field("option", label="The account", reason="it was not offered")
    grant = _with_account(grant_from_stored(kept["grant"]), chosen)
    return (yield from settle(oauth, facts, grant, kept["position"]))


def _waiting(facts: Facts, grant: Grant, options: list[AccountOption], position: int) -> Waiting:
    kept = {"grant": grant_to_stored(grant), "position": position, _OPTIONS: to_data(options)}
    return Waiting(AccountChoiceStep(facts.method.title, tuple(options)), kept)


def _answered(request: OutRequest, facts: Facts, wait_s: float) -> Flow[Any]:
    answer = yield later(request, wait_s)
    _, fault = read_answer(facts.definition, answer, facts.now, request.redactor())
    if fault is not None:
        raise fault
    return body_of(answer)


def _options(step: AfterToken, body: Any, facts: Facts) -> list[AccountOption]:  # noqa: ANN401 - JSON edge
    items = compile_pick(step.items)(body)
    found: dict[str, AccountOption] = {}
    for item in items if isinstance(items, list) else []:
        option = _option(step, item)
        if option is not None and len(found) < MAX_OPTIONS:
            found.setdefault(option.id, option)
    if not found:
        raise facts.error(ProblemCode.PROVIDER_REFUSED_AUTHORIZATION, cause="NO_ACCOUNT")
    return list(found.values())


def _option(step: AfterToken, item: Any) -> AccountOption | None:  # noqa: ANN401 - JSON edge
    id_ = picked_text(step.id, item)
    if id_ is None:
        return None
    return AccountOption(id_, picked_text(step.label, item) or id_, dict(picked_texts(step.keep, item)))


def _with_account(grant: Grant, option: AccountOption) -> Grant:
    kept = MappingProxyType({**grant.account.kept, **option.kept})
    return replace(grant, account=AccountFound(option.id, option.label, kept))
