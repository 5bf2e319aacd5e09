"""Typed short forms for what most of the schema is made of: types, fields, resolvers, streams, inputs."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import fields
from functools import cache
from typing import Annotated, Any, Final, TypeVar, cast, dataclass_transform

import strawberry
from strawberry.types import Info
from strawberry.types.nodes import SelectedField, Selection

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
Given = Annotated[T, strawberry.argument(name="input", description="What is asked for.")]
"""The type of a resolver's ``input_`` parameter."""
IDEMPOTENCY_KEY: Final = (
    "At most 255 characters of your own: the same key with the same input has one effect."
)


def described(description: str, **options: Any) -> Any:  # noqa: ANN401 - stands for a value of the field's type
    """Return a field that is read from its object."""
    return strawberry.field(description=description, **options)


def optional(description: str) -> Any:  # noqa: ANN401 - stands for a value of the field's type
    """Return an input field that may be left out."""
    return described(description, default=None)


@dataclass_transform(kw_only_default=True, field_specifiers=(described, strawberry.field))
def object_type(description: str, *, name: str | None = None) -> Callable[[type[T]], type[T]]:
    """Make a class an object type; on the wire it has the class's name without ``Type``."""
    return lambda cls: strawberry.type(cls, name=name or _wire_name(cls), description=description)


@dataclass_transform(kw_only_default=True, field_specifiers=(described, strawberry.field))
def interface_type(description: str) -> Callable[[type[T]], type[T]]:
    """Make a class an interface, named as an object type is."""
    return lambda cls: strawberry.interface(cls, name=_wire_name(cls), description=description)


def resolver(description: str) -> Callable[[F], F]:
    """Make a method a field of its type."""
    made: Callable[[F], F] = strawberry.field(description=description)
    return made


def stream(description: str) -> Callable[[F], F]:
    """Make an asynchronous generator a subscription."""
    made: Callable[[F], F] = strawberry.subscription(description=description)
    return made


def shown(type_: Callable[..., T], source: object, /, **others: object) -> T:
    """Return an object of a type with the values of the attributes of ``source`` that are called like its fields.

    ``others`` are the fields that ``source`` has not, or has otherwise. Lists may be tuples.

    Raises:
        AttributeError: ``source`` has no attribute for a field that is not among ``others``.
    """
    for name in _init_names(type_):
        if name not in others:
            others[name] = getattr(source, name)
    return type_(**others)


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


@cache
def _init_names(type_: Hashable) -> tuple[str, ...]:
    return tuple(field.name for field in fields(cast("type[Any]", type_)) if field.init)


def _wire_name(cls: type[Any]) -> str:
    return cls.__name__.removesuffix("Type")
