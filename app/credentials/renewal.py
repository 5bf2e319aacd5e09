"""Renewal: before expiry, one at a time across tasks and processes, dead grants told from outages."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from app.access.actor import Actor
from app.authenticators.base import Grant
from app.authenticators.registry import authenticator_for
from app.catalog.definition import AuthMethod
from app.credentials.flows import FlowRunner
from app.credentials.leases import INTERRUPTED, SUPERSEDED, Lease, Leases, Other, is_leased
from app.credentials.opening import OpenCredentials, Opener
from app.credentials.outside_secrets import OutsideSecrets
from app.credentials.owner import CredentialOwner, Owners
from app.credentials.renewal_results import Fate, RenewalResults
from app.credentials.rows import find_credential, set_due_once
from app.credentials.snapshot import are_usable
from app.credentials.turns import Job, Turns
from app.credentials.watching import is_time_to_renew, next_look
from app.event_stream.channels import subject_channel
from app.foundation.database import Database
from app.foundation.errors import (
    NotAllowedNowError,
    PatchbayError,
    TransientOutsideError,
    outside_error,
)
from app.foundation.problems import ProblemCode, problem
from app.foundation.wakeups import Wakeups
from app.vault.vault import RevealPurpose, Vault

_CALL_S: Final = 60.0
_FIRST_LOOK_S: Final = 0.05
_LAST_LOOK_S: Final = 2.0
_NO_FAILURE: Final = frozenset({INTERRUPTED, SUPERSEDED})


class Renewal:
    """Renews credentials. However many ask at once, the provider sees one call."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        wakeups: Wakeups,
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
        self._leases = Leases(database, owners)
        self._results = RenewalResults(database, vault, owners)
        self._turns = Turns(database)
        self._flights: dict[tuple[str, int], asyncio.Task[None]] = {}

    async def refresh_now(self, actor: Actor, owner: CredentialOwner) -> None:
        """Renew at the request of a person whose verb has let him pass, however lately it failed.

        Raises:
            NotAllowedNowError: there is nothing to renew, or it cannot be renewed without a person.
            OutsideError: the provider refused or is away.
        """
        credential = await find_credential(owner.id)
        if not are_usable(credential):
            raise NotAllowedNowError(problem(ProblemCode.NOT_AUTHENTICATED))
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
        key = (connection_id, seen_generation)
        flight = self._flights.get(key)
        if flight is None:
            # The flight is a task of its own: a caller that gives up does not take the answer with it.
            flight = asyncio.create_task(self._renew(actor, connection_id, seen_generation, at_once=at_once))
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._land(key, done))
        await asyncio.shield(flight)

    async def renew_due(self, actor: Actor, connection_id: str) -> bool:
        """Renew what is due and return False; True where it is to be probed instead, because it is not renewed.

        What is not due any more, or belongs to another worker, is left alone. It waits for its turn first.

        Raises:
            NotFoundError: the connection was deleted.
            OutsideError: the renewal failed; it is due again later.
        """
        job = (actor.workspace_id, connection_id)
        credential = await self._turns.credential(job)
        if credential is None:
            return False
        async with self._turns.turn(credential) as has_waited:
            credential = await self._turns.credential(job) if has_waited else credential
            now = self._database.clock.now()
            if credential is None or credential.due_at is None or credential.due_at > now:
                return False
            if is_leased(credential, now):
                return False
            is_renewed = credential.can_renew and credential.lifetime_s is not None
            if is_renewed and is_time_to_renew(credential, now):
                await self.renew(actor, connection_id, credential.generation)
                return False
            owner = await self._owners.find(actor.workspace_id, connection_id)
            if is_renewed and owner.degraded_since is None:
                await self.renew(actor, connection_id, credential.generation)
                return False
            return await set_due_once(credential, next_look(owner, credential, now))

    async def due(self, limit: int = 200) -> list[Job]:
        """Return ``(workspace id, connection id)`` of what is due and that nobody works on, by turns of providers."""
        return await self._turns.due(limit)

    async def after_clock_change(self) -> int:
        """Make due what was sealed before the clock was put back; return how many. Upkeep calls it."""
        return await self._turns.after_clock_change()

    async def close(self) -> None:
        """Wait for renewals under way: what a provider has answered must be sealed."""
        flights = list(self._flights.values())
        if flights:
            await asyncio.wait(flights, timeout=_CALL_S)

    def _land(self, key: tuple[str, int], flight: asyncio.Task[None]) -> None:
        self._flights.pop(key, None)
        if not flight.cancelled():
            flight.exception()  # seen here, so that a flight nobody waits for any more is no warning

    async def _renew(self, actor: Actor, connection_id: str, seen_generation: int, *, at_once: bool) -> None:
        patience_s = _FIRST_LOOK_S
        while True:
            lease = await self._leases.take(actor, connection_id, seen_generation, at_once=at_once)
            if isinstance(lease, Lease):
                await self._renew_under(actor, lease)
                return
            if lease is None:
                return
            await self._wait_for(actor, connection_id, lease, patience_s)
            patience_s = min(patience_s * 2, _LAST_LOOK_S)

    async def _wait_for(self, actor: Actor, connection_id: str, other: Other, patience_s: float) -> None:
        """Wait for another's renewal; its failure is ours too, so that the provider is not asked again.

        Raises:
            OutsideError: the other renewal failed.
        """
        with self._wakeups.listen(subject_channel("connection", connection_id)) as waiter:
            outcome = await self._leases.outcome(other)
            if outcome is None:
                await waiter.wait(patience_s)
                outcome = await self._leases.outcome(other)
        if outcome is None or outcome in _NO_FAILURE:
            return
        code = ProblemCode(outcome)
        owner = await self._owners.find(actor.workspace_id, connection_id)
        raise outside_error(problem(code, provider=self._opener.definition_of(owner).name))

    async def _renew_under(self, actor: Actor, lease: Lease) -> None:
        method: AuthMethod | None = None
        try:
            method = self._opener.method_of(lease.owner_of, lease.credential.auth_method)
            opened = await self._opener.open(
                actor, lease.owner_of, lease.credential, RevealPurpose.RENEWAL, generation=lease.generation
            )
            async with asyncio.timeout(_CALL_S), self._leases.kept(lease):
                grant = await self._ask(opened)
        except TimeoutError:
            await self._failed(
                actor, lease, method, TransientOutsideError(problem(ProblemCode.UPSTREAM_TIMEOUT))
            )
            return
        except PatchbayError as fault:
            await self._failed(actor, lease, method, fault)
            return
        fate = await self._results.succeeded(actor, lease, opened.method, grant)
        if fate is Fate.UNWANTED:
            await self._take_back(opened, grant)

    async def _failed(
        self, actor: Actor, lease: Lease, method: AuthMethod | None, fault: PatchbayError
    ) -> None:
        meant = await self._results.failed(actor, lease, method, fault)
        if meant is not None:
            raise meant from None

    async def _ask(self, opened: OpenCredentials) -> Grant:
        flow = authenticator_for(opened.method).renew(opened.method, opened.facts, opened.grant)
        renewed = await self._runner.run(flow, opened.destination)
        return self._outside_secrets.to_store(renewed, opened.references)

    async def _take_back(self, opened: OpenCredentials, grant: Grant) -> None:
        """Revoke what a provider gave to a connection that was disconnected meanwhile: nobody will ever know it."""
        with contextlib.suppress(PatchbayError):
            flow = authenticator_for(opened.method).revoke(opened.method, opened.facts, grant)
            await self._runner.run(flow, opened.destination)
