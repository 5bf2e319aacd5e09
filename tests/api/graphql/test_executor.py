"""The fast executor answers exactly what the stock one answers: data, order, errors, places and paths."""

from __future__ import annotations

import asyncio
import gc
import json
import re
from collections.abc import AsyncIterator

import pytest
import strawberry
from graphql import get_named_type, is_leaf_type, is_object_type, is_required_argument, is_union_type
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from app.api.graphql.executor import FastExecutor
from app.api.graphql.http_request import Operation
from app.api.graphql.operations import Operations
from app.api.graphql.schema import NODE_LOADERS, build_schema
from tests.api.graphql.fake_hub import load_test_catalog, make_actor, make_connection, make_hub, make_run

FAST, STOCK = build_schema(), build_schema(executor=StrawberryGraphQLCoreExecutionContext)
CORE = FAST._schema
ENOUGH = 3


@pytest.fixture(scope="module")
def both():
    hub = make_hub(load_test_catalog())
    for name in "abc":
        hub.test_runs.put(make_run(hub.connections.put(make_connection(name=name)).id))
    return hub, [Operations(hub, schema, NODE_LOADERS) for schema in (FAST, STOCK)]


async def answers_of(both, query):
    hub, doors = both
    hub.clock = None
    found = []
    for door in doors:
        context = door.context(make_actor(), "req_x", None)
        answer = await door.run(Operation(query, None, None, None), context)
        found.append(json.dumps(answer.to_json()))
    return found


@st.composite
def selections(draw, type_, depth):
    """Some of a type's fields, some twice under other names, in any order."""
    named = get_named_type(type_)
    if is_union_type(named):
        return "{__typename}"
    usable = {
        name: field
        for name, field in named.fields.items()
        if not any(map(is_required_argument, field.args.values()))
        and (is_leaf_type(get_named_type(field.type)) or depth > 0)
    }
    names = draw(st.lists(st.sampled_from(sorted(usable)), min_size=1, max_size=6))
    parts = ["__typename"] if draw(st.booleans()) else []
    for number, name in enumerate(names):
        field = usable[name]
        inner = "" if is_leaf_type(get_named_type(field.type)) else draw(selections(field.type, depth - 1))
        alias = f"a{number}_{depth}: " if draw(st.integers(0, 5)) == 0 else ""
        condition = draw(st.sampled_from(["", "", "", " @include(if: true)", " @skip(if: true)"]))
        page = "(first: 2)" if "first" in field.args else ""
        parts.append(f"{alias}{name}{page}{condition} {inner}")
    body = " ".join(parts)
    return f"{{... on {named.name} {{{body}}} {body}}}" if draw(st.integers(0, 9)) == 0 else f"{{{body}}}"


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_random_selections_are_answered_alike(both, data):
    roots = ["connections", "integrations", "viewer", "hub", "events", "auditLog"]
    name = data.draw(st.sampled_from(roots))
    field = CORE.query_type.fields[name]
    page = "(first: 3)" if "first" in field.args else ""
    query = f"{{{name}{page} {data.draw(selections(field.type, ENOUGH))}}}"
    fast, stock = asyncio.run(answers_of(both, query))
    assert re.sub(r"e1[\w-]{16}", "CURSOR", fast) == re.sub(r"e1[\w-]{16}", "CURSOR", stock)


@pytest.mark.parametrize(
    "change",
    [
        {"name": None},
        {"revision": "many"},
        {"revision": 2**40},
        {"mode": "NOPE"},
        {"created_at": "yesterday"},
        {"revision": None, "name": None},
        {"description": 5, "name": [1]},
    ],
    ids=",".join,
)
async def test_values_that_cannot_be_are_errors_at_the_same_places(both, change, capsys):
    hub, _ = both
    before = dict(hub.connections.rows)
    hub.connections.put(make_connection(name="d"))
    broken = make_connection(name="e")
    for field, value in change.items():
        object.__setattr__(broken, field, value)
    hub.connections.rows["x"] = broken
    hub.connections._mine = lambda actor: list(hub.connections.rows.values())
    query = """{connections {nodes {id name revision mode createdAt isTested description config lastTestRun {id}}}
      viewer {role}}"""
    fast, stock = await answers_of(both, query)
    hub.connections.rows = before
    assert fast == stock
    assert "errors" in json.loads(stock)


