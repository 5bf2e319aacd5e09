"""What each room's fields ask of the hub and answer: thin, with faults as data."""

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest

from app.access.actor import ActorKind, Channel
from app.access.policy import Permission, require
from app.audit.chain import ChainRow
from app.authenticators.steps import (
    AccountChoiceStep,
    AccountOption,
    CredentialFormStep,
    DeviceCodeStep,
    ExternalActionStep,
    NoStep,
)
from app.connections.lifecycle import ConnectionState
from app.credentials.snapshot import NO_CREDENTIAL, Mode
from app.event_stream.event import EventType
from app.foundation.errors import (
    NotAllowedNowError,
    PatchbayError,
    PermissionDeniedError,
    StorageBusyError,
    TransientOutsideError,
)
from app.foundation.ids import new_id
from app.foundation.problems import ProblemCode, problem
from app.foundation.secret import Secret
from app.members.snapshot import CreatedToken, TokenSnapshot
from app.work.queue import KindFigures
from tests.api.graphql.fake_hub import (
    BEARER,
    NOW,
    OTHER_TOKEN,
    OTHER_WORKSPACE,
    VIEWER_TOKEN,
    WORKSPACE,
    make_connection,
    make_run,
)

OTHER = {"authorization": f"Bearer {OTHER_TOKEN}"}
VIEWER = {"authorization": f"Bearer {VIEWER_TOKEN}"}
PROBLEM = """
  __typename code message path retryable retryAfterSeconds docsUrl remediation {kind text actor url}
  ... on FieldProblem {schemaKeyword expected}
  ... on ConflictProblem {currentRevision}
  ... on ProviderProblem {providerStatus providerCode providerDetail}
  ... on MissingScopesProblem {missingScopes}
  ... on UnmetStepsProblem {unmetSteps}
"""


def data_of(answer):
    assert "errors" not in answer, answer["errors"]
    return answer["data"]


async def create(ask, hub, fault):
    hub.connections.fault = fault
    query = "mutation ($input: CreateConnectionInput!) {createConnection(input: $input) {connection {id} userErrors {"
    answer = await ask(query + PROBLEM + "}}}", {"input": {"name": "x", "integration": "generic-http"}})
    return data_of(answer)["createConnection"]


# -- problems


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (problem(ProblemCode.NOT_FOUND), {"__typename": "GenericProblem", "path": []}),
        (
            problem(
                ProblemCode.FIELD_TOO_LONG, "config", "url", details={"keyword": "maxLength", "expected": 5}
            ),
            {
                "__typename": "FieldProblem",
                "path": ["config", "url"],
                "schemaKeyword": "maxLength",
                "expected": 5,
            },
        ),
        (
            problem(ProblemCode.CONFLICT, "expectedRevision", details={"currentRevision": 7}),
            {"__typename": "ConflictProblem", "currentRevision": 7},
        ),
        (
            problem(
                ProblemCode.UPSTREAM_REJECTED,
                details={"providerStatus": 422, "providerCode": "bad", "providerDetail": "d" * 900},
            ),
            {
                "__typename": "ProviderProblem",
                "providerStatus": 422,
                "providerCode": "bad",
                "providerDetail": "d" * 300,
            },
        ),
        (
            problem(ProblemCode.MISSING_SCOPE, details={"missingScopes": ["a", "b"]}),
            {"__typename": "MissingScopesProblem", "missingScopes": ["a", "b"]},
        ),
        (
            problem(ProblemCode.NOT_ALLOWED_NOW, details={"unmetSteps": ["TEST", "NOPE"]}),
            {"__typename": "UnmetStepsProblem", "unmetSteps": ["TEST"]},
        ),
    ],
)
async def test_a_problem_is_the_member_that_tells_all_it_knows(ask, hub, made, expected):
    payload = await create(ask, hub, PatchbayError(made))
    assert payload["connection"] is None
    [told] = payload["userErrors"]
    assert told | expected == told
    assert told["code"] == made.code.value
    assert told["message"] == made.message
    assert told["docsUrl"] == f"http://hub.test/docs/problems/{made.code.value}"
    assert [step["text"] for step in told["remediation"]] == [step.text for step in made.remediation]


async def test_several_problems_come_at_once(ask, hub):
    faults = [
        problem(ProblemCode.MISSING_FIELD, "name"),
        problem(ProblemCode.UNKNOWN_INTEGRATION, "integration"),
    ]
    payload = await create(ask, hub, PatchbayError(faults))
    assert [told["path"] for told in payload["userErrors"]] == [["name"], ["integration"]]


@pytest.mark.parametrize(
    "fault",
    [
        PermissionDeniedError(problem(ProblemCode.PERMISSION_DENIED, permission="x")),
        NotAllowedNowError(problem(ProblemCode.NOT_ALLOWED_NOW, state="DRAFT")),
        StorageBusyError(),
        TransientOutsideError(problem(ProblemCode.UPSTREAM_TIMEOUT, retry_after_s=3.0)),
    ],
)
async def test_every_diagnosed_fault_of_a_mutation_is_data(ask, hub, fault):
    payload = await create(ask, hub, fault)
    assert [told["code"] for told in payload["userErrors"]] == [fault.problem.code.value]
    assert payload["userErrors"][0]["retryAfterSeconds"] == fault.problem.retry_after_s


