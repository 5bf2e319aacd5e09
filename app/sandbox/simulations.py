"""The definitions that are simulated, each with its addresses compiled once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol

from app.catalog.definition import Definition
from app.sandbox.routing import Router

MAX_COMPILED: Final = 512


class Entry(Protocol):
    """An integration of the catalog, as far as the sandbox needs to know it."""

    @property
    def key(self) -> str:
        """The integration's key."""
        ...


class Definitions(Protocol):
    """The catalog, as far as the sandbox needs to know it."""

    def all(self) -> Iterable[Entry]:
        """Return every integration."""
        ...

    def definition(self, key: str, version: str | None = None) -> Definition | None:
        """Return a version of an integration, or its latest one."""
        ...


class Simulations:
    """Finds a definition with its addresses; they are compiled when it is first asked for."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._compiled: dict[tuple[str, str], Router] = {}

    def of(self, integration: str, version: str | None) -> Router | None:
        """Return the addresses of this version, or of the latest one; None where there is none."""
        definition = self._definitions.definition(integration, version)
        if definition is None:
            return None
        key = (definition.integration, str(definition.version))
        found = self._compiled.get(key)
        if found is None or found.definition is not definition:
            if len(self._compiled) >= MAX_COMPILED:
                self._compiled.clear()
            found = self._compiled[key] = Router(definition)
        return found

    def latest(self) -> list[Definition]:
        """Return the latest definition of every integration."""
        found = (self._definitions.definition(entry.key) for entry in self._definitions.all())
        return [definition for definition in found if definition is not None]
