"""Reads YAML that is as plain as JSON, and remembers where every node stands."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import yaml
from yaml import events

from app.catalog.definition import Json
from app.catalog.faults import DefinitionFault

MAX_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 32
MAX_FAULTS: Final = 100
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\Z")
_FLOAT: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\Z")
_WORDS: Final[Mapping[str, bool | None]] = {"true": True, "false": False, "null": None}
_UNPRINTABLE: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]"
)
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Path = tuple[str | int, ...]


class Mark(NamedTuple):
    """A place in a file; lines and columns count from 1."""

    line: int
    column: int


_START: Final = Mark(1, 1)


@dataclass(frozen=True, slots=True)
class Document:
    """The plain value of a YAML file and the place of each of its nodes by path."""

    file: str
    value: Any
    marks: Mapping[Path, Mark]

    def mark(self, path: Path) -> Mark:
        """Return the place of the node at ``path``, or of its nearest ancestor that exists."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.marks:
                return self.marks[path[:length]]
        return _START

    def fault(self, path: Path, rule: str, message: str) -> DefinitionFault:
        """Make a fault of the node at ``path``."""
        return DefinitionFault(self.file, *self.mark(path), rule, message)


def path_of(parts: Iterable[str]) -> Path:
    """Return a path that is given as texts, as faults of a JSON Schema are."""
    return tuple(int(part) if part.isdigit() else part for part in parts)


def read_yaml(data: bytes, file: str) -> tuple[Document | None, list[DefinitionFault]]:
    """Read one YAML document of at most 256 KB and 32 levels; every fault is reported, none is raised.

    Refused are anchors, aliases, tags, directives, merge keys, duplicate keys, keys that are not scalars,
    several documents, and plain scalars that stand for nothing. A plain one is ``true``, ``false``, ``null``
    or a number in JSON's notation; every other one is text (``no``, ``012`` and ``1:30`` stay what they are).
    """
    if len(data) > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES // 1024} KB"
        return None, [DefinitionFault.of_file(file, "yaml/size", message)]
    try:
        text = data.decode("utf-8", errors="strict")
    except UnicodeDecodeError as fault:
        line = data.count(b"\n", 0, fault.start) + 1
        return None, [DefinitionFault(file, line, 1, "yaml/encoding", "the file is not UTF-8")]
    bad = _UNPRINTABLE.search(text)
    if bad:
        line = text.count("\n", 0, bad.start()) + 1
        column = bad.start() - (text.rfind("\n", 0, bad.start()) + 1) + 1
        return None, [
            DefinitionFault(file, line, column, "yaml/character", f"U+{ord(bad.group()):04X} is not allowed")
        ]
    return _Reader(file).read(text)


@dataclass(slots=True)
class _Collection:
    """A mapping or list that is being read."""

    path: Path
    value: dict[str, Any] | list[Any]
    key: str | None = None
    skipped: bool = False


