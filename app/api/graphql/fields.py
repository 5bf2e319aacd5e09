"""Typed short forms for what most of the schema is made of: resolvers, streams, inputs."""

from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any, TypeVar

import strawberry
from strawberry.types import Info
from strawberry.types.nodes import SelectedField, Selection

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
    """Return the names of the fields that are selected of what is resolved, whatever their conditions and directives.

    What nobody asks for need not be read.
    """
    return frozenset(field.name for field in _fields_of(info.selected_fields))


def selected_of_entries(info: Info[Any, Any]) -> frozenset[str]:
    """Return the names of the fields that are selected of the entries of the page that is resolved, likewise."""
    page = list(_fields_of(info.selected_fields))
    entries = [*_named(page, "nodes"), *_named(_fields_of(_named(page, "edges")), "node")]
    return frozenset(field.name for field in _fields_of(entries))


def _fields_of(parents: Iterable[Selection]) -> Iterator[SelectedField]:
    for parent in parents:
        for below in parent.selections:
            if isinstance(below, SelectedField):
                yield below
            else:
                yield from _fields_of([below])


def _named(fields: Iterable[SelectedField], name: str) -> list[SelectedField]:
    return [field for field in fields if field.name == name]


def optional(description: str) -> Any:  # noqa: ANN401 - strawberry's marker stands for a value of the field's type
    """Return an input field that may be left out."""
    return strawberry.field(description=description, default=None)
