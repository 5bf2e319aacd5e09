"""The form of step 3: fields that fit, secrets, addresses, names."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest

from app.catalog.catalog import load_catalog
from app.connections.configuration import ConfigForm, checked_description
from app.foundation.canonical import name_key
from app.foundation.problems import ProblemCode

CATALOG = load_catalog()
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["baseUrl", "region"],
    "properties": {
        "baseUrl": {
            "title": "Base address",
            "type": "string",
            "format": "uri",
            "touchesAuthentication": True,
        },
        "region": {"title": "Region", "type": "string", "enum": ["eu", "us"], "default": "eu"},
        "page": {"title": "Page size", "type": "integer", "minimum": 1},
        "signing": {"title": "Signing secret", "type": "string", "secret": True, "minLength": 8},
        "chosen": {"type": "string"},
    },
}


def form(*networks: str) -> ConfigForm:
    definition = replace(CATALOG.definition("generic-http"), config=SCHEMA)
    return ConfigForm(definition, tuple(ip_network(item) for item in networks))


def codes(checked):
    return {fault.path: fault.code for fault in checked.problems}


def test_a_whole_configuration_has_no_problem_and_its_defaults():
    checked = form().check({"baseUrl": "https://a.example.com"})
    assert checked.problems == ()
    assert checked.plain == {"baseUrl": "https://a.example.com", "region": "eu"}


def test_every_fault_is_told_at_its_field_and_only_what_fits_is_kept():
    checked = form().check({"baseUrl": "ftp://x", "region": "mars", "page": 0, "what": 1})
    assert codes(checked) == {
        ("config", "baseUrl"): ProblemCode.ADDRESS_NOT_ALLOWED,
        ("config", "region"): ProblemCode.INVALID_FIELD,
        ("config", "page"): ProblemCode.INVALID_FIELD,
        ("config", "what"): ProblemCode.UNKNOWN_FIELD,
    }
    assert checked.plain == {}


def test_a_missing_field_is_told_and_the_rest_is_kept():
    checked = form().check({"page": 10})
    assert codes(checked) == {("config", "baseUrl"): ProblemCode.MISSING_FIELD}
    assert checked.plain == {"page": 10, "region": "eu"}


def test_secret_fields_are_split_off_and_never_told():
    checked = form().check({"baseUrl": "https://a.example.com", "signing": "CANARY-signing"})
    assert "signing" not in checked.plain
    assert checked.secrets["signing"].reveal() == "CANARY-signing"
    short = form().check({"baseUrl": "https://a.example.com", "signing": "CANARY"})
    assert "CANARY" not in repr(short)
    assert codes(short) == {("config", "signing"): ProblemCode.INVALID_FIELD}


def test_a_secret_that_is_stored_need_not_be_sent_again_and_null_clears_it():
    required = {**SCHEMA, "required": ["baseUrl", "signing"]}
    definition = replace(CATALOG.definition("generic-http"), config=required)
    strict = ConfigForm(definition)
    assert strict.check({"baseUrl": "https://a.example.com"}, frozenset({"signing"})).problems == ()
    cleared = strict.check({"baseUrl": "https://a.example.com", "signing": None}, frozenset({"signing"}))
    assert codes(cleared) == {("config", "signing"): ProblemCode.MISSING_FIELD}
    assert cleared.cleared == {"signing"}


@pytest.mark.parametrize(
    "address",
    [
        "http://a.example.com", "https://user@a.example.com", "https://user:pass@a.example.com", "https://",
        "javascript:alert(1)",
        "https://a.example.com/#frag", "//a.example.com", "https://a.example.com:0", "https://[::1", "file:///etc/passwd",
    ],
)  # fmt: skip
def test_an_address_that_is_not_plain_https_is_refused(address):
    assert codes(form().check({"baseUrl": address})) in (
        {("config", "baseUrl"): ProblemCode.ADDRESS_NOT_ALLOWED},
        {("config", "baseUrl"): ProblemCode.INVALID_FIELD},
    )


def test_plain_http_is_taken_for_a_network_that_the_operator_allows():
    assert form("10.0.0.0/8").check({"baseUrl": "http://10.1.2.3:8080"}).problems == ()
    assert form("10.0.0.0/8").check({"baseUrl": "http://192.168.1.1"}).problems != ()
    assert form().check({"baseUrl": "http://10.1.2.3:8080"}).problems != ()


@pytest.mark.parametrize("value", [None, [], "text", 5])
def test_what_is_no_object_is_refused(value):
    assert codes(form().check(value)) == {("config",): ProblemCode.INVALID_FIELD}


def test_an_oversized_configuration_is_refused():
    assert codes(form().check({"chosen": "x" * 70_000})) == {("config",): ProblemCode.FIELD_TOO_LONG}


def test_a_change_touches_authentication_only_where_the_definition_says_so():
    before = {"baseUrl": "https://a.example.com", "region": "eu"}
    assert not form().touches_authentication(before, form().check({**before, "region": "us"}))
    assert form().touches_authentication(before, form().check({**before, "baseUrl": "https://b.example.com"}))


def test_names_are_equal_ignoring_case_and_compatibility_forms():
    assert name_key("Straße") == name_key("STRASSE")
    assert name_key("ﬁnance") == name_key("FINANCE")
    assert name_key("Finance") != name_key("Finances")


def test_a_description_has_a_limit():
    assert checked_description("x" * 2_000) == []
    assert checked_description("x" * 2_001)[0].code is ProblemCode.FIELD_TOO_LONG
