"""How many streams a workspace has open at this process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from app.api.graphql.limits import MAX_STREAMS_PER_WORKSPACE, TooMuchError

if TYPE_CHECKING:
    from app.foundation.telemetry import Metrics


class Streams:
    """Counts open streams per workspace and refuses more than the quota."""

    def __init__(self, metrics: Metrics, quota: int = MAX_STREAMS_PER_WORKSPACE) -> None:
        self._metrics = metrics
        self._quota = quota
        self._open: Counter[str] = Counter()

    @contextmanager
    def opened(self, workspace_id: str) -> Iterator[None]:
        """Count a stream while the block runs.

        Raises:
            TooMuchError: the workspace has as many open as it may.
        """
        if self._open[workspace_id] >= self._quota:
            raise TooMuchError("subscriptions", self._quota)
        self._open[workspace_id] += 1
        self._metrics.subscriptions.inc()
        try:
            yield
        finally:
            self._metrics.subscriptions.dec()
            self._open[workspace_id] -= 1
            if not self._open[workspace_id]:
                del self._open[workspace_id]
