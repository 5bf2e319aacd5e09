"""Starting without the servers that a hub needs: a bounded wait, one clear line, exit code 1."""

from __future__ import annotations

import asyncio
import sys
from functools import partial

import pytest

import app.foundation.telemetry
from app import cli
from app.foundation import database as database_module
from app.foundation.database import migrate, orm_config
from app.foundation.reachable import CannotStartError, reach_postgres, reach_redis
from app.settings import SettingsError, read_settings
from tests.databases import POSTGRES, REDIS
from tests.fakes.redis_server import RedisServer, running_redis
from tests.foundation.servers import closing, never, serving

CANARY = "CANARY-pw-81b2"


async def refusal(reaching) -> str:
    with pytest.raises(CannotStartError) as caught:
        async with asyncio.timeout(10):
            await reaching
    text = str(caught.value)
    assert CANARY not in text
    assert "\n" not in text
    return text


async def reach(url, max_wait_s):
    await reach_postgres(url, orm_config(url)["connections"]["default"]["credentials"], max_wait_s)


@pytest.fixture
async def closed():
    async with serving(never) as server:
        return server.port


async def test_a_server_that_is_not_there_is_waited_for_within_bounds(closed):
    text = await refusal(reach(f"postgres://ada:{CANARY}@127.0.0.1:{closed}/hub", 0.2))
    assert text == (
        f"PostgreSQL at 127.0.0.1:{closed} did not answer within 0.2 seconds (ConnectionRefusedError). "
        "Start it, or correct PATCHBAY_DATABASE_URL."
    )
    text = await refusal(reach_redis(f"redis://:{CANARY}@127.0.0.1:{closed}/0", 0.2))
    assert text.startswith(f"Redis at 127.0.0.1:{closed} did not answer within 0.2 seconds")
    assert "PATCHBAY_REDIS_URL" in text


@pytest.mark.parametrize("answer", [never, closing(b"HTTP/1.1 400 Bad Request\r\n\r\n")])
async def test_a_server_that_says_nothing_or_nonsense_is_given_up(answer):
    async with serving(answer) as server:
        if answer is not never:
            server.greeting = b"HTTP/1.1 400 Bad Request\r\n\r\n"
        await refusal(reach(f"postgres://ada:{CANARY}@127.0.0.1:{server.port}/hub", 0.3))
        await refusal(reach_redis(f"redis://127.0.0.1:{server.port}/0", 0.3))


async def test_a_host_that_is_not_known_is_given_up():
    assert "no-such-host.invalid:5432" in await refusal(
        reach(f"postgres://ada:{CANARY}@no-such-host.invalid/hub", 0.3)
    )


@pytest.mark.scaled
async def test_servers_that_answer_are_reached(postgres_url, redis_url):
    await reach(postgres_url, 5)
    await reach_redis(redis_url, 5)


@pytest.mark.scaled
@pytest.mark.parametrize(
    ("url", "words"),
    [
        (
            f"{POSTGRES}/no_such_database_{CANARY.lower()}",
            "does not have the database of PATCHBAY_DATABASE_URL.",
        ),
        (
            f"{POSTGRES.replace('postgres@', 'no_such_role:x@')}/postgres",
            "refuses the user or the password of PATCHBAY_DATABASE_URL.",
        ),
    ],
)
async def test_what_waiting_cannot_mend_is_told_at_once(postgres_url, url, words):
    assert (await refusal(reach(url, 60))).endswith(words)


@pytest.mark.scaled
async def test_a_password_that_redis_does_not_take_is_told_at_once(redis_url):
    text = await refusal(reach_redis(REDIS.replace("redis://", f"redis://ada:{CANARY}@"), 60))
    assert "refuses the user, the password" in text


@pytest.mark.scaled
async def test_a_server_that_comes_up_meanwhile_is_enough(tmp_path):
    with running_redis(tmp_path) as server:
        server.stop()
        waiting = asyncio.create_task(reach_redis(server.url, 20))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await asyncio.to_thread(RedisServer.start, server)
        await waiting


def test_the_command_line_ends_with_one_line_and_code_1(closed, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(database_module, "reach_postgres", partial(reach_postgres, max_wait_s=0.2))
    monkeypatch.setattr(app.foundation.telemetry, "configure_logs", lambda *_: None)
    for name, value in {
        "PATCHBAY_DATABASE_URL": f"postgres://ada:{CANARY}@127.0.0.1:{closed}/hub",
        "PATCHBAY_REDIS_URL": f"redis://127.0.0.1:{closed}/0",
        "PATCHBAY_KEY_FILE": str(tmp_path / "key"),
        "PATCHBAY_DATA_DIR": str(tmp_path / "data"),
    }.items():
        monkeypatch.setenv(name, value)
    for command in (["migrate"], ["worker", "--check"], ["token", "create"]):
        monkeypatch.setattr(sys, "argv", ["patchbay", *command])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        assert caught.value.code == 1
        said = capsys.readouterr()
        assert said.out == ""
        assert len(said.err.strip().splitlines()) == 1
        assert f"PostgreSQL at 127.0.0.1:{closed} did not answer" in said.err


@pytest.mark.parametrize("kind", ["folder", "text", "nowhere"])
async def test_a_file_that_is_no_database_is_told(tmp_path, kind):
    path = tmp_path / "hub.db"
    if kind == "folder":
        path.mkdir()
    elif kind == "text":
        path.write_text("this is a letter to my aunt, and no database at all\n" * 200)
    else:
        path = tmp_path / "no" / "such" / "folder" / "hub.db"
    text = await refusal(migrate(f"sqlite://{path}"))
    assert text.startswith(f"The SQLite database {path} cannot be used: ")


def test_a_data_folder_that_cannot_be_made_is_a_setting_to_correct(tmp_path):
    (tmp_path / "file").write_text("")
    settings = read_settings({"PATCHBAY_DATA_DIR": str(tmp_path / "file" / "data")})
    with pytest.raises(SettingsError, match="PATCHBAY_DATA_DIR"):
        settings.make_data_dir()
