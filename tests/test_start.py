"""What a start loads and leaves: a command imports what it needs, and a hub made where it was told is whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
OF_THE_SCALED = {"redis", "asyncpg"}
OF_NOBODY_HERE = {"aiohttp", "aiosmtplib", "boto3", "botocore", "taskiq"}
LOADED = "import json, sys; print(json.dumps(sorted(sys.modules)))"
HELP = """
import contextlib, io, sys
import app.cli
sys.argv = ["patchbay", "--help"]
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
    app.cli.main()
"""
EMBEDDED = """
import asyncio
import app.server, app.worker
from app.hub import build_hub
from app.main import build_app
from app.settings import read_settings

async def start():
    async with build_hub(read_settings()) as hub, build_app(hub):
        pass

asyncio.run(start())
"""


@pytest.fixture
def environment(tmp_path):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PATCHBAY_")}
    return {
        **kept,
        "PATCHBAY_DATA_DIR": str(tmp_path / "data"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "PATCHBAY_LOG_LEVEL": "ERROR",
    }


def modules_after(program: str, environment: dict[str, str]) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", program + LOADED],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        check=True,
        text=True,
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_help_loads_the_command_line_alone(environment):
    loaded = modules_after(HELP, environment)
    assert {name for name in loaded if name.split(".")[0] == "app"} == {"app", "app.cli", "app.cli_keys"}
    heavy = {"tortoise", "graphql", "strawberry", "httpx", "pydantic", "cryptography", "starlette", "uvicorn"}
    assert not heavy & loaded


def test_a_hub_with_sqlite_loads_nothing_of_the_other_arrangement(environment):
    loaded = modules_after(EMBEDDED, environment)
    assert "app.main" in loaded
    assert not (OF_THE_SCALED | OF_NOBODY_HERE) & loaded


def test_a_hub_that_is_up_to_date_does_without_the_tool_of_migrations(environment):
    assert "aerich" in modules_after(EMBEDDED, environment)
    assert "aerich" not in modules_after(EMBEDDED, environment)


def test_a_hub_makes_its_key_file_where_it_is_told(environment, tmp_path):
    place = tmp_path / "elsewhere" / "key"
    environment["PATCHBAY_KEY_FILE"] = str(place)

    def token() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "app.cli", "token", "create"]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False, text=True)

    first = token()
    assert (first.returncode, first.stdout[:4]) == (0, "pbt_"), first.stderr
    assert place.stat().st_mode & 0o777 == 0o400
    place.rename(tmp_path / "lost")
    second = token()
    assert (second.returncode, second.stdout) == (78, "")
    assert f"was in {place}, which does not exist" in second.stderr
    assert not place.exists()
