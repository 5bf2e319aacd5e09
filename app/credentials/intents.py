"""Intents to renew: the right to renew one generation, claimed and written down in one transaction before the call.

An intent outlives a crash: an open one means that nobody knows whether the provider used the refresh token up.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from app.credentials.models import RenewalAttemptRecord
from app.credentials.owner import CredentialOwner, LockedOwner, Owners
from app.credentials.rows import find_credentials
from app.credentials.schedule import RENEWAL, is_time_to_renew, next_check, renewal_of
from app.credentials.snapshot import NO_CREDENTIAL, CredentialSnapshot, are_usable
from app.foundation.batcher import Batcher
from app.foundation.database import Database, Transaction
from app.foundation.errors import NotFoundError
from app.foundation.ids import new_id
from app.foundation.problems import Problem, ProblemCode, problem_from_json
from app.work.errors import LeaseLostError
from app.work.kind import Claim
from app.work.queue import WorkQueue, WorkSnapshot

COOL_DOWN: Final = timedelta(seconds=30)
INTERRUPTED: Final = "UNKNOWN"
SUPERSEDED: Final = "SUPERSEDED"
NO_FAILURE: Final = frozenset({None, INTERRUPTED, SUPERSEDED})
_MAX_OUTCOME: Final = 32
_UNCERTAIN: Final = (
    None,
    INTERRUPTED,
    ProblemCode.UPSTREAM_TIMEOUT.value,
    ProblemCode.UPSTREAM_UNREACHABLE.value,
    ProblemCode.UPSTREAM_CUT_OFF.value,
    ProblemCode.UPSTREAM_UNAVAILABLE.value,
    ProblemCode.UPSTREAM_BAD_RESPONSE.value,
    ProblemCode.TOKEN_RESPONSE_INVALID.value,
)
"""Outcomes after which the provider may have used the refresh token up, although no new one came back."""


@dataclass(frozen=True, slots=True)
class Intent:
    """The right to renew one generation while ``claim`` is held; connection and credentials are as it was written.

    ``is_uncertain``: an earlier attempt at these very credentials may have used their refresh token up. ``failures``
    counts the earlier ones that failed.
    """

    claim: Claim
    attempt_id: str
    is_uncertain: bool
    failures: int
    owner: CredentialOwner
    credential: CredentialSnapshot

    @property
    def generation(self) -> int:
        """The generation to renew."""
        return self.credential.generation

    def is_of(self, credential: CredentialSnapshot) -> bool:
        """Return whether these are still the very credentials it was written for; a new grant may reuse the number."""
        seen = self.credential
        return (credential.generation, credential.sealed_at) == (seen.generation, seen.sealed_at)


@dataclass(frozen=True, slots=True)
class AttemptOutcome:
    """What became of an attempt: a problem's code or one of ``NO_FAILURE``, and the problem as it was."""

    code: str
    problem: Problem | None


@dataclass(frozen=True, slots=True)
class OtherAttempt:
    """Another renewal of the same generation: one under way, or one that failed a moment ago."""

    attempt_id: str


@dataclass(frozen=True, slots=True)
class ProbeInstead:
    """Credentials that are to be probed instead of renewed; they are due again already."""


@dataclass(frozen=True, slots=True)
class _IntentRequest:
    """A request to renew: a ``generation`` that somebody has seen, or what is due, with its ``claim``."""

    workspace_id: str
    connection_id: str
    generation: int = 0
    at_once: bool = False
    claim: Claim | None = None


@dataclass(frozen=True, slots=True)
class _LockedState:
    """The locked state that a request is judged by; ``attempts`` are all those of the connection, oldest first."""

    locked: LockedOwner
    credential: CredentialSnapshot
    attempts: Sequence[RenewalAttemptRecord]
    work: WorkSnapshot | None

    @property
    def past(self) -> list[RenewalAttemptRecord]:
        """The attempts at these very credentials."""
        return [attempt for attempt in self.attempts if attempt.generation == self.credential.generation]

    @property
    def open(self) -> RenewalAttemptRecord | None:
        """The attempt at these very credentials of which nobody has said what became of it."""
        return next((attempt for attempt in self.past if attempt.finished_at is None), None)