async def test_what_is_not_diagnosed_is_masked_and_logged_without_its_text(ask, hub, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    hub.connections.fault = RuntimeError("token=sk_live_CANARY")
    query = 'mutation {createConnection(input: {name: "x", integration: "y"}) {connection {id}}}'
    answer = await ask(query)
    assert answer["data"] == {"createConnection": None}
    [error] = answer["errors"]
    assert error["message"] == "Something failed on our side."
    assert error["extensions"]["code"] == "INTERNAL"
    printed = capsys.readouterr()
    logged = caplog.text + printed.out + printed.err
    assert error["extensions"]["requestId"] in logged
    assert "RuntimeError" in logged
    assert "CANARY" not in logged + str(answer)


@pytest.mark.parametrize(
    ("fault", "code", "retryable"),
    [
        (PermissionDeniedError(problem(ProblemCode.PERMISSION_DENIED, permission="x")), "FORBIDDEN", False),
        (StorageBusyError(), "UNAVAILABLE", True),
        (
            TransientOutsideError(problem(ProblemCode.UPSTREAM_TIMEOUT, retry_after_s=3.0)),
            "UNAVAILABLE",
            True,
        ),
        (PatchbayError(problem(ProblemCode.INVALID_FIELD, "after")), "BAD_USER_INPUT", False),
        (RuntimeError("CANARY"), "INTERNAL", False),
    ],
)
async def test_a_fault_of_a_query_is_a_top_level_error(ask, hub, fault, code, retryable):
    hub.connections.fault = fault
    answer = await ask("{connections {totalCount}}")
    [error] = answer["errors"]
    assert answer["data"] == {"connections": None}
    assert error["path"] == ["connections"]
    assert set(error["extensions"]) == {"code", "requestId", "retryable", "retryAfterSeconds"}
    assert (error["extensions"]["code"], error["extensions"]["retryable"]) == (code, retryable)
    assert "CANARY" not in str(answer)


# -- who and where


async def test_the_viewer_is_told_who_it_is(ask):
    answer = data_of(
        await ask("{viewer {actor {kind id label} workspaceId role permissions}}", headers=VIEWER)
    )
    assert answer["viewer"] == {
        "actor": {"kind": "TOKEN", "id": "tok_2", "label": "CI"},
        "workspaceId": WORKSPACE,
        "role": "VIEWER",
        "permissions": ["CATALOG_READ"],
    }


async def test_the_hub_is_told(ask):
    answer = data_of(
        await ask("{hub {version publicUrl hasSandbox eventRetentionDays limits {maxDepth maxPage}}}")
    )
    assert answer["hub"] == {
        "version": "0.1.0",
        "publicUrl": "http://hub.test",
        "hasSandbox": True,
        "eventRetentionDays": 7,
        "limits": {"maxDepth": 12, "maxPage": 100},
    }


async def test_a_token_is_made_once_with_its_secret_and_revoked(ask, hub):
    snapshot = TokenSnapshot(
        "tok_9", WORKSPACE, "mem_1", "CI", (Permission.CATALOG_READ,), "abcd", NOW, None, None, None
    )
    asked = {}

    async def made(actor, **given):
        asked.update(given)
        if given["expires_in"] == timedelta(seconds=1):
            raise AssertionError
        return CreatedToken("tok_9", Secret("pbt_secret"), snapshot)

    async def revoked(actor, token_id):
        return replace(snapshot, revoked_at=NOW)

    async def listed(actor):
        require(actor, Permission.TOKENS_WRITE)
        return [snapshot]

    hub.tokens = SimpleNamespace(
        authenticate=hub.tokens.authenticate, create=made, revoke=revoked, all=listed
    )
    query = """mutation ($s: Int) {createToken(input: {name: "CI", scopes: [CATALOG_READ], expiresInSeconds: $s}) {
      secret accessToken {id name scopes hint} userErrors {path}}}"""
    payload = data_of(await ask(query, {"s": 60}))["createToken"]
    assert payload["secret"] == "pbt_secret"
    assert payload["accessToken"] == {"id": "tok_9", "name": "CI", "scopes": ["CATALOG_READ"], "hint": "abcd"}
    assert asked == {
        "name": "CI", "scopes": [Permission.CATALOG_READ], "expires_in": timedelta(seconds=60), "idempotency_key": None,
    }  # fmt: skip
    query = 'mutation {revokeToken(input: {tokenId: "tok_9"}) {accessToken {revokedAt}}}'
    assert data_of(await ask(query))["revokeToken"]["accessToken"]["revokedAt"] == "2026-01-02T03:04:05Z"
    assert data_of(await ask("{viewer {tokens {id}}}"))["viewer"]["tokens"] == [{"id": "tok_9"}]
    assert data_of(await ask("{viewer {tokens {id}}}", headers=VIEWER))["viewer"]["tokens"] is None


async def test_a_wrong_lifetime_is_told_at_the_inputs_own_field(ask, hub):
    from app.foundation.errors import InvalidInputError

    async def refused(actor, **given):
        raise InvalidInputError(
            [problem(ProblemCode.INVALID_FIELD, "expiresIn", label="The lifetime", reason="x")]
        )

    hub.tokens = SimpleNamespace(authenticate=hub.tokens.authenticate, create=refused)
    query = """mutation {createToken(input: {name: "CI", scopes: [CATALOG_READ], expiresInSeconds: 1}) {
      secret userErrors {path}}}"""
    payload = data_of(await ask(query))["createToken"]
    assert payload == {"secret": None, "userErrors": [{"path": ["expiresInSeconds"]}]}


# -- catalog


async def test_the_catalog_is_searched_filtered_and_counted(ask, hub):
    query = """query ($filter: IntegrationFilter) {integrations(search: "slak", filter: $filter, first: 5) {
      totalCount pageInfo {hasNextPage} edges {score matched cursor node {id key name redirectUri}}
      facets {field values {value label count isSelected}}}}"""
    found = data_of(await ask(query, {"filter": {"authKind": ["OAUTH2"]}}))["integrations"]
    assert [edge["node"]["key"] for edge in found["edges"]] == ["slack"]
    assert found["edges"][0]["score"] > 0
    assert found["edges"][0]["node"]["redirectUri"] == "http://hub.test/oauth/return/slack-LIVE"
    kinds = next(facet for facet in found["facets"] if facet["field"] == "AUTH_KIND")
    assert {value["value"] for value in kinds["values"] if value["isSelected"]} == {"OAUTH2"}


async def test_integrations_that_are_connected_can_be_asked_for(ask, hub):
    hub.connections.put(make_connection(integration="slack"))
    query = "query ($c: Boolean) {integrations(filter: {isConnected: $c}) {nodes {key}}}"
    connected = data_of(await ask(query, {"c": True}))["integrations"]["nodes"]
    assert connected == [{"key": "slack"}]
    others = data_of(await ask(query, {"c": False}))["integrations"]["nodes"]
    assert {"key": "slack"} not in others
    assert others


async def test_pages_of_the_catalog_run_both_ways(ask):
    query = """query ($first: Int, $after: String, $last: Int, $before: String) {
      integrations(orderBy: {field: NAME}, first: $first, after: $after, last: $last, before: $before) {
        nodes {key} pageInfo {hasNextPage hasPreviousPage startCursor endCursor}}}"""

    async def page(**variables):
        return data_of(await ask(query, variables))["integrations"]

    everything = [node["key"] for node in (await page(first=100))["nodes"]]
    walked, cursor = [], None
    while True:
        found = await page(first=3, after=cursor)
        walked += [node["key"] for node in found["nodes"]]
        cursor = found["pageInfo"]["endCursor"]
        if not found["pageInfo"]["hasNextPage"]:
            break
    assert walked == everything
    back, cursor = [], None
    while True:
        found = await page(last=3, before=cursor)
        back = [node["key"] for node in found["nodes"]] + back
        cursor = found["pageInfo"]["startCursor"]
        if not found["pageInfo"]["hasPreviousPage"]:
            break
    assert back == everything
    assert (await ask(query, {"after": "nope"}))["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_directions_turn_the_order_around(ask):
    query = "query ($o: IntegrationOrder) {integrations(orderBy: $o) {nodes {name popularity}}}"

    async def listed(field, direction):
        order = {"field": field, "direction": direction}
        return data_of(await ask(query, {"o": order}))["integrations"]["nodes"]

    names = [node["name"].casefold() for node in await listed("NAME", "ASC")]
    assert names == sorted(names)
    assert [node["name"].casefold() for node in await listed("NAME", "DESC")] == names[::-1]
    most = [node["popularity"] for node in await listed("POPULARITY", "DESC")]
    assert most == sorted(most, reverse=True)
    least = [node["popularity"] for node in await listed("POPULARITY", "ASC")]
    assert least == most[::-1]


async def test_an_integration_is_shown_whole(ask):
    query = """{integration(by: {key: "slack"}) {
      id key name summary description stage demands successor vendor homepageUrl icon categories tags popularity
      useCases setupGuide docs {title url} troubleshooting {code looksLike steps who url}
      changelog {version releasedOn impact summary body requiresAction} versions {totalCount nodes {version}}
      version(range: ">=0.0.1") {version} none: version(range: ">=99") {version}
      latestVersion {
        id version releasedOn configSchema egressHosts limits {calls perSeconds scope}
        defaultTest {method verifies params}
        authMethods {key kind title prepare credentialSchema applicationSchema scopes {name label isRequired
          sensitivity} ... on OAuth2AuthMethod {grant usesPkce canRenew}}
        methods(search: "post", effect: WRITE, first: 2) {totalCount nodes {name effect paramsSchema resultSchema
          requiredScopes isIdempotent examples {title params status body outcome}}}
        method(name: "chat.postMessage") {name} missing: method(name: "nope") {name}
        triggers {name title payloadSchema example requiredScopes} integration {key}}}}"""
    slack = data_of(await ask(query))["integration"]
    version = slack["latestVersion"]
    assert (slack["key"], slack["none"], version["missing"]) == ("slack", None, None)
    assert version["method"] == {"name": "chat.postMessage"}
    assert version["integration"] == {"key": "slack"}
    assert any(method.get("grant") == "AUTHORIZATION_CODE" for method in version["authMethods"])
    by_id = data_of(await ask("query ($id: ID!) {integration(by: {id: $id}) {key}}", {"id": slack["id"]}))
    assert by_id["integration"] == {"key": "slack"}


async def test_a_range_that_is_none_is_an_error(ask):
    answer = await ask('{integration(by: {key: "slack"}) {version(range: "nonsense") {version}}}')
    assert answer["data"] == {"integration": {"version": None}}
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_the_catalog_needs_its_permission(ask, hub, monkeypatch):
    original = hub.tokens.authenticate

    async def bare(token):
        found = await original(token)
        found.permissions = frozenset()
        return found

    hub.tokens.authenticate = bare
    answer = await ask("{integrations {totalCount}}")
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


# -- connections


CONNECTION = """
  id name description integrationKey pinnedVersion mode scope config isTested testedAt revision createdAt createdBy
  updatedAt status {state since problem {code}} nextSteps {key title help state mutation problems {code}}
  secrets {path isSet hint updatedAt} integration {key} version {version}
  auth {method requestedScopes grantedScopes missingScopes account {id label} expiresAt refreshedAt canRenew}
  viewerCan {edit authorize test activate pause resume disconnect delete} asOf lastTestRun {id}
"""


async def test_a_connection_is_shown_whole(ask, hub):
    credential = replace(
        NO_CREDENTIAL, auth_method="key", generation=1, account_id="42", account_label="ana@acme.test"
    )
    made = hub.connections.put(
        make_connection(auth=credential, problem=problem(ProblemCode.UPSTREAM_TIMEOUT))
    )
    run = hub.test_runs.put(make_run(made.id))
    found = data_of(
        await ask(f"query ($id: ID!) {{connection(by: {{id: $id}}) {{{CONNECTION}}}}}", {"id": made.id})
    )
    shown = found["connection"]
    assert shown["status"] == {
        "state": "CONNECTED",
        "since": "2026-01-02T03:04:05Z",
        "problem": {"code": "UPSTREAM_TIMEOUT"},
    }
    assert shown["secrets"] == [
        {"path": ["config", "apiKey"], "isSet": True, "hint": "…4f2a", "updatedAt": "2026-01-02T03:04:05Z"}
    ]
    assert shown["auth"]["account"] == {"id": "42", "label": "ana@acme.test"}
    assert shown["auth"]["grantedScopes"] is None
    assert shown["lastTestRun"] == {"id": run.id}
    assert shown["viewerCan"] == {
        "edit": True, "authorize": True, "test": True, "activate": False, "pause": True, "resume": False,
        "disconnect": True, "delete": True,
    }  # fmt: skip


async def test_a_definition_that_is_gone_leaves_the_connection_readable(ask, hub):
    made = hub.connections.put(make_connection(integration="gone"))
    query = "query ($id: ID!) {connection(by: {id: $id}) {name integration {key} version {version}}}"
    found = data_of(await ask(query, {"id": made.id}))["connection"]
    assert found == {"name": "Team chat", "integration": None, "version": None}


async def test_connections_are_listed_with_cursors(ask, hub):
    for name in "abcde":
        hub.connections.put(make_connection(name=name))
    hub.connections.put(make_connection(workspace_id=OTHER_WORKSPACE, name="foreign"))
    query = """query ($after: String) {connections(first: 2, after: $after) {
      totalCount nodes {name} edges {cursor node {name}} pageInfo {hasNextPage hasPreviousPage endCursor}}}"""
    first = data_of(await ask(query))["connections"]
    assert [node["name"] for node in first["nodes"]] == ["a", "b"]
    assert first["totalCount"] == 5
    second = data_of(await ask(query, {"after": first["pageInfo"]["endCursor"]}))["connections"]
    assert [edge["node"]["name"] for edge in second["edges"]] == ["c", "d"]
    assert second["pageInfo"]["hasPreviousPage"] is True


async def test_the_tests_of_a_page_are_loaded_at_once(ask, hub, monkeypatch):
    for name in "abc":
        hub.test_runs.put(make_run(hub.connections.put(make_connection(name=name)).id))
    asked = []
    original = hub.test_runs.latest

    async def latest(actor, ids):
        asked.append(ids)
        return await original(actor, ids)

    hub.test_runs.latest = latest
    found = data_of(await ask("{connections {nodes {lastTestRun {id connection {name}}}}}"))
    assert [node["lastTestRun"]["connection"]["name"] for node in found["connections"]["nodes"]] == [
        "a",
        "b",
        "c",
    ]
    assert len(asked) == 1
    assert [call for call in hub.connections.calls if call[0] == "many"] == [("many", asked[0])]


async def test_as_of_is_taken_before_anything_is_read(ask, hub):
    made = hub.connections.put(make_connection())
    hub.events.add(EventType.CONNECTION_CREATED, made.id)
    original = hub.connections.page

    async def page(*given, **parts):
        found = await original(*given, **parts)
        hub.events.add(EventType.CONNECTION_UPDATED, made.id)  # falls between reading and answering
        return found

    hub.connections.page = page
    found = data_of(await ask("{connections {nodes {asOf}} viewer {asOf}}"))
    cursor = found["connections"]["nodes"][0]["asOf"]
    assert found["viewer"]["asOf"] == cursor
    events = data_of(await ask("query ($a: EventCursor) {events(after: $a) {events {type}}}", {"a": cursor}))
    assert [event["type"] for event in events["events"]["events"]] == ["CONNECTION_UPDATED"]


async def test_no_position_is_asked_for_where_nobody_wants_it(ask, hub):
    async def position(workspace_id):
        raise AssertionError

    hub.events.position = position
    data_of(await ask("{connections {totalCount}}"))


async def test_the_journeys_mutations_hand_on_what_they_are_given(ask, hub):
    query = (
        "mutation ($input: CreateConnectionInput!) {createConnection(input: $input) {connection {id} asOf}}"
    )
    variables = {
        "input": {
            "name": "n", "integration": "slack", "version": "1.0.0", "mode": "SANDBOX", "description": "d",
            "config": {"a": [1, {"b": None}]}, "scope": "USER", "idempotencyKey": "k",
        }
    }  # fmt: skip
    made = data_of(await ask(query, variables))["createConnection"]
    assert made["asOf"].startswith("e1")
    name, asked = hub.connections.calls[-1]
    assert (name, asked["mode"], asked["config"]) == ("create", Mode.SANDBOX, {"a": [1, {"b": None}]})
    assert (asked["version"], asked["idempotency_key"]) == ("1.0.0", "k")
    id_ = made["connection"]["id"]
    query = """mutation ($input: UpdateConnectionInput!) {updateConnection(input: $input) {
      connection {name revision} userErrors {... on ConflictProblem {currentRevision}}}}"""
    renamed = data_of(await ask(query, {"input": {"connectionId": id_, "name": "m", "expectedRevision": 1}}))
    assert renamed["updateConnection"]["connection"] == {"name": "m", "revision": 2}
    stale = data_of(await ask(query, {"input": {"connectionId": id_, "name": "o", "expectedRevision": 1}}))
    assert stale["updateConnection"] == {"connection": None, "userErrors": [{"currentRevision": 2}]}
    query = """mutation ($input: UpdateConnectionConfigInput!) {updateConnectionConfig(input: $input) {
      connection {config} userErrors {path code}}}"""
    saved = data_of(await ask(query, {"input": {"connectionId": id_, "config": {"x": 1}}}))[
        "updateConnectionConfig"
    ]
    assert saved["connection"] == {"config": {"x": 1}}
    assert saved["userErrors"] == [{"path": ["config", "baseUrl"], "code": "MISSING_FIELD"}]


@pytest.mark.parametrize(
    ("verb", "input_"),
    [
        ("activateConnection", {"reason": "in a hurry", "expectedRevision": 1}),
        ("pauseConnection", {"expectedRevision": 1}),
        ("resumeConnection", {}),
        ("disconnect", {}),
        ("refreshCredentials", {}),
    ],
)
async def test_verbs_answer_with_the_connection_and_where_the_stream_stood(ask, hub, verb, input_):
    made = hub.connections.put(make_connection())
    type_ = verb[0].upper() + verb[1:]
    selection = "{connection {id asOf} asOf userErrors {code}}"
    query = f"mutation ($input: {type_}Input!) {{{verb}(input: $input) {selection}}}"
    payload = data_of(await ask(query, {"input": {"connectionId": made.id, **input_}}))[verb]
    assert payload["connection"] == {"id": made.id, "asOf": payload["asOf"]}
    assert payload["userErrors"] == []
    foreign = data_of(await ask(query, {"input": {"connectionId": made.id, **input_}}, headers=OTHER))[verb]
    missing = data_of(await ask(query, {"input": {"connectionId": new_id("conn"), **input_}}))[verb]
    assert foreign == missing == {"connection": None, "asOf": None, "userErrors": [{"code": "NOT_FOUND"}]}


async def test_a_deleted_connection_is_named(ask, hub):
    made = hub.connections.put(make_connection())
    query = (
        "mutation ($id: ID!) {deleteConnection(input: {connectionId: $id}) {deletedConnectionId name asOf}}"
    )
    payload = data_of(await ask(query, {"id": made.id}))["deleteConnection"]
    assert (payload["deletedConnectionId"], payload["name"]) == (made.id, "Team chat")
    assert hub.connections.rows == {}


async def test_a_configuration_is_checked_without_effect(ask):
    query = 'query ($c: JSON!) {validateConfig(input: {integration: "slack", config: $c}) {isValid problems {path}}}'
    answer = data_of(await ask(query, {"c": {}}))["validateConfig"]
    assert answer == {"isValid": False, "problems": [{"path": ["config", "baseUrl"]}]}


# -- authorizations


STEP = """step {__typename ... on RedirectStep {title launchUrl redirectUri scopes}
  ... on CredentialFormStep {title schema help docs {url} prefilled}
  ... on DeviceCodeStep {userCode verificationUrl verificationUrlComplete expiresInSeconds intervalSeconds}
  ... on AccountChoiceStep {options {id label}} ... on ExternalActionStep {instructions url copyValues {label value}}
  ... on NoStep {title}}"""


async def test_an_authorization_begins_and_goes_on(ask, hub):
    made = hub.connections.put(make_connection())
    query = f"""mutation ($input: BeginAuthorizationInput!) {{beginAuthorization(input: $input) {{
      authorization {{id state seq isFinal scopes connection {{id}} {STEP}}} userErrors {{code}}}}}}"""
    given = {
        "connectionId": made.id,
        "authMethod": "oauth",
        "scopes": ["a"],
        "returnTo": "https://app.test/x",
    }
    begun = data_of(await ask(query, {"input": given}))["beginAuthorization"]["authorization"]
    assert begun["step"] == {
        "__typename": "RedirectStep",
        "title": "Sign in",
        "launchUrl": "http://hub.test/oauth/start/auth_1",
        "redirectUri": "http://hub.test/oauth/return/app_1",
        "scopes": ["a"],
    }
    assert hub.authorizations.received[-1] == {
        "auth_method": "oauth", "scopes": ["a"], "application_id": None,
        "return_to": "https://app.test/x", "presentation": "POPUP",
        "idempotency_key": None, "expected_revision": None,
    }  # fmt: skip
    for verb, more in (("chooseAccount", {"accountId": "1"}), ("cancelAuthorization", {})):
        type_ = verb[0].upper() + verb[1:]
        query = f"mutation ($input: {type_}Input!) {{{verb}(input: $input) {{authorization {{id}}}}}}"
        payload = data_of(await ask(query, {"input": {"authorizationId": begun["id"], **more}}))[verb]
        assert payload["authorization"] == {"id": begun["id"]}


async def test_credentials_are_secret_from_the_first_moment(ask, hub):
    begun = hub.authorizations.begun("conn_1")
    query = """mutation ($input: SubmitCredentialsInput!) {submitCredentials(input: $input) {
      authorization {step {__typename ... on CredentialFormStep {schema}}}}}"""
    credentials = {"key": "CANARY", "nested": {"list": ["CANARY", 1, None, True]}}
    given = {"input": {"authorizationId": begun.id, "credentials": credentials}}
    payload = data_of(await ask(query, given))["submitCredentials"]
    assert payload["authorization"]["step"]["__typename"] == "CredentialFormStep"
    received = hub.authorizations.received[-1]
    assert "CANARY" not in repr(received)
    assert received["key"].reveal() == "CANARY"
    assert received["nested"]["list"][0].reveal() == "CANARY"
    assert received["nested"]["list"][1:] == [1, None, True]


async def test_a_callback_is_handed_on_with_the_browser_that_brings_it(client, ask, hub):
    begun = hub.authorizations.begun("conn_1")
    query = """mutation ($input: CompleteAuthorizationInput!) {completeAuthorization(input: $input) {
      authorization {id}}}"""
    given = {"authorizationId": begun.id, "callbackUrl": "https://app.test/cb?code=CANARY&state=s"}
    headers = {**BEARER, "cookie": "patchbay-browser=b1"}
    data_of(await ask(query, {"input": given}, headers=headers))
    url, browser = hub.authorizations.received[-1]
    assert url == given["callbackUrl"]
    assert browser == Secret("b1")
    data_of(await ask(query, {"input": given}))
    assert not hub.authorizations.received[-1][1]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (
            CredentialFormStep("t", {"type": "object"}, prefilled={"a": 1}),
            {"title": "t", "schema": {"type": "object"}, "help": None, "docs": [], "prefilled": {"a": 1}},
        ),
        (
            DeviceCodeStep("t", "ABCD", "https://x.test/d", None, 600, 5),
            {
                "userCode": "ABCD",
                "verificationUrl": "https://x.test/d",
                "verificationUrlComplete": None,
                "expiresInSeconds": 600,
                "intervalSeconds": 5,
            },
        ),
        (AccountChoiceStep("t", (AccountOption("1", "One"),)), {"options": [{"id": "1", "label": "One"}]}),
        (
            ExternalActionStep("t", "Do it", None, {"Redirect URL": "https://h.test"}),
            {
                "instructions": "Do it",
                "url": None,
                "copyValues": [{"label": "Redirect URL", "value": "https://h.test"}],
            },
        ),
        (NoStep(), {"title": "The hub goes on by itself"}),
        (None, None),
    ],
)
async def test_every_step_has_its_form(ask, hub, step, expected):
    begun = hub.authorizations.begun("conn_1")

    async def many(actor, ids):
        return {begun.id: replace(begun, step=step)}

    hub.authorizations.many = many
    found = data_of(await ask(f"query ($id: ID!) {{authorization(id: $id) {{{STEP}}}}}", {"id": begun.id}))
    shown = found["authorization"]["step"]
    if shown is not None:
        assert shown.pop("__typename") == type(step).__name__
    assert shown == expected


