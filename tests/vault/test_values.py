from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.foundation.secret import Secret
from app.vault.errors import IntegrityCode, IntegrityError
from app.vault.values import decode_value, encode_value

names = st.text(max_size=6) | st.sampled_from(["$secret", "$$secret", "$", "$x"])
leaves = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
secrets = st.text(max_size=8).map(Secret)
values = st.dictionaries(
    names,
    st.recursive(
        leaves | secrets, lambda inner: st.lists(inner) | st.dictionaries(names, inner), max_leaves=8
    ),
)


@given(values)
def test_a_value_comes_back_with_secrets_where_secrets_were(value):
    assert decode_value(encode_value(value)) == value


def test_the_stored_form_is_canonical_json():
    value = {"b": Secret("sé"), "a": [1, None, {"$x": True}], "$secret": "plain"}
    assert encode_value(value) == (
        b'{"$$secret":"plain","a":[1,null,{"$$x":true}],"b":{"$secret":"s\\u00e9"}}'
    )


def test_a_secret_of_any_characters_comes_back():
    odd = "\ud800\x00\u2028\U0001f511"
    assert decode_value(encode_value({"x": Secret(odd)}))["x"].reveal() == odd


def test_a_plain_value_cannot_pass_for_a_secret():
    assert decode_value(encode_value({"x": {"$secret": "y"}})) == {"x": {"$secret": "y"}}


def nested(depth):
    return {"x": nested(depth - 1)} if depth else {"x": "CANARY"}


@pytest.mark.parametrize(
    "value",
    [
        {"CANARY": object()},
        {"CANARY": b"CANARY"},
        {b"CANARY": 1},
        {"CANARY": float("nan")},
        {"CANARY": [float("inf")]},
        {"CANARY": {1, 2}},
        nested(40),
    ],
    ids=["object", "bytes", "name", "nan", "infinity", "set", "nested"],
)
def test_what_is_not_json_is_refused_without_naming_it(value):
    with pytest.raises(TypeError) as caught:
        encode_value(value)
    assert "CANARY" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("data", [b"", b"[]", b"1", b"{", b"\xff"])
def test_bytes_that_are_no_value_are_refused(data):
    with pytest.raises(IntegrityError) as caught:
        decode_value(data)
    assert caught.value.code is IntegrityCode.MALFORMED
