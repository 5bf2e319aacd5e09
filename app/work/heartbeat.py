"""The heartbeat: keeps the leases of this process for as long as it lives, and reports lost ones to their holders."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog

from app.foundation.database import Database
from app.foundation.places import list_places
from app.foundation.wakeups import Wakeups
from app.work.kind import Claim
from app.work.statements import EXTEND_LEASES, IN_ORDER, LEASE_FOR

_log = structlog.get_logger("patchbay.work")
HEARTBEAT_S: Final = 8.0
_RETRY_S: Final = 1.0
CANCELLED: Final = "work:cancelled"


@dataclass(eq=False, repr=False)
class Heartbeat:
    """Keeps what this process holds, all by one statement; a killed process keeps nothing.

    It beats only while something is held. Cancelled work is noticed at once.
    """

    _database: Database
    _wakeups: Wakeups
    _owner: str
    _heartbeat_s: float = HEARTBEAT_S
    _held: dict[tuple[str, int], Callable[[], object] | None] = field(default_factory=dict, init=False)
    _task: asyncio.Task[None] | None = field(default=None, init=False)

    def hold(self, claim: Claim) -> None:
        """Keep the claim's lease from now on."""
        self._held[claim.id, claim.fence] = None
        if self._task is None:
            self._task = asyncio.create_task(
                self._beat_forever(), name="heartbeat", context=contextvars.Context()
            )

    def when_lost(self, claim: Claim, act: Callable[[], object]) -> None:
        """Call ``act`` if the claim is taken over or cancelled while it is held."""
        if self.holds(claim):
            self._held[claim.id, claim.fence] = act

    def holds(self, claim: Claim) -> bool:
        """Return whether the claim has not ended here yet."""
        return (claim.id, claim.fence) in self._held

    def drop(self, claim: Claim) -> None:
        """Keep the claim's lease no longer; what has not ended is due again once it has run out."""
        self._held.pop((claim.id, claim.fence), None)

    async def stop(self) -> None:
        """Stop; what is still held is nobody's once its lease has run out."""
        self._held.clear()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _beat_forever(self) -> None:
        pause_s = self._heartbeat_s
        with self._wakeups.listen(CANCELLED) as waiter:
            while self._held:
                await waiter.wait(pause_s)
                pause_s = self._heartbeat_s
                try:
                    await self.extend_leases()
                except Exception as fault:  # noqa: BLE001 - a database that is away lets nobody else take over either
                    _log.warning("leases were not kept", fault=type(fault).__name__)
                    pause_s = min(_RETRY_S, self._heartbeat_s)
        self._task = None

    async def extend_leases(self) -> None:
        """Extend every lease that is held, and notify of those that are lost."""
        held = list(self._held)
        if not held:
            return
        ids = [work_id for work_id, _ in held]
        until = self._database.clock.now() + LEASE_FOR
        among = list_places(ids, 2)
        if self._database.dialect == "postgres":
            among = IN_ORDER.format(ids=among)
        rows = await self._database.rows(EXTEND_LEASES.format(ids=among), self._owner, until, *ids)
        extended = {(row["id"], row["fence"]) for row in rows}
        for lost in [place for place in held if place not in extended]:
            on_lost = self._held.pop(lost, None)
            if on_lost is not None:
                on_lost()
