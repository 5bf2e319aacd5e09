"""D1-D3: the environment that real machines give a hub: Services of its name, users without a home, IPv6."""

from __future__ import annotations

import socket
import subprocess
import sys

import httpx
import pytest

from app.foundation.reachable import place_of_server
from app.server import listening_socket
from app.settings import SettingsError, read_settings
from app.vault.key_file import create_key_file
from tests import databases
from tests.field.pod import Pod, in_pod, mount_key, pods_can_be_made, service_variables
from tests.journeys.client import Client
from tests.journeys.hub_process import EMBEDDED, ROOT, SCALED, fresh_hub, settings_of
from tests.journeys.journey import Journey
from tests.journeys.plans import SLACK, STRIPE

BOTH = [EMBEDDED, pytest.param(SCALED, marks=pytest.mark.scaled)]
SERVICES = ["PATCHBAY", "PATCHBAY_WEB", "PATCHBAY_REDIS_MASTER", "PATCHBAY_SECRET_STORE", "PATCHBAY_APP_X"]


# -- D1


@pytest.mark.parametrize("address", ["10.96.0.7", "fd00::7"])
@pytest.mark.parametrize("name", SERVICES)
def test_d1_what_kubernetes_sets_for_a_service_is_no_setting(name, address):
    injected = service_variables(name, address)
    settings = read_settings(injected)
    assert settings.port == 8000
    assert settings.passed_over == tuple(sorted(injected))
    assert settings.outside_secrets == {}
    assert settings.operator_applications([]) == {}


def test_d1_two_of_them_alone_are_recognised():
    settings = read_settings(
        {
            "PATCHBAY_PORT": "tcp://10.0.0.7:80",
            "PATCHBAY_SERVICE_HOST": "10.0.0.7",
            "PATCHBAY_HOST": "0.0.0.0",
        }
    )
    assert (settings.port, settings.host) == (8000, "0.0.0.0")


def test_d1_a_setting_of_the_pods_own_counts_beside_them():
    settings = read_settings(service_variables("PATCHBAY") | {"PATCHBAY_PORT": "9000"})
    assert settings.port == 9000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PATCHBAY_PORT", "tcp:/10.0.0.7:80"),
        ("PATCHBAY_PORT", "http://10.0.0.7:80"),
        ("PATCHBAY_SERVICE_HOST", "hub.example.com"),
        ("PATCHBAY_SERVICE_PORT", "eighty"),
        ("PATCHBAY_PORTT", "tcp://10.0.0.7:80"),
    ],
)
def test_d1_what_only_resembles_them_is_still_a_fault(name, value):
    with pytest.raises(SettingsError, match=name):
        read_settings({name: value})


def test_d1_a_secret_whose_name_resembles_them_stays_one():
    settings = read_settings(
        {"PATCHBAY_SECRET_MAIL_PORT": "hunter2", "PATCHBAY_SECRET_DB_SERVICE_HOST": "db"}
    )
    assert set(settings.outside_secrets) == {"MAIL_PORT", "DB_SERVICE_HOST"}


# -- D2


@pytest.mark.service
@pytest.mark.parametrize("arrangement", BOTH)
async def test_d1_d2_d5_a_hub_works_in_a_pod(arrangement, tmp_path):
    """D1, D2, D5: unknown user, no HOME, injected variables, read-only root, a key mounted 0440."""
    databases.require(pods_can_be_made(), "this machine makes no user namespaces")
    create_key_file(tmp_path / "made" / "key")
    key = mount_key(tmp_path / "secret", (tmp_path / "made" / "key").read_bytes())
    injected = {each: value for name in SERVICES for each, value in service_variables(name).items()}
    with settings_of(arrangement, tmp_path) as settings:
        own = {"PATCHBAY_DATA_DIR": str(tmp_path / "state" / "data"), "PATCHBAY_KEY_FILE": str(key)}
        workers = 1 if arrangement == SCALED else 0
        hub = Pod(tmp_path, settings | own, tmp_path / "secret", injected, workers=workers)
        try:
            hub.start()
            async with Client(hub.address, hub.token) as client:
                await Journey(client, STRIPE).to_connected()
            assert hub.command("keys", "verify").returncode == 0
            refused = hub.command("keys", "add")
            assert (
                refused.returncode,
                "to a copy that can be written" in " ".join(refused.stderr.split()),
            ) == (78, True)
            assert set(hub.terminate()) == {0}
        finally:
            hub.kill()
        assert hub.faults_logged == []
        passed_over = [line for line in hub.log.splitlines() if "no settings" in line]
        assert len(passed_over) == 1 + workers
        assert all("PATCHBAY_SERVICE_HOST" in line for line in passed_over)


