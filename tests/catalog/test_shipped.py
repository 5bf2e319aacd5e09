import copy
import json
import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.catalog.catalog import load_catalog
from app.catalog.definition import AuthKind, Effect
from app.catalog.hosts import config_field, is_host_entry
from app.catalog.loader import DEFINITIONS, load_text
from app.catalog.yaml_reader import read_yaml
from app.foundation.shapes import Shape, secret_paths

FILES = sorted(DEFINITIONS.rglob("*.yaml"))
DEFINED = [one for entry in load_catalog().all() for one in entry.versions]
GENERIC = {"generic-oauth2", "generic-http"}
NAMED = [one for one in DEFINED if one.integration not in GENERIC]


def name_of(definition):
    return f"{definition.integration}-{definition.version}"


def sample_config(definition):
    fields = definition.config.get("properties", {})
    return {
        name: field.get("default", (field.get("examples") or [None])[0])
        for name, field in fields.items()
        if "default" in field or "examples" in field
    }


@pytest.mark.parametrize("definition", DEFINED, ids=name_of)
def test_a_person_is_told_what_they_need(definition):
    assert len(definition.use_cases) >= 2
    assert definition.docs
    assert definition.setup_guide
    assert definition.description
    assert definition.troubleshooting
    assert len(definition.test.verifies) > 40
    assert all(method.prepare or definition.integration in GENERIC for method in definition.auth)


@pytest.mark.parametrize("definition", NAMED, ids=name_of)
def test_a_named_system_offers_enough_to_work_with(definition):
    assert 4 <= len(definition.methods) <= 12
    assert {method.effect for method in definition.methods.values()} >= {Effect.READ, Effect.WRITE}
    outcomes = {example.outcome for method in definition.methods.values() for example in method.examples}
    assert outcomes >= {None, "CREDENTIALS_REJECTED", "RATE_LIMITED", "UPSTREAM_NOT_FOUND"}


@pytest.mark.parametrize("definition", DEFINED, ids=name_of)
def test_troubleshooting_speaks_of_what_the_test_method_can_answer(definition):
    codes = {entry.code for entry in definition.troubleshooting}

    assert "CREDENTIALS_REJECTED" in codes


@pytest.mark.parametrize("definition", DEFINED, ids=name_of)
def test_every_field_of_a_form_has_a_title_and_an_example(definition):
    forms = [definition.config, *(method.credentials or {} for method in definition.auth)]
    forms += [method.application or {} for method in definition.auth]
    for form in forms:
        for field in form.get("properties", {}).values():
            assert field["title"]
            assert (
                field.get("examples") or field.get("enum") or (form is definition.config and field["secret"])
            )
            assert field.get("type") == "string"


@pytest.mark.parametrize("definition", DEFINED, ids=name_of)
def test_configuration_explains_each_field_and_takes_its_own_samples(definition):
    config = definition.config

    assert all(field.get("help") for field in config.get("properties", {}).values())
    assert config["additionalProperties"] is False
    assert Shape(config).faults(sample_config(definition)) == []


@pytest.mark.parametrize("definition", DEFINED, ids=name_of)
def test_the_first_examples_of_the_credentials_are_right_ones(definition):
    for method in definition.auth:
        if method.credentials is None:
            assert method.kind is AuthKind.OAUTH2
            continue
        fields = method.credentials["properties"]
        sample = {name: field["examples"][0] for name, field in fields.items()}
        assert Shape(method.credentials).faults(sample) == []
        assert secret_paths(method.credentials)
        assert all("sandbox" in sample[path[0]] for path in secret_paths(method.credentials))


@pytest.mark.parametrize("definition", DEFINED, ids=name_of)
def test_only_the_named_hosts_are_reachable(definition):
    assert all(is_host_entry(entry) for entry in definition.http.hosts)
    assert all(config_field(entry) for entry in definition.http.hosts) is (definition.integration in GENERIC)