# -- tests, events, audit, applications


async def test_a_test_is_run_waited_for_and_cancelled(ask, hub):
    made = hub.connections.put(make_connection())
    query = """mutation ($input: TestConnectionInput!) {testConnection(input: $input) {
      testRun {id state verdict durationMs steps {index kind title state durationMs message evidence}}
      userErrors {path code}}}"""
    run = data_of(await ask(query, {"input": {"connectionId": made.id}}))["testConnection"]["testRun"]
    assert run["steps"] == [
        {"index": 0, "kind": "CONFIGURATION", "title": "Check", "state": "PASSED", "durationMs": 3,
         "message": "fine", "evidence": {"fields": 1}}
    ]  # fmt: skip
    assert hub.test_runs.waited == []
    for wait_ms, waited in ((10_000, [10_000]), (10_001, [10_000]), (-1, [10_000])):
        answer = data_of(await ask(query, {"input": {"connectionId": made.id, "waitMs": wait_ms}}))[
            "testConnection"
        ]
        assert hub.test_runs.waited == waited
        assert bool(answer["userErrors"]) is (wait_ms != 10_000)
    query = "mutation ($id: ID!) {cancelTestRun(input: {runId: $id}) {testRun {state}}}"
    assert data_of(await ask(query, {"id": run["id"]}))["cancelTestRun"]["testRun"] == {"state": "CANCELLED"}


