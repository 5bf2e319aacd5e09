import json
import re
from pathlib import Path

import pytest
from graphql import (
    GraphQLError,
    OperationDefinitionNode,
    build_client_schema,
    build_schema,
    get_named_type,
    introspection_from_schema,
    is_input_object_type,
    is_non_null_type,
    parse,
    type_from_ast,
    validate,
)
from graphql.execution.values import get_variable_values

from app.api.graphiql.examples import FOLDER, example_tabs

TABS = example_tabs()
SDL = Path(__file__).parents[3] / "schema.graphql"
JOURNEY = [
    ("query", "Search"),
    ("mutation", "Create"),
    ("mutation", "SignIn"),
    ("subscription", "FollowSignIn"),
    ("mutation", "Test"),
    ("subscription", "FollowTest"),
    ("mutation", "Activate"),
    ("query", "Connections"),
    ("mutation", "UserErrors"),
    ("query", "Events"),
]
by_name = pytest.mark.parametrize("tab", TABS, ids=[name for _, name in JOURNEY])


def operation(tab):
    (definition,) = parse(tab["query"]).definitions
    assert isinstance(definition, OperationDefinitionNode)
    return definition


@pytest.fixture(scope="module")
def schema():
    """The schema as a client sees it: from its introspection."""
    return build_client_schema(introspection_from_schema(build_schema(SDL.read_text())))


def test_tabs_walk_the_journey_in_order():
    assert [(operation(tab).operation.value, operation(tab).name.value) for tab in TABS] == JOURNEY


def test_every_variables_file_has_its_document():
    stems = {
        kind: {Path(each.name).stem for each in FOLDER.iterdir() if each.name.endswith(kind)}
        for kind in (".graphql", ".json")
    }
    assert stems[".json"] <= stems[".graphql"]


@by_name
def test_tab_says_first_what_it_is_for_in_lines_that_fit_the_editor(tab):
    assert tab["query"].startswith("# ")
    assert max(map(len, tab["query"].splitlines())) <= 58


@by_name
def test_variables_are_exactly_those_the_document_declares(tab):
    declared = {each.variable.name.value for each in operation(tab).variable_definitions}
    assert set(json.loads(tab["variables"] or "{}")) == declared


@by_name
def test_placeholders_are_among_those_the_page_fills_in(tab):
    known = set(re.findall(r'"(\w+)"', re.search(r"KINDS = \{(.+)\}", _seen_ids())[1]))
    assert set(re.findall(r"\{\{(\w+)\}\}", tab["variables"])) <= known


@pytest.mark.parametrize("tab", [tab for tab in TABS if operation(tab).operation.value == "mutation"])
def test_every_mutation_asks_for_its_user_errors(tab):
    assert re.search(r"userErrors \{\s+code\s+message", tab["query"])


@by_name
def test_document_is_valid_against_the_schema(tab, schema):
    assert validate(schema, parse(tab["query"])) == []


@by_name
def test_variables_fit_their_types(tab, schema):
    definitions = operation(tab).variable_definitions
    assert all(type_from_ast(schema, each.type) for each in definitions)
    values = get_variable_values(schema, definitions, json.loads(tab["variables"] or "{}"))
    assert not isinstance(values, list), [
        fault.message for fault in values if isinstance(fault, GraphQLError)
    ]


@by_name
def test_variables_give_what_the_editor_would_underline_as_missing(tab, schema):
    given = json.loads(tab["variables"] or "{}")
    for each in operation(tab).variable_definitions:
        kind = get_named_type(type_from_ast(schema, each.type))
        if is_input_object_type(kind):
            wanted = {name for name, field in kind.fields.items() if is_non_null_type(field.type)}
            assert wanted <= set(given[each.variable.name.value])


def _seen_ids():
    return (Path(str(FOLDER)).parent / "web/seen-ids.js").read_text()
