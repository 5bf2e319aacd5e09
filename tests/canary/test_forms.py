"""Whatever a secret was wrapped in, the scan finds it; ordinary text and sealed text are let be."""

from __future__ import annotations

import html
import json
import secrets
from base64 import b32encode, b64encode, urlsafe_b64encode
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.canary.forms import HUB_TOKEN, first_form, needles, new_mark

MARK = new_mark()
KNOWN = needles(MARK)
AWKWARD = f'sk_"live"\\{MARK}/ä+ %'
WRAPPINGS = {
    "plain": lambda text: text,
    "capitals": str.upper,
    "json": json.dumps,
    "json in json": lambda text: json.dumps(json.dumps({"body": text})),
    "every character escaped": lambda text: "".join(f"\\u{ord(c):04x}" for c in text),
    "python bytes": lambda text: repr(bytes(text, "utf-8")),
    "url": quote_plus,
    "every octet escaped": lambda text: "".join(f"%{octet:02X}" for octet in text.encode()),
    "escaped twice": lambda text: quote(quote(text)),
    "html": html.escape,
    "html numbers": lambda text: "".join(f"&#{ord(c)};" for c in text),
    "hex": lambda text: text.encode().hex(),
    "hex capitals": lambda text: text.encode().hex().upper(),
    "hex with colons": lambda text: text.encode().hex(":"),
    "base64": lambda text: b64encode(text.encode()).decode(),
    "base64, one before": lambda text: b64encode(b"u" + text.encode()).decode(),
    "base64, two before": lambda text: b64encode(b"u:" + text.encode()).decode(),
    "base64url": lambda text: urlsafe_b64encode(b"u:" + text.encode()).decode(),
    "base64 in a url": lambda text: quote_plus(b64encode(text.encode()).decode()),
    "base64 in lines": lambda text: "\n".join(_cut(b64encode(text.encode()).decode(), 7)),
    "reversed": lambda text: text[::-1],
    "cut by spaces": " ".join,
    "wrapped in a box": lambda text: "\n".join(f"│ {line} │" for line in _cut(text, 6)),
    "coloured": lambda text: "\x1b[31m" + "\x1b[0m\x1b[1m".join(text) + "\x1b[0m",
    "all but its end": lambda text: text[:22],
    "all but its beginning": lambda text: text[18:],
    "two log lines": lambda text: f"{text[:15]}\n2026-01-02T03:04:05Z info {text[15:]}",
}


def _cut(text: str, width: int) -> list[str]:
    return [text[at : at + width] for at in range(0, len(text), width)]


@pytest.mark.parametrize("wrap", WRAPPINGS.values(), ids=WRAPPINGS)
def test_a_secret_is_found_in_whatever_it_was_wrapped_in(wrap):
    assert first_form(f"before {wrap(AWKWARD)} after".encode(), KNOWN) is not None


@pytest.mark.parametrize("wrap", WRAPPINGS.values(), ids=WRAPPINGS)
def test_another_secret_is_not_taken_for_this_one(wrap):
    assert first_form(wrap(AWKWARD.replace(MARK, new_mark())).encode(), KNOWN) is None


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_base64_betrays_a_secret_at_any_place_of_a_blob(before, after):
    assert first_form(b64encode(before + MARK.encode() + after), KNOWN) is not None
    assert first_form(urlsafe_b64encode(before + MARK.encode() + after), KNOWN) is not None


@given(st.integers(1, 19))
def test_one_cut_anywhere_leaves_enough(at):
    assert first_form(f"{MARK[:at]} and {MARK[at:]}".encode(), KNOWN) is not None


def test_noise_is_not_taken_for_a_secret():
    noise = b"\n".join(
        (secrets.token_bytes(30_000), b64encode(secrets.token_bytes(300_000)), b32encode(b"x" * 999))
    )
    assert first_form(noise, KNOWN) is None


def test_a_value_too_short_to_look_for_is_refused():
    with pytest.raises(ValueError, match="eight characters"):
        needles("hunter2")


def test_an_access_token_is_found_anywhere_but_inside_a_long_base64_text():
    token = b"pbt_" + b"Az09_-" * 8
    for before in (b"", b"Bearer ", b"\\n", b"%20", b"token=", b'"'):
        assert HUB_TOKEN.search(before + token)
    assert not HUB_TOKEN.search(b"c2VhbGVkIHZhbHVl" + token)
