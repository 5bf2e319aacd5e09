"""The dispatcher: everything due is done once, whatever handlers, databases and neighbours do meanwhile."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from app.foundation.errors import StorageBusyError, TransientOutsideError
from app.foundation.problems import ProblemCode, problem
from app.work import dispatcher as module
from app.work.statements import LEASE_FOR
from tests.work.conftest import Work


class Gated(Work):
    """Work that waits at a gate, and says when a number of them stand there."""

    def __init__(self):
        super().__init__()
        self.gate = asyncio.Event()
        self.most = self.inside = 0
        self.came = asyncio.Condition()

    async def __call__(self, claim):
        await super().__call__(claim)
        self.inside += 1
        self.most = max(self.most, self.inside)
        async with self.came:
            self.came.notify_all()
        try:
            await self.gate.wait()
        finally:
            self.inside -= 1

    async def until(self, count):
        async with asyncio.timeout(10), self.came:
            await self.came.wait_for(lambda: len(self.claims) >= count)


@pytest.fixture
def gated():
    return Gated()


async def until(true):
    async with asyncio.timeout(10):
        while not await true():
            await asyncio.sleep(0.005)


async def test_what_is_due_is_done_once_and_forgotten(process, work):
    await process.schedule("a", "b", "c")
    await process.dispatcher.drain()
    assert work.done == ["a", "b", "c"]
    assert process.outcomes() == {"OK": 3}
    assert [await process.read(subject) for subject in "abc"] == [None] * 3


async def test_a_handler_says_when_it_is_due_again(process, work, clock):
    work.outcome = clock.now() + timedelta(minutes=1)
    await process.schedule("a")
    await process.dispatcher.drain()
    assert (await process.read("a")).due_at == work.outcome
    clock.advance(60)
    work.outcome = None
    await process.dispatcher.drain()
    assert work.done == ["a", "a"]


async def test_a_handler_ends_its_claim_in_its_own_transaction(process, work, clock):
    async def handle(claim):
        await process.ending("reschedule", claim, clock.now() + timedelta(hours=1))
        return clock.now()  # what it returns does not matter any more

    work.outcome = handle
    await process.schedule("a")
    await process.dispatcher.drain()
    assert (await process.read("a")).due_at == clock.now() + timedelta(hours=1)


@pytest.mark.parametrize(
    ("fault", "code", "wait_s"),
    [
        (ValueError("no"), "INTERNAL", None),
        (StorageBusyError(), "STORAGE_BUSY", None),
        (
            TransientOutsideError(problem(ProblemCode.RATE_LIMITED, retry_after_s=900.0)),
            "RATE_LIMITED",
            900.0,
        ),
    ],
)
async def test_what_fails_is_tried_again_later(process, work, clock, fault, code, wait_s):
    work.outcome = fault
    await process.schedule("a")
    await process.dispatcher.drain()
    failed = await process.read("a")
    assert (failed.attempts, failed.last_problem) == (1, code)
    waited_s = (failed.due_at - clock.now()).total_seconds()
    assert waited_s == wait_s if wait_s else 30 <= waited_s <= 60
    clock.advance(waited_s)
    work.outcome = None
    await process.dispatcher.drain()
    assert await process.read("a") is None
    assert process.outcomes() == {code: 1, "OK": 1}


async def test_a_try_is_cut_off_at_its_deadline(process_of, gated):
    process = await process_of(gated, deadline_s=0.02)
    await process.schedule("a")
    await process.dispatcher.drain()
    assert (await process.read("a")).last_problem == "DEADLINE_EXCEEDED"


async def test_a_commit_wakes_the_dispatchers_of_every_process(process_of, work):
    one, two = await process_of(), await process_of()
    for process in (one, two):
        process.dispatcher.start()
    await one.schedule("a", "b", "c")
    await until(lambda: _all_gone(one, "abc"))
    assert sorted(work.done) == ["a", "b", "c"]


async def _all_gone(process, subjects):
    return not any([await process.read(subject) for subject in subjects])


async def test_no_more_than_the_kind_allows_runs_at_once_and_the_rest_follows_at_once(process_of, gated):
    process = await process_of(gated, at_once=3)
    process.dispatcher.start()
    subjects = [str(number) for number in range(10)]
    await process.schedule(*subjects)
    await gated.until(3)
    gated.gate.set()
    await until(lambda: _all_gone(process, subjects))  # the next sweep is an hour away
    assert (gated.most, len(gated.claims)) == (3, 10)


async def test_more_than_one_look_takes_is_done_without_waiting_for_the_next_sweep(process, work):
    process.dispatcher._sweep_limit = 2
    process.dispatcher.start()
    subjects = [str(number) for number in range(9)]
    await process.schedule(*subjects)
    await until(lambda: _all_gone(process, subjects))
    assert sorted(work.done) == subjects


async def test_a_workspace_that_fills_its_places_holds_up_nothing_of_another(process_of, gated):
    process = await process_of(gated, at_once=8)
    process.dispatcher.start()
    await process.schedule(*[f"big-{number}" for number in range(50)], workspace_id="wks_big")
    await gated.until(7)
    await process.schedule("small", workspace_id="wks_small")
    await gated.until(8)
    assert gated.done[-1] == "small"


async def test_cancelled_work_is_stopped_while_it_runs(process_of, gated):
    one, two = await process_of(gated), await process_of()
    one.dispatcher.start()
    await one.schedule("a")
    await gated.until(1)
    await two.cancel("a")
    await until(lambda: _is_idle(one))
    assert gated.inside == 0
    assert await one.read("a") is None
    assert one.outcomes() == {"STOPPED": 1}


async def _is_idle(process):
    return not process.dispatcher._running


async def test_slow_work_keeps_its_lease(process_of, gated, clock, database):
    one, two = await process_of(gated, heartbeat_s=0.005), await process_of()
    one.dispatcher.start()
    await one.schedule("a")
    await gated.until(1)

    async def is_kept():
        (row,) = await database.rows('SELECT "lease_until" FROM "due_work"')
        return str(row["lease_until"])[:19] == str(clock.now() + LEASE_FOR)[:19]

    for _ in range(3):
        clock.advance(LEASE_FOR.total_seconds() - 1)
        await until(is_kept)
        assert await two.claim() == []


async def test_who_lost_its_claim_is_stopped_and_writes_nothing(process_of, gated, clock):
    one, two = await process_of(gated), await process_of()
    one.dispatcher.start()
    await one.schedule("a")
    await gated.until(1)
    clock.advance(LEASE_FOR.total_seconds())  # the process stood still, and did not keep its lease
    (claim,) = await two.claim()
    await one.queue.heartbeat.extend_leases()
    await until(lambda: _is_idle(one))
    await two.ending("finish", claim)


async def test_work_that_was_lost_unnoticed_is_written_by_the_new_claimer_alone(process_of, work, clock):
    one, two = await process_of(), await process_of(Work())

    async def slowly(claim):
        clock.advance(LEASE_FOR.total_seconds())
        await two.dispatcher.drain()

    work.outcome = slowly
    await one.schedule("a")
    await one.dispatcher.drain()
    assert (one.outcomes(), two.outcomes()) == ({"LOST": 1}, {"OK": 1})


async def test_what_kills_its_process_again_and_again_is_left_alone_for_longer_each_time(
    process_of, work, clock
):
    async def dies():
        """Let a process claim it, and die with it."""
        (claim,) = await (await process_of()).claim()
        clock.advance(LEASE_FOR.total_seconds())
        return claim

    process = await process_of()
    await process.schedule("a")
    for number in range(6):
        assert (await dies()).interruptions == number
    pauses = []
    for _ in range(4):
        await process.dispatcher.drain()
        left_alone = await process.read("a")
        assert (left_alone.failing_since, left_alone.last_problem) == (None, None)
        pauses.append((left_alone.due_at - clock.now()).total_seconds())
        clock.advance(pauses[-1])
        await dies()
    assert pauses == [5, 20, 80, 320]
    assert work.done == []
    assert process.outcomes() == {"PUT_OFF": 4}
    await process.dispatcher.drain()
    clock.advance(3_600)
    await process.dispatcher.drain()
    assert (work.done, await process.read("a")) == (["a"], None)


async def test_a_process_that_dies_in_an_outage_is_no_reason_to_leave_work_alone(process_of, work, clock):
    process, other = await process_of(), await process_of()
    await process.schedule("a")
    work.outcome = TransientOutsideError(problem(ProblemCode.UPSTREAM_UNREACHABLE))
    for _ in range(8):
        await process.dispatcher.drain()
        clock.advance(3_600)
    await other.claim()
    clock.advance(LEASE_FOR.total_seconds())
    work.outcome = None
    await process.dispatcher.drain()
    assert (work.claims[-1].attempts, work.claims[-1].interruptions) == (10, 1)
    assert await process.read("a") is None


async def test_stopping_lets_work_end(process_of, gated):
    process = await process_of(gated)
    process.dispatcher.start()
    await process.schedule("a")
    await gated.until(1)
    asyncio.get_running_loop().call_later(0.02, gated.gate.set)
    await process.dispatcher.stop(10)
    assert process.outcomes() == {"OK": 1}


async def test_stopping_gives_back_what_does_not_end(process_of, gated):
    process, other = await process_of(gated), await process_of()
    process.dispatcher.start()
    await process.schedule("a")
    await gated.until(1)
    await process.dispatcher.stop(0.01)
    (claim,) = await other.claim()
    assert (claim.attempts, claim.interruptions) == (1, 0)


async def test_stopping_claims_nothing_more(process, work, database):
    process.dispatcher.start()
    await process.dispatcher.stop()
    await process.schedule("a")
    await asyncio.sleep(0)
    assert work.done == []


async def test_stopping_leaves_what_will_not_be_stopped_to_its_lease(process_of, work, monkeypatch):
    monkeypatch.setattr(module, "_SHUTDOWN_S", 0.01)
    gate = asyncio.Event()

    async def deaf(claim):
        while not gate.is_set():
            try:
                await gate.wait()
            except asyncio.CancelledError:
                continue

    work.outcome = deaf
    process, other = await process_of(), await process_of()
    process.dispatcher.start()
    await process.schedule("a")
    await until(lambda: _is_running(process))
    await process.dispatcher.stop(0.01)
    assert await other.claim() == []
    gate.set()
    await until(lambda: _is_idle(process))
    assert await process.read("a") is None


async def _is_running(process):
    return bool(process.dispatcher._running)


async def test_a_database_that_is_away_ends_no_dispatcher(process, work, monkeypatch):
    look, failed = process.queue.find_due, asyncio.Event()

    async def away(*args):
        failed.set()
        raise OSError

    monkeypatch.setattr(process.queue, "find_due", away)
    process.dispatcher.start()
    async with asyncio.timeout(10):
        await failed.wait()
    monkeypatch.setattr(process.queue, "find_due", look)
    await process.schedule("a")
    await until(lambda: _all_gone(process, "a"))
    assert work.done == ["a"]


async def test_an_end_that_cannot_be_written_is_done_again_when_its_lease_has_run_out(
    process, work, clock, monkeypatch
):
    end = process.queue.end

    async def away(claim, due_at):
        raise OSError

    monkeypatch.setattr(process.queue, "end", away)
    await process.schedule("a")
    await process.dispatcher.drain()
    monkeypatch.setattr(process.queue, "end", end)
    await process.queue.heartbeat.extend_leases()
    clock.advance(LEASE_FOR.total_seconds())
    await process.dispatcher.drain()
    assert work.done == ["a", "a"]
    assert process.outcomes() == {"NOT_ENDED": 1, "OK": 1}


async def test_a_clock_that_is_set_back_parks_nothing(process, work, clock):
    await process.dispatcher.drain()
    await process.schedule("a", after_s=60)
    clock.jump(-30 * 24 * 3_600.0)
    await process.dispatcher.drain()
    assert work.done == ["a"]


async def test_nothing_is_put_off_by_a_clock_that_was_set_back_while_the_hub_was_off(process_of, work, clock):
    one = await process_of()
    await one.schedule("a", after_s=60)
    clock.jump(-30 * 24 * 3_600.0)
    two = await process_of()
    await two.dispatcher.drain()
    assert work.done == ["a"]
