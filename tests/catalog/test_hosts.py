import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.hosts import allowed_hosts, config_field, host_allowed, host_of, is_host_entry


@pytest.mark.parametrize(
    "text", ["slack.com", "api.x-y.example", "*.my.salesforce.com", "{config.baseUrl}", "a.b"]
)
def test_entries_are_names_narrow_patterns_or_configured_addresses(text):
    assert is_host_entry(text)


@pytest.mark.parametrize(
    "text",
    ["", "*", "*.com", "com", "*.*.com", "a.*.com", "A.com", "a_b.com", "-a.com", "a-.com", "a..b", ".a.b",
     "a.b.", "a.b:80", "https://a.b", "a.b/c", "a b.c", "{config.}", "{account.x}", "{config.x}.y", "a.b\n"],
)  # fmt: skip
def test_wide_or_malformed_entries_are_refused(text):
    assert not is_host_entry(text)


@pytest.mark.parametrize(
    ("host", "fits"),
    [
        ("acme.my.salesforce.com", True),
        ("acme--dev.sandbox.my.salesforce.com", True),
        ("ACME.my.Salesforce.com", True),
        ("acme.my.salesforce.com.", True),
        ("my.salesforce.com", False),
        ("evilmy.salesforce.com", False),
        ("acme.my.salesforce.com.evil.example", False),
        (".my.salesforce.com", False),
        ("salesforce.com", False),
        ("login.salesforce.com", True),
        ("x.login.salesforce.com", False),
        ("", False),
    ],
)
def test_a_pattern_stands_for_one_label_or_more(host, fits):
    assert host_allowed(host, ["*.my.salesforce.com", "login.salesforce.com"]) is fits


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://API.example.com/x", "api.example.com"),
        ("http://127.0.0.1:8080", "127.0.0.1"),
        ("https://[::1]:8443/x", "::1"),
        ("https://example.com.", "example.com"),
        ("https://good.example@evil.example", None),
        ("https://good.example\\@evil.example", None),
        ("https://", None),
        ("https://[::1", None),
        ("ftp://example.com", None),
        ("example.com", None),
        ("javascript:alert(1)", None),
        ("", None),
    ],
)
def test_the_host_of_an_address_is_read_or_there_is_none(url, host):
    assert host_of(url) == host


def test_configured_addresses_allow_their_host_alone():
    entries = ["api.example.com", "{config.baseUrl}", "{config.other}"]

    assert allowed_hosts(entries, {"baseUrl": "https://own.example:8443/v1"}) == (
        "api.example.com",
        "own.example",
    )
    assert allowed_hosts(entries, {"baseUrl": "nonsense"}) == ("api.example.com",)
    assert config_field("{config.baseUrl}") == "baseUrl"
    assert config_field("api.example.com") is None


@given(st.text(max_size=40))
def test_no_text_makes_the_reading_of_hosts_raise(text):
    host = host_of(text)
    host_allowed(text, ["*.example.com", text])
    is_host_entry(text)

    assert host is None or host
