"""A hub with one of everything, its GraphQL door, and everybody who may knock: each role, each scope."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from graphql import is_required_argument
from starlette.applications import Starlette

from app.access.actor import Actor
from app.access.policy import ALL_PERMISSIONS, Permission, Role
from app.api.graphql.endpoint import graphql_routes
from app.api.graphql.schema import NODE_LOADERS
from app.api.http.cookies import SESSION
from app.connections.snapshot import Mode
from app.foundation.ids import new_id
from app.foundation.secret import Secret
from app.hub import Hub
from app.members.bearer import bearer_hash, new_bearer
from app.members.models import AccessTokenRecord, MemberRecord, SessionRecord
from tests.factories.operations import PLACES, ROOTS, filled, operation_with, selection
from tests.hubs import owner
from tests.permissions.table import ROLES, ROWS, Row

Headers = Mapping[str, str]
KINDS = {
    "connectionId": "conn",
    "authorizationId": "auth",
    "tokenId": "tok",
    "runId": "run",
    "applicationId": "app",
}
OWN_IDS = {
    "authorization": "auth",
    "testRun": "run",
    "application": "app",
    "connection": "conn",
    "integration": "intg",
    "node": "sil",  # no kind of node: the rows of nodes say what their types need
    "nodes": "sil",
}
SPECIAL = {
    "Query.integrations(isConnected)": "{integrations(filter: {isConnected: true}) {totalCount}}",
    "Query.integration(key)": '{integration(by: {key: "slack"}) {id}}',
    "Query.connection(name)": '{connection(by: {name: "One"}) {id}}',
    "Viewer.tokens": "{viewer {tokens {id}}}",
}
NODE_PREFIXES = {
    "Integration": "intg",
    "IntegrationVersion": "ver",
    "Connection": "conn",
    "Authorization": "auth",
    "Revocation": "rev",
    "TestRun": "run",
    "Application": "app",
    "AuditEntry": "aud",
    "Event": "evt",
    "AccessToken": "tok",
    "Workspace": "wks",
}
assert set(NODE_PREFIXES.values()) == set(NODE_LOADERS)


@dataclass
class Door:
    """The door of one hub. ``ids`` are those of what is there, by prefix."""

    hub: Hub
    app: Starlette
    owner: Actor
    ids: dict[str, str]
    members: dict[Role, Headers] = field(default_factory=dict)
    tokens: dict[frozenset[Permission], Headers] = field(default_factory=dict)
    lowered: Headers = field(default_factory=dict)

    async def asked(self, row: Row, headers: Headers, *, about_real: bool) -> str:
        """Ask what a row is about as somebody; return how it was answered: allowed or refused, with the answer."""
        query, variables = operation_of(row, self.ids if about_real else {})
        return await self.answer(row, query, variables, headers)

    async def answer(self, row: Row, query: str, variables: Any, headers: Headers) -> str:
        is_stream = row.parent == "Subscription"
        accept = "text/event-stream" if is_stream else "application/json"
        body = {"query": query, "variables": variables}
        text = await knock(self.app, body, {"accept": accept, **headers})
        content = json.loads(text.partition("data: ")[2].partition("\n\n")[0] if is_stream else text)
        codes = {error["extensions"]["code"] for error in content.get("errors", ())}
        assert not codes & {"VALIDATION_FAILED", "INTERNAL", "BAD_REQUEST", "PARSE_FAILED"}, content
        return "refused" if is_refusal(row, content) else f"allowed: {json.dumps(content)[:300]}"


def is_refusal(row: Row, content: Any) -> bool:
    for error in content.get("errors", ()):
        # deeper in the answer it is a field of what the operation may show
        is_whole = len(error.get("path") or ()) < 2
        if is_whole and error["extensions"]["code"] in {"FORBIDDEN", "UNAUTHENTICATED"}:
            return True
    if row.is_null:
        return content["data"]["viewer"] is None or content["data"]["viewer"]["tokens"] is None
    payload = (content.get("data") or {}).get(row.field) or {}
    faults = payload.get("userErrors", ()) if isinstance(payload, dict) else ()
    return any(fault["code"] == "PERMISSION_DENIED" and not fault["path"] for fault in faults)


def operation_of(row: Row, ids: Mapping[str, str]) -> tuple[str, Any]:
    """Return document and variables of the smallest operation about what there is, or about what is missing."""
    if row.operation in SPECIAL:
        return SPECIAL[row.operation], None
    if row.parent == "Node":
        id_ = _id(ids, NODE_PREFIXES[row.field])
        return "query ($id: ID!) {node(id: $id) {id}}", {"id": id_}
    kind = row.parent.lower()
    definition = ROOTS[kind].fields[row.field]
    required = [name for name, argument in definition.args.items() if is_required_argument(argument)]
    places = [place for place in PLACES if place[:2] == (kind, row.field) and place[2] in required]
    if places:
        place = places[0]
        name = place[3][-1] if place[3] else place[2]
        id_ = _id(ids, KINDS.get(name) or OWN_IDS[row.field])
        made = operation_with(*place, id_)
        return made.query, made.variables
    given = {name: filled(definition.args[name].type, None, None) for name in required}
    declared = ", ".join(f"${name}: {definition.args[name].type}" for name in given)
    used = ", ".join(f"{name}: ${name}" for name in given)
    head, arguments = (f" ({declared})", f"({used})") if given else ("", "")
    return f"{kind}{head} {{{row.field}{arguments} {selection(definition.type)}}}", given


def _id(ids: Mapping[str, str], prefix: str) -> str:
    return ids.get(prefix) or new_id(prefix)


async def knock(app: Starlette, body: Any, headers: Headers) -> str:
    """Send one POST; return the whole answer, of a stream what comes until its first event is there."""
    wanted = asyncio.Event()
    sent: list[bytes] = []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "query_string": b"",
        "root_path": "",
        "headers": [
            (name.encode(), value.encode())
            for name, value in {"host": "hub.test", "content-type": "application/json", **headers}.items()
        ],
        "client": ("127.0.0.1", 1),
        "server": ("hub.test", 80),
    }
    requests = [{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}]

    async def receive():
        if requests:
            return requests.pop()
        await wanted.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        if message["type"] == "http.response.start":
            assert message["status"] == 200, message
            return
        sent.append(message.get("body", b""))
        if not message.get("more_body") or b"data: " in sent[-1]:
            wanted.set()

    async with asyncio.timeout(20):
        await app(scope, receive, send)
    return b"".join(sent).decode()


@asynccontextmanager
async def door_of(hub: Hub) -> AsyncIterator[Door]:
    """Furnish a hub and open its door; its database is bound."""
    with hub.database.bind():
        actor = await owner(hub)
        door = Door(hub, Starlette(routes=graphql_routes(hub)), actor, await furnished(hub, actor))
        door.members = {role: await session(hub, actor, role) for role in ROLES}
        singly = [frozenset({one}) for one in Permission]
        for scopes in {
            *singly, *(ALL_PERMISSIONS - one for one in singly), *(row.scopes for row in ROWS if row.scopes),
            ALL_PERMISSIONS,
        }:  # fmt: skip
            door.tokens[scopes] = await token(hub, actor, scopes)
        door.lowered = await token(hub, actor, ALL_PERMISSIONS, "Lowered")
        looking = await MemberRecord.get(role=Role.VIEWER.value)
        await AccessTokenRecord.filter(name="Lowered").update(member_id=looking.id)
        for headers in [*door.members.values(), *door.tokens.values(), door.lowered]:
            await knock(door.app, {"query": "{__typename}"}, headers)  # last use is noted once a minute
        yield door


async def furnished(hub: Hub, actor: Actor) -> dict[str, str]:
    """Make one of everything that has an id, where a verb would change something if it were let through."""
    config = {"baseUrl": "https://api.test", "testPath": "/"}
    ended = await hub.connections.create(actor, name="Two", integration="slack", mode=Mode.SANDBOX)
    made = await hub.connections.create(actor, name="One", integration="generic-http", config=config)
    begun = await hub.authorizations.begin(actor, made.connection.id, auth_method="bearer")
    await hub.authorizations.submit_credentials(actor, begun.id, {"token": Secret("CANARY")})
    run = await hub.test_runs.start(actor, made.connection.id)
    again = await hub.authorizations.begin(actor, made.connection.id, auth_method="bearer")
    saved = await hub.applications.save(actor, integration="slack", client_id="x", client_secret=Secret("y"))
    made_token = await hub.tokens.create(actor, name="CI", scopes=[Permission.CATALOG_READ], expires_in=None)
    entry = (await hub.audit.entries(actor)).items[0]
    slack = hub.catalog.integration("slack")
    assert ended.connection.id
    event = (await hub.events.page(actor, None)).events[0]
    found = [made.connection.id, again.id, run.id, saved.id, made_token.id, entry.id, slack.id, event.id]
    found.append(actor.workspace_id)
    return {id_.split("_")[0]: id_ for id_ in found}


async def session(hub: Hub, actor: Actor, role: Role) -> Headers:
    """Let a member with this role be signed in; return what its browser sends."""
    now = hub.clock.now()
    member_id = actor.id if role is Role.OWNER else new_id("mem")
    if member_id != actor.id:
        await MemberRecord.create(
            id=member_id, workspace_id=actor.workspace_id, name=role.title(), role=role.value, created_at=now
        )
    secret = new_bearer()
    await SessionRecord.create(
        id=new_id("ses"),
        workspace_id=actor.workspace_id,
        member_id=member_id,
        token_hash=bearer_hash(secret.reveal()),
        created_at=now,
        last_seen_at=now,
        expires_at=now + timedelta(hours=12),
    )
    return {"cookie": f"{SESSION}={secret.reveal()}"}


async def token(hub: Hub, actor: Actor, scopes: frozenset[Permission], name: str = "T") -> Headers:
    made = await hub.tokens.create(actor, name=name, scopes=sorted(scopes), expires_in=None)
    return {"authorization": f"Bearer {made.token.reveal()}"}
