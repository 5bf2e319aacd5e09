"""Operations made from the schema with a hostile value at every place where a value can stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInputType,
    GraphQLObjectType,
    get_named_type,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
    is_required_argument,
    is_required_input_field,
)

from tests.factories.operations import CORE, ROOTS, selection

TEXTS = (
    "",
    " ",
    "x" * 41,
    "x" * 65,
    "x" * 300,
    "x" * 9_000,
    "a\u0007\u001b[0m\u007f\u0085",
    "a\r\nb: c",
    "\u202e\u2066\ufeff\ufffe\U0010ffff",
    "100%_\\'\";--",
    "../../%00",
    "https://x.test/\ufffd",
    "\U0001f4a5" * 40,
)
LITERALS = (
    '"a\\u0000b"',
    '"\\ud800"',
    '"\\udc00\\ud800"',
    "9" * 400,
    "-1e9999",
    '"""a\u0007"""',
    "{a: {a: [[]]}}",
)
"""What only a literal can be, or looks otherwise as one."""
NUMBERS = (-1, 0, 2**31 - 1, -(2**31), 2**31, 2**53, 2**63 - 1, -(2**63), 1e308, 1.5)
SHAPES: tuple[Any, ...] = (
    None,
    True,
    [],
    {},
    [[["x"]]],
    {"a": {"b": [None, {"c": "x"}]}},
    {"": ""},
    ["x"] * 300,
)
WAYS = {
    "Integration": 'integration(by: {key: "slack"}) {HERE}',
    "IntegrationVersion": 'integration(by: {key: "slack"}) {latestVersion {HERE}}',
}
"""How a field below a root is reached, by the type that has it."""


@dataclass(frozen=True)
class Place:
    """Where a value stands: below one argument of one field."""

    kind: str
    owner: GraphQLObjectType
    name: str
    argument: str
    path: tuple[str, ...]
    type: GraphQLInputType

    def __str__(self) -> str:
        owner = self.kind if self.owner in ROOTS.values() else self.owner.name
        return ".".join((owner, self.name, self.argument, *self.path))

    @property
    def field(self) -> GraphQLField:
        """Return the field that has the argument."""
        return self.owner.fields[self.name]

    def values(self) -> Iterator[Any]:
        """Yield the hostile values for this place, those of other types too."""
        yield from SHAPES
        yield from TEXTS if _takes_text(self.type) else ("x",)
        yield from NUMBERS if get_named_type(self.type).name in {"Int", "JSON"} else (1,)
        if is_list_type(_bare(self.type)):
            yield from ([text] for text in TEXTS)

    def variables(self, value: object, known: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments with ``value`` at this place, and what is ``known`` or plain where one must be."""
        given = {
            name: _sample(argument.type, name, known)
            for name, argument in self.field.args.items()
            if is_required_argument(argument)
        }
        given[self.argument] = self._placed(
            self.field.args[self.argument].type,
            self.argument,
            self.path,
            value,
            known,
        )
        return given

    def _placed(
        self, type_: Any, name: str, path: tuple[str, ...], value: object, known: Mapping[str, Any]
    ) -> Any:
        if not path:
            return value
        fields = _bare(type_).fields
        made = {} if _bare(type_).is_one_of else _sample(type_, name, known)
        return {**made, path[0]: self._placed(fields[path[0]].type, path[0], path[1:], value, known)}

    def document(self, values: Mapping[str, Any]) -> str:
        """Return the operation whose arguments are variables."""
        declared = ", ".join(f"${name}: {self.field.args[name].type}" for name in values)
        return f"{self.kind} ({declared}) {self._selected(', '.join(f'{name}: ${name}' for name in values))}"

    def literal(self, text: str, known: Mapping[str, Any]) -> str:
        """Return the operation whose arguments are literals, with ``text`` as it stands at this place."""
        mark = "MARK"
        values = self.variables(mark, known)
        used = ", ".join(f"{name}: {written(value)}" for name, value in values.items())
        return f"{self.kind} {self._selected(used.replace(written(mark), text))}"

    def _selected(self, arguments: str) -> str:
        call = f"{self.name}({arguments}) {selection(self.field.type)}"
        return f"{{{WAYS.get(self.owner.name, 'HERE').replace('HERE', call)}}}"


def places() -> list[Place]:
    """Return every argument and every input field of the schema, wherever it can be reached."""
    return [
        place
        for kind, owner in owners()
        for name, field in owner.fields.items()
        for argument, given in field.args.items()
        for place in _below(kind, owner, name, argument, (), given.type)
    ]


def owners() -> list[tuple[str, GraphQLObjectType]]:
    """Return the types whose fields have arguments, with the kind of operation that reaches them."""
    below = [
        type_
        for type_ in CORE.type_map.values()
        if is_object_type(type_) and type_ not in ROOTS.values() and not type_.name.startswith("__")
    ]
    return [
        *ROOTS.items(),
        *(("query", one) for one in below if any(field.args for field in one.fields.values())),
    ]


def written(value: object) -> str:
    """Return a value as a literal."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {written(leaf)}" for name, leaf in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    if isinstance(value, _Word):
        return str(value)
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return {"None": "null", "True": "true", "False": "false"}.get(str(value), str(value))


class _Word(str):
    """A name of an enum: a text as a variable, a bare word as a literal."""

    __slots__ = ()


def _below(
    kind: str, owner: GraphQLObjectType, name: str, argument: str, path: tuple[str, ...], type_: Any
) -> Iterator[Place]:
    yield Place(kind, owner, name, argument, path, type_)
    if is_input_object_type(_bare(type_)):
        for part, given in _bare(type_).fields.items():
            yield from _below(kind, owner, name, argument, (*path, part), given.type)


def _sample(type_: Any, name: str, known: Mapping[str, Any]) -> Any:
    bare = _bare(type_)
    if is_list_type(bare):
        return [_sample(bare.of_type, name, known)]
    if is_input_object_type(bare):
        if bare.is_one_of:
            first = next(iter(bare.fields))
            return {first: _sample(bare.fields[first].type, first, known)}
        return {
            below: _sample(field.type, below, known)
            for below, field in bare.fields.items()
            if is_required_input_field(field)
        }
    if hasattr(bare, "values"):
        return _Word(next(iter(bare.values)))
    plain = {"Int": 1, "Boolean": True, "JSON": {}, "SecretJSON": {"token": "x"}, "SemVer": "1.0.0"}
    return known.get(name) or plain.get(bare.name, "https://x.test/")


def _bare(type_: Any) -> Any:
    return type_.of_type if is_non_null_type(type_) else type_


def _takes_text(type_: Any) -> bool:
    named = get_named_type(type_)
    return is_leaf_type(named) and named.name not in {"Int", "Boolean"} and not hasattr(named, "values")
