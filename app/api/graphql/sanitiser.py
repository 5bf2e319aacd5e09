"""Rewrites the messages of the GraphQL library so that no value that a caller sent is ever in one.

The library puts variables and literals into its coercion errors, tokens into its syntax errors and names of
the schema into suggestions. Here every message is taken apart and only what is known to be harmless is put
together again: names of the schema, and names that stand in the document where only names can stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from graphql import (
    GraphQLSchema,
    GraphQLSyntaxError,
    NameNode,
    Node,
    ObjectFieldNode,
    is_enum_type,
    is_input_object_type,
    is_interface_type,
    is_object_type,
)

HIDDEN: Final = "…"
_FALLBACK: Final = "The document is not valid."
_VALUE: Final = "The value is not valid."
_WORD: Final = re.compile(r"[_A-Za-z][_0-9A-Za-z]*")
_QUOTED: Final = re.compile(r"(?P<of>operation |fragment )?'(?P<words>[^']*)'")
_NAME: Final = re.compile(r"\w{1,200}")
_HINT: Final = re.compile(r" Did you mean .*", re.DOTALL)
_PLAIN: Final = re.compile(r"[\w.!\[\]():@$ ,{}-]*")
_NUMBER: Final = re.compile(r"(?<!\w)\d{6}")
_MAX_QUOTED_CHARS: Final = 200
_MAX_PATH_CHARS: Final = 300

_WHOSE: Final = re.compile(
    r"(?P<kind>Variable|Argument) '(?P<name>\$?\w+)' has invalid (?P<default>default )?value"
    r"(?: at (?P<path>[^:]*))?: (?P<inner>.*)",
    re.DOTALL,
)
_EXPECTED: Final = re.compile(
    r"Expected a? ?value of (?P<nonnull>non-null )?type '(?P<type>[\w!\[\]]+)'(?P<rest>.*)", re.DOTALL
)
_REQUIRED: Final = re.compile(r" to include required field '(?P<field>\w+)'")
_SCALAR: Final = re.compile(r"(?P<type>Int|Float|String|Boolean|ID) cannot represent ")
_ENUM_OF: Final = re.compile(r"Enum '(?P<type>\w+)' cannot represent ")
_ENUM_VALUE: Final = re.compile(r"Value .* does not exist in '(?P<type>\w+)' enum", re.DOTALL)
_ONE_OF: Final = re.compile(r"(?:Within )?OneOf Input Object (?:type )?'(?P<type>\w+)'")
_OWN_SCALAR: Final = re.compile(
    r"(?:DateTime|URL|SemVer|EventCursor|SecretText|SecretJSON) must be [\w ,.0-9]+\Z"
)
_TOKEN: Final = re.compile(r"(?P<kind>Name|String|BlockString|Int|Float|Comment) '.*'", re.DOTALL)

_GENERIC: Final = (
    "Anonymous ",
    "Argument '",
    "Cannot query field '",
    "Cannot spread fragment '",
    "Directive '",
    "Field '",
    "Fields '",
    "Fragment '",
    "Fragment cannot ",
    "Maximum introspection depth exceeded",
    "Spreads '",
    "Subscription '",
    "The directive '",
    "The query operation is not supported",
    "The mutation operation is not supported",
    "The subscription operation is not supported",
    "There are several operations",
    "There can be only one ",
    "This anonymous operation ",
    "Too many ",
    "Unknown ",
    "Variable '",
    "Variable values are nested too deeply.",
)


class Sanitiser:
    """Rewrites messages about documents of one schema."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._names = frozenset(_schema_names(schema))

    def syntax(self, error: GraphQLSyntaxError) -> str:
        """Return what is wrong with a text that is no document."""
        text = error.message.removeprefix("Syntax Error: ")
        text = text.split(", did you mean")[0]
        if text.startswith(("Expected ", "Unexpected ")) and ":" not in text.split("'")[0]:
            text = _TOKEN.sub(lambda found: found["kind"], text)
        else:
            text = text.split(":")[0].split("'")[0].strip()
        return f"Syntax error: {text.rstrip('.')[:_MAX_QUOTED_CHARS]}."

    def message(self, message: str, nodes: Sequence[Node]) -> str:
        """Return what is wrong with a document or with its variables."""
        whose = _WHOSE.fullmatch(message)
        if whose is not None:
            return self._whose(whose)
        inner = self._expectation(message)
        if inner != _VALUE:
            return inner
        if not message.startswith(_GENERIC) or " has invalid " in message:
            return _FALLBACK
        allowed = self._names.union(_names_in(nodes))
        text = _HINT.sub("", message)
        return _QUOTED.sub(lambda found: _requoted(found, allowed), text)

    def _whose(self, whose: re.Match[str]) -> str:
        name = whose["name"] if len(whose["name"]) <= _MAX_QUOTED_CHARS else HIDDEN
        at = f" at '{_shown(whose['path'], self._names)}'" if whose["path"] else ""
        default = whose["default"] or ""
        expectation = self._expectation(whose["inner"])
        return f"{whose['kind']} '{name}' has an invalid {default}value{at}: {expectation}"

    def _expectation(self, text: str) -> str:
        expected = _EXPECTED.match(text)
        if expected is not None:
            return self._expected(expected)
        for pattern in (_SCALAR, _ENUM_OF, _ENUM_VALUE):
            found = pattern.match(text)
            if found is not None and found["type"] in self._names:
                return f"Expected a value of type '{found['type']}'."
        one_of = _ONE_OF.match(text)
        if one_of is not None and one_of["type"] in self._names:
            return f"'{one_of['type']}' takes exactly one field, and not null."
        if _OWN_SCALAR.match(text):
            return f"{text}."
        return _VALUE

    def _expected(self, expected: re.Match[str]) -> str:
        type_ = _shown(expected["type"], self._names)
        rest = expected["rest"]
        required = _REQUIRED.match(rest)
        if required is not None and required["field"] in self._names:
            return f"'{type_}' has the required field '{required['field']}', which is missing."
        if rest.startswith(" not to include unknown field "):
            return f"'{type_}' has no field of a name that was sent."
        if rest.startswith(" to be an object"):
            return f"Expected an object of type '{type_}'."
        if expected["nonnull"] or rest.startswith((" to be provided", " not to be None")):
            return f"A value of type '{type_}' is required."
        return f"Expected a value of type '{type_}'."


