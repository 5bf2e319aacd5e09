"""The queue: who has a claim, who lost it, what its end leaves behind, and what a clock that jumps changes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.foundation.problems import ProblemCode, problem
from app.work.errors import LeaseLostError
from app.work.kind import Claim, WorkKind
from app.work.models import DueWorkRecord
from app.work.statements import CLOCK_SKEW, LEASE_FOR
from tests.work.conftest import WORKSPACE

LEASE_S = LEASE_FOR.total_seconds()
DAY_S = 24 * 3_600.0
AWAY = problem(ProblemCode.UPSTREAM_UNREACHABLE, host="api.example.com")


async def test_work_is_due_at_its_time_and_not_before(process, clock):
    await process.schedule("a", after_s=60)
    assert await process.found() == []
    clock.advance(60)
    (claim,) = await process.claim()
    assert (claim.id, claim.workspace_id, claim.share) == ("test:a", WORKSPACE, WORKSPACE)
    assert (claim.attempts, claim.interruptions) == (1, 0)


async def in_a_transaction_that_fails(database, act):
    async with database.transaction() as tx:
        await act(tx)
        raise ZeroDivisionError


async def test_what_is_scheduled_in_a_transaction_that_fails_is_not_there(process, database):
    with pytest.raises(ZeroDivisionError):
        await in_a_transaction_that_fails(
            database, lambda tx: process.queue.schedule(tx, "test", "a", WORKSPACE, tx.now)
        )
    assert await process.read("a") is None


async def test_one_of_two_has_the_claim(process_of):
    one, two = await process_of(), await process_of()
    await one.schedule("a")
    candidates = await one.queue.find_due(["test"], [], 10)
    assert len(await one.queue.claim(candidates)) == 1
    assert await two.queue.claim(candidates) == []
    assert await two.found() == []


async def test_a_claim_that_is_not_kept_is_taken_over_and_its_fence_grows(process_of, clock):
    one, two = await process_of(), await process_of()
    await one.schedule("a")
    (first,) = await one.claim()
    clock.advance(LEASE_S)
    (second,) = await two.claim()
    assert (second.fence, second.attempts, second.interruptions) == (first.fence + 1, 2, 1)
    for verb, *more in (("finish",), ("reschedule", clock.now()), ("fail", AWAY), ("hold",)):
        with pytest.raises(LeaseLostError):
            await one.ending(verb, first, *more)
    with pytest.raises(LeaseLostError):
        await one.queue.end(first, None)
    await one.queue.release(first)
    await two.ending("hold", second)
    await two.ending("finish", second)
    assert await two.read("a") is None


async def test_a_kept_claim_is_never_taken_over(process_of, clock):
    one, two = await process_of(), await process_of()
    await one.schedule("a")
    (claim,) = await one.claim()
    for _ in range(5):
        clock.advance(LEASE_S - 1)
        await one.queue.heartbeat.extend_leases()
        assert await two.claim() == []
    await one.ending("finish", claim)


@pytest.mark.parametrize("jump_s", [-3_600.0, -30 * DAY_S])
async def test_a_lease_taken_before_the_clock_was_set_back_is_over(process_of, clock, jump_s):
    one, two = await process_of(), await process_of()
    await one.schedule("a")
    (first,) = await one.claim()
    clock.jump(jump_s)
    assert await two.queue.after_clock_change() == 1
    (second,) = await two.claim()
    with pytest.raises(LeaseLostError):
        await one.ending("finish", first)
    await two.ending("finish", second)


async def test_a_small_correction_of_the_clock_ends_no_lease(process_of, clock):
    one, two = await process_of(), await process_of()
    await one.schedule("a")
    await one.claim()
    clock.jump(-CLOCK_SKEW.total_seconds() + 1)
    await one.schedule("b")
    assert await two.queue.after_clock_change() == 0
    assert await two.found() == ["b"]


async def test_a_clock_set_forward_lets_two_try_and_one_write(process_of, clock):
    one, two = await process_of(), await process_of()
    await one.schedule("a")
    (first,) = await one.claim()
    clock.jump(DAY_S)
    (second,) = await two.claim()
    with pytest.raises(LeaseLostError):
        await one.ending("finish", first)
    await two.ending("finish", second)


async def test_what_a_clock_set_back_would_put_off_is_due(process, clock):
    await process.schedule("a", after_s=60)
    await process.schedule("b", after_s=-60)
    clock.jump(-3 * DAY_S)
    await process.schedule("c", after_s=60)
    assert await process.queue.after_clock_change() == 2
    assert sorted(await process.found()) == ["a", "b"]
    assert await process.queue.after_clock_change() == 0


async def test_a_failure_noted_before_the_clock_was_set_back_neither_ends_the_tries_nor_prolongs_them(
    process_of, clock
):
    process = await process_of(give_up_after=timedelta(hours=72))
    await process.schedule("a")
    for _ in range(4):
        (claim,) = await process.claim()
        await process.ending("fail", claim, AWAY)
        clock.advance(3_600)
    clock.jump(-30 * DAY_S)
    await process.queue.after_clock_change()
    (claim,) = await process.claim()
    assert not await process.ending("fail", claim, AWAY)
    assert (await process.read("a")).failing_since == clock.now()
    clock.advance(72 * 3_600)
    (claim,) = await process.claim()
    assert await process.ending("fail", claim, AWAY)


async def test_the_end_joins_the_handlers_transaction(process, database):
    await process.schedule("a")
    (claim,) = await process.claim()
    with pytest.raises(ZeroDivisionError):
        await in_a_transaction_that_fails(database, lambda tx: process.queue.finish(tx, claim))
    assert process.queue.heartbeat.holds(claim)
    await process.ending("finish", claim)
    assert not process.queue.heartbeat.holds(claim)
    assert await process.read("a") is None


async def test_what_is_scheduled_again_while_it_runs_is_due_again(process, clock):
    await process.schedule("a", "b", "c", "d")
    claims = {claim.subject: claim for claim in await process.claim()}
    await process.schedule("a", "b", "c", "d")
    assert await process.found() == []
    await process.ending("finish", claims["a"])
    await process.ending("reschedule", claims["b"], clock.now() + timedelta(days=1))
    await process.ending("fail", claims["c"], AWAY)
    await process.queue.end(claims["d"], None)
    assert sorted(await process.found()) == ["a", "b", "c", "d"]
    for claim in await process.claim():
        await process.ending("finish", claim)
    assert [await process.read(subject) for subject in "abcd"] == [None] * 4


async def test_what_went_well_begins_anew_and_what_failed_counts_on(process, clock):
    await process.schedule("a")
    (claim,) = await process.claim()
    await process.ending("fail", claim, AWAY)
    failed = await process.read("a")
    assert (failed.attempts, failed.failing_since, failed.last_problem) == (
        1,
        clock.now(),
        "UPSTREAM_UNREACHABLE",
    )
    clock.advance(3_600)
    (claim,) = await process.claim()
    assert (claim.attempts, claim.interruptions) == (2, 0)
    await process.ending("reschedule", claim, clock.now() + timedelta(hours=1))
    well = await process.read("a")
    assert (well.attempts, well.failing_since, well.last_problem) == (0, None, None)
    assert well.due_at == clock.now() + timedelta(hours=1)


async def test_waits_grow_to_their_cap_and_no_sooner_than_asked(process, clock):
    await process.schedule("a")
    waits = []
    for _ in range(20):
        (claim,) = await process.claim()
        await process.ending("fail", claim, AWAY)
        waits.append(((await process.read("a")).due_at - clock.now()).total_seconds())
        clock.advance(waits[-1])
    assert min(waits) >= 30
    assert all(wait <= min(30 * 2 ** (number + 1), 3_600) for number, wait in enumerate(waits))
    assert max(waits) > 1_800
    (claim,) = await process.claim()
    await process.ending("fail", claim, problem(ProblemCode.RATE_LIMITED, retry_after_s=7_200.0))
    assert (await process.read("a")).due_at == clock.now() + timedelta(hours=2)


async def test_it_is_given_up_after_its_kinds_time_and_told_in_the_same_transaction(process_of, clock):
    told = []

    async def on_give_up(tx, claim):
        told.append((claim.subject, tx.now))

    process = await process_of(give_up_after=timedelta(hours=3), on_give_up=on_give_up)
    began = clock.now()
    await process.schedule("a")
    tries = 0
    while not told:
        (claim,) = await process.claim()
        tries += 1
        assert await process.ending("fail", claim, AWAY) == bool(told)
        if not told:
            clock.advance(((await process.read("a")).due_at - clock.now()).total_seconds())
    assert told == [("a", began + timedelta(hours=3))]  # tried a last time at the very end
    assert tries > 5
    given_up = await process.read("a")
    assert (given_up.due_at, given_up.given_up_at) == (None, clock.now())
    clock.advance(30 * DAY_S)
    assert await process.found() == []
    await process.schedule("a")
    (claim,) = await process.claim()
    assert (claim.attempts, claim.failing_since) == (1, None)


async def test_one_failure_after_a_long_pause_gives_nothing_up(process_of, clock):
    process = await process_of(give_up_after=timedelta(hours=3))
    await process.schedule("a")
    (claim,) = await process.claim()
    await process.ending("fail", claim, AWAY)
    clock.advance(10 * DAY_S)  # the hub was off
    (claim,) = await process.claim()
    assert not await process.ending("fail", claim, AWAY)


async def test_cancelled_work_is_gone_and_whoever_has_it_can_write_nothing_more(process):
    await process.schedule("a", "b")
    claims = await process.claim()
    assert await process.cancel("a", "b", "never-there") == 2
    for claim in claims:
        with pytest.raises(LeaseLostError):
            await process.ending("finish", claim)
    await process.schedule("a")  # a new row of the same name: the old claim is not good for it
    (again,) = await process.claim()
    for claim in claims:
        with pytest.raises(LeaseLostError):
            await process.ending("hold", claim)
    await process.ending("finish", again)


async def test_released_work_may_begin_at_once_and_counts_as_untried(process_of):
    one, two = await process_of(), await process_of()
    await one.schedule("a")
    (claim,) = await one.claim()
    await one.queue.release(claim)
    (claim,) = await two.claim()
    assert (claim.attempts, claim.interruptions) == (1, 0)


async def test_an_earlier_time_stays_where_that_is_asked_for(process, clock):
    await process.schedule("a", "b", after_s=60)
    await process.schedule("a", after_s=600, keep_earlier=True)
    await process.schedule("b", after_s=600)
    await process.schedule("c", after_s=600, keep_earlier=True)
    await process.schedule("c", after_s=60, keep_earlier=True)
    clock.advance(60)
    assert sorted(await process.found()) == ["a", "c"]


async def test_work_is_claimed_on_demand_whether_due_or_not(process_of, clock):
    one, two = await process_of(), await process_of()
    await one.schedule("a", after_s=DAY_S)
    claim = await one.claim_named("a")
    unknown = await one.claim_named("never-scheduled", share="app_1")
    assert (claim.attempts, unknown.attempts, unknown.share) == (1, 1, "app_1")
    for claimed in (claim, unknown):
        assert await two.claim_named(claimed.subject) is None
        row = await DueWorkRecord.get(id=claimed.id)
        assert (row.fence, row.lease_until) == (claimed.fence, clock.now() + LEASE_FOR)
    await one.ending("reschedule", claim, clock.now() + timedelta(days=1))
    assert isinstance(await two.claim_named("a"), Claim)


async def test_work_whose_claimer_on_demand_died_is_due(process_of, clock):
    one, two = await process_of(), await process_of()
    await one.schedule("a", after_s=DAY_S)
    await one.claim_named("a")
    clock.advance(LEASE_S)
    (claim,) = await two.claim()
    assert claim.interruptions == 1


async def test_workspaces_take_turns_and_within_them_shares(process, clock):
    for number in range(6):
        await process.schedule(f"big-{number}", workspace_id="wks_big", share="app_1")
        clock.advance(1)
    await process.schedule("big-other", workspace_id="wks_big", share="app_2")
    clock.advance(1)
    await process.schedule("small", workspace_id="wks_small")
    assert await process.found(4) == ["big-0", "small", "big-other", "big-1"]
    assert await process.found(10, full=[("test", "app_1")]) == ["big-other", "small"]


async def test_ten_thousand_of_one_workspace_hold_up_nothing_of_another(process, many):
    await many(10_000, workspace_id="wks_big", share="app_1")
    await process.schedule("big", workspace_id="wks_big", share="app_2")
    await process.schedule("small", "smaller", workspace_id="wks_small")
    found = await process.found(6)
    assert {"big", "small", "smaller"} < set(found)


async def test_looking_is_one_statement_and_claiming_another(process, database, monkeypatch):
    from tests.work.conftest import statements

    await process.schedule("a", "b", "c")
    async with statements(database, monkeypatch) as seen:
        claims = await process.claim()
        assert [text.split()[0] for text in seen] == ["SELECT", "UPDATE"]
        del seen[:]
        await process.queue.end(claims[0], None)
        await process.ending("finish", claims[1])
        await process.claim_named("d")
        assert [text.split()[0] for text in seen] == ["DELETE", "DELETE", "INSERT"]


async def test_a_kind_is_registered_once(process):
    with pytest.raises(ValueError, match="test"):
        process.queue.register(WorkKind("test", None))