@pytest.mark.parametrize("definition", DEFINED, ids=name_of)
def test_pkce_is_on_but_where_the_provider_does_not_take_it(definition):
    off = [method.id for method in definition.auth if method.oauth2 and not method.oauth2.pkce]

    assert bool(off) is (definition.integration == "slack")


def test_secrets_travel_where_each_provider_wants_them():
    by_key = {one.integration: one for one in DEFINED}
    places = {
        (key, place.at, place.name)
        for key, one in by_key.items()
        for method in one.auth
        for place in method.place
    }

    assert ("telegram", "path", None) in places
    assert ("generic-http", "header", "{config.headerName}") in places
    assert ("stripe", "header", "Authorization") in places


def test_what_answers_keep_is_what_requests_use():
    salesforce = next(one for one in DEFINED if one.integration == "salesforce")
    xero = next(one for one in DEFINED if one.integration == "xero")

    assert salesforce.http.base_url == "{+account.instanceUrl}"
    assert salesforce.auth[0].oauth2.token.keep["instanceUrl"] == "instance_url"
    assert xero.methods["organisation.get"].headers["Xero-Tenant-Id"] == "{account.tenantId}"
    assert xero.auth[0].oauth2.after_token[0].choose is True
    assert "Xero-Tenant-Id" not in xero.methods["connections.list"].headers


def test_slack_can_be_upgraded_from_its_first_version():
    slack = next(one for one in DEFINED if name_of(one) == "slack-1.1.0")

    assert slack.upgrade[0].config == ({"rename": {"from": "channel", "to": "defaultChannel"}},)
    assert slack.upgrade[0].scopes_added == ("users:read.email",)


def mutated(value, luck):
    """Return the value with one node of it dropped, replaced, renamed or doubled."""
    value = copy.deepcopy(value)
    places = [(None, None)]

    def walk(node):
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], dict | list):
                walk(node[key])

    walk(value)
    node, key = luck.choice(places)
    if node is None:
        return luck.choice([None, 5, "text", [], {}, [value]])
    act = luck.randrange(5)
    if act == 0:
        del node[key]
    elif act == 1:
        node[key] = luck.choice(JUNK)
    elif act == 2 and isinstance(node, dict):
        node[luck.choice(["x", "$ref", "type", "name", "a b", ""])] = node.pop(key)
    elif act == 3 and isinstance(node[key], str):
        node[key] = luck.choice(
            [node[key] + "{", node[key][:-1], "{+config.x}", "((", node[key].upper(), "*"]
        )
    else:
        other, place = luck.choice(places[1:])
        other[place] = copy.deepcopy(node[key])
    return value


JUNK = [
    None, True, 0, -1, 1.5, "", "x", "{", "}", "{a.b}", "(((", "[?", "a.b", "https://e.example", "//x", "*",
    "*.com", "^", "(?=a)", "(a+)+$", [], [[]], {}, {"$ref": "https://evil.example"}, {"$ref": "#"},
    {"properties": {"a": {"$ref": "#/$defs/b"}}, "$defs": {"b": {"$ref": "#/$defs/b"}}}, {"type": "object"},
    "1.0.0", ["x", "x"], [{}], 10**30, 1e300, "\U0001f600",
]  # fmt: skip


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), depth=st.integers(1, 3))
@example(seed=0, depth=1)
def test_no_change_to_a_definition_raises_anything_but_faults(file, seed, depth):
    document, _ = read_yaml(file.read_bytes(), "x.yaml")
    value, luck = document.value, random.Random(seed)
    for _ in range(depth):
        if isinstance(value, dict | list) and value:
            value = mutated(value, luck)

    loaded = load_text(json.dumps(value, ensure_ascii=False).encode(), "x.yaml")

    assert (loaded.definition is None) == bool(loaded.faults)
    assert all(fault.message and fault.rule.count("/") == 1 for fault in loaded.faults)
