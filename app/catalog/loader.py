"""Reads definition files and reports every fault with its file, line and rule."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from app.catalog.build import build_definition
from app.catalog.definition import Definition
from app.catalog.faults import DefinitionFault, DefinitionsInvalidError
from app.catalog.icon import MAX_ICON_BYTES, icon_fault
from app.catalog.rules import RULES
from app.catalog.rules.subject import RuleSubject
from app.catalog.yaml_reader import MAX_BYTES, Document, path_of, read_yaml
from app.foundation.shapes import Shape, ShapeFault

DEFINITIONS: Final = Path(__file__).parent / "definitions"
SCHEMA_FILE: Final = DEFINITIONS / "schema.json"
ICON: Final = "icon.svg"
_WORDS: Final[dict[str, str]] = {
    "type": "must be {expected}",
    "enum": "must be one of {expected}",
    "const": "must be {expected}",
    "pattern": "does not match {expected}",
    "minLength": "must have at least {expected} characters",
    "maxLength": "may have at most {expected} characters",
    "minItems": "must have at least {expected} entries",
    "maxItems": "may have at most {expected} entries",
    "minProperties": "must have at least {expected} keys",
    "maxProperties": "may have at most {expected} keys",
    "minimum": "must be at least {expected}",
    "maximum": "must be at most {expected}",
    "uniqueItems": "entries appear twice",
    "format": "must be a valid {expected}",
}


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file holds: its definition where it has no fault, and the icon beside it."""

    file: str
    definition: Definition | None
    faults: tuple[DefinitionFault, ...]
    icon: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What checking found: the definitions without fault, and every fault."""

    definitions: tuple[Definition, ...]
    faults: tuple[DefinitionFault, ...]


@cache
def format_schema() -> dict[str, Any]:
    """Return the published JSON Schema of the format."""
    schema: dict[str, Any] = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    return schema


def load_text(data: bytes, file: str) -> Loaded:
    """Read a definition from memory: YAML, then the format's schema, then the semantic rules.

    Each stage reports all its faults; a later one runs only on what passed the earlier ones.
    """
    document, faults = read_yaml(data, file)
    if document is not None:
        faults = list(_schema_faults(document))
    if document is None or faults:
        return Loaded(file, None, _in_order(faults))
    definition = build_definition(document.value, hashlib.sha256(data).hexdigest())
    subject = RuleSubject(document.value, definition)
    faults = [
        document.fault(found.path, found.rule or id_, found.message)
        for id_, rule in RULES
        for found in rule(subject)
    ]
    return Loaded(file, None if faults else definition, _in_order(faults))


def load_file(path: Path) -> Loaded:
    """Read ``<integration>/<version>.yaml`` and the ``icon.svg`` beside it; names must agree with it."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as fault:
        return Loaded(str(path), None, (_unreadable(path, fault),))
    loaded = load_text(data, str(path))
    icon, icon_faults = _read_icon(path.parent / ICON)
    faults = (*loaded.faults, *_name_faults(path, loaded.definition), *icon_faults)
    return Loaded(str(path), None if faults else loaded.definition, faults, icon)


def check_definitions(paths: Iterable[Path]) -> Report:
    """Check files and folders (every ``*.yaml`` below), as ``patchbay definitions check`` does."""
    definitions: list[Definition] = []
    faults: list[DefinitionFault] = []
    for path in paths:
        if not path.exists():
            faults.append(DefinitionFault.of_file(path, "file/exists", "there is no such file or folder"))
        for file in _files(path):
            loaded = load_file(file)
            faults.extend(loaded.faults)
            definitions.extend([loaded.definition] if loaded.definition else [])
    return Report(tuple(definitions), tuple(dict.fromkeys(faults)))


def load_folder(folder: Path) -> list[Loaded]:
    """Load every definition below ``folder``.

    Raises:
        DefinitionsInvalidError: a file breaks a rule; the error holds every fault of every file.
    """
    loaded = [load_file(file) for file in _files(folder)]
    faults = dict.fromkeys(fault for one in loaded for fault in one.faults)
    if faults:
        raise DefinitionsInvalidError(tuple(faults))
    return loaded


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(
            file for file in path.rglob("*") if file.suffix in {".yaml", ".yml"} and file.is_file()
        )
    elif path.exists():
        yield path


def _name_faults(path: Path, definition: Definition | None) -> Iterator[DefinitionFault]:
    if definition is None:
        return
    if path.suffix != ".yaml" or path.stem != str(definition.version):
        message = f"the file must be called {definition.version}.yaml"
        yield DefinitionFault.of_file(path, "file/name", message)
    if path.parent.name != definition.integration:
        message = f"the folder must be called {definition.integration}"
        yield DefinitionFault.of_file(path, "file/folder", message)


def _read_icon(path: Path) -> tuple[str | None, tuple[DefinitionFault, ...]]:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_ICON_BYTES + 1)
    except FileNotFoundError:
        return None, ()
    except OSError as fault:
        return None, (_unreadable(path, fault),)
    message = icon_fault(data)
    if message:
        return None, (DefinitionFault.of_file(path, "file/icon", message),)
    return data.decode("utf-8"), ()


def _unreadable(path: Path, fault: OSError) -> DefinitionFault:
    return DefinitionFault.of_file(path, "file/readable", fault.strerror or "cannot be read")


@cache
def _format_shape() -> Shape:
    return Shape(format_schema())


def _schema_faults(document: Document) -> Iterator[DefinitionFault]:
    for fault in _format_shape().faults(document.value):
        yield document.fault(path_of(fault.path), f"schema/{_kebab(fault.keyword)}", _schema_message(fault))


def _schema_message(fault: ShapeFault) -> str:
    place = fault.path[-1] if fault.path else "the file"
    if fault.keyword == "required":
        return f"{place} is missing"
    if fault.keyword in {"additionalProperties", "unevaluatedProperties", "falseSchema"}:
        return f"{place} is not known here"
    expected = fault.expected
    words = ", ".join(map(str, expected)) if isinstance(expected, list | tuple) else str(expected)
    template = _WORDS.get(fault.keyword, "does not have the form that the format's schema describes")
    return f"{place} {template.format(expected=words)}"[:300]


def _kebab(keyword: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", keyword).lower()


def _in_order(faults: Iterable[DefinitionFault]) -> tuple[DefinitionFault, ...]:
    return tuple(sorted(dict.fromkeys(faults)))
