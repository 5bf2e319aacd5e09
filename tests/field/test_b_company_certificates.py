"""B11: in-house https under the company's own authority, by a setting and by connection, with client certificates."""

from __future__ import annotations

import json
import ssl

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


def wanting(authority: Authority, folder) -> ssl.SSLContext:
    """Return the context of an in-house server that wants a client certificate of the company."""
    tls = authority.server(folder, "127.0.0.1")
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(cadata=authority.pem)
    return tls


async def test_b11_a_connection_brings_its_own_authority_and_client_certificate(authority, live, tmp_path):
    certificate, key = authority.client("hub.company.example")
    shown = []

    async def answer(asked, writer):
        shown.append(dict(writer.get_extra_info("peercert")["subject"][0]))
        await answered(asked, writer)

    async with serving(answer, tls=wanting(authority, tmp_path)) as server:
        own = {"caCertificates": authority.pem, "clientCertificate": certificate, "clientKey": key}
        run = await connected(live, server, **own)
        assert run.verdict is Verdict.PASSED
    assert shown == 2 * [{"commonName": "hub.company.example"}]  # the test's call, and its control call
    stored = await live.hub.connections.get(live.actor, run.connection_id)
    assert not {"caCertificates", "clientCertificate", "clientKey"} & set(stored.config)
    sealed = {secret.path[-1] for secret in stored.secrets if secret.is_set}
    assert sealed >= {"caCertificates", "clientCertificate", "clientKey"}
    rows = await live.hub.database.rows("SELECT * FROM connection")
    assert key.splitlines()[1] not in str(rows)


async def test_b11_a_login_is_sent_over_the_connections_own_tls_too(authority, live, tmp_path):
    certificate, key = authority.client("hub.company.example")

    async def answer(asked, writer):
        is_known = asked.header("authorization") == "Bearer abc"
        body = b'{"token": "abc"}' if asked.target == "/login" else b"{}"
        status = 200 if is_known or asked.target == "/login" else 401
        writer.write(reply(status, body, Content_Type="application/json"))

    async with serving(answer, tls=wanting(authority, tmp_path)) as server:
        at = f"https://127.0.0.1:{server.port}"
        config = {
            "baseUrl": at,
            "testPath": "/status",
            "loginUrl": f"{at}/login",
            "caCertificates": authority.pem,
            "clientCertificate": certificate,
            "clientKey": key,
        }
        connection = await live.draft("generic-http", config, Mode.LIVE)
        await live.entered(connection, "login", username="ada", password="pw")
        assert (await live.tested(connection)).verdict is Verdict.PASSED
        assert [asked.target for asked in server.asked][:2] == ["/login", "/status"]


async def test_b11_what_is_no_certificate_or_lacks_its_key_is_refused_at_its_field(authority, live):
    certificate, key = authority.client("hub")
    _, strange = authority.client("hub")
    rows = [
        ({"caCertificates": "no certificate"}, ("caCertificates", "INVALID_FIELD")),
        ({"clientCertificate": certificate}, ("clientKey", "MISSING_FIELD")),
        ({"clientKey": key}, ("clientCertificate", "MISSING_FIELD")),
        ({"clientCertificate": certificate, "clientKey": strange}, ("clientKey", "INVALID_FIELD")),
        ({"clientCertificate": key, "clientKey": key}, ("clientCertificate", "INVALID_FIELD")),
        ({"clientCertificate": certificate, "clientKey": key, "caCertificates": authority.pem}, None),
    ]
    for sent, wanted in rows:
        config = {"baseUrl": "https://127.0.0.1:9", "testPath": "/status", **sent}
        faults = live.hub.connections.validate_config(live.actor, "generic-http", None, config)
        assert [(fault.path[1], fault.code.value) for fault in faults] == ([wanted] if wanted else [])
        assert not any("BEGIN" in fault.message and "from BEGIN" not in fault.message for fault in faults)
