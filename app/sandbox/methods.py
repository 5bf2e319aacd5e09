"""Method calls: checked like the provider would, and answered from the definition's examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from app.catalog.definition import Definition, Example, Json, Method
from app.foundation.clock import Clock
from app.foundation.problems import ProblemCode
from app.foundation.shapes import Shape, ShapeError
from app.sandbox import paths
from app.sandbox.accounts import speak_of_account_in_call
from app.sandbox.answer import DROPPED, SandboxAnswer, fault, plain
from app.sandbox.inbound import Inbound
from app.sandbox.ledger import Ledger, TokenStatus
from app.sandbox.params import read_params
from app.sandbox.presented import Presented, read_presented
from app.sandbox.routing import Call, RouteTarget
from app.sandbox.signed_calls import SignedCalls
from app.sandbox.switches import Switchboard, Switches
from app.sandbox.wording import missing_scope_answer, problem_answer

_FAILED: Final = fault(500, "server_error", "The sandbox was set to fail.")


class MethodCalls:
    """Answers calls: faults first, then credentials, permissions, parameters and the best example."""

    def __init__(self, ledger: Ledger, signed: SignedCalls, switchboard: Switchboard, clock: Clock) -> None:
        self._ledger = ledger
        self._signed = signed
        self._switchboard = switchboard
        self._clock = clock

    async def answer(self, definition: Definition, target: RouteTarget, inbound: Inbound) -> SandboxAnswer:
        """Answer a request that can be any of the target's calls, the closest first."""
        call, params = _chosen(definition, target.calls, inbound)
        presented = read_presented(definition, inbound, call.values, self._ledger.seal)
        if presented is None:
            presented = await self._signed.presented(definition, inbound, call.values)
        switches = await self._switchboard.of(definition.integration, _subject(presented))
        await self._clock.sleep(switches.delay_s)
        faulty = _faulty(definition, call.method, switches)
        if faulty is not None and await self._switchboard.struck(switches):
            return faulty
        if presented is None:
            return problem_answer(definition, call.method, ProblemCode.CREDENTIALS_REJECTED)
        return (
            await self._refused(definition, call.method, presented)
            or _param_faults(call.method, params)
            or _from_example(definition, call.method, params, presented)
        )

    async def _refused(
        self, definition: Definition, method: Method, presented: Presented
    ) -> SandboxAnswer | None:
        if presented.claims is None:
            return None
        verdict = await self._ledger.verdict(presented.claims)
        if verdict is not TokenStatus.LIVE:
            is_expired = verdict is TokenStatus.EXPIRED
            return problem_answer(definition, method, ProblemCode.CREDENTIALS_REJECTED, expired=is_expired)
        missing = [scope for scope in method.scopes if scope not in presented.claims.scopes]
        if missing and presented.method.oauth2 is not None:
            return missing_scope_answer(definition, method, missing)
        return None


def best_example(method: Method, params: Mapping[str, Json]) -> Example | None:
    """Return the example that answers these parameters.

    One whose own parameters all equal the given ones wins, the one with the most of them first; a failing
    example must name at least one. Else it is the first good one, and None where there is none.
    """
    named = _named(method, params)
    if named:
        return max(named, key=lambda example: (len(example.params), example.outcome is None))
    return next((example for example in method.examples if example.outcome is None), None)


def example_answer(example: Example, params: Mapping[str, Json]) -> SandboxAnswer:
    """Return the example's answer, speaking of the parameters that were sent."""
    body = plain(example.body)
    for path, name in example.echo.items():
        if name in params:
            paths.replace_at(body, path, params[name])
    return SandboxAnswer(example.status, body, example.headers)


def _subject(presented: Presented | None) -> str | None:
    if presented is None:
        return None
    return presented.method.id if presented.claims is None else presented.claims.subject


def _faulty(definition: Definition, method: Method, switches: Switches) -> SandboxAnswer | None:
    if switches.drop_connection:
        return DROPPED
    if switches.server_error:
        return _FAILED
    if switches.retry_after_s is not None:
        limited = problem_answer(definition, method, ProblemCode.RATE_LIMITED)
        return replace(limited, headers={**limited.headers, "retry-after": str(switches.retry_after_s)})
    if switches.reject_credentials:
        return problem_answer(definition, method, ProblemCode.CREDENTIALS_REJECTED)
    title = switches.answers.get(method.name)
    forced = next((example for example in method.examples if example.title == title), None)
    return None if forced is None else example_answer(forced, {})


def _param_faults(method: Method, params: Mapping[str, Json]) -> SandboxAnswer | None:
    try:
        faults = Shape(method.params).faults(params)
    except ShapeError:
        return None
    if not faults:
        return None
    details = [
        {"path": list(found.path), "keyword": found.keyword, "expected": found.expected} for found in faults
    ]
    return fault(400, "invalid_parameters", "The parameters do not fit the method's schema.", faults=details)


def _from_example(
    definition: Definition, method: Method, params: Mapping[str, Json], presented: Presented
) -> SandboxAnswer:
    example = best_example(method, params)
    if example is None:
        return fault(404, "no_example", "The definition has no good example of this method.")
    answer = example_answer(example, params)
    if presented.claims is not None and example.outcome is None:
        speak_of_account_in_call(definition, method.name, answer.body, presented.claims.account)
    return answer


def _chosen(definition: Definition, calls: Sequence[Call], inbound: Inbound) -> tuple[Call, dict[str, Json]]:
    """Return the call that is meant and its parameters: of equally close ones, one with an example."""
    carriers = _carriers(definition)
    closest = [call for call in calls if call.weight == calls[0].weight]
    read = [(call, read_params(call, inbound, carriers)) for call in closest]
    return next(((call, params) for call, params in read if _named(call.method, params)), read[0])


def _named(method: Method, params: Mapping[str, Json]) -> list[Example]:
    return [example for example in method.examples if example.params and _fits(example, params)]


def _fits(example: Example, params: Mapping[str, Json]) -> bool:
    return all(name in params and params[name] == value for name, value in example.params.items())


def _carriers(definition: Definition) -> set[str]:
    return {
        place.name for auth in definition.auth for place in auth.place if place.at == "query" and place.name
    }
