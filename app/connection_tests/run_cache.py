"""Runs as this process last saw them, for their followers in it: the table stays the truth behind."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakValueDictionary

from app.connection_tests.steps import TestRunSnapshot


@dataclass(slots=True, weakref_slot=True, eq=False)
class CachedRun:
    """The newest picture of a run that is committed and known here; None: look into the table."""

    run: TestRunSnapshot | None = None


class RunCache:
    """Keeps each run's picture for as long as somebody here follows it or does it."""

    def __init__(self) -> None:
        self._runs: WeakValueDictionary[str, CachedRun] = WeakValueDictionary()

    def of(self, run_id: str) -> CachedRun:
        """Return the place of a run's picture, the same one for all who hold it."""
        return self._runs.setdefault(run_id, CachedRun())

    def forget(self, *run_ids: str) -> None:
        """Let followers look into the table: what this process knows is not true any more."""
        for run_id in run_ids:
            live = self._runs.get(run_id)
            if live is not None:
                live.run = None
