from __future__ import annotations

from dataclasses import replace

import pytest

from app.foundation.messages import InResponse, OutRequest, ResponseNotJsonError, Timings
from app.foundation.secret import Secret

CANARY = "CANARY-7f3a9b"


def test_a_request_shows_no_secret_of_its_url_unless_told_how():
    request = OutRequest("GET", f"https://a.example/{CANARY}?api_key=k", secrets=(Secret(CANARY),))
    assert request.shown_url == "https://a.example/********?api_key=********"
    assert repr(request) == "OutRequest(GET https://a.example/********?api_key=********)"
    assert CANARY not in f"{request} {[request]}"
    assert (
        OutRequest("GET", "https://a.example/1", shown_url="https://a.example/{id}").shown_url
        == "https://a.example/{id}"
    )


def test_a_changed_request_keeps_its_positions():
    request = OutRequest(
        "GET", "https://a.example/", secret_headers=frozenset({"x-mine"}), secret_query=("q",)
    )
    changed = replace(request, url="https://a.example/?q=1", shown_url="")
    assert changed.shown_url == "https://a.example/?q=********"
    assert changed.redactor().header("X-Mine", "v") == "********"


def test_a_header_is_found_whatever_its_case_and_the_first_counts():
    response = InResponse(200, (("X-A", "1"), ("x-a", "2")))
    assert (response.header("x-A"), response.header("x-b")) == ("1", None)


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("é".encode(), "text/plain", "é"),
        ("é".encode("latin-1"), "text/plain; charset=ISO-8859-1", "é"),
        ("é".encode("utf-16"), 'text/plain; charset="utf-16"', "é"),
        ("€".encode("cp1252"), "text/plain; charset=windows-1252", "€"),
        (b"\xff", "text/plain", "\ufffd"),
        (b"abc", "text/plain; charset=zlib", "abc"),
        (b"\\x41", "text/plain; charset=unicode_escape", "\\x41"),
        (b"abc", "text/plain; charset=../../etc", "abc"),
        (b"abc", None, "abc"),
    ],
)
def test_text_is_read_in_its_charset_and_never_in_a_codec_that_is_none(body, content_type, text):
    headers = () if content_type is None else (("Content-Type", content_type),)
    assert InResponse(200, headers, body).text(100) == text


def test_text_is_bounded():
    assert InResponse(200, (), "é".encode() * 1_000_000).text(3) == "ééé"
    assert InResponse(200, (), b"abc").text(0) == ""


def test_an_answer_shows_its_status_and_size_alone():
    assert (
        repr(InResponse(200, (("Set-Cookie", CANARY),), CANARY.encode(), Timings()))
        == "InResponse(200, 13 bytes)"
    )


def test_json_is_read_in_the_charset_that_is_declared():
    def answer(body, content_type):
        return InResponse(200, (("Content-Type", content_type),), body)

    latin = '{"name": "Café"}'.encode("latin-1")
    assert answer(latin, "application/json; charset=ISO-8859-1").json() == {"name": "Café"}
    assert answer('{"name": "Café"}'.encode(), "application/json; charset=ISO-8859-1").json() == {
        "name": "Café"
    }
    with pytest.raises(ResponseNotJsonError):
        answer(latin, "application/json").json()
