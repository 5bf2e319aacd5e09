import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.yaml_reader import MAX_BYTES, MAX_DEPTH, Mark, read_yaml

LAUGHS = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
)


def read(text):
    document, faults = read_yaml(text.encode() if isinstance(text, str) else text, "x.yaml")
    assert (document is None) == bool(faults)
    return document, faults


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: no", "no"),
        ("a: yes", "yes"),
        ("a: on", "on"),
        ("a: True", "True"),
        ("a: NULL", "NULL"),
        ("a: 012", "012"),
        ("a: 0x1F", "0x1F"),
        ("a: 0o7", "0o7"),
        ("a: 1_000", "1_000"),
        ("a: 1:30", "1:30"),
        ("a: 12:30:45", "12:30:45"),
        ("a: 2026-11-20", "2026-11-20"),
        ("a: .5", ".5"),
        ("a: 5.", "5."),
        ("a: +5", "+5"),
        ("a: .inf", ".inf"),
        ("a: .nan", ".nan"),
        ("a: 1.2.3", "1.2.3"),
        ("a: 1234567890123456789", 1.2345678901234568e18),
        ("a: true", True),
        ("a: false", False),
        ("a: null", None),
        ("a: 'true'", "true"),
        ('a: "5"', "5"),
        ("a: ''", ""),
        ("a: 0", 0),
        ("a: -7", -7),
        ("a: 1.50", 1.5),
        ("a: 1e3", 1000.0),
        ("a: |\n  x\n  y\n", "x\ny\n"),
        ("a: >-\n  x\n  y\n", "x y"),
    ],
)
def test_plain_scalars_are_text_unless_json_says_otherwise(text, value):
    document, faults = read(text)

    assert faults == []
    assert document.value == {"a": value}
    assert type(document.value["a"]) is type(value)


@pytest.mark.parametrize("key", ["true", "null", "1", "1.5", "no", "2026-11-20"])
def test_keys_are_always_text(key):
    document, _ = read(f"{key}: x")

    assert document.value == {key: "x"}


@pytest.mark.parametrize(
    ("text", "rule", "line", "column"),
    [
        ("a: &x 1", "yaml/anchor", 1, 4),
        ("a: &x {b: 1}", "yaml/anchor", 1, 4),
        ("a: &x [1]", "yaml/anchor", 1, 4),
        ("a: 1\nb: *x", "yaml/alias", 2, 4),
        ("a: !!python/object/apply:os.system [ls]", "yaml/tag", 1, 4),
        ("a: !!str 5", "yaml/tag", 1, 4),
        ("a: !mine {b: 1}", "yaml/tag", 1, 4),
        ("a: ! 5", "yaml/tag", 1, 4),
        ("a: 1\nb: 2\na: 3", "yaml/duplicate-key", 3, 1),
        ("x:\n  a: {b: 1, b: 2}", "yaml/duplicate-key", 2, 13),
        ('a: 1\n"a": 2', "yaml/duplicate-key", 2, 1),
        ("<<: {a: 1}", "yaml/merge", 1, 1),
        ("? [a]\n: 1", "yaml/key", 1, 3),
        ("? {a: 1}\n: 1", "yaml/key", 1, 3),
        ("?\n: 1", "yaml/key", 1, 2),
        ("a: 1\n---\nb: 2", "yaml/documents", 2, 1),
        ("%YAML 1.1\n---\na: 1", "yaml/directive", 1, 1),
        ("%TAG ! tag:x,2000:\n---\na: 1", "yaml/directive", 1, 1),
        ("", "yaml/empty", 1, 1),
        ("# only a remark\n", "yaml/empty", 1, 1),
        ("a:", "yaml/nothing", 1, 3),
        ("a: ~", "yaml/nothing", 1, 4),
        ("a:\n  -\n  - x", "yaml/nothing", 2, 4),
        ("a: 1e999", "yaml/number", 1, 4),
        (f"a: {'9' * 5000}", "yaml/number", 1, 4),
        ("a:\n  - b\n c", "yaml/syntax", 3, 2),
        ("a: 'x", "yaml/syntax", 1, 6),
        ("a: {b: 1", "yaml/syntax", 2, 1),
        ("\ta: 1", "yaml/syntax", 1, 1),
        (b"a: \xff", "yaml/encoding", 1, 1),
        (b"a: x\nb: \xc3\x28", "yaml/encoding", 2, 1),
        ("a: x\nb: \x00", "yaml/character", 2, 4),
        ("a: \x1b[31m", "yaml/character", 1, 4),
        ("\ufeffa: 1", "yaml/character", 1, 1),
        ("a: \ufeff", "yaml/character", 1, 4),
        ("a: " + "[" * 5000, "yaml/depth", 1, 35),
        ("a: " + "{b: " * 40, "yaml/depth", 1, 128),
        ("a: &a {b: *a}", "yaml/anchor", 1, 4),
    ],
)  # fmt: skip
def test_refused_text_is_named_with_its_place(text, rule, line, column):
    _, faults = read(text)

    assert (rule, line, column) in {(fault.rule, fault.line, fault.column) for fault in faults}


