"""Kills a hub at every seam of connecting, renewing and disconnecting, and looks at what it finds afterwards.

``python -m tests.proofs.killing`` reads a plan (JSON) from standard input and writes a line of JSON per death to the
file that the plan names. It is a process of its own, warmed up once; every hub that dies is forked from it. Time
stands still for hub and provider until all deaths of a flow have happened; then a while passes, and a new hub does what
is due.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, TextIO

import asyncpg

from app.access.actor import Actor
from app.catalog.catalog import load_catalog
from app.connections.models import AuthorizationRecord
from app.connections.rows import load_connection
from app.credentials.models import RevocationRecord
from app.foundation.clock import FrozenClock
from app.foundation.errors import OutsideError
from app.foundation.ids import new_id
from app.hub import Hub, build_hub
from app.settings import read_settings
from app.vault.models import SealedRecord
from app.vault.vault import RevealPurpose
from app.work.models import DueWorkRecord
from app.worker import chores, register_work
from tests.canary.forms import first_form, needles
from tests.hubs import owner
from tests.proofs.seams import Seams, in_child
from tests.proofs.stage import draft, save_application, sign_in
from tests.proofs.token_server import CLIENT_SECRET, TokenServer

START = datetime(2026, 1, 1, tzinfo=UTC)
CATALOG = load_catalog()
SEAMS = Seams()
Json = dict[str, Any]


@dataclass(frozen=True)
class Subject:
    """One connection that a death happens to, and what it held before."""

    id: str
    access: str = ""
    refresh: str = ""


@dataclass(frozen=True)
class Flow:
    """What is done to a connection while the hub dies, and what time must pass until all is well again."""

    name: str
    is_signed_in: bool
    act: Callable[[Hub, Actor, Subject], Awaitable[None]]
    judge: Callable[[Hub, Actor, Subject, TokenServer], Awaitable[str]]
    passing_s: float
    grace_s: float = 0.0
    is_dead: bool = False
    by_byte: bool = False


# -- what is done


async def connecting(hub: Hub, actor: Actor, subject: Subject) -> None:
    await sign_in(hub, actor, await hub.connections.get(actor, subject.id))


async def renewing(hub: Hub, actor: Actor, subject: Subject) -> None:
    await _do_due(hub, "renewal", subject.id)


async def disconnecting(hub: Hub, actor: Actor, subject: Subject) -> None:
    await hub.connections.disconnect(actor, subject.id)
    for revocation in await RevocationRecord.filter(connection_id=subject.id, finished_at=None):
        await _do_due(hub, "revocation", revocation.id)


async def _do_due(hub: Hub, kind: str, subject_id: str) -> None:
    """Do one piece of due work as the dispatcher does, and leave what else is due."""
    register_work(hub)
    for claim in await hub.work.claim(
        [each for each in await hub.work.find_due([kind], [], 1_000) if each.id == f"{kind}:{subject_id}"]
    ):
        hub.dispatcher._begin(claim)
        await asyncio.wait([hub.dispatcher._running[claim]])


# -- what may be found afterwards; anything else is an AssertionError


async def connected_or_told(hub: Hub, actor: Actor, subject: Subject, server: TokenServer) -> str:
    connection = await hub.connections.get(actor, subject.id)
    rows = await AuthorizationRecord.filter(connection_id=subject.id)
    for row in rows:
        assert row.finished_at is not None, row.state
        assert row.state == "AUTHENTICATED" or row.problem is not None, row.state
        sealed = SealedRecord.filter(owner_table="authorization_attempt", owner_row=row.id)
        assert not await sealed.exists()
    if connection.state == "AUTHENTICATED":
        return await _working(hub, actor, subject, server)
    assert connection.state == "PENDING_AUTHENTICATION", connection.state
    assert connection.auth is None
    return "to be begun again" if rows else "not begun"


async def renewed_or_told(hub: Hub, actor: Actor, subject: Subject, server: TokenServer) -> str:
    connection = await load_connection(actor.workspace_id, subject.id)
    credential = connection.auth
    assert credential is not None
    await _is_free(subject)
    if connection.state == "CONNECTED":
        return await _working(hub, actor, subject, server)
    assert connection.state == "AUTHENTICATION_ERROR", connection.state
    code = connection.problem.code.value
    assert code == "REFRESH_OUTCOME_UNKNOWN", code
    assert connection.problem.details["cause"] == "REFRESH_OUTCOME_UNKNOWN"
    (way_out,) = connection.problem.to_json()["remediation"]
    assert way_out["kind"] == "RECONNECT", way_out
    return "outcome unknown"


async def dead_and_told(hub: Hub, actor: Actor, subject: Subject, server: TokenServer) -> str:
    connection = await load_connection(actor.workspace_id, subject.id)
    await _is_free(subject)
    assert connection.state == "AUTHENTICATION_ERROR", connection.state
    code = connection.problem.code.value
    assert code in {"REAUTHENTICATION_REQUIRED", "REFRESH_OUTCOME_UNKNOWN"}, code
    return code


async def _is_free(subject: Subject) -> None:
    is_leased = await DueWorkRecord.filter(subject=subject.id, lease_owner__not_isnull=True).exists()
    assert not is_leased, "the lease is stuck"


async def disconnected_or_working(hub: Hub, actor: Actor, subject: Subject, server: TokenServer) -> str:
    connection = await hub.connections.get(actor, subject.id)
    if connection.state == "CONNECTED":
        return await _working(hub, actor, subject, server)
    assert connection.state == "DISCONNECTED", connection.state
    assert not await SealedRecord.filter(owner_row=subject.id).exists()
    (revocation,) = await RevocationRecord.filter(connection_id=subject.id)
    assert revocation.state == "REVOKED", revocation.state
    assert not await SealedRecord.filter(owner_row=revocation.id).exists()
    assert not server.inspect(subject.access, subject.refresh)["access"]
    return "disconnected"


async def _working(hub: Hub, actor: Actor, subject: Subject, server: TokenServer) -> str:
    access, refresh = await _tokens(hub, actor, subject.id)
    seen = server.inspect(access, refresh)
    assert (seen["access"], seen["refresh"]) == (True, True), "it looks fine and is dead"
    return "old valid" if access == subject.access else "new valid"


FLOWS = {
    flow.name: flow
    for flow in (
        Flow("connect", False, connecting, connected_or_told, passing_s=11 * 60),
        Flow("refresh", True, renewing, renewed_or_told, passing_s=26),
        Flow("refresh with grace", True, renewing, renewed_or_told, passing_s=26, grace_s=30),
        Flow("refresh of a dead grant", True, renewing, dead_and_told, passing_s=26, is_dead=True),
        Flow("refresh, byte by byte", True, renewing, renewed_or_told, passing_s=26, by_byte=True),
        Flow("disconnect", True, disconnecting, disconnected_or_working, passing_s=26),
    )
}


class Killing:
    """One hub's database, through all its deaths."""

    def __init__(self, plan: Json, told: TextIO) -> None:
        self.environment: dict[str, str] = plan["environment"]
        self.flows = [FLOWS[name] for name in plan["flows"]]
        self.wanted: int = plan["deaths"]
        self._port, self._mark = plan["port"], plan["mark"]
        self._needles = [*needles(self._mark), *needles(CLIENT_SECRET)]
        self._moved_s = 0.0
        self._told = told

    def run(self) -> None:
        """Kill at every seam of every flow, and from the beginning again until the plan's number is reached."""
        asyncio.run(self._begin())  # here, so that every child finds warm what a hub loads and compiles
        assert threading.active_count() == 1
        gc.collect()
        gc.freeze()
        deaths = 0
        while not deaths or deaths < self.wanted:
            for flow in self.flows:
                deaths += self._kill_everywhere(flow)
        self._look_everywhere()

    def _kill_everywhere(self, flow: Flow) -> int:
        in_child(lambda: self._set(grace_s=flow.grace_s))
        seams = in_child(lambda: self._count(flow))
        numbers = self._chosen(flow, seams)
        subjects = [Subject(*told) for told in in_child(lambda: self._prepare(flow, len(numbers)))]
        died = []
        for number, subject in zip(numbers, subjects, strict=True):
            died.append(in_child(partial(self._die, flow, subject, number)) is None)
            self._look_at_log(flow, seams[number])
        passing_s = self._passing_s(flow)
        self._moved_s += passing_s
        in_child(lambda: self._set(advance_s=passing_s))
        verdicts = in_child(lambda: self._judge(flow, subjects))
        for number, was_killed, verdict in zip(numbers, died, verdicts, strict=True):
            self._tell({"flow": flow.name, "seam": seams[number], "died": was_killed, **verdict})
        return sum(died)

    def _passing_s(self, flow: Flow) -> float:
        """Return what time must pass: where one process lives at a time, it takes over from the dead as it starts."""
        is_scaled = "PATCHBAY_DATABASE_URL" in self.environment
        return flow.passing_s if is_scaled or not flow.is_signed_in else 1.0

    def _chosen(self, flow: Flow, seams: list[str]) -> list[int]:
        """Return where to die: everywhere, but of the bytes only a few unless the plan wants many deaths.

        The first and the last of those sent and of those received are always among them.
        """
        if not flow.by_byte or self.wanted > 1:
            return list(range(len(seams)))
        edge = seams.index("received")
        edges = {0, edge - 2, edge - 1, edge, len(seams) - 1}
        return sorted(edges | set(Random(1).sample(range(len(seams)), 4)))

    # -- in children: each is a hub of its own

    async def _begin(self) -> None:
        async with self._hub() as (hub, actor):
            await save_application(hub, actor, self._server())

    async def _set(self, **wish: float) -> None:
        self._server().set(**wish)

    async def _count(self, flow: Flow) -> list[str]:
        async with self._hub() as (hub, actor):
            subject = await self._subject(hub, actor, flow)
            await self._make_ready(flow, subject)
            SEAMS.arm(by_byte=flow.by_byte)
            await flow.act(hub, actor, subject)
            SEAMS.disarm()
            return SEAMS.passed

    async def _prepare(self, flow: Flow, count: int) -> list[tuple[str, str, str]]:
        async with self._hub() as (hub, actor):
            found = [await self._subject(hub, actor, flow) for _ in range(count)]
            return [(subject.id, subject.access, subject.refresh) for subject in found]

    async def _die(self, flow: Flow, subject: Subject, number: int) -> str:
        async with self._hub() as (hub, actor):
            await self._make_ready(flow, subject)
            SEAMS.arm(number, by_byte=flow.by_byte)
            await flow.act(hub, actor, subject)
            SEAMS.disarm()
        return "survived"

    async def _judge(self, flow: Flow, subjects: list[Subject]) -> list[Json]:
        """Let a hub do what is due after all deaths, and look at every connection that they happened to."""
        verdicts: list[Json] = []
        async with self._hub() as (hub, actor):
            await _do_what_is_due(hub)
            for subject in subjects:
                try:
                    found = await flow.judge(hub, actor, subject, self._server())
                    verdicts.append({"found": found, "fault": None})
                except (AssertionError, OutsideError) as fault:
                    verdicts.append({"found": None, "fault": f"{type(fault).__name__}: {fault}"})
        return verdicts

    @asynccontextmanager
    async def _hub(self) -> AsyncIterator[tuple[Hub, Actor]]:
        clock = FrozenClock(START + timedelta(seconds=self._moved_s))
        settings = read_settings(self.environment)
        async with build_hub(settings, clock=clock, catalog=CATALOG) as hub:
            with hub.database.bind():
                await hub.members.ensure_owner()
                yield hub, await owner(hub)

    async def _subject(self, hub: Hub, actor: Actor, flow: Flow) -> Subject:
        connection = await draft(hub, actor, self._server(), new_id("conn"))
        if not flow.is_signed_in:
            return Subject(connection.id)
        await sign_in(hub, actor, connection)
        await hub.connections.activate(actor, connection.id, reason="to be killed")
        return Subject(connection.id, *await _tokens(hub, actor, connection.id))

    async def _make_ready(self, flow: Flow, subject: Subject) -> None:
        now = START + timedelta(seconds=self._moved_s)
        if flow.act is renewing:
            await DueWorkRecord.filter(id=f"renewal:{subject.id}").update(due_at=now)
        if flow.is_dead:
            self._server().set(forget=subject.access)

    def _server(self) -> TokenServer:
        return TokenServer(self._port, self._mark)

    # -- reading for plain text

    def _look_at_log(self, flow: Flow, seam: str) -> None:
        """Look at what SQLite has written since it last tidied up: a death leaves it as it is."""
        for file in Path(self.environment["PATCHBAY_DATA_DIR"]).glob("*-wal"):
            data = file.read_bytes()
            if any(needle.data in data for needle in self._needles):
                self._tell(
                    {"flow": flow.name, "seam": seam, "died": True, "found": None, "fault": "plain text"}
                )

    def _look_everywhere(self) -> None:
        url = self.environment.get("PATCHBAY_DATABASE_URL")
        files = Path(self.environment["PATCHBAY_DATA_DIR"]).glob("*")
        places = (
            {"PostgreSQL": in_child(lambda: _dump(url)).encode()}
            if url
            else {f.name: f.read_bytes() for f in files}
        )
        for place, data in places.items():
            form = first_form(data, self._needles)
            fault = None if form is None else f"plain text ({form})"
            self._tell({"flow": "scan", "seam": place, "died": False, "found": len(data), "fault": fault})

    def _tell(self, line: Json) -> None:
        self._told.write(json.dumps(line) + "\n")
        self._told.flush()


async def _do_what_is_due(hub: Hub) -> None:
    register_work(hub)
    for chore in chores(hub).values():
        await chore()
    await hub.dispatcher.drain()


async def _tokens(hub: Hub, actor: Actor, connection_id: str) -> tuple[str, str]:
    connection = await hub.connections.get(actor, connection_id)
    live = await hub.credentials.open(actor, connection.owner, RevealPurpose.TEST)
    return live.grant.values["accessToken"].reveal(), live.grant.values["refreshToken"].reveal()


async def _dump(url: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        rows = [
            await connection.fetch(f'SELECT t::text AS row FROM "{table["tablename"]}" t') for table in tables
        ]
        return "\n".join(row["row"] for found in rows for row in found)
    finally:
        await connection.close()


def main() -> None:
    """Read the plan and carry it out."""
    plan = json.load(sys.stdin)
    SEAMS.install()
    with Path(plan["told"]).open("w") as told:
        Killing(plan, told).run()


if __name__ == "__main__":
    main()
