"""Parameters read back into the types of their schema."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sandbox.params import typed


@pytest.mark.parametrize(
    ("value", "schema", "meant"),
    [
        ("7", {"type": "integer"}, 7),
        ("-7", {"type": "integer"}, -7),
        ("7.5", {"type": "integer"}, "7.5"),
        ("9" * 40, {"type": "integer"}, "9" * 40),
        ("\u0667", {"type": "integer"}, "\u0667"),
        ("7.5", {"type": "number"}, 7.5),
        ("nan", {"type": "number"}, "nan"),
        ("1e9", {"type": "number"}, "1e9"),
        ("true", {"type": "boolean"}, True),
        ("0", {"type": "boolean"}, False),
        ("yes", {"type": "boolean"}, "yes"),
        ("7", {"type": ["integer", "null"]}, 7),
        ("7", {"type": "string"}, "7"),
        ("7", {}, "7"),
        ("a, b", {"type": "array", "items": {"type": "string"}}, ["a", "b"]),
        ("1,2", {"type": "array", "items": {"type": "integer"}}, [1, 2]),
        ('[{"a": 1}]', {"type": "array"}, [{"a": 1}]),
        ("[", {"type": "array"}, ["["]),
        ("", {"type": "array"}, []),
        ('{"a": 1}', {"type": "object"}, {"a": 1}),
        ("{", {"type": "object"}, "{"),
        (["1", "2"], {"type": "array", "items": {"type": "integer"}}, [1, 2]),
        (["1", "2"], {"type": "integer"}, 1),
        ({"0": "a", "1": "b"}, {"type": "array"}, ["a", "b"]),
        (
            {"0": {"n": "1"}},
            {"type": "array", "items": {"properties": {"n": {"type": "integer"}}}},
            [{"n": 1}],
        ),
        ({"n": "1"}, {"type": "object", "properties": {"n": {"type": "integer"}}}, {"n": 1}),
        ({"x": "1"}, {"type": "array"}, {"x": "1"}),
    ],
)
def test_texts_become_what_the_schema_says(value, schema, meant):
    assert typed(value, schema) == meant


@given(
    st.recursive(
        st.text(max_size=10),
        lambda inner: (
            st.lists(inner, min_size=1, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        ),
        max_leaves=8,
    ),
    st.sampled_from(["integer", "number", "boolean", "array", "object", "string", "null"]),
)
def test_no_value_breaks_the_reading(value, kind):
    typed(value, {"type": kind, "items": {"type": kind}, "properties": {"a": {"type": kind}}})
