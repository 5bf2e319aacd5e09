"""Verification: reads a chain row by row, and names the first bad row and how it is bad; pure."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from app.audit.chain import BEGINNING, Anchor, ChainRow, row_hash

_NO_ANCHORS: Final[Mapping[int, bytes]] = MappingProxyType({})


class ChainFault(StrEnum):
    """How the first bad row is bad."""

    EDITED = "EDITED"
    """The row, or what says where the chain ends, is not what was written."""
    DELETED = "DELETED"
    """The row is missing, and later ones are there."""
    REORDERED = "REORDERED"
    """The row was written, but under another number."""
    FORGED = "FORGED"
    """The row was never written by this chain."""
    TRUNCATED = "TRUNCATED"
    """The row and all that followed are missing."""
    KEY_UNKNOWN = "KEY_UNKNOWN"
    """The row names a key that is not available, so nothing can be said about it."""


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What a verification found: how many rows are good, and the first that is not."""

    workspace_id: str
    good: int
    last: Anchor
    fault: ChainFault | None = None
    first_bad_seq: int | None = None

    @property
    def is_ok(self) -> bool:
        """Whether the whole chain is what was written."""
        return self.fault is None


class ChainVerifier:
    """Checks one chain as its rows are fed in ascending order; it keeps two rows at most.

    ``keys`` are by key id. ``base`` is where the rows begin when older ones were pruned. ``anchors`` are
    hashes that a signed checkpoint vouches for, by number: without one, a truncation that also turns back the
    head is not seen.
    """

    def __init__(
        self,
        workspace_id: str,
        keys: Mapping[str, bytes],
        *,
        base: Anchor = BEGINNING,
        anchors: Mapping[int, bytes] = _NO_ANCHORS,
    ) -> None:
        self._workspace_id = workspace_id
        self._keys = keys
        self._anchors = anchors
        self._good = 0
        self._last = base
        self._bad: ChainRow | None = None
        self._next: ChainRow | None = None
        self._fault: ChainFault | None = None

    def feed(self, row: ChainRow) -> None:
        """Take the next row; behind the first bad one, rows only help to say how that one is bad."""
        if self._bad is not None:
            self._weigh(self._bad, row)
            return
        self._fault = self._judge(row)
        if self._fault is None and self._is_authentic(row):
            if self._anchors.get(row.seq, row.hash) == row.hash:
                self._last = Anchor(row.seq, row.hash)
                self._good += 1
                return
            # Authentic, but not what a checkpoint saw: rewritten with the key.
            self._fault = ChainFault.FORGED
        self._bad = row

    def finish(self, head: Anchor | None) -> ChainReport:
        """Return the report; ``head`` is what the database says of the end, read after the last row."""
        if self._bad is not None:
            return self._report(self._fault or self._class_of(self._bad, head), self._last.seq + 1)
        return self._report_end(head)

    def _judge(self, row: ChainRow) -> ChainFault | None:
        """Say what is plain from the row's number and key alone."""
        if row.seq > self._last.seq + 1:
            return ChainFault.DELETED
        if row.seq <= self._last.seq:
            return ChainFault.FORGED
        return ChainFault.KEY_UNKNOWN if row.key_id not in self._keys else None

    def _is_authentic(self, row: ChainRow) -> bool:
        return self._was_written(row, self._last.hash, row.seq) and row.prev_hash == self._last.hash

    def _was_written(self, row: ChainRow, prev_hash: bytes, seq: int) -> bool:
        try:
            expected = row_hash(self._keys[row.key_id], prev_hash, row, seq=seq)
        except TypeError:
            return False  # it holds what no row of ours ever held
        return hmac.compare_digest(expected, row.hash)

    def _weigh(self, bad: ChainRow, row: ChainRow) -> None:
        """Use a row behind the bad one: was the bad one written under this row's number?"""
        self._next = self._next or row
        if self._fault is None and self._was_written(bad, bad.prev_hash, row.seq):
            self._fault = ChainFault.REORDERED

    def _class_of(self, bad: ChainRow, head: Anchor | None) -> ChainFault:
        """Distinguish an edited row from an inserted one: the row behind that one points to what it followed."""
        if head is not None and bad.seq > head.seq:
            return ChainFault.FORGED
        is_put_in = self._next is not None and self._next.prev_hash == self._last.hash
        return ChainFault.FORGED if is_put_in else ChainFault.EDITED

    def _report_end(self, head: Anchor | None) -> ChainReport:
        reached = max([*self._anchors, head.seq if head else 0])
        if self._last.seq < reached or (head is None and self._last.seq):
            return self._report(ChainFault.TRUNCATED, self._last.seq + 1)
        if head is not None and head.seq < self._last.seq:
            return self._report(ChainFault.EDITED, head.seq + 1)
        if head is not None and head.hash != self._last.hash:
            return self._report(ChainFault.EDITED, self._last.seq)
        return self._report(None, None)

    def _report(self, fault: ChainFault | None, first_bad_seq: int | None) -> ChainReport:
        return ChainReport(self._workspace_id, self._good, self._last, fault, first_bad_seq)
