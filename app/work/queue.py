"""The queue of due work: scheduled in the transaction that makes it due, claimed by one process at a time.

The table is claimed directly and a wake-up says when. No broker carries ids: taskiq's stock brokers acknowledge
what this table knows better, and one of them lets a killed worker stop all others.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any, Final

import structlog

from app.access.actor import Actor
from app.access.policy import Permission, require
from app.foundation.clock import Clock
from app.foundation.database import Database, Transaction
from app.foundation.fields import read_moment
from app.foundation.ids import new_token
from app.foundation.places import list_places, row_places
from app.foundation.problems import Problem
from app.foundation.wakeups import Wakeups
from app.work import statements as sql
from app.work.errors import LeaseLostError
from app.work.heartbeat import CANCELLED, HEARTBEAT_S, Heartbeat
from app.work.kind import Claim, WorkKind, WorkSubject
from app.work.models import DueWorkRecord
from app.work.presence import Presence
from app.work.slots import Candidate, round_robin

_log = structlog.get_logger("patchbay.work")
SCHEDULED: Final = "work:scheduled"
HUB: Final = "hub"
LATE_AFTER: Final = timedelta(seconds=60)
_OWNER_BITS: Final = 128
_FENCE_RANGE: Final = 1 << 52
_EARLIEST: Final = 500
_OF_EACH_LANE: Final = 10


@dataclass(frozen=True, slots=True)
class WorkSnapshot:
    """One piece of work as it is now. ``last_problem`` is the code of its last failure, None where it went well.

    ``is_ours``: this process had it last, and has not ended it.
    """

    fence: int
    due_at: datetime | None
    is_leased: bool
    is_ours: bool
    attempts: int
    failing_since: datetime | None
    given_up_at: datetime | None
    last_problem: str | None


@dataclass(frozen=True, slots=True)
class KindFigures:
    """How much of one kind of work stands how. ``due`` waits to be done, ``late`` is what of it has waited for long.

    ``leased`` is being done. ``retrying`` failed and is tried again, ``given_up`` is not. ``oldest_due_at`` is since
    when the first of what waits has been due.
    """

    kind: str
    due: int
    late: int
    leased: int
    retrying: int
    given_up: int
    oldest_due_at: datetime | None


class WorkQueue:
    """Schedules, claims and ends due work. A claim's end joins the handler's own transaction.

    Which process has a claim is decided by its fence, never by a clock; the lease only says when to take over.
    What holds or ends a claim raises LeaseLostError where the work was taken over or cancelled; ``release`` does not.
    """

    def __init__(
        self,
        database: Database,
        wakeups: Wakeups,
        rng: Random | None = None,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self._database = database
        self._clock: Clock = database.clock
        self._wakeups = wakeups
        self._rng = rng or Random()  # noqa: S311 - spreads retries, guards nothing
        self._owner = new_token(_OWNER_BITS)
        self._row_lock = " FOR UPDATE" if database.dialect == "postgres" else ""
        self._presence = Presence(database)
        self.heartbeat = Heartbeat(database, wakeups, self._owner, heartbeat_s)
        self.kinds: dict[str, WorkKind] = {}

    def register(self, kind: WorkKind) -> None:
        """Say who does work of a kind.

        Raises:
            ValueError: the kind is registered already.
        """
        if kind.name in self.kinds:
            raise ValueError(f"work of the kind {kind.name!r} is done by somebody already")
        self.kinds[kind.name] = kind

    async def open(self) -> None:
        """Begin to live: what an embedded hub that died had claimed is free at once if no other process lives."""
        if self._presence.is_alone():
            freed = await self._database.rows(sql.RELEASE_THE_DEAD)
            if freed:
                _log.warning("work that a dead process had claimed is free again", count=len(freed))
        await self._presence.share()

    async def close(self) -> None:
        """Keep no lease any more."""
        await self.heartbeat.stop()
        self._presence.leave()

    # -- scheduling

    async def schedule(
        self,
        tx: Transaction,
        kind: str,
        subject: str,
        workspace_id: str,
        due_at: datetime,
        *,
        share: str | None = None,
        keep_earlier: bool = False,
    ) -> None:
        """Make work due with ``tx``; what is due now begins right after the commit.

        It begins anew: earlier failures are forgotten. With ``keep_earlier`` an earlier time stays, and failures too.
        Work that runs meanwhile is due again when it ends. ``share`` is served fairly within a workspace, such as
        an application; it is the workspace itself unless stated.
        """
        await self._database.rows(
            sql.SCHEDULE + (sql.EARLIER if keep_earlier else sql.ANEW),
            *_begun(kind, WorkSubject(subject, workspace_id, share)),
            due_at,
            tx.now,
        )
        if due_at <= tx.now:
            tx.after_commit(partial(self._wakeups.notify, SCHEDULED))

    async def replace(
        self,
        tx: Transaction,
        kind: str,
        due: Sequence[tuple[WorkSubject, datetime]],
        ended: Sequence[Claim] = (),
    ) -> None:
        """Make work due anew with ``tx`` whatever became of it before; a process that holds it has lost it.

        ``ended`` are this process's own claims among it.
        """
        if due:
            in_order = sorted(due, key=lambda each: each[0].id)
            rows = [(*_begun(kind, subject), due_at) for subject, due_at in in_order]
            places, values = row_places(rows, 1, sql.REPLACE_ROW)
            await self._database.rows(sql.REPLACE.format(rows=places), tx.now, *values)
        for claim in ended:
            tx.after_commit(partial(self.heartbeat.drop, claim))

    async def cancel(self, tx: Transaction, kind: str, *subjects: str) -> int:
        """Forget work with ``tx``, also while somebody does it: its claimer is notified, and can write nothing more.

        Return how much there was.
        """
        ids = [_id(kind, subject) for subject in subjects]
        gone = await DueWorkRecord.filter(id__in=ids).delete()
        if gone:
            tx.after_commit(partial(self._wakeups.notify, CANCELLED))
        return gone

    # -- claiming

    async def find_due(
        self, kinds: Sequence[str], full: Sequence[tuple[str, str]], limit: int
    ) -> list[Candidate]:
        """Return what is due and free, round-robin over workspaces and their shares.

        Where more is due than is read, the first of every workspace and share are among it all the same.
        ``kinds`` are the wanted ones; the shares in ``full``, each with its kind, are left out.
        """
        now = self._clock.now()
        wanted = f'"kind" IN {list_places(kinds, 3)}'
        places, left_out = row_places(full, 3 + len(kinds))
        if full:
            wanted += f' AND ("kind", "share") NOT IN (VALUES {places})'

        async def found(statement: str, most: int) -> list[Candidate]:
            values = (now, sql.horizon(now), most, *kinds, *left_out)
            rows = await self._database.rows(statement.format(wanted=wanted), *values)
            return [Candidate(**row) for row in rows]

        due = await found(sql.FIND_DUE, _EARLIEST)
        if len(due) < _EARLIEST:
            return round_robin(due)[:limit]
        firsts = await found(sql.FIRSTS[self._database.dialect], _OF_EACH_LANE)
        return round_robin([*due, *firsts], _OF_EACH_LANE)[:limit]

    async def claim(self, candidates: Sequence[Candidate]) -> list[Claim]:
        """Claim what of the candidates is still due and free."""
        if not candidates:
            return []
        now = self._clock.now()
        ids = [candidate.id for candidate in candidates]
        among = list_places(ids, 4)
        if self._database.dialect == "postgres":
            among = sql.UNLOCKED.format(ids=among)
        values = (now, sql.horizon(now), self._owner, now + sql.LEASE_FOR, *ids)
        rows = await self._database.rows(sql.CLAIM.format(ids=among), *values)
        found = {row["id"]: _claim_of(row) for row in rows}
        for claim in found.values():
            self.heartbeat.hold(claim)
        return [found[work_id] for work_id in ids if work_id in found]

    async def claim_with(self, tx: Transaction, kind: str, wanted: Sequence[WorkSubject]) -> dict[str, Claim]:
        """Claim with ``tx`` what is free of what somebody wants done now, due or not, scheduled or not; by subject.

        It is kept from the commit on. If this process dies, it is due once the lease has run out.
        """
        if not wanted:
            return {}
        in_order = sorted(wanted, key=lambda each: each.id)
        places, named = row_places([_begun(kind, each) for each in in_order], 4, sql.CLAIM_NAMED_ROW)
        values = (tx.now, sql.horizon(tx.now), self._owner, tx.now + sql.LEASE_FOR, *named)
        rows = await self._database.rows(sql.CLAIM_NAMED.format(rows=places), *values)
        claims = [_claim_of(row) for row in rows]
        for claim in claims:
            tx.after_commit(partial(self.heartbeat.hold, claim))
        return {claim.subject: claim for claim in claims}

    async def lock(self, tx: Transaction, kind: str, subjects: Collection[str]) -> dict[str, WorkSnapshot]:
        """Lock work in ``tx`` and return by subject its state: nobody can claim or end it before the commit."""
        if not subjects:
            return {}
        ids = [_id(kind, subject) for subject in subjects]
        rows = await self._database.rows(sql.READ.format(ids=list_places(ids)) + self._row_lock, *ids)
        return {row["subject"]: _snapshot(row, self._owner, tx.now) for row in rows}

    async def overview(self, actor: Actor) -> list[KindFigures]:
        """Return how the work of the actor's workspace stands, and the hub's own, by kind; kinds without any left out.

        Raises:
            PermissionDeniedError: the actor may not see background work.
        """
        require(actor, Permission.WORK_READ)
        now = self._clock.now()
        values = (now, sql.horizon(now), now - LATE_AFTER, actor.workspace_id, HUB)
        found = await self._database.rows(sql.FIGURES, *values)
        return [KindFigures(**{**row, "oldest_due_at": read_moment(row["oldest_due_at"])}) for row in found]

    # -- ending

    async def hold(self, tx: Transaction, claim: Claim) -> None:  # noqa: ARG002 - the statement joins it
        """Let ``tx`` commit only what the present claimer writes: nobody can claim it before the commit."""
        holding, held = self.holding(claim)
        if not await self._database.rows(holding, *held):
            raise LeaseLostError(claim.id)

    def holding(self, claim: Claim) -> tuple[str, tuple[object, ...]]:
        """Return a query that finds a row exactly while the claim is not lost, and its values ``$1``, ``$2``, ``$3``.

        A statement that writes what this query finds a row for needs no transaction to be fenced.
        """
        return sql.HOLD + self._row_lock, (claim.id, claim.fence, self._owner)

    async def finish(self, tx: Transaction, claim: Claim) -> None:
        """End the work with ``tx``: it is done, unless it was scheduled again meanwhile."""
        await self._finish(claim)
        tx.after_commit(partial(self.heartbeat.drop, claim))

    async def reschedule(self, tx: Transaction, claim: Claim, due_at: datetime) -> None:
        """End the claim with ``tx``: it went well, and is due again at ``due_at``."""
        await self._reschedule(claim, due_at, tx.now)
        tx.after_commit(partial(self.heartbeat.drop, claim))

    async def fail(
        self, tx: Transaction, claim: Claim, problem: Problem, *, due_at: datetime | None = None
    ) -> bool:
        """End the claim with ``tx``: it failed; return whether it was given up.

        It is due again at ``due_at``, or after its kind's wait.
        """
        # It may have been noted before the clock was set back.
        since = min(claim.failing_since or tx.now, tx.now)
        code = problem.code.value
        is_given_up = False
        due_at = due_at or self._next_try(claim, problem, since, tx.now)
        if due_at is not None:
            await self._update_held(claim, sql.FAIL, due_at, tx.now, since, code)
        else:
            row = await self._update_held(claim, sql.GIVE_UP, tx.now, since, code)
            is_given_up = row["given_up_at"] is not None
            on_give_up = self.kinds[claim.kind].on_give_up
            if is_given_up and on_give_up is not None:
                await on_give_up(tx, claim)
        tx.after_commit(partial(self.heartbeat.drop, claim))
        return is_given_up

    def _next_try(self, claim: Claim, problem: Problem, since: datetime, now: datetime) -> datetime | None:
        """Return when work that has failed since ``since`` is due again; None where it is to be given up."""
        kind = self.kinds[claim.kind]
        last_at = kind.ends_at(claim, since)
        if last_at is not None and last_at <= now:
            return None
        next_at = now + timedelta(seconds=kind.wait_s(claim.attempts, problem.retry_after_s, self._rng))
        return next_at if last_at is None else min(next_at, last_at)

    async def end(self, claim: Claim, due_at: datetime | None) -> None:
        """End a claim that went well in a transaction of its own: done, or due again at ``due_at``."""
        if due_at is None:
            await self._finish(claim)
        else:
            await self._reschedule(claim, due_at, self._clock.now())
        self.heartbeat.drop(claim)

    async def put_off(self, claim: Claim, pause_s: float) -> None:
        """Give a claim back untried, for ``pause_s``: too many processes died with it."""
        now = self._clock.now()
        await self._update_held(claim, sql.PUT_OFF, now + timedelta(seconds=pause_s), now)
        self.heartbeat.drop(claim)

    async def release(self, claim: Claim) -> None:
        """Release a claim untried: another process may begin at once."""
        self.heartbeat.drop(claim)
        if await self._database.rows(sql.RELEASE, claim.id, claim.fence, self._owner):
            await self._wakeups.notify(SCHEDULED)

    async def _finish(self, claim: Claim) -> None:
        if not await self._database.rows(sql.FINISH, claim.id, claim.fence, self._owner):
            await self._update_held(claim, sql.END_LEASE)  # it was scheduled again meanwhile, or it is lost

    async def _reschedule(self, claim: Claim, due_at: datetime, now: datetime) -> None:
        await self._update_held(claim, sql.RESCHEDULE, due_at, now)

    async def _update_held(self, claim: Claim, statement: str, *values: object) -> dict[str, Any]:
        rows = await self._database.rows(statement, claim.id, claim.fence, self._owner, *values)
        if not rows:
            raise LeaseLostError(claim.id)
        return rows[0]

    # -- upkeep

    async def prune(self, kept_for: timedelta) -> int:
        """Forget what was given up longer than ``kept_for`` ago; return how much."""
        with self._database.bind():
            return await DueWorkRecord.filter(given_up_at__lt=self._clock.now() - kept_for).delete()

    async def after_clock_change(self) -> int:
        """Make due what was scheduled by a clock that has been set back since; return how much.

        How long it was to wait is not known any more: its handler checks again, and schedules it anew.
        """
        now = self._clock.now()
        found = await self._database.rows(sql.CLOCK_WAS_SET_BACK, now, now + sql.CLOCK_SKEW)
        if found:
            _log.warning("the clock was set back: work that it puts off is due now", count=len(found))
        return len(found)


def _id(kind: str, subject: str) -> str:
    return f"{kind}:{subject}"


def _begun(kind: str, subject: WorkSubject) -> tuple[object, ...]:
    """Return what a new row begins with.

    Its fence starts where no claim of a former row of this name has been.
    """
    share = subject.share or subject.workspace_id
    lane = f"{kind}/{subject.workspace_id}/{share}"
    fence = secrets.randbelow(_FENCE_RANGE)
    return (_id(kind, subject.id), kind, subject.id, subject.workspace_id, share, lane, fence)


def _claim_of(row: dict[str, Any]) -> Claim:
    since = read_moment(row["failing_since"])
    return Claim(**{**row, "failing_since": since})


def _snapshot(row: dict[str, Any], owner: str, now: datetime) -> WorkSnapshot:
    until = read_moment(row["lease_until"])
    return WorkSnapshot(
        fence=row["fence"],
        due_at=read_moment(row["due_at"]),
        is_leased=until is not None and now < until <= sql.horizon(now),
        is_ours=row["lease_owner"] == owner,
        attempts=row["attempts"],
        failing_since=read_moment(row["failing_since"]),
        given_up_at=read_moment(row["given_up_at"]),
        last_problem=row["last_problem"],
    )
