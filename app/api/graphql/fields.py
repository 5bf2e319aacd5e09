"""Typed short forms for what most of the schema is made of: resolvers, streams, inputs."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import strawberry
from strawberry.types import Info
from strawberry.types.nodes import SelectedField

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
    """Return the names of all fields below the one that is resolved, whatever their types, conditions and directives.

    What nobody asks for need not be read.
    """
    names, left = set[str](), list(info.selected_fields)
    while left:
        here = left.pop()
        left += here.selections
        if isinstance(here, SelectedField):
            names.add(here.name)
    return frozenset(names)


def optional(description: str) -> Any:  # noqa: ANN401 - strawberry's marker stands for a value of the field's type
    """Return an input field that may be left out."""
    return strawberry.field(description=description, default=None)
