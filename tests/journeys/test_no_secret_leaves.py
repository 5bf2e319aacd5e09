"""No secret leaves: the outside tells everything it was told, people paste secrets in wrong places, and no door, no
subscription, no log at DEBUG and no row shows one. The watch of :mod:`tests.canary` looks at all of them."""

from __future__ import annotations

import json

import httpx
import pytest
import websockets

from tests.canary import secret
from tests.fakes.echo import WAYS, Echo, running_echo
from tests.journeys import documents
from tests.journeys.client import Client
from tests.journeys.journey import Journey
from tests.journeys.plans import GENERIC_HTTP, STRIPE, Plan

STATUSES = (200, 302, 400, 401, 403, 404, 429, 500)
AWKWARD = 'p"&=+% \\<ä>/'
EVERYTHING = """
query Everything($connection: ID!, $run: ID!) {
  connection(by: {id: $connection}) {
    id name config status { problem { message remediation { text url } } } secrets { path isSet hint }
    nextSteps { problems { message } } lastTestRun { problem { message } }
  }
  testRun(id: $run) {
    problem { message }
    steps {
      message evidence problem { code message ... on ProviderProblem { providerCode } }
      exchange {
        asCurl redactions request { url headers { name value } body } response { headers { name value } body }
      }
    }
  }
  events(first: 100) { events { data } }
  auditLog(first: 100) { nodes { action detail target { label } } }
}"""

COMPLETE = """
mutation Complete($input: CompleteAuthorizationInput!) {
  completeAuthorization(input: $input) { userErrors { code message path } }
}"""


@pytest.fixture
async def echo():
    async with running_echo() as echo:
        yield echo


def plan_of(echo: Echo, auth_method: str, credentials: dict[str, str] | None = None) -> Plan:
    config = {"baseUrl": f"{echo.address}/api", "testPath": "/me?page=1", "headerName": "X-Weird-Name"}
    return GENERIC_HTTP.but(mode="LIVE", auth_method=auth_method, config=config, credentials=credentials)


async def look_at_everything(journey: Journey, run_id: str) -> dict:
    """Ask for all that can be asked about a connection; the watch reads the answer as it comes."""
    return await journey.client.ask(EVERYTHING, connection=journey.id, run=run_id)


@pytest.mark.parametrize("auth_method", ["api-key", "bearer", "basic"])
async def test_what_an_api_tells_of_the_credentials_stays_hidden(
    client: Client, echo: Echo, auth_method: str
):
    credentials = {
        "api-key": {"key": secret('Token k"&=+%/')},
        "bearer": {"token": secret("ey.", "-_~+/==")},
        "basic": {"username": "ada", "password": secret(AWKWARD, AWKWARD)},
    }[auth_method]
    journey = Journey(client, plan_of(echo, auth_method, credentials))
    await journey.create()
    await journey.configure()
    await journey.authorize()

    for status in STATUSES:
        echo.answers(status, WAYS[status % len(WAYS)])
        run = await journey.tested()
        seen = await look_at_everything(journey, run["id"])
        exchanges = [step["exchange"] for step in seen["testRun"]["steps"] if step["exchange"]]
        assert exchanges, f"nothing was recorded at {status}"
    assert echo.asked >= len(STATUSES)


@pytest.mark.parametrize("way", WAYS)
async def test_an_answer_of_any_kind_hides_the_credentials(client: Client, echo: Echo, way: str):
    journey = Journey(client, plan_of(echo, "basic", {"username": "ada", "password": secret(AWKWARD)}))
    echo.answers(200, way)
    await journey.create()
    await journey.configure()
    await journey.authorize()

    run = await journey.tested()
    await look_at_everything(journey, run["id"])

    assert echo.asked


@pytest.fixture
async def oauth(client: Client, echo: Echo) -> Journey:
    """Return a journey to the echo's authorization server, whose application has a secret of ours."""
    config = {
        "authorizeUrl": f"{echo.address}/authorize",
        "tokenUrl": f"{echo.address}/token",
        "revokeUrl": f"{echo.address}/revoke",
        "baseUrl": echo.address,
        "testPath": "/me",
    }
    await client.verb(
        "saveApplication",
        integration="generic-oauth2",
        origins=[echo.address],
        clientId="the-client",
        clientSecret=secret(AWKWARD),
    )
    journey = Journey(client, Plan("generic-oauth2", "oauth", config, mode="LIVE", needs_config=True))
    await journey.create()
    await journey.configure()
    return journey


async def test_what_a_token_endpoint_tells_stays_hidden(echo: Echo, oauth: Journey):
    for number, status in enumerate(STATUSES[1:]):
        echo.answers(status, WAYS[number % len(WAYS)], tells_tokens=False)
        states = await authorized(oauth)
        assert states[-1]["state"] == "FAILED", (status, states)

    echo.answers(200, "json", tells_tokens=False)
    assert (await authorized(oauth))[-1]["state"] == "FAILED"


async def test_tokens_stay_hidden_through_use_renewal_and_revocation(echo: Echo, oauth: Journey):
    assert (await authorized(oauth))[-1]["state"] == "AUTHENTICATED"
    for status in STATUSES:
        echo.answers(status, WAYS[status % len(WAYS)])
        await look_at_everything(oauth, (await oauth.tested())["id"])
    echo.answers(200)
    await authorized(oauth)
    assert (await oauth.tested())["verdict"] == "INCONCLUSIVE"  # the echo answers made-up tokens too

    await oauth.client.verb("refreshCredentials", connectionId=oauth.id)
    echo.answers(500, "html")
    await oauth.client.refused("refreshCredentials", connectionId=oauth.id)
    echo.answers(400, "json")
    await oauth.client.refused("refreshCredentials", connectionId=oauth.id)
    echo.answers(503, "text")
    await oauth.client.verb("disconnect", connectionId=oauth.id)

    assert len(echo.issued) >= 6
    await look_at_everything(oauth, (await oauth.now())["lastTestRun"]["id"])


