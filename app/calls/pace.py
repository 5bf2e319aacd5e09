"""How fast calls may follow each other under a definition's documented limits; decisions only."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Final

from app.catalog.definition import Limit
from app.foundation.errors import TransientOutsideError

MAX_KEPT: Final = 20_000


class HeldBackError(TransientOutsideError):
    """One of the hub's own calls that would wait too long; nothing was opened or sent."""


class Pace:
    """Counts the calls of each connection against the limits, and keeps to a provider's own "not before".

    Half of a limit may be used in one burst, the other half comes evenly: so no window of its length ever holds
    more calls than it allows (the generic cell rate algorithm, which keeps one instant for each limit). It counts
    what this process sends; beside other processes, and after ``MAX_KEPT`` connections, it is an estimate.
    """

    def __init__(self) -> None:
        self._instants: OrderedDict[tuple[str, ...], float] = OrderedDict()

    def wait_s(self, connection_id: str, method: str, limits: Sequence[Limit], now_s: float) -> float:
        """Return how many seconds the next call should wait; ``now_s`` is monotonic."""
        waits = [self._instants.get((connection_id, "held"), now_s) - now_s]
        for key, limit in _keys(connection_id, method, limits):
            burst, each_s = _shape(limit)
            waits.append(self._instants.get(key, now_s) - (burst - 1) * each_s - now_s)
        return max(0.0, *waits)

    def count(self, connection_id: str, method: str, limits: Sequence[Limit], now_s: float) -> None:
        """Take note of a call that is sent now."""
        for key, limit in _keys(connection_id, method, limits):
            self._keep(key, max(self._instants.get(key, now_s), now_s) + _shape(limit)[1])

    def hold(self, connection_id: str, until_s: float) -> None:
        """Take note that the provider wants no call of this connection before ``until_s``."""
        key = (connection_id, "held")
        self._keep(key, max(self._instants.get(key, until_s), until_s))

    def _keep(self, key: tuple[str, ...], instant_s: float) -> None:
        self._instants[key] = instant_s
        self._instants.move_to_end(key)
        while len(self._instants) > MAX_KEPT:
            self._instants.popitem(last=False)


def _keys(
    connection_id: str, method: str, limits: Sequence[Limit]
) -> Iterator[tuple[tuple[str, ...], Limit]]:
    for index, limit in enumerate(limits):
        yield (connection_id, str(index), method if limit.by == "method" else ""), limit


def _shape(limit: Limit) -> tuple[int, float]:
    """Return how many calls may come at once, and the seconds between those after them."""
    burst = max(1, limit.calls // 2)
    return burst, limit.per_s / max(1, limit.calls - burst)
