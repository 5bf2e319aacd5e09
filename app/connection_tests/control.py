"""What a control call shows: whether a test that passed would pass without the credentials too; decisions only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from app.authenticators.control import can_be_left_out
from app.authenticators.judge import explained
from app.calls.caller import CallResult
from app.catalog.definition import AuthMethod, Control, Definition, Effect
from app.connection_tests.steps import unmet_expectation
from app.foundation.problems import Problem, ProblemCode

WITHOUT: Final = {
    Control.SPOILT: "with made-up credentials",
    Control.NONE: "without credentials",
}
_WRITES: Final = "The test's method writes: it is never sent a second time."


def controls_of(definition: Definition, method: AuthMethod) -> tuple[Control, ...]:
    """Return how the control call is made, and how again where that is not answered; nothing where there is none."""
    test = definition.test
    control = test.control
    if control is Control.NEVER or definition.methods[test.method].effect is not Effect.READ:
        return ()
    if not can_be_left_out(method):
        return (Control.SPOILT, Control.SPOILT)
    return (control, Control.NONE)


def why_no_control(definition: Definition) -> str:
    """Return in words why there is no control call."""
    reason = definition.test.control_reason
    return f"No control call is made: {reason}" if reason else _WRITES


def was_answered(control: CallResult) -> bool:
    """Return whether a control call says anything: no answer does not, nor what may pass by itself (429, 5xx)."""
    if control.fault is None:
        return True
    seen = control.fault.problem
    return not seen.retryable and (control.status is not None or seen.code is ProblemCode.UPSTREAM_REDIRECTED)


def problem_of_control(
    definition: Definition, how: Control, test: CallResult, control: CallResult, expected: Sequence[str]
) -> Problem | None:
    """Return why a test that passed proves nothing, or None where its control call was refused as it should be.

    It was refused if this very test would have failed on its answer. ``control`` follows redirects only where the
    test's own call did: else being sent to a sign-in page is a refusal.
    """
    if not was_answered(control) and control.fault is not None:
        said = f"HTTP {control.status}" if control.status else control.fault.problem.message.rstrip(".")
        return explained(
            definition,
            ProblemCode.CONTROL_NOT_ANSWERED,
            without=WITHOUT[how],
            reason=said,
            status=control.status,
        )
    if control.fault is not None or any(one.leaves_origin for one in control.redirects):
        return None
    if unmet_expectation(expected, control.status, control.headers, control.body) is not None:
        return None
    reason = "this path shows nothing about them"
    if not _are_alike(test, control):
        reason = "the two answers differ, but this test accepts both"
    return explained(definition, ProblemCode.TEST_PROVES_NOTHING, without=WITHOUT[how], reason=reason)


def _are_alike(test: CallResult, control: CallResult) -> bool:
    """Return whether two good answers look the same: by status, media type, and the members of a JSON object."""
    return _shape_of(test) == _shape_of(control)


def _shape_of(result: CallResult) -> tuple[object, ...]:
    media_type = result.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = result.body
    members = body.items() if isinstance(body, dict) else ()
    shape = {name: value if isinstance(value, bool) else type(value) for name, value in members}
    return result.status, media_type, type(body), shape