async def authorized(journey: Journey) -> list[dict]:
    """Let the browser go to the echo and back; return the authorization's states."""
    async with journey.client.follow(documents.AUTH_STATE, by={"connectionId": journey.id}) as states:
        begun = await journey.begin()
        async with httpx.AsyncClient(trust_env=False, follow_redirects=True, timeout=20) as browser:
            await browser.get(begun["step"]["launchUrl"])

        def is_last(data: dict) -> bool:
            state = data["authState"]
            return state["isFinal"] and state["authorization"]["id"] == begun["id"]

        return [data["authState"] for data in await states.until(is_last)]


async def test_secrets_in_wrong_places_are_not_told_back(client: Client):
    journey = Journey(client, STRIPE)
    await journey.create()
    authorization = (await journey.begin())["id"]
    value = secret("sk_live_")
    for credentials in (
        value,
        [value],
        {"key": [value]},
        {"key": {"value": value}},
        {"key": value + " "},
    ):
        given = {"authorizationId": authorization, "credentials": credentials}
        await raw(client, documents.VERBS["submitCredentials"], {"input": given})
    for wrong in (
        value,
        {"clientSecret": value},
        {"integration": "slack", "clientId": 1, "clientSecret": value},
        [value],
    ):
        await raw(client, documents.VERBS["saveApplication"], {"input": wrong})
    for document in (
        f'mutation {{ saveApplication(input: {{clientSecret: "{value}" }}) {{ __typename }} }}',
        f'mutation {{ saveApplication(input: {{clientSecret: "{value}',
        f'mutation {{ saveApplication(clientSecret: "{value}") {{ __typename }} }}',
        f'{{ connection(by: {{id: 1, name: "{value}" }}) {{ id }} }}',
        f'query ($a: String = "{value}") {{ connection(by: "{value}") {{ id(a: "{value}") }} }}',
        f'{{ node(id: "{value}") {{ id }} }}',
        f'"{value}"',
    ):
        await raw(client, document, {value: value})
    callback = {
        "authorizationId": authorization,
        "callbackUrl": f"{client.address}/oauth/return/x?code={value}&state=s",
    }
    await raw(client, COMPLETE, {"input": callback})
    await raw(client, COMPLETE, {"input": {**callback, "callbackUrl": value}})


async def raw(client: Client, document: str, variables: object) -> None:
    """Ask whatever it is; the answer is looked at by the watch, and is no fault of the hub."""
    answer = await client.http.post(
        f"{client.address}/graphql", json={"query": document, "variables": variables}
    )
    assert answer.status_code < 500, answer.text
    assert "INTERNAL" not in answer.text


async def test_what_the_http_doors_are_sent_is_not_told_back(client: Client):
    value = secret("sk_live_")
    async with httpx.AsyncClient(trust_env=False, base_url=client.address, timeout=20) as http:
        for path in (
            "/graphql",
            "/oauth/return/app_1",
            "/oauth/start/auth_1",
            "/sign-in",
            "/graphiql",
            "/metrics",
            "/docs/problems/X",
        ):
            answers = [
                await http.get(
                    path, params={"code": value, "state": value, "query": f'{{ a(b: "{value}") }}'}
                ),
                await http.get(
                    path, headers={"Authorization": f"Bearer {value}", "Cookie": f"__Host-session={value}"}
                ),
                await http.post(
                    path,
                    content=f'{{"query": "{value}", {value}',
                    headers={"Content-Type": "application/json"},
                ),
                await http.post(path, data={"code": value}),
            ]
            assert [answer.status_code for answer in answers if answer.status_code >= 500] == []


async def test_what_a_websocket_is_sent_is_not_told_back(client: Client):
    value = secret("sk_live_")
    address = client.address.replace("http", "ws", 1) + "/graphql"
    init = {"type": "connection_init", "payload": {"authorization": client.http.headers["Authorization"]}}
    submit = {
        "query": documents.VERBS["submitCredentials"],
        "variables": {"input": {"credentials": {"key": value}}},
    }
    wrong = {"query": f'subscription {{ authState(x: "{value}") {{ seq }} }}', "variables": {"a": value}}
    for messages in (
        [{"type": "connection_init", "payload": {"authorization": f"Bearer {value}"}}],
        [init, {"type": "subscribe", "id": "1", "payload": submit}],
        [init, {"type": "subscribe", "id": "1", "payload": wrong}],
        [init, {"type": "subscribe", "id": value * 20, "payload": wrong}],
        [init, {"type": value}],
        [value],
    ):
        assert value not in str(await answers_to(messages, address))


async def answers_to(messages: list, address: str) -> list[object]:
    """Send messages over a websocket of their own; return as many answers, or up to the close and its reason."""
    protocol = websockets.Subprotocol("graphql-transport-ws")
    answers: list[object] = []
    async with websockets.connect(address, subprotocols=[protocol], proxy=None) as socket:
        for message in messages:
            await socket.send(json.dumps(message))
        try:
            while len(answers) < len(messages):
                answers.append(await socket.recv())
        except websockets.ConnectionClosed as closed:
            answers.append(closed.rcvd and closed.rcvd.reason)
    return answers
