"""The words of the code: plain technical English, one meaning per name, and a reason for each exception."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "app"

# A part of a name that is not used -> what to say instead. ``look_up`` and the ORM's ``unique_together`` are terms.
NOT_IN_NAMES = {
    r"told|tells?": "recorded, reported, received, sent, stated, or the thing itself",
    r"asked": "requested, submitted, or the thing itself",
    r"fates?": "outcome",
    r"wish(es)?": "request",
    r"news": "update, progress, new items",
    r"(?<!unique_)together": "batch",
    r"chooser": "resolver",
    r"moves": "transitions",
    r"doubt(s|ed)?": "stale",
    r"patience": "timeout, maximum wait",
    r"standing": "current, status",
    r"gi(ve|ves|ven|ving)_back|gave_back": "release",
    r"tak(e|es|en|ing)_back|took_back": "revoke",
    r"let_go|lets_go": "drop, end",
    r"in_hand": "in progress, held",
    r"look(s|ed|ing)?(?!_?up)": "check, poll, probe, read, find",
    r"turns": "round robin, order",
    r"executor": "calls; an executor is GraphQL's or a thread pool",
}
ALLOWED_NAMES = {
    "executor": ("app/api/graphql/", "app/foundation/"),  # of GraphQL's library, and of tortoise and asyncio
    "looks": ("app/catalog/", "app/api/graphql/catalog/"),  # ``looksLike`` of the definition format
}

# The same for docstrings and descriptions of the schema.
NOT_IN_TEXTS = {
    r"told|telling|tells?": "say, state, report, record, show, distinguish",
    r"no news|news": "update, progress, change; obsolete, ignored",
    r"in hand|at hand": "in progress, held, available",
    r"lets? go|letting go": "drop, end, release",
    r"(gives?|given|giving|gave) (\w+ )?back": "release, return",
    r"(takes?|taken|taking|took) (\w+ )?back": "revoke, return",
    r"whose move": "who has to act",
    r"looks? again|looked at again|next look(?!-up)": "check, poll, read again",
    r"takes? (its |their )?turns?|in turn|in turns|(its|their) turn": "round-robin, wait for a slot",
    r"wish(es)?|fates?|doubt(s|ed)?": "request; outcome; stale",
    r"hears? of": "depends on, is notified of",
    r"which door": "channel",
}

# Names that stand for one thing although they are defined twice.
TWICE = {
    "migrate": "the command of the name, and what it does",
    "serve": "the command of the name, and what it does",
}


def _modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(APP.rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def _names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr


def _words(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_")


def _docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield node.lineno, node.value.value


def _is_allowed(part: str, file: str) -> bool:
    return any(part.startswith(word) and file.startswith(places) for word, places in ALLOWED_NAMES.items())


def test_names_are_the_fields_words():
    rules = {re.compile(rf"(?:^|_)({part})(?=_|$)"): instead for part, instead in NOT_IN_NAMES.items()}
    found = []
    for file, tree in _modules():
        own = [(0, Path(file).stem), (0, Path(file).parent.name)]
        for line, name in [*own, *_names(tree)]:
            for rule, instead in rules.items():
                match = rule.search(_words(name))
                if match and not _is_allowed(match[1], file):
                    found.append(f"{file}:{line}: {name}: say {instead}")
    assert not found, "\n".join(sorted(set(found)))


def test_docstrings_are_plain_technical_english():
    rules = {re.compile(rf"\b({words})\b", re.IGNORECASE): instead for words, instead in NOT_IN_TEXTS.items()}
    found = [
        f"{file}:{line}: {match[0]}: say {instead}"
        for file, tree in _modules()
        for line, text in _docstrings(tree)
        for rule, instead in rules.items()
        if (match := rule.search(text))
    ]
    assert not found, "\n".join(found)


def test_descriptions_of_the_schema_are_plain_technical_english():
    rules = {re.compile(rf"\b({words})\b", re.IGNORECASE): instead for words, instead in NOT_IN_TEXTS.items()}
    texts = re.findall(r'"""(.*?)"""', (ROOT / "schema.graphql").read_text(encoding="utf-8"), re.DOTALL)
    found = [
        f"{text}: say {instead}" for text in texts for rule, instead in rules.items() if rule.search(text)
    ]
    assert not found, "\n".join(found)


def test_no_public_name_of_a_class_or_function_is_defined_twice():
    places: dict[str, list[str]] = defaultdict(list)
    for file, tree in _modules():
        for node in tree.body:
            is_definition = isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            if is_definition and not node.name.startswith("_"):
                places[node.name].append(f"{file}:{node.lineno}")
    twice = {name: where for name, where in places.items() if len(where) > 1}
    assert {name: where for name, where in twice.items() if name not in TWICE} == {}
    assert set(TWICE) <= set(twice), "no longer defined twice"


def test_every_exception_of_the_linter_has_a_reason():
    rule = re.compile(r"#\s*noqa\b(?!: [A-Z]+[0-9]+(?:, ?[A-Z]+[0-9]+)* +- +\S)")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in [*APP.rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if rule.search(line) and path != Path(__file__).resolve()
    ]
    assert not found, "\n".join(sorted(found))
