"""The processes of the rotation proof: hubs that read and write all the while, and an operator who can be killed.

``python -m tests.proofs.rotation_processes load|rotate|points <JSON>``; each answers in lines of JSON.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import sys
import time
import traceback
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random

from app.access.actor import Actor
from app.foundation.clock import SystemClock
from app.foundation.database import Database
from app.foundation.secret import Secret
from app.foundation.telemetry import configure_logs
from app.vault.data_keys import DataKeys
from app.vault.envelope import seal
from app.vault.errors import KeyRefusedError
from app.vault.models import DataKeyRecord, SealedRecord
from app.vault.values import encode_value
from app.vault.vault import RevealPurpose
from tests.vault.rotating import OPERATOR, Rotating, place, started, token_of

READERS, WRITERS = 3, 2


@dataclass(frozen=True)
class Field:
    """So many workspaces with so many credentials each, in one database, under the keys of one file."""

    url: str
    path: str
    workspaces: int
    each: int

    @asynccontextmanager
    async def hub(self):
        database = Database(self.url, SystemClock())
        await database.open()
        try:
            yield await started(database, database.clock, Path(self.path))
        finally:
            await database.close()

    def place(self, number):
        return place(f"wks_{number % self.workspaces}", number // self.workspaces)

    def __len__(self):
        return self.workspaces * self.each


def say(**line):
    print(json.dumps(line), flush=True)


async def fill(field):
    """Seal every credential in its first generation, by the thousand."""
    async with field.hub() as hub:
        keys, now = DataKeys(hub.ring, hub.database.clock), hub.database.clock.now()
        for first in range(0, field.workspaces, 200):
            some = [f"wks_{n}" for n in range(first, min(first + 200, field.workspaces))]
            async with hub.database.transaction() as tx:
                by_workspace = {workspace: await keys.active(tx, workspace) for workspace in some}
                rows = [
                    _row(place(workspace, n), by_workspace[workspace], now)
                    for workspace in some
                    for n in range(field.each)
                ]
                await SealedRecord.bulk_create(rows, batch_size=500)


def _row(ref, key, now):
    value = encode_value({"token": Secret(token_of(ref, 1))})
    return SealedRecord(
        id=f"sv_{ref.row_id}", workspace_id=ref.workspace_id, owner_table=ref.table, owner_row=ref.row_id,
        field=ref.field, generation=1, data_key_id=key.id, sealed=seal(key, ref.context(1), value),
        created_at=now, updated_at=now,
    )  # fmt: skip


# -- load


async def load(field, share, shares, seed):
    """Serve as a hub does until standard input says stop: read anything, refresh one's share, add workspaces."""
    counts, faults, stop = Counter(), Counter(), asyncio.Event()
    async with field.hub() as hub:
        say(ready=True)
        work = (field, hub, counts, faults, stop)
        tasks = [asyncio.create_task(_reads(Random(seed + n), *work)) for n in range(READERS)]
        tasks += [
            asyncio.create_task(_writes(share * WRITERS + n, shares * WRITERS, *work)) for n in range(WRITERS)
        ]
        tasks.append(asyncio.create_task(_makes(share, *work)))
        await asyncio.to_thread(sys.stdin.readline)
        stop.set()
        await asyncio.gather(*tasks)
    say(counts=counts, faults=faults)


async def _reads(chance, field, hub, counts, faults, stop):
    while not stop.is_set():
        try:
            is_right = await hub.reads(field.place(chance.randrange(len(field))))
            counts["reads"] += 1
            faults["wrong"] += not is_right
        except Exception as fault:  # noqa: BLE001 - whatever fails is what the proof counts
            faults[f"read: {type(fault).__name__}: {fault}"] += 1
        await asyncio.sleep(0)


async def _writes(share, shares, field, hub, counts, faults, stop):
    for number in itertools.cycle(range(share, len(field), shares)):
        if stop.is_set():
            return
        ref = field.place(number)
        try:
            actor = Actor.system(ref.workspace_id, "renewal", "req_load")
            found = await hub.vault.reveal(actor, ref, purpose=RevealPurpose.RENEWAL)
            await hub.replace(ref, found.generation)
            counts["writes"] += 1
        except Exception as fault:  # noqa: BLE001 - whatever fails is what the proof counts
            faults[f"write: {type(fault).__name__}: {fault}"] += 1
        await asyncio.sleep(0.002)


async def _makes(share, _, hub, counts, faults, stop):
    """Add workspaces, whose data keys are made while the keys that wrap them change."""
    for number in itertools.count():
        if stop.is_set():
            return
        try:
            await hub.fill([f"wks_late_{share}_{os.getpid()}_{number}"], 1)
            counts["workspaces"] += 1
        except Exception as fault:  # noqa: BLE001 - whatever fails is what the proof counts
            faults[f"workspace: {type(fault).__name__}: {fault}"] += 1
        await asyncio.sleep(0.1)


# -- the operator


async def rotate(field, label, made_before):
    """Rotate to the key of this label and seal everything anew; told again after a kill, do what is left."""
    async with field.hub() as hub:
        say(began=True)
        await rotate_with(hub, label, made_before, timed)


