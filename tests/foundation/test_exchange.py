from __future__ import annotations

import json
import subprocess

import pytest

from app.foundation.exchange import (
    MAX_RECORDED_BYTES,
    RecordedMessage,
    as_curl,
    record_request,
    record_response,
)
from app.foundation.messages import InResponse, OutRequest
from app.foundation.plain_data import from_data, to_data
from app.foundation.redaction import Redactor
from app.foundation.secret import STARS, Secret

CANARY = "CANARY-7f3a9b"
TOKEN = "tok/en+7 f"
NOBODY = Redactor()
BARE = ("-H", "Content-Type:")  # what has no media type is not called a form


def recorded(**changes) -> RecordedMessage:
    fields = {
        "method": "GET",
        "url": "https://a.example/",
        "status": None,
        "headers": (),
        "body": "",
        "body_bytes": 0,
        "body_truncated": False,
        "content_type": None,
        "redactions": (),
    }
    return RecordedMessage(**{**fields, **changes})


def run_curl(command: str, **variables: str) -> list[str]:
    """Return the arguments that a shell hands to curl."""
    script = f'curl() {{ printf "%s\\0" "$@"; }}\n{command}\n'
    done = subprocess.run(["bash", "-c", script], env=variables, capture_output=True, check=True, timeout=10)
    assert done.stderr == b""
    return done.stdout.decode().split("\0")[:-1]


def test_a_request_is_recorded_without_its_secrets():
    request = OutRequest(
        "POST",
        f"https://a.example/bot{CANARY}/send?sig=s&page=1",
        (
            ("Authorization", f"Bearer {CANARY}"),
            ("X-Mine", "mine"),
            ("Content-Type", "application/json"),
            ("X-Plain", f"has {CANARY} inside"),
        ),
        json.dumps({"pin": 7, "text": f"hello {CANARY}", "deep": [{"pin": "x"}]}).encode(),
        secret_headers=frozenset({"x-mine"}),
        secret_query=("page",),
        secret_fields=frozenset({"PIN"}),
        secrets=(Secret(CANARY),),
    )
    message = record_request(request, NOBODY)
    assert message == RecordedMessage(
        method="POST",
        url="https://a.example/bot********/send?sig=********&page=********",
        status=None,
        headers=(
            ("Authorization", "Bearer ********"),
            ("X-Mine", STARS),
            ("Content-Type", "application/json"),
            ("X-Plain", "has ******** inside"),
        ),
        body='{"pin": "********", "text": "hello ********", "deep": [{"pin": "********"}]}',
        body_bytes=len(request.body),
        body_truncated=False,
        content_type="application/json",
        redactions=("url", "header:authorization", "header:x-mine", "header:x-plain", "body"),
    )
    assert CANARY not in repr(request)
    assert repr(request) == "OutRequest(POST https://a.example/bot********/send?sig=********&page=********)"


def test_the_shown_url_is_the_callers_and_still_without_secrets():
    request = OutRequest("GET", f"https://a.example/{CANARY}", shown_url="https://a.example/{token}")
    assert record_request(request, NOBODY).url == "https://a.example/{token}"
    leaky = OutRequest(
        "GET", "https://a.example/", shown_url=f"https://a.example/{CANARY}", secrets=(Secret(CANARY),)
    )
    assert record_request(leaky, NOBODY).url == "https://a.example/********"


def test_an_answer_is_recorded_without_what_it_echoes_or_grants():
    response = InResponse(
        200,
        (
            ("Set-Cookie", "sid=abc"),
            ("Content-Type", "application/json"),
            ("Location", "https://a.example/?access_token=t"),
            ("X-Request-Id", "r1"),
        ),
        json.dumps({"access_token": "fresh", "you_sent": CANARY, "error": {"code": "none"}}).encode(),
        url="https://a.example/token",
    )
    message = record_response(response, Redactor([Secret(CANARY)]))
    assert message.status == 200
    assert message.method is None
    assert json.loads(message.body) == {"access_token": STARS, "you_sent": STARS, "error": {"code": "none"}}
    assert message.headers == (
        ("Set-Cookie", STARS),
        ("Content-Type", "application/json"),
        ("Location", "https://a.example/?access_token=********"),
        ("X-Request-Id", "r1"),
    )
    assert message.redactions == ("header:set-cookie", "header:location", "body")
    assert "fresh" not in repr(response)


def test_an_echo_of_everything_holds_no_secret():
    request = OutRequest(
        "POST",
        f"https://a.example/{CANARY}?k={CANARY}",
        (("X-A", CANARY),),
        f"a={CANARY}".encode(),
        secrets=(Secret(CANARY),),
    )
    echo = "\n".join([request.url, request.headers[0][1], request.body.decode(), json.dumps({"b": CANARY})])
    message = record_response(
        InResponse(200, (("X-Echo", CANARY),), echo.encode(), url=request.shown_url), request.redactor()
    )
    assert CANARY not in json.dumps(to_data(message))


def test_a_recorded_message_survives_its_stored_form():
    message = record_response(InResponse(404, (("A", "b"),), b"gone", url="https://a.example/"), NOBODY)
    assert from_data(RecordedMessage, json.loads(json.dumps(to_data(message)))) == message


