"""Measures one method call through the hub, and one request by its outbound layer, against bare httpx.

Run by hand: ``python tests/benchmarks/bench_call.py [calls]``, 500 a round unless stated otherwise. All three ask the
same loopback server, a process of its own, over kept connections, on uvloop; they take turns, so that noise hits all.
Bare httpx places the token itself and reads the JSON. The method call reads the connection and its sealed credentials
from the database, opens them, counts the use durably in the audit, calls, and records the exchange without its secrets.

SQLite always (synced at every commit, as it is shipped); PostgreSQL and Redis where they answer, as in bench_renewal.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import httpx

from app.foundation.messages import Destination, OutRequest
from app.foundation.secret import Secret
from app.server import run
from tests.benchmarks.bench_renewal import PROFILES, fleet, postgres_database
from tests.benchmarks.outside import Outside, machine, outside
from tests.databases import postgres_is_there, redis_is_there
from tests.hubs import owner
from tests.proofs.fleet import Fleet

CALLS = 500
ROUNDS = 5
AT_ONCE = (1, 16)
TOKEN = "access-of-a-benchmark-0123456789"
Act = Callable[[], Awaitable[object]]


async def per_call_us(act: Act, calls: int, at_once: int) -> float:
    """Return the microseconds from one finished call to the next."""
    left = iter(range(calls))

    async def one() -> None:
        for _ in left:
            await act()

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(at_once)))
    return (time.perf_counter() - began) / calls * 1e6


async def contenders(ships: Fleet, client: httpx.AsyncClient, server: Outside) -> dict[str, Act]:
    """Return bare httpx, the outbound layer and the method call, each as one call of ``GET /me``."""
    hub = ships.hub
    await ships.launch([PROFILES[0]])
    actor = await owner(hub)
    url = f"{server.address}/me"
    place = Destination(("127.0.0.1",))
    token = Secret(TOKEN)

    async def bare() -> None:
        answer = await client.get(url, headers={"Authorization": f"Bearer {TOKEN}"})
        assert answer.json()["id"] == 1

    async def outbound() -> None:
        headers = (("Authorization", f"Bearer {token.reveal()}"),)
        request = OutRequest("GET", url, headers, secrets=(token,))
        assert (await hub.outbound.send(request, place)).json()["id"] == 1

    async def method_call() -> None:
        owner = await hub.credentials.find(actor.workspace_id, ships.ids[0])
        result = await hub.calls.call(actor, owner, "me", {})
        assert result.fault is None
        assert result.body["id"] == 1

    return {"bare httpx": bare, "outbound layer": outbound, "method call": method_call}


async def measure(database: str, database_url: str, server: Outside, calls: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        async with (
            fleet(database_url, Path(name), server.token_url, server.address) as ships,
            httpx.AsyncClient(trust_env=False) as client,
        ):
            acts = await contenders(ships, client, server)
            for at_once in AT_ONCE:
                found: dict[str, list[float]] = {told: [] for told in acts}
                for act in acts.values():
                    await per_call_us(act, calls // 10, at_once)  # connections open, caches warm
                for _ in range(ROUNDS):
                    for told, act in acts.items():
                        found[told].append(await per_call_us(act, calls, at_once))
                bare = statistics.median(found["bare httpx"])
                for told, times in found.items():
                    us = statistics.median(times)
                    print(
                        f"{database:<12}{at_once:>7}   {told:<16}{us:>8,.0f} us{us - bare:>+9,.0f} us{us / bare:>7.2f}"
                    )


async def main(calls: int) -> None:
    print(f"{machine()}; median of {ROUNDS} rounds of {calls} calls\n")
    print(f"{'database':<12}{'at once':>7}   {'what':<16}{'per call':>11}{'above bare':>12}{'times':>7}")
    with outside() as server, tempfile.TemporaryDirectory() as name:
        await measure("SQLite", f"sqlite://{name}/hub.db", server, calls)
        if postgres_is_there() and redis_is_there():
            async with postgres_database() as url:
                await measure("PostgreSQL", url, server, calls)


if __name__ == "__main__":
    run(main(int(sys.argv[1]) if len(sys.argv) > 1 else CALLS))
