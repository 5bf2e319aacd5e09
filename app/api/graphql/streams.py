"""How many streams are open at this process, and by whom: nobody can take them all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from app.access.actor import Actor
from app.api.graphql.limits import TooMuchError

if TYPE_CHECKING:
    from app.foundation.telemetry import Metrics

TOKENS_SHARE: Final = 4
MEMBERS_SHARE: Final = 2


class Streams:
    """Counts open streams and refuses more than a share of the workspace's quota.

    One token or session has a quarter of it at most, one member half, and all together the whole.
    """

    def __init__(self, metrics: Metrics, quota: int) -> None:
        self._metrics = metrics
        self._quota = quota
        self._open: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def opened(self, actor: Actor) -> Iterator[None]:
        """Count a stream while the block runs.

        Raises:
            TooMuchError: the token or session, the member or the workspace has as many open as it may.
        """
        shares = self._shares(actor)
        for key, maximum in shares.items():
            if self._open[key] >= maximum:
                raise TooMuchError(f"subscriptions of this {key[0]}", maximum)
        self._open.update(shares.keys())
        self._metrics.subscriptions.inc()
        try:
            yield
        finally:
            self._metrics.subscriptions.dec()
            self._open.subtract(shares.keys())
            self._open = +self._open

    def _shares(self, actor: Actor) -> dict[tuple[str, str], int]:
        return {
            ("token or session", actor.session_id or actor.id): max(self._quota // TOKENS_SHARE, 1),
            ("member", actor.member_id or actor.id): max(self._quota // MEMBERS_SHARE, 1),
            ("workspace", actor.workspace_id): self._quota,
        }
