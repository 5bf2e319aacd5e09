from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.audit.entry import MAX_ITEMS, MAX_KEYS, MAX_LABEL, MAX_TEXT, AuditTarget, checked_detail, draft
from app.foundation.secret import Secret
from tests.audit.conftest import CONNECTION

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_draft_says_who_did_what_to_what(actor):
    entry = draft(NOW, actor, "connection.created", CONNECTION, "OK", {"mode": "LIVE"})
    assert (entry.workspace_id, entry.actor_id, entry.actor_label) == ("wks_test", "mem_test", "Olive Owner")
    assert (entry.actor_kind, entry.via, entry.request_id) == ("MEMBER", "GRAPHQL", "req_test")
    assert (entry.action, entry.at, entry.detail) == ("connection.created", NOW, {"mode": "LIVE"})
    assert (entry.target_type, entry.target_id, entry.target_label) == CONNECTION


def test_a_detail_holds_texts_integers_booleans_null_and_lists_of_texts():
    detail = {"text": "a", "count": 3, "isLive": True, "none": None, "changed": ["a", "b"], "snake_case": 1}
    assert checked_detail(detail) == detail


@pytest.mark.parametrize(
    "value",
    [
        Secret("canary-1"),
        1.5,
        {"a": 1},
        [1],
        [["a"]],
        [Secret("canary-1")],
        b"canary-1",
        ("a",),
        {"canary-1"},
    ],
)
def test_a_detail_refuses_everything_else_without_naming_it(value):
    with pytest.raises(TypeError) as refusal:
        checked_detail({"a": value})
    assert "canary" not in str(refusal.value)


@pytest.mark.parametrize("name", ["", "A", "_a", "a-b", "a.b", "a b", "ä", "1a", "a" * 49, "a\n"])
def test_a_detail_refuses_names_of_another_form(name):
    with pytest.raises(ValueError, match="is a word"):
        checked_detail({name: 1})


@pytest.mark.parametrize(
    "name", ["token", "accessToken", "client_secret", "password", "apiKey", "cookie", "refresh_token"]
)
def test_a_detail_refuses_a_text_under_a_secrets_name_but_tells_that_it_changed(name):
    for value in ("canary-1", ["canary-1"]):
        with pytest.raises(ValueError, match="bears a secret's name") as refusal:
            checked_detail({name: value})
        assert "canary" not in str(refusal.value)
    assert checked_detail({name: True, f"{name}Id": "x"}) == {name: True, f"{name}Id": "x"}


def test_a_detail_is_accepted_at_its_limits_and_refused_or_cut_beyond():
    assert len(checked_detail({f"a{n}": n for n in range(MAX_KEYS)})) == MAX_KEYS
    with pytest.raises(ValueError, match="at most 24 names"):
        checked_detail({f"a{n}": n for n in range(MAX_KEYS + 1)})
    assert checked_detail({"a": "x" * MAX_TEXT}) == {"a": "x" * MAX_TEXT}
    assert checked_detail({"a": "x" * (MAX_TEXT + 1)}) == {"a": "x" * (MAX_TEXT - 1) + "…"}
    assert checked_detail({"a": ["x" * (MAX_TEXT + 1)] * (MAX_ITEMS + 1)}) == {
        "a": ["x" * (MAX_TEXT - 1) + "…"] * MAX_ITEMS
    }
    assert checked_detail({"a": 2**53 - 1, "b": 1 - 2**53}) == {"a": 2**53 - 1, "b": 1 - 2**53}
    with pytest.raises(ValueError, match="integers up to"):
        checked_detail({"a": 2**53})


def test_labels_are_cut_and_made_storable(actor):
    entry = draft(
        NOW, actor, "a", AuditTarget("connection", "conn_1", "x\x00" * MAX_LABEL), "OK", {"a": "\ud800\x00"}
    )
    assert entry.target_label == ("x\ufffd" * MAX_LABEL)[: MAX_LABEL - 1] + "…"
    assert entry.detail == {"a": "\ufffd\ufffd"}


@pytest.mark.parametrize("action", ["", ".a", "a b", "a-b", "ä", "a" * 65, "a\n"])
def test_an_action_of_another_form_is_refused(actor, action):
    with pytest.raises(ValueError, match="an action is a word"):
        draft(NOW, actor, action, CONNECTION, "OK", {})
