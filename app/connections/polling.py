"""Polls authorizations that wait for the outside: a device code, an application to be registered."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.access.actor import Actor, Channel
from app.access.policy import Permission, require
from app.authenticators.base import Proceed, Waiting
from app.authenticators.steps import DeviceCodeStep, ExternalActionStep
from app.connections.attempts import Attempts, attempt_ref, beginner_of, lock_attempt
from app.connections.authorization_options import OptionsResolver
from app.connections.completion import CHECK_EVERY_S, EXCHANGE_FOR, Completion, StepOutcome
from app.connections.models import AuthorizationRecord
from app.connections.snapshot import AuthorizationStateName as State
from app.foundation.database import Database
from app.foundation.errors import PatchbayError, PermissionDeniedError, TransientOutsideError
from app.foundation.ids import new_id, new_token
from app.foundation.secret import Secret
from app.members.rights import Rights
from app.vault.vault import RevealPurpose, Vault
from app.work.kind import Claim
from app.work.queue import WorkQueue


@dataclass(eq=False, repr=False)
class Polling:
    """Polls in the background, never sooner than asked for (RFC 8628 3.5); announces nothing until something changed.

    It goes on as long as the actor that began the authorization may still authorize connections.
    """

    _database: Database
    _vault: Vault
    _work: WorkQueue
    _attempts: Attempts
    _options: OptionsResolver
    _completion: Completion
    _rights: Rights

    async def work(self, claim: Claim) -> datetime | None:
        """Poll an authorization once and return when to poll again; None for one that waits for nothing."""
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
            await self._completion.refuse(actor, row, refusal.problem)
            return None
        if isinstance(step, ExternalActionStep):
            return await self._begin_when_registered(actor, row)
        return await self._poll(actor, claim, row)

    async def _poll(self, actor: Actor, claim: Claim, row: AuthorizationRecord) -> datetime | None:
        try:
            exchanging = self._completion.exchange(actor, row, Proceed(), RevealPurpose.POLL)
            outcome = await asyncio.wait_for(exchanging, EXCHANGE_FOR.total_seconds())
        except (TransientOutsideError, TimeoutError):
            return self._database.clock.now() + EXCHANGE_FOR
        except PatchbayError as fault:
            await self._completion.advance_from(actor, row, State.AWAITING_USER, State.EXCHANGING)
            await self._completion.fail(actor, row, fault)
            return None
        if isinstance(outcome.result, Waiting) and outcome.result.poll_after_s is not None:
            await self._poll_later(claim, row, outcome, outcome.result, outcome.result.poll_after_s)
            return None
        await self._completion.advance_from(actor, row, State.AWAITING_USER, State.EXCHANGING)
        await self._completion.conclude(actor, row, outcome)
        return None

    async def _poll_later(
        self, claim: Claim, seen: AuthorizationRecord, outcome: StepOutcome, waiting: Waiting, after_s: float
    ) -> None:
        async with self._database.transaction() as tx:
            row = await lock_attempt(seen.id)
            if State(row.state) is not State.AWAITING_USER:
                return
            row.verifier_generation = await self._vault.put(
                tx,
                attempt_ref(row),
                {"state": outcome.state, "kept": dict(waiting.kept)},
                expected_generation=row.verifier_generation,
            )
            await row.save(update_fields=["verifier_generation"])
            await self._work.reschedule(tx, claim, tx.now + timedelta(seconds=after_s))

    async def _begin_when_registered(self, actor: Actor, row: AuthorizationRecord) -> datetime | None:
        options = await self._options.resolve_open(row)
        state = Secret(new_token())
        waiting = await self._completion.begin(actor, options, state)
        if options.application_is_missing:
            return self._database.clock.now() + timedelta(seconds=CHECK_EVERY_S)
        async with self._database.transaction() as tx:
            locked = await lock_attempt(row.id)
            if State(locked.state) is State.AWAITING_USER:
                locked.application_id = options.application_id or locked.application_id
                locked.redirect_uri = options.redirect_uri or locked.redirect_uri
                locked.expires_at = tx.now + EXCHANGE_FOR * 10
                await self._completion.store_step(tx, actor, locked, state, waiting)
        return None
