"""The dispatcher: the one sweep over everything that is due, and the tasks that do it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import structlog

from app.foundation.database import Database
from app.foundation.errors import PatchbayError
from app.foundation.problems import Problem, ProblemCode, problem
from app.foundation.telemetry import Metrics
from app.foundation.wakeups import Wakeups
from app.work.errors import LeaseLostError
from app.work.kind import Claim
from app.work.queue import SCHEDULED, WorkQueue
from app.work.slots import Candidate, Slots

_log = structlog.get_logger("patchbay.work")
SWEEP_S: Final = 1.0
SWEEP_LIMIT: Final = 200
STOP_WAIT_S: Final = 5.0
_SHUTDOWN_S: Final = 1.0


class Dispatcher:
    """Claims what is due and has it done by its kind. The rows are the truth: losing this process loses nothing.

    It sweeps once a second, and at once where a commit made work due or a slot got free while more was due.
    """

    def __init__(
        self,
        database: Database,
        queue: WorkQueue,
        wakeups: Wakeups,
        metrics: Metrics,
        *,
        sweep_s: float = SWEEP_S,
    ) -> None:
        self._database = database
        self._queue = queue
        self._wakeups = wakeups
        self._metrics = metrics
        self._sweep_s = sweep_s
        self._sweep_limit = SWEEP_LIMIT
        self._slots = Slots(queue.kinds)
        self._running: dict[Claim, asyncio.Task[None]] = {}
        self._candidates: list[Candidate] = []
        self._candidates_at = 0.0
        self._seen: datetime | None = None
        self._sweep_lock = asyncio.Lock()
        self._free = asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []
        self._stopping: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to work in the background of this process."""
        with self._database.bind():
            self._loops = [
                asyncio.create_task(self._sweep_forever(), name="sweep"),
                asyncio.create_task(self._refill_forever(), name="go-on"),
            ]

    async def stop(self, timeout_s: float = STOP_WAIT_S) -> None:
        """Claim nothing more; let what runs end for ``timeout_s``, then stop it and release it.

        A second call waits for the first.
        """
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._stop(timeout_s), name="stop")
        await asyncio.shield(self._stopping)

    async def _stop(self, timeout_s: float) -> None:
        # What is being claimed now is begun first.
        await _ended([asyncio.create_task(self._sweep_lock.acquire())], timeout_s)
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        await _ended(self._running.values(), timeout_s)
        for claim, task in self._running.items():
            if self._may_be_cut_off(claim):
                task.cancel()
        await _ended(self._running.values(), _SHUTDOWN_S)

    async def drain(self) -> None:
        """Do everything that is due by now, and wait for it; for tests and simulations."""
        with self._database.bind():
            while await self.sweep() or self._running:
                if self._running:
                    await asyncio.wait(self._running.values(), return_when=asyncio.FIRST_COMPLETED)

    async def sweep(self) -> int:
        """Find what is due, begin as much of it as there are free slots, and return how much that is."""
        async with self._sweep_lock:
            await self._notice_clock()
            kinds = self._slots.open_kinds()
            full = self._slots.full_shares()
            self._candidates = await self._queue.find_due(kinds, full, self._sweep_limit) if kinds else []
            self._candidates_at = self._database.clock.monotonic()
            return await self._start_candidates()

    async def _start_candidates(self) -> int:
        """Begin what was found, as far as there are places; the rest waits for the next free place."""
        chosen = self._slots.choose(self._candidates)
        taken = {candidate.id for candidate in chosen}
        self._candidates = [candidate for candidate in self._candidates if candidate.id not in taken]
        claims = await self._queue.claim(chosen)
        for claim in claims:
            self._begin(claim)
        return len(claims)

    async def _notice_clock(self) -> None:
        """Notice a clock that was set back, before the start or since the last sweep."""
        now = self._database.clock.now()
        if self._seen is None or now < self._seen:
            await self._queue.after_clock_change()
        self._seen = now

    async def _sweep_forever(self) -> None:
        with self._wakeups.listen(SCHEDULED) as waiter:
            while True:
                try:
                    await self.sweep()
                except Exception:  # noqa: BLE001 - the loop outlives a database that is away; the fault is logged
                    _log.exception("sweep failed; the next one tries again")
                await waiter.wait(self._sweep_s)

    async def _refill_forever(self) -> None:
        """Begin the next at once where a slot got free; candidates found a while ago are read anew."""
        while True:
            await self._free.wait()
            self._free.clear()
            try:
                age_s = self._database.clock.monotonic() - self._candidates_at
                if self._candidates and age_s < self._sweep_s:
                    async with self._sweep_lock:
                        await self._start_candidates()
                else:
                    await self.sweep()
            except Exception:  # noqa: BLE001 - the next sweep tries again
                _log.exception("work was not begun; the next sweep tries again")

    # -- one piece of work

    def _begin(self, claim: Claim) -> None:
        self._slots.acquire(claim)
        task = asyncio.create_task(self._do(claim), name=claim.kind)
        self._running[claim] = task
        if self._may_be_cut_off(claim):
            self._queue.heartbeat.when_lost(claim, task.cancel)
        task.add_done_callback(lambda _: self._is_done(claim))

    def _is_done(self, claim: Claim) -> None:
        del self._running[claim]
        self._slots.release(claim)
        if self._loops and self._stopping is None:
            self._free.set()

    def _may_be_cut_off(self, claim: Claim) -> bool:
        return self._queue.kinds[claim.kind].deadline_s is not None

    async def _do(self, claim: Claim) -> None:
        try:
            outcome = await self._run(claim)
        except LeaseLostError:
            outcome = "LOST"
            _log.warning("work was taken over or cancelled while it ran", work=claim.id)
        except asyncio.CancelledError:
            if self._queue.heartbeat.holds(claim):
                await self._queue.release(claim)
            outcome = "STOPPED"
        except Exception:  # noqa: BLE001 - its lease runs out, and the next process does it
            outcome = "NOT_ENDED"
            _log.exception("work could not be ended", work=claim.id)
        finally:
            self._queue.heartbeat.drop(claim)
        self._metrics.work.labels(claim.kind, outcome).inc()

    async def _run(self, claim: Claim) -> str:
        """Do a claimed piece of work and end its claim; return what became of it: OK, PUT_OFF, or a problem's code."""
        kind = self._queue.kinds[claim.kind]
        pause_s = kind.pause_s(claim)
        if pause_s is not None:
            _log.error("processes die with this work; it is left alone", work=claim.id, pause_s=pause_s)
            await self._queue.put_off(claim, pause_s)
            return "PUT_OFF"
        try:
            async with asyncio.timeout(kind.deadline_s):
                due_at = await kind.run(claim)
        except PatchbayError as fault:
            return await self._failed(claim, fault.problem)
        except TimeoutError:
            limit = str(int(kind.deadline_s or 0))
            return await self._failed(claim, problem(ProblemCode.DEADLINE_EXCEEDED, limit=limit))
        except LeaseLostError:
            raise
        except Exception:  # noqa: BLE001 - whatever it was, the work is tried again and the fault is logged
            _log.exception("work failed; it is tried again", work=claim.id)
            return await self._failed(claim, problem(ProblemCode.INTERNAL))
        if self._queue.heartbeat.holds(claim):  # else it was ended in the handler's own transaction
            await self._queue.end(claim, due_at)
        return "OK"

    async def _failed(self, claim: Claim, fault: Problem) -> str:
        if self._queue.heartbeat.holds(claim):
            async with self._database.transaction() as tx:
                is_given_up = await self._queue.fail(tx, claim, fault)
            _log.info("work failed", work=claim.id, problem=fault.code.value, is_given_up=is_given_up)
        return fault.code.value


async def _ended(tasks: Iterable[asyncio.Task[Any]], timeout_s: float) -> None:
    waiting = list(tasks)
    if waiting:
        await asyncio.wait(waiting, timeout=timeout_s)
