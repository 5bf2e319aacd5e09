"""What an expectation means: decisions only."""

from __future__ import annotations

import pytest

from app.connection_tests.steps import ORDER, STAGES, STEP_TITLES, StepKind, unmet_expectation


def test_every_step_has_a_title_and_its_place():
    assert set(STEP_TITLES) == set(StepKind) == set(ORDER)
    assert [kind.value for kind in ORDER] == [
        "CONFIGURATION",
        "NAME_LOOKUP",
        "CONNECT",
        "TLS",
        "CREDENTIALS",
        "REQUEST",
        "RESPONSE",
        "EXPECTATIONS",
        "CONTROL",
    ]
    assert set(STAGES.values()) == {StepKind.NAME_LOOKUP, StepKind.CONNECT, StepKind.TLS}


@pytest.mark.parametrize(
    ("expect", "unmet"),
    [
        ([], None),
        (["status == `200`"], None),
        (["status == `200`", "body.ok == `true`", "headers.server == 'x'"], None),
        (["status == `200`", "body.ok == `false`", "status == `500`"], "body.ok == `false`"),
        (["body.missing"], "body.missing"),
        (["body.ok && 'truthy text'"], "body.ok && 'truthy text'"),
        (["length(body.missing) > `0`"], "length(body.missing) > `0`"),
    ],
)
def test_the_first_expectation_that_is_not_exactly_true_is_told(expect, unmet):
    assert unmet_expectation(expect, 200, {"server": "x"}, {"ok": True}) == unmet


@pytest.mark.parametrize("body", [None, [], "text", 5])
def test_an_answer_of_another_shape_meets_nothing_of_it(body):
    assert unmet_expectation(["body.ok == `true`"], 200, {}, body) == "body.ok == `true`"
