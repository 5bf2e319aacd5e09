"""Measures a renewal sweep by the hub's background work against a loop of the same token calls with bare httpx.

Run by hand: ``python tests/benchmarks/bench_renewal.py [connections] [milliseconds ...]``: 10,000 due connections and a
token endpoint that answers after 0, 20 and 50 ms unless stated otherwise. All sides call the same loopback server, a
process of its own, over real sockets, on uvloop, with as many calls at once. Bare httpx is measured in two ways, for
one client slows down with the connections it holds: one client for all calls, and a client for each call at once. Each
makes a tenth as many calls before the hub's sweep and again after it; the mean counts. The last line is without
sockets, the provider inside the process.

SQLite always (synced at every commit, as it is shipped); PostgreSQL and Redis where ``PATCHBAY_TEST_POSTGRES`` and
``PATCHBAY_TEST_REDIS`` (default: this machine) answer. Every measurement is a process of its own.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from statistics import mean

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import asyncpg
import httpx

from app.catalog.catalog import Catalog
from app.catalog.entry import IntegrationEntry
from app.connections.models import ConnectionRecord
from app.credentials.models import CredentialRecord, RenewalAttemptRecord
from app.foundation.clock import SystemClock
from app.foundation.secret import Secret
from app.hub import build_hub
from app.server import run
from app.work.models import DueWorkRecord
from app.worker import RENEWALS_AT_ONCE as AT_ONCE
from app.worker import RENEWALS_OF_ONE_APPLICATION as OF_ONE_APPLICATION
from app.worker import register_work
from tests.benchmarks.outside import CLIENT_ID, CLIENT_SECRET, Outside, machine, outside
from tests.databases import POSTGRES, REDIS, postgres_is_there, redis_is_there
from tests.hubs import ORIGIN, owner, settings_for, test_keys
from tests.proofs.fleet import Fleet, Profile, Provider, definition_of

CONNECTIONS = 10_000
LATENCIES_MS = (0, 20, 50)
AGE_S = 0.95 * 3_600
# As many applications as it takes to use all places: one alone is held to its own.
PROFILES = [Profile(f"provider-{number}", 3_600) for number in range(2 * AT_ONCE // OF_ONE_APPLICATION)]
IN_PROCESS = "https://auth.acme.example/token"


@asynccontextmanager
async def fleet(
    database_url: str, folder: Path, token_url: str, api_url: str = "https://api.acme.example"
) -> AsyncIterator[Fleet]:
    """Yield a hub whose providers are at these addresses; nothing is connected yet."""
    clock = SystemClock()
    provider = Provider(clock)
    entries = []
    for profile in PROFILES:
        definition = definition_of(profile)
        (method,) = definition.auth
        method = replace(method, oauth2=replace(method.oauth2, token_url=token_url))
        http = replace(definition.http, base_url=api_url, hosts=(*definition.http.hosts, "127.0.0.1"))
        changed = replace(definition, auth=(method,), http=http)
        entries.append(IntegrationEntry(profile.name, (changed,)))
    async with build_hub(
        settings_for(database_url, folder, REDIS, PATCHBAY_EGRESS_ALLOW="127.0.0.0/8"),
        local_url=ORIGIN,
        transport=provider if token_url == IN_PROCESS else None,
        clock=clock,
        keys=test_keys(),
        catalog=Catalog(entries),
    ) as hub:
        await hub.members.ensure_owner()
        with hub.database.bind():
            actor = await owner(hub)
            for profile in PROFILES:
                await hub.applications.save(
                    actor, integration=profile.name, client_id=CLIENT_ID, client_secret=Secret(CLIENT_SECRET)
                )
            yield Fleet(hub, provider, actor.workspace_id)


async def sweep(database_url: str, token_url: str, count: int) -> dict[str, float]:
    """Let the background work renew ``count`` due connections; return seconds, and resident MiB as it went on."""
    with tempfile.TemporaryDirectory() as name:
        async with fleet(database_url, Path(name), token_url) as ships:
            await ships.launch([PROFILES[n % len(PROFILES)] for n in range(count)], [AGE_S] * count)
            gc.collect()
            before = resident_mib()
            register_work(ships.hub)
            began = time.perf_counter()
            ships.hub.dispatcher.start()
            await renewed(ships, count // 2)
            half = resident_mib()
            await renewed(ships, count)
            seconds = time.perf_counter() - began
            await ships.hub.dispatcher.stop()
            after = resident_mib()
            await check(ships, count)
            return {"seconds": seconds, "before": before, "half": half, "after": after}


async def renewed(ships: Fleet, count: int) -> None:
    """Wait until so many are renewed; the hub's own counter says it, which costs the database nothing."""
    done = ships.hub.metrics.work.labels("renewal", "OK")._value
    while done.get() < count:
        await asyncio.sleep(0.01)


async def check(ships: Fleet, count: int) -> None:
    """Every connection has its second generation, in the rows and in the audit; nothing is left open."""
    assert await CredentialRecord.filter(generation=2).count() == count
    assert await DueWorkRecord.filter(kind="renewal", lease_owner=None, failing_since=None).count() == count
    assert await RenewalAttemptRecord.all().count() == 0
    assert await ConnectionRecord.filter(state="CONNECTED").count() == count
    (report,) = await ships.hub.audit.verify(ships.workspace_id)
    assert report.is_ok
    assert report.good >= count


