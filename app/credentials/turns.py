"""Turns: which due credentials come next, fairly over providers, and how many are renewed at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import chain, zip_longest
from typing import Final

from app.credentials.due import CLOCK_SKEW
from app.credentials.leases import not_leased
from app.credentials.models import CredentialRecord
from app.credentials.rows import find_credentials
from app.credentials.snapshot import CredentialSnapshot
from app.foundation.database import Database
from app.foundation.together import Together

AT_ONCE: Final = 40
OF_ONE_APPLICATION: Final = 10
_LOOK_AT: Final = 2_000
Job = tuple[str, str]


class Turns:
    """Finds what is due and bounds what is done together, so that a provider that is away holds up nobody else."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._all = asyncio.Semaphore(AT_ONCE)
        self._of_one: dict[str, asyncio.Semaphore] = {}
        self._found = Together(self._find_all)

    async def due(self, limit: int) -> list[Job]:
        """Return ``(workspace id, connection id)`` of what is due and that nobody works on.

        The earliest come first, but of each application in turn.
        """
        now = self._database.clock.now()
        rows = (
            await CredentialRecord.filter(not_leased(now), due_at__lte=now, generation__gt=0)
            .order_by("due_at")
            .limit(max(limit, _LOOK_AT))
            .values_list("workspace_id", "connection_id", "application_id")
        )
        queues: dict[str, list[Job]] = {}
        for workspace_id, connection_id, application_id in rows:
            queues.setdefault(str(application_id or workspace_id), []).append(
                (str(workspace_id), str(connection_id))
            )
        in_turn = chain.from_iterable(zip_longest(*queues.values()))
        return [job for job in in_turn if job is not None][:limit]

    async def credential(self, job: Job) -> CredentialSnapshot | None:
        """Return what stands beside a connection's credentials now; asked for together, it is read by one query."""
        workspace_id, connection_id = job
        found = await self._found.ask(connection_id)
        return found if found is not None and found.workspace_id == workspace_id else None

    @asynccontextmanager
    async def turn(self, credential: CredentialSnapshot) -> AsyncIterator[bool]:
        """Wait for a place among the renewals of this process, first among those of the same application.

        Yield whether it had to wait.
        """
        name = credential.application_id or credential.workspace_id
        places = self._of_one.setdefault(name, asyncio.Semaphore(OF_ONE_APPLICATION))
        has_waited = places.locked() or self._all.locked()
        async with places, self._all:
            yield has_waited

    async def _find_all(self, ids: Sequence[str]) -> list[CredentialSnapshot | None]:
        with self._database.bind():
            found = await find_credentials(set(ids))
        return [found.get(id_) for id_ in ids]

    async def after_clock_change(self) -> int:
        """Make due what was sealed before the clock was put back: it runs out earlier than its row says.

        Return how many. Each is renewed once, in turn; then it was sealed by the clock as it is now.
        """
        now = self._database.clock.now()
        later = now + CLOCK_SKEW
        expiring = CredentialRecord.filter(due_at__gt=now, generation__gt=0, lifetime_s__not_isnull=True)
        sealed = await expiring.filter(sealed_at__gt=later, failures=0).update(due_at=now)
        failing = await expiring.filter(failing_since__gt=later).update(due_at=now, failing_since=now)
        return sealed + failing
