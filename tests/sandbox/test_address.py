"""The address scheme and templates read backwards."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sandbox.address import Address, canonical_path, parse_address
from app.sandbox.url_pattern import UrlPattern, join_url, url_pattern


@pytest.mark.parametrize(
    ("raw", "address"),
    [
        ("/slack/slack.com/api/x", Address("slack", None, "slack.com", "/api/x")),
        ("/slack@1.1.0/slack.com/api/x", Address("slack", "1.1.0", "slack.com", "/api/x")),
        ("/slack%401.1.0/slack.com", Address("slack", "1.1.0", "slack.com", "/")),
        ("/a/Host.Example:8443/", Address("a", None, "host.example:8443", "/")),
        ("/a/host.example:443/x", Address("a", None, "host.example", "/x")),
        ("/a/[::1]:8080/x", Address("a", None, "[::1]:8080", "/x")),
        ("/a/h/x%2Fy/z", Address("a", None, "h", "/x%2Fy/z")),
        ("/a/h/a%3Ab//c", Address("a", None, "h", "/a:b//c")),
    ],
)
def test_an_address_is_parsed(raw, address):
    assert parse_address(raw) == address


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "/",
        "/slack",
        "/slack/",
        "/slack//x",
        "/Slack/slack.com/x",
        "/slack@/slack.com/x",
        "/slack@latest/slack.com/x",
        "/slack@1.0/slack.com/x",
        "/../slack.com/x",
        "/slack/sla ck/x",
        "/slack/a@b/x",
        "/slack/-a/x",
        "/slack/a:x/x",
        "/slack/a%00b/x",
        "/slack/slack.com/" + "a" * 9000,
    ],
)
def test_anything_else_is_no_address(raw):
    assert parse_address(raw) is None


@given(st.text(max_size=60))
def test_no_text_breaks_the_parser(raw):
    address = parse_address(raw)
    assert address is None or canonical_path(address.path) == address.path


@pytest.mark.parametrize(
    ("template", "host", "path", "found"),
    [
        ("https://slack.com/api/auth.test", "slack.com", "/api/auth.test", {}),
        ("https://slack.com/api/auth.test", "slack.com", "/api/authXtest", None),
        ("https://slack.com/api/auth.test", "evil.com", "/api/auth.test", None),
        (
            "https://{config.shop}.acme.example/o/{params.id}",
            "a-b.acme.example",
            "/o/7%2F8",
            {"params.id": "7/8"},
        ),
        ("https://{config.shop}.acme.example/o/{params.id}", "a.b.acme.example", "/o/7/8", None),
        ("https://h.example/v{config.v}/f/{+params.path}", "h.example", "/v2/f/a/b", {"params.path": "a/b"}),
        ("https://h.example/a b/{params.x}", "h.example", "/a%20b/1", {"params.x": "1"}),
        ("{+account.url}/data/{params.id}", "x.my.example", "/data/9", {"params.id": "9"}),
        ("{+account.url}/data/{params.id}", "x.my.example", "/sub/data/9", {"params.id": "9"}),
        ("{+config.base}{+params.path}", "x.example:8", "/a/b", {"params.path": "/a/b"}),
        ("{+config.tokenUrl}", "anything.example", "/at/all", {}),
    ],
)
def test_a_template_is_read_backwards(template, host, path, found):
    assert UrlPattern(template).match(host, path, {}) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "SELECT 1", "v": "2"}, {"params.soql": "SELECT 1"}),
        ({"q": "SELECT 1", "v": "3"}, None),
        ({"q": "SELECT 1"}, None),
        ({}, None),
    ],
)
def test_a_templates_query_is_read_backwards(query, found):
    assert (
        UrlPattern("https://h.example/query?q={params.soql}&v=2").match("h.example", "/query", query) == found
    )


def test_what_kind_of_address_a_template_makes_is_known():
    static = UrlPattern("https://h.example/a")
    varied = UrlPattern("https://{config.h}/a")
    anything = UrlPattern("{+config.url}")
    tail = UrlPattern("{+config.url}{+params.path}")
    assert (static.is_static, static.is_open, static.tail) == (True, False, None)
    assert (varied.is_static, varied.is_open) == (False, False)
    assert (anything.is_static, anything.is_open) == (False, True)
    assert (tail.starts_open, tail.is_open, tail.tail) == (True, False, "params.path")
    assert static.weight > varied.weight > anything.weight


def test_a_template_too_long_for_a_pattern_is_none():
    assert url_pattern("https://h.example/" + "a" * 2000) is None


@pytest.mark.parametrize(
    ("base", "path", "url"),
    [
        ("https://h/api", "/x", "https://h/api/x"),
        ("https://h/api/", "x", "https://h/api/x"),
        ("https://h/api", "", "https://h/api"),
        ("{+config.b}", "{+params.p}", "{+config.b}{+params.p}"),
    ],
)
def test_base_and_path_are_joined_by_one_slash(base, path, url):
    assert join_url(base, path) == url
