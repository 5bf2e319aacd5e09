"""What the database's faults mean: it is busy, it is away or takes nothing, or it is ours to mend."""

from __future__ import annotations

from typing import Final

from app.foundation.errors import StorageBusyError, StorageUnavailableError

# Serialization failure, deadlock, lock not available (PostgreSQL, appendix A).
_BUSY_STATES: Final = frozenset({"40001", "40P01", "55P03"})
# Read only; disk full, out of memory, too many connections; stopped, crashed, not up yet; I/O error.
_AWAY_STATES: Final = frozenset({"25006", "53100", "53200", "53300", "57P01", "57P02", "57P03", "58030"})
_CONNECTION_CLASS: Final = "08"
_BUSY_WORDS: Final = ("locked", "busy")  # SQLITE_BUSY, SQLITE_LOCKED
# SQLITE_READONLY, SQLITE_FULL, SQLITE_IOERR, SQLITE_CANTOPEN.
_AWAY_WORDS: Final = ("readonly", "disk is full", "disk i/o error", "unable to open")
_LOST_WORDS: Final = ("is closed", "was closed", "is closing")  # asyncpg's InterfaceError
_DRIVER: Final = "asyncpg"


def storage_fault(fault: BaseException) -> StorageBusyError | None:
    """Return the error that a fault of the ORM or a driver is to callers; None where the statement is at fault.

    The ORM passes some of the driver's faults on as they are, and wraps others.
    """
    parts = [fault, *(each for each in fault.args if isinstance(each, BaseException))]
    states = {str(getattr(each, "sqlstate", None)) for each in parts}
    if states & _BUSY_STATES:
        return StorageBusyError()
    if states & _AWAY_STATES or any(state.startswith(_CONNECTION_CLASS) for state in states):
        return StorageUnavailableError()
    text = str(fault).lower()
    kinds = {type(each).__name__ for each in parts}
    if "OperationalError" in kinds and any(word in text for word in _BUSY_WORDS):
        return StorageBusyError()
    if "OperationalError" in kinds and any(word in text for word in _AWAY_WORDS):
        return StorageUnavailableError()
    is_lost = type(fault).__module__.startswith(_DRIVER) and any(word in text for word in _LOST_WORDS)
    return StorageUnavailableError() if is_lost else None


def connection_fault(fault: BaseException) -> StorageBusyError | None:
    """Return the same for what a driver's own call raised: there the network's faults are the database's."""
    if isinstance(fault, StorageBusyError):
        return None
    return StorageUnavailableError() if isinstance(fault, OSError | TimeoutError) else storage_fault(fault)
