"""The static cost of an operation, counted before it runs: objects cost one, pages multiply by their size."""

from __future__ import annotations

from collections.abc import Mapping
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
    SelectionNode,
    VariableNode,
    get_named_type,
    is_interface_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)

from app.api.graphql.pages import MAX_PAGE
from app.foundation.pages import DEFAULT_PAGE

MUTATION_COST: Final = 10
LIST_SIZE: Final = 5
"""How many entries a list without page arguments is taken to have."""
_CEILING: Final = 10**12
_PAGE_PARTS: Final = frozenset({"edges", "nodes"})


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
    return counting.selections(operation.selection_set.selections, schema.get_root_type(operation.operation))


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
        self._known: dict[tuple[str, str], int] = {}

    def selections(self, selections: tuple[SelectionNode, ...], parent: GraphQLNamedType | None) -> int:
        """Return what the selections below a type cost."""
        total = 0
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

    def _spread(self, name: str) -> int:
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

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None) -> int:
        definition = _definition(parent, node.name.value)
        if definition is None:
            return 0
        type_ = get_named_type(definition.type)
        own = MUTATION_COST if parent is self._schema.mutation_type else 0 if is_leaf_type(type_) else 1
        below = self.selections(node.selection_set.selections, type_) if node.selection_set else 0
        return min((own + below) * self._times(node, definition), _CEILING)

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
    return parent.fields.get(name) if is_object_type(parent) or is_interface_type(parent) else None
