"""The static cost of an operation, counted before it runs: objects cost one, pages multiply by their size.

Introspection is counted like everything else. Its lists have no page arguments, but their sizes are known: a list in
a list counts with the number of entries that it has on average in the schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from math import ceil
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SchemaMetaFieldDef,
    SelectionNode,
    TypeMetaFieldDef,
    VariableNode,
    get_named_type,
    is_enum_type,
    is_input_object_type,
    is_interface_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
    is_union_type,
)

from app.api.graphql.pages import MAX_PAGE
from app.foundation.pages import DEFAULT_PAGE

MUTATION_COST: Final = 10
LIST_SIZE: Final = 5
"""How many entries a list without page arguments is taken to have."""
_CEILING: Final = 10**12
_PAGE_PARTS: Final = frozenset({"edges", "nodes"})
_META_FIELDS: Final = {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef}
_WRAPPERS_PER_TYPE: Final = 0.5
"""How many of the types that `ofType` is asked of wrap another one; the rest answer null."""


def operation_cost(
    schema: GraphQLSchema, document: DocumentNode, operation_name: str | None, variables: Mapping[str, Any]
) -> int:
    """Return the cost of the chosen operation of a valid document; ``variables`` as they were sent.

    A page counts with the size that is asked for; what is no valid size counts as the largest.
    """
    operation = _chosen(document, operation_name)
    if operation is None:
        return 0
    counting = _Counting(schema, document, operation, variables)
    return ceil(
        counting.selections(operation.selection_set.selections, schema.get_root_type(operation.operation))
    )


def _chosen(document: DocumentNode, name: str | None) -> OperationDefinitionNode | None:
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    if name is not None:
        operations = [one for one in operations if one.name and one.name.value == name]
    return operations[0] if operations else None


class _Counting:
    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any],
    ) -> None:
        self._schema = schema
        self._fragments = {
            one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
        }
        self._variables = {**_defaults(operation), **variables}
        self._known: dict[tuple[str, str], float] = {}

    def selections(self, selections: tuple[SelectionNode, ...], parent: GraphQLNamedType | None) -> float:
        """Return what the selections below a type cost."""
        total = 0.0
        for selection in selections:
            if isinstance(selection, FieldNode):
                total += self._field(selection, parent)
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                on = self._schema.get_type(condition.name.value) if condition else parent
                total += self.selections(selection.selection_set.selections, on)
            elif isinstance(selection, FragmentSpreadNode):
                total += self._spread(selection.name.value)
        return min(total, _CEILING)

    def _spread(self, name: str) -> float:
        fragment = self._fragments.get(name)
        if fragment is None:
            return 0
        on = fragment.type_condition.name.value
        if (name, on) not in self._known:
            self._known[name, on] = 0
            self._known[name, on] = self.selections(
                fragment.selection_set.selections, self._schema.get_type(on)
            )
        return self._known[name, on]

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None) -> float:
        definition = _definition(parent, node.name.value)
        if definition is None:
            return 0
        type_ = get_named_type(definition.type)
        own = MUTATION_COST if parent is self._schema.mutation_type else 0 if is_leaf_type(type_) else 1
        below = self.selections(node.selection_set.selections, type_) if node.selection_set else 0
        times = _introspected(self._schema, parent, node.name.value) or self._times(node, definition)
        return min((own + below) * times, _CEILING)

    def _times(self, node: FieldNode, definition: GraphQLField) -> int:
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        if "first" in definition.args:
            sizes = [self._size(given.get(name)) for name in ("first", "last")]
            return max((size for size in sizes if size is not None), default=DEFAULT_PAGE)
        if "ids" in definition.args:
            return self._length(given.get("ids"))
        type_ = definition.type.of_type if is_non_null_type(definition.type) else definition.type
        # The entries of a page are already counted by the page's own size.
        return LIST_SIZE if is_list_type(type_) and node.name.value not in _PAGE_PARTS else 1

    def _size(self, value: object) -> int | None:
        if isinstance(value, VariableNode):
            sent = self._variables.get(value.name.value)
            return (
                None if sent is None else sent if isinstance(sent, int) and 0 < sent <= MAX_PAGE else MAX_PAGE
            )
        if isinstance(value, IntValueNode):
            return min(max(int(value.value[:6]), 1), MAX_PAGE)
        return None

    def _length(self, value: object) -> int:
        if isinstance(value, VariableNode):
            sent = self._variables.get(value.name.value)
            return len(sent) if isinstance(sent, list) else 1
        return len(value.values) if isinstance(value, ListValueNode) else 1


def _defaults(operation: OperationDefinitionNode) -> dict[str, Any]:
    found = {}
    for definition in operation.variable_definitions or ():
        if isinstance(definition.default_value, IntValueNode):
            found[definition.variable.name.value] = int(definition.default_value.value[:6])
    return found


def _definition(parent: GraphQLNamedType | None, name: str) -> GraphQLField | None:
    if name in _META_FIELDS:
        return _META_FIELDS[name]
    return parent.fields.get(name) if is_object_type(parent) or is_interface_type(parent) else None


def _introspected(schema: GraphQLSchema, parent: GraphQLNamedType | None, name: str) -> float | None:
    """Return how many entries a field of introspection has on average; None for every other field."""
    if parent is None or not parent.name.startswith("__"):
        return None
    return _sizes_of(schema).get((parent.name, name), 1.0)


@lru_cache(maxsize=8)
def _sizes_of(schema: GraphQLSchema) -> Mapping[tuple[str, str], float]:
    types = list(schema.type_map.values())
    fields = [f for t in types if is_object_type(t) or is_interface_type(t) for f in t.fields.values()]
    inputs = sum(len(t.fields) for t in types if is_input_object_type(t))
    values = sum(len(t.values) for t in types if is_enum_type(t))
    interfaces = sum(len(t.interfaces) for t in types if is_object_type(t) or is_interface_type(t))
    members = sum(
        len(schema.get_possible_types(t)) for t in types if is_interface_type(t) or is_union_type(t)
    )
    directives = list(schema.directives)
    return {
        ("__Schema", "types"): len(types),
        ("__Schema", "directives"): len(directives),
        ("__Directive", "args"): sum(len(one.args) for one in directives) / len(directives),
        ("__Field", "args"): sum(len(field.args) for field in fields) / len(fields),
        ("__Type", "fields"): len(fields) / len(types),
        ("__Type", "inputFields"): inputs / len(types),
        ("__Type", "enumValues"): values / len(types),
        ("__Type", "interfaces"): interfaces / len(types),
        ("__Type", "possibleTypes"): members / len(types),
        ("__Type", "ofType"): _WRAPPERS_PER_TYPE,
    }
