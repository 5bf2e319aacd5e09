"""The door before clients that we did not write: the audits of graphql-http, and graphql-ws (npm) and gql (PyPI)."""

import json

import pytest
from gql import Client, gql
from gql.transport.websockets import WebsocketsTransport

from tests.api.graphql.fake_hub import TOKEN, make_run
from tests.node_clients import run_node

PROGRESS = "subscription ($id: ID!) {testProgress(runId: $id) {seq isFinal testRun {id verdict}}}"
STATES = "subscription ($id: ID!) {authState(by: {authorizationId: $id}) {seq state}}"


@pytest.mark.node
async def test_all_audits_of_graphql_over_http_pass_without_a_warning(server):
    code, out, err = await run_node("audits.mjs", f"{server.http}/graphql")
    assert code == 0, err
    audits = [json.loads(line) for line in out.splitlines()]
    assert [audit for audit in audits if audit["status"] != "ok"] == []
    assert len(audits) == 61


async def follow_with_graphql_ws(server, query, id_):
    asked = {"url": f"{server.ws}/graphql", "token": TOKEN, "query": query, "variables": {"id": id_}}
    code, out, err = await run_node("follow.mjs", json.dumps(asked))
    assert code == 0, err
    return [json.loads(line)["data"] for line in out.splitlines()]


@pytest.mark.node
async def test_graphql_ws_follows_a_test_and_an_authorization_to_the_end(server, hub):
    run = hub.test_runs.put(make_run("conn_1"))
    progress = await follow_with_graphql_ws(server, PROGRESS, run.id)
    assert [message["testProgress"]["isFinal"] for message in progress] == [False, True]
    begun = hub.authorizations.begun("conn_1")
    states = await follow_with_graphql_ws(server, STATES, begun.id)
    assert [message["authState"]["state"] for message in states] == ["AWAITING_USER", "AUTHENTICATED"]


async def follow_with_gql(server, query, id_):
    transport = WebsocketsTransport(
        url=f"{server.ws}/graphql",
        init_payload={"authorization": f"Bearer {TOKEN}"},
        subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
    )
    document = gql(query)
    document.variable_values = {"id": id_}
    async with Client(transport=transport) as session:
        return [message async for message in session.subscribe(document)]


async def test_gql_follows_a_test_and_an_authorization_to_the_end(server, hub):
    run = hub.test_runs.put(make_run("conn_1"))
    progress = await follow_with_gql(server, PROGRESS, run.id)
    assert progress[-1]["testProgress"] == {
        "seq": 2,
        "isFinal": True,
        "testRun": {"id": run.id, "verdict": "PASSED"},
    }
    begun = hub.authorizations.begun("conn_1")
    states = await follow_with_gql(server, STATES, begun.id)
    assert [message["authState"]["seq"] for message in states] == [1, 2]
