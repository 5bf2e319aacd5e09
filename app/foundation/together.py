"""Doing together what is asked for at the same time, so that many share one transaction and one write to the disk."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from app.foundation.errors import StorageBusyError

A = TypeVar("A")
R = TypeVar("R")
MOST = 50


class Together(Generic[A, R]):
    """Gathers what is asked for while an act is under way; the next act does all of it. Nobody waits on a timer.

    ``act`` answers its items in their order, and either does all of them or, where it raises, nothing: then each is
    done alone, so that one that cannot be done fails by itself; only a busy database is busy for all. It runs in a
    task with an empty context, whoever asks, so it never joins a caller's transaction; a caller that is cancelled
    stops waiting, and the act is done all the same.
    """

    def __init__(self, act: Callable[[Sequence[A]], Awaitable[Sequence[R]]], most: int = MOST) -> None:
        self._act = act
        self._most = most
        self._asked: list[tuple[A, asyncio.Future[R]]] = []
        self._task: asyncio.Task[None] | None = None

    async def ask(self, item: A) -> R:
        """Have ``item`` done with others and return its answer.

        Raises:
            Exception: what ``act`` raised for it alone.
        """
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._asked.append((item, answer))
        if self._task is None:
            self._task = asyncio.create_task(self._work(), name="together", context=contextvars.Context())
        return await answer

    async def _work(self) -> None:
        try:
            while self._asked:
                batch, self._asked = self._asked[: self._most], self._asked[self._most :]
                if len(batch) == 1 or not await self._do(batch):
                    for each in batch:
                        await self._do_alone(*each)
        finally:
            self._task = None
            for _, answer in self._asked:
                answer.cancel()

    async def _do(self, batch: Sequence[tuple[A, asyncio.Future[R]]]) -> bool:
        try:
            answers = await self._act([item for item, _ in batch])
        except StorageBusyError:
            for _, future in batch:
                if not future.done():
                    future.set_exception(StorageBusyError())
            return True
        except Exception:  # noqa: BLE001 - it is raised again for whom it concerns
            return False
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)
        return True

    async def _do_alone(self, item: A, future: asyncio.Future[R]) -> None:
        try:
            (answer,) = await self._act([item])
        except Exception as fault:  # noqa: BLE001 - it is raised where it was asked for
            if not future.done():
                future.set_exception(fault)
        else:
            if not future.done():
                future.set_result(answer)
