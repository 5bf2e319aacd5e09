"""JSON Schema 2020-12 shapes: offline, on a linear-time pattern engine, with faults that never hold the value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Final

import jsonschema_rs
from jsonschema_rs import Draft202012Validator, RegexOptions

from app.foundation.expressions import is_person_predicate
from app.foundation.problems import Problem, ProblemCode, problem

MAX_FAULTS: Final = 50
PREDICATE_FORMAT: Final = "jmespath"
"""The ``format`` of a text in which a person says what must hold of an answer."""
_CODES: Final[Mapping[str, ProblemCode]] = {
    "required": ProblemCode.MISSING_FIELD,
    "additionalProperties": ProblemCode.UNKNOWN_FIELD,
    "unevaluatedProperties": ProblemCode.UNKNOWN_FIELD,
    "maxLength": ProblemCode.FIELD_TOO_LONG,
    "maxItems": ProblemCode.FIELD_TOO_LONG,
    "pattern": ProblemCode.PATTERN_MISMATCH,
}
_REASONS: Final[Mapping[str, str]] = {
    "type": "it must be {expected}",
    "enum": "it must be one of {expected}",
    "const": "it must be {expected}",
    "minLength": "it must have at least {expected} characters",
    "maxLength": "it may have at most {expected} characters",
    "minimum": "it must be at least {expected}",
    "maximum": "it must be at most {expected}",
    "exclusiveMinimum": "it must be more than {expected}",
    "exclusiveMaximum": "it must be less than {expected}",
    "minItems": "it must have at least {expected} entries",
    "uniqueItems": "its entries must differ from each other",
    "multipleOf": "it must be a multiple of {expected}",
    "format": "it must be a valid {expected}",
    "anyOf": "it must have one of the forms that its help describes",
    "oneOf": "it must have exactly one of the forms that its help describes",
}
_FORMATS: Final[Mapping[str, str]] = {
    "uri": "it must be a whole address, such as https://api.example.com",
    "email": "it must be an e-mail address, such as ada@example.com",
    "date": "it must be a date, such as 2026-11-30",
    "date-time": "it must be a moment, such as 2026-11-30T12:00:00Z",
    "uuid": "it must be a UUID, such as 123e4567-e89b-12d3-a456-426614174000",
}
_HELPFUL: Final = ("type", "required", "enum", "const", "format", "minLength", "maxLength", "pattern")
"""Of several faults of one field the one is reported that stands first here: what it is goes before how it looks."""
_UNKNOWN: Final = frozenset({"additionalProperties", "unevaluatedProperties"})


class ShapeError(ValueError):
    """A schema that is not a valid, self-contained JSON Schema 2020-12."""


@dataclass(frozen=True, slots=True)
class ShapeFault:
    """One way in which a value does not fit: where, which keyword, and what was expected (from the schema alone)."""

    path: tuple[str, ...]
    keyword: str
    expected: Any


class Shape:
    """A compiled schema. It does not fetch anything and does not keep what it checks."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        try:
            self._validator = Draft202012Validator(
                dict(schema),
                validate_formats=True,
                formats={PREDICATE_FORMAT: is_person_predicate},
                offline=True,
                pattern_options=RegexOptions(),
            )
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as fault:
            raise ShapeError(_schema_fault(fault)) from None
        self.schema = schema

    def fits(self, value: Any) -> bool:  # noqa: ANN401 - JSON edge
        """Return whether ``value`` fits the schema."""
        return bool(self._validator.is_valid(value))

    def faults(self, value: Any) -> list[ShapeFault]:  # noqa: ANN401 - JSON edge
        """Return every fault of ``value``, at most ``MAX_FAULTS``, in the schema's order, without the value."""
        every = chain.from_iterable(map(_faults_of, self._validator.iter_errors(value)))
        return list(islice(every, MAX_FAULTS))

    def problems(self, value: Any, *prefix: str) -> list[Problem]:  # noqa: ANN401 - JSON edge
        """Return one problem for each field that does not fit, the first that helps; paths start with ``prefix``."""
        return [self._problem(fault, prefix) for fault in self._helpful(value)]

    def _helpful(self, value: Any) -> list[ShapeFault]:  # noqa: ANN401 - JSON edge
        first: dict[tuple[str, ...], ShapeFault] = {}
        for fault in self.faults(value):
            if fault.keyword == "unevaluatedProperties" and self._applies_to(value, fault.path):
                continue  # a branch that fails evaluates nothing (JSON Schema Core 7.7.1.2): what fails is reported
            if fault.path not in first or _rank(fault) < _rank(first[fault.path]):
                first[fault.path] = fault
        return list(first.values())

    def _applies_to(self, value: Any, path: tuple[str, ...]) -> bool:  # noqa: ANN401 - JSON edge
        """Return whether a part of the schema that applies to ``value`` describes the field at ``path``."""
        schemas = [self.schema]
        for place, part in enumerate(path):
            every = [each for schema in schemas for each in _applying(schema, value, self.schema)]
            below = [(each.get("properties") or {}).get(part) or each.get("items") for each in every]
            schemas = [schema for schema in below if isinstance(schema, Mapping)]
            if place + 1 < len(path):
                value = value[int(part)] if isinstance(value, list) else value[part]
        return bool(schemas)

    def _problem(self, fault: ShapeFault, prefix: tuple[str, ...]) -> Problem:
        field = subschema(self.schema, fault.path)
        code = _CODES.get(fault.keyword, ProblemCode.INVALID_FIELD)
        examples = field.get("examples") or []
        template = _FORMATS.get(str(fault.expected)) if fault.keyword == "format" else None
        template = template or _REASONS.get(fault.keyword, "it does not have the expected form")
        reason = template.format(expected=_words(fault.expected))
        return problem(
            code,
            *prefix,
            *fault.path,
            details={"keyword": fault.keyword, "expected": fault.expected},
            label=str(field.get("title") or (fault.path[-1] if fault.path else "The form")),
            reason=reason,
            limit=f"{fault.expected} {'characters' if fault.keyword == 'maxLength' else 'entries'}",
            example=str(examples[0]) if examples else "see the field's help",
        )


