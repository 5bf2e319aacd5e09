"""Compares this checkout with an older one, in one run: processor time per request, of a start and of a command.

Run by hand: ``python tests/benchmarks/compare_doors.py OLDER [rounds]``, where ``OLDER`` is another checkout with a
``.venv`` of its own. Hubs of both (SQLite, one process, the same content) take turns, so that noise hits both. What is
measured is the processor time of the server, which other work on the machine disturbs less than the time on the clock;
memory is of a hub that has answered nothing but ``/readyz``.
"""

from __future__ import annotations

import asyncio
import re
import statistics
import subprocess
import sys
import tempfile
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import orjson
from bench_doors import CATALOG, CONNECTIONS, environment, hub, journey, resident_mib

HERE = Path(__file__).resolve().parents[2]
ROUNDS = 7
CLIENTS = 8
REQUESTS = {"{__typename}": 800, "catalog, 8 x 10 fields": 400, "connections, 50 x 7 fields": 160}
DOCUMENTS = dict(zip(REQUESTS, ("{__typename}", CATALOG, CONNECTIONS), strict=True))


@dataclass(frozen=True)
class Checkout:
    """One of the two: where it lies, and its hub's data."""

    path: Path
    data: Path

    @property
    def command(self) -> list[str]:
        python = self.path / ".venv" / "bin" / "python"
        return [str(python) if python.exists() else sys.executable, "-m", "app.cli"]

    def run(self, *arguments: str) -> tuple[str, float]:
        """Run a command; return what it prints and the processor seconds it took."""
        measuring = (
            "import os, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=2);"
            "times = os.times(); print(times.children_user + times.children_system)"
        )
        done = subprocess.run(
            [sys.executable, "-c", measuring, *self.command, *arguments],
            cwd=self.path,
            env=environment(self.data, 0),
            capture_output=True,
            check=True,
            text=True,
        )
        return done.stderr, float(done.stdout)

    def hub(self) -> AbstractContextManager[tuple[str, float, int]]:
        """Serve; yield the address, the seconds until it was ready, and the process."""
        return hub(self.data, self.command, self.path)


def processor_s(pid: int) -> float:
    """Return the processor seconds of a process' threads so far (Linux: nanoseconds in schedstat)."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(one.read_text().split()[0]) for one in threads) / 1e9


async def send(address: str, token: str, document: str, requests: int) -> None:
    parts = urlsplit(address)
    body = orjson.dumps({"query": document})
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )

    async def one() -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        for _ in range(requests // CLIENTS):
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            if not answer.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(answer.split(b"\r\n", 1)[0].decode())
            await reader.readexactly(int(re.search(rb"(?i)content-length: (\d+)", answer)[1]))
        writer.close()

    await asyncio.gather(*(one() for _ in range(CLIENTS)))


def fill(address: str, token: str) -> None:
    """Make 50 connections with credentials, tested and active."""
    for number in range(50):
        journey(address, token, number)


def starts(both: list[Checkout], rounds: int) -> None:
    commands: list[list[float]] = [[], []]
    readies: list[list[float]] = [[], []]
    memories: list[list[float]] = [[], []]
    for _ in range(rounds):
        for side, checkout in enumerate(both):
            commands[side].append(checkout.run("--help")[1])
            with checkout.hub() as (_, _, pid):
                readies[side].append(processor_s(pid))
                memories[side].append(resident_mib(pid))
    show("patchbay --help, s", commands, 1)
    show("start to ready, s", readies, 1)
    show("memory at rest, MiB", memories, 1)


def requests(both: list[Checkout], rounds: int) -> None:
    with ExitStack() as stack:
        hubs = [stack.enter_context(checkout.hub()) for checkout in both]
        tokens = [checkout.run("token", "create")[0].strip().splitlines()[-1] for checkout in both]
        for (address, _, _), token in zip(hubs, tokens, strict=True):
            fill(address, token)
        for name, document in DOCUMENTS.items():
            costs: list[list[float]] = [[], []]
            for number in range(rounds + 1):
                for side, (address, _, pid) in enumerate(hubs):
                    before = processor_s(pid)
                    asyncio.run(send(address, tokens[side], document, REQUESTS[name]))
                    if number:  # the first round warms up
                        costs[side].append((processor_s(pid) - before) / REQUESTS[name])
            show(f"{name}, us", costs, 1e6)


def show(name: str, sides: list[list[float]], unit: float) -> None:
    older, here = (statistics.median(side) * unit for side in sides)
    print(f"{name:<32} {older:>9.2f} -> {here:>9.2f}   {older / here:.2f} times", flush=True)


def main() -> None:
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
    with tempfile.TemporaryDirectory() as name:
        both = [
            Checkout(Path(sys.argv[1]).resolve(), Path(name) / "older"),
            Checkout(HERE, Path(name) / "here"),
        ]
        for checkout in both:
            checkout.data.mkdir()
            checkout.run("migrate")
        starts(both, rounds)
        requests(both, rounds)


if __name__ == "__main__":
    main()
