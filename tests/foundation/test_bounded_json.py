from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.foundation.bounded_json import JsonRefusedError, parse_json
from app.foundation.messages import InResponse, ResponseNotJsonError
from app.foundation.problems import ProblemCode

# After JSONTestSuite (n_*), and what a hostile provider would add.
HOSTILE = [
    b"",
    b" ",
    b"\x00",
    b"\xef\xbb\xbf",
    b"{",
    b"[",
    b"]",
    b"[1,]",
    b"[,1]",
    b"[1 2]",
    b'{"a":1,}',
    b'{"a"}',
    b"{a:1}",
    b"{'a':1}",
    b'{"a":1}}',
    b"[1]x",
    b"nul",
    b"True",
    b"NULL",
    b"NaN",
    b"[NaN]",
    b"-NaN",
    b"Infinity",
    b"[-Infinity]",
    b"1e999",
    b"[-1e400]",
    b"01",
    b"-",
    b"+1",
    b".5",
    b"1.",
    b"1e",
    b"0x10",
    b"1_000",
    b'"',
    b'"abc',
    b'"\x01"',
    b'"\n"',
    b'"\\x41"',
    b'"\\u12"',
    b'"\\ud800"',
    b'["\\udc00\\ud800"]',
    b'{"\\ud834": 1}',
    b'{"a": {"b": ["\\uDEAD"]}}',
    b"\xff\xfe[\x00]\x00",
    b'"\xff"',
    b'"\xc3\x28"',
    b'"\xed\xa0\x80"',
    b"[\xe9]",
    "[\u00e9]".encode("latin-1"),
    '["é"]'.encode("latin-1"),
    '["é"]'.encode("utf-16"),
    '["é"]'.encode("utf-32"),
    b"<html></html>",
    b"/* c */ 1",
    b"1 // c",
    b"18446744073709551616",
    b'[1e20, {"\\\\": -18446744073709551616}]',
    b'["\\"", 1e20 , 99999999999999999999]',
    b"-9223372036854775809",
    b"[" + b"9" * 5_000 + b"]",
    b"[" + b"1" * 22 + b"]",
    b"[" * 65 + b"]" * 65,
    b"[" * 100_000,
    b"[" * 100_000 + b"]" * 100_000,
    b'{"a":' * 65 + b"1" + b"}" * 65,
    b'{"a":' * 50_000,
    b"[" + b"{}," * 300_000 + b"{}]",
    b"[" + b"0," * 600_000 + b"0]",
]

HONEST = [
    (b"1", 1),
    (b" true ", True),
    (b"null", None),
    (b'"x"', "x"),
    (b"[]", []),
    (b"{}", {}),
    (b"\xef\xbb\xbf[1]", [1]),
    (b'{"a":1,"a":2}', {"a": 2}),
    (b"18446744073709551615", 2**64 - 1),
    (b"-9223372036854775808", -(2**63)),
    (b"1.5e300", 1.5e300),
    (b"-0", 0),
    (b"0.1", 0.1),
    (b"1e-999", 0.0),
    (b'"\\ud83d\\ude00"', "\U0001f600"),
    (b'"\\\\ud800"', "\\ud800"),
    (b'"\\u0000"', "\x00"),
    ('"é\U0001f600"'.encode(), "é\U0001f600"),
    (b"[" * 64 + b"]" * 64, None),
    (b"[1e19, -1e19, 9223372036854775808, 1.8446744073709551616e19]", [1e19, -1e19, 2**63, 2.0**64]),
    (
        b'["18446744073709551616", "\\\\", "a\\"99999999999999999999", 1e20]',
        ["18446744073709551616", "\\", 'a"99999999999999999999', 1e20],
    ),
    (b"[1e20, 0.99999999999999999999]", [1e20, 1.0]),
    (b"[1E+00000000000000000000020, 12345678901234567890.5]", [1e20, 12345678901234567890.5]),
]


@pytest.mark.parametrize("data", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_json_is_refused_with_a_typed_error(data):
    with pytest.raises(JsonRefusedError):
        parse_json(data)
    with pytest.raises(ResponseNotJsonError) as refusal:
        InResponse(200, (), data).json()
    assert refusal.value.problem.code is ProblemCode.UPSTREAM_BAD_RESPONSE


@pytest.mark.parametrize(("data", "value"), HONEST, ids=range(len(HONEST)))
def test_honest_json_is_read(data, value):
    read = parse_json(data)
    assert value is None or (read == value and type(read) is type(value))


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"[18446744073709551616, -9223372036854775809]", [2.0**64, -(2.0**63)]),
        (b"1" * 100, float("1" * 100)),
        (b'["a\\uDEAD\\ud83d\\ude00", 99999999999999999999]', ["a\udead\U0001f600", 1e20]),
        (b"[1e999, -1e400]", [math.inf, -math.inf]),
        (b"1" * 400, math.inf),
    ],
)
def test_a_lenient_reader_takes_numbers_and_characters_as_they_come(data, value):
    read = parse_json(data, lenient=True)
    assert (read, type(read)) == (value, type(value))
    with pytest.raises(JsonRefusedError):
        parse_json(data)


@pytest.mark.parametrize("data", [b"[" * 65 + b"]" * 65, b"[" * 60_000, b"NaN", b"{", b'"\xff"', b'"\\u12"'])
def test_a_lenient_reader_reads_json_alone(data):
    with pytest.raises(JsonRefusedError):
        parse_json(data, lenient=True)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**64 - 1)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
    st.booleans(),
)
def test_whatever_is_written_as_json_is_read_as_it_was(value, is_ascii):
    data = json.dumps(value, ensure_ascii=is_ascii).encode()
    for read in (parse_json(data), parse_json(data, lenient=True)):
        assert (repr(read), type(read)) == (repr(value), type(value))


def test_a_long_string_is_read_whole():
    assert parse_json(b'"' + b"a" * 10_000_000 + b'"') == "a" * 10_000_000


def test_a_refusal_holds_nothing_of_the_text():
    with pytest.raises(JsonRefusedError) as refusal:
        parse_json(b'{"token": "CANARY", }')
    assert "CANARY" not in repr(refusal.value)
    assert refusal.value.__suppress_context__


@given(st.binary(max_size=64) | st.text(max_size=64).map(str.encode))
def test_any_bytes_are_read_or_refused(data):
    try:
        value = parse_json(data)
    except JsonRefusedError:
        return
    assert json.loads(json.dumps(value)) == value
