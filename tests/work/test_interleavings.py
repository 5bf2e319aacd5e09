"""Whatever two processes do in whatever order, one at most may write, and nothing that is due is lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.foundation.clock import FrozenClock
from app.foundation.database import Database
from app.foundation.problems import ProblemCode, problem
from app.foundation.wakeups import Wakeups
from app.work.errors import LeaseLostError
from app.work.statements import LEASE_FOR
from tests.databases import run_apart
from tests.work.conftest import Process, Work

SUBJECTS = st.sampled_from("ab")
AWAY = problem(ProblemCode.UPSTREAM_UNREACHABLE, host="api.example.com")
DAY_S = 24 * 3_600.0
LEASE_S = LEASE_FOR.total_seconds()
WHO = st.integers(0, 1)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("schedule"), WHO, SUBJECTS, st.sampled_from([-1.0, 0.0, 60.0])),
        st.tuples(st.just("cancel"), WHO, SUBJECTS),
        st.tuples(st.just("claim"), WHO),
        st.tuples(st.just("claim_named"), WHO, SUBJECTS),
        st.tuples(st.sampled_from(["finish", "reschedule", "fail", "release"]), st.integers(0, 3)),
        st.tuples(st.just("keep"), WHO),
        st.tuples(st.just("advance"), st.sampled_from([1.0, LEASE_S, 3_600.0])),
        st.tuples(st.just("jump"), st.sampled_from([-DAY_S, -LEASE_S, LEASE_S, DAY_S])),
    ),
    min_size=5,
    max_size=40,
)


class Play:
    """Two processes and what a reader of the steps would expect: whose claim is the last, and what must be there."""

    def __init__(self, database, clock, processes):
        self.database = database
        self.clock = clock
        self.processes = processes
        self.claims = []
        self.last = {}
        self.there = set()

    async def step(self, name, *args):
        if name in {"finish", "reschedule", "fail", "release"}:
            await self.end(name, *args)
        else:
            await getattr(self, name)(*args)
        await self.check()

    async def schedule(self, who, subject, after_s):
        await self.processes[who].schedule(subject, after_s=after_s)
        self.there.add(subject)

    async def cancel(self, who, subject):
        await self.processes[who].cancel(subject)
        self.there.discard(subject)
        self.last.pop(subject, None)

    async def claim(self, who):
        for claim in await self.processes[who].claim():
            self.took(who, claim)

    async def claim_named(self, who, subject):
        claim = await self.processes[who].claim_named(subject)
        if claim is not None:
            self.took(who, claim)
            self.there.add(subject)

    def took(self, who, claim):
        before = self.last.get(claim.subject)
        assert before is None or before[1].fence < claim.fence
        self.claims.append((who, claim))
        self.last[claim.subject] = (who, claim)

    async def end(self, verb, number):
        if not self.claims:
            return
        who, claim = self.claims[number % len(self.claims)]
        process, is_last = self.processes[who], self.last.get(claim.subject) == (who, claim)
        if verb == "release":
            await process.queue.release(claim)
        else:
            more = {"reschedule": [self.clock.now() + timedelta(hours=1)], "fail": [AWAY]}.get(verb, [])
            try:
                await process.ending(verb, claim, *more)
            except LeaseLostError:
                assert not is_last
                return
            assert is_last
        if is_last:
            del self.last[claim.subject]
            if verb == "finish" and await process.read(claim.subject) is None:
                self.there.discard(claim.subject)

    async def keep(self, who):
        await self.processes[who].queue.heartbeat.extend_leases()

    async def advance(self, seconds):
        self.clock.advance(seconds)

    async def jump(self, seconds):
        self.clock.jump(seconds)
        await self.processes[0].queue.after_clock_change()

    async def check(self):
        """Check that of all claims ever made the last one alone may write, and that nothing is lost."""
        for who, claim in self.claims:
            is_last = self.last.get(claim.subject) == (who, claim)
            try:
                await self.processes[who].ending("hold", claim)
            except LeaseLostError:
                assert not is_last
            else:
                assert is_last
        for subject in "ab":
            assert (await self.processes[0].read(subject) is not None) == (subject in self.there)


async def played(url, steps):
    clock = FrozenClock()
    database, wakeups = Database(url, clock), Wakeups(None, "test")
    await database.open()
    await wakeups.open()
    work = Work()
    processes = [Process(database, wakeups, work) for _ in range(2)]
    try:
        await database.rows('DELETE FROM "due_work" RETURNING "id"')
        play = Play(database, clock, processes)
        for step in steps:
            await play.step(*step)
        for process in processes:
            await process.queue.heartbeat.stop()
        clock.advance(DAY_S)  # longer than any lease, wait or time to come
        await processes[0].dispatcher.drain()
        assert set(work.done) == play.there
        assert [await processes[0].read(subject) for subject in "ab"] == [None, None]
    finally:
        for process in processes:
            await process.queue.close()
        await wakeups.close()
        await database.close()


@pytest.mark.parametrize(
    ("kind", "examples"), [("sqlite", 40), pytest.param("postgres", 10, marks=pytest.mark.scaled)]
)
def test_one_at_most_may_write_and_nothing_is_lost(kind, examples, request):
    url = request.getfixturevalue(f"{kind}_url")

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(STEPS)
    def holds(steps):
        run_apart(lambda: played(url, steps))

    holds()


def test_a_claim_that_two_want_at_the_same_moment_is_given_to_one(sqlite_url):
    async def both():
        database, wakeups = Database(sqlite_url, FrozenClock()), Wakeups(None, "test")
        await database.open()
        processes = [Process(database, wakeups, Work()) for _ in range(2)]
        await processes[0].schedule(*"abcdefgh")
        claims = await asyncio.gather(*(each.claim() for each in processes * 3))
        assert sorted(claim.subject for some in claims for claim in some) == list("abcdefgh")
        for process in processes:
            await process.queue.close()
        await database.close()

    run_apart(both)
