"""Finds integrations by words, filters and order, and counts what each further filter would leave."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from app.catalog.definition import Definition
from app.catalog.entry import IntegrationEntry
from app.catalog.labels import label_of
from app.catalog.words import fit, loose_fit, query_words, words_of

_NAME: Final = 10.0
_SYNONYM: Final = 6.0
_TAG: Final = 5.0
_CATEGORY: Final = 4.0
_SUMMARY: Final = 2.0
_USE_CASE: Final = 1.0
_WHOLE_NAME: Final = 20.0


class Order(StrEnum):
    """How results are ordered."""

    RELEVANCE = "RELEVANCE"
    POPULARITY = "POPULARITY"
    NAME = "NAME"
    RECENTLY_UPDATED = "RECENTLY_UPDATED"


class Field(StrEnum):
    """What can be filtered by and counted."""

    CATEGORY = "CATEGORY"
    AUTH_KIND = "AUTH_KIND"
    CAPABILITY = "CAPABILITY"
    TAG = "TAG"
    STAGE = "STAGE"


class Capability(StrEnum):
    """What an integration can do: its methods' effects, and announcing."""

    READ = "READ"
    WRITE = "WRITE"
    DESTRUCTIVE = "DESTRUCTIVE"
    TRIGGER = "TRIGGER"


_FILTERED: Final[Mapping[Field, str]] = {
    Field.CATEGORY: "categories",
    Field.AUTH_KIND: "auth_kinds",
    Field.CAPABILITY: "capabilities",
    Field.TAG: "tags",
    Field.STAGE: "stages",
}


@dataclass(frozen=True, slots=True)
class IntegrationFilter:
    """What must hold: one of the values of each field that names any (and one of ``keys``, where given)."""

    categories: tuple[str, ...] = ()
    auth_kinds: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    keys: tuple[str, ...] | None = None

    def wanted(self, of: Field) -> tuple[str, ...]:
        """Return the values that this filter wants of a field."""
        values: tuple[str, ...] = getattr(self, _FILTERED[of])
        return values

    def without(self, of: Field) -> IntegrationFilter:
        """Return the filter that does not care about a field."""
        return replace(self, **{_FILTERED[of]: ()})