_Answer = Intent | ProbeInstead | OtherAttempt | NotFoundError | None


class Intents:
    """Grants intents, one per connection at a time, over all processes of the hub.

    Requests that arrive at the same time are written in one transaction.
    """

    def __init__(self, database: Database, work: WorkQueue, owners: Owners) -> None:
        self._database = database
        self._work = work
        self._owners = owners
        self._batcher = Batcher(self._acquire)

    async def acquire(
        self, workspace_id: str, connection_id: str, seen_generation: int, *, at_once: bool
    ) -> Intent | OtherAttempt | None:
        """Return an intent, another's attempt to wait for, or None where a newer generation is there.

        A provider that failed less than ``COOL_DOWN`` ago is asked again only ``at_once``, or when it is due again.

        Raises:
            NotFoundError: no such connection.
            StorageBusyError: the database takes nothing now, so no token may be spent.
        """
        answer = await self._batcher.submit(
            _IntentRequest(workspace_id, connection_id, seen_generation, at_once)
        )
        if isinstance(answer, NotFoundError):
            raise answer
        return None if isinstance(answer, ProbeInstead) else answer

    async def acquire_due(self, claim: Claim) -> Intent | ProbeInstead | None:
        """Return an intent for due work, or that it is to be probed; None where there is nothing to do any more.

        Raises:
            LeaseLostError: the work was taken over or cancelled.
            StorageBusyError: the database takes nothing now, so no token may be spent.
        """
        answer = await self._batcher.submit(_IntentRequest(claim.workspace_id, claim.subject, claim=claim))
        return answer if isinstance(answer, Intent | ProbeInstead) else None

    @staticmethod
    async def outcome(other: OtherAttempt) -> AttemptOutcome | None:
        """Return what became of another's attempt; None while it runs and where it is gone."""
        attempt = await RenewalAttemptRecord.filter(id=other.attempt_id).first()
        if attempt is None or attempt.outcome is None:
            return None
        return AttemptOutcome(attempt.outcome, problem_from_json(attempt.problem))

    async def _acquire(self, requests: Sequence[_IntentRequest]) -> list[_Answer]:
        answers: list[_Answer] = []
        granted: list[tuple[int, _IntentRequest, _LockedState]] = []
        async with self._database.transaction() as tx:
            states = await self._lock_states(tx, {request.connection_id for request in requests})
            for number, request in enumerate(requests):
                state = states.get((request.workspace_id, request.connection_id))
                verdict: _LockedState | _Answer
                if request.claim is not None:
                    verdict = await self._judge_due(tx, request.claim, state)
                else:
                    verdict = _judge(request, state, tx.now)
                if isinstance(verdict, _LockedState):
                    granted.append((number, request, verdict))
                answers.append(None if isinstance(verdict, _LockedState) else verdict)
            for number, answer in await self._grant(tx, granted):
                answers[number] = answer
        return answers

    async def _lock_states(
        self, tx: Transaction, ids: Collection[str]
    ) -> dict[tuple[str, str], _LockedState]:
        """Lock connections, their credentials and their work, in this order; by workspace and connection."""
        rows = await self._owners.lock(ids)
        credentials = await find_credentials(rows, lock=True)
        attempts: dict[str, list[RenewalAttemptRecord]] = {}
        for attempt in await RenewalAttemptRecord.filter(connection_id__in=list(rows)).order_by("id"):
            attempts.setdefault(attempt.connection_id, []).append(attempt)
        work = await self._work.lock(tx, RENEWAL, rows)
        return {
            (locked.owner.workspace_id, id_): _LockedState(
                locked,
                credentials.get(id_, NO_CREDENTIAL),
                attempts.get(id_, []),
                work.get(id_),
            )
            for id_, locked in rows.items()
        }

    async def _judge_due(
        self, tx: Transaction, claim: Claim, state: _LockedState | None
    ) -> _LockedState | ProbeInstead | None:
        if state is None or not are_usable(state.credential):
            await self._work.finish(tx, claim)
            return None
        if not is_held(claim, state.work):
            raise LeaseLostError(claim.id)
        owner, credential = state.locked.owner, state.credential
        if credential.can_renew and credential.lifetime_s is not None:
            has_failed = claim.failing_since is not None or state.open is not None
            if has_failed or owner.degraded_since is None or is_time_to_renew(credential, tx.now):
                return state
        await self._work.reschedule(tx, claim, next_check(owner, credential, tx.now))
        return ProbeInstead()

    async def _grant(
        self, tx: Transaction, granted: Sequence[tuple[int, _IntentRequest, _LockedState]]
    ) -> list[tuple[int, Intent | OtherAttempt]]:
        """Claim what is not claimed yet, and write the intents down."""
        unclaimed = [renewal_of(state.credential) for _, request, state in granted if request.claim is None]
        claims = await self._work.claim_with(tx, RENEWAL, unclaimed)
        answers: list[tuple[int, Intent | OtherAttempt]] = []
        for number, request, state in granted:
            claim = request.claim or claims.get(request.connection_id)
            answers.append((number, _intent(claim, state) if claim is not None else OtherAttempt("")))
        intents = [intent for _, intent in answers if isinstance(intent, Intent)]
        if any(state.open is not None for _, _, state in granted):
            await _close_open(tx, intents)
        if intents:
            await _write_down(tx, intents)
        return answers


