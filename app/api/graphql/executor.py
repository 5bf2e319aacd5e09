"""Executes selections faster: plain leaves are read straight from the object, everything else goes the stock way.

A leaf is plain where the schema adds nothing to reading an attribute: no resolver, no arguments, no extension; a list
of leaves none of which may be null is one too. Objects of which nothing but plain leaves is asked are read as a list.
A selection set is looked at once per operation. Whatever is unusual in a value (null where there must be one, a
fault while it is written, an awaitable) sends the whole selection the stock way, so that errors, their order,
places and paths stay graphql-core's own.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import strawberry
from graphql import (
    GraphQLBoolean,
    GraphQLID,
    GraphQLList,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLString,
    Undefined,
    is_enum_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution import Executor
from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.types.field import StrawberryField

_DEFINITION: Final = "strawberry-definition"
_UNUSUAL: Final = object()
_NEVER_AWAITED: Final = frozenset({str, int, float, bool, list, tuple, dict, datetime})
_AS_THEY_ARE: Final[Mapping[Any, type]] = {GraphQLString: str, GraphQLID: str, GraphQLBoolean: bool}


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A plain leaf or list of leaves: which attribute it is, how a value is written, whether there must be one.

    Values of the type ``kind`` need no writing: they stay as they are, or ``written`` holds each of them.
    """

    attribute: str
    write: Callable[[Any], Any]
    is_required: bool
    is_list: bool
    kind: type | None = None
    written: Mapping[Any, str] | None = None


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

    def complete_list_value(
        self,
        return_type: GraphQLList[GraphQLOutputType],
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,  # noqa: ANN401 - graphql-core's own signature
        position_context: Any,  # noqa: ANN401 - graphql-core's own signature
    ) -> Awaitable[list[Any]] | list[Any]:
        """Complete a list."""
        item = return_type.of_type.of_type if is_non_null_type(return_type.of_type) else return_type.of_type
        if type(result) is list and is_object_type(item):
            found = self._read_items(item, field_details_list, info, result)
            if found is not None:
                return found
        return super().complete_list_value(
            return_type, field_details_list, info, path, result, position_context
        )

    def _read_items(
        self,
        type_: GraphQLObjectType,
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        items: list[Any],
    ) -> list[dict[str, Any]] | None:
        """Return the objects of a list where only plain leaves are asked, or None where anything is unusual."""
        if any(details.node.directives for details in field_details_list):
            return None
        selection, deferred, _ = self.collect_subfields(type_, field_details_list)
        plan, found = self._plan(type_, selection), list[dict[str, Any]]()
        if deferred or plan.rest:
            return None
        for item in items:
            if type_.is_type_of is not None and type_.is_type_of(item, info) is not True:
                return None
            leaves = None if isinstance(item, Exception) else _read(plan.leaves, item, self.is_awaitable)
            if leaves is None:
                return None
            found.append(leaves)
        return found

    def _plan(self, parent_type: GraphQLObjectType, selection: GroupedFieldSet) -> _Plan:
        key = (parent_type.name, id(selection))
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = self._inspect(parent_type, selection)
        return plan

    def _inspect(self, parent_type: GraphQLObjectType, selection: GroupedFieldSet) -> _Plan:
        leaves: dict[str, _Leaf] = {}
        for name, details in selection.items():
            leaf = None if details[0].node.arguments else _leaf(parent_type, details[0].node.name.value)
            if leaf is not None:
                leaves[name] = leaf
        rest = {name: details for name, details in selection.items() if name not in leaves}
        return _Plan(tuple(selection), leaves, rest, selection)


@lru_cache(maxsize=4096)
def _leaf(parent_type: GraphQLObjectType, field_name: str) -> _Leaf | None:
    if field_name == "__typename":
        return _Leaf("__class__", lambda _: parent_type.name, is_required=True, is_list=False)
    field = parent_type.fields.get(field_name)
    definition = field.extensions.get(_DEFINITION) if field is not None else None
    if field is None or not isinstance(definition, StrawberryField) or not definition.is_basic_field:
        return None
    type_ = field.type.of_type if is_non_null_type(field.type) else field.type
    is_list = is_list_type(type_) and is_non_null_type(type_.of_type)
    leaf = type_.of_type.of_type if is_list else type_
    if field.args or not is_leaf_type(leaf) or definition.default_resolver is not getattr:
        return None
    kind, written = None if is_list else _AS_THEY_ARE.get(leaf), None
    if (
        not is_list
        and is_enum_type(leaf)
        and isinstance(enum := leaf.extensions.get(_DEFINITION), StrawberryEnumDefinition)
    ):
        kind = enum.wrapped_cls
        written = {member: leaf.coerce_output_value(member) for member in list[Any](enum.wrapped_cls)}
    is_required, write = is_non_null_type(field.type), leaf.coerce_output_value
    return _Leaf(definition.python_name, write, is_required, is_list, kind, written)


def _read(
    leaves: dict[str, _Leaf], source: object, is_awaitable: Callable[[Any], bool]
) -> dict[str, Any] | None:
    """Return the written values of plain leaves, or None where one of them is unusual."""
    found: dict[str, Any] = {}
    try:
        for name, leaf in leaves.items():
            value = getattr(source, leaf.attribute, _UNUSUAL)
            if type(value) is leaf.kind:
                found[name] = value if leaf.written is None else leaf.written[value]
                continue
            if value is None and not leaf.is_required:
                found[name] = None
                continue
            if value is None or value is _UNUSUAL:
                return None
            if type(value) not in _NEVER_AWAITED and is_awaitable(value):
                return None
            written = _list(leaf, value, is_awaitable) if leaf.is_list else leaf.write(value)
            if written is None or written is Undefined:
                return None
            found[name] = written
    except Exception:  # noqa: BLE001 - the stock way meets it again, and reports where
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
