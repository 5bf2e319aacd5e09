"""Joins a type with the fields that higher rooms add to it, so that no room has to know the rooms above."""

from typing import Any

from strawberry.types.base import StrawberryObjectDefinition, get_object_definition


def add_fields(base: type[Any], *parts: type[Any]) -> None:
    """Give the type ``base`` the fields of ``parts``; their resolvers are called with an object of ``base``.

    Adding the same part again changes nothing.

    Raises:
        ValueError: two parts, or a part and the base, have a field of the same name.
    """
    definition = get_object_definition(base, strict=True)
    for part in parts:
        _add(definition, get_object_definition(part, strict=True))


def _add(definition: StrawberryObjectDefinition, part: StrawberryObjectDefinition) -> None:
    names = {field.python_name: field for field in definition.fields}
    for field in part.fields:
        present = names.get(field.python_name)
        if present is field:
            continue
        if present is not None:
            raise ValueError(f"{definition.name} has a field {field.python_name} already")
        definition.fields.append(field)
