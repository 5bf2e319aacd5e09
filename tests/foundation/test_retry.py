from __future__ import annotations

import math
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.foundation.retry import backoff_s, parse_retry_after

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 120 ", 120.0),
        ("1.5", 1.5),
        ("86400", 86_400.0),
        ("86401", 86_400.0),
        ("99999999999999999999999999999999999999999999", 86_400.0),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
        ("Sunday, 01-Mar-26 12:01:00 GMT", 60.0),
        ("Sun Mar  1 12:00:10 2026", 10.0),
        ("Sun, 01 Mar 2026 13:00:30 +0100", 30.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400.0),
    ],
)
def test_both_forms_of_retry_after_are_read_and_bounded(value, seconds):
    assert parse_retry_after(value, now=NOW) == seconds


@pytest.mark.parametrize(
    "value",
    [
        None, "", " ", "-1", "-0", "+5", "soon", "1e9", "inf", "nan", "0x10", "1,5", "1.", ".5", "١٢",
        "12 34", "1" * 400, "Sun, 99 Mar 2026 12:00:30 GMT", "Sun, 01 Foo 2026 12:00:30 GMT", "GMT",
        "Sun, 01 Mar 99999 12:00:30 GMT", "Sun, 01 Mar 2026 99:99:99 GMT", "Sun, 01 Mar 2026 12:00:30 +9999",
        "\x00", "120\r\nX: y",
    ],
)  # fmt: skip
def test_garbage_in_retry_after_is_none(value):
    assert parse_retry_after(value, now=NOW) is None


def test_the_cap_is_the_callers():
    assert parse_retry_after("3600", now=NOW, cap_s=60) == 60


@given(st.text(max_size=80))
def test_no_retry_after_text_raises_or_leaves_the_bounds(text):
    seconds = parse_retry_after(text, now=NOW)
    assert seconds is None or 0 <= seconds <= 86_400


@given(st.integers(-5, 10_000), st.floats(0.001, 60), st.floats(0.001, 3_600), st.integers())
def test_backoff_is_jittered_between_nothing_and_the_cap(attempt, base_s, cap_s, seed):
    wait = backoff_s(attempt, base_s=base_s, cap_s=cap_s, rng=Random(seed))
    assert math.isfinite(wait)
    assert 0 <= wait <= min(cap_s, base_s * 2.0 ** min(max(attempt, 0), 32))


def test_backoff_doubles_its_ceiling_and_spreads_over_all_of_it():
    rng = Random(7)
    for attempt, ceiling in enumerate((1, 2, 4, 8, 10, 10)):
        waits = [backoff_s(attempt, base_s=1, cap_s=10, rng=rng) for _ in range(500)]
        assert ceiling * 0.97 < max(waits) <= ceiling
        assert min(waits) < ceiling * 0.05