def is_held(claim: Claim, work: WorkSnapshot | None) -> bool:
    """Return whether nobody has taken a claim over, by how its work stands, locked."""
    return work is not None and work.is_ours and work.fence == claim.fence


async def finish(tx: Transaction, intent: Intent, outcome: str, fault: Problem | None = None) -> None:
    """Close an intent's attempt with its outcome and the problem that it was, with ``tx``."""
    own: Any = RenewalAttemptRecord.filter(id=intent.attempt_id)
    said = fault.to_json() if fault is not None else None
    await own.update(finished_at=tx.now, outcome=outcome[:_MAX_OUTCOME], problem=said)


async def forget(tx: Transaction, connection_ids: Sequence[str]) -> None:  # noqa: ARG001 - joined by the models
    """Delete the attempts of connections that were renewed, with ``tx``: their outcomes are recorded."""
    await RenewalAttemptRecord.filter(connection_id__in=connection_ids).delete()


def _judge(
    request: _IntentRequest, state: _LockedState | None, now: datetime
) -> _LockedState | OtherAttempt | NotFoundError | None:
    if state is None:
        return NotFoundError()
    if not state.credential.generation or state.credential.generation != request.generation:
        return None
    if state.work is not None and state.work.is_leased:
        return OtherAttempt(state.open.id if state.open is not None else "")
    if not request.at_once and (failed := _failed_just_now(state, now)) is not None:
        return OtherAttempt(failed.id)
    return state


def _failed_just_now(state: _LockedState, now: datetime) -> RenewalAttemptRecord | None:
    last = state.past[-1] if state.past else None
    if last is None or last.finished_at is None or last.outcome in NO_FAILURE:
        return None
    until = last.finished_at + COOL_DOWN
    if state.work is not None and state.work.due_at is not None:
        until = min(until, state.work.due_at)
    return last if last.finished_at <= now < until else None


def _intent(claim: Claim, state: _LockedState) -> Intent:
    return Intent(
        claim=claim,
        attempt_id=new_id("ren"),
        is_uncertain=any(attempt.outcome in _UNCERTAIN for attempt in state.past),
        failures=sum(attempt.outcome not in NO_FAILURE for attempt in state.past),
        owner=state.locked.owner,
        credential=state.credential,
    )


async def _close_open(tx: Transaction, intents: Sequence[Intent]) -> None:
    interrupted = RenewalAttemptRecord.filter(
        connection_id__in=[intent.owner.id for intent in intents], finished_at=None
    )
    await interrupted.update(finished_at=tx.now, outcome=INTERRUPTED)


async def _write_down(tx: Transaction, intents: Sequence[Intent]) -> None:
    await RenewalAttemptRecord.bulk_create(
        [
            RenewalAttemptRecord(
                id=intent.attempt_id,
                workspace_id=intent.owner.workspace_id,
                connection_id=intent.owner.id,
                generation=intent.generation,
                started_at=tx.now,
            )
            for intent in intents
        ]
    )
