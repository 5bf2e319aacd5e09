from __future__ import annotations

import html
import json
import time
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.foundation.redaction import Redactor, SecretRegistry
from app.foundation.secret import STARS, Secret
from app.foundation.secret_forms import SecretForms

AWKWARD = "p@ss/w\u00f6rd+ %41\"\\\U0001f511&<=>'\n\t~!*()"
CANARY = "CANARY-7f3a9b"


def lower_hex(text: str) -> str:
    return "".join(
        c.lower() if text[max(0, i - 2) : i].startswith("%") or text[i - 1 : i] == "%" else c
        for i, c in enumerate(text)
    )


def base64_forms(data: bytes):
    for encode in (b64encode, urlsafe_b64encode):
        yield encode(data).decode()
        yield encode(data).decode().rstrip("=")


def forms_of(secret: str) -> list[str]:
    raw = secret.encode()
    spelled = [
        secret,
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        quote(secret, safe="!'()*~"),
        lower_hex(quote(secret, safe="")),
        quote(quote(secret, safe=""), safe=""),
        "".join(f"%{octet:02x}" for octet in raw),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        json.dumps(secret)[1:-1].replace("/", "\\/"),
        json.dumps(json.dumps(secret))[3:-3],
        quote_plus(json.dumps(secret)[1:-1]),
        html.escape(secret),
        repr(raw)[2:-1],
        raw.hex(),
        raw.hex().upper(),
    ]
    for before in ("", "a", "user:", "user-name:"):
        spelled += base64_forms(before.encode() + raw)
        spelled += base64_forms(before.encode() + quote_plus(secret).encode())
        spelled += base64_forms(before.encode() + raw + b":x")
    spelled += base64_forms(json.dumps({"password": secret}).encode())
    return spelled


secrets = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x2FFF, exclude_categories=["Cs", "Cn"]),
    min_size=4,
    max_size=40,
)
surroundings = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="*"), max_size=20
)


@given(secrets, surroundings, surroundings)
def test_a_secret_survives_in_no_form(secret, before, after):
    assume("*" not in secret)
    redactor = Redactor([Secret(secret)])
    for form in forms_of(secret):
        out = redactor.text(f"{before} {form} {after}")
        assert form not in out
        assert STARS in out


@pytest.mark.parametrize("form", forms_of(AWKWARD) + forms_of(CANARY))
def test_each_form_is_replaced_between_its_neighbours(form):
    redactor = Redactor([Secret(AWKWARD), Secret(CANARY)])
    assert redactor.text(f"<{form}>") == f"<{STARS}>"
    assert redactor.data(f"<{form}>".encode()) == f"<{STARS}>".encode()


@given(st.text(max_size=200))
def test_text_without_the_secret_stays_as_it_is(text):
    assume(CANARY not in text)
    assert Redactor([Secret(CANARY)]).text(text) == text


def test_a_secret_in_bytes_that_are_no_text_is_replaced():
    assert Redactor([Secret(CANARY)]).data(b"\xff\xfe" + CANARY.encode() + b"\x80") == b"\xff\xfe********\x80"


def test_several_secrets_and_overlapping_ones_are_replaced():
    redactor = Redactor([Secret("abcdefgh"), Secret("efghijkl"), Secret("unrelated")])
    assert redactor.text("x abcdefghijkl y unrelated z") == f"x {STARS} y {STARS} z"


def test_a_secret_split_by_an_escape_of_its_own_is_replaced_whole():
    assert Redactor([Secret("ab/cd")]).text('{"url":"x\\/ab\\/cd\\/y"}') == '{"url":"x\\/********\\/y"}'


