"""Renewal: before expiry, one at a time across tasks and processes, dead grants distinguished from outages."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Final

from app.access.actor import Actor
from app.authenticators.base import Grant
from app.authenticators.registry import authenticator_for
from app.catalog.definition import AuthMethod
from app.credentials.flows import FlowRunner
from app.credentials.intents import NO_FAILURE, Intent, Intents, OtherAttempt, ProbeInstead
from app.credentials.lasting import ending_access
from app.credentials.opening import OpenCredentials, Opener
from app.credentials.outside_secrets import OutsideSecrets
from app.credentials.owner import CredentialOwner, Owners
from app.credentials.renewal_results import RenewalOutcome, RenewalResults
from app.credentials.rows import find_credential
from app.credentials.schedule import RenewalSchedule
from app.credentials.snapshot import are_usable
from app.event_stream.channels import subject_channel
from app.foundation.database import Database
from app.foundation.errors import NotAllowedNowError, PatchbayError, TransientOutsideError, outside_error
from app.foundation.problems import ProblemCode, problem
from app.foundation.wakeups import Wakeups
from app.vault.vault import RevealPurpose, Vault
from app.work.kind import Claim
from app.work.queue import WorkQueue

_CALL_S: Final = 60.0
_FIRST_POLL_S: Final = 0.05
_MAX_POLL_S: Final = 2.0


class Renewal:
    """Renews credentials. However many ask at once, the provider sees one call."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        wakeups: Wakeups,
        work: WorkQueue,
        schedule: RenewalSchedule,
        owners: Owners,
        opener: Opener,
        *,
        outside_secrets: OutsideSecrets,
        runner: FlowRunner,
    ) -> None:
        self._database = database
        self._wakeups = wakeups
        self._owners = owners
        self._opener = opener
        self._outside_secrets = outside_secrets
        self._runner = runner
        self._work = work
        self._intents = Intents(database, work, owners)
        self._results = RenewalResults(database, vault, work, schedule, owners)
        self._running: dict[tuple[str, int], asyncio.Task[None]] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    async def refresh_now(self, actor: Actor, owner: CredentialOwner) -> None:
        """Renew at the request of a person whose verb has let him pass, however lately it failed.

        Raises:
            NotAllowedNowError: there is nothing to renew, or it cannot be renewed without a person.
            OutsideError: the provider refused or is away.
        """
        credential = await find_credential(owner.id)
        if not are_usable(credential):
            raise NotAllowedNowError(problem(ProblemCode.NOT_AUTHENTICATED))
        if not credential.can_renew and credential.expires_at is not None:
            method = self._opener.method_of(owner, credential.auth_method)
            definition = self._opener.definition_of(owner)
            raise NotAllowedNowError(ending_access(definition, method, credential.expires_at))
        if not credential.can_renew:
            raise NotAllowedNowError(
                problem(ProblemCode.NOT_ALLOWED_NOW, state="using credentials that do not expire")
            )
        await self.renew(actor, owner.id, credential.generation, at_once=True)

    async def renew(
        self, actor: Actor, connection_id: str, seen_generation: int, *, at_once: bool = False
    ) -> None:
        """Renew credentials of ``seen_generation``; return once a newer generation is sealed.

        What failed within the last half minute is not tried again before it is due but fails the same way, except
        ``at_once``.

        Raises:
            CredentialsRejectedError: the grant is dead; the connection says so.
            OutsideError: the provider is away, or rejects the application.
        """
        task = self._running.get((connection_id, seen_generation))
        if task is None:
            renewing = self._renew(actor, connection_id, seen_generation, at_once=at_once)
            task = self._take_off(connection_id, seen_generation, renewing)
        await asyncio.shield(task)

    async def renew_due(self, actor: Actor, claim: Claim) -> bool:
        """Renew what is due and return False; True where it is to be probed instead, because it is not renewed.

        Raises:
            LeaseLostError: somebody else has it.
            OutsideError: the renewal failed; it is due again later.
        """
        intent = await self._intents.acquire_due(claim)
        if isinstance(intent, Intent):
            renewing = self._renew_under(actor, intent)
            await asyncio.shield(self._take_off(claim.subject, intent.generation, renewing))
        return isinstance(intent, ProbeInstead)

    async def close(self) -> None:
        """Wait for renewals under way: what a provider has answered must be sealed."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=_CALL_S)

    def _take_off(
        self, connection_id: str, generation: int, renewing: Coroutine[None, None, None]
    ) -> asyncio.Task[None]:
        """Renew in a task of its own: a caller that gives up does not take the answer with it."""
        key, task = (connection_id, generation), asyncio.create_task(renewing, name="renewal")
        self._running.setdefault(key, task)
        self._under_way.add(task)
        task.add_done_callback(lambda done: self._forget_task(key, done))
        return task

    def _forget_task(self, key: tuple[str, int], task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if self._running.get(key) is task:
            del self._running[key]
        if not task.cancelled():
            task.exception()  # seen here, so that a flight nobody waits for any more is no warning

    async def _renew(self, actor: Actor, connection_id: str, seen_generation: int, *, at_once: bool) -> None:
        poll_s = _FIRST_POLL_S
        while True:
            intent = await self._intents.acquire(
                actor.workspace_id, connection_id, seen_generation, at_once=at_once
            )
            if intent is None:
                return
            if isinstance(intent, Intent):
                try:
                    await self._renew_under(actor, intent)
                finally:
                    self._work.heartbeat.drop(intent.claim)
                return
            await self._wait_for(actor, connection_id, intent, poll_s)
            poll_s = min(poll_s * 2, _MAX_POLL_S)

    async def _wait_for(self, actor: Actor, connection_id: str, other: OtherAttempt, poll_s: float) -> None:
        """Wait for another's renewal; its failure is ours too, so that the provider is not asked again.

        Raises:
            OutsideError: the other renewal failed.
        """
        with self._wakeups.listen(subject_channel("connection", connection_id)) as waiter:
            outcome = await self._intents.outcome(other)
            if outcome is None:
                await waiter.wait(poll_s)
                outcome = await self._intents.outcome(other)
        if outcome is None or outcome.code in NO_FAILURE:
            return
        if outcome.problem is not None:
            raise outside_error(outcome.problem)
        code = ProblemCode[outcome.code]
        owner = await self._owners.find(actor.workspace_id, connection_id)
        raise outside_error(problem(code, provider=self._opener.definition_of(owner).name))

    async def _renew_under(self, actor: Actor, intent: Intent) -> None:
        method: AuthMethod | None = None
        try:
            method = self._opener.method_of(intent.owner, intent.credential.auth_method)
            opened = await self._opener.open(
                actor, intent.owner, intent.credential, RevealPurpose.RENEWAL, generation=intent.generation
            )
            grant = await self._request_grant(opened)
        except PatchbayError as fault:
            await self._failed(actor, intent, method, fault)
            return
        outcome = await self._results.succeeded(actor, intent, opened.method, grant)
        self._work.heartbeat.drop(intent.claim)
        if outcome is RenewalOutcome.UNWANTED:
            await self._revoke_unwanted(opened, grant)

    async def _failed(
        self, actor: Actor, intent: Intent, method: AuthMethod | None, fault: PatchbayError
    ) -> None:
        reported = await self._results.failed(actor, intent, method, fault)
        self._work.heartbeat.drop(intent.claim)
        if reported is not None:
            raise reported from None

    async def _request_grant(self, opened: OpenCredentials) -> Grant:
        flow = authenticator_for(opened.method).renew(opened.facts, opened.grant)
        try:
            async with asyncio.timeout(_CALL_S):
                renewed = await self._runner.run(flow, opened.destination)
        except TimeoutError:
            raise TransientOutsideError(problem(ProblemCode.UPSTREAM_TIMEOUT)) from None
        return self._outside_secrets.to_store(renewed, opened.references)

    async def _revoke_unwanted(self, opened: OpenCredentials, grant: Grant) -> None:
        """Revoke a new grant of a connection that was disconnected meanwhile: it is stored nowhere."""
        with contextlib.suppress(PatchbayError):
            flow = authenticator_for(opened.method).revoke(opened.facts, grant)
            await self._runner.run(flow, opened.destination)
