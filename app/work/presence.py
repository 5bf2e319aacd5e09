"""Who else works on a SQLite file: a lock of the operating system, which ends with its process however that ends."""

from __future__ import annotations

import asyncio
import fcntl
from io import TextIOWrapper
from pathlib import Path
from typing import Final

from app.foundation.database import Database, sqlite_path

_SUFFIX: Final = ".working"


class Presence:
    """Holds a shared lock beside the database for as long as this process may claim work.

    On PostgreSQL processes live on several hosts: nobody can know who lives, and leases run out by themselves.
    """

    def __init__(self, database: Database) -> None:
        path = sqlite_path(database.url)
        is_file = database.dialect == "sqlite" and not path.startswith(":")
        self._path = Path(path + _SUFFIX) if is_file else None
        self._file: TextIOWrapper | None = None

    def is_alone(self) -> bool:
        """Take the lock if nobody has it; return whether this is the only process that lives."""
        if self._path is None:
            return False
        self._file = self._path.open("w")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    async def share(self) -> None:
        """Keep the lock together with every other process; one that starts has it alone for a moment."""
        if self._file is not None:
            await asyncio.to_thread(fcntl.flock, self._file, fcntl.LOCK_SH)

    def leave(self) -> None:
        """Give the lock back."""
        if self._file is not None:
            self._file.close()
