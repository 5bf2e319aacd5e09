"""B11: in-house https under the company's own authority, by a setting and by connection, with client certificates."""

from __future__ import annotations

import json

import pytest

from app.connection_tests.steps import Verdict
from app.credentials.snapshot import Mode
from app.foundation.clock import FrozenClock
from app.settings import SettingsError, read_settings
from tests.connections.conftest import redis_for  # noqa: F401 - a fixture is found by name
from tests.field.conftest import live_world
from tests.foundation.certificates import Authority
from tests.foundation.servers import reply, serving


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


async def answered(asked, writer):
    """Let in who has the key."""
    allowed = asked.header("x-api-key") == "the-key"
    body = json.dumps({"status": "ok" if allowed else "no"}).encode()
    writer.write(reply(200 if allowed else 401, body, Content_Type="application/json"))


async def connected(world, server, **config):
    """Return the run of the default test of a new connection to the server."""
    base = {"baseUrl": f"https://127.0.0.1:{server.port}", "testPath": "/status"}
    connection = await world.draft("generic-http", base | config, Mode.LIVE)
    await world.entered(connection, key="the-key")
    return await world.tested(connection)


async def test_b11_the_operators_authorities_are_trusted(authority, database_url, redis_for, tmp_path):  # noqa: F811 - the fixture's own name
    file = tmp_path / "company.pem"
    file.write_text(authority.pem)
    trusting = {"PATCHBAY_CA_FILE": str(file)}
    async with (
        serving(answered, tls=authority.server(tmp_path, "127.0.0.1")) as server,
        live_world(database_url, redis_for, tmp_path, FrozenClock(), **trusting) as world,
    ):
        assert (await connected(world, server)).verdict is Verdict.PASSED


async def test_b11_without_them_the_connection_fails_for_that_reason(authority, live, tmp_path):
    async with serving(answered, tls=authority.server(tmp_path, "127.0.0.1")) as server:
        run = await connected(live, server)
    assert run.verdict is Verdict.FAILED
    assert "not trusted" in run.problem.message
    assert server.asked == []


@pytest.mark.parametrize("content", [None, "", "no certificate", "-----BEGIN CERTIFICATE-----\nMIIB"])
def test_b11_a_file_without_authorities_is_told_at_start(tmp_path, content):
    file = tmp_path / "company.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SettingsError, match="PATCHBAY_CA_FILE"):
        read_settings({"PATCHBAY_CA_FILE": str(file)})
