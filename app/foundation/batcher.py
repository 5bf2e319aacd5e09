"""Batches items that are submitted at the same time, so that many share one transaction and one write to the disk."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from app.foundation.errors import StorageBusyError

Item = TypeVar("Item")
Result = TypeVar("Result")
MAX_BATCH = 50


class Batcher(Generic[Item, Result]):
    """Collects items while a batch is running; the next batch takes all of them. Nobody waits on a timer.

    ``run_batch`` returns its results in the order of its items, and either does all of them or, where it raises,
    none: then each runs alone, so that one that cannot be done fails by itself; only a busy database fails all.
    It runs in a task with an empty context, so it never joins a caller's transaction; a caller that is cancelled
    stops waiting, and the batch runs all the same.
    """

    def __init__(
        self, run_batch: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]], max_batch: int = MAX_BATCH
    ) -> None:
        self._run_batch = run_batch
        self._max_batch = max_batch
        self._pending: list[tuple[Item, asyncio.Future[Result]]] = []
        self._task: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Result:
        """Run ``item`` in the next batch and return its result.

        Raises:
            Exception: what ``run_batch`` raised for it alone.
        """
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._pending.append((item, answer))
        if self._task is None:
            self._task = asyncio.create_task(self._work(), name="batcher", context=contextvars.Context())
        return await answer

    async def _work(self) -> None:
        try:
            while self._pending:
                batch, self._pending = self._pending[: self._max_batch], self._pending[self._max_batch :]
                await self._run(batch)
        finally:
            self._task = None
            for _, answer in self._pending:
                answer.cancel()

    async def _run(self, batch: Sequence[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            answers = await self._run_batch([item for item, _ in batch])
        except Exception as fault:  # noqa: BLE001 - it is raised where it was submitted
            if len(batch) == 1 or isinstance(fault, StorageBusyError):
                for _, future in batch:
                    if not future.done():
                        future.set_exception(fault if len(batch) == 1 else StorageBusyError())
                return
        else:
            for (_, future), answer in zip(batch, answers, strict=True):
                if not future.done():
                    future.set_result(answer)
            return
        for each in batch:
            await self._run([each])
