"""The overview: what waits, is late, is being done, is tried again and was given up, by kind, of one workspace."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from app.access.actor import Actor
from app.access.policy import ALL_PERMISSIONS, Permission
from app.foundation.errors import PermissionDeniedError
from app.foundation.problems import ProblemCode, problem
from app.work.queue import HUB
from tests.work.conftest import WORKSPACE

ALL = ("due", "late", "leased", "retrying", "given_up", "oldest_due_at")


@pytest.fixture
def operator():
    return Actor.system(WORKSPACE, "test", "req_test")


@pytest.fixture
def figures(process, operator):
    """Return what reads some figures of the only kind there is."""

    async def figures(*names):
        (found,) = await process.queue.overview(operator)
        assert found.kind == "test"
        return [getattr(found, name) for name in names]

    return figures


async def test_what_is_due_later_waits_for_nobody(process, figures):
    await process.schedule("later", after_s=60)
    assert await figures(*ALL) == [0, 0, 0, 0, 0, None]


async def test_what_is_due_waits_and_is_late_after_a_minute(process, figures, clock):
    begun = clock.now()
    await process.schedule("early")
    clock.advance(60)
    await process.schedule("just now")
    clock.advance(1)
    assert await figures(*ALL) == [2, 1, 0, 0, 0, begun]


async def test_what_is_being_done_does_not_wait_until_its_process_has_died(process, figures, clock):
    await process.schedule("one", "other")
    await process.claim(1)
    clock.advance(20)
    assert await figures("due", "leased") == [1, 1]
    clock.advance(6)
    assert await figures("due", "leased") == [2, 0]
    clock.advance(-3_600)  # a lease that ends so far off was taken before the clock was set back
    assert await figures("leased") == [0]


async def test_failed_work_is_tried_again_or_was_given_up(process_of, operator, clock):
    process = await process_of(give_up_after=timedelta(hours=1))
    await process.schedule("one")
    for _ in range(2):
        (claim,) = await process.claim()
        await process.ending("fail", claim, problem(ProblemCode.INTERNAL))
        (found,) = await process.queue.overview(operator)
        assert (found.due, found.retrying, found.given_up) == (0, 1, 0)
        clock.advance(3_600)
    (claim,) = await process.claim()
    assert await process.ending("fail", claim, problem(ProblemCode.INTERNAL))
    (found,) = await process.queue.overview(operator)
    assert (found.due, found.leased, found.retrying, found.given_up, found.oldest_due_at) == (
        0,
        0,
        0,
        1,
        None,
    )


async def test_everybody_sees_his_own_workspace_and_the_hub(process, figures):
    await process.schedule("mine")
    await process.schedule("of the hub", workspace_id=HUB)
    await process.schedule("of others", workspace_id="wks_2")
    assert await figures("due") == [2]


async def test_it_is_shown_to_those_who_may_see_it(process, operator):
    nobody = replace(operator, permissions=ALL_PERMISSIONS - {Permission.WORK_READ})
    with pytest.raises(PermissionDeniedError) as refused:
        await process.queue.overview(nobody)
    assert refused.value.problem.code is ProblemCode.PERMISSION_DENIED