async def rotate_with(hub: Rotating, label, made_before, around):
    verbs = hub.rotation
    if label not in {key.label for key in hub.ring.keys}:
        await around("add", verbs.add(OPERATOR, label))
    await around("promote", verbs.promote(OPERATOR, label))
    done = await around("rewrap", verbs.rewrap(OPERATOR))
    assert not done.stuck
    reports = await around("verify", verbs.verify(OPERATOR))
    assert all(report.is_ok for report in reports), reports
    for use in await verbs.list(OPERATOR):
        if use.status != "ACTIVE":
            await around("retire", _retired(hub, use.key_id))
    done = await around("reseal", hub.resealing.reseal(OPERATOR, None, made_before=made_before))
    assert not done.unreadable, done
    return done


async def _retired(hub, key_id):
    """Retire a key; a hub that had not yet seen the new one may have wrapped under the old: then rewrap again."""
    for _ in range(5):
        try:
            return await hub.rotation.retire(OPERATOR, key_id)
        except KeyRefusedError:
            await asyncio.sleep(1.0)
            await hub.rotation.rewrap(OPERATOR)
    return await hub.rotation.retire(OPERATOR, key_id)


async def timed(step, act):
    began = time.perf_counter()
    result = await act
    say(
        step=step,
        seconds=round(time.perf_counter() - began, 3),
        done=repr(result) if step != "verify" else "",
    )
    return result


# -- what must hold in the end


async def check(field):
    """Say how many values open rightly, what is left under keys that should be gone, and whether the audit holds."""
    async with field.hub() as hub:
        right, after = 0, ""
        while (
            rows := await SealedRecord.filter(owner_table="credential", id__gt=after)
            .order_by("id")
            .limit(500)
        ):
            after = rows[-1].id
            for row in rows:
                number = int(row.owner_row.rpartition("_")[2])
                ref = place(row.workspace_id, number)
                value = await hub.vault._open_value(ref, row)
                right += value["token"].reveal() == token_of(ref, row.generation)
        live = DataKeyRecord.exclude(state="DESTROYED")
        replaced = {key.id for key in await live.filter(state="DECRYPT_ONLY").only("id")}
        held = {row.data_key_id for row in await SealedRecord.all().only("data_key_id")}
        chain = await hub.log.verify("system")
        return {
            "values": await SealedRecord.filter(owner_table="credential").count(),
            "right": right,
            "keks": sorted({key.kek_id for key in await live.only("kek_id")}),
            "held": [key.key_id for key in hub.ring.keys],
            "left": len(replaced & held),
            "audit": all(report.is_ok for report in chain),
            "entries": sum(report.good for report in chain),
        }


# -- every point at which an operator's process can die


def to_the_end(field, label, points=None):
    async def plainly(_, act):
        return await act

    async def act():
        async with field.hub() as hub:
            if points:
                points.arm(hub.database)
            await rotate_with(hub, label, None, plainly)

    return lambda: asyncio.run(act())


class Points:
    """Counts every beginning, last act and end of a transaction and every call to the disk, and dies at one."""

    def __init__(self, dies_at):
        self.left = dies_at

    def pass_one(self, *_):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def arm(self, database):
        true = database.transaction

        @asynccontextmanager
        async def transaction():
            self.pass_one()
            async with true() as tx:
                yield tx
                tx.before_commit(99, "point", self._last_act)
            self.pass_one()

        database.transaction = transaction
        for owner, names in ((os, ("open", "fchmod", "fsync", "close")), (Path, ("replace", "unlink"))):
            for name in names:
                setattr(owner, name, self._counted(getattr(owner, name)))

    async def _last_act(self, _):
        self.pass_one()

    def _counted(self, act):
        def call(*arguments, **options):
            self.pass_one()
            return act(*arguments, **options)

        return call


def points(field, wanted):
    """From this warmed process, fork an operator that dies at a point, then one that finishes, then look."""
    asyncio.run(fill(field))
    for dies_at in wanted:
        code = _forked(to_the_end(field, f"r{dies_at}", Points(dies_at)))
        between = _forked(lambda: _all_open(field))
        after = _forked(to_the_end(field, f"r{dies_at}"))
        say(point=dies_at, killed=code == -signal.SIGKILL, opens_between=between == 0, finished=after == 0)
        if code == 0:
            return
        if code != -signal.SIGKILL or between or after:
            sys.exit(1)


def _all_open(field):
    found = asyncio.run(check(field))
    assert found["right"] == found["values"] == len(field), found


def _forked(act):
    child = os.fork()
    if child == 0:
        try:
            act()
        except BaseException:  # noqa: BLE001 - told to the parent by the exit code
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main():
    configure_logs("WARNING", "json", str)  # to standard error
    what, given = sys.argv[1], json.loads(sys.argv[2])
    field = Field(**given.pop("field"))
    match what:
        case "load":
            asyncio.run(load(field, **given))
        case "rotate":
            asyncio.run(rotate(field, given["label"], datetime.fromisoformat(given["made_before"])))
        case "points":
            points(field, **given)


if __name__ == "__main__":
    main()
