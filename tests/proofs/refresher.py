"""One process of a hub that refreshes on command: ``python -m tests.proofs.refresher`` with the hub's environment.

A line on its input is ``{"workspace", "connection", "generation", "times"}``; that many refreshes are asked for
at once, and a line says what came of them.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from typing import Any

from app.access.actor import Actor
from app.foundation.ids import new_id
from app.hub import Hub, build_hub
from app.settings import read_settings


async def refreshed(hub: Hub, wish: dict[str, Any]) -> Counter[str]:
    """Ask ``times`` times at once and count what each of them met."""

    async def once() -> str:
        actor = Actor.system(wish["workspace"], "renewal", new_id("req"))
        try:
            await hub.renewal.renew(actor, wish["connection"], wish["generation"])
        except Exception as fault:  # noqa: BLE001 - whatever a caller would have seen is told
            return f"{type(fault).__name__}: {fault}"
        return "renewed"

    return Counter(await asyncio.gather(*(once() for _ in range(wish["times"]))))


async def main() -> None:
    """Serve wishes until the input ends."""
    settings = read_settings(dict(os.environ))
    async with build_hub(settings) as hub:
        with hub.database.bind():
            print(json.dumps({"pid": os.getpid()}), flush=True)
            while line := await asyncio.to_thread(sys.stdin.readline):
                found = await refreshed(hub, json.loads(line))
                print(json.dumps({"pid": os.getpid(), "found": found}), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
