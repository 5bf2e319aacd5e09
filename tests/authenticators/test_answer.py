import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.authenticators.answer import MAX_ANSWER_BYTES, read_object, seconds
from app.foundation.messages import InResponse

CEILING = 1_000_000


def read(body, media_type="application/json"):
    headers = (("Content-Type", media_type),) if media_type is not None else ()
    return read_object(InResponse(200, headers, body))


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json",
        "application/json; charset=UTF-8",
        "text/html",
        "application/x-www-form-urlencoded",
        "",
        None,
    ],
)
def test_json_is_read_whatever_the_media_type_calls_it(media_type):
    assert read(b'\xef\xbb\xbf{"access_token": "t"}', media_type) == {"access_token": "t"}


@pytest.mark.parametrize(
    "media_type",
    [
        "application/x-www-form-urlencoded",
        "text/plain;charset=utf-8",
        "text/html",
        "application/json",
        "",
        None,
    ],
)
def test_a_form_is_read_whatever_the_media_type_calls_it(media_type):
    assert read(b"access_token=a%20b&scope=x+y&empty=", media_type) == {
        "access_token": "a b",
        "scope": "x y",
        "empty": "",
    }


@pytest.mark.parametrize(
    ("body", "media_type", "text"),
    [
        ('{"team": "Café"}'.encode("latin-1"), "application/json; charset=ISO-8859-1", "Café"),
        (
            '{"team": "Café"}'.encode(),
            "application/json; charset=ISO-8859-1",
            "Café",
        ),  # a default, declared for all
        ('{"team": "Café"}'.encode("latin-1"), "application/json", "Café"),
        ('{"team": "Жар"}'.encode("koi8-r"), 'application/json;charset="KOI8-R"', "Жар"),
        ('{"team": "5 €"}'.encode("cp1252"), "application/json; charset=ISO-8859-1", "5 €"),
        ('{"team": "Café"}'.encode("utf-16"), "application/json", "Café"),
        ('{"team": "Café"}'.encode("utf-16-be"), "application/json; charset=utf-16be", "Café"),
        (b"team=Caf%C3%A9", "application/x-www-form-urlencoded", "Café"),
        (b"team=Caf%E9", "application/x-www-form-urlencoded", "Café"),
        (b"team=Caf\xe9", "application/x-www-form-urlencoded", "Café"),
        (b"team=one & only", "text/plain", None),
    ],
)
def test_characters_are_read_as_declared_or_as_they_can_be(body, media_type, text):
    assert (read(body, media_type) or {}).get("team") == text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"t"',
        b"7",
        b"{",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b"\xff\xfe{}",
        b"{'a': 1}",
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b"<html>",
        b'{"a": 1} trailing',
    ],
)
def test_what_is_no_json_object_is_none(body):
    assert read(body) is None


@pytest.mark.parametrize(
    "body",
    [
        b"access_token=a&access_token=b",
        b"access_token",
        b"\xff=1",
        b"<p>a=1</p>",
        b"=1",
        b"&".join([b"a=1"] * 300),
    ],
)
def test_an_unclear_form_is_none(body):
    assert read(body, "application/x-www-form-urlencoded") is None


def test_a_body_beyond_64_kilobytes_is_none():
    at_limit = json.dumps({"a": "x" * (MAX_ANSWER_BYTES - 9)}).encode()
    assert len(at_limit) == MAX_ANSWER_BYTES
    assert read(at_limit) is not None
    assert read(at_limit + b" ") is None


@given(st.binary(max_size=300), st.sampled_from(["application/json", "text/plain", "", "a/b"]))
def test_nothing_makes_reading_raise(body, media_type):
    assert read(body, media_type) is None or isinstance(read(body, media_type), dict)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3600, 3600),
        (3600.9, 3600),
        ("3600", 3600),
        (" 3600 ", 3600),
        ("3600.5", 3600),
        ("1e3", 1000),
        (1, 1),
        (10**12, CEILING),
        ("9" * 20, CEILING),
        (math.inf, CEILING),
        ("inf", CEILING),
        (0, None),
        ("0", None),
        (0.5, None),
        (-1, None),
        (-(10**30), None),
        ("-5", None),
        (math.nan, None),
        ("nan", None),
        ("soon", None),
        ("", None),
        ("9" * 21, None),
        (True, None),
        (None, None),
        ([], None),
        ({}, None),
        ("\uff11\uff12", 12),
    ],
)
def test_a_lifetime_is_bounded_or_unknown(value, expected):
    assert seconds(value, CEILING) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("1e400", CEILING), ("1" + "0" * 400, CEILING), ("-1e400", None)]
)
def test_a_number_beyond_all_bounds_does_not_lose_the_answer(text, expected):
    assert seconds(read(f'{{"expires_in": {text}}}'.encode())["expires_in"], CEILING) == expected


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_no_value_makes_a_lifetime_raise(value):
    found = seconds(value, CEILING)
    assert found is None or 1 <= found <= CEILING