def _requoted(found: re.Match[str], allowed: frozenset[str]) -> str:
    of, words = found["of"] or "", found["words"]
    # What an operation or fragment is called can only be a name of the document.
    shown = words if of and _NAME.fullmatch(words) else _shown(words, allowed)
    return f"{of}'{shown}'"


def _shown(quoted: str, allowed: frozenset[str]) -> str:
    """Return a quoted piece of a message if all words in it are allowed."""
    if len(quoted) > _MAX_PATH_CHARS or not set(_WORD.findall(quoted)) <= allowed:
        return HIDDEN
    is_plain = _PLAIN.fullmatch(quoted) is not None and _NUMBER.search(quoted) is None
    return quoted if is_plain else HIDDEN


def _schema_names(schema: GraphQLSchema) -> Iterator[str]:
    for name, type_ in schema.type_map.items():
        yield name
        if is_object_type(type_) or is_interface_type(type_):
            for field_name, field in type_.fields.items():
                yield field_name
                yield from field.args
        elif is_input_object_type(type_):
            yield from type_.fields
        elif is_enum_type(type_):
            yield from type_.values
    for directive in schema.directives:
        yield directive.name
        yield from directive.args


def _names_in(nodes: Sequence[Node]) -> Iterator[str]:
    """Yield the names that stand where only names can stand: not enum values, not fields of literals."""
    waiting: list[Any] = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, NameNode):
            if len(node.value) <= _MAX_QUOTED_CHARS:
                yield node.value
        elif isinstance(node, ObjectFieldNode):
            waiting.append(node.value)
        elif isinstance(node, Node):
            waiting.extend(getattr(node, key, None) for key in node.keys if key != "loc")
        elif isinstance(node, list | tuple):
            waiting.extend(node)
