"""The house holds its own rules: arrows point down, tools find nothing, the layout is the one the README draws."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from tortoise.fields.relational import ForeignKeyFieldInstance
from tortoise.models import Model

from app.foundation.database import MODEL_MODULES

ROOT = Path(__file__).resolve().parents[2]
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in (ROOT / "app").rglob("*.py")
}
LAYERS = [
    "connection_tests",
    "calls",
    "connections",
    "credentials",
    "authenticators",
    "vault members catalog",
    "audit event_stream work",
    "access",
    "foundation",
]


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_imports_go_down():
    done = _run(
        sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"
    )
    assert done.returncode == 0, done.stdout[-3000:]


def test_lint_finds_nothing():
    done = _run(sys.executable, "-m", "ruff", "check", ".")
    assert done.returncode == 0, done.stdout[-3000:]


def test_every_file_is_formatted():
    done = _run(sys.executable, "-m", "ruff", "format", "--check", ".")
    assert done.returncode == 0, done.stdout[-3000:]


def test_types_are_strict():
    done = _run(sys.executable, "-m", "mypy")
    assert done.returncode == 0, done.stdout[-3000:]


def test_tables_refer_only_to_lower_rooms():
    height = {room: index for index, rooms in enumerate(reversed(LAYERS)) for room in rooms.split()}
    for name in MODEL_MODULES:
        room = name.split(".")[1]
        for model in vars(importlib.import_module(name)).values():
            if not (isinstance(model, type) and issubclass(model, Model) and model is not Model):
                continue
            for field in model._meta.fields_map.values():
                if isinstance(field, ForeignKeyFieldInstance):
                    target = _room_of(field.model_name.rsplit(".", 1)[-1])
                    assert target == room or height[target] < height[room], (
                        f"{model.__name__}.{field.model_field_name}"
                    )


def _room_of(model_name: str) -> str:
    for name in MODEL_MODULES:
        if hasattr(importlib.import_module(name), model_name):
            return name.split(".")[1]
    raise AssertionError(f"no room has {model_name}")


def test_a_rooms_tables_are_its_own():
    for path in (ROOT / "app").rglob("*.py"):
        room = path.relative_to(ROOT / "app").parts[0]
        for other in re.findall(r"from app\.(\w+)\.models import", path.read_text()):
            assert other == room, f"{path.relative_to(ROOT)} imports the tables of {other}"


def test_no_module_is_in_a_circle_of_imports():
    imports = {name: _imports(name, path) for name, path in MODULES.items()}
    lowest_first = TopologicalSorter(imports)
    try:
        lowest_first.prepare()
    except CycleError as fault:
        raise AssertionError(f"these modules import each other: {' -> '.join(fault.args[1])}") from None


def _imports(name: str, path: Path) -> set[str]:
    """Return the modules of app that one imports, wherever in it: also where only a type is wanted."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= names & MODULES.keys() or {node.module} & MODULES.keys()
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & MODULES.keys()
    return found - {name}


def test_no_function_is_longer_than_a_screen():
    allowed = {("app/hub.py", "build_hub")}  # the dependency graph, from top to bottom
    for path in MODULES.values():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                name, length = path.relative_to(ROOT).as_posix(), node.end_lineno - node.lineno + 1
                assert length <= 50 or (name, node.name) in allowed, f"{name}: {node.name} has {length} lines"


def test_every_package_says_what_it_is_for_and_the_map_knows_every_room():
    house_map = ast.get_docstring(ast.parse((ROOT / "app/__init__.py").read_text())) or ""
    for path in (ROOT / "app").rglob("__init__.py"):
        text = ast.get_docstring(ast.parse(path.read_text())) or ""
        assert len(text) > 20, f"{path.relative_to(ROOT)} does not say what it is for"
    for room in " ".join(LAYERS).split():
        assert f"``{room}``" in house_map, f"the map in app/__init__.py does not know {room}"


def test_only_outbound_makes_http_clients():
    pattern = re.compile(
        r"^\s*(?:import|from) (?:httpx|httpx2|httpcore|requests|aiohttp|urllib3)\b", re.MULTILINE
    )
    allowed = re.compile(
        r"app/(?:foundation/outbound\w*|hub|demo/\w+)\.py"
    )  # hub: the type that tests hand in
    for path in (ROOT / "app").rglob("*.py"):
        name = path.relative_to(ROOT).as_posix()
        if not allowed.fullmatch(name):
            assert not pattern.search(path.read_text()), name


def test_only_settings_reads_the_environment():
    allowed = {"app/settings.py", "app/demo/processes.py"}  # the demo hands its own environment on to the hub
    for path in (ROOT / "app").rglob("*.py"):
        if path.relative_to(ROOT).as_posix() not in allowed:
            assert not re.search(r"os\.environ|os\.getenv|\bgetenv\(", path.read_text()), path


def test_only_the_clock_knows_the_time():
    pattern = re.compile(r"datetime\.now\(|datetime\.utcnow\(|time\.time\(|time\.monotonic\(|perf_counter\(")
    for path in (ROOT / "app").rglob("*.py"):
        if path.name != "clock.py":
            assert not pattern.search(path.read_text()), path


def test_what_the_values_of_an_enum_mean_stands_in_enums():
    for path in (ROOT / "app/api").rglob("*.py"):
        if path.name not in {"enums.py", "describe.py"}:
            assert "describe_enum(" not in path.read_text(), f"{path.relative_to(ROOT)}: move it to enums.py"


def test_the_top_level_is_the_given_one():
    known = {
        "pyproject.toml", "README.md", "app", "migrations", "schema.graphql", "tests", "docker-compose.yml", "LICENSE",
        "requirements.lock",
    }  # fmt: skip
    tracked = _run("git", "ls-files").stdout.splitlines()
    if not tracked:
        return  # an exported tree has no list of its own files
    top = {line.split("/", 1)[0] for line in tracked}
    assert {name for name in top if not name.startswith(".")} == known


def test_no_room_is_called_by_a_name_that_says_nothing():
    bad = {"utils", "helpers", "manager", "managers", "common", "misc"}
    for path in (ROOT / "app").rglob("*"):
        assert path.stem not in bad, path
