"""Rewrites the messages of the GraphQL library so that no value that a caller sent is ever in one.

The library puts variables and literals into its coercion errors, tokens into its syntax errors and names of
the schema into suggestions. Here every message is taken apart and only what is known to be harmless is put
together again: names of the schema, and names that stand in the document where only names can stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
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
_MAX_NEAR_CHARS: Final = 60
_MAX_LISTED: Final = 12
_NEAR: Final = 0.7

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
_ENUM_VALUE: Final = re.compile(r"Value '?(?P<sent>.*?)'? does not exist in '(?P<type>\w+)' enum", re.DOTALL)
_NO_FIELD: Final = re.compile(r" not to include unknown field '(?P<sent>\w+)'")
_NO_SELECTION: Final = re.compile(r"Cannot query field '(?P<sent>\w+)' on type '(?P<type>\w+)'")
_NO_ARGUMENT: Final = re.compile(r"Unknown argument '(?P<sent>\w+)' on field '(?P<type>\w+)\.(?P<field>\w+)'")
_ONE_OF: Final = re.compile(r"(?:Within )?OneOf Input Object (?:type )?'(?P<type>\w+)'")
_ONE_OF_NULL: Final = re.compile(r"Field '(?P<type>\w+)\.(?P<field>\w+)' must be non-null")
_MEMBER_NULL: Final = re.compile(r"Value for member field '(?P<field>\w+)' must be non-null")
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
        self._schema = schema
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
        text = _QUOTED.sub(lambda found: _requoted(found, allowed), _HINT.sub("", message))
        return f"{text}{self._nearest_in_output(message)}"

    def _nearest_in_output(self, message: str) -> str:
        wrong = _NO_SELECTION.match(message) or _NO_ARGUMENT.match(message)
        type_ = self._schema.get_type(wrong["type"]) if wrong else None
        if wrong is None or not (is_object_type(type_) or is_interface_type(type_)):
            return ""
        field = type_.fields.get(wrong.groupdict().get("field") or "")
        near = _nearest(wrong["sent"], field.args if field else type_.fields)
        return f" The nearest is '{near}'." if near else ""

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
                return f"Expected a value of type '{found['type']}'{self._values(found)}."
        member = _MEMBER_NULL.match(text)
        if member is not None and member["field"] in self._names:
            return f"'{member['field']}' is null, where exactly one field has to be sent, and not null."
        one_of = _ONE_OF.match(text) or _ONE_OF_NULL.match(text)
        if one_of is not None and one_of["type"] in self._names:
            return f"'{one_of['type']}' takes exactly one field{self._fields(one_of['type'])}, and not null."
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
            return self._no_field(expected["type"], _NO_FIELD.match(rest))
        if rest.startswith(" to be an object"):
            return f"Expected an object of type '{type_}'."
        if expected["nonnull"] or rest.startswith((" to be provided", " not to be None")):
            return f"A value of type '{type_}' is required."
        return f"Expected a value of type '{type_}'."

    def _no_field(self, name: str, unknown: re.Match[str] | None) -> str:
        type_ = self._schema.get_type(name)
        fields = type_.fields if is_input_object_type(type_) else ()
        near = _nearest(unknown["sent"] if unknown else "", fields)
        if unknown and near:  # so near to one of ours it is a misspelt name, and no value in a name's place
            return f"'{name}' has no field '{unknown['sent']}'; the nearest is '{near}'."
        return f"'{_shown(name, self._names)}' has no field of a name that was sent{self._fields(name)}."

    def _fields(self, name: str) -> str:
        type_ = self._schema.get_type(name)
        return _listed(type_.fields) if is_input_object_type(type_) else ""

    def _values(self, found: re.Match[str]) -> str:
        type_ = self._schema.get_type(found["type"])
        if not is_enum_type(type_):
            return ""
        near = _nearest(found.groupdict().get("sent") or "", type_.values)
        return f"{_listed(type_.values)}; the nearest is '{near}'" if near else _listed(type_.values)


def _nearest(sent: str, names: Iterable[str]) -> str | None:
    """Return the name that the one which was sent is probably meant to be."""
    if not _WORD.fullmatch(sent) or len(sent) > _MAX_NEAR_CHARS:
        return None
    plain = {_plainly(name): name for name in names}
    near = get_close_matches(_plainly(sent), plain, n=1, cutoff=_NEAR)
    return plain[near[0]] if near else None


def _plainly(name: str) -> str:
    return name.replace("_", "").lower()


def _listed(names: Iterable[str]) -> str:
    all_ = list(names)
    more = ", …" if len(all_) > _MAX_LISTED else ""
    return f" (there are: {', '.join(all_[:_MAX_LISTED])}{more})"


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
