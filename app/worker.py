"""The back entrance: renewal, probes, test runs, expiry of authorizations, retention: all by due rows and one sweep."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Final

import structlog

from app.access.actor import Actor
from app.credentials.turns import AT_ONCE
from app.foundation.errors import NotFoundError, PatchbayError
from app.foundation.ids import new_id
from app.hub import Hub

_log = structlog.get_logger("patchbay.worker")
SWEEP_S: Final = 1.0
LOOK_AT: Final = 200
_LEAST_PAUSE_S: Final = 0.25
_UPKEEP_S: Final = 60.0
_SEPARATOR: Final = "/"


class BackgroundWork:
    """Does what is due. The rows say what that is; losing the broker or this process loses nothing."""

    def __init__(self, hub: Hub, sweep_s: float = SWEEP_S, look_at: int = LOOK_AT) -> None:
        self._hub = hub
        self._sweep_s = sweep_s
        self._look_at = look_at
        self._is_behind = False
        self._is_early = False
        self._few_left = asyncio.Event()
        self._enqueued: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._in_hand: dict[str, asyncio.Task[None]] = {}
        self._is_stopped = False
        hub.jobs.handles("renewal", self.renew)
        hub.jobs.handles("test_run", hub.test_runs.work)
        hub.jobs.handles("authorization", hub.polling.work)
        hub.jobs.handles("revocation", hub.revocations.work)

    def start(self) -> None:
        """Start sweeping in the background of this process."""
        self._hub.dispatcher.start()
        self._tasks = [
            asyncio.create_task(self._forever(self.sweep, self._until_next_sweep), name="sweep"),
            asyncio.create_task(self._forever(self.upkeep, partial(asyncio.sleep, _UPKEEP_S)), name="upkeep"),
        ]

    async def stop(self) -> None:
        """Stop sweeping; jobs under way end by themselves or are due again."""
        self._is_stopped = True
        tasks = [*self._tasks, *self._in_hand.values()]
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def sweep(self) -> None:
        """Enqueue everything that is due and that nobody has claimed."""
        await self._enqueue_renewals()
        for run_id in await self._hub.test_runs.due():
            await self._hub.jobs.enqueue("test_run", run_id)
        for authorization_id in await self._hub.polling.due():
            await self._hub.jobs.enqueue("authorization", authorization_id)
        for revocation_id in await self._hub.revocations.due():
            await self._hub.jobs.enqueue("revocation", revocation_id)

    async def _enqueue_renewals(self) -> None:
        if not self._is_early:
            self._enqueued.clear()
        self._is_early = False
        self._few_left.clear()  # before, so that what is done while it enqueues is not missed
        due = await self._hub.renewal.due(self._look_at)
        self._is_behind = len(due) >= self._look_at
        for workspace_id, connection_id in due:
            job = f"{workspace_id}{_SEPARATOR}{connection_id}"
            if job not in self._in_hand and job not in self._enqueued:
                self._enqueued.add(job)
                await self._hub.jobs.enqueue("renewal", job)

    async def upkeep(self) -> None:
        """Do the slow chores: expire authorizations, close audit minutes, forget what retention lets go."""
        await self._hub.renewal.after_clock_change()
        await self._hub.browser.expire_due()
        await self._hub.audit.close_minutes()
        await self._hub.checkpoints.make_if_due()
        await self._hub.sign_in.prune()
        await self._hub.events.prune(timedelta(days=self._hub.settings.event_retention_days))
        await self._hub.idempotency.prune()
        await self._hub.resealing.tend(timedelta(days=self._hub.settings.key_retention_days))

    async def _until_next_sweep(self) -> None:
        """Wait for the next sweep; where more is due than one takes, only until few renewals are in hand.

        Such an early sweep does not enqueue again what the ones before it did: another process may have it in hand.
        """
        await asyncio.sleep(min(_LEAST_PAUSE_S, self._sweep_s))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(self._sweep_s - _LEAST_PAUSE_S, 0)):
                await self._few_left.wait()
                self._is_early = True

    @staticmethod
    async def _forever(act: Callable[[], Awaitable[None]], pause: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await act()
            except Exception:  # noqa: BLE001 - the loop outlives a database that is away; the fault is logged
                _log.exception("background round failed; the next one tries again")
            await pause()

    async def renew(self, job: str) -> None:
        """Take a due renewal in hand; the queue of jobs goes on at once, so that a slow provider holds up nothing."""
        if self._is_stopped or job in self._in_hand:
            return
        task = asyncio.create_task(self._renew(job), name="renewal")
        self._in_hand[job] = task
        task.add_done_callback(lambda _: self._is_done(job))

    def _is_done(self, job: str) -> None:
        self._in_hand.pop(job, None)
        if self._is_behind and len(self._in_hand) <= AT_ONCE:
            self._few_left.set()

    async def renewals_done(self) -> None:
        """Wait for the renewals in hand."""
        while self._in_hand:
            await asyncio.wait(list(self._in_hand.values()))

    async def _renew(self, job: str) -> None:
        workspace_id, _, connection_id = job.partition(_SEPARATOR)
        actor = Actor.system(workspace_id, "renewal", new_id("req"))
        try:
            if await self._hub.renewal.renew_due(actor, connection_id):
                await self._hub.test_runs.probe(actor, connection_id)
        except NotFoundError:
            return  # deleted since it was due
        except PatchbayError as fault:
            _log.info(
                "renewal did not succeed", connection_id=connection_id, problem=fault.problem.code.value
            )
            self._hub.metrics.renewals.labels(fault.problem.code.value).inc()
        except Exception:  # noqa: BLE001 - nobody waits for this task; what it did not do is due again by its row
            _log.exception("renewal failed; it is due again by its row", connection_id=connection_id)
        else:
            self._hub.metrics.renewals.labels("OK").inc()
