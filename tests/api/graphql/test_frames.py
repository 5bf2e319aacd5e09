"""Frames of graphql-transport-ws: what is a message, and with which code everything else is refused."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.api.graphql.frames import (
    CloseCode,
    CloseError,
    Complete,
    Init,
    Ping,
    Pong,
    Subscribe,
    read_frame,
)
from app.api.graphql.limits import MAX_FRAME_BYTES

CANARY = "CANARY-8f2c6d1e"


def test_messages_are_read():
    assert read_frame('{"type":"connection_init"}') == Init(None)
    assert read_frame('{"type":"connection_init","payload":{"Authorization":"Bearer x"}}') == Init("Bearer x")
    assert read_frame('{"type":"ping","payload":null}') == Ping({})
    assert read_frame('{"type":"pong","payload":{"a":1}}') == Pong({"a": 1})
    assert read_frame('{"type":"complete","id":"1"}') == Complete("1")
    subscribe = read_frame('{"type":"subscribe","id":"1","payload":{"query":"{a}","variables":{"b":1}}}')
    assert isinstance(subscribe, Subscribe)
    assert subscribe.operation.query == "{a}"
    assert subscribe.operation.variables == {"b": 1}


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "x",
        "[]",
        '"s"',
        "1",
        "null",
        "{}",
        '{"type":1}',
        '{"type":["ping"]}',
        '{"type":"nope"}',
        '{"type":"ping","payload":"x"}',
        '{"type":"connection_init","payload":[]}',
        '{"type":"connection_init","payload":{"authorization":1}}',
        '{"type":"subscribe","id":"1"}',
        '{"type":"subscribe","id":"1","payload":null}',
        '{"type":"subscribe","id":"1","payload":"x"}',
        '{"type":"subscribe","id":{},"payload":{"query":"{a}"}}',
        '{"type":"subscribe","id":"","payload":{"query":"{a}"}}',
        '{"type":"subscribe","payload":{"query":"{a}"}}',
        '{"type":"subscribe","id":"1","payload":{"query":1}}',
        '{"type":"subscribe","id":"1","payload":{"query":"{a}","variables":[]}}',
        '{"type":"subscribe","id":"1","payload":{"query":"{a}","operationName":1}}',
        '{"type":"complete"}',
        '{"type":"complete","id":1}',
        "[" * 100_000,
        '{"type":"ping","payload":' + '{"a":' * 200 + "1" + "}" * 200 + "}",
        '{"type":"ping","payload":{"a":' + "9" * 5_000 + "}}",
        '{"type":"ping","payload":{"a":NaN}}',
    ],
)
def test_anything_else_is_refused_with_4400(text):
    with pytest.raises(CloseError) as refused:
        read_frame(text)
    assert refused.value.code is CloseCode.BAD_MESSAGE
    assert len(refused.value.reason.encode()) <= 123


def test_a_frame_at_the_limit_is_read_and_one_beyond_is_too_big():
    def frame(length):
        return '{"type":"ping","payload":{"a":"' + "x" * (length - 34) + '"}}'

    assert len(frame(MAX_FRAME_BYTES)) == MAX_FRAME_BYTES
    assert isinstance(read_frame(frame(MAX_FRAME_BYTES)), Ping)
    with pytest.raises(CloseError) as refused:
        read_frame(frame(MAX_FRAME_BYTES + 1))
    assert refused.value.code is CloseCode.TOO_BIG


def test_an_operation_that_cannot_be_one_is_refused_without_ending_the_socket():
    frame = read_frame('{"type":"subscribe","id":"1","payload":{"query":"  "}}')
    assert isinstance(frame, Subscribe)
    assert frame.operation is None
    assert frame.refusal is not None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(CANARY),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.just(CANARY), inner, max_size=4)
    ),
    max_leaves=12,
)
messages = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["connection_init", "ping", "pong", "subscribe", "complete", CANARY])
        | json_values,
        "id": st.text(max_size=200) | json_values,
        "payload": st.dictionaries(st.sampled_from(["query", "variables", "authorization"]), json_values)
        | json_values,
    },
)


@settings(deadline=None)
@given(messages)
def test_whatever_comes_is_a_message_or_a_constant_refusal(message):
    reason = ""
    try:
        read_frame(json.dumps(message))
    except CloseError as refused:
        reason = refused.reason
    assert len(reason.encode()) <= 123
    assert CANARY not in reason
