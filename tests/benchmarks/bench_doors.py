"""The doors: start to ready, memory at rest, and requests per second against a bare endpoint on the same server.

Run by hand: ``python tests/benchmarks/bench_doors.py``. It starts real hubs (SQLite, one process) on free ports with
data of their own. The load generator is a process of its own; every ratio is of the same run.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import orjson
import uvicorn

STARTS = 5
SECONDS = 4.0
CLIENTS = 16
COMMAND = (sys.executable, "-m", "app.cli")
CATALOG = """query { integrations(first: 8) { nodes {
  id key name summary popularity stage categories tags useCases homepageUrl } } }"""
CONNECTIONS = (
    "query { connections(first: 50) { nodes { id name description mode revision createdAt updatedAt } } }"
)


def environment(folder: Path, port: int) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PATCHBAY_")}
    return {
        **kept,
        "PATCHBAY_DATA_DIR": str(folder / "data"),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "PATCHBAY_PORT": str(port),
        "PATCHBAY_LOG_LEVEL": "WARNING",
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def hub(
    folder: Path, command: Sequence[str] = COMMAND, checkout: Path | None = None
) -> Iterator[tuple[str, float, int]]:
    """Serve; yield the address, the seconds until it was ready, and the process."""
    port = free_port()
    began = time.perf_counter()
    process = subprocess.Popen(
        [*command, "serve"],
        cwd=checkout,
        env=environment(folder, port),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                if httpx.get(f"{address}/readyz", trust_env=False).status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.005)
        yield address, time.perf_counter() - began, process.pid
    finally:
        process.terminate()
        process.wait(30)


def resident_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


async def load(url: str, body: bytes | None, headers: dict[str, str]) -> tuple[float, int]:
    """Send as many requests as come back in ``SECONDS`` over keep-alive connections; return rate and answer size.

    Plain sockets: an HTTP library would be slower than what is measured.
    """
    parts = urlsplit(url)
    lines = [f"{'POST' if body else 'GET'} {parts.path} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}"] if body else []
    request = "\r\n".join([*lines, "", ""]).encode() + (body or b"")
    count, size = 0, 0

    async def one(until: float) -> None:
        nonlocal count, size
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        while time.perf_counter() < until:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.split(b"\r\n", 1)[0].decode())
            size = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
            await reader.readexactly(size)
            count += 1
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(one(began + SECONDS) for _ in range(CLIENTS)))
    return count / (time.perf_counter() - began), size


def measured(url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[float, int]:
    """Run the load generator in a process of its own, so that it and the server have a core each."""
    task = json.dumps({"url": url, "body": body.decode() if body else None, "headers": headers or {}})
    done = subprocess.run(
        [sys.executable, __file__, "--load", task], capture_output=True, check=True, text=True
    )
    rate, size = done.stdout.split()
    return float(rate), int(size)


@contextmanager
def bare(size: int) -> Iterator[str]:
    """Serve a constant JSON answer of ``size`` bytes by Starlette on the hub's server configuration."""
    port = free_port()
    process = subprocess.Popen([sys.executable, __file__, "--bare", str(port), str(size)])
    address = f"http://127.0.0.1:{port}/"
    try:
        while True:
            try:
                httpx.get(address, trust_env=False)
                break
            except httpx.TransportError:
                time.sleep(0.02)
        yield address
    finally:
        process.terminate()
        process.wait(10)


def serve_bare(port: int, size: int) -> None:
    from starlette.applications import Starlette
    from starlette.responses import Response
    from starlette.routing import Route

    content = orjson.dumps({"data": "x" * max(size - 11, 1)})

    async def answer(request):
        return Response(content, media_type="application/json")

    app = Starlette(routes=[Route("/", answer, methods=["GET", "POST"])])
    uvicorn.run(app, port=port, log_level="error", access_log=False, server_header=False, loop="uvloop")


def ask(address: str, token: str, document: str, variables: dict | None = None) -> dict:
    answer = httpx.post(
        f"{address}/graphql",
        json={"query": document, "variables": variables or {}},
        headers={"Authorization": f"Bearer {token}"},
        trust_env=False,
        timeout=30,
    ).json()
    if answer.get("errors"):
        raise RuntimeError(answer["errors"])
    return answer["data"]


def journey(address: str, token: str, number: int) -> float:
    """Take one API key connection from nothing to CONNECTED; return the seconds it took."""
    began = time.perf_counter()
    made = ask(
        address,
        token,
        """mutation($name: String!) { createConnection(input: {name: $name, integration: "stripe", mode: SANDBOX}) {
          connection { id } } }""",
        {"name": f"Shop {number}"},
    )
    id_ = made["createConnection"]["connection"]["id"]
    begun = ask(
        address,
        token,
        """mutation($id: ID!) { beginAuthorization(input: {connectionId: $id, authMethod: "api-key"}) {
          authorization { id step { ... on CredentialFormStep { prefilled } } } } }""",
        {"id": id_},
    )["beginAuthorization"]["authorization"]
    ask(
        address,
        token,
        "mutation($input: SubmitCredentialsInput!) { submitCredentials(input: $input) { authorization { state } } }",
        {"input": {"authorizationId": begun["id"], "credentials": begun["step"]["prefilled"]}},
    )
    ask(
        address,
        token,
        "mutation($id: ID!) { testConnection(input: {connectionId: $id, waitMs: 10000}) { testRun { verdict } } }",
        {"id": id_},
    )
    done = ask(
        address,
        token,
        """mutation($id: ID!) { activateConnection(input: {connectionId: $id}) {
          connection { status { state } } } }""",
        {"id": id_},
    )
    if done["activateConnection"]["connection"]["status"]["state"] != "CONNECTED":
        raise RuntimeError("the connection did not become CONNECTED")
    return time.perf_counter() - began


def main() -> None:
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, SQLite, one process\n"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        token = subprocess.run(
            [*COMMAND, "token", "create"],
            env=environment(folder, 0),
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        starts = []
        for _ in range(STARTS):
            with hub(folder) as (_, seconds, _pid):
                starts.append(seconds)
        print(
            f"start to ready        median {statistics.median(starts):.2f} s of {STARTS} (least {min(starts):.2f} s)"
        )
        with hub(folder) as (address, _, pid):
            print(f"memory at rest        {resident_mib(pid):.0f} MiB resident")
            times = [journey(address, token, number) for number in range(50)]
            print(
                f"create to CONNECTED   median {statistics.median(times) * 1000:.0f} ms of 50 (API key, sandbox)"
            )
            auth = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            catalog = orjson.dumps({"query": CATALOG})
            listing = orjson.dumps({"query": CONNECTIONS})
            doors = {
                "/healthz": (f"{address}/healthz", None, {}),
                "catalog, 8 x 10 fields": (f"{address}/graphql", catalog, auth),
                "connections, 50 x 7 fields": (f"{address}/graphql", listing, auth),
            }
            for door, (url, body, headers) in doors.items():
                rate, size = measured(url, body, headers)
                with bare(size) as baseline:
                    bare_rate, _ = measured(baseline, body, headers)
                print(
                    f"{door:<27} {rate:>6.0f}/s   {rate / bare_rate:.2f} of a bare endpoint ({bare_rate:.0f}/s)"
                )
            print(f"memory after the load {resident_mib(pid):.0f} MiB resident")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--load"]:
        asked = json.loads(sys.argv[2])
        found = asyncio.run(
            load(asked["url"], asked["body"].encode() if asked["body"] else None, asked["headers"])
        )
        print(*found)
    elif sys.argv[1:2] == ["--bare"]:
        serve_bare(int(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
