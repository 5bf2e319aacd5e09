import json

import jsonschema_rs
import pytest
from jsonschema_rs import Draft202012Validator

from app.catalog.definition import (
    AuthKind,
    ClientAuth,
    Effect,
    GrantType,
    Impact,
    ReleaseStage,
    RenewalBy,
    Rotation,
    Sensitivity,
)
from app.catalog.labels import CATEGORIES
from app.catalog.loader import DEFINITIONS, SCHEMA_FILE, format_schema
from app.foundation.problems import FixBy
from tests.catalog.broken import BROKEN_SHAPES
from tests.catalog.drafts import changed, faults_of, line_of

META = "https://json-schema.org/draft/2020-12/schema"


def nodes(schema, path=()):
    if isinstance(schema, dict):
        yield path, schema
        for key, value in schema.items():
            yield from nodes(value, (*path, key))
    elif isinstance(schema, list):
        for index, value in enumerate(schema):
            yield from nodes(value, (*path, index))


def definition_of(name):
    return format_schema()["$defs"][name]["properties"]


def test_the_schema_is_valid_and_self_contained():
    schema = json.loads(SCHEMA_FILE.read_text())

    assert schema["$schema"] == META
    jsonschema_rs.meta.validate(schema)
    Draft202012Validator(schema, offline=True)
    assert {node["$ref"] for _, node in nodes(schema) if "$ref" in node and node["$ref"][0] != "#"} == {META}


def test_the_schema_lies_beside_the_definitions():
    assert SCHEMA_FILE == DEFINITIONS / "schema.json"


def test_every_key_of_the_format_is_described():
    undescribed = [
        path
        for path, node in nodes(format_schema())
        if len(path) > 1
        and path[-2] == "properties"
        and "if" not in path
        and "then" not in path
        and "else" not in path
        if isinstance(node, dict) and "description" not in node and "$ref" not in node
    ]

    assert undescribed == []


def test_every_object_of_the_format_is_closed():
    open_objects = [
        path
        for path, node in nodes(format_schema())
        if "properties" in node and "type" in node and node.get("additionalProperties") is not False
    ]

    assert open_objects == []


@pytest.mark.parametrize(
    ("schema", "enum"),
    [
        (format_schema()["properties"]["stage"], ReleaseStage),
        (definition_of("method")["effect"], Effect),
        (definition_of("scope")["sensitivity"], Sensitivity),
        (definition_of("authMethod")["kind"], AuthKind),
        (definition_of("authMethod")["grant"], GrantType),
        (definition_of("renewal")["by"], RenewalBy),
        (definition_of("renewal")["rotation"], Rotation),
        (definition_of("changelogEntry")["impact"], Impact),
        (definition_of("troubleshooting")["who"], FixBy),
    ],
)
def test_words_of_the_format_are_those_of_the_program(schema, enum):
    assert sorted(schema["enum"]) == sorted(member.value for member in enum)


def test_client_auths_of_the_format_are_those_of_the_program():
    pattern = definition_of("authMethod")["clientAuth"]["pattern"]

    assert all(f"{member.value}|" in pattern for member in ClientAuth)


def test_every_category_has_a_label():
    assert sorted(format_schema()["properties"]["categories"]["items"]["enum"]) == sorted(CATEGORIES)


@pytest.mark.parametrize(
    ("old", "new", "rule", "where"),
    BROKEN_SHAPES,
)
def test_what_the_schema_refuses_is_named_with_its_line(old, new, rule, where):
    text = changed(old, new)

    faults = faults_of(text)

    assert (rule, line_of(text, where or new.strip())) in {(fault.rule, fault.line) for fault in faults}
    assert {fault.rule.partition("/")[0] for fault in faults} == {"schema"}


@pytest.mark.parametrize("text", ["[]", "5", "null", "text", "a: 1"])
def test_what_is_no_definition_at_all_is_refused(text):
    assert {fault.rule.partition("/")[0] for fault in faults_of(text)} == {"schema"}
