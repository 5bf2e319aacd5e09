"""Migrations: the schema that the models say, on both databases, one process at a time, whole or not at all."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from aerich.utils import decompress_dict, get_models_describe
from tortoise.connection import get_connection

from app.audit.triggers import AUDIT_TRIGGERS
from app.foundation import database as module
from app.foundation.clock import SystemClock
from app.foundation.database import Database, dialect_of, migrate, migrations_folder
from app.foundation.sqlite_engine import statements_of
from tests.databases import POSTGRES, postgres_clone, require, run_apart

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(path.name for path in (migrations_folder() / "models").glob("[0-9]*.py"))

MIGRATE = """
import asyncio, os, signal, sys
from app.foundation.database import migrate

kill = sys.argv[2]
if kill == "sqlite":
    import app.foundation.sqlite_engine as engine
    real = engine.statements_of
    def until(script):
        for number, statement in enumerate(real(script)):
            if number == 25:
                os.kill(os.getpid(), signal.SIGKILL)
            yield statement
    engine.statements_of = until
elif kill == "postgres":
    from aerich.models import Aerich
    async def create(**values):
        os.kill(os.getpid(), signal.SIGKILL)
    Aerich.create = create
print("ready", flush=True)
sys.stdin.readline()
print(asyncio.run(migrate(sys.argv[1])))
"""


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.scaled)])
def empty_url(request, tmp_path, postgres_of_session):
    """Return the URL of a database of its own without any table, of both kinds in turn."""
    if request.param == "sqlite":
        yield f"sqlite://{tmp_path / 'empty.db'}"
        return
    require(postgres_of_session is not None, f"no PostgreSQL answers at {POSTGRES}")
    with postgres_clone(None) as url:
        yield url


def migrating(url: str, kill: str = "") -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", MIGRATE, url, kill],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    return process


def schema_of(url: str, *, generate: bool = False) -> dict[str, object]:
    """Return everything that the database knows of its schema, in a form that two databases can be compared in."""

    async def read() -> dict[str, object]:
        database = Database(url, SystemClock())
        await database.open()
        try:
            with database.bind():
                if generate:
                    await database.generate_schema()
                    for statement in AUDIT_TRIGGERS[database.dialect]:
                        await get_connection("default").execute_script(statement)
                ask = get_connection("default").execute_query_dict
                return await (_sqlite if database.dialect == "sqlite" else _postgres)(ask)
        finally:
            await database.close()

    return run_apart(read)


async def _sqlite(ask):
    tables = await ask(
        "SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite_%' AND name <> 'aerich'"
    )
    found = {}
    for table in sorted(row["name"] for row in tables):
        columns = await ask(f"PRAGMA table_info('{table}')")
        indexes = await ask(f"PRAGMA index_list('{table}')")
        found[table] = (
            sorted((c["name"], c["type"], c["notnull"], c["dflt_value"], c["pk"]) for c in columns),
            sorted(
                [
                    (bool(i["unique"]), [c["name"] for c in await ask(f"PRAGMA index_info('{i['name']}')")])
                    for i in indexes
                ]
            ),
        )
    triggers = await ask("SELECT sql FROM sqlite_master WHERE type='trigger' ORDER BY name")
    found["triggers"] = [_folded(row["sql"]) for row in triggers]
    return found


async def _postgres(ask):
    columns = await ask(
        "SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default "
        "FROM information_schema.columns WHERE table_schema='public' AND table_name <> 'aerich' ORDER BY 1, 2"
    )
    indexes = await ask(
        "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname='public' AND tablename <> 'aerich'"
    )
    triggers = await ask("SELECT pg_get_triggerdef(oid) AS sql FROM pg_trigger WHERE NOT tgisinternal")
    functions = await ask("SELECT prosrc FROM pg_proc WHERE pronamespace='public'::regnamespace")
    return {
        "columns": [tuple(row.values()) for row in columns],
        "indexes": sorted(re.sub(r"INDEX \S+ ON", "INDEX ON", row["indexdef"]) for row in indexes),
        "triggers": sorted(row["sql"] for row in triggers),
        "functions": sorted(_folded(row["prosrc"]) for row in functions),
    }


def _folded(sql: str) -> str:
    return " ".join(sql.replace("IF NOT EXISTS ", "").rstrip("; ").split())


def test_the_migrated_schema_is_what_the_models_say(empty_url, tmp_path):
    run_apart(lambda: migrate(empty_url))
    migrated = schema_of(empty_url)
    if dialect_of(empty_url) == "sqlite":
        assert migrated == schema_of(f"sqlite://{tmp_path / 'models.db'}", generate=True)
        return
    with postgres_clone(None) as url:
        assert migrated == schema_of(url, generate=True)


def test_everything_is_applied_once_and_in_order(empty_url):
    assert run_apart(lambda: migrate(empty_url)) == NAMES
    assert run_apart(lambda: migrate(empty_url)) == []


async def test_two_upgrades_at_once_are_one(empty_url):
    processes = [migrating(empty_url) for _ in range(2)]
    answers = await asyncio.gather(
        *(asyncio.to_thread(process.communicate, "\n", 60) for process in processes)
    )
    assert [process.returncode for process in processes] == [0, 0], answers
    # Who waits for the other says so first.
    assert {out.strip().splitlines()[-1] for out, _ in answers} == {"[]", str(NAMES)}


async def test_an_upgrade_that_is_killed_leaves_nothing_and_runs_again(empty_url):
    process = migrating(empty_url, dialect_of(empty_url))
    out, _ = await asyncio.to_thread(process.communicate, "\n", 60)
    assert process.returncode == -9
    assert str(NAMES) not in out
    left = schema_of(empty_url)
    assert not [name for name in left if name != "triggers"] if "columns" not in left else not left["columns"]
    assert await asyncio.to_thread(run_apart, lambda: migrate(empty_url)) == NAMES


def test_a_migration_that_fails_leaves_nothing(empty_url, tmp_path, monkeypatch):
    folder = tmp_path / "broken"
    (folder / "models").mkdir(parents=True)
    for name in NAMES:
        text = (migrations_folder() / "models" / name).read_text()
        (folder / "models" / name).write_text(text)
    (folder / "models" / f"{len(NAMES)}_20991231000000_broken.py").write_text(
        'RUN_IN_TRANSACTION = True\nMODELS_STATE = ""\n'
        "async def upgrade(db):\n"
        '    return \'CREATE TABLE "half" ("id" INT); INSERT INTO "no_such_table" VALUES (1);\'\n'
    )
    monkeypatch.setattr(module, "migrations_folder", lambda: folder)
    with pytest.raises(Exception, match="no_such_table"):
        run_apart(lambda: migrate(empty_url))
    monkeypatch.undo()
    assert "half" not in str(schema_of(empty_url))
    assert run_apart(lambda: migrate(empty_url)) == []


def test_test_runs_of_before_are_due_work_and_cancelled_ones_are_not(empty_url, tmp_path, monkeypatch):
    migrate_until("3_20261203000000_test_runs_are_due_work.py", empty_url, tmp_path, monkeypatch)
    cancelled = {"run_1": "FALSE", "run_2": "TRUE", "run_3": "FALSE"}
    statements = [
        'INSERT INTO "test_run" ("id", "workspace_id", "connection_id", "kind", "state", "config_revision", "actor", '
        '"seq", "created_at", "deadline_at", "due_at", "cancel_requested", "finished_at") VALUES '
        f"('{id_}', 'wks_1', 'conn_1', 'DEFAULT', 'RUNNING', 1, '{{}}', 3, '2026-01-01 00:00:00+00:00', "
        f"'2026-01-01 00:01:00+00:00', NULL, {flag}, {finished})"
        for (id_, flag), finished in zip(
            cancelled.items(), ("NULL", "NULL", "'2026-01-01 00:00:09+00:00'"), strict=True
        )
    ]
    run_apart(lambda: asked(empty_url, *statements))
    run_apart(lambda: migrate(empty_url))
    due = run_apart(lambda: asked(empty_url, 'SELECT "id", "kind", "subject", "lane" FROM "due_work"'))
    assert due == [("test_run:run_1", "test_run", "run_1", "test_run/wks_1/wks_1")]
    runs = run_apart(lambda: asked(empty_url, 'SELECT "id", "state", "seq" FROM "test_run" ORDER BY "id"'))
    assert runs == [("run_1", "RUNNING", 3), ("run_2", "CANCELLED", 4), ("run_3", "RUNNING", 3)]


BOUND = "5_20261205000000_applications_are_bound.py"
AT_A = {
    "tokenUrl": "https://A.example:443/token?x=1",
    "revokeUrl": "https://revoke.example:8443/r",
    "baseUrl": "https://api.example",
}
AT_B = {"tokenUrl": "https://b.example/token"}
USES = {
    "one": [AT_A, AT_A],
    "two": [AT_A, AT_B],
    "idle": [],
    "six": [{"tokenUrl": "http://[2001:DB8:0::1]:8080/t"}],
}


def test_applications_of_before_are_bound_where_their_connections_agree(empty_url, tmp_path, monkeypatch):
    migrate_until(BOUND, empty_url, tmp_path, monkeypatch)
    statements = [_application(name, "generic-oauth2", "WORKSPACE") for name in USES]
    statements += [_application("slack", "slack", "WORKSPACE"), _application("default", "slack2", "OPERATOR")]
    for name, configs in USES.items():
        for number, config in enumerate(configs):
            statements += _used(f"{name}{number}", name, config)
    run_apart(lambda: asked(empty_url, *statements))

    run_apart(lambda: migrate(empty_url))

    read = 'SELECT "id", "name", "name_key", "origins", "secret_generation" FROM "application"'
    found = {row[0]: row[1:] for row in run_apart(lambda: asked(empty_url, read))}
    origins = {id_: json.loads(row[2]) if isinstance(row[2], str) else row[2] for id_, row in found.items()}
    assert origins == {
        "one": ["https://a.example", "https://revoke.example:8443"],
        "two": [],
        "idle": [],
        "six": ["http://[2001:db8::1]:8080"],
        "slack": [],
        "default": [],
    }
    assert found["one"][:2] == ("Default", "default")
    assert found["default"][:2] == ("The operator's default", "the operator's default")
    assert {row[3] for row in found.values()} == {3}


def test_the_ends_of_passwords_are_forgotten_and_those_of_keys_are_not(empty_url, tmp_path, monkeypatch):
    """A4, for what was stored before."""
    migrate_until(BOUND, empty_url, tmp_path, monkeypatch)
    hint = [{"path": ["credentials", "password"], "hint": "…it's", "updatedAt": "2026-01-01T00:00:00+00:00"}]
    stored = json.dumps(hint).replace("'", "''")
    statements = [*_used("password", "a", {}), *_used("key", "a", {})]
    statements += [
        """UPDATE "connection" SET "integration" = 'generic-http'""",
        f"""UPDATE "credential" SET "hints" = '{stored}', "auth_method" = 'header-key'""",
        """UPDATE "credential" SET "auth_method" = 'basic' WHERE "connection_id" = 'password'""",
    ]
    run_apart(lambda: asked(empty_url, *statements))

    run_apart(lambda: migrate(empty_url))

    read = 'SELECT "connection_id", "hints" FROM "credential"'
    found = dict(run_apart(lambda: asked(empty_url, read)))
    hints = {id_: json.loads(told) if isinstance(told, str) else told for id_, told in found.items()}
    assert hints == {"key": hint, "password": [{**hint[0], "hint": None}]}


def test_tokens_that_could_pause_connections_still_can(empty_url, tmp_path, monkeypatch):
    migrate_until("6_20261206000000_pausing_is_operating.py", empty_url, tmp_path, monkeypatch)
    at, scopes = "'2026-01-01 00:00:00+00:00'", {
        "write": ["connections:read", "connections:write"],
        "authorize": ["connections:authorize"],
    }  # fmt: skip
    statements = [
        f"""INSERT INTO "workspace" ("id", "name", "created_at") VALUES ('w', 'W', {at})""",
        f"""INSERT INTO "member" ("id", "workspace_id", "name", "role", "created_at")
        VALUES ('m', 'w', 'M', 'OWNER', {at})""",
    ]
    statements += [
        'INSERT INTO "access_token" ("id", "workspace_id", "member_id", "name", "token_hash", "hint", "scopes", '
        f"""\"created_at") VALUES ('{id_}', 'w', 'm', 'T', '{id_}', 'h', '{json.dumps(held)}', {at})"""
        for id_, held in scopes.items()
    ]
    run_apart(lambda: asked(empty_url, *statements))

    run_apart(lambda: migrate(empty_url))

    found = dict(run_apart(lambda: asked(empty_url, 'SELECT "id", "scopes" FROM "access_token"')))
    held = {id_: set(json.loads(told) if isinstance(told, str) else told) for id_, told in found.items()}
    assert held == {"write": {*scopes["write"], "connections:operate"}, "authorize": set(scopes["authorize"])}


def _application(id_: str, integration: str, source: str) -> str:
    return (
        'INSERT INTO "application" ("id", "workspace_id", "slot", "integration", "mode", "source", "client_id", '
        '"fields_json", "secret_fields", "secret_generation", "revision", "created_at", "updated_at") VALUES '
        f"('{id_}', 'wks_{id_}', '{id_}', '{integration}', 'LIVE', '{source}', 'c', '{{}}', '{{}}', 3, 1, "
        "'2026-01-01 00:00:00+00:00', '2026-01-01 00:00:00+00:00')"
    )


def _used(connection: str, application: str, config: dict[str, str]) -> list[str]:
    at = "'2026-01-01 00:00:00+00:00'"
    connected = (
        'INSERT INTO "connection" ("id", "workspace_id", "owner_key", "name", "name_key", "description", '
        '"integration", "version", "mode", "state", "state_since", "config", "config_secret_hints", "config_revision", '
        '"scope", "ever_connected", "revision", "created_at", "created_by", "created_by_label", "updated_at") VALUES '
        f"('{connection}', 'w', '{connection}', 'n', 'n', '', 'generic-oauth2', '1.0.0', 'LIVE', 'CONNECTED', {at}, "
        f"'{json.dumps(config)}', '[]', 1, 'WORKSPACE', TRUE, 1, {at}, 'm', 'm', {at})"
    )
    authorized = (
        'INSERT INTO "credential" ("connection_id", "workspace_id", "auth_method", "application_id", "generation", '
        '"requested_scopes", "account", "hints", "can_renew", "is_stale") VALUES '
        f"('{connection}', 'w', 'oauth', '{application}', 1, '[]', '{{}}', '[]', TRUE, FALSE)"
    )
    return [connected, authorized]


def migrate_until(newer: str, url: str, folder: Path, monkeypatch) -> None:
    """Apply the migrations that are older than ``newer``."""
    before = folder / "before"
    (before / "models").mkdir(parents=True)
    for name in NAMES[: NAMES.index(newer)]:
        (before / "models" / name).write_text((migrations_folder() / "models" / name).read_text())
    with monkeypatch.context() as patched:
        patched.setattr(module, "migrations_folder", lambda: before)
        run_apart(lambda: migrate(url))


async def asked(url: str, *statements: str) -> list[tuple[object, ...]]:
    """Run statements on a database; return the rows of the last one."""
    database = Database(url, SystemClock())
    await database.open()
    try:
        found = [await database.rows(statement) for statement in statements]
    finally:
        await database.close()
    return [tuple(row.values()) for row in found[-1]]


async def test_the_audit_log_is_append_only_in_a_migrated_database(empty_url):
    await asyncio.to_thread(run_apart, lambda: migrate(empty_url))
    triggers = str((await asyncio.to_thread(schema_of, empty_url))["triggers"])
    assert triggers.count("audit_entry_no_") == len(AUDIT_TRIGGERS[dialect_of(empty_url)]) - (
        dialect_of(empty_url) == "postgres"
    )


async def test_the_newest_migration_knows_the_models_as_they_are(database):
    import importlib.util

    newest = migrations_folder() / "models" / NAMES[-1]
    spec = importlib.util.spec_from_file_location("newest_migration", newest)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    known = decompress_dict(loaded.MODELS_STATE)
    assert set(known) - {"models.Aerich"} == set(get_models_describe("models"))


def test_each_migration_speaks_both_dialects():
    for name in NAMES:
        text = (migrations_folder() / "models" / name).read_text()
        assert '"sqlite"' in text
        assert '"postgres"' in text


def test_an_installed_hub_finds_its_migrations(tmp_path):
    """Build the wheel, and look where the package will look in it."""
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    names = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()
    assert {f"app/migrations/models/{name}" for name in NAMES} <= set(names)
    assert "app/catalog/definitions/slack/1.1.0.yaml" in names
    assert "app/catalog/definitions/schema.json" in names
    assert not [name for name in names if name.startswith("tests/") or name.endswith(".pyc")]
    mapping = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"][
        "wheel"
    ]
    assert mapping["force-include"] == {"migrations": "app/migrations"}


@pytest.mark.parametrize(
    ("script", "count"),
    [
        ("", 0),
        ("  \n", 0),
        ("SELECT 1", 1),
        ("SELECT 1;", 1),
        ("SELECT 1; SELECT 2;", 2),
        ("SELECT ';'; SELECT 2", 2),
        ("CREATE TABLE a (b TEXT) /* one; two */; SELECT 1;", 2),
        ("-- a; b\nSELECT 1;", 1),
        ("CREATE TRIGGER t BEFORE UPDATE ON a BEGIN SELECT 1; SELECT 2; END; SELECT 3;", 2),
        (";".join(AUDIT_TRIGGERS["sqlite"]), 3),
    ],
)
def test_a_script_is_its_statements(script, count):
    found = list(statements_of(script))
    assert len(found) == count
    assert "".join(found).strip() == script.strip()
