from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from app.members.bearer import TOKEN_PREFIX, bearer_hash, new_bearer


def test_a_new_secret_is_256_random_bits_and_hashes_as_sha_256():
    texts = {new_bearer(TOKEN_PREFIX).reveal() for _ in range(1_000)}
    assert len(texts) == 1_000
    for text in texts:
        assert len(text) == 4 + 43
        assert bearer_hash(text, TOKEN_PREFIX) == hashlib.sha256(text.encode()).hexdigest()


def test_a_token_is_no_session_and_a_session_no_token():
    assert bearer_hash(new_bearer(TOKEN_PREFIX).reveal()) is None
    assert bearer_hash(new_bearer().reveal(), TOKEN_PREFIX) is None


@given(st.text(max_size=60))
def test_any_other_text_has_no_hash(text):
    assert bearer_hash(text, TOKEN_PREFIX) is None
