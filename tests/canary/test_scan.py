"""A planted leak makes a run of its own fail, and says where it was without saying what; a clean run passes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

ROOT = Path(__file__).parents[2]
WEB = """
import httpx
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

async def ask(path, answer):
    async def door(request):
        return answer
    app = Starlette(routes=[Route(path, door)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hub.test") as client:
        assert (await client.get(path)).status_code == 200
"""
LOG_LINE = """
import logging

def test_it(canary):
    logging.getLogger("patchbay.executor").debug("refused %s", canary("sk_live_"))
"""
ANSWER = f"""{WEB}
async def test_it(canary):
    await ask("/graphql", JSONResponse({{"data": canary()[::-1]}}))
"""
ROW = """
import json, sqlite3

def test_it(tmp_path, canary):
    with sqlite3.connect(tmp_path / "hub.db") as hub:
        hub.execute("CREATE TABLE connection (id TEXT, config TEXT)")
        hub.execute("INSERT INTO connection VALUES ('conn_1', ?)", (json.dumps({"apiKey": canary()}),))
    hub.close()
"""
OTHERS = f"""{WEB}
import logging, secrets, sqlite3
from base64 import b64encode

def test_standard_output(canary):
    print(b64encode(f"ada:{{canary()}}".encode()))

def test_a_traceback_in_a_log(canary):
    try:
        raise ValueError(f"bad key {{canary()}}")
    except ValueError:
        logging.getLogger("patchbay").exception("failed")

async def test_a_header(canary):
    token = "xoxb-sbx1.WyJhY2Nlc3MiLCJhY21l"
    await ask("/oauth/start/auth_1", JSONResponse({{}}, headers={{"x-debug": token}}))

def test_a_deleted_row(tmp_path, canary):
    with sqlite3.connect(tmp_path / "hub.db") as hub:
        hub.execute("PRAGMA secure_delete = off")
        hub.execute("CREATE TABLE connection (config TEXT)")
        hub.execute("INSERT INTO connection VALUES (?)", (canary(),))
    hub.execute("DELETE FROM connection")
    hub.commit()
    hub.close()

def test_the_log_of_a_process(tmp_path):
    (tmp_path / "001-serve.log").write_text(f"authorization: Bearer pbt_{{secrets.token_urlsafe(32)}}")
"""
OTHER_PLACES = (
    "a seeded secret (base64) in the test's output (captured stdout call)",
    "a seeded secret (plain) in a log record of patchbay,",
    "what the sandbox issued (plain) in answer of GET /oauth/start/auth_1",
    "a seeded secret (plain) in the bytes of hub.db",
    "an access token of the hub (plain) in the log file 001-serve.log",
)
LATE = """
import pytest

@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shared")
    yield folder
    (folder / "serve.log").write_text(folder.name + TEXT)

def test_it(shared, canary):
    global TEXT
    TEXT = canary()
"""
CLEAN = f"""{WEB}
import hashlib, logging, sqlite3

async def test_it(tmp_path, canary):
    hidden = hashlib.sha256(canary().encode()).hexdigest()
    print(hidden)
    logging.getLogger("patchbay").debug("kept %s", hidden)
    (tmp_path / "serve.log").write_text(hidden)
    with sqlite3.connect(tmp_path / "hub.db") as hub:
        hub.execute("CREATE TABLE sealed (text TEXT)")
        hub.execute("INSERT INTO sealed VALUES (?)", (hidden,))
    hub.close()
    await ask("/graphql", JSONResponse({{"data": hidden}}))
    await ask("/sandbox/slack/token", JSONResponse({{"access_token": "xoxb-sbx1.WyJhY2Nlc3MiLCJhY21l"}}))
"""


@pytest.fixture
def run():
    """Return what runs a test file under the watch, in a process and a folder that no other watch looks into."""

    def session(test: str, *options: str) -> subprocess.CompletedProcess[str]:
        (folder / "test_planted.py").write_text(test)
        plugins = ("-p", "pytest_asyncio.plugin", "-p", "tests.canary.plugin", "-p", "no:cacheprovider")
        settings = ("-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function")
        ended = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                *plugins,
                *settings,
                "--basetemp",
                str(folder / "run"),
                *options,
            ],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        # Whatever it found, it does not say it: secrets of tests are long words of small letters and digits.
        words = re.findall(r"(?<![a-z0-9])[a-z0-9]{24,}", ended.stdout + ended.stderr)
        assert [word for word in words if re.search("[0-9]", word)] == []
        return ended

    with TemporaryDirectory(prefix="patchbay-planted-") as name:
        folder = Path(name)
        yield session


@pytest.mark.parametrize(
    ("test", "found"),
    [
        (LOG_LINE, "a seeded secret (plain) in a log record of patchbay.executor"),
        (ANSWER, "a seeded secret (reversed) in answer of GET /graphql"),
        (ROW, "a seeded secret (plain) in table connection of hub.db, column config"),
    ],
    ids=["log line", "answer", "row"],
)
def test_a_planted_leak_fails_its_run_and_its_place_is_told(run, test, found):
    ended = run(test)

    assert ended.returncode == pytest.ExitCode.TESTS_FAILED, ended.stdout
    assert f"{found}, seen during test_planted.py::test_it" in ended.stdout


def test_each_test_answers_for_its_own_leak(run):
    ended = run(OTHERS)

    assert ended.returncode == pytest.ExitCode.TESTS_FAILED, ended.stdout
    assert [place for place in OTHER_PLACES if place not in ended.stdout] == []
    assert "3 failed, 2 passed, 2 errors" in ended.stdout


def test_a_leak_at_the_end_of_a_worker_process_fails_the_whole_run(run):
    ended = run(LATE, "-p", "xdist", "-n", "1")

    assert ended.returncode == pytest.ExitCode.TESTS_FAILED, ended.stdout
    assert "in the log file serve.log, seen during the end of the run" in ended.stdout


def test_a_clean_run_passes(run):
    ended = run(CLEAN)

    assert ended.returncode == pytest.ExitCode.OK, ended.stdout
