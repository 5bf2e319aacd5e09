"""Places: how much one process does at once, so that nobody's backlog holds up anybody else. Figures only."""

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
    """A piece of work that was due and free when it was looked for."""

    id: str
    kind: str
    workspace_id: str
    share: str


def in_turns(due: Iterable[Candidate], most: int | None = None) -> list[Candidate]:
    """Return what is due, earliest first, in turns: of each kind, in it of each workspace, in it of each share.

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
    return [each for turn in zip_longest(*queues) for each in turn if each is not None]


class Places:
    """The places of one process, by kind, by share, and by workspace.

    The last of a kind's places are kept for workspaces of which nothing runs.
    """

    def __init__(self, kinds: Mapping[str, WorkKind]) -> None:
        self._kinds = kinds
        self._taken: Counter[tuple[str, ...]] = Counter()

    def open_kinds(self) -> list[str]:
        """Return the kinds that have a place left."""
        return [kind.name for kind in self._kinds.values() if self._taken[(kind.name,)] < kind.at_once]

    def full_shares(self) -> list[tuple[str, str]]:
        """Return the kind and name of each share that has no place left."""
        return [
            (place[1], place[2])
            for place, count in self._taken.items()
            if place[0] == "share" and count >= (self._kinds[place[1]].at_once_per_share or count + 1)
        ]

    def choose(self, candidates: Iterable[Candidate]) -> list[Candidate]:
        """Return which of the candidates have a place, in their order, each in the place it would take."""
        chosen = []
        for candidate in candidates:
            if self._has_place(candidate):
                chosen.append(candidate)
                self._count(candidate, 1)
        for candidate in chosen:
            self._count(candidate, -1)
        return chosen

    def take(self, claim: Claim) -> None:
        """Take a place."""
        self._count(claim, 1)

    def leave(self, claim: Claim) -> None:
        """Give a place back."""
        self._count(claim, -1)

    def _has_place(self, candidate: Candidate) -> bool:
        kind = self._kinds[candidate.kind]
        free = kind.at_once - self._taken[(kind.name,)]
        if self._taken["workspace", kind.name, candidate.workspace_id]:
            free -= kind.at_once // _SHARE_KEPT_FREE
        of_share = self._taken["share", kind.name, candidate.share]
        return free > 0 and of_share < (kind.at_once_per_share or kind.at_once)

    def _count(self, work: Candidate | Claim, number: int) -> None:
        for place in (
            (work.kind,),
            ("share", work.kind, work.share),
            ("workspace", work.kind, work.workspace_id),
        ):
            self._taken[place] += number
            if not self._taken[place]:
                del self._taken[place]
