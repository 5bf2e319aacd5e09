from hypothesis import given
from hypothesis import strategies as st

from app.authenticators.base import AccountFound, Grant, grant_from_stored, grant_to_stored
from app.foundation.secret import Secret

texts = st.text(max_size=20)
grants = st.builds(
    Grant,
    values=st.dictionaries(texts, st.builds(Secret, texts), max_size=4),
    expires_in_s=st.none() | st.integers(0, 10**9),
    refresh_expires_in_s=st.none() | st.integers(0, 10**9),
    granted_scopes=st.none() | st.lists(texts, max_size=3).map(tuple),
    requested_scopes=st.lists(texts, max_size=3).map(tuple),
    account=st.builds(
        AccountFound, st.none() | texts, st.none() | texts, st.dictionaries(texts, texts, max_size=3)
    ),
)


@given(grants)
def test_a_grant_comes_back_from_its_stored_form_as_it_was(grant):
    assert grant_from_stored(grant_to_stored(grant)) == grant


def test_the_stored_form_holds_secrets_as_secrets_and_else_plain_json():
    grant = Grant(
        {"accessToken": Secret("CANARY")}, 60, None, ("a",), ("a", "b"), AccountFound("1", "Acme", {"t": "x"})
    )
    assert grant_to_stored(grant) == {
        "values": {"accessToken": Secret("CANARY")},
        "expiresIn": 60,
        "refreshExpiresIn": None,
        "granted": ["a"],
        "requested": ["a", "b"],
        "account": {"id": "1", "label": "Acme", "kept": {"t": "x"}},
    }


def test_a_grant_shows_no_secret():
    assert "CANARY" not in repr(Grant({"accessToken": Secret("CANARY")}))