@pytest.mark.parametrize("size", [0, 1, MAX_RECORDED_BYTES - 1, MAX_RECORDED_BYTES])
def test_a_body_within_the_cap_is_recorded_whole(size):
    message = record_response(InResponse(200, (), b"x" * size), NOBODY)
    assert (message.body, message.body_truncated, message.body_bytes) == ("x" * size, False, size)


@pytest.mark.parametrize("size", [MAX_RECORDED_BYTES + 1, MAX_RECORDED_BYTES * 2, 3_000_000])
def test_a_body_beyond_the_cap_is_cut(size):
    message = record_response(InResponse(200, (), b"x" * size), NOBODY)
    assert (len(message.body), message.body_truncated, message.body_bytes) == (MAX_RECORDED_BYTES, True, size)


def test_the_cut_is_within_the_cap_in_bytes_and_between_characters():
    message = record_response(InResponse(200, (), ("é" * 60_000).encode()), NOBODY)
    assert message.body == "é" * (MAX_RECORDED_BYTES // 2)


@pytest.mark.parametrize("gap", [0, 1, 5, 12, 13, 14, 20, 26])
def test_a_secret_that_any_cut_goes_through_is_not_recorded_in_part(gap):
    for edge in (MAX_RECORDED_BYTES, MAX_RECORDED_BYTES + 16_384):
        body = b"." * (edge - gap) + (CANARY * 3).encode() + b"." * 40_000
        message = record_response(InResponse(200, (), body), Redactor([Secret(CANARY)]))
        assert "CAN" not in message.body
        assert "7f3" not in message.body


def test_a_large_json_body_is_still_hidden_by_name():
    body = json.dumps({"access_token": "t0ken-of-nobody", "rows": ["x" * 100] * 2_000}).encode()
    message = record_response(InResponse(200, (("Content-Type", "application/json"),), body), NOBODY)
    assert message.body_truncated
    assert "t0ken-of-nobody" not in message.body


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00", "image/png", None),
        (b"\xff\xd8\xff\xe0" * 50, None, None),
        (b"caf\xc3\xa9", "application/octet-stream", "café"),
        (b"caf\xe9", "text/plain; charset=latin-1", "café"),
        (b"caf\xe9", "text/plain", "caf\ufffd"),
        (b'{"a":"\x00"}', "application/json", '{"a":"\ufffd"}'),
        (b"", None, ""),
    ],
)
def test_only_text_is_recorded(body, content_type, text):
    headers = (("Content-Type", content_type),) if content_type else ()
    assert record_response(InResponse(200, headers, body), NOBODY).body == text


def test_as_curl_sends_the_same_request_once_the_variables_are_set():
    hostile = 'it\'s $HOME `id` "q" \\ !x'
    request = OutRequest(
        "POST",
        f"https://a.example/p?api_key={CANARY}&q=[1]{{2}}",
        (("Authorization", f"Bearer {CANARY}"), ("X-Odd", hostile), ("X-Empty", ""), ("Content-Length", "5")),
        f'{{"client_secret":"{CANARY}","note":"{hostile}"}}'.encode(),
        secrets=(Secret(CANARY),),
    )
    command = as_curl(record_request(request, NOBODY))
    assert CANARY not in command
    assert run_curl(command, TOKEN=TOKEN, API_KEY="key", CLIENT_SECRET="s3", HOME="/nowhere") == [
        "--globoff",
        "https://a.example/p?api_key=key&q=[1]{2}",
        "-H", f"Authorization: Bearer {TOKEN}",
        "-H", f"X-Odd: {hostile}",
        "-H", "X-Empty;",
        *BARE,
        "--data-raw", f'{{"client_secret":"s3","note":"{hostile}"}}',
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "body", "arguments"),
    [
        ("GET", "", ["https://a.example/"]),
        ("HEAD", "", ["--head", "https://a.example/"]),
        ("DELETE", "", ["-X", "DELETE", "https://a.example/"]),
        ("POST", "", ["-X", "POST", "https://a.example/"]),
        ("POST", "a=1", ["https://a.example/", *BARE, "--data-raw", "a=1"]),
        ("PUT", "@file", ["-X", "PUT", "https://a.example/", *BARE, "--data-raw", "@file"]),
        ("GET", "odd", ["-X", "GET", "https://a.example/", *BARE, "--data-raw", "odd"]),
    ],
)
def test_as_curl_names_the_method_only_where_curl_would_choose_another(method, body, arguments):
    assert run_curl(as_curl(recorded(method=method, body=body, body_bytes=len(body)))) == arguments


def test_as_curl_says_that_a_body_is_missing():
    for body, was_cut in ((None, False), ("cut", True)):
        command = as_curl(recorded(method="POST", body=body, body_bytes=99_999, body_truncated=was_cut))
        assert run_curl(command) == ["-X", "POST", "https://a.example/"]
        assert command.endswith("\n# The body is not part of this command.")


@pytest.mark.parametrize(
    ("text", "variable"),
    [
        ("https://a.example/bot********/x", '"${SECRET:?fill it in first, percent-encoded}"'),
        ("https://a.example/?x-key=********", '--get --data-urlencode x-key="${X_KEY:?'),
        ("a=1&client_secret=********", '"${CLIENT_SECRET:?'),
    ],
)
def test_as_curl_names_a_hidden_value_after_its_place(text, variable):
    assert variable in as_curl(recorded(url=text))
    assert STARS not in as_curl(recorded(url=text))
