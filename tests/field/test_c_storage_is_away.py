"""C8: a database that is away is said to be, with a time to come again, and 503 where a status can say it."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from tortoise.exceptions import OperationalError

from app.connections.models import ConnectionRecord
from app.foundation.clock import SystemClock
from app.foundation.database import Database, migrate
from app.foundation.errors import StorageBusyError, StorageUnavailableError
from app.foundation.problems import ProblemCode
from app.foundation.storage_faults import storage_fault
from app.hub import build_hub
from app.main import build_app
from tests.databases import require, run_apart
from tests.field.cut_postgres import postgres_line
from tests.field.own_postgres import own_postgres
from tests.hubs import CATALOG, ORIGIN, owner, settings_for, test_keys
from tests.servers import running

CREATE = 'mutation { createConnection(input: {name: "N", integration: "stripe"}) { userErrors { code retryable } } }'
LIST = "{ connections(first: 5) { totalCount } }"
UNAVAILABLE = {"code": "UNAVAILABLE", "retryable": True, "retryAfterSeconds": 5.0}


class Away:
    """A hub at its own address whose PostgreSQL can be cut off."""

    def __init__(self, line, hub, http, headers):
        self.line, self.hub, self.http, self.headers = line, hub, http, headers

    async def ask(self, query):
        return await self.http.post("/graphql", json={"query": query}, headers=self.headers)


@asynccontextmanager
async def hub_on(line, folder, redis_url):
    settings = settings_for(line.url, folder, redis_url)
    async with (
        build_hub(settings, local_url=ORIGIN, clock=SystemClock(), keys=test_keys(), catalog=CATALOG) as hub,
        build_app(hub) as app,
        running(app) as address,
        httpx.AsyncClient(base_url=address.http, trust_env=False) as http,
    ):
        await hub.members.ensure_owner()
        with hub.database.bind():
            actor = await owner(hub)
            made = await hub.tokens.create(actor, name="t", scopes=sorted(actor.permissions), expires_in=None)
            yield Away(line, hub, http, {"authorization": f"Bearer {made.token.reveal()}"})


@pytest.fixture
async def away(postgres_url, redis_url, tmp_path):
    async with postgres_line(postgres_url) as line, hub_on(line, tmp_path, redis_url) as hub:
        yield hub


@pytest.mark.scaled
async def test_c8_a_server_that_is_stopped_is_away_until_it_runs_again(redis_url, tmp_path):
    require(shutil.which("initdb") is not None, "there is no initdb")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)  # the server runs as another user
        async with own_postgres(Path(folder) / "server") as server:
            run_apart(lambda: migrate(server.url))
            async with hub_on(server, tmp_path, redis_url) as away:
                assert (await away.ask(LIST)).status_code == 200
                server.cut()
                for _ in range(2):  # told that it shuts down, then refused
                    told = (await away.ask(LIST)).json()["errors"][0]["extensions"]
                    assert {name: told[name] for name in UNAVAILABLE} == UNAVAILABLE
                page = await away.http.get("/oauth/start/auth_00000000000000000000000000")
                assert (page.status_code, page.headers["retry-after"]) == (503, "5")
                assert (await away.http.get("/readyz")).status_code == 503
                await server.up()
                assert (await away.ask(LIST)).json()["data"] == {"connections": {"totalCount": 0}}
                assert (await away.ask(CREATE)).json()["data"]["createConnection"]["userErrors"] == []


@pytest.mark.scaled
async def test_c8_every_door_says_that_the_database_is_away_and_works_again_afterwards(away):
    away.line.cut()
    answered = await away.ask(LIST)
    told = answered.json()["errors"][0]["extensions"]
    assert answered.status_code == 503
    assert answered.headers["retry-after"] == "5"
    assert {name: told[name] for name in UNAVAILABLE} == UNAVAILABLE
    for path in ("/oauth/start/auth_00000000000000000000000000", "/oauth/return/app_1?state=x&code=y"):
        page = await away.http.get(path)
        assert (page.status_code, page.headers["retry-after"]) == (503, "5")
        assert "database is not available" in page.text
    assert (await away.http.get("/readyz")).status_code == 503
    assert (await away.http.get("/healthz")).status_code == 200
    await away.line.up()
    assert (await away.ask(LIST)).json()["data"] == {"connections": {"totalCount": 0}}


@pytest.mark.scaled
@pytest.mark.parametrize("at", [b"BEGIN", b'INSERT INTO "connection"', b"COMMIT"])
async def test_c8_a_database_that_goes_in_mid_request_is_away_too(away, at):
    await away.ask(LIST)  # the token is known by now
    away.line.cuts_at = at
    answered = await away.ask(CREATE)
    assert answered.json()["data"] == {
        "createConnection": {"userErrors": [{"code": "STORAGE_UNAVAILABLE", "retryable": True}]}
    }
    await away.line.up()
    assert (await away.ask(LIST)).json()["data"]["connections"]["totalCount"] == 0
    assert (await away.ask(CREATE)).json()["data"]["createConnection"]["userErrors"] == []


@pytest.mark.scaled
async def test_c8_a_query_that_loses_its_database_says_so_in_its_place(away):
    await away.ask(LIST)
    away.line.cuts_at = b'"connection"'
    answered = (await away.ask("{ connections(first: 5) { nodes { name } } }")).json()
    told = answered["errors"][0]["extensions"]
    assert {name: told[name] for name in UNAVAILABLE} == UNAVAILABLE


@pytest.mark.scaled
async def test_c8_what_reads_by_models_or_by_statements_or_in_a_transaction_fails_alike(postgres_url, clock):
    async with postgres_line(postgres_url) as line:
        database = Database(line.url, clock)
        await database.open()
        assert await ConnectionRecord.all().count() == 0
        line.cut()
        for act in (ConnectionRecord.all().count, lambda: database.rows("SELECT 1")):
            with pytest.raises(StorageUnavailableError) as caught:
                await act()
            assert (caught.value.problem.code, caught.value.problem.retry_after_s) == (
                ProblemCode.STORAGE_UNAVAILABLE,
                5.0,
            )
        with pytest.raises(StorageUnavailableError):
            async with database.transaction():
                pass
        await line.up()
        assert await ConnectionRecord.all().count() == 0
        await database.close()


async def test_c8_a_sqlite_file_that_cannot_be_opened_is_away_and_a_locked_one_is_busy(tmp_path, clock):
    before = set(threading.enumerate())
    database = Database(f"sqlite://{tmp_path / 'gone' / 'hub.db'}", clock)
    await database.open()
    with pytest.raises(StorageUnavailableError):
        await database.rows("SELECT 1")
    await database.close()
    for thread in set(threading.enumerate()) - before:  # the driver's own answers this loop once more
        await asyncio.to_thread(thread.join)
    assert type(storage_fault(OperationalError("database is locked"))) is StorageBusyError
    assert type(storage_fault(OperationalError("database or disk is full"))) is StorageUnavailableError


@pytest.mark.parametrize(
    "fault", [OperationalError('no such table: "x"'), ValueError("the lock is closed"), OSError()]
)
async def test_c8_a_fault_of_ours_is_not_the_database_s(fault):
    assert storage_fault(fault) is None
