"""Starting: a storage that is slow or late is waited for, in words; what runs says its version and where things are."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import subprocess
import sys
import tomllib
from urllib.parse import urlsplit

import pytest

from app import VERSION
from tests.field.forwarding import Gate, forwarding
from tests.journeys.hub_process import EMBEDDED, ROOT, SCALED, HubProcess, free_port, fresh_hub

BOTH = [EMBEDDED, pytest.param(SCALED, marks=pytest.mark.scaled)]


def with_port(url: str, port: int) -> str:
    parts = urlsplit(url)
    user = f"{parts.username}@" if parts.username else ""
    return parts._replace(netloc=f"{user}127.0.0.1:{port}").geturl()


@pytest.mark.scaled
@pytest.mark.parametrize(
    ("setting", "name"),
    [("PATCHBAY_DATABASE_URL", "PostgreSQL"), ("PATCHBAY_REDIS_URL", "Redis")],
)
@pytest.mark.parametrize("is_there", [False, True], ids=["away", "silent"])
async def test_a_late_server_is_waited_for_and_named(setting, name, is_there, tmp_path):
    """Item 4: slow storage at start is told while waiting."""
    with fresh_hub(SCALED, tmp_path) as hub:
        real, late = urlsplit(hub.settings[setting]).port, free_port()
        hub.settings[setting] = with_port(hub.settings[setting], late)
        gate = Gate(is_open=False)
        async with contextlib.AsyncExitStack() as stack:
            if is_there:
                await stack.enter_async_context(forwarding(late, real, gate))
            hub.spawn()
            await hub.has_said(f"still waiting for {name} at 127.0.0.1:{late}", count=2)  # web and worker
            assert "waited_s" in hub.log
            gate.open()
            if not is_there:
                await stack.enter_async_context(forwarding(late, real, gate))
            await asyncio.to_thread(hub.wait_until_ready)
            assert set(await asyncio.to_thread(hub.terminate)) == {0}


async def test_a_database_that_another_process_migrates_is_waited_for(tmp_path):
    """Item 4: so is the lock beside an SQLite file."""
    with fresh_hub(EMBEDDED, tmp_path) as hub:
        (tmp_path / "data").mkdir(mode=0o700)
        with (tmp_path / "data" / "patchbay.sqlite3.migrating").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            hub.spawn()
            await hub.has_said("still waiting for the migrations of the database")
        await asyncio.to_thread(hub.wait_until_ready)
        assert hub.terminate() == [0]


def lines_of(hub: HubProcess) -> dict[str, str]:
    """Return what ``serve`` printed: what it is, and where."""
    shown = [line.strip().split(":", 1) for line in hub.log.splitlines() if line.startswith("  ")]
    return {name: value.strip() for name, value in shown}


@pytest.mark.parametrize("arrangement", BOTH)
def test_serve_prints_where_data_key_and_pages_are(arrangement, tmp_path):
    with fresh_hub(arrangement, tmp_path) as hub:
        hub.settings |= {"PATCHBAY_PUBLIC_URL": "https://hub.example.com", "PATCHBAY_GRAPHIQL": "1"}
        if (
            arrangement == SCALED
        ):  # this server asks for no password: one in the address must still not be shown
            parts = urlsplit(hub.settings["PATCHBAY_DATABASE_URL"])
            password = parts._replace(netloc=f"{parts.username}:CANARY-pw@{parts.hostname}:{parts.port}")
            hub.settings["PATCHBAY_DATABASE_URL"] = password.geturl()
        hub.start()
        said, log = lines_of(hub), hub.log
        assert set(hub.terminate()) == {0}

    public, local = "https://hub.example.com", hub.address
    assert f"Patchbay {VERSION} serves {public}" in log
    assert "CANARY-pw" not in log
    link = said.pop("sign in (once)", "")
    assert link.startswith(f"{public}/sign-in?code=") is (arrangement == EMBEDDED)
    assert said.pop("wake-ups", "").startswith("Redis at 127.0.0.1:") is (arrangement == SCALED)
    data = said.pop("data")
    if arrangement == EMBEDDED:
        assert data == str(tmp_path / "data" / "patchbay.sqlite3")
    else:
        assert data.startswith("PostgreSQL at 127.0.0.1:")
    assert said == {
        "on this machine": local,
        "key": hub.settings.get("PATCHBAY_KEY_FILE") or str(tmp_path / "config" / "patchbay" / "key"),
        "GraphQL": f"{public}/graphql",
        "GraphiQL": f"{public}/graphiql",
        "sandbox": f"{public}/sandbox/",
        "problem codes": f"{public}/docs/problems",
        "health, figures": f"{local}/readyz, {local}/metrics",
    }


def test_the_version_is_printed_and_is_the_packages():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "app.cli", "--version"]
    shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert shown.stdout == f"patchbay {project['version']}\n"
    assert project["version"] == VERSION