def subschema(schema: Mapping[str, Any], path: tuple[str, ...]) -> Mapping[str, Any]:
    """Return the schema of the field at ``path``, looking through ``then``, ``else``, ``allOf`` and ``items``."""
    if not path:
        return schema
    head, rest = path[0], path[1:]
    properties = schema.get("properties", {})
    if head in properties and isinstance(properties[head], Mapping):
        return subschema(properties[head], rest)
    if head.isdigit() and isinstance(schema.get("items"), Mapping):
        return subschema(schema["items"], rest)
    for branch in _branches(schema):
        found = subschema(branch, path)
        if found:
            return found
    return {}


def secret_paths(schema: Mapping[str, Any], prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return the paths of all fields that the schema marks ``secret: true``."""
    found: list[tuple[str, ...]] = []
    for name, field in (schema.get("properties") or {}).items():
        if not isinstance(field, Mapping):
            continue
        if field.get("secret") is True:
            found.append((*prefix, name))
        found.extend(secret_paths(field, (*prefix, name)))
    for branch in _branches(schema):
        found.extend(path for path in secret_paths(branch, prefix) if path not in found)
    return found


def with_defaults(
    schema: Mapping[str, Any], value: Mapping[str, Any], root: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return ``value`` with the ``default`` of every absent property filled in, nested ones and those of branches.

    Of ``then`` and ``else`` that one counts which applies to what the schema around it has filled in already.
    """
    filled = dict(value)
    root = root or schema
    for name, field in (schema.get("properties") or {}).items():
        if not isinstance(field, Mapping):
            continue
        if name not in filled and "default" in field:
            filled[name] = field["default"]
        elif isinstance(filled.get(name), Mapping):
            filled[name] = with_defaults(field, filled[name], root)
    for branch in _branches_of(schema, filled, root):
        filled = with_defaults(branch, filled, root)
    return filled


def _applying(
    schema: Mapping[str, Any],
    value: Any,  # noqa: ANN401 - JSON edge
    root: Mapping[str, Any],
) -> Iterator[Mapping[str, Any]]:
    """Yield the schema and every branch of it that applies to ``value``."""
    yield schema
    for branch in _branches_of(schema, value, root):
        yield from _applying(branch, value, root)


def _branches_of(
    schema: Mapping[str, Any],
    value: Any,  # noqa: ANN401 - JSON edge
    root: Mapping[str, Any],
) -> list[Mapping[str, Any]]:
    """Return the branches that apply: ``then`` or ``else``, all of ``allOf``, those of fields that are there."""
    branches = list(schema.get("allOf") or [])
    if "if" in schema:
        condition = Shape({"allOf": [schema["if"]], "$defs": root.get("$defs") or {}})
        branches.append(schema.get("then" if condition.fits(value) else "else"))
    dependent = schema.get("dependentSchemas") or {}
    branches += [each for name, each in dependent.items() if isinstance(value, Mapping) and name in value]
    return [branch for branch in branches if isinstance(branch, Mapping)]


def _branches(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    branches = [schema.get(key) for key in ("then", "else")]
    for key in ("allOf", "anyOf", "oneOf"):
        branches.extend(schema.get(key) or [])
    branches.extend((schema.get("dependentSchemas") or {}).values())
    return [branch for branch in branches if isinstance(branch, Mapping)]


def _rank(fault: ShapeFault) -> int:
    return _HELPFUL.index(fault.keyword) if fault.keyword in _HELPFUL else len(_HELPFUL)


def _faults_of(error: jsonschema_rs.ValidationError) -> list[ShapeFault]:
    path = tuple(str(part) for part in error.instance_path)
    details = error.kind.as_dict()
    keyword = error.kind.name
    if keyword == "required":
        return [ShapeFault((*path, str(details["property"])), keyword, None)]
    if keyword in _UNKNOWN:
        return [ShapeFault((*path, str(name)[:100]), keyword, None) for name in details.get("unexpected", [])]
    return [ShapeFault(path, keyword, _expected(keyword, details))]


def _expected(keyword: str, details: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON edge
    names = {"enum": "options", "const": "expected_value", "type": "types"}
    for name in (names.get(keyword, keyword), "limit", "multiple_of"):
        if name in details:
            return details[name]
    return None


def _words(expected: Any) -> str:  # noqa: ANN401 - JSON edge
    if expected == PREDICATE_FORMAT:
        return "JMESPath predicate of comparisons and plain functions"
    if isinstance(expected, list | tuple):
        return ", ".join(str(item) for item in expected)
    return str(expected)


def _schema_fault(fault: Exception) -> str:
    text = getattr(fault, "message", None) or str(fault)
    return str(text).splitlines()[0][:200]
