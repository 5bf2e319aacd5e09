"""When credentials are due, and until when they may be used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.credentials.due import MAX_JITTER, MAX_MARGIN, due_at, is_fresh, least_wait_s, next_probe, next_try_s

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@given(
    st.integers(min_value=1, max_value=30 * 24 * 3600),
    st.text(min_size=1, max_size=10),
    st.integers(1, 10**6),
)
def test_renewal_is_due_between_the_margin_with_jitter_and_the_margin(lifetime_s, connection_id, generation):
    lifetime = timedelta(seconds=lifetime_s)
    latest = NOW + lifetime - min(MAX_MARGIN, lifetime / 2)
    earliest = latest - min(MAX_JITTER, lifetime / 10)
    assert earliest <= due_at(connection_id, generation, NOW, lifetime_s) <= latest


def test_an_hour_is_renewed_fifteen_to_twenty_minutes_before_its_end():
    due = due_at("conn_1", 1, NOW, 3600)
    assert NOW + timedelta(minutes=40) <= due <= NOW + timedelta(minutes=45)


def test_five_seconds_are_renewed_after_at_most_half():
    assert due_at("conn_1", 1, NOW, 5) <= NOW + timedelta(seconds=2.5)


def test_what_tells_no_expiry_is_probed_within_a_day():
    for generation in range(200):
        due = due_at("conn_1", generation, NOW, None)
        assert NOW + timedelta(hours=22) <= due <= NOW + timedelta(hours=24)


def test_jitter_is_the_same_after_a_restart_and_differs_between_connections():
    assert due_at("conn_1", 3, NOW, 3600) == due_at("conn_1", 3, NOW, 3600)
    assert len({due_at(f"conn_{n}", 1, NOW, 3600) for n in range(50)}) == 50


@pytest.mark.parametrize("lifetime_s", [-5, 0])
def test_a_lifetime_of_nothing_is_due_at_once(lifetime_s):
    assert due_at("conn_1", 1, NOW, lifetime_s) <= NOW


@pytest.mark.parametrize(
    ("left_s", "lifetime_s", "expected"),
    [
        (61, 3600, True),
        (60, 3600, False),
        (59, 3600, False),
        (2, 5, True),
        (1.25, 5, False),
        (31, 120, True),
        (30, 120, False),
        (61, None, True),
        (60, None, False),
    ],
)
def test_no_token_is_used_within_a_minute_or_a_quarter_of_its_life(left_s, lifetime_s, expected):
    assert is_fresh(NOW, NOW + timedelta(seconds=left_s), lifetime_s) is expected


def test_what_tells_no_expiry_may_be_used():
    assert is_fresh(NOW, None, None)


def test_what_was_sealed_by_a_clock_that_was_put_back_is_not_used():
    later = NOW + timedelta(seconds=61)
    assert not is_fresh(NOW, NOW + timedelta(days=2), 3600, later)
    assert is_fresh(NOW, NOW + timedelta(hours=1), 3600, NOW + timedelta(seconds=60))


@given(st.floats(0, 10**6), st.floats(0, 1), st.none() | st.floats(0, 10**6))
def test_a_failure_is_tried_again_after_half_a_minute_to_half_an_hour_or_when_asked_within_an_hour(
    failing_s, share, requested_s
):
    wait_s = next_try_s(failing_s, requested_s, share)
    assert 30 <= wait_s <= 3_600
    assert wait_s >= min(requested_s or 0, 3_600)
    if not requested_s:
        assert wait_s <= max(60, min(failing_s / 6, 1_800))


def test_an_outage_of_ten_minutes_is_noticed_to_be_over_within_two():
    assert next_try_s(600, None, 1.0) <= 120


def test_those_that_failed_together_do_not_come_back_together():
    assert next_try_s(600, None, 0.0) == 30
    assert next_try_s(600, None, 1.0) == 100


@pytest.mark.parametrize(
    ("lifetime_s", "least_s"), [(None, 30), (86_400, 30), (300, 30), (60, 6), (5, 1), (1, 1), (0, 1)]
)
def test_what_lives_for_less_than_five_minutes_is_tried_again_within_a_tenth_of_its_life(lifetime_s, least_s):
    assert least_wait_s(lifetime_s) == least_s
    assert next_try_s(0, None, 0.0, least_s) == least_s
    assert next_try_s(0, None, 1.0, least_s) == 2 * least_s
    assert next_try_s(600, None, 1.0, least_s) == 100


def test_credentials_that_are_not_renewed_are_probed_when_they_run_out_or_within_a_day():
    soon = NOW + timedelta(hours=1)
    assert next_probe("conn_1", 1, NOW, soon) == soon
    for expires_at in (None, NOW, NOW + timedelta(days=3)):
        probe = next_probe("conn_1", 1, NOW, expires_at)
        assert NOW + timedelta(hours=22) <= probe <= NOW + timedelta(hours=24)
