"""Changes to the keys of a key file: one more, another active one, one less; comments stay where they are."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeAlias

from app.vault.envelope import KEY_BYTES
from app.vault.errors import KeyFileError, KeyRefusedError
from app.vault.key_file import DEFAULT_FILE_LABEL, KeyLine, format_key_line, parse_key_lines
from app.vault.keys import LABEL, local_key_id, require_strong
from app.vault.private_file import read_private, replace_whole, sole_editor

Lines: TypeAlias = tuple[KeyLine, ...]
_NUMBERED: Final = re.compile(r"(.*?)(?:-\d+)?")
_LONGEST_LABEL: Final = 28  # leaves room for a number


def new_line(label: str) -> KeyLine:
    """Return a fresh key that opens but does not wrap yet.

    Raises:
        KeyRefusedError: the label is not one.
    """
    if not LABEL.fullmatch(label):
        raise KeyRefusedError(
            "A label is up to 32 lower-case letters, digits and hyphens, and begins with a letter."
        )
    line = KeyLine(label, secrets.token_bytes(KEY_BYTES), active=False)
    require_strong(line.material)
    return line


def free_label(taken: Collection[str], like: str) -> str:
    """Return a label that is not taken: ``local-2`` after ``local``, ``local-3`` after that."""
    match = _NUMBERED.fullmatch(like)
    stem = (match[1] if match else like)[:_LONGEST_LABEL]
    return next(label for number in range(2, len(taken) + 3) if (label := f"{stem}-{number}") not in taken)


def with_key(lines: Lines, line: KeyLine) -> Lines:
    """Return the lines with one more key behind them.

    Raises:
        KeyRefusedError: its label is taken.
    """
    if any(line.label == other.label for other in lines):
        raise KeyRefusedError(
            f"A key with the label {line.label} stands there already. Choose another label."
        )
    return (*lines, line)


def with_active(lines: Lines, key_id: str) -> Lines:
    """Return the lines with this key as the active one.

    Raises:
        KeyRefusedError: it is not among them.
    """
    if not any(line_id(line) == key_id for line in lines):
        raise KeyRefusedError(f"The key {key_id} is not there.")
    return tuple(replace(line, active=line_id(line) == key_id) for line in lines)


def without_key(lines: Lines, key_id: str) -> Lines:
    """Return the lines without this key; where it is not among them nothing changes.

    Raises:
        KeyRefusedError: it is the active one, or the only one.
    """
    kept = tuple(line for line in lines if line_id(line) != key_id)
    if kept and not any(line.active for line in kept):
        raise KeyRefusedError(f"The key {key_id} is the active one. Promote another one first.")
    if not kept:
        raise KeyRefusedError(f"The key {key_id} is the only one there: delete it with its file.")
    return kept


def line_id(line: KeyLine) -> str:
    """Return the id of a line's key."""
    return local_key_id(line.label, line.material)


def edit_key_file(path: Path, change: Callable[[Lines], Lines], *, data_folder: Path | None = None) -> None:
    """Rewrite the key file with what ``change`` makes of its keys; whoever reads it sees the old or the new text.

    Raises:
        KeyFileError: the file is not acceptable, or cannot be rewritten; it is as it was.
        KeyRefusedError: ``change`` refuses, or another command edits the file at this moment.
    """
    try:
        real = path.resolve(strict=True)
        with sole_editor(real.parent):
            text = read_private(path, data_folder)
            lines = parse_key_lines(text, DEFAULT_FILE_LABEL)
            wanted = change(lines)
            if wanted != lines:
                replace_whole(real, rewritten(text, wanted).encode("ascii"))
    except BlockingIOError:
        raise KeyRefusedError(f"Another command edits {path} at this moment. Try again.") from None
    except OSError as fault:
        raise KeyFileError(
            f"The key file {path} cannot be rewritten: {fault.strerror}. Where it is mounted to be read alone, run "
            "this with PATCHBAY_KEY_FILE set to a copy that can be written, and put the copy in its place."
        ) from None
    except KeyFileError as fault:
        raise KeyFileError(f"The key file {path} is not acceptable: {fault}.") from None


def rewritten(text: str, wanted: Lines) -> str:
    """Return a key file's text changed to hold the wanted keys; its comments and their places stay.

    Raises:
        KeyFileError: the text is not one of a key file.
    """
    left = {line.label: line for line in wanted}
    kept = []
    for row in text.splitlines():
        code, mark, comment = row.partition("#")
        if not code.split():
            kept.append(row)
            continue
        # Alone, a key may stand without its label; the rules that say so are those of the reader.
        label = parse_key_lines(code, DEFAULT_FILE_LABEL)[0].label
        if label in left:
            tail = f"  # {comment.strip()}" if mark else ""
            kept.append(format_key_line(left.pop(label)) + tail)
    return "\n".join([*kept, *map(format_key_line, left.values())]) + "\n"
