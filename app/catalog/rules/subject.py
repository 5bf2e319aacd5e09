"""What a rule looks at, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from app.catalog.definition import Definition, Example, Json, Method
from app.catalog.yaml_reader import Path
from app.foundation.expressions import ExpressionError, Pick, compile_pick
from app.foundation.shapes import Shape, ShapeError


class Finding(NamedTuple):
    """A broken rule at the node of ``path``."""

    path: Path
    rule: str
    message: str


@dataclass(frozen=True, slots=True)
class RuleSubject:
    """A definition that fits the schema: its plain data (for places) and its typed form (for meaning)."""

    data: Mapping[str, Json]
    definition: Definition

    def auth(self) -> Iterator[tuple[Path, Mapping[str, Json]]]:
        """Yield the plain auth methods with their paths."""
        for index, method in enumerate(self.data["auth"]):
            yield ("auth", index), method


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
