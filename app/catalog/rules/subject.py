"""What a rule looks at, and what it says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from app.catalog.definition import Definition, Example, Json, Method
from app.catalog.yaml_reader import Path
from app.foundation.expressions import ExpressionError, Pick, compile_pick
from app.foundation.patterns import PatternError, matches
from app.foundation.shapes import Shape, ShapeError
from app.foundation.templates import Template, TemplateError

HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")
"""A token (RFC 9110 5.6.2), as the names of headers, parameters and cookies are."""


class Finding(NamedTuple):
    """A broken rule at the node of ``path``; ``rule`` is its id where it is not the one that the table names."""

    path: Path
    message: str
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class RuleSubject:
    """A definition that fits the schema: its plain data (for places) and its typed form (for meaning)."""

    data: Mapping[str, Json]
    definition: Definition

    def auth(self) -> Iterator[tuple[Path, Mapping[str, Json]]]:
        """Yield the plain auth methods with their paths."""
        for index, method in enumerate(self.data["auth"]):
            yield ("auth", index), method

    def texts(self, *places: str) -> Iterator[tuple[Path, str]]:
        """Yield the texts that stand at places of the plain data, with their paths; see :func:`texts_at`."""
        return texts_at(self.data, *places)


def texts_at(data: Json, *places: str, base: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield the texts that stand at places below ``base``, with their paths.

    A place is names with dots between them (``http.error.code``); ``*`` stands for every member or entry.
    """
    for place in places:
        for path, value in _at(base, data, place.split(".")):
            if isinstance(value, str):
                yield path, value


def _at(path: Path, value: Json, names: Sequence[str]) -> Iterator[tuple[Path, Json]]:
    if not names:
        yield path, value
        return
    name, *rest = names
    keys: Iterable[str | int] = ()
    if isinstance(value, Mapping):
        keys = value if name == "*" else value.keys() & {name}
    elif isinstance(value, list) and name == "*":
        keys = range(len(value))
    for key in keys:
        yield from _at((*path, key), value[key], rest)


Rule = Callable[[RuleSubject], Iterator[Finding]]


def first_good(method: Method) -> tuple[int, Example] | None:
    """Return the index and value of the method's first example of success, or None."""
    return next(((i, example) for i, example in enumerate(method.examples) if example.outcome is None), None)


def compiled(text: str) -> Pick | None:
    """Return the compiled expression, or None where it does not compile (another rule reports that)."""
    try:
        return compile_pick(text)
    except ExpressionError:
        return None


def shape_of(schema: Mapping[str, Json]) -> Shape | None:
    """Return the compiled schema, or None where it is not valid (another rule reports that)."""
    try:
        return Shape(schema)
    except ShapeError:
        return None


def template_field(text: str) -> str | None:
    """Return the field that says a value where a template is one variable, else None."""
    try:
        name = Template(text).only_variable()
    except TemplateError:
        return None
    return name.partition(".")[2] if name else None


def admits_none(field: Mapping[str, Json], probes: Iterable[str]) -> bool:
    """Return whether a text field has an anchored pattern that admits none of the probes."""
    pattern = field.get("pattern")
    if not isinstance(pattern, str) or not pattern.startswith("^") or not pattern.endswith("$"):
        return False
    try:
        return not any(matches(pattern, probe) for probe in probes)
    except PatternError:
        return False


def fields_of(schema: Mapping[str, Json] | None) -> dict[str, Mapping[str, Json]]:
    """Return the fields that an object schema declares, also under ``then``, ``else`` and ``allOf``."""
    found: dict[str, Mapping[str, Json]] = {}
    for part in _parts(schema or {}):
        for name, field in (part.get("properties") or {}).items():
            if isinstance(field, Mapping) and len(field) > len(found.get(name, {})):
                found[name] = field
            else:
                found.setdefault(name, {})
    return found


def _parts(schema: Mapping[str, Json]) -> Iterator[Mapping[str, Json]]:
    yield schema
    branches = [schema.get("then"), schema.get("else"), *(schema.get("dependentSchemas") or {}).values()]
    for key in ("allOf", "anyOf", "oneOf"):
        branches.extend(schema.get(key) or [])
    for branch in branches:
        if isinstance(branch, Mapping):
            yield from _parts(branch)
