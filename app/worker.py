"""The back entrance: renewal, probes, test runs, expiry of authorizations, retention: all by due rows and one sweep."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import structlog

from app.access.actor import Actor
from app.foundation.errors import NotFoundError, PatchbayError
from app.foundation.ids import new_id
from app.hub import Hub

_log = structlog.get_logger("patchbay.worker")
SWEEP_S: Final = 1.0
_UPKEEP_S: Final = 60.0
_SEPARATOR: Final = "/"


class BackgroundWork:
    """Does what is due. The rows say what that is; losing the broker or this process loses nothing."""

    def __init__(self, hub: Hub, sweep_s: float = SWEEP_S) -> None:
        self._hub = hub
        self._sweep_s = sweep_s
        self._tasks: list[asyncio.Task[None]] = []
        self._in_hand: dict[str, asyncio.Task[None]] = {}
        self._is_stopped = False
        hub.jobs.handles("renewal", self.renew)
        hub.jobs.handles("test_run", hub.test_runs.work)
        hub.jobs.handles("authorization", hub.polling.work)
        hub.jobs.handles("revocation", hub.revocations.work)

    def start(self) -> None:
        """Start sweeping in the background of this process."""
        self._tasks = [
            asyncio.create_task(self._forever(self.sweep, self._sweep_s), name="sweep"),
            asyncio.create_task(self._forever(self.upkeep, _UPKEEP_S), name="upkeep"),
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
        for workspace_id, connection_id in await self._hub.renewal.due():
            job = f"{workspace_id}{_SEPARATOR}{connection_id}"
            if job not in self._in_hand:
                await self._hub.jobs.enqueue("renewal", job)
        for run_id in await self._hub.test_runs.due():
            await self._hub.jobs.enqueue("test_run", run_id)
        for authorization_id in await self._hub.polling.due():
            await self._hub.jobs.enqueue("authorization", authorization_id)
        for revocation_id in await self._hub.revocations.due():
            await self._hub.jobs.enqueue("revocation", revocation_id)

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

    @staticmethod
    async def _forever(act: Callable[[], Awaitable[None]], pause_s: float) -> None:
        while True:
            try:
                await act()
            except Exception:  # noqa: BLE001 - the loop outlives a database that is away; the fault is logged
                _log.exception("background round failed; the next one tries again")
            await asyncio.sleep(pause_s)

    async def renew(self, job: str) -> None:
        """Take a due renewal in hand; the queue of jobs goes on at once, so that a slow provider holds up nothing."""
        if self._is_stopped or job in self._in_hand:
            return
        task = asyncio.create_task(self._renew(job), name="renewal")
        self._in_hand[job] = task
        task.add_done_callback(lambda _: self._in_hand.pop(job, None))

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
