"""The key file: one key per line, readable by its owner alone, made once and changed by commands for keys alone.

::

    # comment
    <label> <base64 of 32 random bytes> [active]

A single key is active without the word, and may stand without a label. With several, exactly one is active:
it wraps new data keys, the others open what they wrapped. A key's id is made of its label and its bytes, so a
label is never changed while anything is wrapped under it.
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from app.foundation.secret import Secret
from app.vault.envelope import KEY_BYTES
from app.vault.errors import KeyFileError, KeyFileExistsError
from app.vault.keys import LABEL, FileKeyProvider, KeyRing, LocalKeyProvider, require_strong
from app.vault.private_file import read_private, write_new

K = TypeVar("K", bound=LocalKeyProvider)
DEFAULT_FILE_LABEL: Final = "local"
DEFAULT_ENV_LABEL: Final = "env"
_ACTIVE: Final = "active"
_STANDARD_ALPHABET: Final = str.maketrans("-_", "+/")
_ELSEWHERE: Final = " Make it where you can write (patchbay keys init FILE) and name it in PATCHBAY_KEY_FILE."
_HEADER: Final = """\
# Patchbay key file: whoever has it and the database can read every credential; whoever loses it, none.
# Keep a copy in a safe place, apart from the backups of the database.
# One key per line: <label> <base64 of 32 random bytes> [active]
"""


@dataclass(frozen=True, slots=True)
class KeyLine:
    """One key of a key file."""

    label: str
    material: bytes = field(repr=False)
    active: bool


def parse_key_lines(text: str, default_label: str) -> tuple[KeyLine, ...]:
    """Read the lines of a key file, in their order.

    Raises:
        KeyFileError: naming the line and the fault; the message holds no part of a key.
    """
    lines = [
        _parse_line(number, words, default_label)
        for number, line in enumerate(text.splitlines(), 1)
        if (words := line.partition("#")[0].split())
    ]
    if not lines:
        raise KeyFileError("it holds no key")
    if min(len({line.label for line in lines}), len({line.material for line in lines})) < len(lines):
        raise KeyFileError("it holds two keys of the same label, or one key twice")
    if len(lines) == 1:
        return (KeyLine(lines[0].label, lines[0].material, active=True),)
    if sum(line.active for line in lines) != 1:
        raise KeyFileError("with several keys, exactly one line ends with the word 'active'")
    return tuple(lines)


def format_key_lines(lines: tuple[KeyLine, ...]) -> str:
    """Return the text of a key file that holds these keys; :func:`parse_key_lines` reads it back."""
    return _HEADER + "".join(f"{format_key_line(line)}\n" for line in lines)


def format_key_line(line: KeyLine) -> str:
    """Return the line of one key, without its line end."""
    mark = f" {_ACTIVE}" if line.active else ""
    return f"{line.label} {base64.b64encode(line.material).decode('ascii')}{mark}"


def read_file_keys(path: Path, *, data_folder: Path | None = None) -> tuple[FileKeyProvider, ...]:
    """Read the keys of the key file, the active one first.

    It must be a regular file of ours that group and others cannot touch, and, followed through any link, must
    not lie in ``data_folder``: a backup of the data would hold the key to it.

    Raises:
        KeyFileError: naming the file and the fault.
    """
    try:
        lines = parse_key_lines(read_private(path, data_folder), DEFAULT_FILE_LABEL)
        return _keys(lines, FileKeyProvider)
    except KeyFileError as fault:
        raise KeyFileError(f"The key file {path} is not acceptable: {fault}.") from None


def env_ring(value: Secret) -> KeyRing:
    """Read a ring from a variable's value: the lines of a key file, with ``;`` for the line ends.

    Raises:
        KeyFileError: naming the fault.
    """
    text = Secret(value.reveal().replace(";", "\n"))
    return ring_of_lines(text, DEFAULT_ENV_LABEL, "The key in the environment")


def ring_of_lines(text: Secret, default_label: str, source: str) -> KeyRing:
    """Read a ring from the lines of a key file that stand elsewhere; ``source`` says in faults where.

    Raises:
        KeyFileError: naming the source and the fault.
    """
    try:
        lines = parse_key_lines(text.reveal(), default_label)
        return KeyRing(*_keys(lines, LocalKeyProvider))
    except KeyFileError as fault:
        raise KeyFileError(f"{source} is not acceptable: {fault}.") from None


def create_key_file(path: Path, label: str = DEFAULT_FILE_LABEL) -> None:
    """Make a key file with one fresh key, mode 0400, in a folder that only we can enter.

    It appears whole or not at all, whenever the process dies, and is on the disk when this returns. At start
    use :func:`app.vault.start_up.prepare_key_file`, which makes no new key where an older one sealed data.

    Raises:
        KeyFileExistsError: something stands there already; it is left as it is.
        KeyFileError: the folder or the file cannot be made.
    """
    line = KeyLine(label, secrets.token_bytes(KEY_BYTES), active=True)
    require_strong(line.material)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as fault:
        raise KeyFileError(
            f"The folder {path.parent} of the key file cannot be made: {fault.strerror}.{_ELSEWHERE}"
        ) from None
    try:
        write_new(path, format_key_lines((line,)).encode("ascii"))
    except FileExistsError:
        raise KeyFileExistsError(f"The key file {path} exists already; it is never overwritten.") from None
    except OSError as fault:
        raise KeyFileError(f"The key file {path} cannot be made: {fault.strerror}.{_ELSEWHERE}") from None


def _parse_line(number: int, words: list[str], default_label: str) -> KeyLine:
    active = len(words) > 1 and words[-1] == _ACTIVE
    rest = words[:-1] if active else words
    if len(rest) == 1:
        rest = [default_label, *rest]
    if len(rest) != 2 or not LABEL.fullmatch(rest[0]):  # noqa: PLR2004 - a label and a key
        raise KeyFileError(f"line {number} is not of the form: <label> <base64 of 32 random bytes> [active]")
    try:
        encoded = rest[1].translate(_STANDARD_ALPHABET)
        material = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
        require_strong(material)
    except ValueError:
        raise KeyFileError(f"the key in line {number} is not base64") from None
    except KeyFileError as fault:
        raise KeyFileError(f"line {number}: {fault}") from None
    return KeyLine(rest[0], material, active)


def _keys(lines: tuple[KeyLine, ...], kind: type[K]) -> tuple[K, ...]:
    return tuple(kind(line.label, line.material) for line in sorted(lines, key=lambda line: not line.active))
