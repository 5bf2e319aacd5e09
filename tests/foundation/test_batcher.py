"""What is asked for at the same time is done together; one that fails fails alone."""

from __future__ import annotations

import asyncio
import contextvars

import pytest

from app.foundation.batcher import Batcher
from app.foundation.errors import StorageBusyError

HERE: contextvars.ContextVar[str] = contextvars.ContextVar("here", default="nowhere")


class Acts:
    def __init__(self):
        self.done = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def act(self, items):
        await self.gate.wait()
        if "bad" in items:
            raise ValueError(f"bad among {len(items)}")
        self.done.append(list(items))
        return [f"{item}!" for item in items]


async def test_one_alone_is_done_at_once():
    acts = Acts()
    assert await Batcher(acts.act).submit("a") == "a!"
    assert acts.done == [["a"]]


async def test_what_is_asked_for_meanwhile_is_done_next_and_together():
    acts = Acts()
    batcher = Batcher(acts.act)
    acts.gate.clear()
    first = asyncio.create_task(batcher.submit("a"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    rest = [asyncio.create_task(batcher.submit(name)) for name in "bcd"]
    await asyncio.sleep(0)
    acts.gate.set()
    assert await asyncio.gather(first, *rest) == ["a!", "b!", "c!", "d!"]
    assert acts.done == [["a"], ["b", "c", "d"]]


async def test_no_more_than_the_most_at_once():
    acts = Acts()
    batcher = Batcher(acts.act, max_batch=2)
    assert await asyncio.gather(*(batcher.submit(n) for n in range(5))) == ["0!", "1!", "2!", "3!", "4!"]
    assert acts.done == [[0, 1], [2, 3], [4]]


async def test_one_that_fails_fails_alone():
    acts = Acts()
    batcher = Batcher(acts.act)
    answers = await asyncio.gather(*(batcher.submit(n) for n in ("a", "bad", "b")), return_exceptions=True)
    assert answers[0::2] == ["a!", "b!"]
    assert isinstance(answers[1], ValueError)
    assert str(answers[1]) == "bad among 1"


async def test_a_busy_database_is_busy_for_all():
    tried = []

    async def act(items):
        tried.append(items)
        raise StorageBusyError

    batcher = Batcher(act)
    answers = await asyncio.gather(*(batcher.submit(n) for n in range(3)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [StorageBusyError] * 3
    assert tried == [[0, 1, 2]]


async def test_a_caller_that_gives_up_takes_nothing_from_the_others():
    acts = Acts()
    batcher = Batcher(acts.act)
    acts.gate.clear()
    tasks = [asyncio.create_task(batcher.submit(n)) for n in ("a", "b")]
    await asyncio.sleep(0)
    tasks[0].cancel()
    acts.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await tasks[0]
    assert await tasks[1] == "b!"
    assert acts.done == [["a", "b"]]


async def test_a_caller_that_gives_up_before_its_fault_leaves_no_warning():
    acts = Acts()
    acts.gate.clear()
    task = asyncio.create_task(Batcher(acts.act).submit("bad"))
    await asyncio.sleep(0)
    task.cancel()
    acts.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_act_sees_nothing_of_who_asked():
    seen = []

    async def act(items):
        seen.append(HERE.get())
        return items

    HERE.set("in a transaction")
    await Batcher(act).submit(1)
    assert seen == ["nowhere"]


async def test_after_a_failure_it_goes_on():
    acts = Acts()
    batcher = Batcher(acts.act)
    with pytest.raises(ValueError, match="bad among 1"):
        await batcher.submit("bad")
    assert await batcher.submit("a") == "a!"
