"""Timing the stages of one outbound call, and reporting them while they happen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.foundation.clock import Clock
from app.foundation.messages import StageState, Timings, TraceEvent, TraceStage


class Tracer:
    """Times the stages of one call and reports them live. At most one stage is open at a time."""

    def __init__(self, clock: Clock, sink: Callable[[TraceEvent], None] | None) -> None:
        self._clock = clock
        self._sink = sink
        self._began = self._hop_began = self._stage_began = clock.monotonic()
        self._open: TraceStage | None = None
        self._took: dict[TraceStage, int] = {}
        self._seen: set[TraceStage] = set()
        self._first_byte_ms: int | None = None

    def begin_hop(self) -> None:
        """Forget the stages of the hop before."""
        self._took, self._seen, self._first_byte_ms = {}, set(), None
        self._hop_began = self._clock.monotonic()

    def has_seen(self, stage: TraceStage) -> bool:
        """Return whether the stage began in this hop."""
        return stage in self._seen

    def start(self, stage: TraceStage, **evidence: object) -> None:
        """Open a stage."""
        self._open, self._stage_began = stage, self._clock.monotonic()
        self._seen.add(stage)
        self._emit(stage, "started", evidence)

    def done(self, stage: TraceStage, **evidence: object) -> bool:
        """Close the stage and return True, if it is the open one."""
        if self._open != stage:
            return False
        self._open = None
        self._took[stage] = _ms(self._stage_began, self._clock.monotonic())
        self._emit(stage, "done", evidence)
        return True

    def redirected(self, status: int, target: str) -> None:
        """Report a redirect, whether it is followed or not."""
        self._emit("redirect", "done", {"status": status, "to": target})

    def failed(self, code: str) -> None:
        """Close the open stage, if any, as failed."""
        if self._open is not None:
            stage, self._open = self._open, None
            self._emit(stage, "failed", {"code": code})

    def first_byte(self) -> None:
        """Mark that the answer's head is here."""
        self._first_byte_ms = _ms(self._hop_began, self._clock.monotonic())

    def timings(self) -> Timings:
        """Return the last hop's stages and the call's total."""
        took = self._took
        total = _ms(self._began, self._clock.monotonic())
        return Timings(took.get("resolve"), took.get("connect"), took.get("tls"), self._first_byte_ms, total)

    def _emit(self, stage: TraceStage, state: StageState, evidence: dict[str, Any]) -> None:
        if self._sink is not None:
            self._sink(TraceEvent(stage, state, _ms(self._began, self._clock.monotonic()), evidence))


def _ms(began: float, ended: float) -> int:
    return round((ended - began) * 1000)
