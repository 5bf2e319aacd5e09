from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audit.chain import GENESIS, ChainRow, canonical_row, instant_text, key_id_of, row_hash
from app.foundation.canonical import canonical_json
from tests.audit.conftest import KEY, OTHER_KEY

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
LEAF = TEXT | st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.lists(TEXT, max_size=3)
DETAIL = st.dictionaries(st.from_regex(r"\A[a-z][A-Za-z0-9_]{0,8}\Z"), LEAF, max_size=6)

ROW = ChainRow(
    id="aud_1",
    workspace_id="wks_1",
    seq=1,
    at=datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
    actor_kind="MEMBER",
    actor_id="mem_1",
    actor_label="Olive",
    via="GRAPHQL",
    ip_hash=None,
    request_id="req_1",
    action="connection.created",
    target_type="connection",
    target_id="conn_1",
    target_label="Xero",
    outcome="OK",
    detail={"b": 1, "a": ["x"]},
    key_id="aud:1",
    prev_hash=GENESIS,
    hash=b"",
)
CANONICAL = (
    b'{"action":"connection.created","actor_id":"mem_1","actor_kind":"MEMBER","actor_label":"Olive",'
    b'"at":"2026-01-02T03:04:05.000006Z","detail":{"a":["x"],"b":1},"id":"aud_1","ip_hash":null,"key_id":"aud:1",'
    b'"outcome":"OK","request_id":"req_1","seq":1,"target_id":"conn_1","target_label":"Xero",'
    b'"target_type":"connection","via":"GRAPHQL","workspace_id":"wks_1"}'
)


def test_a_row_is_canonical_json_of_every_column_but_the_hashes():
    assert canonical_row(ROW, 1) == CANONICAL
    assert set(ChainRow._fields) - {"prev_hash", "hash"} == set(__import__("json").loads(CANONICAL))


def test_a_hash_is_keyed_over_the_previous_hash_and_the_row():
    prev_hash = bytes(range(32))
    assert row_hash(KEY, prev_hash, ROW) == hmac.new(KEY, prev_hash + CANONICAL, hashlib.sha256).digest()


def test_the_first_rows_previous_hash_is_32_zero_bytes():
    assert GENESIS == b"\x00" * 32


@given(TEXT, TEXT, DETAIL, st.integers(1, 2**53 - 1))
def test_a_row_is_written_as_rfc_8785_writes_it(label, action, detail, seq):
    row = ROW._replace(target_label=label, action=action, detail=detail)
    assert canonical_row(row, seq) == canonical_json({**__import__("json").loads(canonical_row(row, seq))})


CHANGES = {
    name: value
    for name, value in {
        **dict.fromkeys(ChainRow._fields, "changed"),
        "seq": 2,
        "at": ROW.at + timedelta(microseconds=1),
        "detail": {"b": 1, "a": ["y"]},
    }.items()
    if name not in {"prev_hash", "hash"}
}


@pytest.mark.parametrize("column", CHANGES)
def test_every_column_is_in_the_hash(column):
    assert row_hash(KEY, GENESIS, ROW._replace(**{column: CHANGES[column]})) != row_hash(KEY, GENESIS, ROW)


def test_another_key_gives_another_hash_and_another_key_id():
    assert row_hash(OTHER_KEY, GENESIS, ROW) != row_hash(KEY, GENESIS, ROW)
    assert key_id_of(OTHER_KEY) != key_id_of(KEY)
    assert key_id_of(KEY) == key_id_of(bytes(range(32)))
    assert len(key_id_of(KEY)) == 20


def test_an_instant_is_the_same_text_from_every_zone():
    there = ROW.at.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert instant_text(there) == instant_text(ROW.at) == "2026-01-02T03:04:05.000006Z"
    assert instant_text(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00.000000Z"