@pytest.mark.parametrize("short", ["", "a", "12", "123"])
def test_a_value_of_less_than_four_characters_is_not_searched_for(short):
    assert Redactor([Secret(short)]).text("a 12 123") == "a 12 123"
    assert SecretForms(short).needles == ()


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Authorization", "Bearer abc.def", "Bearer ********"),
        ("AUTHORIZATION", "Basic dXNlcjpwYXNz", "Basic ********"),
        ("authorization", "mysecret with space", STARS),
        ("Proxy-Authorization", "x", STARS),
        ("Cookie", "sid=1; theme=dark", STARS),
        ("Set-Cookie", "sid=1; Path=/", STARS),
        ("X-Api-Key", "k", STARS),
        ("X-Shopify-Access-Token", "shpat", STARS),
        ("X-Hub-Signature-256", "sha256=00", STARS),
        ("Client-Secret", "x", STARS),
        ("X-Password", "x", STARS),
        ("X-Goog-Iam-Authority-Selector-Custom", "open", "open"),
        ("Content-Type", "application/json", "application/json"),
        ("X-RateLimit-Remaining-Tokens", "7", "7"),
        ("Idempotency-Key", "run_1", "run_1"),
        (
            "Location",
            "https://a.example/cb?code=c0de&x=1#access_token=t",
            "https://a.example/cb?code=********&x=1#access_token=********",
        ),
        ("X-Echo", f"you sent {CANARY}", f"you sent {STARS}"),
        ("X-Mine", "hidden by the caller", STARS),
    ],
)
def test_headers_are_hidden_by_name_and_by_value(name, value, shown):
    assert Redactor([Secret(CANARY)], headers=["x-mine"]).header(name, value) == shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://a.example/x?access_token=t&page=2", "https://a.example/x?access_token=********&page=2"),
        ("https://a.example/x?API-Key=t", "https://a.example/x?API-Key=********"),
        ("https://a.example/x?key=AIza&q=1", "https://a.example/x?key=********&q=1"),
        ("https://a.example/x?access%5Ftoken=t", "https://a.example/x?access%5Ftoken=********"),
        ("https://a.example/x?auth[token]=t", "https://a.example/x?auth[token]=********"),
        ("https://user:pw@a.example/x", "https://********@a.example/x"),
        ("https://a.example/x?mine=t&page_token=p", "https://a.example/x?mine=********&page_token=p"),
        (f"https://a.example/bot{CANARY}/getMe", "https://a.example/bot********/getMe"),
        ("https://a.example/x?state=open&sort=key", "https://a.example/x?state=open&sort=key"),
        ("https://a.example/x?token=", "https://a.example/x?token="),
    ],
)
def test_urls_are_hidden_by_parameter_and_by_value(url, shown):
    assert Redactor([Secret(CANARY)], names=["Mine"]).loose_text(url) == shown


def test_json_is_hidden_by_name_at_any_depth_and_by_value():
    body = {
        "ok": True,
        "access_token": "t1",
        "authedUser": {"accessToken": "t2", "id": "U1"},
        "list": [{"client-secret": "s", "password": None, "is_token": True}],
        "credentials": {"user": "u", "pass": "p"},
        "pin": 1234,
        "id_token": 5,
        "next_page_token": "p2",
        "token_type": "Bearer",
        "error": {"code": "not_found", "key": "PROJ-1", "text": f"saw {CANARY}"},
        f"name-{CANARY}": 1,
    }
    assert Redactor([Secret(CANARY)], names=["pin"]).json(body) == {
        "ok": True,
        "access_token": STARS,
        "authedUser": {"accessToken": STARS, "id": "U1"},
        "list": [{"client-secret": STARS, "password": None, "is_token": True}],
        "credentials": STARS,
        "pin": STARS,
        "id_token": STARS,
        "next_page_token": "p2",
        "token_type": "Bearer",
        "error": {"code": "not_found", "key": "PROJ-1", "text": f"saw {STARS}"},
        f"name-{STARS}": 1,
    }


