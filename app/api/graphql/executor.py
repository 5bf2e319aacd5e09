"""Executes selections faster: plain leaves are read straight from the object, everything else goes the stock way.

A leaf is plain where the schema adds nothing to reading an attribute: no resolver, no arguments, no extension; a list
of leaves none of which may be null is one too.
A selection set is looked at once per operation. Whatever is unusual in a value (null where there must be one, a
fault while it is written, an awaitable) sends the whole selection the stock way, so that errors, their order,
places and paths stay graphql-core's own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import strawberry
from graphql import (
    GraphQLObjectType,
    GraphQLSchema,
    Undefined,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from graphql.execution import Executor
from graphql.execution.collect_fields import GroupedFieldSet
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.field import StrawberryField

_DEFINITION: Final = "strawberry-definition"
_UNUSUAL: Final = object()


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A plain leaf or list of leaves: which attribute it is, how a value is written, whether there must be one."""

    attribute: str
    write: Callable[[Any], Any]
    is_required: bool
    is_list: bool


@dataclass(frozen=True, slots=True)
class _Plan:
    """One selection set on one type: its names in order, its plain leaves, and the rest."""

    names: tuple[str, ...]
    leaves: dict[str, _Leaf]
    rest: GroupedFieldSet
    selection: GroupedFieldSet  # kept, so that no other one gets its identity


def core_schema(schema: strawberry.Schema) -> GraphQLSchema:
    """Return graphql-core's schema in strawberry's."""
    return schema._schema  # noqa: SLF001 - strawberry has no other way to it


class FastExecutor(StrawberryGraphQLCoreExecutionContext):
    """The stock executor with a short way for plain leaves."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - graphql-core's own signature
        super().__init__(*args, **kwargs)
        self._plans: dict[tuple[str, int], _Plan] = {}

    def build_per_event_executor(self, payload: Any) -> Executor[Any]:  # noqa: ANN401 - graphql-core's own signature
        """Return the executor of one event of a subscription: graphql-core's copy of this one, with an empty memory.

        An event's selections are its own, so what is remembered of them would grow for as long as the subscription.
        """
        executor = super().build_per_event_executor(payload)
        if isinstance(executor, FastExecutor):
            executor.forget_selections()
        return executor

    def forget_selections(self) -> None:
        """Forget what this executor, and the stock one in it, know of selections by their identity."""
        self._plans = {}
        self._relevant_sub_fields = {}

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,  # noqa: ANN401 - graphql-core's own signature
        path: Path | None,
        grouped_field_set: GroupedFieldSet,
        position_context: Any,  # noqa: ANN401 - graphql-core's own signature
    ) -> dict[str, Any] | Awaitable[dict[str, Any]]:
        """Execute a selection set."""
        plan = self._plan(parent_type, grouped_field_set)
        leaves = _read(plan.leaves, source_value, self.is_awaitable) if plan.leaves else None
        if leaves is None:
            return super().execute_fields(
                parent_type, source_value, path, grouped_field_set, position_context
            )
        if not plan.rest:
            return leaves
        rest = super().execute_fields(parent_type, source_value, path, plan.rest, position_context)
        if isinstance(rest, dict):
            return _merged(plan.names, leaves, rest)
        return _merged_later(plan.names, leaves, rest)

    def _plan(self, parent_type: GraphQLObjectType, selection: GroupedFieldSet) -> _Plan:
        key = (parent_type.name, id(selection))
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = self._look_at(parent_type, selection)
        return plan

    def _look_at(self, parent_type: GraphQLObjectType, selection: GroupedFieldSet) -> _Plan:
        leaves: dict[str, _Leaf] = {}
        for name, details in selection.items():
            leaf = None if details[0].node.arguments else _leaf(parent_type, details[0].node.name.value)
            if leaf is not None:
                leaves[name] = leaf
        rest = {name: details for name, details in selection.items() if name not in leaves}
        return _Plan(tuple(selection), leaves, rest, selection)


def _leaf(parent_type: GraphQLObjectType, field_name: str) -> _Leaf | None:
    field = parent_type.fields.get(field_name)
    definition = field.extensions.get(_DEFINITION) if field is not None else None
    if field is None or not isinstance(definition, StrawberryField) or not definition.is_basic_field:
        return None
    type_ = field.type.of_type if is_non_null_type(field.type) else field.type
    is_list = is_list_type(type_) and is_non_null_type(type_.of_type)
    leaf = type_.of_type.of_type if is_list else type_
    if field.args or not is_leaf_type(leaf) or definition.default_resolver is not getattr:
        return None
    return _Leaf(definition.python_name, leaf.coerce_output_value, is_non_null_type(field.type), is_list)


def _read(
    leaves: dict[str, _Leaf], source: object, is_awaitable: Callable[[Any], bool]
) -> dict[str, Any] | None:
    """Return the written values of plain leaves, or None where one of them is unusual."""
    found: dict[str, Any] = {}
    try:
        for name, leaf in leaves.items():
            value = getattr(source, leaf.attribute, _UNUSUAL)
            if value is None and not leaf.is_required:
                found[name] = None
                continue
            if value is None or value is _UNUSUAL or is_awaitable(value):
                return None
            written = _list(leaf, value, is_awaitable) if leaf.is_list else leaf.write(value)
            if written is None or written is Undefined:
                return None
            found[name] = written
    except Exception:  # noqa: BLE001 - the stock way meets it again, and tells where
        return None
    return found


def _list(leaf: _Leaf, value: object, is_awaitable: Callable[[Any], bool]) -> list[Any] | None:
    if type(value) is not list and type(value) is not tuple:
        return None
    written = []
    for item in value:
        one = None if item is None or is_awaitable(item) else leaf.write(item)
        if one is None or one is Undefined:
            return None
        written.append(one)
    return written


def _merged(names: tuple[str, ...], leaves: dict[str, Any], rest: dict[str, Any]) -> dict[str, Any]:
    merged = {}
    for name in names:
        if name in leaves:
            merged[name] = leaves[name]
        elif name in rest:
            merged[name] = rest[name]
    return merged


async def _merged_later(
    names: tuple[str, ...], leaves: dict[str, Any], rest: Awaitable[dict[str, Any]]
) -> dict[str, Any]:
    return _merged(names, leaves, await rest)
