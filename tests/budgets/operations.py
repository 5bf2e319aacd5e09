"""The operations that have a budget: what is ready before one, what it is, and what it may cost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from app.connections.snapshot import ConnectionSnapshot
from app.credentials.schedule import RENEWAL
from tests.budgets.stage import Stage

Act = Callable[[], Awaitable[Any]]

_PROBLEMS = "userErrors { code path }"
_CREATE = (
    "mutation($input: CreateConnectionInput!) { createConnection(input: $input) "
    f"{{ connection {{ id }} {_PROBLEMS} }} }}"
)
_BEGIN = (
    "mutation($input: BeginAuthorizationInput!) { beginAuthorization(input: $input) "
    f"{{ authorization {{ id state step {{ __typename }} }} {_PROBLEMS} }} }}"
)
_SUBMIT = (
    "mutation($input: SubmitCredentialsInput!) { submitCredentials(input: $input) "
    f"{{ authorization {{ id state }} {_PROBLEMS} }} }}"
)
_ACTIVATE = (
    "mutation($input: ActivateConnectionInput!) { activateConnection(input: $input) "
    f"{{ connection {{ id status {{ state }} }} {_PROBLEMS} }} }}"
)
_TEST = (
    "mutation($input: TestConnectionInput!) { testConnection(input: $input) "
    f"{{ testRun {{ id state verdict steps {{ kind state }} }} {_PROBLEMS} }} }}"
)
_FIELDS = "id name integrationKey status { state }"
_RUN = "lastTestRun { id verdict steps { kind state } }"
_PAGE = "query($first: Int!) { connections(first: $first) { nodes { %s } } }"
_NODES = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Connection { %s } } }"


@dataclass(frozen=True)
class Operation:
    """``ready`` makes what the operation needs and returns the operation itself, which alone is counted."""

    name: str
    budget: int
    ready: Callable[[Stage], Awaitable[Act]]
    commits: int | None = None
    """How often it may commit, where that is bounded too."""


async def _nothing(stage: Stage) -> Act:
    return lambda: stage.ask("{ __typename }")


def _page(size: int, fields: str) -> Callable[[Stage], Awaitable[Act]]:
    async def ready(stage: Stage) -> Act:
        await rows(stage, size)
        return lambda: stage.ask(_PAGE % fields, first=size)

    return ready


def _nodes(size: int, fields: str) -> Callable[[Stage], Awaitable[Act]]:
    async def ready(stage: Stage) -> Act:
        ids = await rows(stage, size)
        return lambda: stage.ask(_NODES % fields, ids=ids)

    return ready


async def rows(stage: Stage, size: int) -> list[str]:
    """Return the ids of ``size`` connections; one of those that are there was tested."""
    found = await stage.ask("{ connections(first: 100) { nodes { id } } }")
    ids = [node["id"] for node in found["connections"]["nodes"]]
    if not ids:
        ids.append((await stage.passed(await authenticated(stage))).id)
    while len(ids) < size:
        ids.append((await stage.draft()).id)
    return ids[:size]


async def authenticated(stage: Stage) -> ConnectionSnapshot:
    """Return a connection with tokens of a provider, got by an application of ours."""
    return await stage.authorized("acme", {"shop": "north"})


async def _authorizations(stage: Stage) -> Act:
    drafts = [await stage.draft("acme", {"shop": "north"}) for _ in range(5)]
    ids = [(await stage.begin(draft, "key")).id for draft in drafts]
    return lambda: stage.ask("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids)


async def _create(stage: Stage) -> Act:
    asked = {"name": "Budget", "integration": "acme", "mode": "SANDBOX", "config": {"shop": "north"}}
    return lambda: stage.ask(_CREATE, input=asked)


def _begin(method: str) -> Callable[[Stage], Awaitable[Act]]:
    async def ready(stage: Stage) -> Act:
        connection = await stage.draft("acme", {"shop": "north"})
        return lambda: stage.ask(_BEGIN, input={"connectionId": connection.id, "authMethod": method})

    return ready


async def _submit(stage: Stage) -> Act:
    authorization = await stage.begin(await stage.draft("acme", {"shop": "north"}), "key")
    asked = {"authorizationId": authorization.id, "credentials": dict(authorization.step.prefilled)}
    return lambda: stage.ask(_SUBMIT, input=asked)


async def _activate(stage: Stage) -> Act:
    connection = await stage.passed(await authenticated(stage))
    return lambda: stage.ask(_ACTIVATE, input={"connectionId": connection.id})


async def _test(stage: Stage) -> Act:
    connection = await authenticated(stage)

    async def act() -> None:
        data = await stage.ask(_TEST, input={"connectionId": connection.id, "waitMs": 10_000})
        run = data["testConnection"]["testRun"]
        assert (run["state"], run["verdict"], len(run["steps"])) == ("FINISHED", "PASSED", 9), run

    return act


async def _call(stage: Stage) -> Act:
    connection = await authenticated(stage)

    async def act() -> None:
        owner = await stage.hub.credentials.find(stage.actor.workspace_id, connection.id)
        result = await stage.hub.calls.call(stage.actor, owner, "me", {})
        assert result.fault is None

    return act


async def _renewal(stage: Stage) -> Act:
    connection = await authenticated(stage)
    async with stage.hub.database.transaction() as tx:
        due_at = tx.now + timedelta(seconds=1)
        await stage.hub.work.schedule(tx, RENEWAL, connection.id, connection.workspace_id, due_at)
    sweep = await _sweep(stage)
    stage.clock.advance(1)

    async def act() -> None:
        assert await sweep() == 1
        await stage.statements.settled()
        went_well = {"kind": RENEWAL, "outcome": "OK"}
        assert stage.hub.metrics.registry.get_sample_value("patchbay_background_work_total", went_well)

    return act


async def _sweep(stage: Stage) -> Act:
    await stage.hub.dispatcher.sweep()  # the first one looks whether the clock was set back
    return stage.hub.dispatcher.sweep


# Each budget is what the operation costs on SQLite or PostgreSQL, whichever is more: who makes it cheaper lowers it.
OPERATIONS = (
    Operation("{__typename}, token seen", 0, _nothing),
    Operation("page of 1 connection", 1, _page(1, _FIELDS)),
    Operation("page of 50 connections", 1, _page(50, _FIELDS)),
    Operation("page of 1 with lastTestRun", 3, _page(1, f"{_FIELDS} {_RUN}")),
    Operation("page of 50 with lastTestRun", 3, _page(50, f"{_FIELDS} {_RUN}")),
    Operation("nodes of 1 connection", 2, _nodes(1, _FIELDS)),
    Operation("nodes of 50 connections", 2, _nodes(50, _FIELDS)),
    Operation("nodes of 50 with lastTestRun", 4, _nodes(50, f"{_FIELDS} {_RUN}")),
    Operation("nodes of 5 authorizations", 1, _authorizations),
    Operation("createConnection", 9, _create),
    Operation("beginAuthorization, a form", 19, _begin("key")),
    Operation("beginAuthorization, a redirect", 21, _begin("oauth")),
    Operation("submitCredentials", 41, _submit),
    Operation("activateConnection", 10, _activate),
    Operation("default test with waitMs", 30, _test),
    Operation("one method call", 4, _call, commits=0),
    Operation("a sweep that finds nothing due", 1, _sweep),
    Operation("a due renewal, found and done", 27, _renewal, commits=2),
)
