"""Ids: prefixed, sorted by their time, written as ULIDs are, and recognised."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.foundation import ids
from app.foundation.clock import FrozenClock
from app.foundation.ids import id_of, new_id, prefix_of


# The ULID specification's own examples, and the ends of the range.
@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0" * 26),
        (2**128 - 1, "7zzzzzzzzzzzzzzzzzzzzzzzzz"),
        (1_469_918_176_385 << 80, "01aryz6s410000000000000000"),
        (31, "0" * 25 + "z"),
        (32, "0" * 24 + "10"),
    ],
)
def test_a_number_is_written_in_crockfords_base_32(number, text):
    assert id_of("conn", number) == f"conn_{text}"


@given(st.integers(0, 2**128 - 1), st.integers(0, 2**128 - 1))
def test_ids_sort_as_their_numbers_do(one, other):
    assert (id_of("a", one) < id_of("a", other)) is (one < other)
    assert prefix_of(id_of("conn", one)) == "conn"


def test_a_new_id_bears_its_time_and_is_no_other(monkeypatch):
    clock = FrozenClock(datetime(2016, 7, 30, 22, 36, 16, 385_000, UTC))
    monkeypatch.setattr(ids, "_CLOCK", clock)
    made = {new_id("run") for _ in range(1_000)}
    assert len(made) == 1_000
    assert {text[:14] for text in made} == {"run_01aryz6s41"}
    clock.advance(0.001)
    assert new_id("run") > max(made)


@pytest.mark.parametrize(
    "text",
    ["", "conn", "conn_", "conn_" + "0" * 25, "conn_" + "0" * 27, "conn_" + "i" * 26, "c_" + "0" * 26,
     "conn_" + "0" * 26 + "\n", "CONN_" + "0" * 26, "x" * 10_000],
)  # fmt: skip
def test_what_is_no_id_has_no_prefix(text):
    assert prefix_of(text) is None
