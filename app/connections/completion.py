"""Carries an authorization forward: runs the authenticator, seals what must wait, ends in a grant or a problem."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from app.access.actor import Actor
from app.audit.entry import Detail
from app.authenticators.base import Answer, Attempt, Callback, Entered, Waiting
from app.authenticators.registry import authenticator_for
from app.authenticators.steps import (
    AccountChoiceStep,
    CredentialFormStep,
    DeviceCodeStep,
    ExternalActionStep,
    RedirectStep,
    Step,
)
from app.connections.acceptance import Acceptance, AcceptedGrant
from app.connections.attempts import Attempts, attempt_ref, load_attempt, lock_attempt
from app.connections.authorization_options import AuthorizationOptions
from app.connections.lifecycle import StateTrigger
from app.connections.models import AuthorizationRecord
from app.connections.rows import load_connection, lock_connection
from app.connections.snapshot import FINAL_STATES, WITHOUT_AUTH, AuthorizationSnapshot
from app.connections.snapshot import AuthorizationStateName as State
from app.connections.transitions import Transitions
from app.credentials.application_choice import wanted_application
from app.credentials.applications import Applications
from app.credentials.flows import Destinations, FlowRunner
from app.credentials.opening import Opener
from app.credentials.outside_secrets import OutsideSecrets
from app.credentials.snapshot import Mode
from app.foundation.database import Database, Transaction
from app.foundation.errors import (
    ApplicationRejectedError,
    InvalidInputError,
    NotAllowedNowError,
    PatchbayError,
    TransientOutsideError,
)
from app.foundation.problems import Problem, ProblemCode, problem
from app.foundation.secret import Secret
from app.vault.vault import RevealPurpose, Vault
from app.work.queue import WorkQueue

POLLING: Final = "authorization"
EXCHANGE_FOR: Final = timedelta(seconds=60)
CHECK_EVERY_S: Final = 2.0
_MAX_LIFETIME: Final = timedelta(hours=24)
_CLAIMABLE: Final = frozenset({State.AWAITING_USER, State.AWAITING_INPUT})
_IN_PROGRESS: Final = frozenset({State.EXCHANGING, State.VERIFYING})
_OPEN: Final = frozenset(State) - FINAL_STATES


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """The result of an exchange: one more step, or an accepted grant; ``state`` is the authorization's own."""

    result: AcceptedGrant | Waiting
    state: Secret


