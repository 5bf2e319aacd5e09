"""No value that a caller sent is ever in an error or in the log: the library's messages are taken apart."""

import json
import logging

import pytest
from graphql import GraphQLSyntaxError, parse, validate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.api.graphql.sanitiser import Sanitiser
from app.api.graphql.schema import build_schema
from tests.api.graphql.fake_hub import BEARER

CANARY = "sk_live_CANARY7c1e"
SCHEMA = build_schema()._schema
SANITISER = Sanitiser(SCHEMA)
SAVE = "mutation ($input: SaveApplicationInput!) {saveApplication(input: $input) {userErrors {message path}}}"
SUBMIT = "mutation ($input: SubmitCredentialsInput!) {submitCredentials(input: $input) {userErrors {message path}}}"
CREATE = (
    "mutation ($input: CreateConnectionInput!) {createConnection(input: $input) {userErrors {message path}}}"
)


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        (SAVE, {"input": {"integration": "x", "client_id": "y", "client_secret": CANARY}}),
        (SAVE, {"input": {"integration": "x", "clientId": "y", "clientSecret": {"value": CANARY}}}),
        (SAVE, {"input": {"integration": "x", "clientId": "y", "clientSecret": [CANARY]}}),
        (SAVE, {"input": {"integration": "x", "clientSecret": CANARY}}),
        (SAVE, {"input": CANARY}),
        (SAVE, {"input": [CANARY]}),
        (SAVE, {"input": {CANARY: CANARY}}),
        (SAVE, {"input": {"integration": 1, "clientId": {CANARY: 1}, "mode": CANARY}}),
        (SAVE, {"input": None, CANARY: CANARY}),
        (SUBMIT, {"input": {"authorizationId": "x", "credentials": CANARY}}),
        (SUBMIT, {"input": {"authorizationId": "x", "credentials": [CANARY]}}),
        (SUBMIT, {"input": {"authorizationId": {"a": CANARY}, "credentials": {"a": CANARY}}}),
        (SUBMIT, {"input": {"authorization_id": "x", "credentials": {"key": CANARY}}}),
        (CREATE, {"input": {"name": CANARY, "integration": "x", "version": CANARY}}),
        (CREATE, {"input": {"name": "n", "integration": "x", "scope": CANARY, "config": CANARY}}),
        ("query ($after: EventCursor) {events(after: $after) {cursor}}", {"after": f"{CANARY}!"}),
        ("query ($u: URL) {__typename}", {"u": CANARY}),
        ("query ($by: ConnectionBy!) {connection(by: $by) {id}}", {"by": {"id": CANARY, "name": CANARY}}),
        (f'mutation {{saveApplication(input: {{client_secret: "{CANARY}"}}) {{userErrors {{code}}}}}}', None),
        (f"mutation {{saveApplication(input: {{clientSecret: {CANARY}}}) {{userErrors {{code}}}}}}", None),
        (f'mutation {{saveApplication(input: "{CANARY}") {{userErrors {{code}}}}}}', None),
        (
            f'mutation {{submitCredentials(input: {{authorizationId: "x", credentials: "{CANARY}"}}) {{x}}}}',
            None,
        ),
        (f'query ($a: Int = "{CANARY}") {{__typename}}', None),
        (f"query ($m: ConnectionMode = {CANARY}) {{__typename}}", None),
        (f'{{__typename @include(if: "{CANARY}")}}', None),
        (f'{{node(id: "{CANARY}) {{id}}}}', None),
        (f'{{node(id: "x") "{CANARY}" {{id}}}}', None),
        (f"{{node(id: {CANARY}) {{id}}}}", None),
        (f'{{node(id: """{CANARY}""" """x""") {{id}}}}', None),
        (f'{{a(b: "\\u{CANARY}")}}', None),
        (f'{{events(after: "{CANARY}!") {{cursor}}}}', None),
        ("{connections(first: 99999999999999777) {totalCount}}", None),
    ],
)
async def test_no_value_is_echoed_or_logged(client, caplog, capsys, query, variables):
    caplog.set_level(logging.DEBUG)
    for accept in ("application/json", "application/graphql-response+json", "text/event-stream"):
        body = {"query": query, "variables": variables}
        response = await client.post("/graphql", json=body, headers={**BEARER, "accept": accept})
        assert response.status_code in {200, 400}
        assert "errors" in response.text
        printed = capsys.readouterr()
        seen = response.text + caplog.text + printed.out + printed.err
        assert CANARY not in seen
        assert "7c1e" not in seen
        assert "99999777" not in seen
        assert "Did you mean" not in seen


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            "{conections {id}}",
            "Cannot query field 'conections' on type 'Query'. The nearest is 'connections'.",
        ),
        (
            "{connections(frist: 1) {totalCount}}",
            "Unknown argument 'frist' on field 'Query.connections'. The nearest is 'first'.",
        ),
        (
            "{connections}",
            "Field 'connections' of type 'ConnectionConnection' must have a selection of subfields.",
        ),
        (
            "{hub {version {x}}}",
            "Field 'version' must not have a selection since type 'String!' has no subfields.",
        ),
        ("{...F}", "Unknown fragment 'F'."),
        ("query ($a: Nope) {__typename}", "Unknown type 'Nope'."),
        ("query Q($a: Int) {__typename}", "Variable '$a' is never used in operation 'Q'."),
        ("query Q {node(id: $a) {id}}", "Variable '$a' is not defined by operation 'Q'."),
        ("{node {id}}", "Argument 'Query.node(id:)' of type 'ID!' is required, but it was not provided."),
        ("{__typename @nope}", "Unknown directive '@nope'."),
        (
            "query ($a: Int) {node(id: $a) {id}}",
            "Variable '$a' of type 'Int' used in position expecting type 'ID!'.",
        ),
        ('{connections(first: "x") {totalCount}}', "Expected a value of type 'Int'."),
        (
            "{connections(filter: {modes: [NOPE]}) {totalCount}}",
            "Expected a value of type 'ConnectionMode' (there are: LIVE, SANDBOX).",
        ),
        (
            "{connections(filter: {x: 1}) {totalCount}}",
            "'ConnectionFilter' has no field of a name that was sent (there are: states, integrations, modes).",
        ),
        (
            "{connections(orderBy: {}) {totalCount}}",
            "'ConnectionOrder' has the required field 'field', which is missing.",
        ),
        (
            '{connection(by: {id: "a", name: "b"}) {id}}',
            "'ConnectionBy' takes exactly one field (there are: id, name), and not null.",
        ),
        ('{events(after: "!") {cursor}}', "EventCursor must be a cursor that this hub gave out."),
    ],
)
def test_what_is_wrong_with_a_document_is_still_said(query, message):
    errors = validate_all(query)
    assert message in [SANITISER.message(error.message, error.nodes or ()) for error in errors]


