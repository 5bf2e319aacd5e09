"""Wake-ups: everybody who waits looks again, in this process and in others, also after Redis was away."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from app.foundation import redis_broadcast as module
from app.foundation.ids import new_id
from app.foundation.wakeups import Wakeups
from tests.fakes.redis_server import RedisServer, running_redis
from tests.foundation.servers import never, serving


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.scaled)])
def broker_url(request):
    """Return where wake-ups go: nowhere (one process), or Redis."""
    return None if request.param == "memory" else request.getfixturevalue("redis_url")


@asynccontextmanager
async def opened(url, namespace=None):
    wakeups = Wakeups(url, namespace or new_id("hub"))
    await wakeups.open()
    try:
        yield wakeups
    finally:
        async with asyncio.timeout(5):
            await wakeups.close()


async def wake_counts(waiter, act, tries=100):
    """Repeat ``act`` until the waiter hears it: a subscription takes effect some time after it was asked for."""
    for _ in range(tries):
        await act()
        if await waiter.wait(0.1):
            return True
    return False


async def test_a_waiter_is_woken_by_its_channel_and_by_no_other(broker_url):
    async with opened(broker_url) as wakeups:
        with wakeups.listen("a") as a, wakeups.listen("b") as b:
            await wakeups.notify("a")
            assert await a.wait(5)
            assert not await b.wait(0.01)


async def test_every_waiter_of_a_channel_is_woken(broker_url):
    async with opened(broker_url) as wakeups:
        with wakeups.listen("a") as one, wakeups.listen("a") as two:
            await wakeups.notify("a")
            assert await one.wait(5)
            assert await two.wait(5)


async def test_several_wakeups_before_a_look_are_one(broker_url):
    async with opened(broker_url) as wakeups:
        with wakeups.listen("a") as waiter:
            for _ in range(5):
                await wakeups.notify("a")
            assert await waiter.wait(5)
            if broker_url is None:
                assert not await waiter.wait(0.01)


async def test_a_wakeup_between_two_waits_is_not_lost(broker_url):
    async with opened(broker_url) as wakeups:
        with wakeups.listen("a") as waiter:
            assert not await waiter.wait(0.001)
            await wakeups.notify("a")
            assert await waiter.wait(5)


async def test_a_listener_is_told_at_once_and_for_good(broker_url):
    class Counting:
        wakes = 0

        def wake(self, channel):
            assert channel == "a"
            self.wakes += 1

    async with opened(broker_url) as wakeups:
        wakeups.add("a", counting := Counting())
        await wakeups.notify("b")
        assert counting.wakes == 0
        await wakeups.notify("a")
        await wakeups.notify("a")
        assert counting.wakes == 2


async def test_who_left_is_forgotten(broker_url):
    async with opened(broker_url) as wakeups:
        with wakeups.listen("a"), wakeups.listen("a"):
            pass
        await wakeups.notify("a")
        assert wakeups._waiters == {}


async def test_a_cancelled_wait_leaves_the_waiter_usable(broker_url):
    async with opened(broker_url) as wakeups:
        with wakeups.listen("a") as waiter:
            waiting = asyncio.create_task(waiter.wait(10))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting])
            await wakeups.notify("a")
            assert await waiter.wait(5)


async def test_a_thousand_waiters_are_one_subscription(broker_url):
    async with opened(broker_url) as wakeups:
        waiters = [wakeups.listen(f"c{n}") for n in range(1_000)]
        entered = [waiter.__enter__() for waiter in waiters]
        await wakeups.notify("c999")
        assert await entered[999].wait(5)
        for waiter in waiters:
            waiter.__exit__(None, None, None)


@pytest.mark.scaled
async def test_other_processes_of_one_hub_hear_it_and_other_hubs_do_not(redis_url):
    namespace = new_id("hub")
    async with (
        opened(redis_url, namespace) as here,
        opened(redis_url, namespace) as there,
        opened(redis_url) as stranger,
    ):
        with there.listen("a") as far, stranger.listen("a") as other:
            assert await wake_counts(far, lambda: here.notify("a"))
            assert not await other.wait(0.05)


@pytest.mark.scaled
async def test_waiters_wake_again_after_redis_was_restarted(tmp_path):
    namespace = new_id("hub")
    with running_redis(tmp_path) as server:
        async with opened(server.url, namespace) as here, opened(server.url, namespace) as there:
            with there.listen("old") as old:
                assert await wake_counts(old, lambda: here.notify("old"))
                server.stop()
                await here.notify("old")  # nobody there hears it, and nobody here fails
                await asyncio.to_thread(RedisServer.start, server)
                # Everybody looks again once the connection is back: what was missed is found in the database.
                assert await old.wait(15)
                assert await wake_counts(old, lambda: here.notify("old"))
                with there.listen("new") as new:
                    assert await wake_counts(new, lambda: here.notify("new"))


@pytest.mark.scaled
async def test_a_hub_may_start_before_redis(tmp_path):
    namespace = new_id("hub")
    with running_redis(tmp_path) as server:
        server.stop()
        async with opened(server.url, namespace) as here, opened(server.url, namespace) as there:
            with there.listen("a") as far, here.listen("a") as near:
                await here.notify("a")
                assert await near.wait(1)  # the own process needs no Redis
                await asyncio.to_thread(RedisServer.start, server)
                assert await wake_counts(far, lambda: here.notify("a"))


@pytest.mark.parametrize("answer", [never, None])
async def test_closing_does_not_hang_whatever_redis_does(answer, monkeypatch):
    monkeypatch.setattr(module, "_RECONNECT_CAP_S", 0.05)
    async with serving(never) as server:
        port = server.port
        if answer is not None:
            async with opened(f"redis://127.0.0.1:{port}/0") as wakeups:
                with wakeups.listen("a"):
                    await asyncio.sleep(0.05)
            return
    async with opened(f"redis://127.0.0.1:{port}/0") as wakeups:
        with wakeups.listen("a") as waiter:
            await wakeups.notify("a")
            assert await waiter.wait(1)


async def test_a_waiter_knows_which_of_its_channels_was_woken(broker_url):
    async with opened(broker_url) as wakeups:
        with wakeups.listen("a", "b") as waiter:
            await wakeups.notify("b", "c")
            assert await waiter.wait(5)
            assert dict(waiter.wake_counts) == {"b": 1}
        assert not wakeups._waiters


@pytest.mark.scaled
async def test_what_a_process_says_reaches_it_once_and_others_too(redis_url):
    namespace = new_id("hub")
    async with opened(redis_url, namespace) as here, opened(redis_url, namespace) as there:
        with here.listen("a", "z") as near, there.listen("a", "z") as far:
            assert await wake_counts(far, lambda: here.notify("a"))
            said = near.wake_counts["a"]
            await there.notify("z")  # by now everything that was said before has come back
            assert await wake_counts(near, lambda: there.notify("z"))
            assert near.wake_counts["a"] == said
