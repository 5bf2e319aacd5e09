"""The audit log: entries written by the transaction that they record, one keyed chain per workspace."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from app.access.actor import Actor
from app.access.policy import Permission, require
from app.audit.append import append
from app.audit.chain import ChainRow, key_id_of
from app.audit.entry import AuditTarget, Detail, EntryOutcome, draft
from app.audit.reading import DEFAULT_SIZE, EVERY_ENTRY, AuditFilter, entries_page
from app.audit.rows import chains, head_of, rows_after
from app.audit.uses import SecretUses
from app.audit.verify import ChainReport, ChainVerifier
from app.foundation.database import AUDIT_ORDER, Database, Transaction
from app.foundation.errors import NotFoundError
from app.foundation.pages import Page, PageRequest

__all__ = ["AuditFilter", "AuditLog", "AuditTarget"]

SystemKeySource = Callable[[], Awaitable[bytes]]
_BUFFER: Final = "audit.log"
_READ: Final = 2_000
_NEWEST: Final = PageRequest(first=DEFAULT_SIZE)
_NO_DETAIL: Final[Detail] = MappingProxyType({})
_NO_ANCHORS: Final[Mapping[str, Mapping[int, bytes]]] = MappingProxyType({})


class AuditLog:
    """Append-only: what happened is recorded with it or does not happen. It never stores a secret.

    ``key_of`` gives the 32-byte key of the chains. It is asked once, by the first entry inside its transaction: there
    it must not open another one.
    """

    def __init__(self, database: Database, key_of: SystemKeySource) -> None:
        self._database = database
        self._key_of = key_of
        self._key: bytes | None = None
        self._uses = SecretUses(database, self._write)

    def record(
        self,
        tx: Transaction,
        actor: Actor,
        action: str,
        target: AuditTarget,
        *,
        outcome: EntryOutcome = "OK",
        detail: Detail = _NO_DETAIL,
    ) -> None:
        """Record with ``tx`` what ``actor`` did to ``target``; a rollback leaves nothing of it.

        Raises:
            TypeError, ValueError: the action or the detail is not one that an entry may hold.
        """
        self._write(tx, draft(tx.now, actor, action, target, outcome, detail))

    async def record_alone(
        self,
        actor: Actor,
        action: str,
        target: AuditTarget,
        *,
        outcome: EntryOutcome = "DENIED",
        detail: Detail = _NO_DETAIL,
    ) -> None:
        """Record in a transaction of its own what was tried and changed nothing."""
        async with self._database.transaction() as tx:
            self.record(tx, actor, action, target, outcome=outcome, detail=detail)

    async def count_use(self, actor: Actor, connection_id: str, purpose: str) -> None:
        """Count one use of a connection's secrets; durable when it returns, an entry after the minute."""
        await self._uses.count(actor, connection_id, purpose)

    async def close_minutes(self) -> int:
        """Write the entries of the minutes that are over; return how many. A sweep calls it."""
        return await self._uses.close_minutes()

    async def entries(
        self, actor: Actor, wanted: AuditFilter = EVERY_ENTRY, page: PageRequest = _NEWEST
    ) -> Page[ChainRow]:
        """Return a page of the actor's workspace, newest first; ``total`` is known where nothing is filtered.

        Raises:
            PermissionDeniedError: the actor may not read the audit log.
            InvalidInputError: a cursor is not one that this list gave out.
        """
        require(actor, Permission.AUDIT_READ)
        with self._database.bind():
            return await entries_page(actor.workspace_id, wanted, page)

    async def entry(self, actor: Actor, entry_id: str) -> ChainRow:
        """Return one entry of the actor's workspace.

        Raises:
            PermissionDeniedError: the actor may not read the audit log.
            NotFoundError: there is none with this id.
        """
        found = await self.entries(actor, AuditFilter(ids=frozenset({entry_id})), PageRequest(first=1))
        if not found.items:
            raise NotFoundError
        return found.items[0]

    async def verify(
        self,
        workspace_id: str | None = None,
        *,
        old_keys: Iterable[bytes] = (),
        anchors: Mapping[str, Mapping[int, bytes]] = _NO_ANCHORS,
    ) -> list[ChainReport]:
        """Verify one chain, or all, row by row; writers may go on meanwhile.

        ``old_keys`` are keys of former times. ``anchors`` are, by workspace and number, the hashes that
        signed checkpoints vouch for.
        """
        keys = {key_id_of(key): key for key in (await self._ready_key(), *old_keys)}
        known = {*await chains(self._database), *anchors}
        wanted = sorted(known) if workspace_id is None else [workspace_id]
        return [await self._verify(each, keys, anchors.get(each, {})) for each in wanted]

    async def _verify(
        self, workspace_id: str, keys: Mapping[str, bytes], anchors: Mapping[int, bytes]
    ) -> ChainReport:
        verifier = ChainVerifier(workspace_id, keys, anchors=anchors)
        seq = 0
        while True:
            # The head before the rows: what it names must then be among them.
            head = await head_of(self._database, workspace_id)
            rows = await rows_after(self._database, workspace_id, seq, _READ)
            if not rows:
                return verifier.finish(head)
            for row in rows:
                verifier.feed(row)
            seq = rows[-1].seq

    async def last_recorded(self, actions: Collection[str]) -> dict[str, ChainRow]:
        """Return, by the target's id, the newest row of all chains that records one of ``actions``.

        Whether the rows are genuine :meth:`verify` says; what stands in them is taken as it is.
        """
        found: dict[str, ChainRow] = {}
        for workspace_id in await chains(self._database):
            seq = 0
            while rows := await rows_after(self._database, workspace_id, seq, _READ):
                found.update({row.target_id: row for row in rows if row.action in actions})
                seq = rows[-1].seq
        return found

    def _write(self, tx: Transaction, entry: ChainRow) -> None:
        tx.state.setdefault(_BUFFER, []).append(entry)
        tx.before_commit(AUDIT_ORDER, _BUFFER, self._flush)

    async def _flush(self, tx: Transaction) -> None:
        key = await self._ready_key()
        by_workspace: dict[str, list[ChainRow]] = {}
        for entry in tx.state.pop(_BUFFER):
            by_workspace.setdefault(entry.workspace_id, []).append(entry)
        # One order for all transactions, so that no two wait for each other.
        for workspace_id in sorted(by_workspace):
            await append(tx, key, workspace_id, by_workspace[workspace_id])

    async def _ready_key(self) -> bytes:
        if self._key is None:
            self._key = await self._key_of()
        return self._key
