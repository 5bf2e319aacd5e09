"""The key ring of a running hub: it follows its key file, so that keys rotate without a restart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeAlias

import structlog

from app.foundation.clock import Clock
from app.vault.errors import KeyFileError
from app.vault.key_file import read_file_keys
from app.vault.keys import KeyProvider, KeyRing

CHECK_EVERY_S: Final = 1.0
_log = structlog.get_logger("patchbay.vault")
_Mark: TypeAlias = tuple[int, int, int, int, int]


class WatchedKeyRing(KeyRing):
    """The keys of a key file, read again when the file has changed.

    It checks the file's inode, size and times at most once a second, and whenever it is asked for a key that
    it does not hold. A file that cannot be read as a key file, such as one that is half written, changes nothing
    and is tried again. A key that is gone from the file is dropped a second later, if the file still stands so:
    nobody loses a key to a moment. ``services`` are keys of key services that open, too; with ``service_wraps`` the
    first of them wraps instead of the file's active key.

    Raises:
        KeyFileError: the file is not acceptable at the start.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        data_folder: Path | None = None,
        services: Sequence[KeyProvider] = (),
        service_wraps: bool = False,
    ) -> None:
        self._path = path
        self._clock = clock
        self._data_folder = data_folder
        self._services = services
        self._service_wraps = service_wraps
        self._seen = _mark(path)
        self._refused: _Mark | None = None
        self._next_check = clock.monotonic() + CHECK_EVERY_S
        self._drop_at: float | None = None
        super().__init__(*self._read())

    @property
    def keys(self) -> tuple[KeyProvider, ...]:
        """Every key, the active one first, as one check of the file found them."""
        self._check_file()
        return self._keys

    def get(self, key_id: str, version: str) -> KeyProvider | None:
        """Return the key that opens what this version of it wrapped, or None where the file does not hold it."""
        self._check_file()
        if super().get(key_id, version) is None:
            self.refresh()
        return super().get(key_id, version)

    def refresh(self) -> None:
        """Check the file at once."""
        self._next_check = self._clock.monotonic()
        self._check_file()

    def _check_file(self) -> None:
        now = self._clock.monotonic()
        if now < self._next_check:
            return
        self._next_check = now + CHECK_EVERY_S
        mark = _mark(self._path)
        is_settled = self._drop_at is not None and now >= self._drop_at
        if mark == self._seen and not is_settled:
            return
        try:
            fresh = self._read()
        except KeyFileError as fault:
            if mark != self._refused:
                _log.warning(
                    "the key file has changed and is not acceptable; its keys stay", fault=str(fault)
                )
            self._refused = mark
            return
        self._adopt(fresh, now, is_same=mark == self._seen)
        self._seen, self._refused = mark, None

    def _read(self) -> tuple[KeyProvider, ...]:
        file = read_file_keys(self._path, data_folder=self._data_folder)
        return (*self._services, *file) if self._service_wraps else (*file, *self._services)

    def _adopt(self, fresh: tuple[KeyProvider, ...], now: float, *, is_same: bool) -> None:
        ids = {key.key_id for key in fresh}
        gone = () if is_same else tuple(key for key in self._keys if key.key_id not in ids)
        self._drop_at = now + CHECK_EVERY_S if gone else None
        before = [key.key_id for key in self._keys]
        self._hold(*fresh, *gone)
        after = [key.key_id for key in self._keys]
        if after != before:
            _log.info("the keys have changed", active=after[0], decrypt_only=after[1:])


def _mark(path: Path) -> _Mark | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
