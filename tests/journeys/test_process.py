"""The hub as a process: it ends cleanly, starts again with everything, and refuses settings that cannot work."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import stat
from pathlib import Path

import httpx
import pytest
import websockets

from app.vault.key_file import create_key_file
from tests.fakes.browser import Browser
from tests.journeys import documents
from tests.journeys.client import Client, Stream
from tests.journeys.hub_process import EMBEDDED, SCALED, HubProcess, fresh_hub
from tests.journeys.journey import Journey
from tests.journeys.plans import STRIPE

CONFIG_FAULT = 78


class SlowRequest:
    """A request whose body comes late: the hub has begun to serve it and waits (RFC 9110 10.1.1)."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        self._reader, self._writer, self._body = reader, writer, body

    @classmethod
    async def begin(cls, hub: HubProcess, query: str) -> SlowRequest:
        body = json.dumps({"query": query}).encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
        head = (
            f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:{hub.port}\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {hub.token}\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
        )
        writer.write(head.encode())
        assert b"100 Continue" in await reader.readuntil(b"\r\n\r\n")
        return cls(reader, writer, body)

    async def finish(self) -> tuple[int, dict]:
        self._writer.write(self._body)
        answer = await self._reader.read()
        self._writer.close()
        await self._writer.wait_closed()
        head, _, content = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(content)


async def close_code(stream: Stream) -> int | None:
    """Return the code with which the hub closes the socket."""
    try:
        while True:
            await stream.next()
    except websockets.ConnectionClosed as closed:
        return closed.rcvd and closed.rcvd.code


async def no_longer_listening(hub: HubProcess) -> None:
    """Wait until new connections are refused."""
    async with httpx.AsyncClient(trust_env=False) as http:
        for _ in range(400):
            try:
                await http.get(f"{hub.address}/healthz")
            except httpx.ConnectError:
                return
            await asyncio.sleep(0.02)
    raise AssertionError("it still takes new connections")


async def test_sigterm_ends_cleanly_and_a_second_start_keeps_everything(own_hub: HubProcess):
    own_hub.start()
    async with Client(own_hub.address, own_hub.token) as client:
        journey = Journey(client, STRIPE)
        await journey.to_connected()
        before, events = await journey.now(), await journey.events()
        request = await SlowRequest.begin(own_hub, "{ hub { version } }")
        async with client.follow(documents.FOLLOW_EVENTS) as stream:
            own_hub.signal(signal.SIGTERM)
            code = await close_code(stream)
        await no_longer_listening(own_hub)
        status, content = await request.finish()
    exit_codes = await asyncio.to_thread(own_hub.wait)

    assert code == 1012
    assert (status, list(content["data"])) == (200, ["hub"])
    assert set(exit_codes) == {0}

    own_hub.start()
    async with Client(own_hub.address, own_hub.token) as client:
        journey.client = client
        assert await journey.now() == before
        assert await journey.events() == events
        assert (await journey.tested())["verdict"] == "PASSED"
    assert set(own_hub.terminate()) == {0}
    assert own_hub.faults_logged == []


async def test_a_first_start_makes_its_folder_key_and_sign_in_link_that_works_once(tmp_path: Path):
    with fresh_hub(EMBEDDED, tmp_path) as hub:
        hub.start()
        key = tmp_path / "config" / "patchbay" / "key"
        link = re.search(r"http://\S+/sign-in\?code=\S+", hub.log)
        assert link is not None
        async with Browser() as browser:
            first = await browser.open(link.group())
            again = await browser.open(link.group())
            asked = {"query": "{ viewer { actor { kind } } }"}
            headers = {
                "Origin": hub.address,
                "Cookie": f"patchbay-session={browser.cookies['patchbay-session']}",
            }
            async with httpx.AsyncClient(trust_env=False) as http:
                viewer = (await http.post(f"{hub.address}/graphql", json=asked, headers=headers)).json()

        assert stat.S_IMODE(key.stat().st_mode) == 0o400
        assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
        assert (first.status_code, str(first.url)) == (200, f"{hub.address}/graphiql")
        assert again.status_code == 400
        assert viewer["data"]["viewer"]["actor"]["kind"] == "MEMBER"
        assert hub.terminate() == [0]


def test_wrong_settings_are_all_told_in_one_message(tmp_path: Path):
    with fresh_hub(EMBEDDED, tmp_path) as hub:
        hub.settings |= {
            "PATCHBAY_PORT": "a-port",
            "PATCHBAY_PUBLIC_URL": "ftp://nowhere",
            "PATCHBAY_EGRESS_ALLOW": "not-a-network",
            "PATCHBAY_DATABSE_URL": "sqlite:///tmp/hub.db",
        }
        result = hub.command("serve")

    assert result.returncode == CONFIG_FAULT
    for told in (
        "PATCHBAY_PORT",
        "PATCHBAY_PUBLIC_URL",
        "PATCHBAY_EGRESS_ALLOW",
        "did you mean PATCHBAY_DATABASE_URL",
    ):
        assert told in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "data").exists()


def test_an_application_of_no_integration_is_refused_with_78_before_anything_is_made(tmp_path: Path):
    with fresh_hub(EMBEDDED, tmp_path, PATCHBAY_APP_NOBODY_CLIENT_ID="x") as hub:
        result = hub.command("serve")

    assert result.returncode == CONFIG_FAULT
    assert "PATCHBAY_APP_NOBODY_CLIENT_ID names no integration" in " ".join(result.stderr.split())
    assert not (tmp_path / "data").exists()


@pytest.mark.threat("C4")
def test_a_missing_or_foreign_key_is_refused_with_78_and_nothing_is_made_in_its_place(own_hub: HubProcess):
    assert own_hub.token  # the first command makes database and key
    key = Path(own_hub.settings.get("PATCHBAY_KEY_FILE") or own_hub.folder / "config" / "patchbay" / "key")
    kept = key.read_bytes()
    key.unlink()

    refused = own_hub.command("worker")
    assert refused.returncode == CONFIG_FAULT, refused.stderr
    assert str(key) in refused.stderr.replace("\n", "")
    assert "Traceback" not in refused.stderr
    assert not key.exists()

    create_key_file(key)
    refused = own_hub.command("serve")
    assert refused.returncode == CONFIG_FAULT, refused.stderr
    assert "Affected: " in refused.stderr
    assert "Traceback" not in refused.stderr

    key.unlink()
    key.write_bytes(kept)
    key.chmod(0o400)
    assert own_hub.command("worker", "--check").returncode == 0


def test_a_taken_port_is_told_in_one_line(tmp_path: Path):
    with fresh_hub(EMBEDDED, tmp_path) as hub, socket.socket() as taken:
        taken.bind(("127.0.0.1", hub.port))
        taken.listen()
        result = hub.command("serve")

    assert result.returncode == 1
    assert f"Cannot listen on 127.0.0.1 port {hub.port}" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.scaled
def test_a_scaled_hub_serves_neither_sandbox_nor_graphiql_unless_asked(tmp_path: Path):
    with fresh_hub(SCALED, tmp_path) as hub:
        del hub.settings["PATCHBAY_SANDBOX"]
        hub.start()
        with httpx.Client(trust_env=False) as http:
            answers = {path: http.get(hub.address + path).status_code for path in ("/sandbox/", "/graphiql")}
        assert "/sign-in?code=" not in hub.log
        assert set(hub.terminate()) == {0}

    assert answers == {"/sandbox/": 404, "/graphiql": 404}
