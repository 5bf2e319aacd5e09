"""Slots: how much one process does at once, so that nobody's backlog holds up anybody else. Figures only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from app.work.kind import Claim, WorkKind

_SHARE_KEPT_FREE: Final = 8


@dataclass(frozen=True, slots=True)
class Candidate:
    """A piece of work that was due and free when it was read."""

    id: str
    kind: str
    workspace_id: str
    share: str


def round_robin(due: Iterable[Candidate], most: int | None = None) -> list[Candidate]:
    """Return what is due, earliest first, round-robin over kinds, in each over workspaces, in each over shares.

    Of each share come ``most``, each only once.
    """
    kinds: dict[str, dict[str, dict[str, dict[str, Candidate]]]] = {}
    for each in due:
        share = kinds.setdefault(each.kind, {}).setdefault(each.workspace_id, {}).setdefault(each.share, {})
        if most is None or len(share) < most:
            share.setdefault(each.id, each)
    return _one_of_each(
        _one_of_each(
            _one_of_each(list(share.values()) for share in shares.values()) for shares in of_kind.values()
        )
        for of_kind in kinds.values()
    )


def _one_of_each(queues: Iterable[list[Candidate]]) -> list[Candidate]:
    return [each for round_ in zip_longest(*queues) for each in round_ if each is not None]


class Slots:
    """The slots of one process, by kind, by share, and by workspace.

    The last of a kind's slots are kept for workspaces of which nothing runs.
    """

    def __init__(self, kinds: Mapping[str, WorkKind]) -> None:
        self._kinds = kinds
        self._in_use: Counter[tuple[str, ...]] = Counter()

    def open_kinds(self) -> list[str]:
        """Return the kinds that have a free slot."""
        return [kind.name for kind in self._kinds.values() if self._in_use[(kind.name,)] < kind.at_once]

    def full_shares(self) -> list[tuple[str, str]]:
        """Return the kind and name of each share that has no free slot."""
        return [
            (place[1], place[2])
            for place, count in self._in_use.items()
            if place[0] == "share" and count >= (self._kinds[place[1]].at_once_per_share or count + 1)
        ]

    def choose(self, candidates: Iterable[Candidate]) -> list[Candidate]:
        """Return which of the candidates have a slot, in their order, each counted in the slot it would use."""
        chosen = []
        for candidate in candidates:
            if self._has_slot(candidate):
                chosen.append(candidate)
                self._count(candidate, 1)
        for candidate in chosen:
            self._count(candidate, -1)
        return chosen

    def acquire(self, claim: Claim) -> None:
        """Use a slot."""
        self._count(claim, 1)

    def release(self, claim: Claim) -> None:
        """Free a slot."""
        self._count(claim, -1)

    def _has_slot(self, candidate: Candidate) -> bool:
        kind = self._kinds[candidate.kind]
        free = kind.at_once - self._in_use[(kind.name,)]
        if self._in_use["workspace", kind.name, candidate.workspace_id]:
            free -= kind.at_once // _SHARE_KEPT_FREE
        of_share = self._in_use["share", kind.name, candidate.share]
        return free > 0 and of_share < (kind.at_once_per_share or kind.at_once)

    def _count(self, work: Candidate | Claim, number: int) -> None:
        for place in (
            (work.kind,),
            ("share", work.kind, work.share),
            ("workspace", work.kind, work.workspace_id),
        ):
            self._in_use[place] += number
            if not self._in_use[place]:
                del self._in_use[place]