@dataclass(slots=True)
class _Reader:
    """Builds the value from parser events with a stack of its own, so that depth costs no recursion."""

    file: str
    faults: list[DefinitionFault] = field(default_factory=list)
    marks: dict[Path, Mark] = field(default_factory=dict)
    stack: list[_Collection] = field(default_factory=list)
    root: Any = None
    documents: int = 0

    def read(self, text: str) -> tuple[Document | None, list[DefinitionFault]]:
        try:
            for event in yaml.parse(text, Loader=_LOADER):
                if not self._take(event) or len(self.faults) >= MAX_FAULTS:
                    return None, self.faults
        except yaml.YAMLError as fault:
            self._syntax(fault)
        if not self.documents and not self.faults:
            self.faults.append(DefinitionFault.of_file(self.file, "yaml/empty", "the file holds no document"))
        if self.faults:
            return None, self.faults
        return Document(self.file, self.root, self.marks), []

    def _take(self, event: events.Event) -> bool:
        """Read one event; False ends the reading."""
        match event:
            case events.DocumentStartEvent():
                return self._document(event)
            case events.AliasEvent():
                self._fault(event, "yaml/alias", f"the alias *{event.anchor} is not allowed")
                self._place(event, None)
            case events.ScalarEvent():
                self._decorations(event)
                self._scalar(event)
            case events.MappingStartEvent():
                return self._open(event, {})
            case events.SequenceStartEvent():
                return self._open(event, [])
            case events.MappingEndEvent() | events.SequenceEndEvent():
                self.stack.pop()
        return True

    def _document(self, event: events.DocumentStartEvent) -> bool:
        self.documents += 1
        if event.version or event.tags:
            self._fault(event, "yaml/directive", "directives (%YAML, %TAG) are not allowed")
        if self.documents > 1:
            self._fault(event, "yaml/documents", "the file holds more than one document")
            return False
        return True

    def _decorations(self, event: events.ScalarEvent | events.CollectionStartEvent) -> None:
        anchor = event.anchor
        if anchor is not None:
            self._fault(event, "yaml/anchor", f"the anchor &{anchor} is not allowed")
        if event.tag is not None:
            self._fault(event, "yaml/tag", f"the tag {event.tag[:60]} is not allowed")

    def _open(self, event: events.CollectionStartEvent, value: dict[str, Any] | list[Any]) -> bool:
        self._decorations(event)
        if len(self.stack) >= MAX_DEPTH:
            self._fault(event, "yaml/depth", f"the file is nested deeper than {MAX_DEPTH} levels")
            return False
        if self._expects_key():
            self._fault(event, "yaml/key", "a key must be a plain text")
            return False
        path, skipped = self._place(event, value)
        self.stack.append(_Collection(path, value, skipped=skipped))
        return True

    def _scalar(self, event: events.ScalarEvent) -> None:
        if self._expects_key():
            self._key(event)
            return
        self._place(event, self._plain(event) if _is_plain(event) else event.value)

    def _plain(self, event: events.ScalarEvent) -> Json:
        text = event.value
        if text in _WORDS:
            return _WORDS[text]
        if text in {"", "~"}:
            self._fault(event, "yaml/nothing", "a value is missing: write null, or '' for an empty text")
            return None
        if _INTEGER.match(text):
            return int(text)
        if _FLOAT.match(text):
            return self._number(event, text)
        return text

    def _number(self, event: events.ScalarEvent, text: str) -> Json:
        number = float(text) if len(text) <= 40 else math.inf  # noqa: PLR2004 - longer than any double in JSON
        if math.isinf(number):
            self._fault(event, "yaml/number", "the number is too large: quote it if it is a text")
            return 0
        return number

    def _expects_key(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is None

    def _key(self, event: events.ScalarEvent) -> None:
        top = self.stack[-1]
        top.key = event.value
        if _is_plain(event) and event.value == "<<":
            self._fault(event, "yaml/merge", "merge keys are not allowed")
        if _is_plain(event) and event.value == "":
            self._fault(event, "yaml/key", "a key is missing")
        if isinstance(top.value, dict) and event.value in top.value:
            self._fault(event, "yaml/duplicate-key", f"the key {event.value[:60]!r} appears twice")
        else:
            self.marks[(*top.path, event.value)] = _mark(event)

    def _place(self, event: events.Event, value: Json) -> tuple[Path, bool]:
        if not self.stack:
            self.root = value
            self.marks[()] = _mark(event)
            return (), False
        top = self.stack[-1]
        if isinstance(top.value, list):
            path: Path = (*top.path, len(top.value))
            top.value.append(value)
            self.marks[path] = _mark(event)
            return path, top.skipped
        key = top.key or ""
        top.key = None
        duplicate = key in top.value
        if not duplicate:
            top.value[key] = value
        return (*top.path, key), top.skipped or duplicate

    def _fault(self, event: events.Event, rule: str, message: str) -> None:
        self.faults.append(DefinitionFault(self.file, *_mark(event), rule, message))

    def _syntax(self, fault: yaml.YAMLError) -> None:
        mark = getattr(fault, "problem_mark", None) or getattr(fault, "context_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        reason = getattr(fault, "problem", None) or "not YAML"
        self.faults.append(DefinitionFault(self.file, line, column, "yaml/syntax", str(reason)[:200]))


def _is_plain(event: events.ScalarEvent) -> bool:
    return not event.style  # None from PyYAML's own parser, '' from libyaml's


def _mark(event: events.Event) -> Mark:
    start = event.start_mark
    return Mark(start.line + 1, start.column + 1) if start else _START
