"""C3, C4, C13: without the right keys a hub does not start, says what hangs on them, and touches nothing."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sqlite3
from base64 import b64encode
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from app.vault.key_file import create_key_file, format_key_lines, parse_key_lines
from tests.journeys.client import Client
from tests.journeys.hub_process import EMBEDDED, HubProcess, fresh_hub
from tests.journeys.journey import Journey
from tests.journeys.plans import STRIPE

CONFIG_FAULT = 78
AFFECTED = re.compile(r"Affected: (\d+) workspaces?, (\d+) sealed credentials?")


def contents(hub: HubProcess) -> str:
    """Return a hash over all that the database says, schema and rows."""
    file = hub.folder / "data" / "patchbay.sqlite3"
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        return hashlib.sha256("\n".join(database.iterdump()).encode()).hexdigest()


def key_file(hub: HubProcess) -> Path:
    return hub.folder / "config" / "patchbay" / "key"


def put(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    path.write_text(text)
    path.chmod(0o400)


def refused(hub: HubProcess, *missing: str, commands: tuple[str, ...] = ("serve",)) -> None:
    """Assert that no entrance opens, that the missing keys are named with counts, and that nothing was changed."""
    before, keys = contents(hub), key_file(hub).read_bytes() if key_file(hub).exists() else None
    for command in commands:
        result = hub.command(command)
        said = " ".join(result.stderr.split())
        assert result.returncode == CONFIG_FAULT, result.stderr
        assert all(key_id in said.replace(" ", "") for key_id in missing), said
        counts = AFFECTED.search(said)
        assert counts, said
        assert int(counts[1]) >= 1
        assert int(counts[2]) >= 1
        assert "Traceback" not in result.stderr
    assert contents(hub) == before
    assert (key_file(hub).read_bytes() if key_file(hub).exists() else None) == keys


@pytest.fixture
async def used_hub(tmp_path):
    """Return a hub that was used and ended: two connections with credentials lie in its database."""
    with fresh_hub(EMBEDDED, tmp_path) as hub:
        hub.start()
        async with Client(hub.address, hub.token) as client:
            for _ in range(2):
                journey = Journey(client, STRIPE)
                await journey.create()
                await journey.configure()
                await journey.submit((await journey.begin())["step"]["prefilled"])
        assert hub.terminate() == [0]
        yield hub


@pytest.mark.threat("C4")
def test_no_key_a_wrong_one_the_old_one_alone_and_the_new_one_alone_are_refused_and_change_nothing(used_hub):
    path = key_file(used_hub)
    first = path.read_text()
    (old,) = re.findall(r"local:[0-9a-f]{8}", used_hub.command("keys", "list").stdout)

    path.unlink()
    refused(used_hub, old, commands=("serve", "worker"))
    assert not path.exists()

    create_key_file(path)
    refused(used_hub, old)

    put(path, first)
    new = re.search(r"spring:[0-9a-f]{8}", used_hub.command("keys", "add", "--label", "spring").stdout)[0]
    lines = {line.label: line for line in parse_key_lines(path.read_text(), "local")}
    both = path.read_text()
    put(path, format_key_lines((replace(lines["spring"], active=True),)))
    refused(used_hub, old)

    put(path, both)
    for step in ("promote spring", "rewrap"):
        assert used_hub.command("keys", *step.split()).returncode == 0
    both = path.read_text()
    put(path, format_key_lines((replace(lines["local"], active=True),)))
    refused(used_hub, new)

    put(path, both)
    assert used_hub.command("worker", "--check").returncode == 0


@pytest.mark.threat("C13")
async def test_a_backup_of_the_data_holds_no_key_and_does_not_start_without_one(used_hub, tmp_path_factory):
    (line,) = parse_key_lines(key_file(used_hub).read_text(), "local")
    material = b64encode(line.material)
    backup = tmp_path_factory.mktemp("backup")
    shutil.copytree(used_hub.folder / "data", backup / "data")
    with fresh_hub(EMBEDDED, backup) as restored:
        refused(restored)
        assert not key_file(restored).exists()
        key_file(restored).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(key_file(used_hub), key_file(restored))
        assert restored.command("worker", "--check").returncode == 0

    for file in (backup / "data").rglob("*"):
        data = file.read_bytes() if file.is_file() else b""
        assert material not in data
        assert line.material not in data


@pytest.mark.threat("C3")
def test_the_command_that_verifies_names_credentials_that_were_set_back(used_hub):
    assert used_hub.command("audit", "verify").returncode == 0
    with closing(sqlite3.connect(used_hub.folder / "data" / "patchbay.sqlite3")) as database, database:
        (lost,) = database.execute(
            "SELECT owner_row FROM sealed_value WHERE owner_table = 'credential' LIMIT 1"
        ).fetchone()
        database.execute("DELETE FROM sealed_value WHERE owner_row = ?", (lost,))

    plain, as_json = used_hub.command("audit", "verify"), used_hub.command("audit", "verify", "--json")

    assert (plain.returncode, as_json.returncode) == (1, 1)
    assert re.search(rf"{lost}: ROLLED_BACK to generation 0, 1 at \d+", plain.stdout)
    (found,) = [one for report in json.loads(as_json.stdout) for one in report["rolledBack"]]
    assert (found["connection"], found["generation"], found["toldGeneration"]) == (lost, 0, 1)
    assert all(report["isOk"] for report in json.loads(as_json.stdout))
