"""Typed short forms for what most of the schema is made of: resolvers, streams, inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import strawberry
from graphql import FieldNode, FragmentSpreadNode, InlineFragmentNode, SelectionSetNode
from strawberry.types import Info

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
Given = Annotated[T, strawberry.argument(name="input", description="What is asked for.")]
"""The type of a resolver's ``input_`` parameter."""


def resolver(description: str) -> Callable[[F], F]:
    """Make a method a field of its type."""
    made: Callable[[F], F] = strawberry.field(description=description)
    return made


def stream(description: str) -> Callable[[F], F]:
    """Make an asynchronous generator a subscription."""
    made: Callable[[F], F] = strawberry.subscription(description=description)
    return made


def selected(info: Info[Any, Any]) -> frozenset[str]:
    """Return the names of all fields below the one that is resolved; a type's condition or a directive leaves none out.

    What nobody asks for need not be read.
    """
    raw, names = info._raw_info, set[str]()  # noqa: SLF001 - strawberry converts the whole selection to show it
    left: list[SelectionSetNode | None] = [node.selection_set for node in raw.field_nodes]
    while left:
        here = left.pop()
        for node in here.selections if here else ():
            if isinstance(node, FieldNode):
                names.add(node.name.value)
                left.append(node.selection_set)
            elif isinstance(node, InlineFragmentNode):
                left.append(node.selection_set)
            elif isinstance(node, FragmentSpreadNode):
                left.append(raw.fragments[node.name.value].selection_set)
    return frozenset(names)


def optional(description: str) -> Any:  # noqa: ANN401 - strawberry's marker stands for a value of the field's type
    """Return an input field that may be left out."""
    return strawberry.field(description=description, default=None)
