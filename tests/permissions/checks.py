"""The places in the program that ask for a permission, found in its source, and a switch that turns one of them off."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from app.access import policy
from app.access.actor import Actor
from app.access.policy import Permission

ROOT = Path(__file__).resolve().parents[2]
ASKING = {"require", "may"}


@dataclass(frozen=True, order=True)
class Check:
    """One permission that one call asks for. ``line`` is the first of the call."""

    path: str
    line: int
    permission: Permission

    def __str__(self) -> str:
        return f"{self.path}:{self.line} ({self.permission.value})"


@cache
def modules_that_ask() -> dict[str, ast.Module]:
    """Return the modules that import what asks, by path from the root, parsed."""
    trees = {}
    for path in sorted((ROOT / "app").rglob("*.py")):
        text = path.read_text()
        tree = ast.parse(text if "access.policy" in text or "access import policy" in text else "")
        if any(_is_import(node) for node in ast.walk(tree)):
            trees[path.relative_to(ROOT).as_posix()] = tree
    return trees


def _is_import(node: ast.AST) -> bool:
    if not isinstance(node, ast.ImportFrom):
        return False
    names = {alias.name for alias in node.names}
    assert (node.module, "policy" in names) != ("app.access", True), "import what asks by its name"
    return node.module == "app.access.policy" and bool(ASKING & names)


def all_checks() -> set[Check]:
    """Return every permission that any call in the program asks for."""
    return {
        Check(path, call.lineno, Permission[named.attr])
        for path, tree in modules_that_ask().items()
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ASKING
        for named in _permissions(path, call)
    }


def _permissions(path: str, call: ast.Call) -> list[ast.Attribute]:
    found = [
        node
        for argument in call.args[1:]
        for node in ast.walk(argument)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "Permission"
    ]
    assert found, f"{path}:{call.lineno} asks for a permission that cannot be read in its line"
    return found


@dataclass
class Switch:
    """Stands in for ``require`` and ``may`` wherever they are called; lets everybody pass ``off``."""

    off: Check | None = None
    said_no: set[Check] = field(default_factory=set)

    def require(self, actor: Actor, *permissions: Permission) -> None:
        for permission in permissions:
            if not self._has(actor, permission):
                policy.require(actor, permission)

    def may(self, actor: Actor, permission: Permission) -> bool:
        return self._has(actor, permission)

    def _has(self, actor: Actor, permission: Permission) -> bool:
        frame = sys._getframe(2)
        path = Path(frame.f_code.co_filename).relative_to(ROOT).as_posix()
        check = Check(path, frame.f_lineno, permission)
        if check == self.off or permission in actor.permissions:
            return True
        self.said_no.add(check)
        return False


@contextmanager
def switched() -> Iterator[Switch]:
    """Let every call go through a switch."""
    switch = Switch()
    before: list[tuple[Any, str, Any]] = []
    for path in modules_that_ask():
        module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
        for name in ASKING & vars(module).keys():
            before.append((module, name, vars(module)[name]))
            setattr(module, name, getattr(switch, name))
    try:
        yield switch
    finally:
        for module, name, value in before:
            setattr(module, name, value)
