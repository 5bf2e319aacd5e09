"""What the hub uses of libraries' private parts stands in one table, and each part is still as it was."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.architecture.private_parts import INNER_MODULES, TABLE, PrivatePart, parameters

APP = Path(__file__).resolve().parents[2] / "app"
DOCUMENTED = {
    "_fields",
    "_replace",
    "_asdict",
    "_make",
    "_value_",
    "_exit",
}  # of named tuples, enumerations and os


@pytest.mark.parametrize("part", TABLE, ids=lambda part: part.name.strip("."))
def test_the_library_still_has_it(part: PrivatePart):
    try:
        changed = _changed(part, part.find())
    except (AttributeError, ImportError, KeyError, TypeError) as fault:
        changed = f"{type(fault).__name__}: {fault}"
    assert not changed, (
        f"{part.library} {_version(part.library)} has changed {part.name}, a part that it promises to nobody: "
        f"{changed}. It is used in app/{' and app/'.join(part.used_in)}. Why: {part.why} Now: {part.when_it_changes}"
    )


def _changed(part: PrivatePart, found: object) -> str | None:
    for name, expected in part.shape.items():
        is_there = parameters(getattr(found, name))
        if is_there != expected:
            return f"{name}({is_there}) was {name}({expected})"
    return None if part.is_right(found) else "it is something else"


def _version(library: str) -> str:
    names = {"tortoise": "tortoise-orm", "strawberry": "strawberry-graphql"}
    return sys.version.split()[0] if library == "zlib" else version(names.get(library, library))


def test_every_private_part_stands_in_the_table_and_every_row_is_used():
    listed = {(file, part.name) for part in TABLE for file in part.used_in}
    found = {(file, name) for path in APP.rglob("*.py") for file, name in _uses(path)}
    texts = {
        (file, name)
        for file, name in listed - found
        if not name.startswith(".") and name.rsplit(".", 1)[-1] in (APP / file).read_text()
    }
    assert sorted(found - listed) == [], "not in tests/architecture/private_parts.py: is there no public way?"
    assert sorted(listed - found - texts) == [], "no longer used: take the row out"


def _uses(path: Path) -> Iterator[tuple[str, str]]:
    file, tree = path.relative_to(APP).as_posix(), ast.parse(path.read_text())
    own = _own_names(tree)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.ImportFrom)
            and node.module
            and not node.module.startswith(("app", "__future__"))
        ):
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                if _has_private_part(name) or f"{node.module}.".startswith(
                    tuple(f"{m}." for m in INNER_MODULES)
                ):
                    yield file, name
        elif isinstance(node, ast.Import):
            yield from ((file, alias.name) for alias in node.names if _has_private_part(alias.name))
        elif isinstance(node, ast.Attribute) and _is_foreign(node, own):
            yield file, f".{node.attr}"
    yield from ((file, f".{name}") for name in _inherited(path, tree))


def _inherited(path: Path, tree: ast.Module) -> Iterator[str]:
    """Yield the private names of a library's class that a class of the file uses or overrides."""
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.bases]
    if not classes:
        return
    module = importlib.import_module(".".join(path.relative_to(APP.parent).with_suffix("").parts))
    for node in classes:
        lineage = getattr(module, node.name).__mro__
        foreign = [one for one in lineage if not _is_ours_or_pythons(one)]
        ours = set().union(*(vars(one) for one in lineage if one.__module__.startswith("app.")))
        defined = {one.name for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
        for name in {*_used_on_self(node), *filter(_is_private, defined)}:
            if any(name in vars(one) for one in foreign) or (foreign and name not in ours | _own_names(tree)):
                yield name


def _is_ours_or_pythons(one: type) -> bool:
    top = one.__module__.split(".")[0]
    return (
        top == "app"
        or top in sys.stdlib_module_names
        or one.__module__.startswith(("pydantic", "strawberry.ty"))
    )


def _used_on_self(node: ast.ClassDef) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Attribute) and _is_private(inner.attr):
            on = ast.unparse(inner.value)
            if on in {"self", "cls", "super()"}:
                yield inner.attr


def _is_foreign(node: ast.Attribute, own: set[str]) -> bool:
    on_self = isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}
    return _is_private(node.attr) and not on_self and node.attr not in own | DOCUMENTED


def _own_names(tree: ast.Module) -> set[str]:
    """Return the private names that a file gives to things of its own."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                for one in ast.walk(target):
                    if isinstance(one, ast.Name):
                        names.add(one.id)
                    elif (
                        isinstance(one, ast.Attribute)
                        and isinstance(one.value, ast.Name)
                        and one.value.id == "self"
                    ):
                        names.add(one.attr)
    return names - {"_in_transaction", "_relevant_sub_fields"}


def _has_private_part(name: str) -> bool:
    return any(_is_private(part) for part in name.split("."))


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name != "_"
