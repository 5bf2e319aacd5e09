"""F2, F4: forms whose fields depend on each other, and one problem for each field: the first that helps."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest

from app.catalog.catalog import load_catalog
from app.connections.configuration import ConfigForm
from app.foundation.shapes import Shape, with_defaults
from tests.catalog.drafts import DRAFT, faults_of

CATALOG = load_catalog()
CONDITIONAL = {
    "type": "object",
    "required": ["kind"],
    "properties": {"kind": {"title": "Kind", "enum": ["cloud", "server"], "default": "cloud"}},
    "if": {"properties": {"kind": {"const": "server"}}, "required": ["kind"]},
    "then": {
        "required": ["host"],
        "properties": {
            "host": {"title": "Host", "type": "string", "minLength": 3},
            "port": {"title": "Port", "type": "integer", "default": 443},
        },
    },
    "else": {
        "required": ["site"],
        "properties": {"site": {"title": "Site", "type": "string", "pattern": "^[a-z]+$"}},
    },
    "unevaluatedProperties": False,
}


def told(schema, value):
    return {problem.path: problem.code.value for problem in Shape(schema).problems(value)}


@pytest.mark.parametrize(
    ("value", "problems"),
    [
        ({"kind": "cloud", "site": "acme"}, {}),
        ({"kind": "server", "host": "acme", "port": 8443}, {}),
        ({"kind": "server"}, {("host",): "MISSING_FIELD"}),
        ({"kind": "cloud", "site": "A"}, {("site",): "PATTERN_MISMATCH"}),
        ({"kind": "server", "port": 1}, {("host",): "MISSING_FIELD"}),
        ({"kind": "server", "host": "a", "port": 1}, {("host",): "INVALID_FIELD"}),
        ({"kind": "server", "host": "acme", "site": "acme"}, {("site",): "UNKNOWN_FIELD"}),
        ({"kind": "server", "site": "acme"}, {("host",): "MISSING_FIELD", ("site",): "UNKNOWN_FIELD"}),
        ({"kind": "cloud", "site": "acme", "x": 1}, {("x",): "UNKNOWN_FIELD"}),
    ],
    ids=lambda value: f"F2 {value}",
)
def test_a_form_with_if_and_then_tells_no_field_both_missing_and_unknown(value, problems):
    assert told(CONDITIONAL, value) == problems


@pytest.mark.parametrize(
    ("branch", "value"),
    [
        ({"allOf": [{"properties": {"a": {"type": "string"}}}]}, {"a": 1, "b": 2}),
        ({"dependentSchemas": {"b": {"properties": {"a": {"type": "string"}}}}}, {"a": 1, "b": 2}),
        ({"then": {"properties": {"a": {"type": "string"}}}, "if": {"required": ["b"]}}, {"a": 1, "b": 2}),
    ],
    ids=["F2 allOf", "F2 dependentSchemas", "F2 if"],
)
def test_a_field_that_does_not_fit_in_a_branch_is_not_unknown_too(branch, value):
    schema = {"type": "object", "properties": {"b": {}}, **branch, "unevaluatedProperties": False}
    assert told(schema, value) == {("a",): "INVALID_FIELD"}


def test_f2_defaults_of_the_branch_that_applies_are_filled_in():
    assert with_defaults(CONDITIONAL, {"kind": "server", "host": "acme"})["port"] == 443
    assert with_defaults(CONDITIONAL, {"site": "acme"}) == {"kind": "cloud", "site": "acme"}


def test_f2_a_conditional_form_is_saved_by_the_room():
    form = ConfigForm(replace(CATALOG.definition("generic-http"), config=CONDITIONAL))
    checked = form.check({"kind": "server", "host": "acme"})
    assert (checked.problems, checked.plain) == ((), {"kind": "server", "host": "acme", "port": 443})


def findings(text, rule):
    return [fault for fault in faults_of(text) if fault.rule == rule]


CONFIG = DRAFT[DRAFT.index("config:") : DRAFT.index("http:\n")]
FORM = """config:
  type: object
  {closed}: false
  required: [how]
  properties:
    shop: {{title: Shop, type: string, pattern: '^[a-z0-9-]+$', examples: [acme]}}
    base: {{title: Base, type: string, format: uri, pattern: '^https://[a-z0-9.-]+$'}}
    how: {{title: How, type: string, enum: [basic, post]}}
    scopes: {{title: Scopes, type: string}}
    start: {{title: Start, type: string, pattern: '^/([a-z][a-z/]*)?$'}}
    header: {{title: Header, type: string, pattern: '^X-[A-Za-z]+$'}}
{branch}
"""
IF = "if: {properties: {how: {const: post}}, required: [how]}"
BRANCHES = {
    "then": f"  {IF}\n  then: {{properties: {{extra: {{title: Extra, type: string}}}}}}",
    "else": f"  {IF}\n  else: {{required: [extra], properties: {{extra: {{title: Extra, type: string}}}}}}",
    "allOf": "  allOf: [{properties: {extra: {title: Extra, type: string}}}]",
    "dependentSchemas": "  dependentSchemas: {shop: {properties: {extra: {title: Extra, type: string}}}}",
}


@pytest.mark.parametrize("where", BRANCHES, ids=lambda where: f"F2 {where}")
def test_definitions_check_says_how_a_closed_form_with_branches_is_written(where):
    closed = FORM.format(closed="additionalProperties", branch=BRANCHES[where])
    (found,) = findings(DRAFT.replace(CONFIG, closed), "semantics/conditional-form")
    assert "unevaluatedProperties: false" in found.message
    assert "extra" in found.message
    right = FORM.format(closed="unevaluatedProperties", branch=BRANCHES[where])
    assert findings(DRAFT.replace(CONFIG, right), "semantics/conditional-form") == []


def test_f2_definitions_check_tells_a_branch_that_closes_the_form_itself():
    branch = f"  {IF}\n  then: {{additionalProperties: false, properties: {{extra: {{title: Extra}}}}}}"
    text = DRAFT.replace(CONFIG, FORM.format(closed="unevaluatedProperties", branch=branch))
    (found,) = findings(text, "semantics/conditional-form")
    assert "unevaluatedProperties: false" in found.message


def test_f2_definitions_check_tells_a_condition_that_holds_before_anything_is_chosen():
    branch = "  if: {properties: {how: {const: post}}}\n  then: {required: [shop]}"
    text = DRAFT.replace(CONFIG, FORM.format(closed="unevaluatedProperties", branch=branch))
    (found,) = findings(text, "semantics/conditional-form")
    assert "required: [how]" in found.message


ADDRESS = {
    "type": "object",
    "properties": {
        "url": {
            "title": "Address",
            "type": "string",
            "format": "uri",
            "minLength": 8,
            "pattern": "^https?://[a-z.]+(:[0-9]+)?(/.*)?$",
        }
    },
}


@pytest.mark.parametrize(
    ("typed", "code", "words"),
    [
        ("acme", "INVALID_FIELD", "whole address"),
        ("acme.example.com", "INVALID_FIELD", "whole address"),
        ("", "INVALID_FIELD", "whole address"),
        (5, "INVALID_FIELD", "must be string"),
        ("https://user:pass@acme.example", "INVALID_FIELD", "user name"),
        ("https://acme.example:0", "INVALID_FIELD", "port"),
        ("https://acme.example/#part", "INVALID_FIELD", "#"),
        ("ftp://acme.example", "ADDRESS_NOT_ALLOWED", "https"),
        ("http://acme.example", "ADDRESS_NOT_ALLOWED", "https"),
        ("https://ACME.example", "PATTERN_MISMATCH", "expected form"),
    ],
    ids=lambda value: f"F4 {value}",
)
def test_a_malformed_address_has_one_problem_that_says_what_to_change(typed, code, words):
    form = ConfigForm(replace(CATALOG.definition("generic-http"), config=ADDRESS))
    (fault,) = form.check({"url": typed}).problems
    assert (fault.code.value, fault.path) == (code, ("config", "url"))
    assert words in fault.message
    about_the_network = [step for step in fault.remediation if "PATCHBAY_EGRESS_ALLOW" in step.text]
    assert bool(about_the_network) == (typed == "http://acme.example")


def test_f4_plain_http_is_about_the_network_only_where_the_operator_can_do_something():
    form = ConfigForm(
        replace(CATALOG.definition("generic-http"), config=ADDRESS), (ip_network("10.0.0.0/8"),)
    )
    assert form.check({"url": "http://acme.example"}).problems == ()


def test_f4_one_problem_for_each_field_of_a_shipped_form():
    form = ConfigForm(CATALOG.definition("generic-http"))
    faults = form.check({"baseUrl": "nonsense", "testPath": "no slash"}).problems
    paths = [fault.path for fault in faults]
    assert sorted(paths) == sorted(set(paths))