async def bare(token_url: str, count: int, clients: int) -> dict[str, float]:
    """Make the same token calls with bare httpx, ``AT_ONCE`` at once, by so many clients; return the seconds."""
    provider = Provider(SystemClock())
    accounts = [provider.open_account(PROFILES[0])[1] for _ in range(count)]
    left = iter([grant.values["refreshToken"].reveal() for grant in accounts])
    places = AT_ONCE // clients
    limits = httpx.Limits(max_connections=places, max_keepalive_connections=places)
    transport = provider if token_url == IN_PROCESS else None

    async def one(client: httpx.AsyncClient) -> None:
        for token in left:
            form = {"grant_type": "refresh_token", "refresh_token": token}
            answer = await client.post(token_url, data=form)
            assert answer.raise_for_status().json()["access_token"]

    async with AsyncExitStack() as stack:
        made = [
            await stack.enter_async_context(
                httpx.AsyncClient(
                    auth=(CLIENT_ID, CLIENT_SECRET), trust_env=False, limits=limits, transport=transport
                )
            )
            for _ in range(clients)
        ]
        began = time.perf_counter()
        await asyncio.gather(*(one(made[place % clients]) for place in range(AT_ONCE)))
        return {"seconds": time.perf_counter() - began}


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def do(task: dict[str, object]) -> None:
    token_url, count, database = str(task["token_url"]), int(task["count"]), task["database"]
    if database is None:
        found = await bare(token_url, count, int(task["clients"]))
    elif database == "SQLite":
        with tempfile.TemporaryDirectory() as name:
            found = await sweep(f"sqlite://{name}/hub.db", token_url, count)
    else:
        async with postgres_database() as url:
            found = await sweep(url, token_url, count)
    print(json.dumps(found))


@asynccontextmanager
async def postgres_database() -> AsyncIterator[str]:
    """Yield the URL of an empty database of its own."""
    name = f"patchbay_bench_{os.getpid()}"
    server = await asyncpg.connect(f"{POSTGRES}/postgres")
    try:
        await server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield f"{POSTGRES}/{name}"
        finally:
            await server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    finally:
        await server.close()


def main(count: int, latencies_ms: tuple[int, ...]) -> None:
    databases = ["SQLite", *(["PostgreSQL"] if postgres_is_there() and redis_is_there() else [])]
    print(f"{machine()}; {count:,} due connections of {len(PROFILES)} providers, {AT_ONCE} calls at once")
    print("renewals per second, beside token calls by one httpx client and by one for each call at once\n")
    print(
        f"{'database':<12}{'endpoint':<16}{'hub':>6}{'one':>8}{'ratio':>7}{'each':>8}{'ratio':>7}   ", end=""
    )
    print("resident MiB: before, half-way, after; growth per 1,000")
    with outside() as server:
        ways = [
            *((f"after {ms} ms", server.token_url, ms) for ms in latencies_ms),
            ("in process", IN_PROCESS, 0),
        ]
        for database in databases:
            for told, token_url, ms in ways:
                print(f"{database:<12}{told:<16}{row(server, database, token_url, ms, count)}", flush=True)


def row(server: Outside, database: str, token_url: str, latency_ms: int, count: int) -> str:
    """Measure both sides at one latency."""

    def rate_of_bare(clients: int) -> float:
        return side(server, latency_ms, token_url=token_url, count=calls, database=None, clients=clients)[
            "rate"
        ]

    calls = max(count // 10, 10 * AT_ONCE)
    one, each = [rate_of_bare(1)], [rate_of_bare(AT_ONCE)]
    hub = side(server, latency_ms, token_url=token_url, count=count, database=database)
    each.append(rate_of_bare(AT_ONCE))
    one.append(rate_of_bare(1))
    rates = "".join(f"{mean(found):>8.0f}{hub['rate'] / mean(found):>7.2f}" for found in (one, each))
    growth = (hub["after"] - hub["before"]) * 1_000 / count
    return f"{hub['rate']:>6.0f}{rates}   {hub['before']:.0f}, {hub['half']:.0f}, {hub['after']:.0f}; {growth:+.2f}"


def side(server: Outside, latency_ms: int, **task: object) -> dict[str, float]:
    """Measure one side in a process of its own; the server must have seen every call and refused none."""
    server.begin(latency_ms)
    done = subprocess.run(
        [sys.executable, __file__, "--apart", json.dumps(task)], stdout=subprocess.PIPE, check=True, text=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    is_over_sockets = task["token_url"] != IN_PROCESS
    assert server.figures() == {"refreshes": task["count"] if is_over_sockets else 0, "refused": 0}
    return {**found, "rate": task["count"] / found["seconds"]}


if __name__ == "__main__":
    if sys.argv[1:2] == ["--apart"]:
        run(do(json.loads(sys.argv[2])))
    else:
        numbers = [int(word) for word in sys.argv[1:]]
        main(numbers[0] if numbers else CONNECTIONS, tuple(numbers[1:]) or LATENCIES_MS)
