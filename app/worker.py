"""The back entrance: who does which kind of background work. A new kind is one function and one registration here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from app.access.actor import Actor
from app.connection_tests import execution
from app.connections.completion import POLLING
from app.credentials.revocation import GIVE_UP_AFTER, REVOCATION
from app.credentials.schedule import RENEWAL
from app.foundation.ids import new_id
from app.hub import Hub
from app.work.dispatcher import STOP_WAIT_S
from app.work.kind import Claim, WorkKind
from app.work.queue import HUB

UPKEEP: Final = "upkeep"
RENEWALS_AT_ONCE: Final = 40
RENEWALS_OF_ONE_APPLICATION: Final = 10
_RENEWALS_RETRY_CAP_S: Final = 1_800.0
_UPKEEP_EVERY: Final = timedelta(seconds=60)
_UPKEEP_DEADLINE_S: Final = 3_600.0
_KEEP_GIVEN_UP: Final = timedelta(days=30)
Chore = Callable[[], Awaitable[object]]


def register_work(hub: Hub) -> None:
    """Say who does each kind of work in this process."""
    for kind in (
        WorkKind(
            RENEWAL,
            partial(_renew, hub),
            at_once=RENEWALS_AT_ONCE,
            at_once_per_share=RENEWALS_OF_ONE_APPLICATION,
            deadline_s=None,  # what a provider has given must be sealed
            retry_cap_s=_RENEWALS_RETRY_CAP_S,
        ),
        WorkKind(POLLING, hub.polling.work),
        WorkKind(
            REVOCATION,
            hub.revocations.work,
            give_up_after=GIVE_UP_AFTER,
            on_give_up=hub.revocations.give_up,
        ),
        WorkKind(
            execution.TEST_RUN,
            hub.run_execution.work,
            deadline_s=execution.CUT_OFF_S,
            retry_base_s=execution.RETRY_S,
            retry_cap_s=execution.RETRY_S,
            give_up_after=execution.GIVE_UP_AFTER,
            on_give_up=hub.run_execution.give_up,
        ),
        WorkKind(
            UPKEEP,
            partial(_do_chore, hub, chores(hub)),
            at_once=1,
            deadline_s=_UPKEEP_DEADLINE_S,
            retry_cap_s=_UPKEEP_EVERY.total_seconds(),
        ),
    ):
        hub.work.register(kind)


@asynccontextmanager
async def background_work(hub: Hub, grace_s: float = STOP_WAIT_S) -> AsyncIterator[None]:
    """Do background work in this process for as long as the block runs; what runs then may end for ``grace_s``."""
    register_work(hub)
    async with hub.database.transaction() as tx:
        for name in chores(hub):
            await hub.work.schedule(tx, UPKEEP, name, HUB, tx.now, keep_earlier=True)
    hub.dispatcher.start()
    try:
        yield
    finally:
        await hub.dispatcher.stop(grace_s)


async def _renew(hub: Hub, claim: Claim) -> None:
    actor = Actor.system(claim.workspace_id, "renewal", new_id("req"))
    if await hub.renewal.renew_due(actor, claim):
        await hub.test_runs.probe(actor, claim.subject)


def chores(hub: Hub) -> dict[str, Chore]:
    """Return what is done each minute by one process of the hub: what is over is closed, expired and forgotten."""
    return {
        "expire-authorizations": hub.browser.expire_due,
        "close-audit-minutes": hub.audit.close_minutes,
        "make-checkpoints": hub.checkpoints.make_if_due,
        "prune-sign-ins": hub.sign_in.prune,
        "prune-events": partial(hub.events.prune, timedelta(days=hub.settings.event_retention_days)),
        "prune-idempotency-keys": hub.idempotency.prune,
        "prune-given-up-work": partial(hub.work.prune, _KEEP_GIVEN_UP),
        "tend-keys": partial(hub.resealing.tend, timedelta(days=hub.settings.key_retention_days)),
    }


async def _do_chore(hub: Hub, chores: dict[str, Chore], claim: Claim) -> datetime | None:
    chore = chores.get(claim.subject)
    if chore is None:
        return None  # an older version did it
    await chore()
    return hub.clock.now() + _UPKEEP_EVERY