@dataclass(frozen=True, slots=True)
class Hit:
    """An integration that was found, how well it fits (0 without a query), and the words that matched."""

    entry: IntegrationEntry
    score: float
    matched: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FacetValue:
    """How many results have this value, and whether the filter asks for it."""

    value: str
    label: str
    count: int
    selected: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """The values of a field under a search, the most frequent first."""

    field: Field
    values: tuple[FacetValue, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    """What is known of an integration for searching: weighted words and the values of the fields."""

    entry: IntegrationEntry
    name: str
    words: Mapping[str, float]
    values: Mapping[Field, frozenset[str]]
    popularity: int
    updated: str


class SearchIndex:
    """Searches the latest versions of a catalog in memory; equal questions get equal answers."""

    def __init__(self, entries: Sequence[IntegrationEntry]) -> None:
        self._entries = [_entry(entry) for entry in entries]

    def search(
        self,
        query: str | None,
        wanted: IntegrationFilter,
        order: Order | None = None,
        *,
        descending: bool = False,
    ) -> list[Hit]:
        """Return what matches every word of the query and the filter.

        A word matches a whole word of name, key, synonyms, tags, categories, summary or use cases, or the beginning of
        one; a word that nothing in the catalog has also matches one that differs by a typing error (one edit from 4
        letters, two from 8). What mentions a word only in a use case is found where nothing else is. RELEVANCE, the
        default with a query, puts names first; POPULARITY, the default without, and RECENTLY_UPDATED put the
        highest first. ``descending`` turns the order around.
        """
        words = query_words(query)
        found = [(entry, hit) for entry, hit in self._matching(words) if _passes(entry, wanted)]
        chosen = order or (Order.RELEVANCE if words else Order.POPULARITY)
        found.sort(key=lambda pair: _SORT[chosen](*pair), reverse=descending)
        return [hit for _, hit in found]

    def facets(self, query: str | None, wanted: IntegrationFilter) -> dict[Field, Facet]:
        """Count the values of each field under the query and all filters but the field's own."""
        words = query_words(query)
        matching = [entry for entry, _ in self._matching(words)]
        return {of: _facet(of, matching, wanted) for of in Field}

    def _matching(self, words: Sequence[str]) -> list[tuple[_Entry, Hit]]:
        fits = {word: fit if self._has(word) else loose_fit for word in words}
        matches = [(entry, _match(entry, fits)) for entry in self._entries]
        found = [(entry, match) for entry, match in matches if match is not None]
        named = [(entry, match[0]) for entry, match in found if match[1] > _USE_CASE]
        return named or [(entry, match[0]) for entry, match in found]

    def _has(self, word: str) -> bool:
        return any(fit(word, known) for entry in self._entries for known in entry.words)


def _entry(entry: IntegrationEntry) -> _Entry:
    definition = entry.latest
    words: dict[str, float] = {}
    texts = (
        (_NAME, [definition.name, definition.integration]),
        (_SYNONYM, definition.synonyms),
        (_TAG, definition.tags),
        (_CATEGORY, definition.categories),
        (_SUMMARY, [definition.summary, definition.vendor or ""]),
        (_USE_CASE, definition.use_cases),
    )
    for weight, sources in texts:
        for source in sources:
            for word in words_of(source):
                words[word] = max(weight, words.get(word, 0.0))
    return _Entry(
        entry=entry,
        name=" ".join(words_of(definition.name)),
        words=words,
        values=_values(definition),
        popularity=definition.popularity,
        updated=definition.changelog[0].date if definition.changelog else "",
    )


def _values(definition: Definition) -> dict[Field, frozenset[str]]:
    abilities = {method.effect.value for method in definition.methods.values()}
    abilities |= {Capability.TRIGGER.value} if definition.triggers else set()
    return {
        Field.CATEGORY: frozenset(definition.categories),
        Field.AUTH_KIND: frozenset(method.kind.value for method in definition.auth),
        Field.CAPABILITY: frozenset(abilities),
        Field.TAG: frozenset(definition.tags),
        Field.STAGE: frozenset({definition.stage.value}),
    }


def _passes(entry: _Entry, wanted: IntegrationFilter) -> bool:
    if wanted.keys is not None and entry.entry.key not in wanted.keys:
        return False
    return all(not wanted.wanted(of) or entry.values[of] & set(wanted.wanted(of)) for of in Field)


def _match(entry: _Entry, fits: Mapping[str, Callable[[str, str], float]]) -> tuple[Hit, float] | None:
    """Return the hit and the weight of the word that says least about the integration; None where one is missing."""
    score, matched, least = 0.0, [], _WHOLE_NAME
    for word, fitting in fits.items():
        best, found = max((fitting(word, known) * weight, known) for known, weight in entry.words.items())
        if not best:
            return None
        score += best
        matched.append(found)
        least = min(least, entry.words[found])
    words = tuple(fits)
    joined = " ".join(words)
    if words and entry.name == joined:
        score += _WHOLE_NAME
    elif words and entry.name.startswith(joined):
        score += _NAME
    return Hit(entry.entry, round(score, 4), tuple(dict.fromkeys(matched))), least


def _facet(of: Field, entries: Iterable[_Entry], wanted: IntegrationFilter) -> Facet:
    counts: dict[str, int] = dict.fromkeys(wanted.wanted(of), 0)
    others = wanted.without(of)
    for entry in entries:
        if _passes(entry, others):
            for value in entry.values[of]:
                counts[value] = counts.get(value, 0) + 1
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    selected = set(wanted.wanted(of))
    return Facet(
        of, tuple(FacetValue(value, label_of(value), count, value in selected) for value, count in ordered)
    )


_SORT: Final[Mapping[Order, Callable[[_Entry, Hit], tuple[object, ...]]]] = {
    Order.RELEVANCE: lambda entry, hit: (-hit.score, -entry.popularity, entry.name, entry.entry.key),
    Order.POPULARITY: lambda entry, _: (-entry.popularity, entry.name, entry.entry.key),
    Order.NAME: lambda entry, _: (entry.name, entry.entry.key),
    Order.RECENTLY_UPDATED: lambda entry, _: (
        -int(entry.updated.replace("-", "") or 0),
        entry.name,
        entry.entry.key,
    ),
}
