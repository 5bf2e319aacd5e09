"""A process that does work of the kind ``test``, for tests of several of them: ``python -m ... URL FILE HOW [LATER]``.

It writes a line per try to FILE. HOW is ``drain`` (do what is due, and end) or ``hang`` (claim, and never end). Its
clock is LATER seconds ahead.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from app.foundation.clock import SystemClock
from app.foundation.database import Database
from app.foundation.telemetry import Metrics
from app.foundation.wakeups import Wakeups
from app.work.dispatcher import Dispatcher
from app.work.kind import WorkKind
from app.work.queue import WorkQueue


class LaterClock(SystemClock):
    def __init__(self, later_s):
        self._later = timedelta(seconds=later_s)

    def now(self):
        return super().now() + self._later


async def main(url, file, how, later_s=0.0):
    database, wakeups = Database(url, LaterClock(float(later_s))), Wakeups(None, "test")
    await database.open()
    await wakeups.open()
    queue = WorkQueue(database, wakeups)

    async def handle(claim):
        with Path(file).open("a") as lines:
            lines.write(f"{claim.subject} {claim.fence} {claim.interruptions}\n")
        if how == "hang":
            print("hanging", flush=True)
            await asyncio.Event().wait()

    queue.register(WorkKind("test", handle))
    await queue.open()
    dispatcher = Dispatcher(database, queue, wakeups, Metrics())
    print("ready", flush=True)
    sys.stdin.readline()
    await dispatcher.drain()
    await queue.close()
    await wakeups.close()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
