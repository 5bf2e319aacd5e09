"""Looks again at authorizations that wait for the outside: a device code, an application to be registered."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Final

from app.access.actor import Actor, Channel
from app.access.policy import Permission, require
from app.authenticators.base import Proceed, Waiting
from app.authenticators.steps import DeviceCodeStep, ExternalActionStep
from app.connections.attempts import Attempts, attempt_ref, beginner_of, lock_attempt
from app.connections.choices import Chooser
from app.connections.completion import EXCHANGE_FOR, Asked, Completion
from app.connections.models import AuthorizationRecord
from app.connections.snapshot import AuthorizationStateName as State
from app.foundation.database import Database
from app.foundation.errors import (
    ApplicationRejectedError,
    PatchbayError,
    PermissionDeniedError,
    TransientOutsideError,
)
from app.foundation.ids import new_id, new_token
from app.foundation.secret import Secret
from app.members.rights import Rights
from app.vault.vault import RevealPurpose, Vault
from app.work.kind import Claim
from app.work.queue import WorkQueue

_AGAIN_S: Final = 2.0


class Polling:
    """Polls in the background, never sooner than asked for (RFC 8628 3.5); tells nothing until something changed.

    It goes on as long as whoever began the authorization may still authorize connections.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        work: WorkQueue,
        attempts: Attempts,
        chooser: Chooser,
        completion: Completion,
        rights: Rights,
    ) -> None:
        self._database = database
        self._vault = vault
        self._work = work
        self._attempts = attempts
        self._chooser = chooser
        self._completion = completion
        self._rights = rights

    async def work(self, claim: Claim) -> datetime | None:
        """Look at an authorization once and return when to look again; one that waits for nothing is left alone."""
        now = self._database.clock.now()
        row = await AuthorizationRecord.filter(id=claim.subject).first()
        if row is None or State(row.state) is not State.AWAITING_USER or row.expires_at <= now:
            return None
        step = self._attempts.snapshot(row).step
        if not isinstance(step, DeviceCodeStep | ExternalActionStep):
            return None
        actor = Actor.system(row.workspace_id, "authorization", new_id("req"))
        try:
            beginner = await self._rights.current(beginner_of(row, Channel.BACKGROUND))
            require(beginner, Permission.CONNECTIONS_AUTHORIZE)
        except PermissionDeniedError as refusal:
            await self._completion.refuse(actor, row.id, refusal.problem)
            return None
        if isinstance(step, ExternalActionStep):
            return await self._begin_when_registered(actor, row)
        return await self._ask_again(actor, claim, row)

    async def _ask_again(self, actor: Actor, claim: Claim, row: AuthorizationRecord) -> datetime | None:
        try:
            asking = self._completion.ask(actor, row, Proceed(), RevealPurpose.POLL)
            asked = await asyncio.wait_for(asking, EXCHANGE_FOR.total_seconds())
        except (TransientOutsideError, TimeoutError):
            return self._database.clock.now() + EXCHANGE_FOR
        except PatchbayError as fault:
            await self._work_on(actor, row)
            is_application = isinstance(fault, ApplicationRejectedError)
            await self._completion.fail(actor, row, fault.problem, application=is_application)
            return None
        if isinstance(asked.result, Waiting) and asked.result.poll_after_s is not None:
            await self._look_later(claim, row, asked, asked.result, asked.result.poll_after_s)
            return None
        await self._work_on(actor, row)
        await self._completion.conclude(actor, row, asked)
        return None

    async def _look_later(
        self, claim: Claim, seen: AuthorizationRecord, asked: Asked, waiting: Waiting, after_s: float
    ) -> None:
        async with self._database.transaction() as tx:
            row = await lock_attempt(seen.id)
            if State(row.state) is not State.AWAITING_USER:
                return
            row.verifier_generation = await self._vault.put(
                tx,
                attempt_ref(row),
                {"state": asked.state, "kept": dict(waiting.kept)},
                expected_generation=row.verifier_generation,
            )
            await row.save(update_fields=["verifier_generation"])
            await self._work.reschedule(tx, claim, tx.now + timedelta(seconds=after_s))

    async def _work_on(self, actor: Actor, seen: AuthorizationRecord) -> None:
        """Say that the outside has answered: from here the authorization goes to its end."""
        async with self._database.transaction() as tx:
            row = await lock_attempt(seen.id)
            if State(row.state) is State.AWAITING_USER:
                await self._attempts.advance(tx, actor, row, State.EXCHANGING)

    async def _begin_when_registered(self, actor: Actor, row: AuthorizationRecord) -> datetime | None:
        choice = await self._chooser.chosen_before(row)
        state = Secret(new_token())
        waiting = await self._completion.begin(actor, choice, state)
        if choice.application_is_missing:
            return self._database.clock.now() + timedelta(seconds=waiting.poll_after_s or _AGAIN_S)
        async with self._database.transaction() as tx:
            locked = await lock_attempt(row.id)
            if State(locked.state) is State.AWAITING_USER:
                locked.expires_at = tx.now + EXCHANGE_FOR * 10
                await self._completion.keep_waiting(tx, actor, locked, state, waiting)
        return None
