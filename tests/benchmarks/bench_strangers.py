"""What requests without a token cost: processor time of each of the corpus, with nothing of it in any cache.

``python tests/benchmarks/bench_strangers.py [BYTES]``: bodies of so many bytes at most, 65536 where it is left out, and
what a websocket gets at once before its client has signed in.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from pathlib import Path

import httpx
from starlette.applications import Starlette

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from app.api.graphql.endpoint import graphql_routes
from tests.api.graphql.fake_hub import PUBLIC_URL, load_test_catalog, make_hub
from tests.field.anonymous import requests
from tests.field.test_e_door import MESSAGES, handshaken

ROUNDS = 3
JSON = {"content-type": "application/json"}


async def cost_ms(body: bytes) -> tuple[float, httpx.Response]:
    """Return the least processor time of some rounds, each at a door of its own, and the answer."""
    best, answer = float("inf"), None
    for _ in range(ROUNDS):
        transport = httpx.ASGITransport(app=Starlette(routes=graphql_routes(make_hub(CATALOG))))
        async with httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL) as client:
            await client.post("/graphql", content=b'{"query":"{__typename}"}', headers=JSON)
            gc.collect()
            began = time.process_time()
            answer = await client.post("/graphql", content=body, headers=JSON)
            best = min(best, (time.process_time() - began) * 1_000)
    assert answer is not None
    return best, answer


async def socket_cost_ms(message: bytes) -> float:
    """Return the least processor time of some rounds that a websocket takes for what comes at once."""
    best, app = float("inf"), Starlette(routes=graphql_routes(make_hub(CATALOG)))
    for _ in range(ROUNDS):
        protocol = await handshaken(app)
        gc.collect()
        began = time.process_time()
        protocol.data_received(message)
        protocol.connection_lost(None)
        await asyncio.gather(*protocol.tasks)
        best = min(best, (time.process_time() - began) * 1_000)
    return best


async def main(size: int) -> None:
    worst = 0.0
    for limit in dict.fromkeys((16_384, size)):
        for name, body in requests(limit):
            ms, answer = await cost_ms(body)
            worst = max(worst, ms)
            print(f"{name:32} {len(body):7} bytes  {answer.status_code}  {ms:6.1f} ms")
    for name, (message, code) in MESSAGES.items():
        ms = await socket_cost_ms(message)
        worst = max(worst, ms)
        print(f"websocket: {name:34} {len(message):7} bytes  {code}  {ms:6.1f} ms")
    print(f"the costliest: {worst:.1f} ms")


if __name__ == "__main__":
    CATALOG = load_test_catalog()
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 65_536))
