"""Signed codes and tokens."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sandbox.tokens import Claims, Kind, Seal

SEAL = Seal(b"k" * 32)
CLAIMS = Claims(
    kind=Kind.ACCESS,
    integration="acme",
    method="oauth",
    family="f",
    generation=3,
    account=1,
    subject="org-77 é",
    scopes=("a", "b c"),
    expires_at=None,
    expiry_epoch=1,
    revocation_epoch=2,
)


@pytest.mark.parametrize("kind", list(Kind))
def test_what_was_issued_opens_as_its_own_kind_only(kind):
    claims = replace(CLAIMS, kind=kind)
    text = SEAL.issue(claims)
    assert SEAL.open(text, "acme", kind) == claims
    assert [SEAL.open(text, "acme", other) for other in Kind if other is not kind] == [None] * (len(Kind) - 1)


@pytest.mark.parametrize(
    ("like", "word"),
    [
        ("xoxb-123", "xoxb-"),
        ("gho_abc", "gho_"),
        ("eyJh.x.y", ""),
        ("plain", ""),
        ("a-b", ""),
        (None, ""),
        (7, ""),
    ],
)
def test_a_token_begins_like_the_example(like, word):
    text = SEAL.issue(CLAIMS, like)
    assert text.partition("sbx1.")[0] == word
    assert SEAL.open(text, "acme", Kind.ACCESS) == CLAIMS


def test_what_was_issued_for_one_integration_does_not_open_for_another():
    assert SEAL.open(SEAL.issue(CLAIMS), "globex", *Kind) is None


def test_another_secret_does_not_open():
    assert Seal(b"o" * 32).open(SEAL.issue(CLAIMS), "acme", Kind.ACCESS) is None


@given(st.data())
def test_no_changed_token_opens(data):
    text = SEAL.issue(CLAIMS)
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.characters(codec="utf-8"))
    changed = text[:place] + letter + text[place + 1 :]
    opened = SEAL.open(changed, "acme", Kind.ACCESS)
    assert opened is None or changed == text


@given(st.text(max_size=200))
def test_no_text_breaks_the_opening(text):
    assert SEAL.open(text, "acme", Kind.CODE) is None
    assert SEAL.open(f"sbx1.{text}.{'A' * 43}", "acme", Kind.CODE) is None
