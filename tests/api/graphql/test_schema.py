"""The schema as a whole: fresh on disk, described, named by the rules, and able to run every example."""

import re
from pathlib import Path

import pytest
from graphql import (
    GraphQLNonNull,
    is_enum_type,
    is_input_object_type,
    is_interface_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
    is_scalar_type,
    is_union_type,
    parse,
    validate,
)

from app.api.graphql.describe import describe_enum
from app.api.graphql.sanitiser import Sanitiser
from app.api.graphql.schema import NODE_LOADERS, build_schema, schema_text

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "app/api/graphiql/examples").glob("*.graphql"))


@pytest.fixture(scope="module")
def schema():
    return build_schema()._schema


def own_types(schema):
    return [type_ for name, type_ in schema.type_map.items() if not name.startswith("__")]


def test_the_committed_schema_is_fresh():
    assert (ROOT / "schema.graphql").read_text() == schema_text(), "run: patchbay schema > schema.graphql"


def test_a_second_schema_can_be_built():
    assert schema_text() == schema_text()


def test_everything_is_described(schema):
    bare = []
    for type_ in own_types(schema):
        bare += [type_.name] if not type_.description else []
        for name, field in getattr(type_, "fields", {}).items():
            bare += [f"{type_.name}.{name}"] if not field.description else []
            arguments = getattr(field, "args", {}) or {}
            bare += [
                f"{type_.name}.{name}({arg}:)" for arg, found in arguments.items() if not found.description
            ]
        for name, value in getattr(type_, "values", {}).items():
            bare += [f"{type_.name}.{name}"] if not value.description else []
    builtin = {"Boolean", "Float", "ID", "Int", "String"}
    assert [name for name in bare if name not in builtin] == []


def test_descriptions_are_sentences(schema):
    for type_ in own_types(schema):
        for name, field in getattr(type_, "fields", {}).items():
            assert re.search(r"[.:]$", field.description), (type_.name, name)


def test_names_follow_the_rules(schema):
    for type_ in own_types(schema):
        assert re.fullmatch(r"[A-Z][A-Za-z0-9]*", type_.name), type_.name
        assert not type_.name.endswith("Type") or type_.name == "EventType", type_.name
        if is_input_object_type(type_) and not type_.name.endswith(("Filter", "Order", "By")):
            assert type_.name.endswith("Input"), type_.name
        if is_enum_type(type_):
            assert all(re.fullmatch(r"[A-Z][A-Z0-9_]*", name) for name in type_.values), type_.name
        for name in getattr(type_, "fields", {}):
            assert re.fullmatch(r"[a-z][A-Za-z0-9]*", name), (type_.name, name)
            assert not re.match(r"(get|query)[A-Z]", name), (type_.name, name)


def test_instants_end_in_at_and_booleans_read_as_claims(schema):
    claims = re.compile(r"(is|has|can|may|uses|matches|requires|body)[A-Z]?|retryable")
    for type_ in own_types(schema):
        if type_.name == "ConnectionPermissions" or not is_object_type(type_):
            continue
        for name, field in type_.fields.items():
            kind = str(field.type).strip("!")
            if kind == "DateTime":
                assert name in {"at", "since"} or name.endswith("At"), (type_.name, name)
            if kind == "Boolean":
                assert claims.match(name), (type_.name, name)


def test_every_mutation_takes_one_input_and_answers_an_own_payload(schema):
    for name, field in schema.mutation_type.fields.items():
        upper = name[0].upper() + name[1:]
        assert list(field.args) == ["input"], name
        assert str(field.args["input"].type) == f"{upper}Input!", name
        assert str(field.type) == f"{upper}Payload", name  # what fails leaves the others' answers
        payload = field.type
        assert str(payload.fields["userErrors"].type) == "[Problem!]!", name
        assert all(
            not is_non_null_type(other.type) for key, other in payload.fields.items() if key != "userErrors"
        ), name


def test_look_ups_of_one_object_are_nullable(schema):
    for name, field in schema.query_type.fields.items():
        inner = field.type.of_type if is_non_null_type(field.type) else field.type
        if is_object_type(inner) and any("Node" in str(one) for one in inner.interfaces):
            assert not is_non_null_type(field.type), name


def test_lists_hold_no_nulls_except_nodes(schema):
    for type_ in own_types(schema):
        for name, field in getattr(type_, "fields", {}).items():
            inner = field.type.of_type if is_non_null_type(field.type) else field.type
            if is_list_type(inner) and (type_.name, name) != ("Query", "nodes"):
                assert isinstance(inner.of_type, GraphQLNonNull), (type_.name, name)


def test_pages_take_relays_arguments(schema):
    for type_ in own_types(schema):
        for name, field in getattr(type_, "fields", {}).items():
            page = str(field.type).strip("!")
            if page.endswith("Connection") and page != "Connection":
                assert {"first", "after", "last", "before"} <= set(field.args), (type_.name, name)
                assert {"edges", "nodes", "pageInfo", "totalCount"} <= set(schema.type_map[page].fields)


def test_every_problem_says_what_all_problems_say(schema):
    common = set(schema.type_map["Problem"].fields)
    members = schema.get_possible_types(schema.type_map["Problem"])
    assert {member.name for member in members} == {
        "GenericProblem",
        "FieldProblem",
        "ConflictProblem",
        "ProviderProblem",
        "MissingScopesProblem",
        "UnmetStepsProblem",
    }
    assert all(common <= set(member.fields) for member in members)
    assert common == {"code", "message", "path", "retryable", "retryAfterSeconds", "remediation", "docsUrl"}


def test_every_node_can_be_loaded_by_its_id(schema):
    nodes = {member.name for member in schema.get_possible_types(schema.type_map["Node"])}
    assert len(NODE_LOADERS) == len(nodes), nodes


def test_secrets_only_go_in(schema):
    secret = {"SecretText", "SecretJSON"}
    for type_ in own_types(schema):
        if is_object_type(type_) or is_interface_type(type_):
            for name, field in type_.fields.items():
                assert str(field.type).strip("[]!") not in secret, (type_.name, name)
    inputs = schema.type_map
    assert str(inputs["SubmitCredentialsInput"].fields["credentials"].type) == "SecretJSON!"
    assert str(inputs["SaveApplicationInput"].fields["clientSecret"].type) == "SecretText"
    assert str(inputs["CompleteAuthorizationInput"].fields["callbackUrl"].type) == "SecretText!"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_graphiqls_example_is_valid(schema, example):
    assert [error.message for error in validate(schema, parse(example.read_text()))] == []


def test_an_enum_with_a_member_that_nobody_described_is_refused():
    from enum import Enum

    with pytest.raises(ValueError, match="B"):
        describe_enum(Enum("Half", {"A": "a", "B": "b"}), "Half described.", {"A": "The first."})


def test_all_kinds_of_types_are_known_to_the_sanitiser(schema):
    names = Sanitiser(schema)._names
    for type_ in own_types(schema):
        assert type_.name in names
        assert (
            is_scalar_type(type_) or is_union_type(type_) or is_enum_type(type_) or set(type_.fields) <= names
        )
