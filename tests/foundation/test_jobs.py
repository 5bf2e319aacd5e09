"""Jobs: ids of due rows to whoever is free; a lost broker, a lost job and a second delivery change nothing."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from app.foundation.ids import new_id
from app.foundation.jobs import Jobs
from tests.fakes.redis_server import RedisServer, running_redis
from tests.foundation.servers import never, serving


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.scaled)])
def broker_url(request):
    """Return who carries jobs: this process, or Redis."""
    return None if request.param == "memory" else request.getfixturevalue("redis_url")


@asynccontextmanager
async def opened(url, namespace=None, *, receive=True, patience_s=0.5):
    jobs = Jobs(url, namespace or new_id("hub"))
    await jobs.open(receive=receive)
    try:
        yield jobs
    finally:
        async with asyncio.timeout(10):
            await jobs.close(patience_s)


class Handler:
    """Remembers what it was given; waits at the gate where there is one."""

    def __init__(self, gate: asyncio.Event | None = None) -> None:
        self.done: list[str] = []
        self.started: list[str] = []
        self.gate = gate
        self.told = asyncio.Event()

    async def __call__(self, job_id: str) -> None:
        self.started.append(job_id)
        self.told.set()
        if self.gate is not None:
            await self.gate.wait()
        self.done.append(job_id)
        self.told.set()

    async def until(self, *expected: str) -> None:
        async with asyncio.timeout(15):
            while not set(expected) <= set(self.done):
                self.told.clear()
                await self.told.wait()


async def test_a_job_reaches_the_handler_of_its_kind(broker_url):
    one, other = Handler(), Handler()
    async with opened(broker_url) as jobs:
        jobs.handles("one", one)
        jobs.handles("other", other)
        await jobs.enqueue("one", "row_1")
        await jobs.enqueue("other", "row_2")
        await one.until("row_1")
        await other.until("row_2")
    assert (one.done, other.done) == (["row_1"], ["row_2"])


async def test_handing_over_does_not_wait_for_the_work(broker_url):
    gate = asyncio.Event()
    handler = Handler(gate)
    async with opened(broker_url) as jobs:
        jobs.handles("k", handler)
        async with asyncio.timeout(5):
            for number in range(10):
                await jobs.enqueue("k", f"row_{number}")
        assert handler.done == []
        gate.set()
        await handler.until(*(f"row_{number}" for number in range(10)))


async def test_a_job_that_fails_ends_neither_the_worker_nor_the_others(broker_url):
    handler = Handler()

    async def broken(job_id):
        raise ValueError("no")

    async with opened(broker_url) as jobs:
        jobs.handles("broken", broken)
        jobs.handles("k", handler)
        await jobs.enqueue("broken", "row_1")
        await jobs.enqueue("nobody-does-these", "row_2")
        await jobs.enqueue("k", "row_3")
        await handler.until("row_3")


async def test_running_jobs_may_end_when_the_hub_closes(broker_url):
    gate = asyncio.Event()
    handler = Handler(gate)
    async with opened(broker_url, patience_s=10) as jobs:
        jobs.handles("k", handler)
        await jobs.enqueue("k", "row_1")
        async with asyncio.timeout(10):
            await handler.told.wait()
        asyncio.get_running_loop().call_later(0.05, gate.set)
    assert handler.done == ["row_1"]


async def test_a_job_that_never_ends_does_not_hold_up_the_end(broker_url):
    handler = Handler(asyncio.Event())
    given_back = []

    async def handle(job_id):
        try:
            await handler(job_id)
        except asyncio.CancelledError:
            given_back.append(job_id)
            raise

    async with asyncio.timeout(10):
        async with opened(broker_url, patience_s=0.2) as jobs:
            jobs.handles("k", handle)
            await jobs.enqueue("k", "row_1")
            await handler.told.wait()
    assert handler.done == []
    assert given_back == ["row_1"]


@pytest.mark.scaled
async def test_of_two_processes_one_does_the_job(redis_url):
    namespace = new_id("hub")
    handlers = [Handler(), Handler()]
    async with opened(redis_url, namespace) as one, opened(redis_url, namespace) as two:
        for jobs, handler in zip((one, two), handlers, strict=True):
            jobs.handles("k", handler)
        wanted = [f"row_{number}" for number in range(20)]
        for job_id in wanted:
            await one.enqueue("k", job_id)
        async with asyncio.timeout(15):
            while len(handlers[0].done) + len(handlers[1].done) < 20:
                await asyncio.sleep(0.01)
    assert sorted(handlers[0].done + handlers[1].done) == sorted(wanted)


@pytest.mark.scaled
async def test_a_web_process_hands_over_and_does_nothing_itself(redis_url):
    namespace = new_id("hub")
    here, there = Handler(), Handler()
    async with opened(redis_url, namespace, receive=False) as web, opened(redis_url, namespace) as worker:
        web.handles("k", here)
        worker.handles("k", there)
        await web.enqueue("k", "row_1")
        await there.until("row_1")
    assert here.started == []


@pytest.mark.scaled
async def test_what_was_handed_over_before_a_worker_came_is_not_lost(redis_url):
    namespace = new_id("hub")
    handler = Handler()
    async with opened(redis_url, namespace, receive=False) as web:
        await web.enqueue("k", "row_1")
    async with opened(redis_url, namespace) as worker:
        worker.handles("k", handler)
        await handler.until("row_1")


@pytest.mark.scaled
async def test_what_a_killed_worker_left_behind_stops_nobody(redis_url):
    namespace = new_id("hub")
    handler = Handler()
    async with Redis.from_url(redis_url) as redis, opened(redis_url, namespace) as jobs:
        jobs.handles("k", handler)
        stream = f"patchbay:{namespace}:jobs"
        await redis.set(f"autoclaim:patchbay:{stream}", "a worker that is no more")
        for number in range(3):
            await jobs.enqueue("k", f"row_{number}")
            await handler.until(f"row_{number}")
        await redis.delete(f"autoclaim:patchbay:{stream}")
        assert (await redis.xpending(stream, "patchbay"))["pending"] == 0


@pytest.mark.scaled
async def test_a_worker_that_went_is_forgotten(redis_url):
    namespace = new_id("hub")
    async with Redis.from_url(redis_url) as redis:
        async with opened(redis_url, namespace) as jobs:
            handler = Handler()
            jobs.handles("k", handler)
            await jobs.enqueue("k", "row_1")
            await handler.until("row_1")
        assert await redis.xinfo_consumers(f"patchbay:{namespace}:jobs", "patchbay") == []


@pytest.mark.scaled
async def test_hubs_that_share_a_redis_do_not_get_each_others_jobs(redis_url):
    mine, others = Handler(), Handler()
    async with opened(redis_url) as one, opened(redis_url) as two:
        one.handles("k", mine)
        two.handles("k", others)
        await one.enqueue("k", "row_1")
        await mine.until("row_1")
        await asyncio.sleep(0.05)
    assert others.started == []


@pytest.mark.scaled
async def test_without_redis_handing_over_fails_nobody_and_afterwards_jobs_arrive_again(tmp_path):
    handler = Handler()
    with running_redis(tmp_path) as server:
        async with opened(server.url) as jobs:
            jobs.handles("k", handler)
            await jobs.enqueue("k", "row_1")
            await handler.until("row_1")
            server.stop()
            async with asyncio.timeout(10):
                await jobs.enqueue("k", "lost")  # the sweep enqueues its row again
            await asyncio.to_thread(RedisServer.start, server)
            async with asyncio.timeout(20):
                while "row_2" not in handler.done:
                    await jobs.enqueue("k", "row_2")
                    await asyncio.sleep(0.2)


@pytest.mark.scaled
async def test_closing_does_not_hang_when_redis_is_gone(tmp_path):
    with running_redis(tmp_path) as server:
        jobs = Jobs(server.url, new_id("hub"))
        await jobs.open(receive=True)
        jobs.handles("k", Handler())
        server.stop()
        async with asyncio.timeout(10):
            await jobs.close(0.3)


@pytest.mark.scaled
async def test_closing_does_not_hang_when_redis_goes_silent(tmp_path):
    with running_redis(tmp_path) as server:
        jobs = Jobs(server.url, new_id("hub"))
        await jobs.open(receive=True)
        server._process.send_signal(19)  # SIGSTOP: connections stay, and nothing is answered
        try:
            async with asyncio.timeout(20):
                await jobs.close(0.3)
        finally:
            server._process.send_signal(18)


async def test_a_broker_that_says_nothing_does_not_hold_up_who_hands_over(monkeypatch):
    async with serving(never) as server:
        jobs = Jobs(f"redis://127.0.0.1:{server.port}/0", new_id("hub"))
        async with asyncio.timeout(30):
            await jobs.enqueue("k", "row_1")
            await jobs.close(0.1)
