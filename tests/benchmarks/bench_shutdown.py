"""The end of a hub: from SIGTERM to exit, with everything open that can be, and with nothing.

Run by hand: ``python -m tests.benchmarks.bench_shutdown 10``. It starts real hubs (SQLite, one process; with PostgreSQL
and Redis on this machine also a web process and a worker) and ends each once; the slowest process counts.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import sys
import tempfile
from pathlib import Path

from tests.databases import postgres_is_there, redis_is_there
from tests.fakes.redis_server import running_redis
from tests.field.open_scene import ended, everything_open
from tests.journeys.client import Client
from tests.journeys.hub_process import EMBEDDED, SCALED, HubProcess, fresh_hub
from tests.journeys.journey import Journey
from tests.journeys.plans import SALESFORCE


async def end_of(hub: HubProcess, *, is_busy: bool) -> float:
    """Start the hub, end it, and return how long the end took in seconds."""
    hub.start()
    async with contextlib.AsyncExitStack() as stack:
        if is_busy:
            client = await stack.enter_async_context(Client(hub.address, hub.token))
            journey = Journey(client, SALESFORCE)
            await journey.to_connected()
            scene = await stack.enter_async_context(everything_open(hub, client, journey))
            stack.push_async_callback(asyncio.wait, [scene.refreshing])
        codes, took_s = await ended(hub)
        if set(codes) != {0} or "Traceback" in hub.log:
            raise RuntimeError(hub.log)
    return took_s


def measure(arrangement: str, count: int, *, is_busy: bool) -> list[float]:
    """Return the ends of as many hubs."""
    took = []
    for _ in range(count):
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            changes = {}
            if arrangement == SCALED:
                changes["PATCHBAY_REDIS_URL"] = stack.enter_context(running_redis(folder)).url
            hub = stack.enter_context(fresh_hub(arrangement, folder, **changes))
            took.append(asyncio.run(end_of(hub, is_busy=is_busy)))
    return took


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    has_servers = postgres_is_there() and redis_is_there()
    for arrangement in (EMBEDDED, SCALED) if has_servers else (EMBEDDED,):
        for is_busy in (True, False):
            took = measure(arrangement, count, is_busy=is_busy)
            what = "everything open" if is_busy else "idle"
            print(
                f"{arrangement}, {what}: {statistics.median(took):.2f} s, at most {max(took):.2f} s, of {count}"
            )


if __name__ == "__main__":
    main()
