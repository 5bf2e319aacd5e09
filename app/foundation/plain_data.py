"""Dataclasses from and to plain values, as JSON and YAML have them.

A field stands in the member of its name in camelCase. Where they differ the field's metadata holds the member's
``key``; ``default`` is what a value that leaves the member out means.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Data = Mapping[str, Any]
_Read = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Member:
    """How one field is read; ``absent`` is what it is where its member is left out, MISSING where that may not be."""

    name: str
    key: str
    read: _Read
    absent: Any


def from_data(kind: type[T], data: Data, **given: Any) -> T:  # noqa: ANN401 - values of the dataclass's fields
    """Return a ``kind`` with the members of ``data``, which fits it; fields that are ``given`` are not looked for.

    What is left out is the field's default; without one, None where it may be None, and an empty tuple or mapping.

    Raises:
        KeyError: a member is missing.
    """
    for member in _members(kind):
        if member.name in given:
            continue
        if member.key in data:
            given[member.name] = member.read(data[member.key])
        elif member.absent is MISSING:
            raise KeyError(member.key)
        else:
            given[member.name] = member.absent
    return kind(**given)


def to_data(value: Any) -> Any:  # noqa: ANN401 - any value
    """Return the plain form of a dataclass, or of what holds some, which :func:`from_data` reads back."""
    if is_dataclass(value):
        return {member.key: to_data(getattr(value, member.name)) for member in _members(type(value))}
    if isinstance(value, Mapping):
        return {name: to_data(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_data(item) for item in value]
    return value.value if isinstance(value, Enum) else value


def _declared(kind: Any) -> tuple[_Member, ...]:  # noqa: ANN401 - a dataclass
    types = get_type_hints(kind)
    found = []
    for field in fields(kind):
        read, empty = _reader(types[field.name])
        absent = field.metadata.get("default", empty) if field.default is MISSING else field.default
        found.append(_Member(field.name, field.metadata.get("key", _camel_case(field.name)), read, absent))
    return tuple(found)


def _reader(type_: Any) -> tuple[_Read, Any]:  # noqa: ANN401 - any type expression
    """Return what reads a value of the type, and the empty value that stands where there is none."""
    origin, arguments = get_origin(type_), get_args(type_)
    if origin in {Union, UnionType}:
        read, _ = _reader(next(one for one in arguments if one is not NoneType))
        return lambda value: None if value is None else read(value), None
    if origin is tuple:
        read, _ = _reader(arguments[0])
        return lambda values: tuple(map(read, values)), ()
    if origin is Mapping and arguments[1] is Any:  # JSON, which libraries want as the plain dict that it is
        return _itself, {}
    if origin is Mapping:
        read, _ = _reader(arguments[1])
        return lambda data: MappingProxyType({name: read(data[name]) for name in data}), MappingProxyType({})
    if origin is Literal or not isinstance(type_, type):
        return _itself, MISSING
    if hasattr(type_, "parse"):
        return type_.parse, MISSING
    if is_dataclass(type_):
        return lambda data: from_data(type_, data), MISSING
    return (type_ if issubclass(type_, Enum) else _itself), MISSING


def _itself(value: Any) -> Any:  # noqa: ANN401 - what it is already
    return value


def _camel_case(name: str) -> str:
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)


_members: Callable[[Any], tuple[_Member, ...]] = cache(_declared)
