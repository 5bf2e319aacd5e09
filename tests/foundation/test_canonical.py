from __future__ import annotations

import json
import shutil
import struct
import subprocess
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.foundation.canonical import canonical_json, findable, storable_json, storable_text
from app.foundation.secret import Secret
from tests.databases import require

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda leaf: (
        st.lists(leaf, max_size=4) | st.dictionaries(st.text("abcXYZ_é\U0001f600\ue000"), leaf, max_size=4)
    ),
    max_leaves=20,
)


def test_names_are_sorted_by_utf16_code_units():
    # RFC 8785 3.2.3: the emoji's surrogates sort before U+FB33 although its code point is higher
    value = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\x80": 6, "\u00f6": 7}
    assert [*json.loads(canonical_json(value))] == ["\r", "1", "\x80", "ö", "€", "\U0001f600", "\ufb33"]


def test_strings_are_escaped_as_rfc_8785_says():
    assert canonical_json('\u20ac$\x0f\nA\'B"\\\\"/\x7f') == '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/\x7f"'.encode()


@pytest.mark.parametrize(
    ("bits", "text"),
    [
        ("0000000000000000", "0"),
        ("8000000000000000", "0"),
        ("0000000000000001", "5e-324"),
        ("8000000000000001", "-5e-324"),
        ("7fefffffffffffff", "1.7976931348623157e+308"),
        ("4340000000000000", "9007199254740992"),
        ("4430000000000000", "295147905179352830000"),
        ("44b52d02c7e14af5", "9.999999999999997e+22"),
        ("44b52d02c7e14af6", "1e+23"),
        ("444b1ae4d6e2ef4e", "999999999999999700000"),
        ("444b1ae4d6e2ef50", "1e+21"),
        ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
        ("3eb0c6f7a0b5ed8d", "0.000001"),
        ("41b3de4355555553", "333333333.3333332"),
        ("becbf647612f3696", "-0.0000033333333333333333"),
        ("43143ff3c1cb0959", "1424953923781206.2"),
    ],
)
def test_numbers_are_written_as_in_the_appendix_of_rfc_8785(bits, text):
    assert canonical_json(struct.unpack(">d", bytes.fromhex(bits))[0]) == text.encode()


@pytest.mark.node
def test_numbers_are_written_as_javascript_writes_them():
    require(shutil.which("node") is not None, "Node.js is not installed")
    chance = Random(8785)
    values = [chance.uniform(-1, 1) * 10 ** chance.randrange(-30, 30) for _ in range(5_000)]
    script = "process.stdout.write(JSON.stringify(JSON.parse(require('fs').readFileSync(0))))"
    answer = subprocess.run(
        ["node", "-e", script], input=json.dumps(values).encode(), capture_output=True, check=True
    )
    assert canonical_json(values) == answer.stdout


@given(PLAIN)
def test_what_is_written_reads_back_and_is_written_the_same_again(value):
    text = canonical_json(value)
    assert json.loads(text) == value
    assert canonical_json(json.loads(text)) == text


@pytest.mark.parametrize("value", [Secret("canary-1"), b"canary-1", {"a": {Secret}}, {1: "canary-1"}])
def test_what_is_not_json_is_refused_without_naming_it(value):
    with pytest.raises(TypeError) as refusal:
        canonical_json({"a": [value]})
    assert "canary" not in str(refusal.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53, -(2**53), "\ud800"])
def test_what_has_no_canonical_form_is_refused(value):
    with pytest.raises(ValueError, match=r"canonical JSON|surrogate"):
        canonical_json(value)


def test_nesting_beyond_64_levels_is_refused():
    value: list = []
    for _ in range(63):
        value = [value]
    canonical_json([value])
    with pytest.raises(ValueError, match="64 levels"):
        canonical_json([[value]])


def test_text_that_a_database_refuses_is_replaced():
    assert storable_text("a\x00b\ud800c") == "a\ufffdb\ufffdc"
    assert storable_text("tab\tand ünïcode 😀") == "tab\tand ünïcode 😀"
    assert findable(["b", "a\x00", "\ud800", "a", "abc"], 2) == ["a", "b"]
    assert storable_json({"a\x00": ["\x00", 1, None, {"b": "\udfff"}]}) == {
        "a\ufffd": ["\ufffd", 1, None, {"b": "\ufffd"}]
    }