@pytest.mark.service
@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, {"PATCHBAY_DATA_DIR", "PATCHBAY_KEY_FILE"}),
        ({"PATCHBAY_DATA_DIR": "/srv"}, {"PATCHBAY_KEY_FILE"}),
        ({"PATCHBAY_KEY_FILE": "/srv/key"}, {"PATCHBAY_DATA_DIR"}),
        (
            {
                "PATCHBAY_KEY": "x",
                "PATCHBAY_DATABASE_URL": "postgres://h/d",
                "PATCHBAY_REDIS_URL": "redis://h",
            },
            set(),
        ),
    ],
)
def test_d2_without_a_home_the_settings_to_make_are_named(given, missing):
    databases.require(pods_can_be_made(), "this machine makes no user namespaces")
    program = "from app.settings import *\ntry: print(read_settings().key_path)\nexcept SettingsError as e: print(e)"
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **given}
    asked = subprocess.run(
        in_pod(sys.executable, "-c", program), env=environment, capture_output=True, text=True, check=False
    )
    assert asked.stderr == ""
    named = {name for name in ("PATCHBAY_DATA_DIR", "PATCHBAY_KEY_FILE") if name in asked.stdout}
    assert named == missing, asked.stdout


@pytest.mark.service
def test_d2_a_database_user_that_nobody_names_is_said_so():
    databases.require(pods_can_be_made(), "this machine makes no user namespaces")
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "PATCHBAY_DATABASE_URL": "postgres://127.0.0.1:5432/hub",
        "PATCHBAY_REDIS_URL": "redis://127.0.0.1",
        "PATCHBAY_KEY_FILE": "/srv/key",
    }
    command = in_pod(sys.executable, "-m", "app.cli", "worker", "--check")
    refused = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    assert "names no user of PostgreSQL at 127.0.0.1:5432" in " ".join(refused.stderr.split())


LARGE = """
import asyncio, sys
from app.foundation.clock import SystemClock
from app.foundation.database import Database
from app.vault.models import KeyCheckRecord

async def main():
    database = Database(f"sqlite://{sys.argv[1]}", SystemClock())
    await database.open()
    try:
        async with database.transaction():
            client = KeyCheckRecord._meta.db
            await client.execute_script("CREATE TABLE large (id INTEGER PRIMARY KEY, text TEXT UNIQUE)")
            rows = [[number, "x" * 3_000 + str(number)] for number in range(500)]
            await client.execute_many("INSERT INTO large VALUES (?, ?)", rows)
            await client.execute_query("UPDATE large SET text = text || 'y'")
    finally:
        await database.close()

asyncio.run(main())
"""


@pytest.mark.service
def test_d2_large_statements_need_no_folder_for_temporary_files(tmp_path):
    """D2: SQLite lays down what undoes a statement in a temporary file; a read-only root has no place for one."""
    databases.require(pods_can_be_made(), "this machine makes no user namespaces")
    folder = tmp_path / "data"
    folder.mkdir()
    command = in_pod(sys.executable, "-c", LARGE, str(folder / "hub.sqlite3"), writable=folder)
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


# -- D3


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("::1", "http://[::1]:9000"),
        ("[::1]", "http://[::1]:9000"),
        ("::", "http://[::1]:9000"),
        ("0:0:0:0:0:0:0:0", "http://[::1]:9000"),
        ("2001:DB8::0:7", "http://[2001:db8::7]:9000"),
        ("fe80::1%eth0", "http://[fe80::1%25eth0]:9000"),
        ("::ffff:10.0.0.1", "http://[::ffff:a00:1]:9000"),
        ("localhost", "http://localhost:9000"),
    ],
)
def test_d3_an_ipv6_host_stands_in_brackets(host, url):
    assert read_settings({"PATCHBAY_HOST": host, "PATCHBAY_PORT": "9000"}).local_url() == url


def test_d3_every_address_of_ipv6_is_every_address():
    with listening_socket("::", 0) as sock:
        port = sock.getsockname()[1]
        for host in ("127.0.0.1", "::1"):
            socket.create_connection((host, port), timeout=5).close()


def test_d3_a_name_may_be_listened_on():
    with listening_socket("localhost", 0) as sock:
        socket.create_connection(sock.getsockname()[:2], timeout=5).close()


def test_d3_servers_at_ipv6_addresses_are_named_in_brackets():
    assert place_of_server("PostgreSQL", "postgres://hub@[fd00::5]/hub") == "PostgreSQL at [fd00::5]:5432"
    assert place_of_server("Redis", "redis://[::1]:6380/0") == "Redis at [::1]:6380"


async def test_d3_a_hub_at_an_ipv6_address_walks_the_whole_way(tmp_path):
    """D3: sandbox, consent page, redirect URI, cookies and websockets under http://[::1]."""
    with fresh_hub(EMBEDDED, tmp_path, PATCHBAY_HOST="::1") as hub:
        del hub.settings["PATCHBAY_PUBLIC_URL"]
        hub.start()
        async with Client(hub.address, hub.token) as client:
            journey = Journey(client, SLACK)
            await journey.to_connected()
            assert journey.authorization["step"]["launchUrl"].startswith(
                f"http://[::1]:{hub.port}/oauth/start/"
            )
        said = hub.log
        assert f"Patchbay 0.1.0 serves http://[::1]:{hub.port}\n" in said
        link = next(line for line in said.splitlines() if "/sign-in?code=" in line).split()[-1]
        with httpx.Client(trust_env=False, follow_redirects=True) as browser:
            page = browser.get(link)
        assert (page.status_code, str(page.url)) == (200, f"http://[::1]:{hub.port}/graphiql")
        assert set(hub.terminate()) == {0}
        assert hub.faults_logged == []
