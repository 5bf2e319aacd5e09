"""Looks again at authorizations that wait for the outside: a device code, an application to be registered."""

from __future__ import annotations

import asyncio

from app.access.actor import Actor, Channel
from app.access.policy import Permission, require
from app.authenticators.base import Proceed, Waiting
from app.authenticators.steps import ExternalActionStep
from app.connections.attempts import Attempts, attempt_ref, beginner_of, lock_attempt
from app.connections.choices import Chooser
from app.connections.completion import EXCHANGE_FOR, Asked, Completion, later
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


class Polling:
    """Polls in the background, never sooner than asked for (RFC 8628 3.5); tells nothing until something changed.

    It goes on as long as whoever began the authorization may still authorize connections.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        attempts: Attempts,
        chooser: Chooser,
        completion: Completion,
        rights: Rights,
    ) -> None:
        self._database = database
        self._vault = vault
        self._attempts = attempts
        self._chooser = chooser
        self._completion = completion
        self._rights = rights

    async def due(self, limit: int = 100) -> list[str]:
        """Return the ids of open authorizations that are due to be looked at, earliest first."""
        now = self._database.clock.now()
        rows = AuthorizationRecord.filter(finished_at=None, poll_at__lte=now, expires_at__gt=now)
        found = await rows.order_by("poll_at").limit(limit).values_list("id", flat=True)
        return [str(authorization_id) for authorization_id in found]

    async def work(self, authorization_id: str) -> None:
        """Claim an authorization and look at it once; one that somebody else looks at is left alone."""
        row = await self._claim(authorization_id)
        if row is None:
            return
        actor = Actor.system(row.workspace_id, "authorization", new_id("req"))
        try:
            require(
                await self._rights.current(beginner_of(row, Channel.BACKGROUND)),
                Permission.CONNECTIONS_AUTHORIZE,
            )
        except PermissionDeniedError as refusal:
            await self._completion.refuse(actor, row.id, refusal.problem)
            return
        if isinstance(self._attempts.snapshot(row).step, ExternalActionStep):
            await self._begin_when_registered(actor, row)
        else:
            await self._ask_again(actor, row)

    async def _claim(self, authorization_id: str) -> AuthorizationRecord | None:
        async with self._database.transaction() as tx:
            row = await AuthorizationRecord.filter(id=authorization_id).select_for_update().first()
            if row is None or State(row.state) is not State.AWAITING_USER:
                return None
            if row.poll_at is None or row.poll_at > tx.now:
                return None
            row.poll_at = tx.now + EXCHANGE_FOR
            await row.save(update_fields=["poll_at"])
        return row

    async def _ask_again(self, actor: Actor, row: AuthorizationRecord) -> None:
        try:
            asking = self._completion.ask(actor, row, Proceed(), RevealPurpose.POLL)
            asked = await asyncio.wait_for(asking, EXCHANGE_FOR.total_seconds())
        except (TransientOutsideError, TimeoutError):
            return  # the claim has set the next look already
        except PatchbayError as fault:
            await self._work_on(actor, row)
            is_application = isinstance(fault, ApplicationRejectedError)
            await self._completion.fail(actor, row, fault.problem, application=is_application)
            return
        if isinstance(asked.result, Waiting) and asked.result.poll_after_s is not None:
            await self._look_later(row, asked, asked.result)
            return
        await self._work_on(actor, row)
        await self._completion.conclude(actor, row, asked)

    async def _look_later(self, seen: AuthorizationRecord, asked: Asked, waiting: Waiting) -> None:
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
            row.poll_at = later(tx.now, waiting.poll_after_s)
            await row.save(update_fields=["poll_at", "verifier_generation"])

    async def _work_on(self, actor: Actor, seen: AuthorizationRecord) -> None:
        """Say that the outside has answered: from here the authorization goes to its end."""
        async with self._database.transaction() as tx:
            row = await lock_attempt(seen.id)
            if State(row.state) is State.AWAITING_USER:
                row.poll_at = None
                await self._attempts.advance(tx, actor, row, State.EXCHANGING)

    async def _begin_when_registered(self, actor: Actor, row: AuthorizationRecord) -> None:
        choice = await self._chooser.chosen_before(row)
        state = Secret(new_token())
        waiting = await self._completion.begin(actor, choice, state)
        async with self._database.transaction() as tx:
            locked = await lock_attempt(row.id)
            if State(locked.state) is not State.AWAITING_USER:
                return
            if choice.application_is_missing:
                locked.poll_at = later(tx.now, waiting.poll_after_s)
                await locked.save(update_fields=["poll_at"])
                return
            locked.expires_at = tx.now + EXCHANGE_FOR * 10
            await self._completion.keep_waiting(tx, actor, locked, state, waiting)
