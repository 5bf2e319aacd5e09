from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access.actor import ActorKind
from app.event_stream.event import (
    BadCursorError,
    Event,
    EventActor,
    EventFilter,
    EventSubject,
    EventType,
    decode_cursor,
    encode_cursor,
)
from app.foundation.problems import ProblemCode

POSITIONS = st.integers(0, 2**63 - 1)


def event(**changes):
    values = {
        "id": "evt_1",
        "workspace_id": "wks_a",
        "position": 7,
        "type": EventType.CONNECTION_UPDATED,
        "occurred_at": datetime(2026, 1, 1, tzinfo=UTC),
        "subject": EventSubject("connection", "conn_1"),
        "actor": EventActor(ActorKind.MEMBER, "mem_1", "Olive"),
        "correlation_id": "req_1",
        "connection_id": "conn_1",
        "data": {},
    }
    return Event(**{**values, **changes})


@given(POSITIONS)
def test_a_cursor_reads_back_as_its_position(position):
    text = encode_cursor("wks_a", position)
    assert decode_cursor("wks_a", text) == position
    assert len(text) == 18
    assert text.isascii()
    assert text.replace("-", "").replace("_", "").isalnum()


@given(POSITIONS)
def test_a_cursor_of_another_workspace_is_refused(position):
    with pytest.raises(BadCursorError):
        decode_cursor("wks_b", encode_cursor("wks_a", position))


@given(POSITIONS, st.integers(0, 17), st.characters(codec="utf-8"))
def test_a_cursor_with_one_character_changed_is_refused(position, place, character):
    text = encode_cursor("wks_a", position)
    changed = text[:place] + character + text[place + 1 :]
    if changed != text:
        with pytest.raises(BadCursorError):
            decode_cursor("wks_a", changed)


def test_a_cursor_beyond_what_a_column_holds_is_refused():
    with pytest.raises(BadCursorError):
        decode_cursor("wks_a", encode_cursor("wks_a", 2**63))


@given(st.text(max_size=40))
def test_garbage_is_refused_and_not_repeated(text):
    with pytest.raises(BadCursorError) as refusal:
        decode_cursor("wks_a", text)
    assert refusal.value.problem.code is ProblemCode.INVALID_FIELD
    assert refusal.value.problem.path == ("after",)
    assert refusal.value.problem.message == "The cursor is not valid: it is not a cursor of this stream."


def test_neighbouring_cursors_have_nothing_to_see_in_common():
    texts = [encode_cursor("wks_a", position) for position in range(100)]
    assert len({text[2:6] for text in texts}) == 100
    assert len({text[-4:] for text in texts}) == 100


def test_an_event_knows_the_cursor_behind_it():
    assert decode_cursor("wks_a", event(position=41).cursor) == 41


@pytest.mark.parametrize(
    ("wanted", "matches"),
    [
        (EventFilter(), True),
        (EventFilter(types=frozenset({EventType.CONNECTION_UPDATED, EventType.TOKEN_CREATED})), True),
        (EventFilter(types=frozenset({EventType.TOKEN_CREATED})), False),
        (EventFilter(types=frozenset()), False),
        (EventFilter(connection_ids=frozenset({"conn_1"})), True),
        (EventFilter(connection_ids=frozenset({"conn_2"})), False),
        (EventFilter(subject_ids=frozenset({"conn_1", "x"})), True),
        (EventFilter(subject_ids=frozenset({"x"})), False),
        (EventFilter(frozenset({EventType.CONNECTION_UPDATED}), frozenset({"conn_2"})), False),
    ],
)
def test_a_filter_means_or_within_a_field_and_and_between_fields(wanted, matches):
    assert wanted.matches(event()) is matches


def test_an_event_without_a_connection_matches_no_connection_filter():
    assert not EventFilter(connection_ids=frozenset({"conn_1"})).matches(event(connection_id=None))


def test_every_type_is_in_the_past_tense_and_named_as_its_value():
    for type_ in EventType:
        assert type_.name == type_.value
        assert type_.value.rsplit("_", 1)[1].endswith(("ED", "BEGUN", "LEFT"))