@dataclass(eq=False, repr=False)
class Completion:
    """Answers the steps of authorizations. No transaction is open during a call to the outside."""

    _database: Database
    _vault: Vault
    _work: WorkQueue
    _transitions: Transitions
    _attempts: Attempts
    _opener: Opener
    _applications: Applications
    _acceptance: Acceptance
    _outside_secrets: OutsideSecrets
    _runner: FlowRunner
    _destinations: Destinations

    async def begin(self, actor: Actor, options: AuthorizationOptions, state: Secret) -> Waiting:
        """Return the first step: the authenticator's, or what to register at the provider before it can begin."""
        if options.application_is_missing:
            return _register_first(options)
        owner = options.connection.owner
        facts = await self._opener.facts(
            actor, owner, options.method, options.application_id, RevealPurpose.AUTHORIZATION
        )
        attempt = Attempt(state, options.scopes, prefill=owner.mode is Mode.SANDBOX)
        flow = authenticator_for(options.method).begin(facts, attempt)
        waiting = await self._runner.run(flow, self._opener.destination(owner, facts))
        return self._destinations.for_person(options.definition, owner.mode, waiting)

    async def store_step(
        self, tx: Transaction, actor: Actor, row: AuthorizationRecord, state: Secret, waiting: Waiting
    ) -> None:
        """Seal what the authenticator must remember and show the next step."""
        sealed: dict[str, Any] = {"state": state, "kept": dict(waiting.kept)}
        if isinstance(waiting.step, RedirectStep):
            sealed["authorizeUrl"] = Secret(waiting.step.authorize_url)
            row.state_hash = secret_hash(state)
        row.verifier_generation = await self._vault.put(
            tx, attempt_ref(row), sealed, expected_generation=row.verifier_generation or None
        )
        if waiting.poll_after_s is not None:
            poll_at = tx.now + timedelta(seconds=waiting.poll_after_s)
            await self._work.schedule(tx, POLLING, row.id, row.workspace_id, poll_at)
        row.expires_at = max(row.expires_at, tx.now + _step_lifetime(waiting.step))
        fault = None
        if isinstance(waiting.step, ExternalActionStep):
            connection = await load_connection(row.workspace_id, row.connection_id, WITHOUT_AUTH)
            owner = connection.owner
            definition, method = (
                self._opener.definition_of(owner),
                self._opener.method_of(owner, row.auth_method),
            )
            wanted = wanted_application(row.workspace_id, definition, method, owner.mode, owner.config)
            fault = problem(ProblemCode.APPLICATION_MISSING, provider=wanted.label)
        await self._attempts.advance(tx, actor, row, _awaiting(waiting.step), step=waiting.step, fault=fault)

    async def check_browser(
        self, actor: Actor, authorization_id: str, params: tuple[tuple[str, str], ...], browser: Secret
    ) -> None:
        """Refuse a callback that another browser finishes, or whose state is not this authorization's.

        Raises:
            NotAllowedNowError: state or browser do not belong to the authorization.
        """
        row = await load_attempt(actor, authorization_id)
        states = [value for name, value in params if name == "state"]
        if (
            len(states) != 1
            or row.state_hash is None
            or not hmac.compare_digest(row.state_hash, secret_hash(Secret(states[0])))
        ):
            raise NotAllowedNowError(problem(ProblemCode.AUTHORIZATION_REPLAYED))
        if not is_same_browser(row, browser):
            raise NotAllowedNowError(problem(ProblemCode.BROWSER_MISMATCH))

    async def answer(self, actor: Actor, authorization_id: str, answer: Answer) -> AuthorizationSnapshot:
        """Take an answer to the open step and return the authorization as it is then.

        A failure of the outside is not raised: it is the authorization's final state, with its problem. Answers are
        accepted once: the claim is an atomic change of state before any call.

        Raises:
            InvalidInputError: entered values do not fit; the step stays open.
            NotAllowedNowError: the authorization is over, has expired, or another answer is in progress.
        """
        row = await self._claim(actor, authorization_id, answer)
        try:
            outcome = await asyncio.wait_for(self.exchange(actor, row, answer), EXCHANGE_FOR.total_seconds())
        except InvalidInputError as fault:
            if isinstance(answer, Callback):
                return await self.fail(actor, row, fault)
            await self._reopen(actor, row, None)
            raise
        except PatchbayError as fault:
            if isinstance(answer, Entered):
                return await self._reopen(actor, row, fault.problem)
            return await self.fail(actor, row, fault)
        except TimeoutError:
            return await self.fail(actor, row, TransientOutsideError(problem(ProblemCode.UPSTREAM_TIMEOUT)))
        return await self.conclude(actor, row, outcome)

    async def conclude(
        self, actor: Actor, row: AuthorizationRecord, outcome: StepOutcome
    ) -> AuthorizationSnapshot:
        """Store the result of an exchange for an authorization in progress: one more step, or the grant."""
        if isinstance(outcome.result, Waiting):
            return await self._store_next_step(actor, row, outcome.state, outcome.result)
        return await self._seal(actor, row, outcome.result)

    async def _claim(self, actor: Actor, authorization_id: str, answer: Answer) -> AuthorizationRecord:
        async with self._database.transaction() as tx:
            row = await lock_attempt(authorization_id)
            if State(row.state) not in _CLAIMABLE:
                raise NotAllowedNowError(problem(ProblemCode.AUTHORIZATION_REPLAYED))
            if row.expires_at <= tx.now:
                raise NotAllowedNowError(problem(ProblemCode.AUTHORIZATION_EXPIRED))
            step = self._attempts.snapshot(row).step
            if isinstance(answer, Callback):
                row.consumed_at = tx.now
                row.state_hash = None
            await self._attempts.advance(tx, actor, row, State.EXCHANGING, step=step)
        return row

    async def exchange(
        self,
        actor: Actor,
        row: AuthorizationRecord,
        answer: Answer,
        purpose: RevealPurpose = RevealPurpose.AUTHORIZATION,
    ) -> StepOutcome:
        """Exchange an answer with the provider; nothing is written but that it is being verified.

        Raises:
            PatchbayError: what the authenticator and the outside raise.
        """
        connection = await load_connection(row.workspace_id, row.connection_id)
        owner, current = connection.owner, connection.auth
        method = self._opener.method_of(owner, row.auth_method)
        facts = await self._opener.facts(actor, owner, method, row.application_id, purpose)
        destination = self._opener.destination(owner, facts)
        revealed = await self._vault.reveal(actor, attempt_ref(row), purpose=purpose)
        state = revealed.value["state"]
        prefill = owner.mode is Mode.SANDBOX
        attempt = Attempt(state, tuple(row.scopes), revealed.value["kept"], prefill=prefill)
        references: dict[str, Secret] = {}
        if isinstance(answer, Entered):
            values, references = await self._outside_secrets.entered(row.workspace_id, answer.values)
            answer = Entered(values)
        flow = authenticator_for(method).complete(facts, attempt, answer)

        async def before(number: int) -> None:
            if number == 2:  # noqa: PLR2004 - the first call got the token, the second reads the account
                await self.advance_from(actor, row, State.EXCHANGING, State.VERIFYING)

        result = await self._runner.run(flow, destination, before)
        if isinstance(result, Waiting):
            return StepOutcome(result, state)
        tested = None
        if current is not None and current.generation > 0:
            # What is stored still works or did once: it stays until what replaces it has proved to work.
            await self.advance_from(actor, row, State.EXCHANGING, State.VERIFYING)
            is_spent = not isinstance(answer, Entered)
            tested = await self._acceptance.prove(facts, result, destination, is_spent=is_spent)
        accepted = await self._acceptance.accept(row.workspace_id, facts, result, tested)
        stored = self._outside_secrets.to_store(accepted.grant, references)
        return StepOutcome(replace(accepted, grant=stored), state)

    async def advance_from(
        self, actor: Actor, seen: AuthorizationRecord, before: State, after: State
    ) -> None:
        """Advance an authorization that is still in the state ``before``."""
        async with self._database.transaction() as tx:
            row = await lock_attempt(seen.id)
            if State(row.state) is before:
                await self._attempts.advance(tx, actor, row, after)

    async def _store_next_step(
        self, actor: Actor, seen: AuthorizationRecord, state: Secret, waiting: Waiting
    ) -> AuthorizationSnapshot:
        async with self._database.transaction() as tx:
            row = await lock_attempt(seen.id)
            if State(row.state) in _IN_PROGRESS:
                row.expires_at = max(row.expires_at, tx.now + EXCHANGE_FOR * 10)
                await self.store_step(tx, actor, row, state, waiting)
        return self._attempts.snapshot(row)

    async def _reopen(
        self, actor: Actor, seen: AuthorizationRecord, fault: Problem | None
    ) -> AuthorizationSnapshot:
        """Open the step again after an answer that did not do, so that a person can correct it."""
        async with self._database.transaction() as tx:
            connection, credential = await lock_connection(actor, seen.connection_id)
            row = await lock_attempt(seen.id)
            if State(row.state) in _IN_PROGRESS:
                step = self._attempts.snapshot(seen).step
                state = _awaiting(step) if step is not None else State.AWAITING_INPUT
                await self._attempts.advance(tx, actor, row, state, step=step, fault=fault)
                if fault is not None:
                    trigger = StateTrigger.AUTHORIZATION_FAILED
                    await self._transitions.apply(tx, actor, connection, credential, trigger, fault)
        return self._attempts.snapshot(row)

    async def fail(
        self, actor: Actor, seen: AuthorizationRecord, fault: PatchbayError
    ) -> AuthorizationSnapshot:
        """End an authorization that is being worked on with what was raised."""
        is_application = isinstance(fault, ApplicationRejectedError)
        trigger = StateTrigger.APPLICATION_REJECTED if is_application else StateTrigger.AUTHORIZATION_FAILED
        ended = fault.problem.that_ended_a_sign_in()
        detail = {"problem": ended.code.value, "authMethod": seen.auth_method}
        return await self._end(actor, seen, State.FAILED, ended, detail, trigger=trigger, among=_IN_PROGRESS)

    async def refuse(self, actor: Actor, seen: AuthorizationRecord, fault: Problem) -> AuthorizationSnapshot:
        """End an open authorization with a problem, before anything was asked outside."""
        state = State.EXPIRED if fault.code is ProblemCode.AUTHORIZATION_EXPIRED else State.FAILED
        return await self._end(actor, seen, state, fault, {"problem": fault.code.value})

    async def cancel(self, actor: Actor, seen: AuthorizationRecord) -> AuthorizationSnapshot:
        """Cancel an authorization; one that is over stays as it is."""
        fault = problem(ProblemCode.AUTHORIZATION_CANCELLED)
        return await self._end(actor, seen, State.CANCELLED, fault, {}, action="authorization.cancelled")

    async def _end(
        self,
        actor: Actor,
        seen: AuthorizationRecord,
        state: State,
        fault: Problem,
        detail: Detail,
        *,
        action: str = "authorization.failed",
        trigger: StateTrigger = StateTrigger.AUTHORIZATION_FAILED,
        among: Collection[State] = _OPEN,
    ) -> AuthorizationSnapshot:
        """End an authorization that is in one of the states ``among``; any other stays as it is."""
        async with self._database.transaction() as tx:
            connection, credential = await lock_connection(actor, seen.connection_id)
            row = await lock_attempt(seen.id)
            if State(row.state) in among:
                await self._attempts.advance(tx, actor, row, state, fault=fault)
                await self._transitions.apply(tx, actor, connection, credential, trigger, fault)
                if trigger is StateTrigger.APPLICATION_REJECTED and row.application_id:
                    await self._applications.mark(tx, actor, row.application_id, fault)
                self._transitions.audit(tx, actor, connection, action, detail)
        return self._attempts.snapshot(row)

    async def _seal(
        self, actor: Actor, seen: AuthorizationRecord, accepted: AcceptedGrant
    ) -> AuthorizationSnapshot:
        async with self._database.transaction() as tx:
            connection, credential = await lock_connection(actor, seen.connection_id)
            row = await lock_attempt(seen.id)
            if State(row.state) in _IN_PROGRESS:
                await self._acceptance.seal(tx, actor, row, connection, credential, accepted)
        return self._attempts.snapshot(row)


