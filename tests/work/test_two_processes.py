"""Processes side by side on one database: each piece of work is done once, and a killed one's is taken over."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.foundation.clock import SystemClock
from app.work.statements import LEASE_FOR

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def clock():
    return SystemClock()


@pytest.fixture
def start(database_url, tmp_path):
    """Return what starts a process that is ready to work; each is ended at the end."""
    processes = []

    def start(how, *more):
        command = [
            sys.executable, "-m", "tests.work.worker_process", database_url, str(tmp_path / "done"), how, *more
        ]  # fmt: skip
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            text=True,
        )
        processes.append(process)
        assert "ready\n" in iter(process.stdout.readline, "")  # after what it logs
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def tries(tmp_path):
    return [line.split() for line in (tmp_path / "done").read_text().splitlines()]


async def test_two_processes_do_each_piece_of_work_once(process, start, tmp_path):
    subjects = [f"{number:03}" for number in range(200)]
    await process.schedule(*subjects)
    both = [await asyncio.to_thread(start, "drain") for _ in range(2)]
    await asyncio.gather(*(asyncio.to_thread(each.communicate, "\n", 60) for each in both))
    assert [each.returncode for each in both] == [0, 0]
    assert sorted(subject for subject, _, _ in tries(tmp_path)) == subjects
    assert await process.found() == []


async def test_what_a_killed_process_had_is_taken_over(process, start, tmp_path, database):
    await process.schedule("a")
    process.queue._presence.leave()
    killed = await asyncio.to_thread(start, "hang")
    killed.stdin.write("\n")
    killed.stdin.flush()
    assert await asyncio.to_thread(killed.stdout.readline) == "hanging\n"
    killed.kill()
    await asyncio.to_thread(killed.wait)
    # Alone on a SQLite file, the next one need not wait for the lease.
    later_s = 0.0 if database.dialect == "sqlite" else LEASE_FOR.total_seconds()
    heir = await asyncio.to_thread(start, "drain", str(later_s))
    await asyncio.to_thread(heir.communicate, "\n", 60)
    (first, second) = tries(tmp_path)
    assert first == ["a", first[1], "0"]
    assert second == ["a", str(int(first[1]) + 1), "1"]
    assert await process.read("a") is None
