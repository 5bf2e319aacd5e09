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
from app.credentials.schedule import RENEWAL, is_time_to_renew, next_look, renewal_of
from app.credentials.snapshot import NO_CREDENTIAL, CredentialSnapshot, are_usable
from app.foundation.database import Database, Transaction
from app.foundation.errors import NotFoundError
from app.foundation.ids import new_id
from app.foundation.problems import ProblemCode
from app.foundation.together import Together
from app.work.errors import LeaseLostError
from app.work.kind import Claim
from app.work.queue import WorkQueue, WorkSnapshot

COOL_DOWN: Final = timedelta(seconds=30)
INTERRUPTED: Final = "UNKNOWN"
SUPERSEDED: Final = "SUPERSEDED"
_NO_FAILURE: Final = frozenset({None, INTERRUPTED, SUPERSEDED})
_MAX_OUTCOME: Final = 32
_UNCERTAIN: Final = (
    None,
    INTERRUPTED,
    ProblemCode.UPSTREAM_TIMEOUT.value,
    ProblemCode.UPSTREAM_UNREACHABLE.value,
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
class Other:
    """Another renewal of the same generation: one under way, or one that failed a moment ago."""

    attempt_id: str


@dataclass(frozen=True, slots=True)
class Look:
    """Credentials that are to be probed instead of renewed; they are due again already."""


@dataclass(frozen=True, slots=True)
class _Wish:
    """A wish to renew: a ``generation`` that somebody has seen, or what is due, with its ``claim``."""

    workspace_id: str
    connection_id: str
    generation: int = 0
    at_once: bool = False
    claim: Claim | None = None


@dataclass(frozen=True, slots=True)
class _Case:
    """All that there is to judge a wish by, locked; ``attempts`` are all those of the connection, oldest first."""

    locked: LockedOwner
    credential: CredentialSnapshot
    attempts: Sequence[RenewalAttemptRecord]
    standing: WorkSnapshot | None

    @property
    def past(self) -> list[RenewalAttemptRecord]:
        """The attempts at these very credentials."""
        return [attempt for attempt in self.attempts if attempt.generation == self.credential.generation]

    @property
    def open(self) -> RenewalAttemptRecord | None:
        """The attempt at these very credentials of which nobody has said what became of it."""
        return next((attempt for attempt in self.past if attempt.finished_at is None), None)


_Answer = Intent | Look | Other | NotFoundError | None


class Intents:
    """Hands out intents, one per connection at a time, over all processes of the hub.

    Those that are asked for at the same time are written in one transaction.
    """

    def __init__(self, database: Database, work: WorkQueue, owners: Owners) -> None:
        self._database = database
        self._work = work
        self._owners = owners
        self._together = Together(self._take)

    async def take(
        self, workspace_id: str, connection_id: str, seen_generation: int, *, at_once: bool
    ) -> Intent | Other | None:
        """Return an intent, another's attempt to look at, or None where a newer generation is there.

        A provider that failed less than ``COOL_DOWN`` ago is asked again only ``at_once``, or when it is due again.

        Raises:
            NotFoundError: no such connection.
            StorageBusyError: the database takes nothing now, so no token may be spent.
        """
        answer = await self._together.ask(_Wish(workspace_id, connection_id, seen_generation, at_once))
        if isinstance(answer, NotFoundError):
            raise answer
        return None if isinstance(answer, Look) else answer

    async def take_due(self, claim: Claim) -> Intent | Look | None:
        """Return an intent for due work, or that it is to be probed; None where there is nothing to do any more.

        Raises:
            LeaseLostError: the work was taken over or cancelled.
            StorageBusyError: the database takes nothing now, so no token may be spent.
        """
        answer = await self._together.ask(_Wish(claim.workspace_id, claim.subject, claim=claim))
        return answer if isinstance(answer, Intent | Look) else None

    @staticmethod
    async def outcome(other: Other) -> str | None:
        """Return what became of another's attempt: a problem's code, or None while it runs and where it is gone."""
        attempt = await RenewalAttemptRecord.filter(id=other.attempt_id).first()
        return attempt.outcome if attempt is not None else None

    async def _take(self, wishes: Sequence[_Wish]) -> list[_Answer]:
        answers: list[_Answer] = []
        granted: list[tuple[int, _Wish, _Case]] = []
        async with self._database.transaction() as tx:
            cases = await self._cases(tx, {wish.connection_id for wish in wishes})
            for number, wish in enumerate(wishes):
                case = cases.get((wish.workspace_id, wish.connection_id))
                verdict: _Case | _Answer
                if wish.claim is not None:
                    verdict = await self._judge_due(tx, wish.claim, case)
                else:
                    verdict = _judge(wish, case, tx.now)
                if isinstance(verdict, _Case):
                    granted.append((number, wish, verdict))
                answers.append(None if isinstance(verdict, _Case) else verdict)
            for number, answer in await self._grant(tx, granted):
                answers[number] = answer
        return answers

    async def _cases(self, tx: Transaction, ids: Collection[str]) -> dict[tuple[str, str], _Case]:
        """Lock connections, their credentials and their work, in this order; by workspace and connection."""
        rows = await self._owners.lock(ids)
        credentials = await find_credentials(rows, lock=True)
        attempts: dict[str, list[RenewalAttemptRecord]] = {}
        for attempt in await RenewalAttemptRecord.filter(connection_id__in=list(rows)).order_by("id"):
            attempts.setdefault(attempt.connection_id, []).append(attempt)
        standing = await self._work.lock(tx, RENEWAL, rows)
        return {
            (locked.owner.workspace_id, id_): _Case(
                locked,
                credentials.get(id_, NO_CREDENTIAL),
                attempts.get(id_, []),
                standing.get(id_),
            )
            for id_, locked in rows.items()
        }

    async def _judge_due(self, tx: Transaction, claim: Claim, case: _Case | None) -> _Case | Look | None:
        if case is None or not are_usable(case.credential):
            await self._work.finish(tx, claim)
            return None
        if not is_held(claim, case.standing):
            raise LeaseLostError(claim.id)
        owner, credential = case.locked.owner, case.credential
        if credential.can_renew and credential.lifetime_s is not None:
            has_failed = claim.failing_since is not None or case.open is not None
            if has_failed or owner.degraded_since is None or is_time_to_renew(credential, tx.now):
                return case
        await self._work.reschedule(tx, claim, next_look(owner, credential, tx.now))
        return Look()

    async def _grant(
        self, tx: Transaction, granted: Sequence[tuple[int, _Wish, _Case]]
    ) -> list[tuple[int, Intent | Other]]:
        """Claim what is not claimed yet, and write the intents down."""
        asked = [renewal_of(case.credential) for _, wish, case in granted if wish.claim is None]
        claims = await self._work.claim_with(tx, RENEWAL, asked)
        answers: list[tuple[int, Intent | Other]] = []
        for number, wish, case in granted:
            claim = wish.claim or claims.get(wish.connection_id)
            answers.append((number, _intent(claim, case) if claim is not None else Other("")))
        intents = [intent for _, intent in answers if isinstance(intent, Intent)]
        if any(case.open is not None for _, _, case in granted):
            await _close_open(tx, intents)
        if intents:
            await _write_down(tx, intents)
        return answers


def is_held(claim: Claim, standing: WorkSnapshot | None) -> bool:
    """Return whether nobody has taken a claim over, by how its work stands, locked."""
    return standing is not None and standing.is_ours and standing.fence == claim.fence


async def finish(tx: Transaction, intent: Intent, outcome: str) -> None:
    """Close an intent's attempt with its outcome, with ``tx``."""
    own: Any = RenewalAttemptRecord.filter(id=intent.attempt_id)
    await own.update(finished_at=tx.now, outcome=outcome[:_MAX_OUTCOME])


async def forget(tx: Transaction, connection_ids: Sequence[str]) -> None:  # noqa: ARG001 - joined by the models
    """Delete the attempts of connections that were renewed, with ``tx``: what became of them is told."""
    await RenewalAttemptRecord.filter(connection_id__in=connection_ids).delete()


def _judge(wish: _Wish, case: _Case | None, now: datetime) -> _Case | Other | NotFoundError | None:
    if case is None:
        return NotFoundError()
    if not case.credential.generation or case.credential.generation != wish.generation:
        return None
    if case.standing is not None and case.standing.is_leased:
        return Other(case.open.id if case.open is not None else "")
    if not wish.at_once and (failed := _failed_just_now(case, now)) is not None:
        return Other(failed.id)
    return case


def _failed_just_now(case: _Case, now: datetime) -> RenewalAttemptRecord | None:
    last = case.past[-1] if case.past else None
    if last is None or last.finished_at is None or last.outcome in _NO_FAILURE:
        return None
    until = last.finished_at + COOL_DOWN
    if case.standing is not None and case.standing.due_at is not None:
        until = min(until, case.standing.due_at)
    return last if last.finished_at <= now < until else None


def _intent(claim: Claim, case: _Case) -> Intent:
    return Intent(
        claim=claim,
        attempt_id=new_id("ren"),
        is_uncertain=any(attempt.outcome in _UNCERTAIN for attempt in case.past),
        failures=sum(attempt.outcome not in _NO_FAILURE for attempt in case.past),
        owner=case.locked.owner,
        credential=case.credential,
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
