"""Operations made from the schema: the smallest one for each field, with an id wherever one can stand."""

from __future__ import annotations

from graphql import (
    get_named_type,
    is_enum_type,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
    is_required_input_field,
    is_union_type,
)

from app.api.graphql.http_request import Operation
from app.api.graphql.schema import build_schema

SCHEMA = build_schema()
CORE = SCHEMA._schema
ROOTS = {"query": CORE.query_type, "mutation": CORE.mutation_type, "subscription": CORE.subscription_type}


def holes(type_, path=()):
    """Yield every place in a type of input where an id can stand."""
    named = get_named_type(type_)
    if named.name == "ID":
        yield path
    if is_input_object_type(named):
        for name, field in named.fields.items():
            yield from holes(field.type, (*path, name))


PLACES = [
    (kind, name, argument, path)
    for kind, root in ROOTS.items()
    for name, field in root.fields.items()
    for argument, given in field.args.items()
    for path in holes(given.type)
]


def filled(type_, path, id_):
    """Return the smallest value of a type with the id at ``path``; None where nothing has to stand."""
    if is_non_null_type(type_):
        return filled(type_.of_type, path, id_)
    if is_list_type(type_):
        return [filled(type_.of_type, path, id_)]
    if is_input_object_type(type_):
        wanted = {
            name: field
            for name, field in type_.fields.items()
            if is_required_input_field(field) or (path and path[0] == name)
        }
        return {
            name: filled(field.type, path[1:] if path and path[0] == name else None, id_)
            for name, field in wanted.items()
        }
    if is_enum_type(type_):
        return next(iter(type_.values))
    samples = {"ID": id_, "Int": 1, "Boolean": True, "JSON": {}, "SecretJSON": {}, "SemVer": "1.0.0"}
    return samples.get(type_.name, "https://x.test/")


def selection(type_, depth=2):
    named = get_named_type(type_)
    if is_leaf_type(named):
        return ""
    if is_union_type(named):
        return "{__typename}"
    inner = [
        f"{name} {selection(field.type, depth - 1)}"
        for name, field in named.fields.items()
        if not any(map(is_required_argument, field.args.values()))
        and name != "asOf"
        and (is_leaf_type(get_named_type(field.type)) or depth > 1)
    ]
    return f"{{__typename {' '.join(inner)}}}"


def operation_with(kind, name, argument, path, id_):
    field = ROOTS[kind].fields[name]
    given = {
        other: filled(definition.type, path if other == argument else None, id_)
        for other, definition in field.args.items()
        if other == argument or is_required_argument(definition)
    }
    declared = ", ".join(f"${other}: {field.args[other].type}" for other in given)
    used = ", ".join(f"{other}: ${other}" for other in given)
    return Operation(f"{kind} ({declared}) {{{name}({used}) {selection(field.type)}}}", given, None, None)
