"""Brings the rooms' enums into the schema, each value with its description."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

import strawberry


def describe_enum(
    enum: type[Enum], description: str, values: Mapping[str, str], *, name: str | None = None
) -> None:
    """Make ``enum`` a GraphQL enum; ``values`` says for every member name what it means.

    Raises:
        ValueError: a member has no description, or a description has no member.
    """
    members = set(enum.__members__)
    if members != set(values):
        raise ValueError(f"{enum.__name__}: descriptions and members differ: {sorted(members ^ set(values))}")
    definition = strawberry.enum(enum, name=name, description=description).__strawberry_definition__  # type: ignore[attr-defined]  # strawberry keeps it there
    for value in definition.values:
        value.description = values[value.name]
