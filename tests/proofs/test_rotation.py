"""R10, C5, C6: keys rotate under load without a failed read, and go on after kill -9 at any point.

By default a seeded sample of a few hundred credentials; with PATCHBAY_PROOFS=full 100,000 of them in 10,000 workspaces,
and every point of a small rotation.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from app.vault.key_file import create_key_file
from tests.proofs.rotation_processes import Field, check, fill

ROOT = Path(__file__).resolve().parents[2]
IS_FULL = os.environ.get("PATCHBAY_PROOFS") == "full"
WORKSPACES, EACH = (10_000, 10) if IS_FULL else (12, 25)
KILLS = 6 if IS_FULL else 4
KILLS_EACH = 2  # operators who die over one rotation, before one finishes it
HUBS = 2
BUSY, MOST_BUSY = (
    "StorageBusyError: STORAGE_BUSY",
    0.001,
)  # a write that waited in vain for SQLite's one writer
REWRAP_S, RESEAL_S = 5.0, 300.0  # R10, on a quiet hub


@pytest.fixture
def key_path(tmp_path):
    path = tmp_path / "keys" / "key"
    create_key_file(path)
    return path


@asynccontextmanager
async def process(what, field, **given):
    given = json.dumps({"field": asdict(field), **given})
    command = (sys.executable, "-m", "tests.proofs.rotation_processes", what, given)
    pipe = asyncio.subprocess.PIPE
    running = await asyncio.create_subprocess_exec(
        *command,
        stdin=pipe,
        stdout=pipe,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        limit=1 << 20,
    )
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await running.wait()


async def line_of(running):
    return json.loads(await running.stdout.readline())


@asynccontextmanager
async def hubs_under_load(field, told):
    """Run hubs that read, refresh and add workspaces; gather what they did and what failed into ``told``."""
    shares = [process("load", field, share=n, shares=HUBS, seed=20260101 + n) for n in range(HUBS)]
    async with shares[0] as one, shares[1] as two:
        for hub in (one, two):
            assert await line_of(hub) == {"ready": True}
        yield
        for hub in (one, two):
            hub.stdin.write(b"stop\n")
            told.append(await line_of(hub))


async def rotated(field, label, instant, dies_after_s=None):
    """Run the operator's commands; return the seconds of each step, or None where the process was killed."""
    seconds = {}
    async with process("rotate", field, label=label, made_before=instant.isoformat()) as operator:
        assert await line_of(operator) == {"began": True}
        if dies_after_s is not None:
            asyncio.get_running_loop().call_later(dies_after_s, _kill, operator)
        async for line in operator.stdout:
            told = json.loads(line)
            seconds[told["step"]] = seconds.get(told["step"], 0) + told["seconds"]
        code = await operator.wait()
        assert code in {0, -9}
    return seconds if code == 0 else None


def _kill(operator):
    if operator.returncode is None:
        operator.kill()


def report(database_url, what, **figures):
    kind = database_url.split(":", 1)[0]
    print(f"\n{kind}, {WORKSPACES * EACH} credentials in {WORKSPACES} workspaces, {what}: {figures}")


@pytest.mark.proof
@pytest.mark.timeout(7_200 if IS_FULL else 240)
@pytest.mark.threat("C5", "C6", "R10")
async def test_keys_rotate_under_load_and_through_kills_without_a_failed_read(database_url, key_path):
    field, chance, told = Field(database_url, str(key_path), WORKSPACES, EACH), Random(20260101), []
    await fill(field)
    quiet = await rotated(field, "quiet", datetime.now(UTC))
    report(database_url, "quiet", **quiet)
    kills = 0
    async with hubs_under_load(field, told):
        loaded = await rotated(field, "loaded", datetime.now(UTC))
        report(database_url, "under load", **loaded)
        while kills < KILLS:
            label, instant = f"after-{kills}", datetime.now(UTC)
            for _ in range(KILLS_EACH):
                if await rotated(field, label, instant, chance.uniform(0, sum(loaded.values()))) is None:
                    kills += 1
            assert await rotated(field, label, instant) is not None
    found = await check(field)
    load = {
        name: sum(one["counts"].get(name, 0) for one in told) for name in ("reads", "writes", "workspaces")
    }
    report(database_url, "in the end", kills=kills, faults=[one["faults"] for one in told], **load)

    faults = Counter()
    for one in told:
        faults.update(one["faults"])
    busy = sum(
        faults.pop(name) for name in list(faults) if name.endswith(BUSY) and not name.startswith("read")
    )
    assert faults == {"wrong": 0}  # no read failed, and nothing else that may not be tried again
    assert busy <= MOST_BUSY * (load["writes"] + load["workspaces"])
    assert min(load.values()) > 0
    assert found["values"] == found["right"] == len(field) + load["workspaces"]
    assert found["keks"] == found["held"]
    assert [key.partition(":")[0] for key in found["held"]] == [label]
    assert (found["left"], found["audit"]) == (0, True)
    assert sorted(path.name for path in key_path.parent.iterdir()) == ["key"]
    if IS_FULL and database_url.startswith("sqlite"):
        assert quiet["rewrap"] <= REWRAP_S * WORKSPACES / 10_000
    if IS_FULL:
        assert quiet["reseal"] <= RESEAL_S


@pytest.mark.proof
@pytest.mark.timeout(3_600 if IS_FULL else 240)
@pytest.mark.threat("C6", "R10")
async def test_killed_at_any_point_everything_opens_and_the_rotation_goes_on(database_url, key_path):
    field = Field(database_url, str(key_path), 3, 2)
    wanted = list(range(1, 1_000)) if IS_FULL else sorted(Random(20260101).sample(range(1, 76), 12))
    async with process("points", field, wanted=wanted) as forks:
        found = [json.loads(line) async for line in forks.stdout]
        assert await forks.wait() == 0
    killed = [one for one in found if one["killed"]]
    print(f"\n{database_url.split(':', 1)[0]}: killed at {len(killed)} points, {found[-1]['point']} the last")
    assert all(one["opens_between"] and one["finished"] for one in found)
    assert len(killed) >= 10
    if IS_FULL:
        assert not found[-1]["killed"]  # beyond the last point there is none
    end = await check(field)
    assert (end["right"], end["left"], end["audit"]) == (len(field), 0, True)
    assert end["keks"] == end["held"]
    assert len(end["held"]) == 1