def test_billion_laughs_are_refused_in_no_time():
    started = time.monotonic()
    _, faults = read(LAUGHS)

    assert time.monotonic() - started < 0.1
    assert {fault.rule for fault in faults} == {"yaml/anchor", "yaml/alias"}
    assert [fault.line for fault in faults if fault.rule == "yaml/anchor"] == list(range(1, 10))


def test_a_file_may_be_as_large_as_the_limit_and_no_larger():
    frame = b"a: '%s'"
    exact = frame % (b"x" * (MAX_BYTES - len(frame) + 2))

    assert len(exact) == MAX_BYTES
    assert read(exact)[1] == []
    assert [fault.rule for fault in read(exact + b"\n")[1]] == ["yaml/size"]


def test_nesting_may_be_as_deep_as_the_limit_and_no_deeper():
    assert read("[" * MAX_DEPTH + "1" + "]" * MAX_DEPTH)[1] == []
    assert [fault.rule for fault in read("[" * (MAX_DEPTH + 1) + "1" + "]" * (MAX_DEPTH + 1))[1]] == [
        "yaml/depth"
    ]


def test_all_faults_are_reported_up_to_a_hundred():
    _, faults = read("\n".join(f"k{n}: &a{n} 1" for n in range(150)))

    assert len(faults) == 100
    assert [fault.line for fault in faults] == list(range(1, 101))


def test_every_node_knows_its_place():
    document, _ = read("a: 1\nb:\n  - x\n  - c: y\n    d: z\n")

    assert document.mark(("a",)) == Mark(1, 1)
    assert document.mark(("b", 0)) == Mark(3, 5)
    assert document.mark(("b", 1, "d")) == Mark(5, 5)
    assert document.mark(("b", 1, "none", "deeper")) == Mark(4, 5)
    assert document.mark(("none",)) == Mark(1, 1)


@pytest.mark.parametrize("text", ["a: [1, 2]", "a:\n- {b: 'c'}", "- 1\n- [2, 3]"])
def test_pure_python_reads_the_same(monkeypatch, text):
    import yaml

    fast = read(text)[0]
    monkeypatch.setattr("app.catalog.yaml_reader._LOADER", yaml.SafeLoader)

    assert read(text)[0] == fast


TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"], exclude_characters="\ufeff\ufffe\uffff"),
    max_size=20,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_json_is_read_as_json_says(value):
    import json

    document, faults = read_yaml(json.dumps(value, ensure_ascii=False).encode(), "x.yaml")

    assert faults == []
    assert document.value == value


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_without_raising(data):
    document, faults = read_yaml(data, "x.yaml")

    assert (document is None) == bool(faults)


@given(st.text(alphabet="ab:-[]{},&*!|>'\"#%\n ?~<", max_size=80))
def test_any_yaml_like_text_is_read_or_refused_without_raising(text):
    document, faults = read_yaml(text.encode(), "x.yaml")

    assert (document is None) == bool(faults)


def test_shipped_files_are_within_the_limits():
    from app.catalog.loader import DEFINITIONS

    sizes = {path: path.stat().st_size for path in Path(DEFINITIONS).rglob("*.yaml")}

    assert sizes
    assert max(sizes.values()) < MAX_BYTES // 2
