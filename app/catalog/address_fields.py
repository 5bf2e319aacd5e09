"""Which fields of a configuration say where an integration is reached: hints about an address name only them."""

from __future__ import annotations

from dataclasses import dataclass

from app.catalog.definition import Definition
from app.foundation.shapes import subschema
from app.foundation.templates import template


@dataclass(frozen=True, slots=True)
class AddressField:
    """A field of the configuration, by its name and as people read it."""

    name: str
    title: str


def address_fields(definition: Definition) -> tuple[AddressField, ...]:
    """Return the fields that the base address of all calls is made of; none where the definition alone says it."""
    variables = sorted(template(definition.http.base_url).variables)
    names = [name.partition(".")[2] for name in variables if name.startswith("config.")]
    return tuple(AddressField(name, _title(definition, name)) for name in names)


def _title(definition: Definition, name: str) -> str:
    return str(subschema(definition.config, (name,)).get("title") or name)
