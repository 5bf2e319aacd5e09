"""The catalog: every integration with all its versions, immutable once it is built."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from semver import Version

from app.access.actor import Actor
from app.access.policy import Permission, require
from app.catalog.definition import Definition
from app.catalog.entry import IntegrationEntry, version_id
from app.catalog.faults import DefinitionFault, DefinitionsInvalidError
from app.catalog.labels import CATEGORIES
from app.catalog.loader import DEFINITIONS, Loaded, load_folder
from app.catalog.search import Facet, Field, Hit, IntegrationFilter, Order, SearchIndex


class Catalog:
    """All integrations, found by key, id or search. A new set of files makes a new catalog.

    What takes an actor asks for ``catalog:read``; the rest serves the rooms, which need no permission to know what
    their connections are.
    """

    def __init__(self, entries: Iterable[IntegrationEntry]) -> None:
        ordered = sorted(entries, key=lambda entry: (entry.latest.name.casefold(), entry.key))
        self._by_key = {entry.key: entry for entry in ordered}
        self._ids = {entry.id: entry for entry in ordered}
        self._version_ids = {
            version_id(entry.key, definition.version): definition
            for entry in ordered
            for definition in entry.versions
        }
        self._index = SearchIndex(ordered)

    def all(self) -> tuple[IntegrationEntry, ...]:
        """Return every entry in order of name."""
        return tuple(self._by_key.values())

    def integration(self, key: str) -> IntegrationEntry | None:
        """Return the entry with this key, or None."""
        return self._by_key.get(key)

    def definition(self, key: str, version: Version | str | None = None) -> Definition | None:
        """Return the definition of this version, or of the latest one, or None."""
        entry = self._by_key.get(key)
        if entry is None:
            return None
        return entry.latest if version is None else entry.version(version)

    def find(self, actor: Actor, key: str) -> IntegrationEntry | None:
        """Return the entry with this key, or None."""
        require(actor, Permission.CATALOG_READ)
        return self.integration(key)

    def many(self, actor: Actor, ids: Iterable[str]) -> dict[str, IntegrationEntry]:
        """Return the entries with these ``intg_`` ids; those that are not there are left out."""
        require(actor, Permission.CATALOG_READ)
        return {id_: self._ids[id_] for id_ in ids if id_ in self._ids}

    def definitions(self, actor: Actor, ids: Iterable[str]) -> dict[str, Definition]:
        """Return the definitions with these ``ver_`` ids; those that are not there are left out."""
        require(actor, Permission.CATALOG_READ)
        return {id_: self._version_ids[id_] for id_ in ids if id_ in self._version_ids}

    def categories(self) -> dict[str, int]:
        """Return the categories that are used, in order of label, with the number of integrations in each."""
        counts = dict.fromkeys(sorted(CATEGORIES, key=CATEGORIES.__getitem__), 0)
        for entry in self._by_key.values():
            for category in entry.latest.categories:
                counts[category] += 1
        return {key: count for key, count in counts.items() if count}

    def search(
        self,
        actor: Actor,
        query: str | None = None,
        filter: IntegrationFilter | None = None,  # noqa: A002 - the GraphQL argument's name
        order: Order | None = None,
        *,
        descending: bool = False,
    ) -> list[Hit]:
        """Return the integrations that match, best first; see :meth:`SearchIndex.search`."""
        require(actor, Permission.CATALOG_READ)
        return self._index.search(query, filter or IntegrationFilter(), order, descending=descending)

    def facets(
        self,
        actor: Actor,
        query: str | None = None,
        filter: IntegrationFilter | None = None,  # noqa: A002 - the GraphQL argument's name
    ) -> dict[Field, Facet]:
        """Return the counts under the search, each facet ignoring its own filter."""
        require(actor, Permission.CATALOG_READ)
        return self._index.facets(query, filter or IntegrationFilter())


def load_catalog(folder: Path = DEFINITIONS, extra: Iterable[Path] = ()) -> Catalog:
    """Load the definitions in ``folder`` and in the ``extra`` folders into one catalog.

    Raises:
        DefinitionsInvalidError: a file breaks a rule, or two files define the same version.
    """
    loaded = [one for place in (folder, *extra) for one in load_folder(place)]
    return Catalog(_entries(loaded))


def _entries(loaded: Iterable[Loaded]) -> list[IntegrationEntry]:
    versions: dict[str, list[Definition]] = {}
    icons: dict[str, str] = {}
    faults: list[DefinitionFault] = []
    for one in loaded:
        if one.definition is None:
            continue
        known = versions.setdefault(one.definition.integration, [])
        if any(definition.version == one.definition.version for definition in known):
            name = f"{one.definition.integration} {one.definition.version}"
            faults.append(DefinitionFault.of_file(one.file, "file/duplicate", f"{name} is already defined"))
        known.append(one.definition)
        if one.icon:
            icons[one.definition.integration] = one.icon
    if faults:
        raise DefinitionsInvalidError(faults)
    return [
        IntegrationEntry(key, tuple(sorted(found, key=lambda one: one.version)), icons.get(key))
        for key, found in versions.items()
    ]