async def test_events_are_paged_by_cursor(ask, hub):
    for number in range(5):
        hub.events.add(EventType.CONNECTION_CREATED, f"conn_{number}")
    query = """query ($after: EventCursor, $filter: EventFilter) {events(after: $after, filter: $filter, first: 2) {
      cursor hasMore reset {reason earliest latest} events {id cursor type occurredAt correlationId data connectionId
      connection {id} subject {type id} actor {kind label}}}}"""
    first = data_of(await ask(query))["events"]
    assert [event["data"]["n"] for event in first["events"]] == [1, 2]
    assert first["hasMore"] is True
    second = data_of(await ask(query, {"after": first["cursor"]}))["events"]
    assert [event["data"]["n"] for event in second["events"]] == [3, 4]
    assert second["events"][0]["connection"] is None
    filtered = data_of(await ask(query, {"filter": {"connectionIds": ["conn_4"]}}))["events"]
    assert [event["data"]["n"] for event in filtered["events"]] == [5]
    foreign = await ask(query, {"after": first["cursor"]}, headers=OTHER)
    assert foreign["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    denied = await ask(query, headers=VIEWER)
    assert denied["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_a_cursor_that_reads_no_more_is_a_reset(ask, hub):
    from app.event_stream.event import encode_cursor

    query = "query ($after: EventCursor) {events(after: $after) {events {id} reset {reason}}}"
    answer = data_of(await ask(query, {"after": encode_cursor(WORKSPACE, 99)}))["events"]
    assert answer == {"events": [], "reset": {"reason": "CURSOR_EXPIRED"}}


async def test_the_audit_log_is_listed_and_guarded(ask, hub):
    entry = ChainRow(
        id=new_id("aud"), workspace_id=WORKSPACE, seq=1, at=NOW, actor_kind=ActorKind.MEMBER, actor_id="mem_1",
        actor_label="Olive", via=Channel.CLI, ip_hash=None, request_id="req_1", action="connection.created",
        target_type="connection", target_id="conn_1", target_label="Team chat", outcome="OK", detail={"a": 1},
    )  # fmt: skip
    hub.audit.rows.append(entry)
    query = """{auditLog(filter: {outcomes: [OK], since: "2026-01-01T00:00:00+01:00"}) {totalCount nodes {id seq at
      actor {label} via action target {type id label} outcome detail requestId ipHash}}}"""
    [shown] = data_of(await ask(query))["auditLog"]["nodes"]
    assert (shown["action"], shown["via"], shown["outcome"]) == ("connection.created", "CLI", "OK")
    assert shown["target"] == {"type": "connection", "id": "conn_1", "label": "Team chat"}
    denied = await ask("{auditLog {totalCount}}", headers=VIEWER)
    assert denied["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_background_work_is_counted_by_kind_for_those_who_may(ask, hub):
    hub.work.rows.append(KindFigures("renewal", 3, 2, 1, 4, 5, NOW))
    query = "{backgroundWork {kind due late leased retrying givenUp oldestDueAt}}"
    [shown] = data_of(await ask(query))["backgroundWork"]
    assert [*shown.values()][:-1] == ["renewal", 3, 2, 1, 4, 5]
    assert datetime.fromisoformat(shown["oldestDueAt"]) == NOW
    denied = await ask("{backgroundWork {kind}}", headers=VIEWER)
    assert denied["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_an_application_is_saved_with_its_secret_and_shown_without(ask, hub):
    query = """mutation ($input: SaveApplicationInput!) {saveApplication(input: $input) {application {
      id clientId source mode fields redirectUri revision secret {isSet hint} integration {key} problem {code}}}}"""
    given = {"integration": "slack", "clientId": "id", "clientSecret": "CANARY", "fields": {"tenant": "t"}}
    saved = data_of(await ask(query, {"input": given}))["saveApplication"]["application"]
    assert saved["secret"] == {"isSet": True, "hint": None}
    assert hub.applications.secrets[-1].reveal() == "CANARY"
    listed = data_of(await ask("{applications {id}}"))["applications"]
    assert listed == [{"id": saved["id"]}]
    assert data_of(await ask("{applications {id}}", headers=OTHER))["applications"] == []
    query = "mutation ($id: ID!) {deleteApplication(input: {applicationId: $id}) {deletedApplicationId}}"
    assert data_of(await ask(query, {"id": saved["id"]}))["deleteApplication"] == {
        "deletedApplicationId": saved["id"]
    }


# -- any object by its id


async def test_every_object_is_found_by_its_id_and_foreign_like_missing(ask, hub):
    connection = hub.connections.put(make_connection())
    run = hub.test_runs.put(make_run(connection.id))
    begun = hub.authorizations.begun(connection.id)
    saved = await hub.applications.save(
        SimpleNamespace(workspace_id=WORKSPACE, permissions=frozenset(Permission)),
        integration="slack", mode=Mode.LIVE, client_id="x", fields={},
    )  # fmt: skip
    integration = hub.catalog.integration("slack")
    version = data_of(await ask('{integration(by: {key: "slack"}) {latestVersion {id}}}'))
    ids = [
        connection.id,
        run.id,
        begun.id,
        saved.id,
        integration.id,
        version["integration"]["latestVersion"]["id"],
    ]
    query = "query ($ids: [ID!]!) {nodes(ids: $ids) {__typename id}}"
    found = data_of(await ask(query, {"ids": ids}))["nodes"]
    assert [node["id"] for node in found] == ids
    assert [node["__typename"] for node in found] == [
        "Connection", "TestRun", "Authorization", "Application", "Integration", "IntegrationVersion",
    ]  # fmt: skip
    one = data_of(await ask("query ($id: ID!) {node(id: $id) {id}}", {"id": run.id}))
    assert one["node"] == {"id": run.id}
    foreign = data_of(await ask(query, {"ids": ids}, headers=OTHER))["nodes"]
    assert [node and node["__typename"] for node in foreign] == [
        None, None, None, None, "Integration", "IntegrationVersion",
    ]  # fmt: skip
    swapped = [
        f"{prefix}_{id_.split('_')[1]}" for id_ in ids[:4] for prefix in ("conn", "run", "auth", "app", "aud")
    ]
    swapped = [id_ for id_ in swapped if id_ not in ids]
    assert data_of(await ask(query, {"ids": swapped}))["nodes"] == [None] * len(swapped)


@pytest.mark.parametrize(
    "id_",
    ["", "x", "conn", "conn_", "Cred:abc", "c" * 100_000, "9" * 5_000, "conn_" + "0" * 26, "wks_" + "0" * 26],
)
async def test_an_id_that_is_none_is_answered_like_a_missing_one(ask, id_):
    missing = await ask("query ($id: ID!) {node(id: $id) {id}}", {"id": new_id("conn")})
    answer = await ask("query ($id: ID!) {node(id: $id) {id}}", {"id": id_})
    assert answer == missing
    for query in (
        "connection(by: {id: $id})",
        "authorization(id: $id)",
        "testRun(id: $id)",
        "application(id: $id)",
    ):
        answer = await ask(f"query ($id: ID!) {{found: {query} {{id}}}}", {"id": id_})
        assert answer["data"] == {"found": None}


async def test_a_foreign_object_is_answered_exactly_like_a_missing_one(ask, hub):
    mine = {
        "connection(by: {id: $id})": hub.connections.put(make_connection()).id,
        "testRun(id: $id)": hub.test_runs.put(make_run("conn_1")).id,
        "authorization(id: $id)": hub.authorizations.begun("conn_1").id,
    }
    for query, id_ in mine.items():
        foreign = await ask(f"query ($id: ID!) {{found: {query} {{id}}}}", {"id": id_}, headers=OTHER)
        missing = await ask(
            f"query ($id: ID!) {{found: {query} {{id}}}}", {"id": new_id("run")}, headers=OTHER
        )
        assert foreign == missing


async def test_states_of_a_draft_cannot_be_authorized(ask, hub):
    made = hub.connections.put(make_connection(state=ConnectionState.DRAFT))
    query = "query ($id: ID!) {connection(by: {id: $id}) {viewerCan {authorize disconnect}}}"
    found = data_of(await ask(query, {"id": made.id}))["connection"]
    assert found["viewerCan"] == {"authorize": False, "disconnect": False}
