import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.authenticators.pkce import challenge_of
from app.foundation.secret import Secret

UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"


@pytest.mark.threat("O4")
def test_the_challenge_is_that_of_rfc_7636_appendix_b():
    verifier = Secret("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    assert challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@given(st.text(UNRESERVED, min_size=43, max_size=128))
@pytest.mark.threat("O4")
def test_every_verifier_of_the_rfc_has_a_challenge_of_43_characters(verifier):
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", challenge_of(Secret(verifier)))


@pytest.mark.parametrize("verifier", ["", "a" * 42, "a" * 129, "a" * 43 + "=", "ä" * 43, "a" * 43 + "\n"])
def test_what_is_no_verifier_is_refused_without_showing_it(verifier):
    with pytest.raises(ValueError, match="not a code verifier"):
        challenge_of(Secret(verifier))
