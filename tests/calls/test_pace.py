"""Documented limits are kept to: no window ever holds more calls than it allows, whatever comes when."""

from __future__ import annotations

from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.calls import pace as pacing
from app.calls.pace import Pace
from app.catalog.definition import Limit

LIMITS = st.lists(
    st.builds(
        Limit,
        calls=st.integers(1, 40),
        per_s=st.sampled_from([1.0, 10.0, 60.0]),
        by=st.sampled_from(["method", "connection"]),
    ),
    min_size=1,
    max_size=3,
)


@given(LIMITS, st.lists(st.tuples(st.floats(0, 20), st.sampled_from(["a", "b"])), max_size=60))
def test_no_window_ever_holds_more_calls_than_a_limit_allows(limits, asked):
    pace, now_s, sent = Pace(), 0.0, []
    for later_s, method in asked:
        now_s += later_s
        now_s += pace.wait_s("c", method, limits, now_s)
        pace.count("c", method, limits, now_s)
        sent.append((now_s, method))
    for limit in limits:
        for names in [{"a", "b"}] if limit.by == "connection" else [{"a"}, {"b"}]:
            times = [at for at, method in sent if method in names]
            for start in times:
                window = bisect_left(times, start + limit.per_s - 1e-6) - bisect_left(times, start)
                assert window <= limit.calls


def test_half_may_come_at_once_and_the_rest_comes_evenly():
    pace, limits = Pace(), [Limit(20, 60.0, "method")]
    for _ in range(10):
        assert pace.wait_s("c", "a", limits, 0.0) == 0.0
        pace.count("c", "a", limits, 0.0)
    assert pace.wait_s("c", "a", limits, 0.0) == pytest.approx(6.0)
    assert pace.wait_s("c", "b", limits, 0.0) == 0.0
    assert pace.wait_s("d", "a", limits, 0.0) == 0.0
    assert pace.wait_s("c", "a", limits, 6.0) == pytest.approx(0.0)


def test_what_a_provider_asks_for_holds_one_connection_and_is_never_shortened():
    pace = Pace()
    pace.hold("c", 30.0)
    pace.hold("c", 10.0)
    assert pace.wait_s("c", "a", (), 5.0) == 25.0
    assert pace.wait_s("d", "a", (), 5.0) == 0.0
    assert pace.wait_s("c", "a", (), 31.0) == 0.0


def test_it_forgets_the_oldest_beyond_its_bound(monkeypatch):
    monkeypatch.setattr(pacing, "MAX_KEPT", 3)
    pace = Pace()
    for number in range(5):
        pace.hold(f"c{number}", 100.0)
    assert [pace.wait_s(f"c{number}", "a", (), 0.0) for number in range(5)] == [0.0, 0.0, 100.0, 100.0, 100.0]
