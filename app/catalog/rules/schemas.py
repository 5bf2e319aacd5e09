"""The JSON Schemas in a definition are valid, self-contained and run on a linear-time pattern engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from app.catalog.definition import Effect, Json
from app.catalog.rules.subject import Finding, RuleSubject, compiled, fields_of, first_good, shape_of
from app.catalog.yaml_reader import Path
from app.foundation.patterns import PatternError, compile_pattern
from app.foundation.shapes import Shape, ShapeError

_MAPS: Final = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs"})
_LISTS: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_SINGLE: Final = frozenset(
    {
        "items",
        "contains",
        "additionalProperties",
        "unevaluatedProperties",
        "unevaluatedItems",
        "propertyNames",
        "if",
        "then",
        "else",
        "not",
    }
)
_FOREIGN: Final = ("$id", "$schema", "$vocabulary", "$dynamicRef", "$dynamicAnchor")


def schemas_are_valid(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/json-schema``: every schema compiles by itself, and forms describe objects."""
    for path, schema, is_form in roots(subject):
        if is_form and schema.get("type") != "object":
            yield Finding(path, "the schema must have type: object")
        try:
            Shape(schema)
        except ShapeError as fault:
            yield Finding(path, str(fault))


def references_are_local(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/json-schema-reference``: nothing is ever fetched (E11)."""
    for path, schema in walk_schemas(subject):
        target = schema.get("$ref")
        if isinstance(target, str) and not target.startswith("#/$defs/"):
            yield Finding((*path, "$ref"), "a $ref must begin with #/$defs/")
        for key in _FOREIGN:
            if key in schema:
                yield Finding((*path, key), f"{key} is not allowed here")


def patterns_are_linear(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/pattern``: every pattern compiles under RE2, so that no input makes it slow (E10)."""
    for path, schema in walk_schemas(subject):
        names = {(*path, "patternProperties", key): key for key in schema.get("patternProperties") or {}}
        if isinstance(schema.get("pattern"), str):
            names[(*path, "pattern")] = schema["pattern"]
        for place, text in names.items():
            yield from _pattern(place, text)
    for place, text in subject.texts("auth.*.callback.*.pattern"):
        yield from _pattern(place, text)


def samples_fit(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/schema-sample``: defaults and examples fit the schema in which they stand."""
    for path, schema in walk_schemas(subject):
        samples = [("default", schema["default"])] if "default" in schema else []
        examples = schema.get("examples")
        samples += [("examples", value) for value in examples] if isinstance(examples, list) else []
        shape = shape_of(schema) if samples and "$ref" not in schema else None
        for key, value in samples:
            if shape is not None and not shape.fits(value):
                yield Finding((*path, key), f"a value of {key} does not fit")


def options_can_be_loaded(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/options``: choices come from a READ method and are a list of value and label."""
    for path, schema in walk_schemas(subject):
        options = schema.get("options")
        if options is not None:
            yield from _options(subject, (*path, "options"), options)


def forms_can_depend(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/conditional-form``: a closed form knows the fields of its branches, and a condition waits.

    ``additionalProperties`` sees only the ``properties`` beside it (JSON Schema 2020-12 Core 10.3.2.3): a field of a
    branch would be required and unknown at once.
    """
    for path, schema in walk_schemas(subject):
        branches = list(_branches(schema))
        own = (schema.get("properties") or {}).keys()
        below = {name for _, branch in branches for name in fields_of(branch)} - own
        if schema.get("additionalProperties") is False and below:
            names = ", ".join(sorted(below))
            yield Finding(
                (*path, "additionalProperties"),
                f"does not know the fields of the branches ({names}): write unevaluatedProperties: false instead",
            )
        for key, branch in branches:
            if branch.get("additionalProperties") is False and own - fields_of(branch).keys():
                yield Finding(
                    (*path, *key, "additionalProperties"),
                    "refuses the fields outside of the branch: write unevaluatedProperties: false beside properties",
                )
        yield from _condition(path, schema)


def _branches(schema: Mapping[str, Json]) -> Iterator[tuple[Path, Mapping[str, Json]]]:
    for key in ("then", "else"):
        if isinstance(schema.get(key), Mapping):
            yield (key,), schema[key]
    for key in ("allOf", "anyOf", "oneOf"):
        yield from (((key, index), part) for index, part in enumerate(schema.get(key) or []) if part)
    yield from (
        (("dependentSchemas", name), part)
        for name, part in (schema.get("dependentSchemas") or {}).items()
        if isinstance(part, Mapping)
    )


def _condition(path: Path, schema: Mapping[str, Json]) -> Iterator[Finding]:
    condition = schema.get("if")
    if not isinstance(condition, Mapping):
        return
    fields = fields_of(schema)
    tested = {
        name
        for name, part in (condition.get("properties") or {}).items()
        if isinstance(part, Mapping) and "default" not in fields.get(name, {})
    }
    if missing := sorted(tested - set(condition.get("required") or ())):
        names = ", ".join(missing)
        yield Finding(
            (*path, "if"), f"holds as long as nothing is chosen: write required: [{names}] into the if too"
        )


def roots(subject: RuleSubject) -> Iterator[tuple[Path, Mapping[str, Json], bool]]:
    """Yield every JSON Schema of the definition with its path and whether it describes a form (an object)."""
    yield ("config",), subject.data["config"], True
    for base, auth in subject.auth():
        for key in ("credentials", "application"):
            if key in auth:
                yield (*base, key), auth[key], True
    for name, method in subject.data["methods"].items():
        yield ("methods", name, "params"), method["params"], True
        if "result" in method:
            yield ("methods", name, "result"), method["result"], False
    for name, trigger in subject.data.get("triggers", {}).items():
        yield ("triggers", name, "payload"), trigger["payload"], False


def walk_schemas(subject: RuleSubject) -> Iterator[tuple[Path, Mapping[str, Json]]]:
    """Yield every schema and every schema within it, with their paths."""
    for path, schema, _ in roots(subject):
        yield from _walk(path, schema)


def _walk(path: Path, schema: Json) -> Iterator[tuple[Path, Mapping[str, Json]]]:
    if not isinstance(schema, dict):
        return
    yield path, schema
    for key, value in schema.items():
        if key in _SINGLE:
            yield from _walk((*path, key), value)
        elif key in _LISTS:
            for index, part in enumerate(value):
                yield from _walk((*path, key, index), part)
        elif key in _MAPS:
            for name, part in value.items():
                yield from _walk((*path, key, name), part)


def _pattern(path: Path, text: str) -> Iterator[Finding]:
    try:
        compile_pattern(text)
    except PatternError as fault:
        yield Finding(path, str(fault))


def _options(subject: RuleSubject, path: Path, options: Json) -> Iterator[Finding]:
    if not isinstance(options, Mapping) or not {"method", "pick"} <= options.keys() <= {
        "method",
        "pick",
        "params",
    }:
        yield Finding(path, "must be {method, pick} and may have params")
        return
    method = subject.definition.methods.get(str(options["method"]))
    if method is None or method.effect is not Effect.READ:
        yield Finding((*path, "method"), "must name a READ method of this definition")
        return
    good, pick = first_good(method), compiled(str(options["pick"]))
    if good is None or pick is None:
        return
    choices = pick(good[1].body)
    if not isinstance(choices, list) or not all(_is_choice(choice) for choice in choices):
        yield Finding((*path, "pick"), "does not pick a list of {value, label} from the method's example")


def _is_choice(choice: Json) -> bool:
    return isinstance(choice, Mapping) and choice.keys() == {"value", "label"}