def validate_all(query):
    from strawberry.schema.schema import validate_document

    from app.api.graphql.guards import RULES

    return validate_document(SCHEMA, parse(query), RULES)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (
            {"input": {}},
            "Variable '$input' has an invalid value: 'SaveApplicationInput' has the required field",
        ),
        ({}, "Variable '$input' has an invalid value: A value of type 'SaveApplicationInput!' is required."),
        (
            {"input": {"integration": "x", "clientId": "y", "mode": "z"}},
            "Variable '$input' has an invalid value at '.mode': Expected a value of type 'ConnectionMode' (there are",
        ),
    ],
)
async def test_what_is_wrong_with_a_variable_is_still_said(ask, variables, message):
    errors = (await ask(SAVE, variables))["errors"]
    assert any(error["message"].startswith(message) for error in errors), errors
    assert {error["extensions"]["code"] for error in errors} == {"BAD_USER_INPUT"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "Syntax error: Expected Name, found <EOF>."),
        ("}", "Syntax error: Unexpected '}'."),
        ("{a", "Syntax error: Expected Name, found <EOF>."),
        ('{a "b"}', "Syntax error: Expected Name, found String."),
        ("{a(b: secret", "Syntax error: Expected Name, found <EOF>."),
        ("secretname", "Syntax error: Unexpected Name."),
        ('{a(b: "', "Syntax error: Unterminated string."),
        ("{a ?}", "Syntax error: Unexpected character."),
        ("{a(b: 012)}", "Syntax error: Invalid number, unexpected digit after 0."),
    ],
)
def test_what_is_wrong_with_a_text_is_still_said(text, message):
    with pytest.raises(GraphQLSyntaxError) as fault:
        parse(text)
    assert SANITISER.syntax(fault.value) == message


def every_message_of(query):
    try:
        document = parse(query)
    except GraphQLSyntaxError as fault:
        return [SANITISER.syntax(fault)]
    return [SANITISER.message(error.message, error.nodes or ()) for error in validate(SCHEMA, document)]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=50)
@given(st.text(max_size=60), st.sampled_from(["'", '"', "", "\\", "\n", "…", "'; found: ", "enum."]))
def test_no_literal_gets_through_whatever_stands_around_it(around, quote):
    value = json.dumps(f"{around}{quote}{CANARY}{quote}{around}")
    for query in (
        f"mutation {{saveApplication(input: {{mode: {value}}}) {{userErrors {{code}}}}}}",
        f"mutation {{saveApplication(input: {value}) {{userErrors {{code}}}}}}",
        f"query ($a: Int = {value}) {{node(id: $a) {{id}}}}",
        f"{{connections(first: {value}, filter: {{modes: {value}}}) {{totalCount}}}}",
        f"{{node(id: {value} {value}) {{id}}}}",
        f"{{node {value}}}",
    ):
        assert all(CANARY not in message for message in every_message_of(query))


def test_an_unknown_message_is_not_passed_on():
    assert SANITISER.message(f"Something new about {CANARY}", ()) == "The document is not valid."
    assert SANITISER.message(f"Unknown thing '{CANARY}'.", ()) == "Unknown thing '…'."
    assert SANITISER.message(f"Variable '$a' has invalid value: Something new: {CANARY}", ()) == (
        "Variable '$a' has an invalid value: The value is not valid."
    )
