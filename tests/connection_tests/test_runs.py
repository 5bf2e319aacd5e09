"""Runs: claimed once, followed live and replayed, cancelled, taken over, and done in the name of who asked."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from app.access.policy import ROLE_PERMISSIONS, Role
from app.audit.models import SecretUseRecord
from app.connection_tests import execution as module
from app.connection_tests.execution import TEST_RUN
from app.connection_tests.models import TestRunRecord as RunRecord
from app.connection_tests.models import TestStepRecord as StepRecord
from app.connection_tests.steps import ORDER, RunKind, RunState, StepKind, Verdict
from app.connections.lifecycle import ConnectionState
from app.event_stream.event import EventType
from app.event_stream.follow import GUARD_S, AccessLostError
from app.foundation.errors import NotAllowedNowError, NotFoundError, PermissionDeniedError, StorageBusyError
from app.foundation.problems import ProblemCode
from app.vault.models import SealedRecord
from app.work.statements import LEASE_FOR
from tests.calls.test_caller import keyed
from tests.connections.conftest import WITH_ACME, World
from tests.hubs import running_hub


@pytest.fixture
def runs(world):
    return world.hub.test_runs


async def start(world, connection, **more):
    """Queue a run; nobody does it unless the test says so."""
    return await world.hub.test_runs.start(world.actor, connection.id, **more)


async def stop(world, worker):
    """Stop a process that does something."""
    await world.hub.dispatcher.stop(0.01)
    worker.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await worker


async def is_due(world, run):
    """Return whether a process that looks would find a run to do."""
    return run.id in await world.due(TEST_RUN)


@pytest.fixture
async def other(world):
    """A second process on the same database: what the first one has claimed is not its own."""
    ready, over = asyncio.Future(), asyncio.Event()

    async def live():
        settings = world.hub.settings
        running = running_hub(settings, clock=world.clock, keys=world.keys, catalog=WITH_ACME)
        async with running as (hub, outside):
            ready.set_result(World(hub, outside, world.actor, world.clock))
            await over.wait()

    task = asyncio.create_task(live(), context=contextvars.Context())  # its ORM context is not the test's
    await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
    yield ready.result()
    over.set()
    await task


def hanging(world):
    """Let the outside never answer; return the event that says that it was asked."""
    asked = asyncio.Event()

    async def hang(request):
        asked.set()
        await asyncio.Event().wait()

    world.outside.instead = hang
    return asked


async def messages(runs, actor, run, after_seq=0):
    return [message async for message in runs.progress(actor, run.id, after_seq)]


# -- starting


async def test_a_run_is_queued_announced_and_due(world, runs):
    connection = await keyed(world)
    run = await start(world, connection)
    assert (run.state, run.kind, run.verdict, run.steps) == (RunState.QUEUED, RunKind.DEFAULT, None, ())
    assert await is_due(world, run)
    assert (await world.events())[-1].type is EventType.TEST_RUN_STARTED


async def test_one_idempotency_key_starts_one_run(world, runs):
    connection = await keyed(world)
    found = await asyncio.gather(*(start(world, connection, idempotency_key="k") for _ in range(4)))
    assert len({run.id for run in found}) == 1
    assert await RunRecord.all().count() == 1


async def test_without_credentials_there_is_nothing_to_test(world):
    connection = await world.draft("acme", {"shop": "north"})
    with pytest.raises(NotAllowedNowError) as caught:
        await start(world, connection)
    assert caught.value.problem.code is ProblemCode.NOT_AUTHENTICATED
    assert not await RunRecord.exists()


async def test_a_reader_may_look_and_neither_start_nor_cancel(world, runs):
    connection = await keyed(world)
    run = await start(world, connection)
    viewer = replace(world.actor, role=Role.VIEWER, permissions=ROLE_PERMISSIONS[Role.VIEWER])
    with pytest.raises(PermissionDeniedError):
        await runs.start(viewer, connection.id)
    with pytest.raises(PermissionDeniedError):
        await runs.cancel(viewer, run.id)
    assert await runs.get(viewer, run.id) == run
    assert await RunRecord.all().count() == 1


async def test_another_workspace_sees_nothing_by_any_verb(world, runs):
    connection = await keyed(world)
    run = await start(world, connection)
    stranger = replace(world.actor, workspace_id="wks_other")
    for act in (
        runs.start(stranger, connection.id),
        runs.get(stranger, run.id),
        runs.cancel(stranger, run.id),
        runs.wait(stranger, run.id, 10),
        messages(runs, stranger, run),
    ):
        with pytest.raises(NotFoundError):
            await act
    assert await runs.latest(stranger, [connection.id]) == {}
    assert await runs.get(world.actor, run.id) == run


@pytest.mark.parametrize(
    "run_id", ["", "run_x", "conn_01hzzzzzzzzzzzzzzzzzzzzzzz", "run_" + "0" * 26, "x" * 5_000]
)
async def test_a_run_that_is_not_there_is_not_found(world, runs, run_id):
    with pytest.raises(NotFoundError):
        await runs.get(world.actor, run_id)


async def test_the_latest_run_of_each_connection_is_found(world, runs):
    first, second = await keyed(world), await keyed(world)
    await start(world, first)
    world.clock.advance(1)
    newest = await start(world, first)
    other = await start(world, second)
    found = await runs.latest(world.actor, [first.id, second.id, "conn_none"])
    assert {key: run.id for key, run in found.items()} == {first.id: newest.id, second.id: other.id}


async def test_the_latest_runs_bring_their_steps_and_stay_in_their_workspace(world, runs):
    connection = await keyed(world)
    await start(world, connection)
    await world.work()
    run = (await runs.latest(world.actor, [connection.id]))[connection.id]
    assert run == await runs.get(world.actor, run.id)
    assert len(run.steps) == 9
    assert await runs.many(world.actor, [run.id, "run_none", "\x00"]) == {run.id: run}
    stranger = replace(world.actor, workspace_id="wks_other")
    assert await runs.many(stranger, [run.id]) == {}
    assert await runs.latest(world.actor, []) == await runs.latest(world.actor, ["\x00", "x" * 99]) == {}


# -- following


async def test_steps_come_live_and_then_the_end(world, runs):
    connection = await keyed(world)
    run = await start(world, connection)
    follower = asyncio.create_task(messages(runs, world.actor, run))
    await asyncio.sleep(0)
    await world.work()
    heard = await asyncio.wait_for(follower, 5)
    assert [m.step.kind for m in heard[:-1]] == list(ORDER)
    assert [m.seq for m in heard] == list(range(1, 11))
    assert [m.is_final for m in heard] == [False] * 9 + [True]
    assert [len(m.run.steps) for m in heard[:-1]] == list(range(1, 10))
    assert heard[-1].run.verdict is Verdict.PASSED
    assert heard[-1].step is None


async def test_finished_steps_are_replayed_after_the_one_that_was_seen(world, runs):
    connection = await keyed(world)
    run = await start(world, connection)
    await world.work()
    for after in range(10):
        heard = await messages(runs, world.actor, run, after)
        assert [m.seq for m in heard] == [*range(after + 1, 10), 10]
        assert heard[-1].is_final


async def test_a_follower_in_the_middle_gets_what_it_missed_and_then_the_rest(world, runs):
    connection = await keyed(world)
    run = await start(world, connection)
    asked = hanging(world)
    worker = asyncio.create_task(world.work())
    await asked.wait()
    async with contextlib.aclosing(runs.progress(world.actor, run.id)) as stream:
        first = await anext(stream)
        assert first.step.kind is StepKind.CONFIGURATION
        await runs.cancel(world.actor, run.id)
        rest = [message async for message in stream]
    await worker
    assert rest[-1].is_final
    assert rest[-1].run.state is RunState.CANCELLED


async def test_progress_ends_with_the_access_of_who_follows_it(world, runs):
    connection = await keyed(world)
    run = await start(world, connection)
    is_valid = True

    async def guard():
        return is_valid

    stream = runs.progress(world.actor, run.id, guard=guard)
    follower = asyncio.create_task(anext(stream))
    await asyncio.sleep(0.05)
    is_valid = False
    world.clock.advance(GUARD_S)
    await world.hub.wakeups.notify(f"testRun:{run.id}")
    with pytest.raises(AccessLostError):
        await asyncio.wait_for(follower, 5)


async def test_somebody_elses_events_make_no_follower_of_a_run_read(world, runs, monkeypatch):
    connection, other = await keyed(world), await keyed(world)
    run = await start(world, connection)
    readings = []
    load = runs._load

    async def counted(*args):
        readings.append(args)
        return await load(*args)

    monkeypatch.setattr(runs, "_load", counted)
    follower = asyncio.create_task(messages(runs, world.actor, run))
    await asyncio.sleep(0.05)
    assert len(readings) == 1
    await start(world, other)
    await world.work()
    await world.hub.connections.update(world.actor, connection.id, description="an event of the same one")
    await asyncio.sleep(0.05)
    follower.cancel()
    assert [args[1] for args in readings].count(run.id) == 1


async def test_waiting_ends_with_the_run_or_with_patience(world, runs):
    connection = await keyed(world)
    run = await start(world, connection)
    assert (await runs.wait(world.actor, run.id, 1)).state is RunState.QUEUED
    await world.work()
    assert (await runs.wait(world.actor, run.id, 10_000)).verdict is Verdict.PASSED


# -- working


async def test_two_processes_do_a_run_once(world, runs, other):
    connection = await keyed(world)
    run = await start(world, connection)
    await asyncio.gather(*(process.work() for process in (world, other, world, other)))
    done = await runs.get(world.actor, run.id)
    await other.work()
    asked = [*world.outside.requests, *other.outside.requests]
    assert len(asked) == 2  # the call and its control call
    assert await runs.get(world.actor, run.id) == done
    assert await StepRecord.filter(run_id=run.id).count() == 9
    types = [event.type for event in await world.events()]
    assert types.count(EventType.TEST_RUN_FINISHED) == 1


async def test_a_run_is_done_in_the_name_of_its_actor(world, runs):
    connection = await keyed(world)
    await start(world, connection)
    await world.work()
    finished = (await world.events())[-1]
    entries = (await world.hub.audit.entries(world.actor)).items
    opened = next(entry for entry in entries if entry.action == "secret.revealed")
    assert opened.detail["purpose"] == "TEST"
    assert opened.actor_id == world.actor.id
    assert finished.actor.id == world.actor.id
    assert not await SecretUseRecord.exists()  # a person's act stands singly


async def test_what_nobody_does_is_due_and_what_somebody_has_is_not(world, runs):
    connection = await keyed(world)
    run = await start(world, connection)
    asked = hanging(world)
    worker = asyncio.create_task(world.work())
    await asked.wait()
    assert not await is_due(world, run)
    world.clock.advance(LEASE_FOR.total_seconds() + 1)
    assert await is_due(world, run)
    await runs.cancel(world.actor, run.id)
    await worker
    assert not await is_due(world, run)


async def test_a_run_whose_process_died_is_taken_over_from_its_beginning(world, runs, other):
    connection = await keyed(world)
    run = await start(world, connection)
    asked = hanging(world)
    worker = asyncio.create_task(world.work())
    await asked.wait()
    heard = []
    async with contextlib.aclosing(other.hub.test_runs.progress(world.actor, run.id)) as stream:
        async for message in stream:
            heard.append(message)
            if message.seq == 1:
                # The process stops without a word; its lease runs out.
                world.clock.advance(LEASE_FOR.total_seconds() + 1)
                await other.work()
    done = await runs.get(world.actor, run.id)
    assert done.verdict is Verdict.PASSED
    assert [step.kind for step in done.steps] == list(ORDER)
    assert [step.seq for step in done.steps] == list(range(2, 11))
    assert [message.seq for message in heard] == list(range(1, 12))
    # What the first worker says afterwards counts for nothing.
    await stop(world, worker)
    assert await runs.get(world.actor, run.id) == done


async def test_a_process_that_lost_its_lease_writes_nothing_more(world, runs, other):
    connection = await keyed(world)
    run = await start(world, connection)
    gate, asked = asyncio.Event(), asyncio.Event()

    async def slow(request):
        asked.set()
        await gate.wait()
        return httpx.Response(401, json={"error": "bad_key"})

    world.outside.instead = slow
    worker = asyncio.create_task(world.work())
    await asked.wait()
    world.clock.advance(LEASE_FOR.total_seconds() + 1)
    await other.work()
    done = await runs.get(world.actor, run.id)
    assert done.verdict is Verdict.PASSED
    gate.set()
    await worker
    assert await runs.get(world.actor, run.id) == done
    assert (await world.reload(connection)).tested


async def test_a_process_that_is_stopped_gives_its_run_back_at_once(world, runs, other):
    connection = await keyed(world)
    run = await start(world, connection)
    asked = hanging(world)
    worker = asyncio.create_task(world.work())
    await asked.wait()
    await stop(world, worker)
    assert await is_due(world, run)
    await other.work()
    done = await runs.get(world.actor, run.id)
    assert (done.verdict, len(done.steps)) == (Verdict.PASSED, 9)


async def test_a_run_that_ends_whoever_tries_it_is_given_up(world, runs, monkeypatch):
    connection = await keyed(world)
    run = await start(world, connection)

    async def busy(*args, **more):
        raise StorageBusyError

    monkeypatch.setattr(world.hub.credentials, "find", busy)
    for _ in range(3):
        await world.work()
        world.clock.advance(300)
    await world.work()
    done = await runs.get(world.actor, run.id)
    assert (done.verdict, done.problem.code) == (Verdict.FAILED, ProblemCode.DEADLINE_EXCEEDED)
    assert not await is_due(world, run)


async def test_a_run_that_nobody_got_to_in_time_ends(world, runs):
    connection = await keyed(world)
    run = await start(world, connection)
    world.clock.advance(601)
    await world.work()
    done = await runs.get(world.actor, run.id)
    assert (done.verdict, done.problem.code) == (Verdict.FAILED, ProblemCode.DEADLINE_EXCEEDED)
    assert world.outside.requests == []
    assert not await is_due(world, run)


async def test_a_run_has_a_deadline_of_its_own(world, runs, monkeypatch):
    monkeypatch.setattr(module, "DEADLINE", timedelta(seconds=0.2))
    connection = await keyed(world)
    run = await start(world, connection)
    hanging(world)
    await world.work()
    done = await runs.get(world.actor, run.id)
    assert (done.state, done.verdict) == (RunState.FINISHED, Verdict.FAILED)
    assert done.problem.code is ProblemCode.DEADLINE_EXCEEDED
    assert done.problem.retryable


async def test_a_fault_of_our_own_ends_the_run_and_is_masked(world, runs, monkeypatch):
    connection = await keyed(world)
    run = await start(world, connection)

    async def broken(*args, **more):
        raise KeyError("CANARY-inside")

    monkeypatch.setattr(world.hub.calls, "call", broken)
    await world.work()
    done = await runs.get(world.actor, run.id)
    assert (done.verdict, done.problem.code) == (Verdict.FAILED, ProblemCode.INTERNAL)
    assert "CANARY" not in repr(done)
    assert not await is_due(world, run)


async def test_a_busy_database_leaves_the_run_to_the_next_worker(world, runs, monkeypatch):
    connection = await keyed(world)
    run = await start(world, connection)

    async def busy(*args, **more):
        raise StorageBusyError

    with monkeypatch.context() as patched:
        patched.setattr(world.hub.credentials, "find", busy)
        await world.work()
    assert (await runs.get(world.actor, run.id)).state is RunState.RUNNING
    world.clock.advance(10)
    await world.work()
    assert (await runs.get(world.actor, run.id)).verdict is Verdict.PASSED


# -- cancelling


async def test_a_queued_run_is_cancelled_at_once_and_never_done(world, runs):
    connection = await keyed(world)
    run = await start(world, connection)
    cancelled = await runs.cancel(world.actor, run.id)
    assert (cancelled.state, cancelled.verdict) == (RunState.CANCELLED, None)
    assert cancelled.problem.code is ProblemCode.CANCELLED
    await world.work()
    assert world.outside.requests == []
    assert await runs.get(world.actor, run.id) == cancelled


async def test_a_run_under_way_is_stopped(world, runs):
    connection = await keyed(world)
    run = await start(world, connection)
    asked = hanging(world)
    worker = asyncio.create_task(world.work())
    await asked.wait()
    cancelled = await runs.cancel(world.actor, run.id)
    await worker
    assert cancelled.state is RunState.CANCELLED
    assert (await world.reload(connection)).state is ConnectionState.AUTHENTICATED


async def test_a_run_that_is_over_cannot_be_cancelled(world, runs):
    connection = await keyed(world)
    run = await start(world, connection)
    await world.work()
    done = await runs.get(world.actor, run.id)
    assert await runs.cancel(world.actor, run.id) == done


async def test_a_run_whose_process_died_is_cancelled_at_once_and_not_done_again(world, runs, other):
    connection = await keyed(world)
    run = await start(world, connection)
    asked = hanging(world)
    worker = asyncio.create_task(world.work())
    await asked.wait()
    world.hub.work.heartbeat._held.clear()  # nobody tells it
    cancelled = await other.hub.test_runs.cancel(world.actor, run.id)
    assert cancelled.state is RunState.CANCELLED
    world.clock.advance(LEASE_FOR.total_seconds() + 1)
    await other.work()
    assert other.outside.requests == []
    assert await runs.get(world.actor, run.id) == cancelled
    await stop(world, worker)


# -- what it means for the connection


async def test_a_passed_test_marks_these_credentials_and_this_configuration(world, runs):
    connection = await keyed(world)
    assert not connection.tested
    await start(world, connection)
    await world.work()
    assert (await world.reload(connection)).tested
    await world.hub.connections.update_config(world.actor, connection.id, {"shop": "north", "note": "new"})
    assert not (await world.reload(connection)).tested


async def test_a_test_of_an_older_configuration_marks_nothing(world, runs):
    connection = await keyed(world)
    run = await start(world, connection)
    await world.hub.connections.update_config(world.actor, connection.id, {"shop": "north", "note": "new"})
    await world.work()
    assert (await runs.get(world.actor, run.id)).verdict is Verdict.PASSED
    assert not (await world.reload(connection)).tested


async def test_a_test_of_credentials_that_were_replaced_meanwhile_marks_nothing(world, runs):
    connection = await world.authorized("acme", {"shop": "north"})
    await start(world, connection)
    gate, asked = asyncio.Event(), asyncio.Event()
    real = httpx.ASGITransport(app=world.outside.app)

    async def slow(request):
        answer = await real.handle_async_request(request)
        if request.url.path.endswith("/me"):
            asked.set()
            await gate.wait()
        return answer

    world.outside.instead = slow
    worker = asyncio.create_task(world.work())
    await asked.wait()
    await world.hub.renewal.renew(world.actor, connection.id, 1)
    gate.set()
    await worker
    assert (await world.reload(connection)).auth.generation == 2
    assert not (await world.reload(connection)).tested


async def test_a_test_across_a_disconnect_says_nothing_about_the_new_credentials(world, runs):
    connection = await keyed(world)
    await start(world, connection)
    gate, asked = asyncio.Event(), asyncio.Event()

    async def slow(request):
        asked.set()
        await gate.wait()
        return httpx.Response(200, json={})

    world.outside.instead = slow
    worker = asyncio.create_task(world.work())
    await asked.wait()
    world.clock.advance(1)
    await world.hub.connections.disconnect(world.actor, connection.id)
    world.outside.instead = None
    await world.entered(connection, "key")
    gate.set()
    await worker
    renewed = await world.reload(connection)
    assert renewed.state is ConnectionState.AUTHENTICATED
    assert not renewed.tested


async def test_wrong_credentials_need_a_person(world, runs):
    connection = await world.connected("acme", {"shop": "north"})

    async def refuse(request):
        return httpx.Response(
            400 if request.url.path.endswith("/token") else 401, json={"error": "invalid_grant"}
        )

    world.outside.instead = refuse
    await start(world, connection)
    await world.work()
    assert (await world.reload(connection)).state is ConnectionState.AUTHENTICATION_ERROR


async def test_an_outage_degrades_and_a_good_answer_brings_back(world, runs):
    connection = await world.connected("acme", {"shop": "north"})
    tested_at = connection.tested_at

    async def down(request):
        return httpx.Response(503)

    world.outside.instead = down
    await start(world, connection)
    await world.work()
    degraded = await world.reload(connection)
    assert degraded.state is ConnectionState.DEGRADED
    assert degraded.problem.code is ProblemCode.UPSTREAM_UNAVAILABLE
    assert degraded.tested_at == tested_at
    world.outside.instead = None
    await start(world, connection)
    await world.work()
    back = await world.reload(connection)
    assert (back.state, back.problem) == (ConnectionState.CONNECTED, None)


async def test_credentials_that_do_not_open_are_the_connections_problem(world, runs):
    connection = await world.connected("acme", {"shop": "north"})
    await SealedRecord.filter(owner_row=connection.id).update(sealed="pb1.dk_x.AAAA")
    await start(world, connection)
    await world.work()
    broken = await world.reload(connection)
    assert broken.state is ConnectionState.AUTHENTICATION_ERROR
    assert broken.problem.code is ProblemCode.CREDENTIAL_UNREADABLE


async def test_runs_go_with_their_connection(world, runs):
    connection, other = await keyed(world), await keyed(world)
    done, kept = await start(world, connection), await start(world, other)
    await world.work()
    await world.work()
    await world.hub.connections.delete(world.actor, connection.id)
    with pytest.raises(NotFoundError):
        await runs.get(world.actor, done.id)
    assert not await StepRecord.filter(run_id=done.id).exists()
    assert (await runs.get(world.actor, kept.id)).verdict is Verdict.PASSED


async def test_a_run_under_way_ends_quietly_when_its_connection_is_deleted(world, runs):
    connection = await keyed(world)
    run = await start(world, connection)
    gate, asked = asyncio.Event(), asyncio.Event()

    async def slow(request):
        asked.set()
        await gate.wait()
        return httpx.Response(200, json={})

    world.outside.instead = slow
    worker = asyncio.create_task(world.work())
    await asked.wait()
    follower = asyncio.create_task(messages(runs, world.actor, run))
    await world.hub.connections.delete(world.actor, connection.id)
    gate.set()
    await worker
    await world.hub.wakeups.notify(f"testRun:{run.id}")
    with pytest.raises(NotFoundError):
        await asyncio.wait_for(follower, 5)
    assert not await StepRecord.exists()


async def test_a_probe_is_a_run_of_the_hub_itself(world, runs):
    from app.access.actor import Actor

    connection = await keyed(world)
    system = Actor.system(world.actor.workspace_id, "renewal", "req_probe")
    await runs.probe(system, connection.id)
    run = (await runs.latest(world.actor, [connection.id]))[connection.id]
    assert run.kind is RunKind.PROBE
    await world.work()
    assert (await runs.get(world.actor, run.id)).verdict is Verdict.PASSED
    uses = await SecretUseRecord.all()
    assert [(use.purpose, use.count, use.actor_id) for use in uses] == [("TEST", 1, "system")]


async def test_nothing_to_probe_is_no_fault(world, runs):
    connection = await world.draft("acme", {"shop": "north"})
    await runs.probe(world.actor, connection.id)
    await runs.probe(world.actor, "conn_01hzzzzzzzzzzzzzzzzzzzzzzz")
    assert not await RunRecord.exists()
