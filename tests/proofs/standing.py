"""What stands around one connection that is used all the while: its users, a witness of its events, and what is seen.

All instants are seconds since the epoch, by the one clock of this machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import httpx
import websockets

from tests.journeys.client import Client, Json
from tests.journeys.documents import VERBS
from tests.journeys.hub_process import HubProcess

_FOLLOW = """
subscription Follow($after: EventCursor, $filter: EventFilter) {
  events(after: $after, filter: $filter) {
    __typename
    ... on EventBatch { cursor events { id type occurredAt data } }
    ... on StreamCheckpoint { cursor }
    ... on StreamReset { reason }
  }
}"""
_WAIT_MS = 10_000
_AWAY = (httpx.HTTPError, OSError, TimeoutError, websockets.WebSocketException)
GOOD = "PASSED"


@dataclass(frozen=True)
class Use:
    """One use of the connection, a test run or a refresh by hand, and what came of it."""

    what: str
    began: float
    ended: float
    outcome: str

    @property
    def is_good(self) -> bool:
        return self.outcome == GOOD


@dataclass(frozen=True)
class Fact:
    """An event of the connection."""

    at: float
    type: str
    data: Json


class Users:
    """Several people and programs who test and refresh one connection, each through any web process in turn."""

    def __init__(self, connection_id: str, clients: Sequence[Client], seed: int) -> None:
        self.uses: list[Use] = []
        self._id = connection_id
        self._clients = clients
        self._seed = seed
        self._are_awake = asyncio.Event()
        self._are_awake.set()
        self._busy = 0

    @asynccontextmanager
    async def at_work(self, testers: int, refreshers: int) -> AsyncIterator[None]:
        """Let them work until the block ends; then each ends what it has begun with."""
        stop = asyncio.Event()
        tasks = [asyncio.create_task(self._tests(Random(self._seed + n), stop)) for n in range(testers)]
        tasks.append(asyncio.create_task(self._refreshes(Random(self._seed + 100), stop, refreshers)))
        try:
            yield
        finally:
            stop.set()
            await asyncio.gather(*tasks)

    @asynccontextmanager
    async def asleep(self) -> AsyncIterator[None]:
        """Within the block nobody uses the connection: all uses have ended when it begins."""
        self._are_awake.clear()
        try:
            while self._busy:
                await asyncio.sleep(0.01)
            yield
        finally:
            self._are_awake.set()

    async def _tests(self, chance: Random, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self.use("testConnection", chance)
            await asyncio.sleep(chance.uniform(0.1, 0.8))

    async def _refreshes(self, chance: Random, stop: asyncio.Event, at_once: int) -> None:
        """Refresh by hand, several at once; between them the background has time to renew by itself."""
        while not stop.is_set():
            await asyncio.gather(*(self.use("refreshCredentials", chance) for _ in range(at_once)))
            await asyncio.sleep(chance.choice((0.3, 1.0, 3.0, 9.0)) * chance.uniform(0.7, 1.3))

    async def use(self, what: str, chance: Random) -> Use:
        """Use it once and write down what came of it."""
        await self._are_awake.wait()
        self._busy += 1
        try:
            use = await self._used(what, chance)
        finally:
            self._busy -= 1
        self.uses.append(use)
        return use

    async def _used(self, what: str, chance: Random) -> Use:
        began = time.time()
        client = chance.choice(self._clients)
        given: Json = {"connectionId": self._id}
        if what == "testConnection":
            given["waitMs"] = _WAIT_MS
        try:
            payload = (await client.ask(VERBS[what], input=given))[what]
            outcome = _outcome(payload)
        except _AWAY as fault:
            outcome = type(fault).__name__
        except json.JSONDecodeError:
            outcome = "NOT_GRAPHQL"
        except AssertionError as fault:  # an error at the top of a GraphQL answer
            outcome = f"ERRORS: {str(fault)[:300]}"
        return Use(what, began, time.time(), outcome)


def _outcome(payload: Json) -> str:
    codes = [problem["code"] for problem in payload["userErrors"]]
    if codes:
        return " ".join(codes)
    if "testRun" not in payload:
        return GOOD
    run = payload["testRun"]
    if run["verdict"] is None:
        return f"no verdict in {_WAIT_MS} ms"
    return run["verdict"] if run["verdict"] == GOOD else run["problem"]["code"]


class Witness:
    """Follows every event of the connection by subscription, over the ends of the web process it is connected to."""

    def __init__(self, connection_id: str, clients: Sequence[Client]) -> None:
        self.facts: list[Fact] = []
        self.was_cut_off = 0
        self._seen: set[str] = set()
        self._filter = {"connectionIds": [connection_id]}
        self._clients = clients
        self._cursor: str | None = None
        self._news = asyncio.Condition()

    @property
    def generation(self) -> int:
        """The newest generation that was sealed; it only ever grows by one."""
        return max((fact.data["generation"] for fact in self.of("CREDENTIALS_RENEWED")), default=1)

    def of(self, type_: str) -> list[Fact]:
        return [fact for fact in self.facts if fact.type == type_]

    async def until_generation(self, generation: int, patience_s: float = 20.0) -> None:
        """Wait until this generation is sealed, as the hub tells."""
        async with asyncio.timeout(patience_s), self._news:
            await self._news.wait_for(lambda: self.generation >= generation)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        async with _meanwhile(self._watch()):
            yield

    async def _watch(self) -> None:
        turn = 0
        while True:
            turn += 1
            client = self._clients[turn % len(self._clients)]
            try:
                async with client.follow(_FOLLOW, after=self._cursor, filter=self._filter) as stream:
                    while True:
                        await self._take((await stream.next())["events"])
            except (*_AWAY, StopAsyncIteration):
                self.was_cut_off += 1
                await asyncio.sleep(0.1)

    async def _take(self, message: Json) -> None:
        assert message["__typename"] != "StreamReset", message
        self._cursor = message["cursor"]
        async with self._news:
            for event in message.get("events", ()):
                if event["id"] not in self._seen:
                    self._seen.add(event["id"])
                    at = datetime.fromisoformat(event["occurredAt"]).timestamp()
                    self.facts.append(Fact(at, event["type"], event["data"]))
            self._news.notify_all()


class Memory:
    """The resident memory of every process of the hub, looked at every second."""

    def __init__(self, hubs: Sequence[HubProcess]) -> None:
        self._hubs = hubs
        self.seen: dict[int, list[tuple[float, int]]] = {}

    @asynccontextmanager
    async def looked_at(self) -> AsyncIterator[None]:
        async with _meanwhile(self._look()):
            yield

    def growth(self, since: float) -> dict[int, tuple[float, float]]:
        """Return the median MiB of the first and last quarter after ``since``, of processes that lived through it."""
        found = {}
        for pid, looks in self.seen.items():
            late = [size / 1_048_576 for at, size in looks if at >= since]
            if looks[0][0] < since and len(late) >= 8 and looks[-1][0] >= time.time() - 60:
                quarter = len(late) // 4
                found[pid] = (_median(late[:quarter]), _median(late[-quarter:]))
        return found

    async def _look(self) -> None:
        while True:
            for hub in self._hubs:
                for pid in hub.pids:
                    if size := _resident(pid):
                        self.seen.setdefault(pid, []).append((time.time(), size))
            await asyncio.sleep(1.0)


@asynccontextmanager
async def _meanwhile(endless: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Do something while the block runs; what it fails with fails the block."""
    task = asyncio.create_task(endless)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _resident(pid: int) -> int:
    """Return the resident bytes of a process; 0 where it has just ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    kilobytes = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(kilobytes[0]) * 1_024 if kilobytes else 0


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def counted(uses: Sequence[Use]) -> dict[str, Any]:
    """Return the outcomes of uses, for the report."""
    return dict(Counter(f"{use.what}: {use.outcome}" for use in uses))
