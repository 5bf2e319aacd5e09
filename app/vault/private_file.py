"""Private files on the disk: read only where nobody else can read them, made once, replaced whole or not at all."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from app.vault.errors import KeyFileError

MAX_FILE_BYTES: Final = 65_536
_ROOT: Final = 0  # who reads everything anyway
_OF_OTHERS: Final = stat.S_IRWXO | stat.S_IWGRP | stat.S_IXGRP
_AS_MOUNTED: Final = ", or where a secret is mounted: defaultMode 0440, and fsGroup a group of the hub's own"
_DRAFT_NAME: Final = re.compile(r"\.(.+)\.[0-9a-f]{16}")


def read_private(path: Path, apart_from: Path | None = None) -> str:
    """Read a text file that nobody else can read and that does not lie in ``apart_from``, followed through any link.

    It is ours or root's, and others have no right to it. A group may read it if it is one of ours: so secrets are
    mounted for a user who owns nothing (``fsGroup`` of Kubernetes).

    Raises:
        KeyFileError: saying what is wrong with it, never what it holds.
    """
    try:
        real = path.resolve(strict=True)
        if apart_from is not None and real.is_relative_to(apart_from.resolve()):
            raise KeyFileError("it lies in the data folder; keep it apart from the data it opens")
        # O_NONBLOCK: opening a pipe that nobody writes to must not hang the start.
        handle = os.open(real, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except PermissionError:
        raise KeyFileError(f"{_us()}, who may not read it{_AS_MOUNTED}") from None
    except OSError as fault:
        raise KeyFileError(f"it cannot be opened ({fault.strerror})") from None
    try:
        _require_private(os.fstat(handle))
        return os.read(handle, MAX_FILE_BYTES).decode("ascii")
    except UnicodeDecodeError:
        raise KeyFileError("it is not a text file") from None
    finally:
        os.close(handle)


def write_new(path: Path, content: bytes) -> None:
    """Make a file of mode 0400 that appears whole or not at all, and is on the disk when this returns.

    Raises:
        FileExistsError: something stands there already; it is left as it is.
        OSError: the file cannot be made.
    """
    with _draft(path, content, 0o400) as draft:
        path.hardlink_to(draft)  # unlike a rename, refuses where something stands already


def replace_whole(path: Path, content: bytes) -> None:
    """Put ``content`` in the place of a file, whose mode and group it keeps: readers see the old text or the new one.

    Drafts that a killed process left beside it go first. Call it as the :func:`sole_editor`.

    Raises:
        OSError: the file cannot be replaced; it is left as it is.
    """
    before = path.stat()
    for other in path.parent.iterdir():
        match = _DRAFT_NAME.fullmatch(other.name)
        if match and match[1] == path.name:
            other.unlink()
    with _draft(path, content, stat.S_IMODE(before.st_mode)) as draft:
        if draft.stat().st_gid != before.st_gid:
            os.chown(draft, -1, before.st_gid)
        draft.replace(path)


@contextmanager
def sole_editor(folder: Path) -> Iterator[None]:
    """Keep other editors of the folder's files out; the lock ends with the process.

    Raises:
        BlockingIOError: somebody else is editing at this moment.
        OSError: the folder cannot be opened.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def _require_private(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeyFileError("it is not a regular file")
    if status.st_uid not in {os.geteuid(), _ROOT}:
        raise KeyFileError(f"it belongs to user {status.st_uid}, but {_us()}")
    mode = stat.S_IMODE(status.st_mode)
    if mode & _OF_OTHERS:
        raise KeyFileError(f"its mode {mode:04o} lets others at it; set it with: chmod 0400{_AS_MOUNTED}")
    if mode & stat.S_IRGRP and status.st_gid not in _groups():
        raise KeyFileError(
            f"its mode {mode:04o} lets group {status.st_gid} read it, but {_us()}; set it with: chmod 0400{_AS_MOUNTED}"
        )
    if status.st_size > MAX_FILE_BYTES:
        raise KeyFileError("it is larger than any key file")


def _groups() -> set[int]:
    return {os.getegid(), *os.getgroups()}


def _us() -> str:
    groups = ", ".join(map(str, sorted(_groups())))
    return f"the hub runs as user {os.geteuid()} with the groups {groups}"


@contextmanager
def _draft(path: Path, content: bytes, mode: int) -> Iterator[Path]:
    """Write a file beside ``path`` for the caller to put in its place; the folder is then on the disk, too."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o400)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(handle, mode)
            os.fsync(handle)
        yield draft
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