def test_hot_leaves_are_plain():
    connection = CORE.type_map["Connection"]
    from app.api.graphql.executor import _leaf

    plain = {name for name in connection.fields if _leaf(connection, name)}
    integration = CORE.type_map["Integration"]
    assert all(_leaf(integration, name).is_list for name in ("categories", "tags", "useCases"))
    assert plain >= {"id", "name", "description", "mode", "revision", "createdAt", "updatedAt", "config"}
    assert not plain & {"status", "asOf", "lastTestRun", "integration", "nextSteps"}
    assert all(is_object_type(CORE.type_map[name]) for name in ("Integration", "TestRun", "Event"))


@strawberry.type
class Point:
    number: int


@strawberry.type
class Nothing:
    is_there: bool = False


@strawberry.type
class Points:
    @strawberry.subscription
    async def points(self) -> AsyncIterator[list[Point]]:
        for number in range(120):
            yield [Point(number=number)]


def selections_kept():
    gc.collect()
    return sum(type(each).__name__ in {"FieldDetails", "_Plan"} for each in gc.get_objects())


async def test_a_subscription_keeps_nothing_of_the_events_that_it_has_told():
    schema = strawberry.Schema(Nothing, subscription=Points, execution_context_class=FastExecutor)
    stream = await schema.subscribe("subscription {points {number}}")
    kept = {}
    async for result in stream:
        number = result.data["points"][0]["number"]
        if number in {9, 119}:  # looking through all objects takes a while
            kept[number] = selections_kept()
    assert kept[119] == kept[9]


@strawberry.type
class Lists:
    given: strawberry.Private[object]
    needed: list[str]
    maybe: list[int] | None = None
    holes: list[str | None] = strawberry.field(default_factory=lambda: ["a", None])
    deep: list[list[int]] = strawberry.field(default_factory=lambda: [[1], []])
    after: str = "after"


@strawberry.type
class Answers:
    @strawberry.field
    def lists(self, which: int) -> Lists | None:
        return Lists(given=None, **LISTS[which])


async def later():
    return "later"


LISTS = [
    {"needed": []},
    {"needed": ["a", "b"], "maybe": [1, 2]},
    {"needed": ("a", "b"), "maybe": ()},
    {"needed": ["a", None]},
    {"needed": ["a"], "maybe": [1, None]},
    {"needed": ["a"], "maybe": [1, 2**40, "x"]},
    {"needed": ["a", object(), [1]]},
    {"needed": None},
    {"needed": "text"},
    {"needed": {"a": 1}},
    {"needed": iter(["a", "b"])},
    {"needed": range(3)},
    {"needed": 5},
    {"needed": ["a"], "maybe": "12"},
]


@pytest.mark.parametrize("which", range(len(LISTS)))
async def test_lists_of_leaves_are_answered_alike(which):
    query = f"{{lists(which: {which}) {{given: __typename needed maybe holes deep after}}}}"
    answers = []
    for executor in (FastExecutor, StrawberryGraphQLCoreExecutionContext):
        if which == 10:
            LISTS[which] = {"needed": iter(["a", "b"])}
        answer = await strawberry.Schema(Answers, execution_context_class=executor).execute(query)
        answers.append((answer.data, [error.formatted for error in answer.errors or ()]))
    assert answers[0] == answers[1]
    assert list(answers[0][0]["lists"] or ()) in ([], ["given", "needed", "maybe", "holes", "deep", "after"])


async def test_a_list_with_awaitables_is_answered_alike():
    answers = []
    for executor in (FastExecutor, StrawberryGraphQLCoreExecutionContext):
        LISTS.append({"needed": ["a", later()]})
        schema = strawberry.Schema(Answers, execution_context_class=executor)
        answers.append((await schema.execute(f"{{lists(which: {len(LISTS) - 1}) {{needed}}}}")).data)
        LISTS.pop()
    assert answers == [{"lists": {"needed": ["a", "later"]}}] * 2


def test_the_fast_executor_is_the_one_in_use():
    assert FAST.execution_context_class is FastExecutor