@pytest.mark.parametrize(
    ("body", "content_type", "shown"),
    [
        ('{"a" : 1}', "application/json", '{"a" : 1}'),
        ('{"access_token": "t"}', "application/json; charset=utf-8", '{"access_token": "********"}'),
        ('{"access_token": "t"}', "application/vnd.api+json", '{"access_token": "********"}'),
        ('{"access_token": "t"}', None, '{"access_token": "********"}'),
        ('{"access_token": "t\\"x", "a": [', "application/json", '{"access_token": "********", "a": ['),
        ('{"refresh_token": "cut of', "application/json", '{"refresh_token": "********'),
        ('{"otp": 123456, "x": {', "application/json", '{"otp": ********, "x": {'),
        ("{'password': 'x'}", "text/plain", "{'password': '********'}"),
        (
            '{"inner": "{\\"access_token\\":\\"t\\"}"}',
            "application/json",
            '{"inner": "{\\"access_token\\":\\"********\\"}"}',
        ),
        (
            "code=c&grant_type=authorization_code&client_secret=s",
            "application/x-www-form-urlencoded",
            "code=********&grant_type=authorization_code&client_secret=********",
        ),
        (
            "<s:sessionId>abc</s:sessionId><a kind='token'>1</a>",
            "text/xml",
            "<s:sessionId>********</s:sessionId><a kind='token'>1</a>",
        ),
        (f"plain {CANARY}", "text/plain", f"plain {STARS}"),
    ],
)
def test_bodies_are_hidden_in_their_own_syntax(body, content_type, shown):
    assert Redactor([Secret(CANARY)]).body(body, content_type, sent=True) == shown


def test_what_an_answer_calls_code_stays_and_what_a_form_calls_code_goes():
    redactor = Redactor()
    assert redactor.body("code=rate_limited", "application/x-www-form-urlencoded") == "code=rate_limited"
    assert redactor.body("code=c0de", "application/x-www-form-urlencoded", sent=True) == "code=********"
    assert (
        redactor.body('{"code": "rate_limited"}', "application/json", sent=True) == '{"code": "rate_limited"}'
    )


def test_with_names_knows_more_and_leaves_the_first_as_it_was():
    first = Redactor([Secret(CANARY)], headers=["x-one"])
    second = first.with_names([Secret("another-secret")], headers=["X-Two"])
    assert second.text(f"{CANARY} another-secret") == f"{STARS} {STARS}"
    assert first.text("another-secret") == "another-secret"
    assert second.header("x-one", "v") == second.header("x-two", "v") == STARS
    assert first.header("x-two", "v") == "v"


def test_the_registry_hides_live_secrets_in_log_lines():
    registry = SecretRegistry()
    registry.remember(Secret(CANARY), Secret("other-secret"), Secret("xy"))
    line = {
        "event": f"called with {quote(CANARY)} and {b64encode(b'u:other-secret').decode()}",
        "code": "UPSTREAM_TIMEOUT",
        "password": "whatever",
        "extra": [CANARY.encode(), {"deep": CANARY}],
        "count": 3,
    }
    assert registry.redact(line) == {
        "event": f"called with {STARS} and {STARS}",
        "code": "UPSTREAM_TIMEOUT",
        "password": STARS,
        "extra": [STARS.encode(), {"deep": STARS}],
        "count": 3,
    }
    assert CANARY not in repr(registry)


def test_the_registry_forgets_the_least_recently_used_first():
    registry = SecretRegistry(limit=2)
    registry.remember(Secret("first-secret"), Secret("second-secret"))
    registry.remember(Secret("first-secret"))
    registry.remember(Secret("third-secret"))
    assert len(registry._secrets) == 2
    assert registry.redact("first-secret second-secret third-secret") == f"{STARS} second-secret {STARS}"


def test_the_registry_finds_one_among_thousands_in_a_log_line_quickly():
    registry = SecretRegistry()
    registry.remember(*(Secret(f"secret-number-{n:05}") for n in range(1_000)))
    line = "a log line of the usual length with one secret-number-00777 in it " + "and more words " * 10
    for _ in range(50):
        assert "00777" not in registry.redact(line)


@pytest.mark.parametrize(
    "text",
    [
        "%25" * 50_000,
        "\\\\" * 50_000,
        "&amp;" * 30_000,
        urlencode({"a": "+" * 50_000}),
        "x" * 150_000 + "=",
        "?x" * 70_000 + "=",
        "x=" * 70_000,
        '"' * 150_000 + ":",
        "'a':" * 40_000,
        '\\"token\\":' * 10_000,
        "<" * 150_000,
        "<a>" * 50_000,
        "<a " * 50_000,
        "://" * 50_000,
        "://a" * 40_000 + "@",
    ],
)
def test_no_text_costs_more_than_its_length(text):
    began = time.process_time()
    Redactor([Secret(CANARY), Secret(AWKWARD)]).body(text, None, sent=True)
    assert time.process_time() - began < 2