def _register_first(options: AuthorizationOptions) -> Waiting:
    """Return the step that says what to register at the provider, with the exact redirect URI to copy."""
    redirect_uri = options.redirect_uri or ""
    text = options.method.prepare or f"Register an application at {options.definition.name}."
    endpoints = options.wanted.endpoints
    origins = {"Origins (for saveApplication)": ", ".join(endpoints.origins)} if endpoints.is_open else {}
    step = ExternalActionStep(
        title=f"Register an application at {options.definition.name}",
        instructions=text.replace("{redirectUri}", redirect_uri),
        url=options.definition.docs[0].url if options.definition.docs else options.definition.homepage,
        copy_values={"Redirect URL": redirect_uri, **origins},
    )
    return Waiting(step, poll_after_s=CHECK_EVERY_S)


def _step_lifetime(step: Step) -> timedelta:
    if isinstance(step, DeviceCodeStep):
        return min(timedelta(seconds=step.expires_in_s), _MAX_LIFETIME)
    return _MAX_LIFETIME if isinstance(step, ExternalActionStep) else timedelta()


def secret_hash(value: Secret) -> str:
    """Return the stored form of a state or browser value: SHA-256 of 256 random bits needs no salt."""
    return hashlib.sha256(value.reveal().encode()).hexdigest()


def is_same_browser(row: AuthorizationRecord, browser: Secret | None) -> bool:
    """Return whether this browser opened the authorization's start address."""
    if browser is None or row.browser_hash is None:
        return False
    return hmac.compare_digest(row.browser_hash, secret_hash(browser))


def _awaiting(step: Step) -> State:
    is_input = isinstance(step, CredentialFormStep | AccountChoiceStep)
    return State.AWAITING_INPUT if is_input else State.AWAITING_USER
