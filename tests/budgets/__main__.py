"""Prints what each operation costs and what it may: ``python -m tests.budgets [part of a name]``.

SQLite always, PostgreSQL and Redis where they answer. With a part of a name the statements themselves are printed too.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path

import structlog

from tests import databases
from tests.budgets.operations import OPERATIONS, Operation
from tests.budgets.stage import stage

_WIDTH = 150


async def measure(url: str, folder: Path, redis_url: str | None, wanted: str) -> dict[Operation, list[str]]:
    found = {}
    async with stage(url, folder, redis_url) as ready:
        for operation in OPERATIONS:
            if wanted in operation.name:
                await ready.count(operation)
                found[operation] = list(ready.statements.texts)
    return found


def main(wanted: str) -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    is_scaled = databases.postgres_is_there() and databases.redis_is_there()
    with (
        tempfile.TemporaryDirectory() as name,
        databases.postgres_of_session() if is_scaled else nullcontext() as url,
    ):
        folder = Path(name)
        sqlite = databases.sqlite_clone(databases.sqlite_template(folder), folder)
        figures = {"SQLite": asyncio.run(measure(sqlite, folder, None, wanted))}
        if url is not None:
            figures["PostgreSQL"] = asyncio.run(measure(url, folder, databases.REDIS, wanted))
    return report(figures, with_statements=bool(wanted))


def report(figures: dict[str, dict[Operation, list[str]]], *, with_statements: bool) -> int:
    over = 0
    print(f"{'statements of':<40} {'budget':>6}  " + "  ".join(f"{name:>10}" for name in figures))
    for operation in next(iter(figures.values())):
        counts = [len(found[operation]) for found in figures.values()]
        over += max(counts) > operation.budget
        print(f"{operation.name:<40} {operation.budget:>6}  " + "  ".join(f"{count:>10}" for count in counts))
        for name, found in figures.items() if with_statements else ():
            print(f"  {name}", *(text[:_WIDTH] for text in found[operation]), sep="\n    ")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main(" ".join(sys.argv[1:])))
