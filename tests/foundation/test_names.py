from __future__ import annotations

import pytest

from app.foundation.names import checked_name
from app.foundation.problems import ProblemCode


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", ProblemCode.MISSING_FIELD),
        ("   ", ProblemCode.MISSING_FIELD),
        ("x" * 121, ProblemCode.FIELD_TOO_LONG),
        ("a\u0000b", ProblemCode.INVALID_FIELD),
        ("a\u200bb", ProblemCode.INVALID_FIELD),
        ("tab\tbed", ProblemCode.INVALID_FIELD),
        ("rtl\u202eevil", ProblemCode.INVALID_FIELD),
        ("two\u2028lines", ProblemCode.INVALID_FIELD),
        ("two\u2029paragraphs", ProblemCode.INVALID_FIELD),
        ("half a pair \ud800", ProblemCode.INVALID_FIELD),
    ],
)
def test_a_name_that_cannot_be_read_is_refused(name, code):
    assert [(fault.code, fault.path) for fault in checked_name(name, 120)[1]] == [(code, ("name",))]


def test_a_name_is_trimmed_and_composed():
    assert checked_name("  Finance Xe\u0301ro ", 120) == ("Finance X\u00e9ro", [])
