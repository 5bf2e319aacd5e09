"""Background work carried by taskiq: ids of due rows to whoever is free. The rows are the truth.

Losing the broker loses nothing (a sweep enqueues again what is due and unclaimed), and a second delivery does nothing
(a handler claims its row first).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from random import Random
from typing import Any, Final

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError
from taskiq import AsyncBroker, InMemoryBroker
from taskiq.receiver import Receiver
from taskiq.result_backends.dummy import DummyResultBackend
from taskiq_redis import RedisStreamBroker

from app.foundation.reconnect import redis_retry
from app.foundation.retry import backoff_s

_log = structlog.get_logger("patchbay.jobs")
_MAX_CONCURRENT: Final = 20
_MAX_WAITING: Final = 10_000
_LAST_WORDS_S: Final = 1.0
_BLOCK_MS: Final = 1_000
_RETURN_BASE_S: Final = 0.1
_RETURN_CAP_S: Final = 2.0
Handler = Callable[[str], Awaitable[None]]


class StreamBroker(RedisStreamBroker):
    """Reads the stream until it is told to stop, also where a cancellation was lost on the way through the client.

    Nothing is acknowledged or claimed from others: what a dead worker took is due again by its row. (The stock reader
    takes a lock without an end to claim: a worker that is killed with it stops all others.)
    """

    is_stopped = False

    async def listen(self) -> AsyncGenerator[bytes]:  # type: ignore[override]  # nothing to acknowledge
        """Yield messages as they come."""
        async with Redis(connection_pool=self.connection_pool) as redis:
            while not self.is_stopped:
                streams: Any = await redis.xreadgroup(
                    self.consumer_group_name,
                    self.consumer_name,
                    {self.queue_name: ">"},
                    count=_MAX_CONCURRENT,
                    block=_BLOCK_MS,
                    noack=True,
                )
                for _, entries in streams or ():
                    for _, message in entries:
                        yield message[b"data"]

    async def forget_reader(self) -> None:
        """Take this process out of the group's list of readers."""
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            async with (
                asyncio.timeout(_LAST_WORDS_S),
                Redis(connection_pool=self.connection_pool) as redis,
            ):
                await redis.xgroup_delconsumer(self.queue_name, self.consumer_group_name, self.consumer_name)


class Jobs:
    """Carries ``(kind, id)`` pairs to handlers: in memory, or by Redis streams to any process that runs them."""

    def __init__(self, redis_url: str | None, namespace: str) -> None:
        self._handlers: dict[str, Handler] = {}
        self._broker: AsyncBroker = (
            StreamBroker(
                redis_url,
                queue_name=f"patchbay:{namespace}:jobs",
                consumer_group_name="patchbay",
                consumer_id="0",  # a group that is made again misses nothing that came before it
                maxlen=_MAX_WAITING,
                retry=redis_retry(),
            )
            if redis_url
            else InMemoryBroker(max_async_tasks=_MAX_CONCURRENT)
        )
        self._broker.with_result_backend(DummyResultBackend())  # results are rows: nothing is kept here
        self._scaled = redis_url is not None
        self._receiver: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()
        self._running: set[asyncio.Future[None]] = set()

        async def run(kind: str, job_id: str) -> None:  # a function: taskiq names what it registers
            await self._run(kind, job_id)

        self._task = self._broker.register_task(run, task_name="patchbay.run")

    def handles(self, kind: str, handler: Handler) -> None:
        """Say who does jobs of ``kind``; the handler claims the row, so that doing it twice does nothing."""
        self._handlers[kind] = handler

    async def open(self, *, receive: bool) -> None:
        """Connect; with ``receive`` this process also does jobs. A broker that is away is waited for meanwhile."""
        self._broker.is_worker_process = self._scaled and receive
        if self._scaled and receive:
            self._receiver = asyncio.create_task(self._receive(), name="jobs-receiver")
            return
        try:
            await self._broker.startup()
        except (RedisError, OSError) as fault:
            _log.warning("redis is away; jobs wait for it", fault=type(fault).__name__)

    async def _receive(self) -> None:
        """Receive until the end. A receiver ends with the broker's connection or group, so another one follows."""
        attempt = 0
        rng = Random()  # noqa: S311 - spreads reconnects, guards nothing
        while not self._stop.is_set():
            began = asyncio.get_running_loop().time()
            receiver = Receiver(self._broker, max_async_tasks=_MAX_CONCURRENT, run_startup=False)
            try:
                await self._broker.startup()  # a Redis that was emptied has forgotten the group
                await receiver.listen(self._stop)
            except Exception as fault:  # noqa: BLE001 - whatever ends a receiver must not end the work
                lasted_s = asyncio.get_running_loop().time() - began
                attempt = 1 if lasted_s > _RETURN_CAP_S else attempt + 1
                _log.warning("jobs do not arrive; trying again", fault=type(fault).__name__, attempt=attempt)
                pause_s = backoff_s(attempt, base_s=_RETURN_BASE_S, cap_s=_RETURN_CAP_S, rng=rng)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), pause_s)

    async def close(self, patience_s: float = 5.0) -> None:
        """Let running jobs end for ``patience_s``, then stop them; what was cut off is due again by its row."""
        self._stop.set()
        if isinstance(self._broker, StreamBroker):
            self._broker.is_stopped = True
        if not await self._ended(patience_s):
            for job in self._running:
                job.cancel()  # a handler can give its row back
            await self._ended(_LAST_WORDS_S)
        if isinstance(self._broker, StreamBroker):
            await self._broker.forget_reader()
        if self._receiver is not None:
            self._receiver.cancel()
            await asyncio.wait([self._receiver], timeout=_LAST_WORDS_S + _BLOCK_MS / 1_000)
        with contextlib.suppress(RedisError, OSError):
            await self._broker.shutdown()

    async def _ended(self, patience_s: float) -> bool:
        """Wait until what carries jobs has ended with them; return whether it did."""
        if self._receiver is not None:
            done, _ = await asyncio.wait([self._receiver], timeout=patience_s)
            return bool(done)
        if isinstance(self._broker, InMemoryBroker):
            try:
                async with asyncio.timeout(patience_s):
                    await self._broker.wait_all()
            except TimeoutError:
                return False
        return True

    async def enqueue(self, kind: str, job_id: str) -> None:
        """Hand over a due row's id. A broker that is away is logged and left to the sweep."""
        try:
            await self._task.kiq(kind, job_id)
        except (RedisError, OSError, TimeoutError) as fault:
            _log.warning("job not enqueued; the sweep will", kind=kind, fault=type(fault).__name__)
        except Exception as fault:
            if not self._scaled:
                raise
            _log.warning("job not enqueued; the sweep will", kind=kind, fault=type(fault).__name__)

    async def _run(self, kind: str, job_id: str) -> None:
        handler = self._handlers.get(kind)
        if handler is None:
            _log.error("no handler for job", kind=kind)
            return
        job = asyncio.ensure_future(handler(job_id))
        self._running.add(job)
        try:
            await job
        except asyncio.CancelledError:
            if not (self._stop.is_set() and job.cancelled()):
                raise
            _log.info("job stopped with the hub; it is due again by its row", kind=kind, job_id=job_id)
        except Exception:  # noqa: BLE001 - a job's fault ends no worker; it is logged and due again
            _log.exception("job failed; it is due again by its row", kind=kind, job_id=job_id)
        finally:
            self._running.discard(job)
